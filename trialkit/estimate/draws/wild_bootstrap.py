"""The wild cluster bootstrap of an effect: a test and an interval for few clusters that lean on no t distribution.

Residuals are multiplied by random weights, one a cluster, and the regression is run again; the share of draws with a larger t than the data's is
the p-value. With groups in some arms only, the groups are clusters and everyone else is a cluster of one. All arithmetic is done on
clusters (inference/draws/wild_cluster.py), never on rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trialkit.design.stream import Seed, Stream, checked_seed
from trialkit.errors import EstimationError, UsageError, nearest, shown
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.linear import ancova
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.request import Contrasts, Request, StrataEffects, arm_pairs
from trialkit.estimate.sample import sample
from trialkit.inference.draws.wild_cluster import (
    ALTERNATIVES,
    KINDS,
    MULTIPLIERS,
    Alternative,
    ClusterModel,
    Draws,
    Multipliers,
    WildKind,
    WildTest,
    cluster_model,
    draw_terms,
    enumerated,
    from_words,
    possible_draws,
    wild_test,
    words_per_draw,
)
from trialkit.misuse import explained
from trialkit.printed import interval_text, number, p_text
from trialkit.results import DrawnTest, Estimate, Note
from trialkit.trial import Trial

MOST_ENUMERATED = 2**20
# blocks this small stay in the cache, and below the size at which matrix products are handed to several threads
BLOCK_CELLS = 1 << 15
LEAST_BLOCK = 256


@dataclass(frozen=True)
class WildBootstrapResult(DrawnTest):
    """A wild bootstrap test, one contrast a row; `.statistic`, `.p_value` and the interval are those of the first."""

    kind = "wild_bootstrap"

    def _title(self) -> str:
        return f"Wild bootstrap of the effect on {self.estimates[0].outcome}"

    def __str__(self) -> str:
        lines = [self._title()]
        for e, error in zip(self.estimates, self.details["mc_error"]):
            simulated = f" (Monte Carlo error {number(float(error))})" if error else ""
            lines.append(f"  {e.contrast}: {interval_text(e)}")
            lines.append(
                f"    SE {number(e.std_error)}, t = {e.statistic:.2f}, p {p_text(e.p_value)}{simulated}; n = {e.n}, {e.n_clusters} clusters; {e.method}"
            )
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])


@explained
def wild_bootstrap(
    trial: Trial,
    outcome: str,
    *,
    adjust: Sequence[str] = (),
    kind: WildKind = "WCR11",
    multipliers: Multipliers = "rademacher",
    n_draws: int | Literal["all"] = 9999,
    seed: Seed | None = None,
    alternative: Alternative = "two-sided",
    subcluster: Literal["unit"] | None = None,
    strata_effects: StrataEffects = "auto",
    covariate_missing: CovariateMissing = "impute",
    contrasts: Contrasts = "control",
    conf_level: float = 0.95,
) -> WildBootstrapResult:
    """Test of the ANCOVA effect by the wild cluster bootstrap, with its interval by inversion.

    Parameters
    ----------
    trial : clusters are its `cluster`, or its groups with everyone else a cluster of one, or people.
    outcome, adjust, strata_effects, covariate_missing, contrasts : as in `itt`; the regression is the same.
    kind : WCR imposes the null on the residuals (the default: better sized with few clusters), WCU does not. The first digit says
        whether residuals are as fitted (1) or those of the fit without the cluster (3), the second the variance in t:
        CR1 (1) or the cluster jackknife (3). 31 and 33 are the better ones when clusters differ much in size or leverage.
    multipliers : 'rademacher' (+-1, the default), 'webb' (six points, for fewer than about 12 clusters), 'mammen' or 'normal'.
    n_draws : a number of draws, or 'all'. All draws are listed, whatever the number, when there are no more of them.
    seed : needed unless all draws are listed; there is no default. The numbers depend on the seed alone.
    alternative : 'two-sided', 'greater' or 'less'; a one-sided interval has one end.
    subcluster : 'unit' gives every person a weight of their own while t keeps the clusters. For very few groups or clusters in an arm,
        where one weight a cluster gives too few draws to tell; it neglects dependence in the draws and is a check, not the default.
    conf_level : of the interval, which holds every effect that the test does not reject.

    Returns
    -------
    WildBootstrapResult
        `.statistic .p_value .conf_low .conf_high .mc_error`, `.tidy()`. The p-value is the share of draws at least as extreme,
        ties counted, when all are listed, else (1 + #) / (1 + draws). `df` is undefined: no t distribution is used.

    Raises
    ------
    UsageError, GroupError, NotIdentifiedError, EstimationError
        Without a seed where chance enters, with one cluster in an arm, or when the arm cannot be told from a covariate.

    Notes
    -----
    MacKinnon, Nielsen & Webb (2023), Journal of Applied Econometrics 38(5); MacKinnon & Webb (2018), Econometrics Journal 21(2).

    Examples
    --------
    >>> import trialkit as tk
    >>> from trialkit.estimate.draws.wild_bootstrap import wild_bootstrap
    >>> d = {"z": [1] * 6 + [0] * 6, "c": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], "y": [3, 4, 2, 5, 4, 4, 1, 2, 3, 1, 2, 2]}
    >>> r = wild_bootstrap(tk.Trial(d, arm="z", control=0, cluster="c"), "y", n_draws="all")
    >>> r.details["n_draws"], round(r.p_value, 4)
    (64, 0.0312)
    """
    _check_options(trial, kind, multipliers, alternative, subcluster, adjust)
    adjust = tuple(a for a in adjust if a not in trial.strata)
    request = Request(
        outcome=outcome, adjust=adjust, estimator="ancova", measure="mean_difference", covariance="CR1", df="residual",
        strata_effects=strata_effects, average="participant", contrasts=contrasts, covariate_missing=covariate_missing,
        conf_level=float(conf_level),
    )  # fmt: skip
    s = sample(trial, outcome, adjust, covariate_missing)
    notes: list[Note] = []
    strata, unequal = ancova.strata_rule(trial, request)
    columns, names = ancova.design_columns(trial, s, strata, notes, unequal)
    model = fit_linear(s, columns, names, kind="CR1", df="residual")
    pairs = arm_pairs(len(s.arms), contrasts)
    clusters = s.clusters
    models = [_cluster_model(model, a, b, kind, subcluster == "unit") for a, b in pairs]
    used = checked_seed(seed) if seed is not None else None
    draws = _draws(models, multipliers, n_draws, used)
    tests = [wild_test(m, d, alternative=alternative, conf_level=request.conf_level) for m, d in zip(models, draws)]
    notes += [*model.notes, *_notes(models, draws, tests, alternative, subcluster)]
    words = f"all {draws[0].count}" if draws[0].enumerated else f"{draws[0].count}"
    method = f"wild bootstrap {kind}, {multipliers}, {words} draws" + (", weights by person" if subcluster else "")
    rows = [
        Estimate(
            outcome, "overlap-weighted ITT" if strata == "additive" and unequal else "participant-average ITT", f"{s.arms[a]} - {s.arms[b]}",
            m.estimate, m.std_error, float("nan"), t.statistic, t.p_value, t.conf_low, t.conf_high, request.conf_level, s.n, clusters.count,
            s.groups_in(s.arm >= 0), method, "CR3 (cluster jackknife)" if kind.endswith("3") else "CR1",
        )
        for (a, b), m, t in zip(pairs, models, tests)
    ]  # fmt: skip
    details = {
        "kind": kind, "multipliers": multipliers, "alternative": alternative, "subcluster": subcluster, "n_draws": draws[0].count,
        "enumerated": draws[0].enumerated, "mc_error": [t.monte_carlo_error for t in tests], "weights_per_draw": models[0].units,
        "seed": None if draws[0].enumerated else used,
    }  # fmt: skip
    return WildBootstrapResult(tuple(rows), tuple(dict.fromkeys((*s.notes, *notes))), details)


def _check_options(trial: Any, kind: str, multipliers: str, alternative: str, subcluster: str | None, adjust: Any) -> None:
    if not isinstance(trial, Trial):
        raise UsageError(
            "wild_bootstrap takes a Trial first: tk.wild_bootstrap(tk.Trial(data, arm=..., control=...), 'outcome')."
        )
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    for name, value, allowed in (
        ("kind", kind, KINDS),
        ("multipliers", multipliers, MULTIPLIERS),
        ("alternative", alternative, ALTERNATIVES),
    ):
        if value not in allowed:
            near = nearest(str(value), allowed)
            raise UsageError(
                f"{name}={value!r} is unknown: it is one of {shown(allowed, 10)}.{f' Did you mean {near!r}?' if near else ''}"
            )
    if subcluster not in (None, "unit"):
        raise UsageError(f"subcluster={subcluster!r} is unknown: it is None (a weight a cluster) or 'unit' (a weight a person).")


def _cluster_model(model: LinearModel, arm: int, reference: int, kind: WildKind, by_row: bool) -> ClusterModel:
    vector = np.zeros(model.design.shape[1])
    vector[arm] = 1.0
    if reference:
        vector[reference] = -1.0
    model.contrast(vector)
    try:
        return cluster_model(
            fit=model.fit,
            y=model.sample.y,
            contrast=vector[model.fit.kept],
            clusters=model.sample.clusters,
            kind=kind,
            by_row=by_row,
        )
    except ValueError as error:
        raise EstimationError(
            f"no wild bootstrap for '{model.sample.outcome}': {error}. Use kind='WCR11', or check the clusters."
        ) from error


def _draws(models: list[ClusterModel], multipliers: Multipliers, n_draws: int | str, seed: int | None) -> list[Draws]:
    """The same weights for every contrast."""
    units = models[0].units
    possible = possible_draws(multipliers, units)
    if n_draws == "all":
        if possible > MOST_ENUMERATED:
            raise UsageError(_too_many(multipliers, units, possible))
        return _listed(models, multipliers, int(possible))
    if isinstance(n_draws, bool) or not isinstance(n_draws, (int, np.integer)) or n_draws < 1:
        raise UsageError(f"n_draws={n_draws!r} must be a number of draws, such as 9999, or 'all' to list every draw.")
    if possible <= n_draws:
        return _listed(models, multipliers, int(possible))
    if seed is None:
        raise UsageError(
            "a wild bootstrap by simulation needs a seed: say seed=4711 (any number you choose), or n_draws='all' when clusters are few."
        )
    return _simulated(models, multipliers, int(n_draws), seed)


def _too_many(multipliers: str, units: int, possible: float) -> str:
    if possible == float("inf") and multipliers in ("mammen", "normal"):
        return f"the draws of multipliers='{multipliers}' are not equally likely and cannot be listed: give a number of draws and a seed."
    return f"{units} weights have more than {MOST_ENUMERATED:,} draws, too many to list: give a number of draws and a seed, for instance n_draws=9999, seed=4711."


def _listed(models: list[ClusterModel], multipliers: Multipliers, count: int) -> list[Draws]:
    units = models[0].units
    step = max(LEAST_BLOCK, BLOCK_CELLS // units)
    blocks = [enumerated(multipliers, units, start, min(start + step, count)) for start in range(0, count, step)]
    return [Draws(np.concatenate([draw_terms(m, b) for b in blocks], axis=1), True) for m in models]


def _simulated(models: list[ClusterModel], multipliers: Multipliers, count: int, seed: int) -> list[Draws]:
    """Draw i takes the i-th stretch of one stream, so the size of a block changes nothing."""
    units = models[0].units
    words, stream = words_per_draw(multipliers, units), Stream(seed, 0)
    step = max(LEAST_BLOCK, BLOCK_CELLS // units)
    terms: list[list[Any]] = [[] for _ in models]
    for start in range(0, count, step):
        weights = from_words(stream.keys(min(step, count - start), words), multipliers, units)
        for kept, model in zip(terms, models):
            kept.append(draw_terms(model, weights))
    return [Draws(np.concatenate(kept, axis=1), False) for kept in terms]


def _notes(
    models: list[ClusterModel], draws: list[Draws], tests: list[WildTest], alternative: str, subcluster: str | None
) -> list[Note]:
    notes = [
        Note("no_df", "p and interval come from the bootstrap draws; no t distribution and so no degrees of freedom are used.")
    ]
    if draws[0].enumerated and draws[0].count < 100:
        notes.append(
            Note(
                "few_draws",
                f"{models[0].units} weights give {draws[0].count} different draws: p moves in steps of {2 / draws[0].count:.3g}. "
                "With multipliers='webb' or subcluster='unit' there are more.",
            )
        )
    ends = [t.conf_low for t in tests if alternative != "less"] + [t.conf_high for t in tests if alternative != "greater"]
    if np.isinf(ends).any():
        notes.append(
            Note(
                "interval_unbounded",
                "at this level the draws reject no effect on one side, however large: the interval has no end there.",
            )
        )
    if not all(t.connected for t in tests):
        notes.append(
            Note(
                "interval_gaps",
                "some values inside the interval are rejected: it is the shortest interval around all that are not.",
            )
        )
    if models[0].n_full_leverage:
        notes.append(
            Note(
                "jackknife_singular",
                f"without {models[0].n_full_leverage} of the clusters the regression cannot be fitted; they enter by a generalized inverse.",
            )
        )
    if subcluster == "unit":
        notes.append(
            Note(
                "weights_by_person",
                "weights are drawn by person, so the draws hold no dependence within clusters; t keeps the clusters.",
            )
        )
    return notes
