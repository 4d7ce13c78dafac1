"""What the composition of a group goes with: the others' baseline, its spread, and both by one's own baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.errors import EstimationError, GroupError, NotIdentifiedError, UsageError
from trialkit.estimate.covariates import covariates
from trialkit.estimate.request import checked_level
from trialkit.inference.arrays import BoolArray, Clusters, FloatArray, IntArray
from trialkit.inference.distributions import t_test
from trialkit.inference.draws.peers import peer_mean
from trialkit.inference.linear.covariance import Covariance, covariance
from trialkit.inference.linear.least_squares import LeastSquares, independent_columns, least_squares
from trialkit.inference.linear.small_sample import satterthwaite
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.results import Estimate, Note, Result
from trialkit.selection.comparison.observed import listed
from trialkit.trial import ALONE, Trial

TERCILES = ("lowest third", "middle third", "highest third")
ESTIMAND = "association with the composition of the group; an effect when groups were drawn at random within strata"
FEW_GROUPS = 20


@dataclass(frozen=True)
class PeerComposition(Result):
    """A row a term: own baseline, mean of the peers, spread and its square, the peers' mean by third, and arms by third."""

    kind = "peer_composition"

    def row(self, contrast: str) -> Estimate:
        """The row of a term, by its name in `.tidy()["contrast"]`."""
        found = [e for e in self.estimates if e.contrast == contrast]
        if not found:
            raise UsageError(f"there is no term {contrast!r}: terms are {', '.join(e.contrast for e in self.estimates)}.")
        return found[0]

    def _title(self) -> str:
        return f"Composition of groups by '{self.details['baseline']}' and {self.estimates[0].outcome}"


@dataclass(frozen=True, slots=True)
class _Members:
    """People in groups of two and more; `rest` are the strata, arms and covariates of every model."""

    y: FloatArray
    own: FloatArray
    peers: FloatArray
    spread: FloatArray
    arm: IntArray
    group: IntArray
    third: IntArray
    rest: FloatArray
    stratum: IntArray
    outcome: str
    conf_level: float


@explained
def peer_composition(
    trial: Trial, outcome: str, *, baseline: str, adjust: Sequence[str] = (), conf_level: float = 0.95
) -> PeerComposition:
    """How the outcome goes with the baseline of a person's peers and its spread in the group, overall and by thirds of the own baseline.

    Parameters
    ----------
    trial : with `group=`; strata are the pools within which groups were formed, and enter as effects.
    outcome : numeric column. baseline : numeric trait measured before groups were formed.
    adjust : further baseline covariates. conf_level : of the intervals.

    Returns
    -------
    PeerComposition
        Three regressions among people in groups, all with own baseline, strata and arms. First: 'mean of peers' (without oneself), 'spread' (SD in the
        group, at its average) and 'spread squared' (curvature). Second: 'mean of peers, lowest third' ... and 'highest - lowest third'. Third, with two and more
        grouped arms (homogeneous, heterogeneous, random): each against the first of them by third.

    Raises
    ------
    GroupError, EstimationError, NotIdentifiedError
        No groups, too few of them for the terms, groups that are all alike.

    Notes
    -----
    Own baseline is in the model, so the slope on the peers has no exclusion bias. Standard errors are CR2 by group with Satterthwaite df, which for terms that only
    groups differ in are few. Thirds are cut among everyone randomized. Sampling weights
    do not enter; people of weight zero are left out. Test first whether groups were drawn at random: `tk.selection.peer_assignment_test`.

    Examples
    --------
    >>> import numpy as np, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = {"arm": ["peer"] * 120 + ["solo"] * 60, "group": [f"g{i // 6}" for i in range(120)] + [None] * 60, "y0": rng.normal(size=180)}
    >>> d["y"] = d["y0"] + rng.normal(size=180)
    >>> found = tk.selection.peer_composition(tk.Trial(d, arm="arm", control="solo", group="group"), "y", baseline="y0")
    >>> found.row("own baseline").p_value < 0.001
    True
    """
    names = listed(adjust, "adjust")
    if trial.group is None:
        raise GroupError("the trial has no groups: name their column, Trial(..., group='group').")
    if baseline in names or outcome in (*names, baseline):
        raise UsageError("the outcome, the baseline and the covariates in adjust must be different columns.")
    checked_level(conf_level)
    people, notes = _members(trial, outcome, baseline, names, conf_level)
    rows = _overall(people) + _by_third(people) + _arms_by_third(people, trial)
    if trial.strata and _lone_groups(people):
        notes.append(
            Note(
                "single_group_strata",
                f"{_lone_groups(people)} strata hold one group: they say nothing on composition, and merging them would.",
            )
        )
    groups = len(np.unique(people.group))
    if groups < FEW_GROUPS:
        notes.append(Note("few_groups", f"{groups} groups: terms that only groups differ in rest on that many observations."))
    notes.append(
        Note(
            "groups_at_random",
            "these are effects of composition only if groups were drawn at random within strata: see peer_assignment_test.",
        )
    )
    return PeerComposition(tuple(rows), tuple(dict.fromkeys(notes)), {"baseline": baseline, "groups": groups})


