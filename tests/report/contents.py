"""Contents of reports for the tests: a simulated trial of 1,400 people, groups in one arm, analysed as a plan would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.estimate.icc import achieved_icc
from trialkit.plan.words.verdict import verdict
from trialkit.report.content import ArmContent, LockContent, OutcomeContent, ReportContent, ScaleContent
from trialkit.results import Estimate, Note
from trialkit.selection.attrition import attrition
from trialkit.selection.balance import balance
from trialkit.selection.flow import flow

LABELS = {
    "age": "Age in years",
    "female": "Female",
    "education": "Education",
    "months_unemployed": "Months unemployed",
    "self_efficacy_t0": "Self-efficacy at the start",
    "depression_t0": "Depressive complaints at the start",
    "agency": "Employment agency",
}
ARMS = {
    "individual": "One-on-one counselling",
    "peer": "Counselling plus a moderated peer group",
    "mentor": "Counselling plus a mentor",
}
# name: (label, measure, role, better, smallest worthwhile effect, baseline, SD, effect on peer in SDs or as a share)
OUTCOMES: dict[str, tuple[str, str, str, str, float | None, str | None, float, float]] = {
    "employed_t2": ("In work or education after nine months", "risk_difference", "primary", "higher", 0.05, None, 0.3, 0.085),
    "self_efficacy_t1": (
        "General self-efficacy after three months",
        "mean_difference",
        "secondary",
        "higher",
        1.0,
        "self_efficacy_t0",
        4.6,
        0.34,
    ),
    "depression_t1": (
        "Depressive complaints after three months",
        "mean_difference",
        "secondary",
        "lower",
        1.5,
        "depression_t0",
        8.2,
        -0.12,
    ),
    "search_t1": (
        "Confidence in looking for work after three months",
        "mean_difference",
        "secondary",
        "higher",
        0.15,
        None,
        0.71,
        0.05,
    ),
}


def people(
    seed: int = 20, *, n: int = 1400, arms: tuple[str, ...] = ("individual", "peer"), grouped: bool = True
) -> pd.DataFrame:
    """One row a person, in groups of 10 to 15 in every arm but the control arm."""
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"id": np.arange(n), "agency": rng.choice(["East", "North", "South"], n)})
    d["arm"] = rng.permutation(np.resize(np.array(arms), n))
    d["age"] = rng.integers(15, 25, n).astype(float)
    d["female"] = rng.binomial(1, 0.46, n).astype(float)
    d["education"] = rng.choice(["none", "lower secondary", "upper secondary"], n, p=[0.3, 0.45, 0.25])
    d["months_unemployed"] = np.round(rng.gamma(2.0, 4.0, n), 1)
    d.loc[rng.random(n) < 0.03, "months_unemployed"] = np.nan
    d["group"] = _groups(rng, d["arm"].to_numpy(), arms[1:]) if grouped else None
    d["attended"] = np.where(d["arm"] == arms[0], 0.0, rng.binomial(1, 0.78, n))
    pull = _pull(rng, d["group"])
    treated = (d["arm"] != arms[0]).to_numpy()
    for name, (_, measure, _, _, _, baseline, sd, effect) in OUTCOMES.items():
        before = rng.normal(size=n)
        if baseline:
            d[baseline] = np.round(25 + sd * before, 1)
        if measure == "risk_difference":
            value = (rng.random(n) < sd + effect * treated + 0.06 * pull).astype(float)
        else:
            value = np.round(26 + sd * (0.55 * before + effect * treated + 0.8 * rng.normal(size=n) + 0.2 * pull), 2)
        d[name] = np.where(rng.random(n) < 0.13 + 0.03 * treated, np.nan, value)
    return d


def _groups(rng: np.random.Generator, arm: Any, grouped: tuple[str, ...]) -> Any:
    out = np.full(len(arm), None, dtype=object)
    for a in grouped:
        members, start, number = rng.permutation(np.flatnonzero(arm == a)), 0, 0
        while start < len(members):
            size = int(rng.integers(10, 16))
            if len(members) - start - size < 10:
                size = len(members) - start
            out[members[start : start + size]] = f"{a[0]}{number:02d}"
            start, number = start + size, number + 1
    return out


def _pull(rng: np.random.Generator, group: Any) -> Any:
    codes, names = pd.factorize(group)
    return np.append(rng.normal(size=len(names)), 0.0)[codes]


def content(
    seed: int = 20, *, arms: tuple[str, ...] = ("individual", "peer"), grouped: bool = True, locked: bool = True
) -> ReportContent:
    """A report's content, filled as a run fills it."""
    frame = people(seed, arms=arms, grouped=grouped)
    trial = tk.Trial(frame, arm="arm", control="individual", unit="id", strata=["agency"], group="group" if grouped else None)
    outcomes = [_outcome(trial, name) for name in OUTCOMES]
    families = {"primary": outcomes[:1], "attitudes": outcomes[1:]}
    corrections = {f: tk.family([o.result for o in inside], correction="holm") for f, inside in families.items()}  # type: ignore[misc]
    return ReportContent(
        title="Mobile peer groups for unemployed young people",
        population="unemployed people aged 15-24 registered at three employment agencies",
        conf_level=0.95,
        arms=tuple(ArmContent(a, ARMS[a], a == "individual", grouped and a != "individual") for a in arms),
        outcomes=(outcomes[0], *_corrected(outcomes[1:])),
        lock=_lock(locked),
        flow=flow(trial, list(OUTCOMES), uptake="attended"),
        balance=balance(trial, ["age", "female", "education", "months_unemployed", "self_efficacy_t0", "depression_t0"]),
        scales=_scales(),
        deviations=() if locked else DEVIATIONS,
        labels=LABELS,
        assumptions={"icc": 0.05, "attrition": 0.15, "take_up": 0.8, "baseline_correlation": 0.5, "group_size": [10, 15], "units": 1400},
        multiplicity={"method": "holm", "families": {"primary": ["employed_t2"], "attitudes": list(OUTCOMES)[1:]}},
        not_run=("[missing] sensitivity 'multiple_imputation'", "[[subgroups]] by 'motivation_t0'"),
        plan_text="Two arms: one-on-one counselling (control) and counselling plus a moderated peer group.\n\nThe primary outcome ...",
        notes=(Note("composite", "3 people with 'died' count as 0 on 'employed' (composite strategy)."),),
        data={
            "file": "wave2.sav", "sha256": "b7" * 32, "rows": len(frame), "columns": frame.shape[1], "content_sha256": "4e" * 32,
        },
        versions={"python": "3.11.9", "trialkit": "0.1.0", "numpy": "2.1.0", "scipy": "1.14.0", "pandas": "2.2.3"},
        created="2026-11-22T10:15:00+00:00",
        command="trialkit run plan.toml wave2.sav", corrections=corrections,
    )  # fmt: skip


