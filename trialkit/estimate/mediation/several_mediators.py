"""Indirect effects through several mediators at once, by linear models without interactions.

With a_j the effect of the arm on mediator j (M_j ~ 1 + t + X), b_j the slope of mediator j and c the coefficient of the arm in Y ~ 1 + t + X + M_1 + ... + M_J,

    through mediator j: a_j b_j,    jointly: sum_j a_j b_j = total - c,    direct: c.

The joint effect needs nothing about how mediators move each other. a_j b_j is the interventional indirect effect: the mediator's distribution is moved from what it is in
control to what it is in the arm, whatever mediators caused that, and is the natural one only where mediators do not move each other (Vansteelandt & Daniel 2017,
Epidemiology 28(2)). Where their causal order is known, with c_j the coefficient of the arm beside M_1 ... M_j, c_{j-1} - c_j is the path-specific effect that goes through
mediator j and none before it (VanderWeele & Vansteelandt 2014, Epidemiologic Methods 2(1)).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from trialkit.design.stream import Seed, checked_seed
from trialkit.errors import CombinationError, MissingDataError, NotIdentifiedError, UsageError, repeated, shown
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.mediation import checks
from trialkit.estimate.mediation.evidence import arms_text
from trialkit.estimate.mediation.linear_parameters import combined_df
from trialkit.estimate.mediation.mediate import mediate
from trialkit.estimate.mediation.models import Contrasts, joined, linear_regression
from trialkit.estimate.parts import kept_rows
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.covariance import KINDS
from trialkit.inference.linear.least_squares import independent_columns
from trialkit.inference.mediation.draws import summary, t_draws
from trialkit.misuse import explained
from trialkit.results import Estimate, Note, Result
from trialkit.trial import Trial


@dataclass(frozen=True)
class SeveralMediatorsResult(Result):
    """Rows 'indirect: name' for each mediator, 'indirect' jointly, 'direct', 'total', differences between mediators, and with `ordered` 'path: name'."""

    kind = "several_mediators"

    def _title(self) -> str:
        return f"Mediation of {self.estimates[0].outcome} through {', '.join(self.details['mediators'])}"


@explained
def several_mediators(
    trial: Trial,
    outcome: str,
    *,
    mediators: Sequence[str],
    adjust: Sequence[str] = (),
    ordered: bool = False,
    arm: Hashable | None = None,
    inference: Literal["monte_carlo", "delta"] = "monte_carlo",
    n_draws: int = 5000,
    seed: Seed | None = None,
    covariance: str = "auto",
    conf_level: float = 0.95,
) -> SeveralMediatorsResult:
    """Indirect effects of the arm through two or more mediators, each and jointly, in units of the outcome.

    Parameters
    ----------
    trial : the data and their roles. outcome : numeric column.
    mediators : columns measured after the arm and before the outcome, two or more. adjust : baseline columns in all models.
    ordered : whether `mediators` stand in their causal order; adds path-specific effects.
    arm : the arm compared with control, needed when there are several.
    inference : 'monte_carlo' draws all coefficients with their joint covariance and df (seed required); 'delta' takes first-order standard errors.
    n_draws, seed : of the draws. covariance : 'auto' is CR2 with groups or clusters and HC2 without; the classical one does not join the models.
    conf_level : of the intervals.

    Returns
    -------
    SeveralMediatorsResult

    Raises
    ------
    UsageError, ColumnNotFoundError, MissingDataError, GroupError, NotIdentifiedError
        Fewer than two mediators, one named twice or a combination of others, and all that `mediate` refuses.

    Notes
    -----
    All people with the outcome and every mediator are analysed, in all models. Assumed is that, given arm and covariates, nothing else moves the outcome and any of the
    mediators, and that slopes are the same in both arms (`tk.mediate` tests that for one).

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100})
    >>> d["hope"], d["skill"] = 0.5 * (d["arm"] == "peer") + rng.normal(size=200), rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["hope"] + 0.3 * d["skill"] + rng.normal(size=200)
    >>> trial = tk.Trial(d, arm="arm", control="solo")
    >>> tk.mediation.several_mediators(trial, "y1", mediators=["hope", "skill"], seed=1, n_draws=200).tidy()["estimand"].tolist()[:3]
    ['indirect: hope', 'indirect: skill', 'indirect']
    """
    names = _checked(mediators, covariance, inference)
    if inference == "monte_carlo" and seed is None:
        raise UsageError("draws need a seed: say seed=4711 (any number you choose), or inference='delta', which draws nothing.")
    if isinstance(n_draws, bool) or int(n_draws) != n_draws or n_draws < 20:
        raise UsageError(f"n_draws={n_draws!r} must be a whole number of at least 20; 5000 keeps the limits steady.")
    s, X, M, terms, notes = _people(trial, outcome, names, tuple(adjust), arm, conf_level)
    p, kind = _parameters(s, X, M, terms, names, covariance)
    labels, effects, gradient = _effects(p.estimate[None, :], names, ordered)
    variance = np.einsum("ep,pq,eq->e", gradient, p.cov, gradient)
    se = np.sqrt(np.maximum(variance, 0.0))
    df = combined_df(gradient, p.cov, p.df)
    tests = [t_test(float(v), float(w), float(f), conf_level) for v, w, f in zip(effects[0], se, df, strict=True)]
    low, high = np.array([t.conf_low for t in tests]), np.array([t.conf_high for t in tests])
    p_value = np.array([t.p_value for t in tests])
    used = None
    if inference == "monte_carlo":
        used = checked_seed(seed)  # type: ignore[arg-type]
        drawn = _effects(t_draws(estimate=p.estimate, cov=p.cov, df=p.df, n_draws=int(n_draws), seed=used), names, ordered)[1]
        found = summary(draws=drawn, conf_level=conf_level)
        se, low, high, p_value, df = found.std_error, found.conf_low, found.conf_high, found.p_value, np.full(len(se), np.nan)
    method = "Monte Carlo" if used is not None else "delta method"
    rows = tuple(
        Estimate(
            outcome, label, arms_text(s.arms), float(effects[0, j]), float(se[j]), float(df[j]), float(effects[0, j] / se[j]) if se[j] > 0 else float("nan"),
            float(p_value[j]), float(low[j]), float(high[j]), conf_level, s.n, s.n_clusters, s.groups_in(s.arm >= 0), method, kind,
        )
        for j, label in enumerate(labels)
    )  # fmt: skip
    details = {"mediators": list(names), "adjust": list(adjust), "ordered": ordered, "inference": inference, "seed": used, "n_draws": n_draws if used is not None else None}  # fmt: skip
    return SeveralMediatorsResult(rows, tuple(dict.fromkeys([*notes, *_standing(ordered)])), details)


def _checked(mediators: Sequence[str], covariance: str, inference: str) -> tuple[str, ...]:
    if isinstance(mediators, str) or len(mediators) < 2:
        raise UsageError(
            "mediators must be a list of two or more columns, as in mediators=['m1', 'm2']; for one there is tk.mediate."
        )
    if len(set(mediators)) < len(mediators):
        raise UsageError(f"mediators names {shown(repeated(mediators))} twice: once is enough.")
    if covariance != "auto" and covariance not in KINDS:
        raise CombinationError(
            f"covariance={covariance!r} is unknown: it is 'auto', {shown([k for k in KINDS if k != 'classical'], 9)}."
        )
    if covariance == "classical":
        raise UsageError("the classical covariance does not say how the models' errors go together: leave covariance='auto'.")
    if inference not in ("monte_carlo", "delta"):
        raise UsageError(f"inference={inference!r} is unknown: it is 'monte_carlo' or 'delta'.")
    return tuple(mediators)


def _people(
    trial: Trial, outcome: str, names: tuple[str, ...], adjust: tuple[str, ...], arm: Hashable | None, conf_level: float
) -> tuple[Sample, FloatArray, FloatArray, tuple[str, ...], list[Note]]:
    """People with every mediator, their covariates and mediators; each mediator is checked as `mediate` does."""
    asked = {"adjust": adjust, "arm": arm, "interaction": False, "inference": "delta", "conf_level": conf_level}
    first = mediate(trial, outcome, mediator=names[0], measure="mean_difference", mediator_model="linear", **asked)  # type: ignore[arg-type]
    e = first.needed()
    told = {"mediator_missing", "sequential_ignorability", "proportion", "proportion_unstable", "baseline_not_adjusted"}
    notes = [n for n in first.notes if n.code not in told]
    values = [trial.values(names[0])]
    for name in names[1:]:
        checks.check_roles(trial, outcome, name, adjust)
        notes += checks.check_codes(trial, name)
        column = trial.values(name)
        checks.check_mediator(trial, e.sample, name, column)
        values.append(column)
    M = np.column_stack(values)[e.sample.rows]
    whole = np.asarray(np.isfinite(M).all(axis=1), dtype=bool)
    s = kept_rows(e.sample, whole)
    M, X = M[whole], e.X[whole]
    compared = int(np.isin(trial.arm_codes, [trial.arms.index(a) for a in s.arms]).sum())
    if s.n < compared:
        notes.append(
            Note("mediators_missing", f"{compared - s.n} of {compared} people lack the outcome or a mediator and are left out.")
        )
    if s.n == 0:
        raise MissingDataError(f"nobody has all of {shown(names)}.")
    for name, column in zip(names, M.T, strict=True):
        checks.check_variation(s, name, column)
    design = np.column_stack([np.ones(s.n), s.arm, X])
    kept = independent_columns(_unit_norm(design))
    X = X[:, [j - 2 for j in kept if j >= 2]]
    full = np.column_stack([np.ones(s.n), s.arm, X, M])
    left = [j for j in range(full.shape[1]) if j not in independent_columns(_unit_norm(full))]
    if left:
        bad = [names[j - 2 - X.shape[1]] for j in left if j >= 2 + X.shape[1]]
        raise NotIdentifiedError(f"{shown(bad)} is a combination of the other mediators and covariates: leave it out.")
    return s, X, M, tuple(e.terms[j - 2] for j in kept if j >= 2), notes


def _unit_norm(design: FloatArray) -> FloatArray:
    norm = np.linalg.norm(design, axis=0)
    return np.asarray(design / np.where(norm > 0, norm, 1.0))


def _parameters(
    s: Sample, X: FloatArray, M: FloatArray, terms: tuple[str, ...], names: tuple[str, ...], covariance: str
) -> tuple[Contrasts, str]:
    """a_1..a_J, b_1..b_J, c_0..c_J with their joint covariance, and its kind."""
    base = np.column_stack([np.ones(s.n), s.arm.astype(float), X])
    labels = ["constant", f"arm {s.arms[1]}", *terms]
    k, count = base.shape[1], len(names)
    arm = np.eye(k + count)[1]
    parts: list[Contrasts] = []
    for name, m in zip(names, M.T, strict=True):
        model = fit_linear(replace(s, y=m, outcome=name), base, labels, kind=covariance, df="auto")
        parts.append(linear_regression(model, name).contrasts(arm[None, :k]))
    beside = [
        linear_regression(
            fit_linear(s, np.column_stack([base, M[:, :j]]), [*labels, *names[:j]], kind=covariance, df="auto"), s.outcome
        )
        for j in range(count + 1)
    ]
    parts.append(beside[-1].contrasts(np.eye(k + count)[k:]))
    parts += [model.contrasts(arm[None, : k + j]) for j, model in enumerate(beside)]
    both = parts[0]
    for part in parts[1:]:
        both = joined(both, part)
    return both, beside[-1].covariance_kind


def _effects(p: FloatArray, names: tuple[str, ...], ordered: bool) -> tuple[list[str], FloatArray, FloatArray]:
    """Labels (E,), effects (B, E) at parameters (B, P), and derivatives (E, P) at the first of them."""
    count = len(names)
    a, b, c = p[:, :count], p[:, count : 2 * count], p[:, 2 * count :]
    size, at = p.shape[1], p[0]
    each = np.zeros((count, size))
    for j in range(count):
        each[j, j], each[j, count + j] = at[count + j], at[j]
    of_c = np.eye(size)[2 * count :]
    labels = [*(f"indirect: {n}" for n in names), "indirect", "direct", "total"]
    columns = [*(a * b).T, (a * b).sum(axis=1), c[:, -1], c[:, 0]]
    rows = [*each, each.sum(axis=0), of_c[-1], of_c[0]]
    for i, j in combinations(range(count), 2):
        labels.append(f"indirect: {names[i]} - {names[j]}")
        columns.append((a * b)[:, i] - (a * b)[:, j])
        rows.append(each[i] - each[j])
    if ordered:
        for j, name in enumerate(names):
            labels.append(f"path: {name}")
            columns.append(c[:, j] - c[:, j + 1])
            rows.append(of_c[j] - of_c[j + 1])
    return labels, np.column_stack(columns), np.array(rows)


def _standing(ordered: bool) -> list[Note]:
    notes = [
        Note(
            "interventional",
            "'indirect: name' moves one mediator as the arm moves it, by whatever route; it is a natural indirect effect only if mediators do not move each other. That nothing "
            "unmeasured moves the outcome and a mediator is assumed.",
        )
    ]
    if ordered:
        notes.append(
            Note(
                "causal_order",
                "'path: name' goes through that mediator and none before it, if the mediators stand in their causal order.",
            )
        )
    return notes
