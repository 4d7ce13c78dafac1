"""Oster's delta and bias-adjusted coefficient: selection on unobservables in proportion to that on the controls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.inference.confounding.oster import Stability
from trialkit.inference.linear.least_squares import LeastSquares
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult
from trialkit.selection.comparison.observed import Observed, listed, observed


@dataclass(frozen=True)
class OsterResult(TableResult):
    """`.delta` at which the coefficient is the value asked for, `.beta` at the delta asked for, `.roots` with the other solutions."""

    kind = "oster"

    @property
    def delta(self) -> float:
        return _number(self.details["delta"])

    @property
    def beta(self) -> float:
        return _number(self.details["beta"])

    @property
    def r2_max(self) -> float:
        return float(self.details["r2_max"])

    @property
    def roots(self) -> tuple[float, ...]:
        """All solutions for beta, the nearest to the controlled coefficient first."""
        return tuple(float(r) for r in self.details["roots"])

    def _title(self) -> str:
        d = self.details
        return (
            f"Selection on unobservables that brings '{d['treatment']}' to {d['target']:g}: delta = {number(self.delta)} "
            f"(R2 max {number(self.r2_max)}); at delta = {d['at']:g} the coefficient is {number(self.beta)}"
        )


@explained
def oster(
    data: Any,
    outcome: str,
    *,
    treatment: str,
    adjust: Sequence[str],
    r2_max: float | str = "1.3",
    beta: float = 0.0,
    delta: float = 1.0,
    always: Sequence[str] = (),
) -> OsterResult:
    """How much stronger than on the controls selection on unobservables must be to explain a coefficient away.

    Parameters
    ----------
    data : data frame (or Trial). outcome, treatment : numeric columns. adjust : the controls.
    r2_max : R2 of the regression with all confounders in it. Text is a multiple of the controlled R2, at most 1: "1.3" (default) is the value
        that keeps 90 % of randomized results in Oster's sample; a number is the R2 itself.
    beta : coefficient that `.delta` leads to. delta : proportional selection of `.beta`.
    always : covariates in both regressions, on which no selection is modelled (strata, the baseline).

    Returns
    -------
    OsterResult
        `.delta`, `.beta`, `.roots`, `.r2_max`; `.tidy()` shows both regressions.

    Raises
    ------
    UsageError
        `r2_max` below the controlled R2, or covariates in two roles.

    Notes
    -----
    Delta above 1 is read as robust by convention only. Where the coefficient hardly moves with the controls, delta says little: a note says so.

    References
    ----------
    Oster (2019), JBES 37(2), 187-204.

    Examples
    --------
    >>> import numpy as np, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=300); came = (x + rng.normal(size=300) > 0) * 1
    >>> data = {"x": x, "came": came, "y": x + came + rng.normal(size=300)}
    >>> found = tk.selection.oster(data, "y", treatment="came", adjust=["x"])
    >>> bool(found.beta < found.tidy()["coefficient"][1])
    True
    """
    fixed = listed(always, "always")
    controls = listed(adjust, "adjust")
    if set(fixed) & set(controls):
        raise UsageError("a covariate is either in adjust or in always, not in both.")
    if not controls:
        raise UsageError("adjust is empty: name the covariates that the comparison controls for.")
    d = observed(data, outcome, treatment, (*controls, *fixed))
    base = d.of(fixed)
    short, full = d.fit(d.y, d.x[:, None], base), d.fit(d.y, d.x[:, None], d.columns)
    total = float(((d.y - d.y.mean()) ** 2).sum())
    r2 = [1 - float(fit.rss) / total for fit in (short, full)]
    most = _r2_max(r2_max, r2[1])
    found = _stability(d, short, full, base, most, total)
    roots = found.betas(delta)
    needed = found.delta(beta)
    notes = list(d.notes)
    if abs(found.movement) < 0.01 * abs(found.controlled):
        notes.append(Note("no_movement", "the coefficient hardly moves with these controls: delta rests on very little."))
    if len(roots) > 1:
        others = ", ".join(number(float(r)) for r in roots[1:])
        notes.append(
            Note("several_roots", f"beta has further solutions ({others}); the one nearest the controlled coefficient is given.")
        )
    if not len(roots):
        notes.append(Note("no_root", "no real coefficient belongs to this delta."))
    rows = [
        {"regression": name, "coefficient": float(fit.coef[1]), "r2": share, "n": d.n}
        for name, fit, share in zip(("short", "controlled"), (short, full), r2)
    ]
    details = {
        "treatment": treatment, "r2_max": most, "delta": needed if math.isfinite(needed) else "inf", "target": beta, "at": delta,
        "beta": float(roots[0]) if len(roots) else None, "roots": [float(r) for r in roots],
    }  # fmt: skip
    return OsterResult((), tuple(notes), details, tuple(rows))


def _stability(d: Observed, short: LeastSquares, full: LeastSquares, base: FloatArray, most: float, total: float) -> Stability:
    n = d.n - 1
    unexplained = most * total - (total - float(full.rss))
    return Stability(
        controlled=float(full.coef[1]),
        movement=float(short.coef[1] - full.coef[1]),
        treatment=float(d.fit(d.x, base).rss) / n,
        residual=float(d.fit(d.x, d.columns).rss) / n,
        explained=(float(short.rss) - float(full.rss)) / n,
        unexplained=unexplained / n,
    )


def _r2_max(asked: float | str, controlled: float) -> float:
    try:
        value = float(asked)
    except (TypeError, ValueError):
        raise UsageError(
            f'r2_max={asked!r} must be a number up to 1, or text such as "1.3" that multiplies the controlled R2.'
        ) from None
    most = min(value * controlled, 1.0) if isinstance(asked, str) else value
    if not controlled < most <= 1:
        raise UsageError(
            f"r2_max = {most:.4g} must lie above the R2 of the controlled regression ({controlled:.4g}) and be at most 1."
        )
    return most


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
