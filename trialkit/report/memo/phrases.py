"""Numbers and the phrases around them, in the language of the words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialkit.errors import UsageError
from trialkit.power import words as power_words
from trialkit.power.result import PowerResult
from trialkit.report.memo.questions import Question
from trialkit.report.words.en.memo import MemoWords

SHARES = ("control_rate", "attrition", "take_up", "individual_r2", "cluster_r2", "baseline_r2", "strata_r2")


def number(w: MemoWords, value: Any) -> str:
    """Three significant digits, as `trialkit.power.words.number` has them."""
    v = float(value)
    if not math.isfinite(v):
        return w.undefined if math.isnan(v) else w.unlimited
    return marked(w, power_words.number(v))


def size(w: MemoWords, value: Any) -> str:
    """People or groups: whole as they are, otherwise with one decimal."""
    return marked(w, power_words.size(value))


def percent(w: MemoWords, share: Any) -> str:
    """'80%'; never rounded to 0% or 100% from within."""
    p = 100 * float(share)
    if 0 < p < 0.05:
        return marked(w, "<0.1%")
    if 99.95 <= p < 100:
        return marked(w, ">99.9%")
    return marked(w, f"{p:.1f}".removesuffix(".0") + "%")


def small(w: MemoWords, share: Any) -> str:
    """A probability that may be tiny, as a percentage."""
    p = 100 * float(share)
    return marked(w, "<0.01%" if p < 0.01 else f"{p:.2g}%")


def marked(w: MemoWords, text: str) -> str:
    """The signs of the language for the point and the comma of a number."""
    return text.translate({ord(","): w.numbers.thousands, ord("."): w.numbers.decimal}).replace("-", "−")


def word(found: Mapping[str, str], key: str, what: str) -> str:
    """A word by its key; without one nothing is printed in another language."""
    if key not in found:
        raise UsageError(
            f"the memo has no words for the {what} '{key}' in this language: it is refused rather than half translated."
        )
    return found[key]


def sizes(w: MemoWords, result: PowerResult) -> str:
    """The design as the object of 'with'."""
    d = result.details["as_asked"]
    if result.function == "clustered":
        listed = isinstance(d["cluster_size"], tuple)
        arms = tuple(map(len, d["cluster_size"])) if listed else d["allocation"]
        template = w.unequal_clusters if listed else w.clusters
        return template.format(
            treated=size(w, arms[0]), controls=size(w, arms[1]), size="" if listed else size(w, d["cluster_size"])
        )
    if result.function == "grouped":
        return f"{groups(w, result)} {_AND[w.language]} {_controls(w, d)}"
    if math.isclose(d["treated"], d["controls"], rel_tol=1e-12):
        return w.people_equal.format(n=size(w, d["treated"]))
    return w.people_unequal.format(treated=size(w, d["treated"]), controls=size(w, d["controls"]))


_AND = {"en": "and", "nl": "en"}


def groups(w: MemoWords, result: PowerResult) -> str:
    d = result.details["as_asked"]
    if isinstance(d["group_size"], tuple):
        return w.groups.format(groups=len(d["group_size"]), size=_span(w, d["group_size"]))
    return w.groups.format(groups=size(w, d["groups"]), size=size(w, d["group_size"]))


def _controls(w: MemoWords, d: Mapping[str, Any]) -> str:
    if "control_groups" in d:
        return w.control_groups.format(n=size(w, d["control_groups"]), size=size(w, d["control_group_size"]))
    return w.controls.format(n=size(w, d["controls"]))


def _span(w: MemoWords, listed: tuple[float, ...]) -> str:
    low, high = min(listed), max(listed)
    if low == high:
        return size(w, low)
    return (w.two_sizes if high - low == 1 else w.size_range).format(low=size(w, low), high=size(w, high))


def reached(question: Question, effect: float) -> float:
    """The share in the treated arm; a fall counted as the rise of its complement is turned back."""
    assert question.rate is not None
    return question.rate - abs(effect) if question.falls else question.rate + effect


def effect(w: MemoWords, question: Question, result: PowerResult, unit: str | None) -> str:
    """An effect as the object of 'detects'."""
    value = result.effect
    if question.rate is not None:
        template = w.fall_rate if question.falls else w.rise_rate
        return template.format(low=percent(w, question.rate), high=percent(w, reached(question, value)))
    standard = number(w, abs(result.effect_standardized or 0.0))
    if question.unit == "sd":
        return (w.fall_sd if question.falls else w.effect_sd).format(value=standard)
    if unit:
        return (w.fall_unit if question.falls else w.effect_unit).format(value=number(w, abs(value)), unit=unit, sd=standard)
    return (w.fall_raw if question.falls else w.effect_raw).format(value=number(w, abs(value)), sd=standard)


def short_effect(w: MemoWords, question: Question, value: float) -> str:
    """An effect in a table: '0.397 SD', '38.2%', '120'."""
    if question.rate is not None:
        return percent(w, reached(question, value))
    return f"{number(w, abs(value))} SD" if question.unit == "sd" else number(w, abs(value))


def change_effect(w: MemoWords, question: Question, value: float) -> str:
    """The same where its beginning is not known from the heading: '30% → 38.2%'."""
    short = short_effect(w, question, value)
    return short if question.rate is None else f"{percent(w, question.rate)} → {short}"


def standardized(w: MemoWords, result: PowerResult) -> str:
    """The effect in standard units, with the standardizer named."""
    value = number(w, abs(result.effect_standardized or 0.0))
    if result.standardizer == "Cohen's h":
        return w.cohens_h.format(value=value)
    return w.standardized_value.format(value=value, standardizer=word(w.standardizers, result.standardizer, "standardizer"))


def by_arm(w: MemoWords, value: Any, form: Any) -> str:
    """One value, or those of both arms."""
    if isinstance(value, tuple):
        return w.by_arm.format(treated=form(w, value[0]), controls=form(w, value[1]))
    text: str = form(w, value)
    return text


def test_words(w: MemoWords, result: PowerResult) -> str:
    return word(w.tests, result.alternative, "direction").format(alpha=marked(w, f"{result.alpha:g}"))


def df_words(w: MemoWords, result: PowerResult) -> str:
    if result.size is not None:
        return w.exact_test.format(size=percent(w, result.size))
    return w.normal_test if math.isinf(result.df) else w.t_test.format(df=number(w, result.df))