def few(seed: int = 2) -> ReportContent:
    """A small trial of two arms with eight groups: an index, a family by draws, and the methods for few groups."""
    base = content(seed)
    frame = people(seed, n=180)
    trial = tk.Trial(frame, arm="arm", control="individual", unit="id", group="group")
    parts = ["self_efficacy_t1", "depression_t1", "search_t1"]
    made = tk.index(trial, parts, better={"depression_t1": "lower"})
    with_index = tk.Trial(frame.assign(ease_index=made), arm="arm", control="individual", unit="id", group="group")
    result = tk.itt(with_index, "ease_index")
    outcomes = [
        replace(
            o,
            result=tk.itt(with_index, o.name, measure=o.measure),
            companions={},
            effect_size=None,
            attrition=attrition(with_index, o.column),
        )
        for o in base.outcomes[:3]
    ]
    outcomes[0] = replace(outcomes[0], few_groups=tk.few_groups(trial, "employed_t2", n_draws=199, seed=1))
    outcomes.append(
        replace(
            outcomes[1], name="ease_index", label="Ease of mind", column="ease_index", family="index", result=result, role="exploratory",
            index=dict(made.attrs), attrition=None, icc={},
        )
    )  # fmt: skip
    corrections = {
        "primary": tk.family([outcomes[0].result], correction="holm"),  # type: ignore[list-item]
        "attitudes": tk.family([o.result for o in outcomes[1:3]], correction="romano_wolf", n_draws=199, seed=1),  # type: ignore[misc]
    }
    return replace(
        base, outcomes=tuple(outcomes), corrections=corrections, flow=flow(with_index, [o.column for o in outcomes]),
        balance=balance(with_index, ["age", "female", "education"]),
        multiplicity={"method": "romano_wolf", "families": {"primary": ["employed_t2"], "attitudes": parts[:2], "index": ["ease_index"]}},
    )  # fmt: skip


