"""Repeated measurements of independent people: before and after the start, slopes, or an MMRM with drop-out.

- post, change, ancova (Frison & Pocock 1992): the mean of the post waves, minus the mean of the pre waves, or adjusted for it. With S the
  correlation matrix, a and b the averaging vectors over post and pre waves: post a'Sa; change (a-b)'S(a-b); ancova a'Sa - (a'Sb)^2/b'Sb.
  Under compound symmetry these are (1+(r-1)rho)/r and so on.
- slope: generalized least squares with random intercept and slope (Diggle et al. 2002): the variance of one person's slope is the
  lower right entry of (X'V^-1 X)^-1, V = Z D Z' + s2 I.
- mmrm: effect at the last wave, unstructured covariance, monotone drop-out (Lu, Luo & Chen 2008): the information of an arm is the sum of
  the inverse covariances of the waves seen, weighted by the share that left after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.power.noncentral import Alternative
from trialkit.misuse import explained
from trialkit.power.arguments import (
    EffectOn,
    Pair,
    Reference,
    TakeUp,
    Test,
    attrition_words,
    both_arms,
    choice,
    optional,
    real,
    said,
)
from trialkit.power.assemble import assemble
from trialkit.power.mean_model import people_model
from trialkit.power.people import People, asked_people
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number, percent, plural

RepeatedEstimator: TypeAlias = Literal["ancova", "change", "post", "slope", "mmrm"]

SIZE_ARGUMENTS = ("n", "n_per_arm", "treated", "controls", "allocation")
_WORDS = {
    "ancova": "mean of the waves after the start, adjusted for the mean of those before",
    "change": "change from the mean before to the mean after the start",
    "post": "mean of the waves after the start",
    "slope": "difference in slopes, random intercepts and slopes",
    "mmrm": "difference at the last wave, unstructured covariance",
}


@dataclass(frozen=True, slots=True)
class Factor:
    """Variance of one person's contribution, in raw units, and the df that the estimator costs beyond n."""

    variance: float
    relative: float | None
    lost_df: int


@explained
def repeated(
    *,
    effect: float | None = None,
    power: float | None = None,
    pre: int = 1,
    post: int = 1,
    correlation: float | Sequence[Sequence[float]] | None = None,
    estimator: RepeatedEstimator = "ancova",
    sd: float = 1.0,
    times: Sequence[float] | None = None,
    var_intercept: float | None = None,
    var_slope: float | None = None,
    cov_intercept_slope: float = 0.0,
    var_resid: float | None = None,
    retention: Sequence[float] | None = None,
    n_per_arm: float | None = None,
    n: float | None = None,
    treated: float | None = None,
    controls: float | None = None,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    test: Reference = "t",
    attrition: Pair = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
) -> PowerResult:
    """Power, detectable effect or number of people with several measurements of each.

    Parameters
    ----------
    effect : difference between the arms in the units of `sd`; for 'slope' the difference in slopes per unit of `times`.
    pre, post : numbers of waves before and after the start.
    correlation : between any two waves, or their whole correlation matrix (waves before the start first; for 'mmrm' only waves after it).
    estimator : 'ancova' (default, the most precise of the first three), 'change', 'post', 'slope' or 'mmrm'.
    sd : SD at one wave.
    times, var_intercept, var_slope, cov_intercept_slope, var_resid : of 'slope', variances in raw units.
    retention : of 'mmrm': share still seen at each wave, never rising; unsaid: everybody is.
    n_per_arm, n, treated, controls, allocation : people, as in `individual`.
    alpha, alternative, test, attrition, take_up, effect_on : as in `individual`. test='t' takes n - 2 df (n - 3 for 'ancova').

    Returns
    -------
    PowerResult
        `.n_per_arm .n .variance_factor .df .std_error`.

    Raises
    ------
    UsageError
        A correlation matrix that is not one, arguments of another estimator, or not exactly one argument left out.

    Notes
    -----
    Source: Frison & Pocock (1992); Diggle et al. (2002); Lu, Luo & Chen (2008).

    Examples
    --------
    >>> found = tk.power.repeated(effect=0.35, pre=1, post=3, correlation=0.55, power=0.8, test="z")
    >>> round(found.variance_factor, 4), round(found.n_per_arm, 2)
    (0.3975, 50.94)
    """
    inputs = said(locals())
    checked, uptake = Test.checked(alpha, alternative, test), TakeUp.checked(take_up, effect_on)
    kind = choice("estimator", estimator, RepeatedEstimator)
    spread = real("sd", sd, above=0)
    lost = both_arms("attrition", attrition, at_least=0, below=1)
    if kind == "slope":
        factor = _slope(times, var_intercept, var_slope, cov_intercept_slope, var_resid)
    else:
        if times is not None or var_slope is not None:
            raise UsageError("times and var_slope belong to estimator='slope'.")
        factor = _mmrm(correlation, retention, spread) if kind == "mmrm" else _means(kind, pre, post, correlation, spread)
    if retention is not None and kind != "mmrm":
        raise UsageError("retention belongs to estimator='mmrm'; elsewhere say attrition.")
    more = {} if factor.relative is None else {"variance_factor": factor.relative}
    model = people_model(lambda n, m, _: (factor.variance * (1 / n + 1 / m), n + m - 2 - factor.lost_df), lost, checked, more)
    wished, effect = checked.target(power), optional("effect", effect)
    people = People(n_per_arm=n_per_arm, n=n, treated=treated, controls=controls, allocation=allocation)
    solved_for, known, unknown = asked_people("repeated", people, effect, wished, lost, checked, model)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    return assemble(
        "repeated",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method=("normal formula, " if test == "z" else "") + _WORDS[kind],
        standardized=None if kind == "slope" else (solution.effect / spread, "the SD at one wave"),
        assumptions=(_assumed(kind, pre, post, correlation), _kept(retention), attrition_words(lost)),
        covariates=factor.lost_df,
    )


