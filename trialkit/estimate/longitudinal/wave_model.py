"""From the arrays of a longitudinal analysis to a fitted model: covariance structures, fit, and what is refused."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import combinations
from numbers import Real
from typing import cast

import numpy as np
from scipy import special

from trialkit.errors import CombinationError, EstimationError, UsageError, shown
from trialkit.estimate.fit_notes import collinear
from trialkit.estimate.longitudinal.wave_design import WaveDesign
from trialkit.estimate.longitudinal.wave_sample import WaveSample
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.covariance import CovarianceKind
from trialkit.inference.repeated.contrasts import RepeatedContrasts, kenward_roger, model_based
from trialkit.inference.repeated.covariance_structures import structure
from trialkit.inference.repeated.data import RepeatedData, repeated_data
from trialkit.inference.repeated.fit import RepeatedFit, fit_repeated
from trialkit.inference.repeated.likelihood import CovarianceModel
from trialkit.inference.repeated.sandwich import empirical
from trialkit.printed import p_text
from trialkit.results import Note
from trialkit.trial import ALONE

GROUP_STRUCTURES = ("us", "cs", "ar1")
SPARE_GROUPS = 3
ARMS_P = 0.01


@dataclass(frozen=True, slots=True)
class WaveModel:
    """A fitted model; `people_arms` names the arm of each covariance of people (None: all arms), `group_arms` of groups (None: clusters)."""

    sample: WaveSample
    design: WaveDesign
    fit: RepeatedFit
    structure: str
    group_structure: str | None
    people_arms: tuple[Hashable | None, ...]
    group_arms: tuple[Hashable | None, ...]
    notes: tuple[Note, ...]

    def contrasts(self, covariance: str, df: str) -> RepeatedContrasts:
        """Tests with a covariance ('model', 'kenward_roger', 'kenward_roger_linear', 'CR0', 'CR2', 'CR3') and a df rule."""
        if covariance.startswith("CR"):
            return empirical(self.fit, cast(CovarianceKind, covariance), df)
        if covariance == "model":
            return model_based(self.fit, df)
        return kenward_roger(self.fit, linear=covariance == "kenward_roger_linear")

    def kept(self, weights: FloatArray) -> FloatArray:
        """Weights of a contrast over the columns in the fit."""
        ols = self.fit.data.ols
        if not ols.collinear.any():
            return weights
        return self.design.kept(weights, self.design.columns[self.sample.seen], ols)


def fit_waves(s: WaveSample, design: WaveDesign, *, name: str, by_arm: bool, group_name: str, reml: bool) -> WaveModel:
    """Fit the model; an EstimationError names what to change when there is no maximum to trust."""
    times = _times(s.labels, name)
    notes = _spacing_note(s.labels, name)
    _check_pairs(s, name, by_arm)
    group, part, group_arms = _groups(s)
    inside = np.arange(s.waves) >= (0 if s.cluster is not None else s.first)
    groups: str | None = None
    if len(group_arms):
        groups = _group_structure(s, group_name, int(inside.sum()), notes)
    people = structure(name, s.waves, times=times)
    model = CovarianceModel(
        (people,) * (len(s.arms) if by_arm else 1),
        () if groups is None else (structure(groups, s.waves, inside=inside),) * len(group_arms),
    )
    try:
        data = repeated_data(y=s.y, X=design.columns, part=s.arm if by_arm else None, group=group, group_part=part)
    except ValueError as error:
        raise EstimationError(
            "the outcome is determined exactly by the terms of the model: there is no residual variation, so no standard error. Check whether a covariate is a "
            "copy of a wave."
        ) from error
    if data.n_observed - data.rank < 1:
        raise EstimationError(
            f"{data.n_observed} measurements and {data.rank} terms leave no degrees of freedom: leave covariates or strata out."
        )
    fit = _checked(s, data, model, reml=reml, name=name, groups=groups)
    if not by_arm:
        notes += _arms_note(s, design, fit, group, part)
    return WaveModel(
        s, design, fit, name, groups, s.arms if by_arm else (None,), group_arms, (*notes, *_fit_notes(s, design, fit))
    )


def _checked(
    s: WaveSample, data: RepeatedData, model: CovarianceModel, *, reml: bool, name: str, groups: str | None
) -> RepeatedFit:
    """A fit whose maximum can be trusted, or an error that says what to change."""
    fit = _attempt(data, model, reml=reml)
    if fit is not None and fit.singular:
        raise EstimationError(
            f"the waves {shown(s.columns)} determine each other: their covariance matrix is singular, and the likelihood has no maximum. Check whether one is a copy "
            "or a sum of the others; with very few people at a wave, leave it out or use a structure with fewer parameters, covariance_structure='cs'."
        )
    if fit is None or not fit.converged:
        simpler = "cs" if name != "cs" else "us"
        also = "" if groups in (None, "cs") else ", or group_structure='cs'"
        raise EstimationError(
            f"the likelihood has no maximum that can be trusted with covariance_structure='{name}'{f' and group_structure={groups!r}' if groups else ''}: the data hold too little "
            f"to estimate it. Use a structure with fewer parameters (covariance_structure='{simpler}'{also}), fewer waves, or tk.itt at each wave."
        )
    return fit


def _attempt(data: RepeatedData, model: CovarianceModel, *, reml: bool) -> RepeatedFit | None:
    try:
        return fit_repeated(data, model, reml=reml)
    except np.linalg.LinAlgError:
        return None


def _arms_note(
    s: WaveSample, design: WaveDesign, shared: RepeatedFit, group: IntArray | None, part: IntArray | None
) -> list[Note]:
    """A note when the arms' covariances differ more than chance explains (likelihood ratio, p < .01); none when they cannot be fitted apart."""
    model = CovarianceModel(shared.model.people * len(s.arms), shared.model.groups)
    data = repeated_data(y=s.y, X=design.columns, part=s.arm, group=group, group_part=part)
    apart = _attempt(data, model, reml=shared.reml)
    if apart is None or not apart.converged or apart.singular:
        return []
    p = float(special.chdtrc(model.size - shared.model.size, max(shared.minus2 - apart.minus2, 0.0)))
    if p >= ARMS_P:
        return []
    text = (
        f"people's covariances over waves differ between the arms (likelihood ratio, p {p_text(p)}), and the model gives them one: say covariance_by_arm=True. With "
        "drop-out the effects depend on it, and with arms of different size the standard errors."
    )
    return [Note("covariances_differ", text)]