def graph(seed: int = 5, *, families: bool = False) -> ReportContent:
    """Three arms, and hypotheses in an order: along arrows, or family by family."""
    base = content(seed, arms=("individual", "peer", "mentor"))
    p = {f"{o.name}: {e.contrast}": e.p_value for o in base.outcomes[:3] for e in o.result.estimates}
    names = list(p)
    said: dict[str, Any] = {"method": "gatekeeping", "families": {"primary": ["employed_t2"], "attitudes": list(OUTCOMES)[1:3]}}
    if families:
        inside = {"primary": names[:2], "attitudes": names[2:]}
        found = tk.gatekeeping(p, families=inside)
        said |= {"order": ["primary", "attitudes"], "pass_on": "all"}
    else:
        weights = {names[0]: 0.8, names[1]: 0.2}
        arrows = {
            names[0]: {names[1]: 0.5, names[2]: 0.5},
            names[1]: {names[3]: 1.0},
            names[2]: {names[4]: 1.0},
            names[4]: {names[5]: 1.0},
        }
        found = tk.gatekeeping(p, weights=weights, transitions=arrows)
        said |= {"weights": weights, "transitions": arrows}
    return replace(base, corrections={"gatekeeping": found}, multiplicity=said)


def _outcome(trial: tk.Trial, name: str) -> OutcomeContent:
    label, measure, role, better, worthwhile, baseline, _, _ = OUTCOMES[name]
    adjust = ["age", "education", "months_unemployed", *([baseline] if baseline else [])]
    result = tk.itt(trial, name, adjust=adjust, measure=measure)
    return OutcomeContent(
        name=name, label=label, role=role, family="primary" if role == "primary" else "attitudes",  # type: ignore[arg-type]
        estimand=(
            "The difference between counselling plus a moderated peer group and one-on-one counselling in the share of people in work or "
            "education after nine months, among all people who were randomized, each person counting the same, whether or not they took "
            "part (treatment policy)."
        ),
        measure=measure, better=better, worthwhile=worthwhile, result=result,  # type: ignore[arg-type]
        verdicts=tuple(verdict(e.conf_low, e.conf_high, better, worthwhile) for e in result.estimates),  # type: ignore[arg-type]
        effect_size=result.standardized("hedges_g") if measure == "mean_difference" else None,
        companions={
            "lin": tk.itt(trial, name, adjust=adjust, measure=measure, estimator="lin"),
            "difference_in_means": tk.itt(trial, name, measure=measure, estimator="difference_in_means"),
        } if role == "primary" else {},
        attrition=attrition(trial, name), icc=achieved_icc(trial, name), column=name,
    )  # fmt: skip


def _corrected(outcomes: list[OutcomeContent]) -> list[OutcomeContent]:
    p = tk.adjust_p([e.p_value for o in outcomes for e in o.result.estimates], method="holm").tolist()
    out = []
    for o in outcomes:
        rows: list[Estimate] = [replace(e, extra={"p_adjusted": p.pop(0)}) for e in o.result.estimates]
        note = Note("p_adjusted", f"p_adjusted is corrected within the family '{o.family}'.")
        out.append(replace(o, result=replace(o.result, estimates=tuple(rows), notes=(*o.result.notes, note))))
    return out