def _means(kind: str, pre: int, post: int, correlation: Any, sd: float) -> Factor:
    before, after = (int(real(k, v, at_least=low)) for k, v, low in (("pre", pre, 0), ("post", post, 1)))
    if kind != "post" and before == 0:
        raise UsageError(f"estimator='{kind}' needs a wave before the start: pre=1, or estimator='post'.")
    S = _matrix(correlation, before + after)
    a = np.concatenate([np.zeros(before), np.full(after, 1 / after)])
    b = np.concatenate([np.full(before, 1 / max(before, 1)), np.zeros(after)])
    if kind == "post":
        relative = float(a @ S @ a)
    elif kind == "change":
        relative = float((a - b) @ S @ (a - b))
    else:
        relative = float(a @ S @ a - (a @ S @ b) ** 2 / (b @ S @ b))
    return Factor(relative * sd**2, relative, int(kind == "ancova"))


def _slope(times: Any, intercept: Any, slope: Any, covariance: float, resid: Any) -> Factor:
    given = {"times": times, "var_intercept": intercept, "var_slope": slope, "var_resid": resid}
    missing = [k for k, v in given.items() if v is None]
    if missing:
        raise UsageError(f"estimator='slope' needs {', '.join(missing)}.")
    t = np.asarray([real("times", v) for v in times])
    if len(np.unique(t)) < 2:
        raise UsageError("times must hold at least two different moments: a slope needs them.")
    cov = real("cov_intercept_slope", covariance)
    D = np.array([[real("var_intercept", intercept, at_least=0), cov], [cov, real("var_slope", slope, at_least=0)]])
    if np.linalg.det(D) < -1e-12 * max(1.0, float(D.max()) ** 2):
        raise UsageError("cov_intercept_slope is larger than the two variances allow: its square exceeds their product.")
    X = np.column_stack([np.ones_like(t), t])
    V = X @ D @ X.T + real("var_resid", resid, above=0) * np.eye(len(t))
    return Factor(float(np.linalg.inv(X.T @ np.linalg.solve(V, X))[1, 1]), None, 0)


def _mmrm(correlation: Any, retention: Any, sd: float) -> Factor:
    if not isinstance(correlation, (list, tuple, np.ndarray)):
        raise UsageError("estimator='mmrm' needs the correlation matrix of the waves after the start.")
    S = _matrix(correlation, len(correlation))
    kept = np.ones(len(S)) if retention is None else np.asarray([real("retention", r, above=0, at_most=1) for r in retention])
    if len(kept) != len(S):
        raise UsageError(f"retention has {len(kept)} shares for {len(S)} waves of the correlation matrix.")
    if (np.diff(kept) > 0).any():
        raise UsageError("retention must never rise: a person who left does not come back.")
    information = np.zeros_like(S)
    for j, share in enumerate(kept - np.append(kept[1:], 0.0), 1):
        information[:j, :j] += share * np.linalg.inv(S[:j, :j])
    relative = float(np.linalg.inv(information)[-1, -1])
    return Factor(relative * sd**2, relative, 0)


def _matrix(correlation: Any, waves: int) -> FloatArray:
    """A correlation matrix, also from one number; refused when it is none."""
    if correlation is None:
        raise UsageError("correlation is missing: give the correlation between two waves, or their matrix.")
    if not isinstance(correlation, (list, tuple, np.ndarray)):
        r = real("correlation", correlation, above=-1, below=1)
        S = np.full((waves, waves), r)
        np.fill_diagonal(S, 1.0)
    else:
        S = np.asarray(correlation, dtype=float)
        if S.shape != (waves, waves):
            raise UsageError(
                f"correlation must be a matrix of {waves} x {waves}, a row a wave; it is {' x '.join(map(str, S.shape))}."
            )
        if not np.allclose(S, S.T) or not np.allclose(np.diag(S), 1):
            raise UsageError("correlation must be symmetric with ones on its diagonal.")
    smallest = float(np.linalg.eigvalsh(S)[0])
    if smallest <= 1e-12:
        raise UsageError(f"correlation is not positive definite (smallest eigenvalue {smallest:.3g}): no data could have it.")
    return S


def _assumed(kind: str, pre: int, post: int, correlation: Any) -> str | None:
    if kind == "slope":
        return None
    if kind == "mmrm":
        return f"{len(correlation)} waves after the start with the stated correlations"
    between = (
        "with the stated correlations"
        if isinstance(correlation, (list, tuple, np.ndarray))
        else f"correlated {number(correlation)}"
    )
    return f"{plural(pre, 'wave')} before and {post} after the start, {between}"


def _kept(retention: Any) -> str | None:
    return None if retention is None else "seen at the waves: " + ", ".join(percent(r) for r in retention)


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    found = [("ten more people per arm", {k: arguments[k] + 10 for k in ("treated", "controls")})]
    single = isinstance(arguments.get("correlation"), float | int)
    if arguments.get("estimator", "ancova") in ("ancova", "change", "post") and single:
        found.append(("one more wave after the start", {"post": arguments.get("post", 1) + 1}))
        if arguments.get("estimator", "ancova") != "post":
            found.append(("one more wave before the start", {"pre": arguments.get("pre", 1) + 1}))
    return found