def _members(trial: Trial, outcome: str, baseline: str, names: tuple[str, ...], conf_level: float) -> tuple[_Members, list[Note]]:
    y, own = trial.values(outcome), trial.values(baseline)
    found = covariates(trial, names, "impute")
    notes = [*trial.notes, *found.notes]
    there = np.ones(trial.n, dtype=bool) if trial.weights is None else trial.values(trial.weights) > 0
    if trial.weights is not None:
        notes.append(
            Note("weights_unused", "sampling weights do not enter the composition of groups; people of weight zero are left out.")
        )
    known = (trial.group_codes != ALONE) & np.isfinite(own) & there
    size = np.bincount(trial.group_codes[known], minlength=trial.n + 1)
    inside = known & (size[trial.group_codes] > 1)
    if not inside.any():
        raise GroupError(f"no group has two people with '{baseline}'.")
    missing = int(((trial.group_codes != ALONE) & there & ~inside).sum())
    if missing:
        notes.append(
            Note(
                "baseline_missing",
                counted_people(missing, f"in groups have no '{baseline}' or no peer with one, and are left out."),
            )
        )
    group = np.unique(trial.group_codes[inside], return_inverse=True)[1].reshape(-1)
    mine = own[inside]
    count = np.bincount(group).astype(float)
    centred = mine - (np.bincount(group, weights=mine) / count)[group]
    spread = np.sqrt(np.bincount(group, weights=centred**2) / (count - 1))[group]
    # composition is that of the groups as formed: people without the outcome count as peers
    use = np.isfinite(y[inside])
    if not use.all():
        notes.append(
            Note(
                "outcome_missing", counted_people(int((~use).sum()), f"in groups have no '{outcome}': they count as peers only.")
            )
        )
    if len(np.unique(group[use])) < 4:
        raise EstimationError("fewer than four groups have the outcome: nothing can be said on their composition.")
    rows = np.flatnonzero(inside)[use]
    if np.ptp(y[rows]) <= 1e-12 * max(1.0, float(np.abs(y[rows]).max())):
        raise EstimationError(f"the outcome '{outcome}' is the same for everyone in groups: there is no variation to analyse.")
    cuts = np.quantile(own[np.isfinite(own) & there], [1 / 3, 2 / 3])
    third = np.searchsorted(cuts, own[rows], side="left").astype(np.int64)
    arms = trial.arm_codes[rows]
    effects = [np.ones((len(rows), 1)), _indicators(arms)]
    stratum = trial.codes(*trial.strata)[rows] if trial.strata else np.zeros(len(rows), dtype=np.int64)
    effects.append(_indicators(stratum))
    rest = np.column_stack([*effects, found.columns[rows]])
    centre = mine[use].mean()
    people = _Members(
        y[rows], own[rows] - centre, peer_mean(x=mine, group=group)[use] - centre, spread[use], arms, group[use], third, rest, stratum, outcome, conf_level,
    )  # fmt: skip
    return people, notes


def _lone_groups(p: _Members) -> int:
    pairs = np.unique(np.column_stack([p.stratum, p.group]), axis=0)
    return int((np.bincount(pairs[:, 0]) == 1).sum())


