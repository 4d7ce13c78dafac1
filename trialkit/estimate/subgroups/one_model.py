"""Subgroup effects from one regression: arms by the moderator, everything else in common.

With B the moderator's basis (an indicator of each level, or 1 and the centred value),

    y = B'b + sum_a 1[arm = a] B't_a + x'g + strata + e.

t_a holds the effect of arm a in each level, or at the mean and its slope. Covariates have one slope for everybody, so small subgroups borrow
their precision; in Lin's version they are also interacted with the arms, as deviations from their regression on B, so that t_a
stays the average effect in the subgroup with the covariates it has. Strata enter as in `itt`: plain effects where the arms' shares are
equal. Where shares differ by stratum, the arms are confounded with the strata inside a subgroup as well, so the strata are crossed
with the moderator: additive crossed effects weight by overlap, interacted ones give the subgroup's own average.

Groups and clusters cross subgroups. Their covariance between subgroup effects is in the regression's CR2 matrix; tests of one contrast
have Satterthwaite's df and joint tests the approximate Hotelling df, under the fitted one-arm grouped covariance (inference/linear/wald.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import EstimationError
from trialkit.estimate.averages import apply_average
from trialkit.estimate.linear.ancova import many_strata, strata_rule
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.parts import kept_rows
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred_indicators, strata_names
from trialkit.estimate.strata import check_cells as check_strata
from trialkit.estimate.subgroups.moderators import Moderator, check_cells, check_spread
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.heterogeneity import wald_f
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.wald import WaldTest, htz
from trialkit.results import Note
from trialkit.trial import Trial


@dataclass(frozen=True, slots=True)
class Fitted:
    """The regression, and where the arms' terms are: arm a (1, 2, ...) has those of `columns[a - 1]`, one for each of the basis.

    `codes` (n,) are the levels of those present (0, 1, ...), named by `levels`; `centre` is the mean of a continuous moderator.
    """

    sample: Sample
    model: LinearModel
    columns: IntArray
    codes: IntArray
    levels: tuple[int, ...]
    centre: float
    overlap: bool
    method: str
    notes: tuple[Note, ...]

    def vector(self, arm: int, reference: int, weights: FloatArray) -> FloatArray:
        """The contrast of two arms with weights (b,) on the basis."""
        out = np.zeros(self.model.design.shape[1])
        out[self.columns[arm - 1]] += weights
        if reference:
            out[self.columns[reference - 1]] -= weights
        return out


def one_model(trial: Trial, request: Request, m: Moderator, *, squared: bool = False) -> Fitted:
    """Fit the regression; `squared` adds the square of a continuous moderator to the basis, for the check of its straight line."""
    adjust = tuple(a for a in request.adjust if a not in trial.strata and a != m.name)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    s = kept_rows(base, ~m.missing[base.rows])
    levels, codes = _levels(s, m)
    # with average='group' a group counts once in each subgroup in which it has people
    shared = replace(s, unit_of_variance=s.unit_of_variance * max(len(levels), 1) + codes)
    s = replace(s, weights=apply_average(shared, request.average).weights)
    values = m.values[s.rows] if m.continuous else None
    if values is None:
        check_cells(s, m, m.codes[s.rows])
        basis, centre = (codes[:, None] == np.arange(len(levels))).astype(float), float("nan")
        terms = [f"{m.name}: {m.levels[v]}" for v in levels]
    else:
        check_spread(s, m, values)
        centre = float(np.average(values, weights=s.weights))
        away = values - centre
        basis = np.column_stack([np.ones(s.n), away, away**2] if squared else [np.ones(s.n), away])
        terms = ["constant", m.name, f"{m.name} squared"][: basis.shape[1]]
    rule, unequal = _rule(trial, request)
    absorb = many_strata(s, rule) and not unequal
    strata, strata_terms = _strata(trial, s, m, basis, codes, "none" if absorb else rule, unequal)
    arms = s.arm_indicators
    first = 1 if absorb else 0  # the constant, or a level, lies in the absorbed strata
    parts, names = [basis[:, first:]], terms[first:]
    for a in range(arms.shape[1]):
        parts.append(basis * arms[:, [a]])
        names += [f"arm {s.arms[a + 1]}" if t == "constant" else f"arm {s.arms[a + 1]} x {t}" for t in terms]
    parts += [strata, s.X]
    names += [*strata_terms, *s.terms]
    crossed = [strata] if rule == "interacted" else []
    crossed_terms = list(strata_terms) if rule == "interacted" else []
    if request.estimator == "lin":
        crossed, crossed_terms = [*crossed, s.X], [*crossed_terms, *s.terms]
    if crossed:
        away_from_basis, kept = _rest(np.concatenate(crossed, axis=1), basis, s.weights)
        for a in range(arms.shape[1]):
            parts.append(away_from_basis * arms[:, [a]])
            names += [f"arm {s.arms[a + 1]} x {crossed_terms[j]}" for j in kept]
    model = fit_linear(s, np.concatenate(parts, axis=1), names, kind=request.covariance, df=request.df, absorb=absorb)
    b = basis.shape[1]
    columns = (b - first) + np.arange(arms.shape[1] * b).reshape(-1, b)
    overlap = rule == "additive" and unequal
    return Fitted(
        s, model, columns, codes, levels, centre, overlap, _method(request, rule, absorb), (*_strata_notes(m, rule, unequal), *_model_notes(model))
    )  # fmt: skip


def joint(fitted: Fitted, contrasts: FloatArray) -> tuple[WaldTest, list[Note]]:
    """The test that contrasts (q, K) are zero together."""
    model = fitted.model
    C = contrasts[:, model.fit.kept]
    undefined = WaldTest(float("nan"), len(C), float("nan"), float("nan"))
    if any(model.borrows(c) for c in C):
        text = "some groups are alone in their stratum and subgroup, so the covariance between the subgroups' effects cannot be estimated: no joint test."
        return undefined, [Note("joint_test_undefined", text)]
    try:
        if model.df_rule == "groups":  # no working covariance could be fitted
            b = model.fit.coef[model.fit.kept]
            test = wald_f(estimates=b, covariance=model.cov.matrix, contrasts=C, nu=model.contrast(contrasts[0])[2])
        else:
            test = htz(model.fit, model.cov, C, working=model.working if model.df_rule == "working" else None)
    except ValueError as error:
        raise EstimationError(f"no joint test of the subgroups: {error}. Merge levels or strata.") from error
    if np.isnan(test.p_value):
        text = f"{len(C) + 1} subgroups are too many for the groups or clusters there are: the joint test has no degrees of freedom left. Merge levels beforehand."
        return undefined, [Note("joint_test_undefined", text)]
    return test, []


def _levels(s: Sample, m: Moderator) -> tuple[tuple[int, ...], IntArray]:
    if m.continuous:
        return (), np.zeros(s.n, dtype=np.int64)
    present, codes = np.unique(m.codes[s.rows], return_inverse=True)
    return tuple(present.tolist()), codes.reshape(-1).astype(np.int64)


def _rule(trial: Trial, request: Request) -> tuple[str, bool]:
    rule, unequal = strata_rule(trial, request)
    if request.estimator == "lin" and rule != "none":
        return "interacted", unequal
    return rule, unequal


def _strata(
    trial: Trial, s: Sample, m: Moderator, basis: FloatArray, codes: IntArray, rule: str, unequal: bool
) -> tuple[FloatArray, list[str]]:
    """Stratum columns: plain indicators, or crossed with the moderator where the arms' shares differ by stratum."""
    if rule == "none":
        return np.empty((s.n, 0)), []
    assert s.stratum is not None
    names = strata_names(trial)
    remedy = "Merge small strata or levels, or use strata_effects='additive' (effects weighted by overlap)."
    if not unequal:
        if rule == "interacted":
            check_strata(s, names, remedy)
        indicators, used = centred_indicators(s, names)
        return indicators, [f"stratum {u}" for u in used]
    if m.continuous:
        if rule == "interacted":
            check_strata(s, names, remedy)
        indicators, used = centred_indicators(s, names)
        terms = [f"stratum {u}" for u in used]
        return np.concatenate([indicators, indicators * basis[:, [1]]], axis=1), [*terms, *(f"{t} x {m.name}" for t in terms)]
    columns, terms = [], []
    for level in range(int(codes.max()) + 1):
        inside = codes == level
        if rule == "interacted":
            label = m.levels[int(m.codes[s.rows[inside][0]])]
            check_strata(kept_rows(s, inside), [f"{n}, {m.name}={label}" for n in names], remedy)
        for stratum in np.unique(s.stratum[inside])[1:]:
            columns.append((inside & (s.stratum == stratum)).astype(float))
            terms.append(f"stratum {names[stratum]} x {m.name} {level}")
    return np.column_stack(columns) if columns else np.empty((s.n, 0)), terms


