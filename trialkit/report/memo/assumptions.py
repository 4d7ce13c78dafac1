"""The assumptions of a power calculation as rows, made from the arguments of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from trialkit.errors import UsageError
from trialkit.report.memo import phrases as p
from trialkit.report.memo.answers import Answers
from trialkit.report.memo.questions import Question
from trialkit.report.words.en.memo import MemoWords

# arguments that are said elsewhere on the page: sizes, the effect, the test
ELSEWHERE = frozenset(
    {"effect", "power", "alpha", "alternative", "test", "method", "standardizer", "effect_on", "allocation"}
    | {"n", "n_per_arm", "treated", "controls", "clusters", "cluster_size"}
    | {"groups", "group_size", "control_groups", "control_group_size"}
)
VARIANCES = ("var_group", "var_resid", "var_control")
ALWAYS = ("attrition", "take_up", "baseline_correlation")
_EXPLAINED = ("individual_r2", "cluster_r2", "baseline_r2", "cluster_autocorrelation")
_SILENT_AT = {"size_cv": 0.0, "subclusters_per_cluster": 1.0, "subcluster_icc": 0.0}


@dataclass(frozen=True, slots=True)
class Row:
    """An assumption: its argument, its label and its value in words."""

    key: str
    label: str
    value: str


def assumption_rows(w: MemoWords, q: Question) -> Iterator[Row]:
    """Every assumption of the call, in the order of its arguments; an argument without words is refused."""
    inputs = q.base()
    unknown = [k for k in inputs if k not in ELSEWHERE and k not in VARIANCES and k not in w.assumptions]
    if unknown:
        raise UsageError(
            f"the memo has no words for the assumption '{unknown[0]}' in this language: it is refused rather than half translated."
        )
    if "var_group" in inputs:
        yield Row("variances", w.assumptions["variances"], "; ".join(p.number(w, inputs[k]) for k in VARIANCES))
    for key in (k for k in w.assumptions if k in inputs and k not in ALWAYS):
        if key == "sd" and ("var_group" in inputs or q.rate is not None):
            continue
        if key in ELSEWHERE or inputs[key] == _SILENT_AT.get(key):
            continue
        yield Row(key, w.assumptions[key], _value(w, q, key, inputs[key]))
    if "control_groups" in inputs and "control_icc" not in inputs and "icc" in inputs:
        yield Row("control_icc", w.assumptions["control_icc"], p.number(w, inputs["icc"]))
    yield Row("attrition", w.assumptions["attrition"], _attrition(w, inputs.get("attrition", 0.0)))
    yield Row(
        "take_up", w.assumptions["take_up"], _take_up(w, q, inputs.get("take_up", 1.0), inputs.get("effect_on", "compliers"))
    )
    r = inputs.get("baseline_correlation")
    if r is not None or not any(inputs.get(k) for k in _EXPLAINED):
        yield Row("baseline_correlation", w.assumptions["baseline_correlation"], w.no_baseline if r is None else p.number(w, r))


def _value(w: MemoWords, q: Question, key: str, value: Any) -> str:
    if key == "sd":
        if isinstance(value, tuple):
            return p.by_arm(w, value, p.number)
        return w.standard_units if q.unit == "sd" else w.equal_sd.format(sd=p.number(w, value))
    if key == "control_rate":
        return p.percent(w, q.rate)
    form: Callable[[MemoWords, Any], str] = p.percent if key in p.SHARES else p.number
    return p.by_arm(w, value, form)


def _attrition(w: MemoWords, value: Any) -> str:
    return w.nobody if value in (0.0, (0.0, 0.0)) else p.by_arm(w, value, p.percent)


def _take_up(w: MemoWords, q: Question, value: Any, effect_on: str) -> str:
    if q.share is not None and "takers" in q.more:
        taking = q.more["takers"].effect
        inside = f"{p.number(w, 100 * abs(taking))} {w.points}" if q.rate is not None else p.short_effect(w, q, taking)
        return w.takers_value.format(share=p.percent(w, q.share), effect=inside)
    if value in (1.0, (1.0, 0.0)):
        return w.everyone
    share = p.by_arm(w, value, p.percent)
    if effect_on == "assigned":
        return w.on_assigned.format(share=share)
    assigned = q.result.effect_assigned
    inside = f"{p.number(w, 100 * abs(assigned))} {w.points}" if q.rate is not None else p.short_effect(w, q, assigned)
    return w.on_compliers.format(share=share, effect=inside)


def source_of_icc(w: MemoWords, found: Answers) -> str:
    """The published range beside the assumed ICC."""
    assert found.published is not None
    low, _, high = found.published.quartiles
    named = "Baldwin, Stice & Rohde 2008"
    return w.published_icc.format(low=p.number(w, low), high=p.number(w, high), source=named)
