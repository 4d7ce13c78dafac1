"""From a design matrix to contrasts: fit, covariance, degrees of freedom, and the notes a reader needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from trialkit.errors import CombinationError, EstimationError, GroupError, NotIdentifiedError, shown
from trialkit.estimate.fit_notes import collinear, dependence_ignored
from trialkit.estimate.linear.working import working_covariance
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.absorb import (
    AbsorbedFit,
    absorbed_covariance,
    absorbed_least_squares,
    exact_cluster_covariance,
    finest,
    moments,
    within,
)
from trialkit.inference.linear.covariance import Covariance, CovarianceKind, covariance, exactly_fitted
from trialkit.inference.linear.least_squares import LeastSquares, least_squares
from trialkit.inference.linear.small_sample import WorkingCovariance
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import ALONE

FEW_UNITS = 10
SMALL_ARM = 20


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A fitted regression with the covariance and the df rule of its contrasts.

    `working` is the fitted covariance of groups or clusters, when the df rule is 'working' or strata with one of them borrow from it.
    """

    sample: Sample
    design: FloatArray
    names: tuple[str, ...]
    fit: LeastSquares
    cov: Covariance
    df_rule: str
    working: WorkingCovariance | None
    notes: tuple[Note, ...]

    def contrast(self, vector: FloatArray) -> tuple[float, float, float]:
        """Estimate, standard error and df of vector'b, vector of length K (all columns)."""
        self._check_estimable(vector)
        c = vector[self.fit.kept]
        variance = float(c @ self.cov.matrix @ c)
        df = self._df(c)
        if self.borrows(c):
            variance, df = self._borrow(c, variance, df)
        if not variance > 0:
            raise _no_variation(self.sample)
        return float(c @ self.fit.coef[self.fit.kept]), float(np.sqrt(variance)), df

    def borrows(self, c: FloatArray) -> bool:
        """Whether c'b, c of length r (the columns kept), leans on a group or cluster that the regression fits exactly."""
        return self.working is not None and _hidden(self.fit, self.cov, c) > 0

    def _borrow(self, c: FloatArray, variance: float, df: float) -> tuple[float, float]:
        """A stratum with one group (cluster) of an arm fits its mean exactly, so it adds nothing to CR2.

        What is missing is the difference between the true variance and the mean of CR2 under the working covariance; it is
        added, with the groups left over after the fixed effects as its df. The two parts are taken as fully correlated, which
        makes the df no larger than it is.
        """
        assert self.working is not None
        missing = self.unseen(c, self.working)
        spare = max(self._groups_left(), 1.0)
        total = variance + missing
        return total, total**2 / (variance / np.sqrt(df) + missing / np.sqrt(spare)) ** 2

    def unseen(self, c: FloatArray, working: WorkingCovariance) -> float:
        """The variance of c'b, c of length r (the columns kept), that the robust covariance misses in the mean when errors are `working`."""
        assert self.cov.clusters is not None
        clusters = self.cov.clusters
        X = self.fit.X[clusters.order]
        t = X @ (self.fit.bread @ c)
        if self.fit.weights is not None:
            t = t * self.fit.weights[clusters.order]
        true = float(t @ working.times(t[:, None], clusters)[:, 0])
        return max(true - moments(self.fit, self.cov, c, working).mean, 0.0)

    def _groups_left(self) -> float:
        unit = self.sample.group if self.sample.cluster is None else self.sample.cluster
        inside = unit != ALONE
        _, codes = np.unique(unit[inside], return_inverse=True)
        means = np.array([self.fit.X[inside][codes == g].mean(axis=0) for g in range(int(codes.max()) + 1)])
        return float(len(means) - np.linalg.matrix_rank(means))

    def influence(self, vector: FloatArray) -> FloatArray:
        """(S,) contributions of the independent units to vector'b, adjusted as its variance is."""
        assert self.cov.influence is not None
        u = self.cov.influence @ vector[self.fit.kept]
        clusters = self.cov.clusters
        if clusters is None:
            return u * self.fit.residuals
        return clusters.sum((u * self.fit.residuals[clusters.order])[:, None])[:, 0]

    def _df(self, c: FloatArray) -> float:
        if self.df_rule == "residual":
            return float(self.cov.clusters.count - 1 if self.cov.clusters is not None else self.fit.df_resid)
        return moments(self.fit, self.cov, c, self.working if self.df_rule == "working" else None).df

    def _check_estimable(self, vector: FloatArray) -> None:
        """A column left out is a combination of kept ones: the contrast must not depend on how they share its effect."""
        kept, dropped = self.fit.kept, np.flatnonzero(self.fit.collinear)
        if not len(dropped):
            return
        scale = np.linalg.norm(self.design, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        unit = self.design / scale
        combination = np.linalg.lstsq(unit[:, kept], unit[:, dropped], rcond=None)[0]
        share = vector / scale
        gap = np.abs(share[dropped] - combination.T @ share[kept])
        guilty = [self.names[j] for j, g in zip(dropped, gap) if g > 1e-6 * np.abs(share).max()]
        if guilty:
            raise NotIdentifiedError(
                f"the effect of the arm cannot be told apart from {shown(guilty)}: in these data they carry the same information. "
                f"Leave {'it' if len(guilty) == 1 else 'them'} out of adjust or strata."
            )


def fit_linear(sample: Sample, design: FloatArray, names: list[str], *, kind: str, df: str, absorb: bool = False) -> LinearModel:
    """Fit and settle the covariance ('auto': CR2 with clusters or groups, else HC2) and the df rule."""
    notes: list[Note] = []
    outcome = sample.y
    if absorb:
        assert sample.stratum is not None
        levels = finest([sample.stratum])
        fit: LeastSquares = absorbed_least_squares(y=sample.y, X=design, levels=levels, weights=sample.weights)
        design, outcome = within(design, levels, sample.weights), within(sample.y, levels, sample.weights)
    else:
        fit = least_squares(y=sample.y, X=design, weights=sample.weights)
    if fit.df_resid < 1:
        raise EstimationError(
            f"{sample.n} people and {len(fit.kept)} terms leave no degrees of freedom: leave covariates or strata out."
        )
    if _exact(sample, fit):
        raise _no_variation(sample)
    if fit.collinear.any():
        left = [n for n, dropped in zip(names, fit.collinear) if dropped]
        notes.append(collinear(left))
    return settled(
        sample, fit, design=design, names=names, outcome=outcome, kind=kind, df=df, notes=notes,
        make=lambda k: _covariance(fit, k, sample, notes),
    )  # fmt: skip


def settled(
    sample: Sample,
    fit: LeastSquares,
    *,
    design: FloatArray,
    names: list[str],
    outcome: FloatArray,
    kind: str,
    df: str,
    notes: list[Note],
    make: Callable[[CovarianceKind], tuple[CovarianceKind, Covariance]],
) -> LinearModel:
    """The model of a fit: its covariance, which `make` computes for a resolved kind, its df rule and the notes on both.

    `outcome` (n,) is what the working covariance is fitted to, given the columns of the fit.
    """
    resolved = cast(CovarianceKind, ("CR2" if sample.clustered else "HC2") if kind == "auto" else kind)
    if sample.clustered:
        _check_units(sample, notes)
        if not resolved.startswith("CR"):
            notes.append(dependence_ignored(sample, resolved))
    try:
        resolved, cov = make(resolved)
    except np.linalg.LinAlgError as error:
        raise EstimationError(
            f"{resolved} does not exist here: leaving out one cluster leaves no estimate. Use covariance='CR2'."
        ) from error
    rule = _df_rule(sample, resolved, df)
    if rule == "residual" and resolved.startswith("HC"):
        notes += _small_arm(sample)
    working = None
    # a df that was asked for by name gives clubSandwich's numbers, which have nothing to borrow
    borrows = df == "auto" and cov.n_full_leverage > 0 and cov.clusters is not None
    if rule == "working" or borrows:
        working = working_covariance(replace(sample, y=outcome), fit.X)
        if rule == "working" and working is None:
            rule = "groups"
            notes.append(
                Note(
                    "working_df_failed",
                    "the group variance could not be fitted; the degrees of freedom are the number of groups minus one.",
                )
            )
    hidden = _hidden_in_arms(fit, cov, names)
    if hidden:
        notes.append(_leverage_note(cov, sample, hidden, working is not None))
    if rule == "groups":
        return _GroupCountModel(sample, design, tuple(names), fit, cov, rule, None, tuple(notes))
    return LinearModel(sample, design, tuple(names), fit, cov, rule, working, tuple(notes))


def _covariance(fit: LeastSquares, kind: CovarianceKind, sample: Sample, notes: list[Note]) -> tuple[CovarianceKind, Covariance]:
    """The covariance; CR1 in place of CR2 and CR3 where absorbed strata and clusters cross too much for them."""
    clusters = sample.clusters if kind.startswith("CR") else None
    if not isinstance(fit, AbsorbedFit):
        return kind, covariance(fit, kind, clusters)
    if clusters is not None and kind in ("CR2", "CR3") and not exact_cluster_covariance(fit, clusters):
        notes.append(
            Note("absorbed_cr1", f"{kind} is out of reach with this many strata crossing the clusters: CR1 stands in for it.")
        )
        kind = "CR1"
    return kind, absorbed_covariance(fit, kind, clusters)


def _exact(sample: Sample, fit: LeastSquares) -> bool:
    spread = float(np.abs(sample.y - sample.y.mean()).max())
    return float(np.abs(fit.residuals).max()) <= 1e-10 * max(spread, 1e-300)


def _no_variation(sample: Sample) -> EstimationError:
    return EstimationError(
        f"the outcome '{sample.outcome}' is determined exactly by the terms of the model: there is no residual variation, so no standard "
        "error. Check whether a covariate is a copy of the outcome."
    )


class _GroupCountModel(LinearModel):
    """The conservative df when the working covariance has no maximum: the smallest number of groups of an arm minus one."""

    __slots__ = ()

    def _df(self, c: FloatArray) -> float:
        sample = self.sample
        counts = [sample.groups_in(sample.arm == a) for a in np.unique(sample.arm[sample.group != ALONE])]
        return float(min(counts) - 1)


def _small_arm(sample: Sample) -> list[Note]:
    """With a handful of people in an arm, n - k overstates what is known of that arm's variance (docs/calibration.md)."""
    counts = {label: int((sample.arm == code).sum()) for code, label in enumerate(sample.arms)}
    small = {a: n for a, n in counts.items() if n < SMALL_ARM}
    if not small:
        return []
    text = ", ".join(f"{n} in {a}" for a, n in small.items())
    return [
        Note(
            "small_arm",
            f"few people ({text}): df='independence' (Bell-McCaffrey) keeps the level better than n - k when variances differ.",
        )
    ]


def _hidden(fit: LeastSquares, cov: Covariance, c: FloatArray) -> int:
    """Clusters fitted exactly that count in c'b; with absorbed strata, which are additive, all that are fitted exactly."""
    return cov.n_full_leverage if isinstance(fit, AbsorbedFit) else exactly_fitted(fit, cov, c)


def _hidden_in_arms(fit: LeastSquares, cov: Covariance, names: list[str]) -> int:
    """People fitted exactly, or the most clusters fitted exactly that count in the coefficient of an arm (of any column, where none is an arm's)."""
    if cov.clusters is None or not cov.n_full_leverage:
        return cov.n_full_leverage
    own = np.eye(len(fit.kept))
    arms = [c for c, j in zip(own, fit.kept) if names[j].startswith("arm ")]
    return max(_hidden(fit, cov, c) for c in arms or own)


def _leverage_note(cov: Covariance, sample: Sample, hidden: int, borrowed: bool) -> Note:
    if cov.clusters is None:
        return Note(
            "full_leverage",
            counted_people(hidden, "are fitted exactly by a term of their own and add nothing to the variance."),
        )
    if borrowed:
        what = "groups" if sample.cluster is None else "clusters of an arm"
        return Note(
            "group_variance_borrowed",
            f"{hidden} {what} are alone in their stratum: their variance is taken from the {what.split()[0]} of the other strata.",
        )
    return Note(
        "full_leverage",
        f"{hidden} clusters are fitted exactly by terms of their own: the standard error leaves them out and is too small.",
    )


def _df_rule(sample: Sample, kind: str, df: str) -> str:
    one_arm = sample.cluster is None and bool((sample.group != ALONE).any())
    if df == "auto":
        if kind in ("CR2", "CR3"):
            return "working" if one_arm else "independence"
        return "residual"
    if df == "working" and not one_arm:
        raise CombinationError("df='working' is for groups that exist in some arms only (group=): use df='independence'.")
    if df in ("working", "independence") and kind == "classical":
        raise CombinationError(f"df='{df}' does not go with covariance='classical': use df='residual'.")
    return df


def _check_units(sample: Sample, notes: list[Note]) -> None:
    """Every arm needs two independent units; few of them are said so."""
    what = "cluster" if sample.cluster is not None else "group"
    counts = {}
    for code, label in enumerate(sample.arms):
        inside = sample.arm == code
        if sample.cluster is not None or (sample.group[inside] != ALONE).any():
            counts[label] = len(np.unique(sample.unit_of_variance[inside]))
            if counts[label] < 2:
                raise GroupError(
                    f"arm {label!r} has one {what} with '{sample.outcome}': the variance between {what}s cannot be estimated from one. "
                    f"More {what}s are needed; ignoring them would claim a precision that is not there."
                )
    few = {a: k for a, k in counts.items() if k < FEW_UNITS}
    if few:
        text = ", ".join(f"{k} {what}s in {a}" for a, k in few.items())
        notes.append(
            Note(
                "few_groups",
                f"few {what}s ({text}): the interval rests on its small-sample correction; read it beside a randomization test.",
            )
        )