def _overall(p: _Members) -> list[Estimate]:
    centred = p.spread - p.spread.mean()
    squared = centred**2
    if np.ptp(p.spread) <= 1e-9 * max(float(p.spread.max()), 1e-300):
        raise NotIdentifiedError("all groups have the same spread of the baseline: its effect cannot be told.")
    terms = np.column_stack([p.own, p.peers, centred, squared])
    return _fitted(p, terms, ["own baseline", "mean of peers", "spread", "spread squared"])


def _by_third(p: _Members) -> list[Estimate]:
    """Slopes on the peers' mean in each third, with the thirds' own levels; then highest minus lowest."""
    present = [k for k in range(3) if (p.third == k).sum() > 1]
    if present != [0, 1, 2]:
        return []
    each = (p.third[:, None] == np.arange(3)).astype(float)
    terms = np.column_stack([each * p.peers[:, None], each[:, 1:], p.own])
    names = [f"mean of peers, {t}" for t in TERCILES]
    extra = {"mean of peers, highest - lowest third": np.r_[-1.0, 0.0, 1.0]}
    return _fitted(p, terms, names, extra)


def _arms_by_third(p: _Members, trial: Trial) -> list[Estimate]:
    """Grouped arms compared within each third: composition as what was randomized."""
    codes = np.unique(p.arm)
    each = (p.third[:, None] == np.arange(3)).astype(float)
    if len(codes) < 2 or any(((p.arm == a) & (p.third == k)).sum() < 2 for a in codes for k in range(3)):
        return []
    columns, names = [], []
    for a in codes[1:]:
        for k, third in enumerate(TERCILES):
            columns.append((p.arm == a) * each[:, k])
            names.append(f"{trial.arms[a]} - {trial.arms[codes[0]]}, {third}")
    terms = np.column_stack([*columns, each[:, 1:], p.own])
    return _fitted(p, terms, names, drop_arms=len(codes) - 1)


def _fitted(
    p: _Members, terms: FloatArray, names: list[str], extra: dict[str, FloatArray] | None = None, *, drop_arms: int = 0
) -> list[Estimate]:
    """Rows of the first terms, then of combinations of them; `drop_arms` leaves out the arm effects that the terms replace."""
    rest = np.delete(p.rest, np.arange(1, 1 + drop_arms), axis=1)
    X = np.column_stack([rest, terms])
    scale = np.sqrt((X**2).sum(axis=0))
    kept = independent_columns(X / np.where(scale > 0, scale, 1.0))
    place = {int(j): i for i, j in enumerate(kept)}
    lost = [n for i, n in enumerate(names) if rest.shape[1] + i not in place]
    if lost:
        raise NotIdentifiedError(
            f"'{lost[0]}' cannot be told apart from the strata and covariates: groups of one stratum or arm do not differ in it."
        )
    fit = least_squares(y=p.y, X=X[:, kept])
    if fit.df_resid < 1:
        raise EstimationError(f"{len(p.y)} people and {len(kept)} terms leave no degrees of freedom.")
    cov = covariance(fit, "CR2", Clusters.from_labels(p.group))
    rows = []
    wanted = {n: np.eye(len(names))[i] for i, n in enumerate(names)} | (extra or {})
    for name, combination in wanted.items():
        vector = np.zeros(len(kept))
        for i, value in enumerate(combination):
            vector[place[rest.shape[1] + i]] = value
        rows.append(_estimate(p, fit, cov, vector, name))
    return rows


def _estimate(p: _Members, fit: LeastSquares, cov: Covariance, vector: FloatArray, name: str) -> Estimate:
    value = float(vector @ fit.coef)
    se = float(np.sqrt(max(float(vector @ cov.matrix @ vector), 0.0)))
    df = satterthwaite(fit, cov, vector).df if se > 0 else float("nan")
    test = t_test(value, se, df, p.conf_level)
    return Estimate(
        p.outcome, ESTIMAND, name, value, se, df, test.statistic, test.p_value, test.conf_low, test.conf_high, p.conf_level,
        len(p.y), 0, len(np.unique(p.group)), "least squares among people in groups", "CR2",
    )  # fmt: skip


def _indicators(codes: IntArray) -> FloatArray:
    levels = np.unique(codes)
    found: BoolArray = codes[:, None] == levels[1:]
    return found.astype(float)
