"""The specification curve: one effect by every declared way of analysing it, and one test of all of them together.

Which analyses are reasonable is declared beforehand; every one is run, the registered one stays the registered one, and none is picked afterwards. Sources:
Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214; Steegen, Tuerlinckx, Gelman & Vanpaemel (2016), Perspectives on Psychological Science
11, 702-712 (the multiverse). The joint test draws assignments from the design (joint.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from trialkit.design.stream import Seed, checked_seed
from trialkit.errors import EstimationError, TrialkitError, UsageError, nearest, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.draws.assignments import Source
from trialkit.estimate.itt import itt
from trialkit.estimate.measures import MEASURES, is_ratio
from trialkit.estimate.multiverse.alternatives import Alternatives, Combine, Rule, Specification, alternatives
from trialkit.estimate.multiverse.joint import Curve, Progress, Ran, joint
from trialkit.estimate.multiverse.result import SpecificationCurve
from trialkit.estimate.outcomes.money import Cap
from trialkit.estimate.registry import default_estimator
from trialkit.estimate.request import StrataEffects
from trialkit.inference.draws.specification_curve import STATISTICS, CurveStatistic
from trialkit.misuse import explained
from trialkit.results import Estimate, Note, Result
from trialkit.trial import ALONE, Trial

NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
MOST = 2000
FEW = 10


@explained
def specification_curve(
    trial: Trial,
    outcome: str,
    *,
    adjust: Sequence[str] | Sequence[Sequence[str]] | Mapping[str, Sequence[str]] = (),
    estimators: Sequence[str] | None = None,
    covariances: Sequence[str] = ("auto",),
    missing: Mapping[str, Rule] | None = None,
    caps: Sequence[Cap | None] | Mapping[str, Cap | None] = (None,),
    scoring: Mapping[str, str] | None = None,
    instead: Mapping[str, Mapping[str, str]] | None = None,
    measure: str = "mean_difference",
    arm: Any = None,
    combine: Combine = "all",
    standardize: bool | None = None,
    n_draws: int | Literal["all"] = 999,
    seed: Seed | None = None,
    statistic: CurveStatistic = "median_t",
    refit: bool = False,
    alpha: float = 0.05,
    strata_effects: StrataEffects = "auto",
    covariate_missing: CovariateMissing = "impute",
    conf_level: float = 0.95,
    progress: Progress | None = None,
) -> SpecificationCurve:
    """The effect of assignment by every declared specification, with a joint test by re-randomization.

    Every specification estimates the effect on everyone randomized; what differs is how. The first option of every kind is the registered one.

    Parameters
    ----------
    trial : with `design=` for the joint test; groups must be formed by the design (`with_groups`).
    outcome : the column as registered.
    adjust : sets of covariates, as [["y0"], ["y0", "age"], []] or {"baseline": ["y0"], "none": []}.
    estimators : names as in `itt`, of the same measure; by default the measure's own.
    covariances : kinds of standard errors, as in `itt`.
    missing : rules for missing outcomes by label: None (people with the outcome), a list of columns (respondents weighted by 1/probability of
        responding, with estimator 'ancova'), or a function of a trial and the outcome's column that completes it,
        `lambda t, y: tk.missing.impute(t, [y], predictors=["y0"], seed=1)`.
    caps : percentiles at which the outcome is winsorized, blind to the arm, as [None, 0.99]; see `itt`.
    scoring : further columns that hold the outcome scored otherwise, as {"registered": "y1", "without item 3": "y1_short"}.
    instead : by label of a scoring, covariates that take the place of others, as {"without item 3": {"y0": "y0_short"}}.
    measure : of all specifications. arm : the treated arm, needed when there are several.
    combine : 'all' combinations of options (the default), or 'one_at_a_time': the registered specification and each that departs from it in one choice.
    standardize : show estimates in SDs of the outcome in the control arm (of each scoring); by default only when there are several scorings.
    n_draws, seed : assignments for the joint test (the observed one is added), or 'all' to list them; 0 for no test. No default seed.
    statistic : the joint statistic that counts, chosen beforehand; the others are shown beside it. 'median_t' (the default), 'mean_abs_t',
        'share_significant' or 'median_estimate'. With groups the last is shown without a p-value: it is not divided by its standard error, and
        its test rejects too often when groups differ.
    refit : run specifications that are not linear again for every draw (slow: draws x specifications fits). By default they are not in the joint
        test, and a note says so.
    alpha : level of 'significant' in the counts.
    strata_effects, covariate_missing, conf_level : as in `itt`, for all specifications.
    progress : called with (what, step, steps).

    Returns
    -------
    SpecificationCurve
        One row a specification, `.summary`, `.joint`, `.p_value`, `.failed`. A specification that cannot be estimated stays, with its reason.

    Raises
    ------
    UsageError, CombinationError, DesignError, EstimationError
        Options that do not exist, a missing seed, a design without groups for a trial with groups, no specification that could be estimated.

    Notes
    -----
    The joint null is sharp: being in the other arm changes nobody's outcome (and, with groups, it does not matter with whom one is in a group). A small
    joint p says that some effect is there; it says nothing of its size, and it does not make any one specification right. Comparing only people
    who attended is no alternative: they chose to, so it estimates another effect and with bias; `tk.cace` is the analysis for it.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> people = pd.DataFrame({"id": range(80), "y0": rng.normal(size=80), "age": rng.normal(40, 9, 80)})
    >>> design = tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1})
    >>> d = people.merge(design.assign(seed=2), on="id")
    >>> d["y1"] = d["y0"] / 2 + 0.7 * (d["arm"] == "peer") + rng.normal(size=80)
    >>> trial = tk.Trial(d, arm="arm", control="solo", unit="id", design=design)
    >>> found = tk.specification_curve(trial, "y1", adjust=[["y0"], ["y0", "age"], []], caps=[None, 0.95], n_draws=199, seed=1)
    >>> found.summary["specifications"], found.p_value < 0.05
    (6, True)
    """
    if not isinstance(trial, Trial):
        raise UsageError(
            "specification_curve takes a Trial first: tk.specification_curve(tk.Trial(data, arm=..., control=...), 'outcome')."
        )
    if statistic not in STATISTICS:
        near = nearest(str(statistic), STATISTICS)
        raise UsageError(
            f"statistic={statistic!r} is unknown: it is one of {shown(STATISTICS)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    if combine not in ("all", "one_at_a_time"):
        raise UsageError(f"combine={combine!r} is unknown: it is 'all' or 'one_at_a_time'.")
    if not 0 < alpha < 1:
        raise UsageError(f"alpha={alpha} must lie between 0 and 1, for instance 0.05.")
    if measure not in MEASURES:
        raise UsageError(f"there is no measure '{measure}': it is one of {shown(sorted(MEASURES), 20)}.")
    grouped = trial.cluster is None and bool((trial.group_codes != ALONE).any())
    if grouped and statistic == "median_estimate":
        raise UsageError(
            "statistic='median_estimate' is not divided by its standard error and has no valid test with groups: use 'median_t'."
        )
    declared = alternatives(
        outcome=outcome, measure=measure, adjust=adjust, estimators=estimators or (default_estimator(measure),), covariances=covariances,
        missing=missing, caps=caps, scoring=scoring, instead=instead,
    )  # fmt: skip
    specifications, notes = declared.specifications(combine)
    if len(specifications) > MOST:
        raise UsageError(
            f"the options combine to {len(specifications)} specifications, more than {MOST}: declare fewer, or combine='one_at_a_time'."
        )
    code = _treated(trial, arm)
    contrast = f"{trial.arms[code]} - {trial.control}"
    common = {
        "measure": measure,
        "strata_effects": strata_effects,
        "covariate_missing": covariate_missing,
        "conf_level": conf_level,
    }
    tell = progress or (lambda what, step, steps: None)
    completed: dict[Any, Any] = {}
    ran = []
    for i, one in enumerate(specifications):
        tell("specifications", i + 1, len(specifications))
        ran.append(_ran(trial, one, declared, contrast, common, completed))
    if all(r.row is None for r in ran):
        raise EstimationError(f"none of the {len(ran)} specifications could be estimated; the registered one: {ran[0].reason}")
    used = None if seed is None else checked_seed(seed)
    tested, said = _tested(
        trial, ran, (code, 0), n_draws, used, alpha,
        (lambda other, one: _row_of(_result(other, one, declared, common, {}), contrast)) if refit else None, progress,
    )  # fmt: skip
    notes += said
    sd = _shows_sd(standardize, declared, measure)
    rows = tuple(_shown(trial, r, outcome, contrast, conf_level, registered=not i, sd=sd) for i, r in enumerate(ran))
    details = {
        "outcome": outcome, "measure": measure, "contrast": contrast, "kinds": declared.kinds, "combine": combine, "shown_in": "sd" if sd else "units",
        "alpha": alpha, "summary": _summary(rows, measure, alpha), "joint": _joint_rows(tested, statistic, grouped),
        "in_joint": [] if tested is None else list(tested.inside), "n_draws": 0 if tested is None else tested.draws - (not tested.enumerated),
        "enumerated": tested is not None and tested.enumerated, "seed": None if tested is None or tested.enumerated else used,
        "null": _NULL + (_NULL_GROUPS if grouped else ""), "options": _options(rows, declared), "arms": _arms(ran),
    }  # fmt: skip
    own = () if ran[0].result is None else ran[0].result.notes
    return SpecificationCurve(rows, tuple(dict.fromkeys((*trial.notes, *own, *notes, *_about(rows)))), details)


_NULL = "being assigned to the other arm changes nobody's outcome, nor whether it is seen"
_NULL_GROUPS = ", and it does not matter with whom one is in a group"


def _treated(trial: Trial, arm: Any) -> int:
    if arm is None:
        if len(trial.arms) > 2:
            raise UsageError(f"the trial has several treated arms: say which with arm=, one of {shown(trial.arms[1:])}.")
        return 1
    if arm not in trial.arms[1:]:
        near = nearest(str(arm), [str(a) for a in trial.arms[1:]])
        raise UsageError(
            f"arm={arm!r} is not a treated arm; they are {shown(trial.arms[1:])}.{f' Did you mean {near!r}?' if near else ''}"
        )
    return trial.arms.index(arm)


def _ran(
    trial: Trial, one: Specification, declared: Alternatives, contrast: str, common: Mapping[str, Any], completed: dict[Any, Any]
) -> Ran:
    """A specification with its row; a failure keeps its reason."""
    try:
        result = _result(trial, one, declared, common, completed)
        row = _row_of(result, contrast)
    except TrialkitError as error:
        return Ran(one, None, None, str(error))
    if not (math.isfinite(row.estimate) and row.std_error > 0):
        return Ran(one, result, None, "; ".join(n.text for n in result.notes) or "the estimate is undefined.")
    return Ran(one, result, row)


def _result(
    trial: Trial, one: Specification, declared: Alternatives, common: Mapping[str, Any], completed: dict[Any, Any]
) -> Result:
    asked: dict[str, Any] = {**common, "adjust": one.adjust, "covariance": one.covariance}
    if one.cap is not None:
        asked["cap"] = one.cap
    rule = declared.missing_outcomes[one.missing]
    if rule is None:
        return itt(trial, one.column, estimator=one.estimator, **asked)
    if not callable(rule):
        return itt(trial, one.column, response_weights=list(rule), **asked)
    if not np.isnan(trial.values(one.column)).any():
        raise EstimationError(f"nothing is missing in '{one.column}', so there is nothing to complete.")
    key = (one.missing, one.column)
    if key not in completed:
        completed[key] = rule(trial, one.column)
    made: Result = completed[key].analyse(lambda t: itt(t, one.column, estimator=one.estimator, **asked))
    return made


def _row_of(result: Result, contrast: str) -> Estimate:
    return next(e for e in result.estimates if e.contrast == contrast)


def _tested(
    trial: Trial,
    ran: Sequence[Ran],
    pair: tuple[int, int],
    n_draws: Any,
    seed: Any,
    alpha: float,
    again: Any,
    progress: Progress | None,
) -> tuple[Curve | None, list[Note]]:
    """The joint tests, and what must be said of them."""
    if n_draws == 0:
        return None, []
    if trial.design is None:
        return None, [Note("no_design", "with Trial(design=...) the whole curve could be tested by draws of other assignments.")]
    found = joint(Source.of(trial, n_draws, seed), ran, pair, alpha=alpha, again=again, progress=progress)
    notes = []
    left = [r.specification.name for i, r in enumerate(ran) if r.row is not None and i not in found.inside]
    if left:
        notes.append(
            Note(
                "not_in_joint_test",
                f"{len(left)} of {sum(r.row is not None for r in ran)} specifications are not linear in the outcome and not in the joint test: "
                f"{shown(left, 3)}. refit=True runs them again for every draw.",
            )
        )
    groups = trial.n_groups if trial.cluster is None else 0
    if 0 < groups < FEW:
        notes.append(
            Note(
                "few_groups_joint",
                f"with {groups} groups the joint test, whose null holds no group effects, rejects too often when groups differ "
                "(docs/multiverse.md): read it with that in mind.",
            )
        )
    if found.together:
        notes.append(
            Note(
                "arms_together",
                "the design cannot be drawn for two arms alone, so all arms are drawn: the joint test holds when no arm changes anything.",
            )
        )
    return found, notes


def _shows_sd(standardize: bool | None, declared: Alternatives, measure: str) -> bool:
    if is_ratio(measure):
        if standardize:
            raise UsageError(f"standardize=True is for differences, not for measure='{measure}'.")
        return False
    return len(set(declared.scoring.values())) > 1 if standardize is None else standardize


def _shown(trial: Trial, ran: Ran, outcome: str, contrast: str, conf_level: float, *, registered: bool, sd: bool) -> Estimate:
    one = ran.specification
    extra = {"specification": one.name, "registered": registered, **one.choices, "column": one.column, "reason": ran.reason}
    row = ran.row
    if row is None:
        nothing = dict.fromkeys(NUMBERS, math.nan)
        return Estimate(
            outcome=outcome, estimand="not estimated", contrast=contrast, conf_level=conf_level, n=0, n_clusters=0, n_groups=0, method=one.estimator,
            covariance=one.covariance, extra=extra, **nothing,
        )  # fmt: skip
    unit = _control_sd(trial, one.column) if sd else 1.0
    scaled = {k: getattr(row, k) / unit for k in ("estimate", "std_error", "conf_low", "conf_high")}
    return replace(row, outcome=outcome, extra=extra, **scaled)


def _control_sd(trial: Trial, column: str) -> float:
    return float(np.nanstd(trial.values(column)[trial.arm_codes == 0], ddof=1))


def _summary(rows: Sequence[Estimate], measure: str, alpha: float) -> dict[str, Any]:
    """What the curve looks like; shares are counts over the specifications that were estimated."""
    null = MEASURES[measure].null
    there = [e for e in rows if not e.extra["reason"]]
    values = np.array([e.estimate for e in there])
    p = np.array([e.p_value for e in there])
    own = rows[0]
    side = float(np.sign((own if not own.extra["reason"] else there[0]).estimate - null))
    significant = p < alpha
    return {
        "specifications": len(rows), "estimated": len(there), "failed": len(rows) - len(there), "median": float(np.median(values)),
        "lowest": float(values.min()), "highest": float(values.max()), "positive": int((values > null).sum()),
        "same_sign": int((np.sign(values - null) == side).sum()), "significant": int(significant.sum()),
        "significant_same_sign": int((significant & (np.sign(values - null) == side)).sum()),
        "place": None if own.extra["reason"] else int((values < own.estimate).sum()) + 1,
    }  # fmt: skip


def _options(rows: Sequence[Estimate], declared: Alternatives) -> list[dict[str, Any]]:
    """Every option with the specifications that have it: how many were estimated, their median, lowest and highest estimate."""
    out = []
    for kind in declared.kinds:
        for option in dict.fromkeys(str(e.extra[kind]) for e in rows):
            values = [e.estimate for e in rows if e.extra[kind] == option and not e.extra["reason"]]
            low, high = (min(values), max(values)) if values else (math.nan, math.nan)
            middle = float(np.median(values)) if values else math.nan
            out.append(
                {"kind": kind, "option": option, "estimated": len(values), "median": middle, "lowest": low, "highest": high}
            )
    return out


def _joint_rows(tested: Curve | None, statistic: str, grouped: bool) -> list[dict[str, Any]]:
    if tested is None or not tested.rows:
        return []
    rows = [r | {"chosen": r["statistic"] == statistic, "specifications": len(tested.inside)} for r in tested.rows]
    return [r for r in rows if not (grouped and r["statistic"] == "median_estimate")]


def _arms(ran: Sequence[Ran]) -> list[Any]:
    """Raw summaries of the arms by the registered specification, as `itt` gives them."""
    first = ran[0].result
    return [] if first is None else list(first.details.get("arms") or [])


def _about(rows: Sequence[Estimate]) -> list[Note]:
    failed = [e for e in rows if e.extra["reason"]]
    notes = []
    if failed:
        notes.append(
            Note(
                "failed_specifications",
                f"{len(failed)} of {len(rows)} specifications could not be estimated; they stay in the table with their reasons.",
            )
        )
    people = {e.n for e in rows if not e.extra["reason"]}
    if len(people) > 1:
        notes.append(
            Note(
                "different_people",
                f"specifications rest on {min(people)} to {max(people)} people: rules for missing values differ.",
            )
        )
    return notes