def _rest(columns: FloatArray, basis: FloatArray, weights: FloatArray | None) -> tuple[FloatArray, list[int]]:
    """Columns less their (weighted) regression on the basis: deviations from the subgroup's mean, or from the line over the moderator.

    Columns that the basis holds already (the strata, when they are the moderator) have none and are left out.
    """
    rest = [least_squares(y=c, X=basis, weights=weights).residuals for c in columns.T]
    kept = [j for j, (r, c) in enumerate(zip(rest, columns.T)) if np.linalg.norm(r) > 1e-8 * np.linalg.norm(c)]
    return np.column_stack([np.empty((len(columns), 0)), *(rest[j] for j in kept)]), kept


def _method(request: Request, rule: str, absorb: bool) -> str:
    name = "Lin regression" if request.estimator == "lin" else "ANCOVA"
    linear = " (linear probability)" if request.measure == "risk_difference" else ""
    strata = (
        ", strata absorbed" if absorb else ", strata interacted" if rule == "interacted" and request.estimator != "lin" else ""
    )
    return f"{name}{linear}, arms by moderator{strata}"


def _model_notes(model: LinearModel) -> list[Note]:
    """Notes of the fit; strata that the moderator already holds go without saying."""
    left = [n for n, dropped in zip(model.names, model.fit.collinear) if dropped]
    silent = all("stratum " in n for n in left)
    return [n for n in model.notes if not (n.code == "collinear" and silent)]


def _strata_notes(m: Moderator, rule: str, unequal: bool) -> list[Note]:
    if not unequal or rule == "none":
        return []
    if rule == "additive":
        text = f"shares of the arms differ by stratum and stratum effects are additive within '{m.name}': strata count by size times p(1-p)."
        return [Note("overlap_weighted", text)]
    if m.continuous:
        text = f"shares of the arms differ by stratum: the effect at the mean of '{m.name}' is averaged over strata by size, its slope by overlap."
        return [Note("strata_interacted", text)]
    text = f"shares of the arms differ by stratum: the effect in each subgroup by '{m.name}' is averaged over strata by their size in the subgroup."
    return [Note("strata_interacted", text)]
