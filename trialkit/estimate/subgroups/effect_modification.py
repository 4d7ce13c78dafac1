"""Subgroup analyses: does the effect differ by a trait that people had before randomization?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from trialkit.errors import CombinationError, UsageError, nearest, repeated, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.itt import itt
from trialkit.estimate.measures import is_ratio
from trialkit.estimate.outcome import Time, check_outcome
from trialkit.estimate.registry import default_estimator, find
from trialkit.estimate.request import Average, Better, Contrasts, Request, StrataEffects
from trialkit.estimate.several.adjust_p import adjust_p
from trialkit.estimate.subgroups.credibility import as_predicted, credibility
from trialkit.estimate.subgroups.each_subgroup import by_subgroup
from trialkit.estimate.subgroups.found import Interaction, Modification, SubgroupEffect
from trialkit.estimate.subgroups.moderators import Kind, Moderator, ModeratorMissing, moderator
from trialkit.estimate.subgroups.regression import by_regression
from trialkit.estimate.subgroups.subgroups_result import INTERACTION, SubgroupsResult
from trialkit.inference.distributions import t_test
from trialkit.misuse import explained
from trialkit.results import Estimate, Note
from trialkit.trial import Trial

Direction = Literal["two-sided", "greater", "less"]
_LINEAR = ("mean_difference", "risk_difference")
_CORRECTIONS = ("holm", "hochberg", "bh", "sharpened_q")


@explained
def subgroups(
    trial: Trial,
    outcome: str | Time,
    *,
    by: str | Sequence[str],
    adjust: Sequence[str] = (),
    kind: Kind | Mapping[str, Kind] | None = None,
    scores: Mapping[str, Mapping[Any, float] | Sequence[float]] | None = None,
    at: Mapping[str, Sequence[float]] | None = None,
    planned: bool | Sequence[str] = False,
    direction: Mapping[str, Direction] | None = None,
    moderator_missing: ModeratorMissing = "drop",
    correction: Literal["holm", "hochberg", "bh", "sharpened_q"] | None = None,
    estimator: str | None = None,
    measure: str = "mean_difference",
    covariance: str = "auto",
    df: str = "auto",
    strata_effects: StrataEffects = "auto",
    average: Average = "participant",
    contrasts: Contrasts = "control",
    covariate_missing: CovariateMissing = "impute",
    better: Better | None = None,
    conf_level: float = 0.95,
    **options: Any,
) -> SubgroupsResult:
    """Whether the effect of assignment differs by traits people had before randomization: the interaction first, the effects second.

    That one subgroup has p below .05 and another has not is no difference between them; the interaction test is. With 'ancova' or 'lin' and
    a difference as measure all subgroups are in one regression; every other measure is estimated in each subgroup and compared with the
    covariance that groups crossing subgroups bring. Each moderator is analysed by itself.

    Parameters
    ----------
    trial, outcome, adjust, measure, covariance, df, strata_effects, average, contrasts, covariate_missing, better, conf_level,
        options : as in `itt`.
    estimator : by default 'ancova' for differences in means and proportions, otherwise the measure's own.
    by : moderators: columns measured before randomization. A moderator that is also in `adjust` counts once.
    kind : 'categorical', 'ordinal' or 'continuous', one for all or by name. By default text, labels, strata and 0/1 are categorical, an
        ordered category is ordinal, other numbers are continuous.
    scores : by name, scores of the levels of an ordinal moderator (their numbers, else 0, 1, 2 ...). Its test is a trend over them.
    at : by name, values of a continuous moderator at which the effect stands in a row; by default its 10th, 50th and 90th percentile.
    planned : True, or the names of the moderators that were planned before the outcome was seen; every row says which.
    direction : by name, the direction predicted for the interaction: 'greater' (the effect grows with the moderator, or is larger in the second of
        two levels), 'less'. The result says whether the estimate agrees; p-values stay two-sided.
    moderator_missing : 'drop' (default) leaves people without the moderator out of its subgroups; 'category' makes them a subgroup of a
        categorical moderator; 'error'. Missing moderators are never imputed: that would blur the difference looked for.
    correction : of the interactions' p-values over all moderators and contrasts: 'holm', 'hochberg', 'bh' or 'sharpened_q', as `p_adjusted`.

    Returns
    -------
    SubgroupsResult
        `.interactions`, `.effects`, `.overall`, `.curve(moderator)` of a continuous one (pointwise limits and a band for the whole line),
        `.credibility`, `.tidy()` with all rows.

    Raises
    ------
    UsageError, CombinationError
        A moderator that is the arm, the group, the outcome; a continuous moderator with a measure that has no slope.
    EstimationError, GroupError
        A subgroup without one of the arms, or with one group (cluster) of an arm.

    Notes
    -----
    Joint tests: Pustejovsky & Tipton (2018); band: Wynn & Bloomfield (1971); credibility: Schandelmaier et al. (2020).

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "sex": ["f", "f", "m", "m"] * 50, "age": rng.uniform(20, 60, 200)})
    >>> d["y"] = 0.4 * (d["arm"] == "peer") + rng.normal(size=200)
    >>> r = tk.subgroups(tk.Trial(d, arm="arm", control="solo"), "y", by=["sex", "age"], planned=["sex"])
    >>> r.tidy()["subgroup"].tolist()[:3], r.interactions["planned"].tolist()
    (['interaction', 'f', 'm'], [True, False])
    """
    names = _names(trial, by, adjust, contrasts)
    usual = "ancova" if measure in _LINEAR else default_estimator(measure)
    request = Request(
        str(outcome), tuple(adjust), estimator if estimator is not None else usual, measure, covariance, df, strata_effects,
        average, contrasts, covariate_missing, float(conf_level), options, outcome if isinstance(outcome, Time) else None, better,
    )  # fmt: skip
    find(request.estimator, measure, covariance, df)
    check_outcome(trial, outcome, measure)
    directions = _by_name(direction, names, "direction", ("two-sided", "greater", "less"))
    were_planned = _planned(planned, names)
    _check_choices(correction, moderator_missing)
    kinds = (
        dict.fromkeys(names, kind)
        if isinstance(kind, str)
        else _by_name(kind, names, "kind", ("categorical", "ordinal", "continuous"))
    )
    scored, points = _by_name(scores, names, "scores"), _by_name(at, names, "at")
    arguments = _arguments(request)
    read = [moderator(trial, n, str(outcome), kind=kinds.get(n), scores=scored.get(n), missing=moderator_missing) for n in names]
    for m in read:
        if m.name in points and not m.continuous:
            raise UsageError(f"at={{'{m.name}': ...}} is for continuous moderators; '{m.name}' is {m.kind}.")
    overall = itt(trial, outcome, **arguments)
    found = []
    for m in read:
        if request.estimator in ("ancova", "lin") and measure in _LINEAR and not options:
            found.append(by_regression(trial, request, m, points.get(m.name)))
        else:
            found.append(by_subgroup(trial, outcome, request, m, arguments))
    return _result(trial, request, read, found, overall.estimates, directions, were_planned, correction)


def _names(trial: Any, by: str | Sequence[str], adjust: Any, contrasts: Any) -> list[str]:
    if not isinstance(trial, Trial):
        raise UsageError(
            "subgroups takes a Trial first: tk.subgroups(tk.Trial(data, arm=..., control=...), 'outcome', by=['sex'])."
        )
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    if not isinstance(contrasts, str):
        raise CombinationError("subgroups compares arms with 'control' or 'all' pairs; contrasts of your own are for itt.")
    names = [by] if isinstance(by, str) else list(by)
    if not names:
        raise UsageError("by names no moderator: write by=['sex'].")
    if len(set(names)) < len(names):
        raise UsageError(f"by names {shown(repeated(names))} twice: once is enough.")
    for name in names:
        trial.column(name)
    return names


def _check_choices(correction: Any, moderator_missing: Any) -> None:
    if correction is not None and correction not in _CORRECTIONS:
        near = nearest(str(correction), _CORRECTIONS)
        raise UsageError(
            f"correction={correction!r} is unknown here: it is one of {shown(_CORRECTIONS)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    if moderator_missing not in ("drop", "category", "error"):
        raise UsageError(f"moderator_missing={moderator_missing!r} is unknown: it is 'drop', 'category' or 'error'.")


def _by_name(given: Any, names: Sequence[str], what: str, allowed: Sequence[str] = ()) -> dict[str, Any]:
    """Settings by moderator, each for a moderator that is there."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UsageError(f"{what} is given by moderator: {what}={{'{names[0]}': ...}}.")
    for name, value in given.items():
        if name not in names:
            near = nearest(str(name), names)
            raise UsageError(f"{what} names '{name}', which is not in by.{f' Did you mean {near!r}?' if near else ''}")
        if allowed and value not in allowed:
            raise UsageError(f"{what}={{'{name}': {value!r}}} is unknown: it is one of {shown(allowed)}.")
    return dict(given)


