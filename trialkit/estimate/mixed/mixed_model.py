"""The fitted mixed model behind the rows: kernel, contrasts, and the values that sum to its variance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import EstimationError, NotIdentifiedError, shown
from trialkit.estimate.linear.linear_model import LinearModel
from trialkit.estimate.mixed.random_effects import RandomEffect, one_a_person
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.linear.covariance import Covariance
from trialkit.inference.mixed.crossed import crossed_mixed, inverse_times
from trialkit.inference.mixed.fit import MixedFit
from trialkit.inference.mixed.grouped import grouped_mixed
from trialkit.inference.mixed.kenward_roger import kenward_roger_contrasts, kenward_roger_covariance
from trialkit.inference.mixed.satterthwaite import satterthwaite_contrasts
from trialkit.results import Note

UNIDENTIFIED = 1e-10
CONCENTRATED = 0.5


@dataclass(frozen=True, slots=True)
class MixedModel(LinearModel):
    """A regression whose errors have the fitted covariance of the random effects.

    Attributes
    ----------
    mixed : the fit, on the columns kept in `fit`. part : (n,) code of each person's residual variance. effects : the random intercepts.
    variances : names of `mixed.theta` in order, 'resid_peer', 'resid', 'group', ... df_rule : 'satterthwaite' or 'kenward_roger'.
    """

    mixed: MixedFit
    part: IntArray
    effects: tuple[RandomEffect, ...]
    variances: tuple[str, ...]

    def contrast(self, vector: FloatArray) -> tuple[float, float, float]:
        """Estimate, standard error and df of vector'b, vector of length K (all columns)."""
        self._check_estimable(vector)
        c = vector[self.fit.kept][None]
        rule = kenward_roger_contrasts if self.df_rule == "kenward_roger" else satterthwaite_contrasts
        found = rule(self.mixed, c)
        estimate, std_error, df = float(found.estimate[0]), float(found.std_error[0]), float(found.df[0])
        if not (std_error > 0 and df > 0):
            raise EstimationError(
                f"the mixed model gives no standard error for '{self.sample.outcome}': use estimator='ancova', whose CR2 standard error needs no model of the "
                "groups."
            )
        return estimate, std_error, df

    def person_values(self, vector: FloatArray) -> FloatArray:
        """(n,) weight times residual of each person, scaled so that the squared sums over independent units add up to the variance."""
        c = vector[self.fit.kept]
        codes = [e.codes for e in self.effects]
        # the inverse depends on ratios of variances only, so it is taken in units of the residual SD
        theta = self.mixed.theta / self.mixed.unit**2
        loads = inverse_times(
            self.fit.X @ (self.mixed.covariance @ c) / self.mixed.unit**2, part=self.part, effects=codes, theta=theta
        )
        values = loads * self.fit.residuals
        _, unit = np.unique(self.sample.unit_of_variance, return_inverse=True)
        squares = float((np.bincount(unit.reshape(-1), weights=values) ** 2).sum())
        std_error = self.contrast(vector)[1]
        return np.asarray(values * (std_error / np.sqrt(squares)))


def fit_mixed(robust: LinearModel, effects: tuple[RandomEffect, ...], *, by_arm: bool, df: str) -> MixedModel:
    """The mixed model with the columns of a regression that has been checked."""
    s = robust.sample
    arms = np.unique(s.arm)
    part = np.searchsorted(arms, s.arm).astype(np.int64) if by_arm else np.zeros(s.n, dtype=np.int64)
    names = tuple(f"resid_{s.arms[a]}" for a in arms) if by_arm else ("resid",)
    variances = (*names, *(e.name for e in effects))
    fit = refit(robust, part, effects)
    _check(fit, robust, variances)
    rule = "kenward_roger" if df == "kenward_roger" else "satterthwaite"
    matrix = kenward_roger_covariance(fit) if rule == "kenward_roger" else fit.covariance
    coef = np.full(robust.design.shape[1], np.nan)
    coef[robust.fit.kept] = fit.coef
    least = replace(robust.fit, coef=coef, residuals=s.y - robust.fit.X @ fit.coef)
    return MixedModel(
        sample=s, design=robust.design, names=robust.names, fit=least, cov=Covariance(matrix, None, "classical", None), df_rule=rule,
        working=None, notes=_notes(fit, part, effects, variances), mixed=fit, part=part, effects=effects, variances=variances,
    )  # fmt: skip