def _lock(locked: bool) -> LockContent:
    plan_hash = "3fa9c1d8" * 8
    if not locked:
        return LockContent(
            "unlocked",
            "",
            "This plan was not locked before the run: nothing shows that it was written before the data were seen.",
            plan_hash,
        )
    said = (
        "Level L0 (local). It is tamper-evident: anyone who kept the manifest hash can see whether plan, seeds or expected data changed "
        "since. It does not prove when it was made, nor that no other plan was locked."
    )
    return LockContent("locked", "L0", said, plan_hash, "2026-03-03T09:00:00+00:00", "9be0" * 16)


def _scales() -> tuple[ScaleContent, ...]:
    counts = {
        "people": 1400, "scored": 1203, "no_score": 197, "prorated": 14, "items_reversed": 0, "answers_reversed": 0, "out_of_range": 3,
        "low": 10.0, "high": 40.0,
    }  # fmt: skip
    turned = counts | {"scored": 1191, "no_score": 209, "items_reversed": 4, "answers_reversed": 4766, "low": 0.0, "high": 60.0}
    note = Note("looks_reversed", "item 4 correlates negatively with the others: look whether it was reversed in the file.")
    return (
        ScaleContent("self_efficacy", "General Self-Efficacy Scale", "t1", "self_efficacy_t1", counts),
        ScaleContent("depression", "CES-D", "t1", "depression_t1", turned, (note,)),
    )


DEVIATIONS: tuple[dict[str, Any], ...] = (
    {
        "id": "D1", "plan_path": "analysis.adjust", "type": "model", "original": ["age", "education"],
        "new": ["age", "education", "months_unemployed"], "reason": "Asked for by the funder.", "timing": "before data", "by": "A. Researcher",
        "date": "2026-04-01", "severity": "minor",
    },
    {"plan_path": "data.strata", "reason": "Group 7 was dissolved and its members joined others.", "timing": "after unblinding"},
)  # fmt: skip

HOSTILE = "<script>alert(1)</script>"


def hostile() -> ReportContent:
    """Labels that try to be HTML, TeX, very long, in other scripts, or unprintable, and numbers that are not there."""
    base = content(3)
    long = "A label without end " * 25
    first, second, *rest = base.outcomes
    nothing = float("nan")
    undefined = tuple(
        replace(
            e,
            estimate=nothing,
            std_error=nothing,
            df=nothing,
            statistic=nothing,
            p_value=nothing,
            conf_low=nothing,
            conf_high=nothing,
        )
        for e in second.result.estimates
    )
    broken = replace(
        second, label="Welbevinden \u4f60\u597d \U0001f600 $x^2$ \x00\x07\u202e\ud83d end", effect_size=None, verdicts=("inconclusive",),
        result=replace(second.result, estimates=undefined, notes=(Note("undefined", f"no number {HOSTILE}"),)),
    )  # fmt: skip
    rows = tuple(
        {**r, "standardized_difference": nothing, "mean_arm": nothing} if i == 0 else r for i, r in enumerate(base.balance.table)
    )  # type: ignore[union-attr]
    return replace(
        base,
        title=f"{HOSTILE} & \"quotes\" 'single'",
        population=long,
        arms=(replace(base.arms[0], label=HOSTILE), replace(base.arms[1], label="x" * 300)),
        outcomes=(replace(first, label=long, estimand=HOSTILE), broken, *rest),
        balance=replace(base.balance, table=rows),  # type: ignore[type-var]
        labels={**base.labels, "age": "<img src=x onerror=alert(1)>", "education": "$\\frac{1}{$"},
        deviations=({"reason": HOSTILE, "original": {"a": [1, None, 0.25]}, "<b>": True},),
        not_run=(HOSTILE,),
        plan_text=f"</pre>{HOSTILE}\n" * 3,
        command=f"trialkit run {HOSTILE}",
        data={"file": HOSTILE, "rows": 3},
    )