def _planned(planned: bool | Sequence[str], names: Sequence[str]) -> set[str]:
    if isinstance(planned, bool):
        return set(names) if planned else set()
    listed = [planned] if isinstance(planned, str) else list(planned)
    unknown = [n for n in listed if n not in names]
    if unknown:
        raise UsageError(f"planned names {shown(unknown)}, which {'is' if len(unknown) == 1 else 'are'} not in by.")
    return set(listed)


def _arguments(request: Request) -> dict[str, Any]:
    """The request as arguments of `itt`."""
    keys = (
        "estimator",
        "measure",
        "covariance",
        "df",
        "strata_effects",
        "average",
        "contrasts",
        "covariate_missing",
        "better",
        "conf_level",
    )
    return {"adjust": list(request.adjust), **{k: getattr(request, k) for k in keys}, **request.options}


def _result(
    trial: Trial,
    request: Request,
    read: Sequence[Moderator],
    found: Sequence[Modification],
    overall: Sequence[Estimate],
    directions: Mapping[str, str],
    planned: set[str],
    correction: Any,
) -> SubgroupsResult:
    p = [i.p_value for f in found for i in f.interactions]
    tests = len(p)
    adjusted = _adjusted(p, correction)
    rows: list[Estimate] = []
    moderators = []
    position = 0
    for m, f in zip(read, found):
        mine = None if adjusted is None else adjusted[position : position + len(f.interactions)]
        position += len(f.interactions)
        marks = {"moderator": m.name, "planned": m.name in planned}
        rows += [_interaction_row(i, f, request, marks, None if mine is None else mine[j]) for j, i in enumerate(f.interactions)]
        rows += [_effect_row(e, f, request, marks) for e in f.effects]
        direction = directions.get(m.name)
        items = credibility(trial, m, f, planned=m.name in planned, direction=direction, tests=tests, adjusted=mine)
        moderators.append(
            {
                "name": m.name, "kind": m.kind, "levels": list(m.levels), "scores": m.scores.tolist(), "planned": m.name in planned, "direction": direction,
                "as_predicted": {i.contrast: as_predicted(direction, i) for i in f.interactions}, "credibility": items, **f.details,
            }
        )  # fmt: skip
    details = {
        "measure": request.measure, "estimator": request.estimator, "adjust": list(request.adjust), "average": request.average,
        "tests": tests, "tests_planned": sum(len(f.interactions) for m, f in zip(read, found) if m.name in planned),
        "correction": correction, "moderators": moderators, "overall": [e.row() for e in overall],
    }  # fmt: skip
    notes = dict.fromkeys((*(n for f in found for n in f.notes), *_closing(tests, details["tests_planned"], rows, correction)))
    return SubgroupsResult(tuple(rows), tuple(notes), details)


