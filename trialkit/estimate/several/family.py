"""Several tests as one family: corrected p-values that use how the tests depend on each other.

Romano-Wolf and Westfall-Young need the joint distribution of the statistics under the null. Without groups it is drawn from the
trial's own design: one assignment serves every outcome. With groups in one arm the sharp null of a re-randomization also denies
group effects, so the draws are normal with the correlation of the groups' scores (inference/draws/joint_null.py).

Every statistic is put on the scale of a standard normal by its own p-value first, so that each keeps its own df and a family of
one is left as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from trialkit.design.stream import checked_seed
from trialkit.errors import CombinationError, DataError, UsageError, nearest, shown
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.estimate.measures import MEASURES
from trialkit.estimate.sample import units_of_variance
from trialkit.estimate.several.adjust_p import adjust_p
from trialkit.estimate.several.joint import fitted
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.draws.joint_null import normal_draws
from trialkit.inference.draws.randomization import coefficient
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.several.stepdown import romano_wolf, westfall_young
from trialkit.misuse import explained
from trialkit.results import Note, Result
from trialkit.trial import ALONE, Trial

Correction = Literal["romano_wolf", "westfall_young", "holm", "hochberg", "bh", "sharpened_q"]
FEW_DF = 12
BY_DRAWS = ("romano_wolf", "westfall_young")


@dataclass(frozen=True)
class FamilyResult(Result):
    """All rows of the family with `p_adjusted`."""

    kind = "family"

    def _title(self) -> str:
        return f"Family of {len(self.estimates)} tests, corrected by {self.details['correction']}"


@explained
def family(
    results: Sequence[IttResult],
    *,
    correction: Correction = "romano_wolf",
    n_draws: int = 5000,
    seed: int | np.random.Generator | None = None,
    draws: Literal["auto", "design", "scores"] = "auto",
) -> FamilyResult:
    """Correct the p-values of several effects together.

    Parameters
    ----------
    results : effects from `itt`, of one trial; any outcomes and measures, and every arm counts as a member.
    correction : 'romano_wolf' and 'westfall_young' use the dependence between the tests; 'holm', 'hochberg', 'bh' and
        'sharpened_q' do not and need no draws.
    n_draws, seed : for the first two; the seed has no default.
    draws : 'auto' draws from the trial's design where there is one and there are no groups, otherwise normal
        draws with the correlation of the units' scores.

    Returns
    -------
    FamilyResult
        The rows with `p_adjusted`.

    Raises
    ------
    UsageError, DataError, CombinationError
        Results of several trials, results read from a file, no seed.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["a", "b"] * 40, "y1": rng.normal(size=80), "y2": rng.normal(size=80)})
    >>> trial = tk.Trial(d, arm="arm", control="a")
    >>> corrected = tk.family([tk.itt(trial, "y1"), tk.itt(trial, "y2")], correction="romano_wolf", n_draws=500, seed=1)
    >>> bool((corrected.tidy()["p_adjusted"] >= corrected.tidy()["p_value"] - 0.05).all())
    True
    """
    members = list(results)
    rows = [e for r in members for e in r.estimates]
    if not rows:
        raise UsageError("a family needs at least one result: tk.family([tk.itt(...), tk.itt(...)]).")
    if correction not in (*BY_DRAWS, "holm", "hochberg", "bh", "sharpened_q"):
        near = nearest(correction, (*BY_DRAWS, "holm", "hochberg", "bh", "sharpened_q"))
        raise CombinationError(f"there is no correction '{correction}'.{f' Did you mean {near!r}?' if near else ''}")
    p = np.array([e.p_value for e in rows])
    if not np.isfinite(p).all():
        raise DataError(
            f"{shown([e.outcome for e in rows if not np.isfinite(e.p_value)])} has no p-value, so the family cannot be corrected."
        )
    notes: list[Note] = []
    if correction in BY_DRAWS:
        null, how = _joint_null(members, n_draws, seed, draws)
        notes.append(Note("family_draws", how))
        fewest = _fewest_df(members)
        if fewest < FEW_DF and len(rows) > 2:
            notes.append(
                Note(
                    "few_units",
                    f"the tests have as few as {fewest:.1f} degrees of freedom: far in its tail, where many tests are decided, a t test is too free with so few "
                    "units, whatever the correction. With 6 groups in one arm one true hypothesis or more of 10 was rejected in 9 % of simulated families "
                    "at 5 %, of 3 in 7 %.",
                )
            )
        z = -special.ndtri(np.clip(p, 1e-300, 1.0) / 2)
        found = (
            romano_wolf(statistics=z, null=null)
            if correction == "romano_wolf"
            else westfall_young(p=p, null=2 * special.ndtr(-np.abs(null)))
        )
        adjusted = found.p_adjusted
    else:
        adjusted = adjust_p(p.tolist(), method=correction)
    out = tuple(replace(e, extra={**e.extra, "p_adjusted": float(a)}) for e, a in zip(rows, np.asarray(adjusted)))
    return FamilyResult(out, tuple(notes), {"correction": correction, "n_draws": n_draws if correction in BY_DRAWS else 0})


def _joint_null(
    members: Sequence[IttResult], n_draws: int, seed: int | np.random.Generator | None, draws: str
) -> tuple[FloatArray, str]:
    """(n_draws, rows) statistics under the joint null, and how they were drawn."""
    if seed is None:
        raise UsageError(
            "this correction draws, so it needs a seed: say seed=4711 (any number you choose), or use correction='holm'."
        )
    trial = _trial_of(members)
    grouped = trial.cluster is None and bool((trial.group_codes != ALONE).any())
    can = trial.design is not None and not grouped and len(trial.arms) == 2 and not any(_of_time(r) for r in members)
    if draws == "design" and not can:
        raise CombinationError(
            "draws='design' needs Trial(design=...), two arms, no times, and no groups in one arm: use draws='auto'."
        )
    if draws not in ("auto", "design", "scores"):
        raise UsageError(f"draws={draws!r} is unknown: it is 'auto', 'design' or 'scores'.")
    if not n_draws >= 1:
        raise UsageError(f"n_draws={n_draws} must be a whole number of draws, such as 5000.")
    number = checked_seed(seed)
    if can and draws != "scores":
        return _by_design(
            members, trial, n_draws, number
        ), f"the joint distribution comes from {n_draws} assignments of the trial's own design."
    what = "groups" if grouped else "clusters" if trial.cluster is not None else "people"
    return (
        normal_draws(scores=_scores(members, trial), df=_fewest_df(members), n_draws=n_draws, seed=number),
        f"the joint distribution comes from {n_draws} normal draws with the correlation of the scores of the {what}.",
    )


def _fewest_df(members: Sequence[IttResult]) -> float:
    """Of all rows; infinite where every test is normal."""
    return min((e.df for r in members for e in r.estimates if np.isfinite(e.df)), default=np.inf)


def _trial_of(members: Sequence[IttResult]) -> Trial:
    """The one trial behind all results."""
    trials = []
    for result in members:
        if result.evidence is None:
            raise UsageError("a result was read from a file and holds no data: run the analysis again, or use correction='holm'.")
        trials.append(result.evidence.trial)
    if any(t is not trials[0] for t in trials):
        raise UsageError(
            "the results come from different Trial objects: make one Trial and run every analysis on it, so that one draw serves all."
        )
    return trials[0]


def _of_time(result: IttResult) -> bool:
    measure = str(result.details.get("measure"))
    return measure in MEASURES and MEASURES[measure].outcome == "time"


def _by_design(members: Sequence[IttResult], trial: Trial, n_draws: int, seed: int) -> FloatArray:
    """Studentized regression coefficients of every outcome over the same assignments; they stand for any measure of it."""
    drawn = trial.design.draw_many(n_draws, seed=seed)
    code = np.array([0 if str(a) == str(trial.arms[0]) else 1 for a in drawn.labels], dtype=np.int8)
    columns = []
    for result in members:
        assert result.evidence is not None
        s = result.evidence.sample
        block = s.stratum if s.stratum is not None else np.zeros(s.n, dtype=np.int64)
        indicators = (block[:, None] == np.unique(block)[1:]).astype(float)
        basis = least_squares(y=s.y, X=np.column_stack([np.ones(s.n), indicators, s.X])).q
        arms = code[np.take(drawn.arms, trial.places[s.rows], axis=1)] if trial.places is not None else drawn.arms
        own = None if s.cluster is None else np.unique(s.cluster, return_inverse=True)[1].reshape(-1).astype(np.int64)
        groups = None if own is None else np.broadcast_to(own, arms.shape)
        found = coefficient(
            y=s.y, observed=s.arm, draws=arms, basis=basis, studentize=True, weights=np.full(n_draws, 1 / n_draws), groups=groups,
            observed_groups=own,
        )  # fmt: skip
        columns.append(found.statistics()[0])
    return np.column_stack(columns)


def _scores(members: Sequence[IttResult], trial: Trial) -> FloatArray:
    """(units, rows) score of every independent unit of the trial in every row; 0 where it is not in an analysis."""
    label = units_of_variance(trial, trial.codes(trial.cluster) if trial.cluster is not None else None, trial.group_codes)
    columns: list[FloatArray] = []
    for result in members:
        evidence = result.evidence
        assert evidence is not None
        if evidence.influence:
            units = label[evidence.sample.rows]
            columns += [np.bincount(units, weights=v, minlength=int(label.max()) + 1).astype(float) for v in evidence.influence]
            continue
        model = fitted(result)
        for vector in evidence.vectors:
            column = np.zeros(int(label.max()) + 1)
            column[_units(model, label)] = model.influence(vector)
            columns.append(column)
    return np.column_stack(columns)


def _units(model: LinearModel, label: IntArray) -> IntArray:
    """Unit of the trial of each entry of `model.influence`."""
    rows = label[model.sample.rows]
    clusters = model.cov.clusters
    return rows if clusters is None else rows[clusters.order[clusters.starts]]