def _times(labels: tuple[Hashable, ...], name: str) -> FloatArray | None:
    if name != "sp_exp":
        return None
    if not all(isinstance(k, Real) and not isinstance(k, bool) for k in labels):
        raise UsageError(
            f"covariance_structure='sp_exp' needs waves with times as labels, such as months; these are {shown(labels)}."
        )
    return np.array(labels, dtype=float)


def _spacing_note(labels: tuple[Hashable, ...], name: str) -> list[Note]:
    if name.removesuffix("h") not in ("ar1", "toep") or not all(isinstance(k, Real) for k in labels) or len(labels) < 3:
        return []
    steps = np.diff(np.array(labels, dtype=float))
    if np.ptp(steps) <= 1e-9 * steps.max():
        return []
    text = f"'{name}' takes the waves as evenly spaced, and their labels {shown(labels)} are not: 'sp_exp' uses the distances, 'us' and 'ad' need none."
    return [Note("waves_unevenly_spaced", text)]


def _check_pairs(s: WaveSample, name: str, by_arm: bool) -> None:
    """A free covariance of two waves needs people who have both."""
    if name != "us":
        return
    for code in range(len(s.arms)) if by_arm else (None,):
        seen = s.seen if code is None else s.seen[s.arm == code]
        for i, j in combinations(range(s.waves), 2):
            if not (seen[:, i] & seen[:, j]).any():
                whom = "nobody" if code is None else f"nobody in arm {s.arms[code]!r}"
                raise EstimationError(
                    f"{whom} has both waves {s.labels[i]!r} and {s.labels[j]!r}: their covariance cannot be estimated. Use a structure that takes it from the other waves, "
                    "covariance_structure='cs', 'ar1' or 'ad'."
                )


def _groups(s: WaveSample) -> tuple[IntArray | None, IntArray | None, tuple[Hashable | None, ...]]:
    """Codes of what has effects of its own, its part, and the arm of each part: clusters in all arms share one, groups have one an arm."""
    if s.cluster is not None:
        return s.cluster, np.zeros(s.n, dtype=np.int64), (None,)
    inside = s.group != ALONE
    if not inside.any():
        return None, None, ()
    arms, part = np.unique(s.arm[inside], return_inverse=True)
    out = np.zeros(s.n, dtype=np.int64)
    out[inside] = part
    return s.group, out, tuple(s.arms[a] for a in arms)


def _group_structure(s: WaveSample, asked: str, waves: int, notes: list[Note]) -> str:
    if asked != "auto":
        if asked not in GROUP_STRUCTURES:
            raise CombinationError(
                f"group_structure='{asked}' is unknown: it is 'auto', {', '.join(repr(g) for g in GROUP_STRUCTURES)}."
            )
        return asked
    if waves == 1:
        return "us"
    if s.cluster is not None:
        spare = s.n_clusters - len(s.arms) + 1
    else:
        inside = s.group != ALONE
        spare = min(len(np.unique(s.group[inside & (s.arm == a)])) for a in np.unique(s.arm[inside]))
    if waves <= 3 and spare >= waves + SPARE_GROUPS:
        return "us"
    if waves <= 3:
        what = "clusters" if s.cluster is not None else "groups"
        text = f"the {what} are too few for a variance at each wave: their effects have one variance and one covariance over waves (group_structure='cs')."
        notes.append(Note("group_structure_cs", text))
    return "cs"


def _fit_notes(s: WaveSample, design: WaveDesign, fit: RepeatedFit) -> list[Note]:
    notes = []
    if fit.data.ols.collinear.any():
        left = [n for n, dropped in zip(design.names, fit.data.ols.collinear) if dropped]
        notes.append(collinear(left))
    if fit.at_limit:
        what = "clusters" if s.cluster is not None else "groups"
        text = (
            f"the {what} differ less from each other, at some wave or in their change over waves, than chance alone would make them: their covariance is at its lower "
            "limit, and the degrees of freedom are those that the data were expected to give."
        )
        notes.append(Note("group_covariance_at_limit", text))
    if s.cluster is not None and s.first:
        notes.append(
            Note(
                "cluster_effects_at_baseline",
                "clusters existed before randomization: they have effects at the baseline too, in every arm.",
            )
        )
    return notes