def _adjusted(p: Sequence[float], correction: Any) -> list[float] | None:
    """Corrected p of the defined tests; an undefined one stays undefined and does not count."""
    if correction is None:
        return None
    known = [v for v in p if math.isfinite(v)]
    corrected = iter(np.asarray(adjust_p(known, method=correction)).tolist() if known else [])
    return [next(corrected) if math.isfinite(v) else math.nan for v in p]


def _interaction_row(
    i: Interaction, f: Modification, request: Request, marks: Mapping[str, Any], adjusted: float | None
) -> Estimate:
    shape = math.exp if is_ratio(request.measure) else float
    limits = t_test(i.estimate, i.std_error, i.df, request.conf_level)
    extra = {**marks, "subgroup": INTERACTION, "comparison": i.comparison, "df_num": i.df_num}
    if adjusted is not None:
        extra["p_adjusted"] = adjusted
    return Estimate(
        request.outcome, i.estimand, i.contrast, shape(i.estimate), i.std_error, i.df, i.statistic, i.p_value, shape(limits.conf_low),
        shape(limits.conf_high), request.conf_level, f.n, f.n_clusters, f.n_groups, f.method, f.covariance, extra,
    )  # fmt: skip


def _effect_row(e: SubgroupEffect, f: Modification, request: Request, marks: Mapping[str, Any]) -> Estimate:
    shape = math.exp if is_ratio(request.measure) else float
    test = t_test(e.estimate, e.std_error, e.df, request.conf_level)
    extra: dict[str, Any] = {**marks, "subgroup": e.subgroup}
    if e.value is not None:
        extra["value"] = e.value
    return Estimate(
        request.outcome, e.estimand, e.contrast, shape(e.estimate), e.std_error, e.df, test.statistic, test.p_value, shape(test.conf_low),
        shape(test.conf_high), request.conf_level, e.n, e.n_clusters, e.n_groups, f.method, f.covariance, extra,
    )  # fmt: skip


def _closing(tests: int, planned: int, rows: Sequence[Estimate], correction: Any) -> list[Note]:
    """What holds for every subgroup analysis."""
    text = "read the interaction: that one subgroup's effect is significant and another's is not does not make the two different."
    notes = [Note("interaction_first", text)]
    if any(e.extra.get("df_num", 1) > 1 for e in rows):
        notes.append(
            Note(
                "joint_test",
                "with three or more unordered levels the interaction is a joint test: it has a statistic and p, and no one estimate.",
            )
        )
    told = f"{tests} interaction test{'' if tests == 1 else 's'}, {planned} of them planned"
    if correction is not None:
        notes.append(Note("tests_counted", f"{told}; corrected by {correction}. Effects within subgroups are not corrected."))
    elif tests > 1:
        chance = f"{100 * (1 - 0.95**tests):.0f}"
        notes.append(
            Note(
                "tests_counted",
                f"{told}; not corrected: with no true difference, about {chance} in 100 such analyses would show one at p < .05.",
            )
        )
    if planned < tests:
        notes.append(
            Note(
                "exploratory",
                "what was not planned before the outcome was seen raises questions for a next study and answers none.",
            )
        )
    return notes
