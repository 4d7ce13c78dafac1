"""How strong an unmeasured common cause of mediator and outcome would have to be: by the correlation of errors it leaves, and by what is observed.

Sources: Imai, Keele & Yamamoto (2010), Statistical Science 25(1); Imai, Keele & Tingley (2010), Psychological Methods 15(4); Cinelli & Hazlett (2020), JRSS B 82.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from trialkit.errors import UsageError
from trialkit.estimate.mediation.evidence import MediationEvidence, NaturalEffects
from trialkit.estimate.mediation.linear_parameters import AfterCovariance, chosen_covariance, linear_evidence, linear_parameters
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_quantile
from trialkit.inference.mediation.error_correlation import SHIFTED, breakpoints, shifted_effects
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult

GRID = tuple(round(-0.95 + 0.05 * j, 2) for j in range(39))


@dataclass(frozen=True)
class SensitivityResult(TableResult):
    """Effects as functions of rho, the correlation between the errors of mediator and outcome that an unmeasured common cause leaves.

    `.tidy()` has a row per rho and effect; `.at(rho)` one row at any rho; `.breakpoint` the rho at which the ACME is 0, `.breakpoints` that of every effect,
    `.limit_breakpoint` the rho nearest 0 at which the ACME's interval holds 0; `.r2_products` what the breakpoint means in explained variance.
    """

    kind = "mediation_sensitivity"

    @property
    def breakpoint(self) -> float:
        """rho at which the average ACME is 0."""
        return self.breakpoints["acme"]

    @property
    def breakpoints(self) -> dict[str, float]:
        """rho at which each effect is 0."""
        return {k: math.nan if v is None else float(v) for k, v in self.details["breakpoints"].items()}

    @property
    def limit_breakpoint(self) -> float:
        """rho nearest 0 at which the interval of the ACME holds 0; 0 where it does so without any confounding."""
        return float(self.details["limit_breakpoint"])

    @property
    def r2_products(self) -> dict[str, float]:
        """Products of the shares that the cause explains of mediator and outcome at the breakpoint: of the variance left by the models ('residual'), of all ('total')."""
        return self._products(self.breakpoint)

    def at(self, rho: float, effect: str = "acme") -> dict[str, float]:
        """estimate, std_error, df, conf_low and conf_high of an effect at a correlation of errors between -1 and 1, and its r2_residual and r2_total."""
        if effect not in SHIFTED:
            raise UsageError(f"there is no effect {effect!r} here: they are {', '.join(SHIFTED)}.")
        values = _checked_rho([rho])
        row = {k: float(v[0, SHIFTED.index(effect)]) for k, v in _curve(self.details, values).items()}
        return {"rho": float(rho)} | row | {f"r2_{k}": v for k, v in self._products(float(rho)).items()}

    def _products(self, rho: float) -> dict[str, float]:
        share = self.details["r_squared"]
        return {"residual": rho**2, "total": rho**2 * (1 - share["mediator"]) * (1 - share["outcome"])}

    def _title(self) -> str:
        d, products = self.details, self.r2_products
        return (
            f"Sensitivity of the effect on '{d['outcome']}' through '{d['mediator']}': the ACME {number(d['acme'])} is 0 at a correlation of errors of {number(self.breakpoint)} "
            f"(R2 products {number(products['residual'])} of what the models leave, {number(products['total'])} of all)"
        )

    def __str__(self) -> str:
        rows = [r for r in self.table if r["estimand"] == "acme"][::2]
        lines = [
            f"  rho {r['rho']:5.2f}: {number(r['estimate'])} ({number(r['conf_low'])} to {number(r['conf_high'])})" for r in rows
        ]
        return "\n".join([self._title(), *lines, *(f"  note: {n.text}" for n in self.notes)])


@explained
def sensitivity(
    result: NaturalEffects,
    *,
    rho: Sequence[float] = GRID,
    covariance: AfterCovariance = "auto",
    conf_level: float | None = None,
) -> SensitivityResult:
    """Effects under an unmeasured common cause of mediator and outcome; reached as `result.sensitivity()`.

    Parameters
    ----------
    result : of `mediate` with two linear models.
    rho : correlations of the errors of the two models, between -1 and 1; 0 is the analysis as it stands. A cause that moves both the same way makes it positive.
    covariance : 'classical' is the variance of the two equations fitted together with a known covariance of their errors, and normal quantiles, as R's medsens
        has it; 'models' takes the covariance that `mediate` was asked for, counts the sampling error of the residual SDs too, and t quantiles. 'auto' is
        'models' with groups or clusters and 'classical' without.
    conf_level : by default that of the result.

    Returns
    -------
    SensitivityResult
        `.breakpoint`, `.limit_breakpoint`, `.r2_products`, `.at(rho)`, `.tidy()`.

    Raises
    ------
    CombinationError, UsageError
        Models that are not linear, a result read from a file, rho beyond -1 and 1.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100})
    >>> d["m1"] = 0.5 * (d["arm"] == "peer") + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + rng.normal(size=200)
    >>> found = tk.mediate(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", inference="delta").sensitivity()
    >>> abs(found.at(found.breakpoint)["estimate"]) < 1e-12
    True
    """
    e = linear_evidence(result, "the sensitivity curve")
    values = _checked_rho(rho)
    level = result.level(conf_level)
    details = curve_details(e, chosen_covariance(e, covariance), level)
    curve = _curve(details, values)
    table = tuple(
        {"rho": float(r), "estimand": name}
        | {k: float(v[i, j]) for k, v in curve.items()}
        | {"r2_residual": float(r**2), "r2_total": float(r**2) * details["unexplained"]}
        for j, name in enumerate(SHIFTED[:6])
        for i, r in enumerate(values)
    )
    return SensitivityResult((), tuple(_notes(e, details)), details, table)


def curve_details(e: MediationEvidence, covariance: str, conf_level: float) -> dict[str, Any]:
    """What the curve follows from: parameters [m0, a, b0, b1, c, log s_u/s_e] with covariance and df, breakpoints, R2."""
    origin = float(np.average(e.m, weights=e.weights))
    found = linear_parameters(e, covariance, origin=origin)
    w = np.ones(e.sample.n) if e.weights is None else e.weights
    log_ratio = 0.5 * math.log(float(w @ e.outcome_residuals**2) / float(w @ e.mediator_residuals**2))
    cov, df = np.zeros((6, 6)), np.full(6, math.inf)
    if covariance == "classical":
        # the errors' covariance of two equations fitted together divides by n - 1, whatever their columns
        n, fits = e.sample.n, (e.mediator_model.model.fit, e.outcome_model.model.fit)
        scale = np.sqrt(np.array([fits[0].df_resid / (n - 1)] * 2 + [fits[1].df_resid / (n - 1)] * 3))
        cov[:5, :5] = found.cov * np.outer(scale, scale)
    else:
        cov[:, :] = _with_ratio(e, w, found.cov, found.contributions)
        df[:5], df[5] = found.df, found.df[1:4].min()
    share = {"mediator": e.mediator_model.r_squared, "outcome": e.outcome_model.r_squared}
    details: dict[str, Any] = {
        "outcome": str(e.outcome), "mediator": e.mediator, "covariance": covariance, "conf_level": conf_level, "n": e.sample.n,
        "estimate": [*found.estimate.tolist(), log_ratio], "cov": cov.tolist(), "df": df.tolist(), "r_squared": share,
        "unexplained": (1 - share["mediator"]) * (1 - share["outcome"]),
        "breakpoints": dict(zip(SHIFTED[:6], breakpoints(paths=found.estimate, log_ratio=log_ratio).tolist(), strict=True)),
        "acme": float(shifted_effects(paths=found.estimate, log_ratio=log_ratio, rho=np.zeros(1))[0][0, 2]),
    }  # fmt: skip
    return details | {"limit_breakpoint": _limit_breakpoint(details)}


def _with_ratio(e: MediationEvidence, w: FloatArray, cov: FloatArray, contributions: FloatArray | None) -> FloatArray:
    """(6, 6) covariance with log(s_u/s_e), whose error is the sum over people of (u^2/s_u^2 - e^2/s_e^2)/2 n."""
    u, r = e.outcome_residuals, e.mediator_residuals
    own = w * (u**2 / np.average(u**2, weights=w) - r**2 / np.average(r**2, weights=w)) / (2 * w.sum())
    out = np.zeros((6, 6))
    out[:5, :5] = cov
    units = own if contributions is not None and len(contributions) == len(own) else np.bincount(e.unit, weights=own)
    out[5, 5] = float(units @ units) * len(units) / (len(units) - 1)
    if contributions is not None:
        length = np.linalg.norm(contributions, axis=0) * np.linalg.norm(units)
        correlation = contributions.T @ units / np.where(length > 0, length, 1.0)
        out[:5, 5] = out[5, :5] = correlation * np.sqrt(np.diag(cov) * out[5, 5])
    return out


def _curve(details: Mapping[str, Any], rho: FloatArray) -> dict[str, FloatArray]:
    """estimate, std_error, df, conf_low and conf_high (R, 7) at correlations (R,)."""
    parameters, cov = np.array(details["estimate"], dtype=float), np.array(details["cov"], dtype=float)
    df = np.array([math.inf if v in (None, "inf") else v for v in details["df"]], dtype=float)
    estimate, gradient = shifted_effects(paths=parameters[:5], log_ratio=float(parameters[5]), rho=rho)
    se = np.sqrt(np.maximum(np.einsum("rep,pq,req->re", gradient, cov, gradient), 0.0))
    parts = gradient**2 * np.diag(cov)
    spent = (parts**2 / df).sum(axis=2)
    joint = np.where(spent > 0, parts.sum(axis=2) ** 2 / np.where(spent > 0, spent, 1.0), math.inf)
    tail = 1 - (1 - float(details["conf_level"])) / 2
    half = se * np.reshape([t_quantile(tail, float(f)) for f in joint.reshape(-1)], joint.shape)
    return {"estimate": estimate, "std_error": se, "df": joint, "conf_low": estimate - half, "conf_high": estimate + half}


def _limit_breakpoint(details: Mapping[str, Any]) -> float:
    """Between no correlation and the breakpoint, the first at which the interval of the ACME holds 0."""
    end = float(details["breakpoints"]["acme"])

    def gap(share: float) -> float:
        found = _curve(details, np.array([share * end]))
        low, high = (float(found[k][0, 2]) for k in ("conf_low", "conf_high"))
        return low if details["acme"] > 0 else -high

    if not gap(0.0) > 0:
        return 0.0
    shares = np.linspace(0.0, 1.0, 51)
    crossed = next(i for i, s in enumerate(shares) if not gap(float(s)) > 0)
    return float(optimize.brentq(gap, shares[crossed - 1], shares[crossed], xtol=1e-10)) * end


def _notes(e: MediationEvidence, details: Mapping[str, Any]) -> list[Note]:
    notes = [
        Note(
            "rho",
            f"rho is the correlation between the errors of '{e.mediator}' and '{e.outcome}' that an unmeasured cause of both leaves; positive where it moves both the same way. "
            "It bears on causes that were there before the arm; one that the arm brings about is another matter.",
        )
    ]
    if details["covariance"] == "classical":
        notes.append(
            Note(
                "errors_taken_as_known",
                "these intervals take the errors' covariance as known, as is customary; the mediator's slope then has a standard error sqrt(1 - rho^2) times what it "
                "should be (0.87 at rho = 0.5). covariance='models' counts that too.",
            )
        )
    return notes


def _checked_rho(rho: Sequence[float]) -> FloatArray:
    values = np.atleast_1d(np.asarray(rho, dtype=float))
    if values.ndim != 1 or not len(values) or not (np.abs(values) < 1).all():
        raise UsageError("rho holds correlations between -1 and 1 (both left out), such as [-0.3, 0, 0.3].")
    return values