def refit(model: LinearModel, part: IntArray, effects: tuple[RandomEffect, ...], zero: BoolArray | None = None) -> MixedFit:
    """The REML fit, by the kernel for one random intercept a person where that is so; `zero` (P,) holds variances at 0."""
    y, X = model.sample.y, model.fit.X
    one_part = all(
        (np.bincount(np.unique(np.column_stack([e.codes, part])[e.codes >= 0], axis=0)[:, 0]) <= 1).all() for e in effects
    )
    if not one_a_person(effects) or not one_part:
        return crossed_mixed(y=y, X=X, part=part, effects=[e.codes for e in effects], zero=zero)
    group, between = np.full(len(y), -1, dtype=np.int64), np.zeros(len(y), dtype=np.int64)
    for f, effect in enumerate(effects):
        inside = effect.codes >= 0
        group[inside] = effect.codes[inside] + group.max() + 1
        between[inside] = f
    return grouped_mixed(y=y, X=X, part=part, group=group, between=between, zero=zero)


def _check(fit: MixedFit, robust: LinearModel, variances: tuple[str, ...]) -> None:
    """Refuse a fit that is not one: a variance without information, a residual variance that goes to 0, no maximum."""
    s = robust.sample
    residual = ~fit.random
    gone = [n for n, v in zip(variances, fit.theta[residual]) if v <= 1e-8 * float(fit.unit) ** 2]
    if gone:
        raise EstimationError(
            f"var_{gone[0]} goes to 0: people who share their terms and their group have the same '{s.outcome}', so nothing is left to vary. Check whether the "
            "outcome has one value a group (then analyse groups) or an arm; estimator='ancova' needs no residual variance of an arm."
        )
    scale = np.sqrt(np.maximum(np.diag(fit.expected), 1e-300))
    values, vectors = np.linalg.eigh(fit.expected / np.outer(scale, scale))
    if values[0] < UNIDENTIFIED:
        guilty = [f"var_{n}" for n, v in zip(variances, vectors[:, 0]) if abs(v) > 0.1]
        raise NotIdentifiedError(
            f"{shown(guilty)} cannot be told apart in these data: leave a random effect out, or use residual_by_arm=False."
        )
    if not bool(fit.converged):
        raise EstimationError(
            f"the mixed model of '{s.outcome}' has no maximum of the restricted likelihood ({int(fit.iterations)} steps): there are too few groups for this many "
            "variances, or an outlier rules one. Use estimator='ancova', whose CR2 standard error needs no model of the groups."
        )


def _notes(fit: MixedFit, part: IntArray, effects: tuple[RandomEffect, ...], variances: tuple[str, ...]) -> tuple[Note, ...]:
    notes = []
    residuals = len(variances) - len(effects)
    for p, effect in enumerate(effects, start=residuals):
        if fit.at_limit[p]:
            notes.append(
                Note(
                    "variance_at_limit",
                    f"the {effect.what} differ less than chance would make them, as far as a variance can go below 0: it is held at 0, and effects that "
                    f"rest on it have at most {fit.limit_df[p]:g} degrees of freedom.",
                )
            )
        elif fit.theta[p] < 0:
            text = f"the {effect.what} differ less than chance would make them: their variance is estimated below 0 and the ICC shown as 0."
            share = _largest_share(fit, part, effect, float(fit.theta[p])) if one_a_person(effects) else 0.0
            if share > CONCENTRATED:
                text += f" One of them carries {100 * share:.0f}% of the weight of all: read the effect beside its design-based companion."
            notes.append(Note("negative_variance", text))
    return tuple(notes)


def _largest_share(fit: MixedFit, part: IntArray, effect: RandomEffect, tau2: float) -> float:
    """Share of the largest group in the weights n/(sigma2 + n tau2) of the groups."""
    inside = effect.codes >= 0
    sizes = np.bincount(effect.codes[inside])
    sigma2 = np.zeros(len(sizes))
    sigma2[effect.codes[inside]] = fit.theta[part[inside]]
    weights = sizes[sizes > 0] / (sigma2 + sizes * tau2)[sizes > 0]
    return float(weights.max() / weights.sum())
