"""Effect sizes of many simulated trials at once: estimates and 95 % limits as `standardized` and `tk.effect_size` give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln, nctdtr, ndtri, stdtrit

import trialkit as tk
from tests.calibration.batch import Batch, Found
from trialkit.inference.effect_sizes import clustered_d

BASELINE_R = 0.6
Difference = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Interval:
    """(R,) estimates and limits; NaN where the package has no interval."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Setting:
    """One design: people alone, clusters (mean 20, CV .5) in both arms, or groups (mean 12, CV .5) in one, and its regressions."""

    def __init__(self, kind: str, units: int, rng: np.random.Generator) -> None:
        self.kind, self.units = kind, units
        if kind == "people":
            self.arm, self.unit = np.repeat([1, 0], units), np.full(2 * units, -1)
        elif kind == "clusters":
            sizes = np.maximum(2, np.round(rng.gamma(4, 5, 2 * units))).astype(int)
            self.unit = np.repeat(np.arange(2 * units), sizes)
            self.arm = (self.unit < units).astype(int)
        else:
            sizes = np.maximum(2, np.round(rng.gamma(4, 3, units))).astype(int)
            self.unit = np.r_[np.repeat(np.arange(units), sizes), np.full(12 * units, -1)]
            self.arm = (self.unit >= 0).astype(int)
        self.treated = self.arm == 1
        self.n1, self.n0 = int(self.treated.sum()), int((~self.treated).sum())
        self.baseline = rng.normal(size=len(self.arm))
        start = rng.normal(size=len(self.arm))
        self.plain, self.adjusted = (self._regression(start, adjust) for adjust in ([], ["y0"]))

    def _regression(self, y: np.ndarray, adjust: list[str]) -> Batch:
        found = tk.itt(self.trial(y=y), "y", adjust=adjust)
        return Batch(found.evidence.model, found.evidence.vectors[0])

    def trial(self, **columns: np.ndarray) -> tk.Trial:
        labels = pd.Series([f"u{u}" if u >= 0 else None for u in self.unit], dtype="object")
        data = pd.DataFrame({"arm": self.arm, "unit": labels, "y0": self.baseline} | columns)
        role = {"people": {}, "clusters": {"cluster": "unit"}, "groups in one arm": {"group": "unit"}}[self.kind]
        return tk.Trial(data, arm="arm", control=0, **role)

    def noise(self, rng: np.random.Generator, icc: float, replicates: int) -> np.ndarray:
        """(R, n) of unit variance, with the ICC within units."""
        inside = self.unit >= 0
        out = rng.normal(size=(replicates, len(self.arm)))
        if inside.any():
            between = rng.normal(size=(replicates, int(self.unit.max()) + 1))
            out[:, inside] = np.sqrt(1 - icc) * out[:, inside] + np.sqrt(icc) * between[:, self.unit[inside]]
        return out

    def difference(self, values: np.ndarray) -> Difference:
        """Estimate, standard error and df of estimator='difference_in_means' without strata."""
        if self.kind != "people":
            found = self.plain.run(values)
            return found.estimate, found.std_error, found.df
        one, zero = values[:, self.treated], values[:, ~self.treated]
        v1, v0 = one.var(axis=1, ddof=1) / self.n1, zero.var(axis=1, ddof=1) / self.n0
        with np.errstate(invalid="ignore"):
            df = (v1 + v0) ** 2 / (v1**2 / (self.n1 - 1) + v0**2 / (self.n0 - 1))
        return one.mean(axis=1) - zero.mean(axis=1), np.sqrt(v1 + v0), df

    def sds(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return y[:, self.treated].std(axis=1, ddof=1), y[:, ~self.treated].std(axis=1, ddof=1)


def t_limits(estimate: np.ndarray, std_error: np.ndarray, df: np.ndarray | float) -> Interval:
    half = stdtrit(df, 0.975) * std_error
    return Interval(estimate, estimate - half, estimate + half)


def hedges_g(s: Setting, y: np.ndarray, found: Found, effect: float, standardizer: str) -> Interval:
    """`tk.itt(...).standardized("hedges_g", standardizer=...)` of y + effect, `found` being the analysis of y."""
    sd1, sd0 = s.sds(y)
    if standardizer == "control":
        v, sd = s.n0 - 1.0, sd0
        j = 1 - 3 / (4 * v - 1)
    else:
        v = s.n1 + s.n0 - 2.0
        sd = np.sqrt(((s.n1 - 1) * sd1**2 + (s.n0 - 1) * sd0**2) / v)
        j = exact_j(v)
    d = (found.estimate + effect) / sd
    return t_limits(j * d, j * np.sqrt(found.variance / sd**2 + d**2 / (2 * v)), found.df)


def exact_j(v: float) -> float:
    return float(np.exp(gammaln(v / 2) - gammaln((v - 1) / 2)) / np.sqrt(v / 2))


def noncentral_covers(s: Setting, y: np.ndarray, truth: float) -> np.ndarray:
    """Whether `standardized("hedges_g", interval="noncentral")` holds the truth: its limits solve for the noncentrality."""
    sd1, sd0 = s.sds(y)
    v = s.n1 + s.n0 - 2.0
    sd = np.sqrt(((s.n1 - 1) * sd1**2 + (s.n0 - 1) * sd0**2) / v)
    root = np.sqrt(s.n1 * s.n0 / (s.n1 + s.n0))
    below = nctdtr(v, truth * root / exact_j(v), (y @ s.plain.slope) / sd * root)
    return (below >= 0.025) & (below <= 0.975)


def known_icc_g(s: Setting, y: np.ndarray, icc: float) -> Interval:
    """`standardized("hedges_g", icc=...)`: total variance, the ICC taken as known."""
    sizes = [np.unique(s.unit[s.arm == a], return_counts=True)[1].astype(float) for a in (1, 0)]
    one_arm = s.kind == "groups in one arm"
    if one_arm:
        sizes[1] = np.ones(s.n0)
    difference = y[:, s.treated].mean(axis=1) - y[:, ~s.treated].mean(axis=1)
    sd1, sd0 = s.sds(y)
    unit = clustered_d(difference=1.0, sd_1=1.0, sizes_1=sizes[0], sd_0=1.0, sizes_0=sizes[1], icc=icc, one_arm=one_arm)
    pooled = np.sqrt(((s.n1 - 1) * sd1**2 + (s.n0 - 1) * sd0**2) / (s.n1 + s.n0 - 2))
    d = unit.d * difference / pooled
    fixed = unit.variance - unit.d**2 / (2 * unit.df)
    return t_limits(unit.j * d, unit.j * np.sqrt(fixed + d**2 / (2 * unit.df)), unit.df)


def dppc2(s: Setting, pre: np.ndarray, post: np.ndarray, difference: Difference, effect: float) -> Interval:
    """`standardized("dppc2", baseline=...)` of post + effect, `difference` being that of the change without it."""
    n = s.n1 + s.n0
    centred = [x - np.where(s.treated, x[:, s.treated].mean(1)[:, None], x[:, ~s.treated].mean(1)[:, None]) for x in (pre, post)]
    square = [np.einsum("rn,rn->r", a, b) for a, b in ((centred[0], centred[0]), (centred[1], centred[1]), centred)]
    sd, rho = np.sqrt(square[0] / (n - 2)), square[2] / np.sqrt(square[0] * square[1])
    j = 1 - 3 / (4 * (n - 2) - 1)
    change, se, df = difference
    change = change + effect
    d, ratio = j * change / sd, s.n1 * s.n0 / n
    if s.kind == "people":
        variance = 2 * j**2 * (1 - rho) / ratio * (n - 2) / (n - 4) * (1 + d**2 * ratio / (2 * (1 - rho))) - d**2
    else:
        variance = j**2 * (se**2 / sd**2 + (change / sd) ** 2 / (2 * (n - 2)))
    return t_limits(d, np.sqrt(variance), df)


def common_language(s: Setting, y: np.ndarray) -> Interval:
    """`tk.effect_size.common_language`; Cliff's delta is 2 P - 1 and covers where it does."""
    rank = y.argsort(axis=1, kind="stable").argsort(axis=1)
    scores = np.empty(y.shape)
    for inside, others in ((s.treated, s.n0), (~s.treated, s.n1)):
        own = y[:, inside].argsort(axis=1, kind="stable").argsort(axis=1)
        scores[:, inside] = (rank[:, inside] - own) / others
    estimate, se, df = s.difference(scores)
    p = (1 + estimate) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        on_log = t_limits(np.log(p / (1 - p)), se / (p * (1 - p)), df)
        apart = (p <= 0) | (p >= 1) | ~(se > 0)
        low, high = (np.where(apart, np.nan, 1 / (1 + np.exp(-v))) for v in (on_log.low, on_log.high))
    return Interval(p, low, high)


SHARES = {
    "cohens_h": (lambda p: 2 * np.arcsin(np.sqrt(p)), lambda p: 1 / np.sqrt(p * (1 - p))),
    "cox_d": (lambda p: np.log(p / (1 - p)) / 1.65, lambda p: 1 / (p * (1 - p) * 1.65)),
    "logit_d": (lambda p: np.log(p / (1 - p)) * np.sqrt(3) / np.pi, lambda p: np.sqrt(3) / np.pi / (p * (1 - p))),
}


class Shares:
    """Analyses of outcomes of 0 and 1, from one fit."""

    def __init__(self, s: Setting, y: np.ndarray) -> None:
        self.s, self.p1, self.p0 = s, y[:, s.treated].mean(axis=1), y[:, ~s.treated].mean(axis=1)
        self.varies = (self.p1 * (1 - self.p1) > 0) | (self.p0 * (1 - self.p0) > 0)
        self.both = (self.p1 * (1 - self.p1) > 0) & (self.p0 * (1 - self.p0) > 0)
        self.welch = s.kind == "people"
        self.fit = s.plain.by_arm(y[self.varies])
        if self.welch:
            self.v1, self.v0 = (p * (1 - p) / (n - 1) for p, n in ((self.p1, s.n1), (self.p0, s.n0)))

    def of(self, kind: str) -> Interval:
        """`tk.effect_size.cohens_h`, `cox_d`, `logit_d`; no interval where an arm is all 0 or all 1."""
        value, slope = SHARES[kind]
        p1, p0 = self.p1[self.both], self.p0[self.both]
        if self.welch:
            v1, v0 = slope(p1) ** 2 * self.v1[self.both], slope(p0) ** 2 * self.v0[self.both]
            se, df = np.sqrt(v1 + v0), (v1 + v0) ** 2 / (v1**2 / (self.s.n1 - 1) + v0**2 / (self.s.n0 - 1))
        else:
            within = self.both[self.varies]
            ones = np.ones(len(self.both))
            ones[self.both], zeros = slope(p1), ones.copy()
            zeros[self.both] = slope(p0)
            se, df = (v[within] for v in self.fit.scaled(ones[self.varies], zeros[self.varies]))
        return _spread(t_limits(value(p1) - value(p0), se, df), self.both)

    def difference(self, *, normal: bool) -> Interval:
        """`tk.itt(measure="risk_difference")`, unadjusted; the number needed to treat has the reciprocal set, which covers where this does.

        For people alone the default (g-computation) has `normal` limits and estimator='ancova' t limits about the same standard error.
        """
        se, df = self.fit.scaled(1.0, 1.0)
        df = np.full(len(df), np.inf) if normal else df
        return _spread(t_limits((self.p1 - self.p0)[self.varies], se, df), self.varies)


def _spread(found: Interval, where: np.ndarray) -> Interval:
    """NaN where there is no interval."""
    out = np.full((3, len(where)), np.nan)
    out[:, where] = found.estimate, found.low, found.high
    return Interval(*out)


def wald_ratio(s: Setting, y: np.ndarray, kind: str) -> Interval:
    """Log risk ratio and log odds ratio of `tk.effect_size.from_counts`; no interval with an empty cell."""
    a, c = y[:, s.treated].sum(axis=1), y[:, ~s.treated].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "risk_ratio":
            value, se = np.log(a / s.n1 / (c / s.n0)), np.sqrt(1 / a - 1 / s.n1 + 1 / c - 1 / s.n0)
        else:
            value = np.log(a / (s.n1 - a)) - np.log(c / (s.n0 - c))
            se = np.sqrt(1 / a + 1 / (s.n1 - a) + 1 / c + 1 / (s.n0 - c))
        low, high = value + ndtri(0.025) * se, value + ndtri(0.975) * se
    missing = ~np.isfinite(low + high)
    return Interval(np.where(missing, np.nan, value), np.where(missing, np.nan, low), np.where(missing, np.nan, high))
