"""Social desirability: do answers go with the wish to look good, and what would that do to the effect.

An effect on answers is biased when the arms differ in how much they make of their answers, and that only: a tendency that is the same in both arms cancels. A
desirability scale shows part of the tendency; the size of the bias in one arm cannot be estimated from answers, so it is varied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trialkit.errors import DataError, MissingDataError, UsageError
from trialkit.inference.arrays import BoolArray
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.correlation import Correlation, correlation
from trialkit.measurement.change.by_arm import weights_of
from trialkit.measurement.change.inputs import Better, checked, checked_level
from trialkit.measurement.change.result import Desirability, DesirabilityBias
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note, Result
from trialkit.trial import Trial

MULTIPLES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
LEAST = 4


@explained
def desirability_correlation(trial: Trial, outcome: str, *, desirability: str, conf_level: float = 0.95) -> Desirability:
    """Correlation of an outcome with a social-desirability scale by arm, and its difference between arms.

    Parameters
    ----------
    trial : the data and their roles. outcome : column of scores. desirability : column of the desirability scale, best asked at the baseline,
        where the programme cannot have changed it.
    conf_level : of the intervals, on Fisher's z, with groups and clusters as units.

    Returns
    -------
    Desirability
        `.tidy()` one row an arm: arm, n, n_missing, correlation, conf_low, conf_high, df. `.differences()`: Fisher's z of an arm minus that of the control arm.

    Raises
    ------
    UsageError, ColumnNotFoundError, DataError
        Not a trial; a constant column; fewer than four people with both in an arm.

    Notes
    -----
    A correlation that is the same in both arms does not bias the effect. One that is stronger in the treated arm is what arm-dependent overstating looks like, but
    also what a programme looks like that works better for such people; its absence proves little, because trials are too small to see it. Use it beside
    `desirability_bias`.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(2)
    >>> d = pd.DataFrame({"arm": [0, 1] * 40, "md": rng.normal(size=80)})
    >>> d["y"] = d["md"] * d["arm"] + rng.normal(size=80)
    >>> tk.measurement.desirability_correlation(tk.Trial(d, arm="arm", control=0), "y", desirability="md").tidy()["n"].tolist()
    [40, 40]
    """
    checked_level(conf_level)
    _check_trial(trial)
    if outcome == desirability:
        raise UsageError(f"'{outcome}' is both the outcome and the desirability scale.")
    y, x = trial.values(outcome), trial.values(desirability)
    weights = weights_of(trial)
    notes = [*checked(y, outcome, None), *checked(x, desirability, None)]
    known = np.isfinite(y) & np.isfinite(x)
    rows, found = [], []
    for code, label in enumerate(trial.arms):
        inside = (trial.arm_codes == code) & (weights > 0)
        here = inside & known
        c = _one_arm(trial, x, y, here, weights, str(label), (outcome, desirability), conf_level)
        if not c.converged:
            notes.append(
                Note("working_covariance", f"{label}: the variance between groups could not be fitted; df are groups minus one.")
            )
        found.append(c)
        rows.append(
            {
                "arm": str(label), "n": c.n, "n_missing": int((inside & ~known).sum()), "correlation": c.r, "conf_low": c.conf_low,
                "conf_high": c.conf_high, "df": c.df,
            }
        )  # fmt: skip
    estimates = [_contrast(trial, outcome, found, k, conf_level) for k in range(1, len(found))]
    said = "; ".join(f"{r['arm']} {r['correlation']:.2f} ({r['conf_low']:.2f} to {r['conf_high']:.2f})" for r in rows)
    words = [
        f"Correlation of '{outcome}' with '{desirability}': {said}, {100 * conf_level:g} % intervals.",
        "What is the same in every arm cancels in the effect; only a difference between arms can bias it.",
    ]
    details = {
        "title": f"Social desirability in {outcome}",
        "words": words,
        "conf_level": conf_level,
        "desirability": desirability,
    }
    return Desirability(tuple(estimates), tuple(dict.fromkeys(notes)), details, tuple(rows))


def _check_trial(trial: Any) -> None:
    if not isinstance(trial, Trial):
        raise UsageError("desirability_correlation takes a Trial first: tk.Trial(data, arm=..., control=...).")


def _one_arm(
    trial: Trial, x: Any, y: Any, here: BoolArray, weights: Any, label: str, names: tuple[str, str], conf_level: float
) -> Correlation:
    if here.sum() < LEAST:
        raise MissingDataError(
            f"{int(here.sum())} people of arm {label} have both '{names[0]}' and '{names[1]}': at least {LEAST} are needed."
        )
    for values, name in ((y, names[0]), (x, names[1])):
        if np.ptp(values[here]) <= 1e-12 * max(1.0, float(np.abs(values[here]).max())):
            raise DataError(f"'{name}' is {values[here][0]:g} for everyone in arm {label}: it has no correlation.")
    group = trial.group_codes[here]
    cluster = None if trial.cluster is None else trial.codes(trial.cluster)[here]
    alone = group.max(initial=-1) + 1 + np.arange(len(group))
    unit = cluster if cluster is not None else np.where(group >= 0, group, alone)
    grouped = group if cluster is None and (group >= 0).any() else None
    own = weights[here] if trial.weights is not None else None
    return correlation(x=x[here], y=y[here], unit=unit.astype(np.int64), group=grouped, weights=own, conf_level=conf_level)


def _contrast(trial: Trial, outcome: str, found: Sequence[Correlation], arm: int, conf_level: float) -> Estimate:
    """Difference of two Fisher z, with Welch's degrees of freedom."""
    a, c = found[arm], found[0]
    parts = (a.std_error**2, c.std_error**2)
    error = math.sqrt(sum(parts))
    df = sum(parts) ** 2 / (parts[0] ** 2 / a.df + parts[1] ** 2 / c.df) if error > 0 else math.nan
    test = t_test(a.z - c.z, error, df, conf_level)
    grouped = trial.group is not None or trial.cluster is not None
    return Estimate(
        outcome=outcome, estimand="difference of Fisher's z of correlations", contrast=f"{trial.arms[arm]} - {trial.arms[0]}", estimate=a.z - c.z,
        std_error=error, df=df, statistic=test.statistic, p_value=test.p_value, conf_low=test.conf_low, conf_high=test.conf_high, conf_level=conf_level,
        n=a.n + c.n, n_clusters=a.units + c.units, n_groups=trial.n_groups,
        method="influence values", covariance="CR2" if grouped else "HC2",
    )  # fmt: skip


@explained
def desirability_bias(
    result: Result, *, better: Better = "higher", bias: Sequence[float] | None = None, sd: float | None = None
) -> DesirabilityBias:
    """What is left of an effect if one arm made more of its answers than the other, and how much of that undoes it.

    Parameters
    ----------
    result : of `tk.itt` with measure='mean_difference' (or 'risk_difference' of a self-reported 0 and 1).
    better : the direction in which people make more of their answers: 'higher' or 'lower'.
    bias : average overstatement of the first arm of a contrast beyond that of the second, in points, from 0 up. By default 0, .05, .1, .2, .3 and .5 SD.
    sd : SD of the outcome for these multiples, by default that of the control arm.

    Returns
    -------
    DesirabilityBias
        `.tidy()`: contrast, bias, bias_sd, estimate, conf_low, conf_high, p_value; `.breakpoint`, `.breakpoint_interval`.

    Raises
    ------
    UsageError
        A result of another kind or a ratio, biases below zero.

    Notes
    -----
    The bias is an average over everyone in the arm: when a third overstate by 3 points it is 1. It is taken as known in each row, so standard error and df are
    those of the effect. Bias in the treated arm that shrinks the effect (people who became more candid) is not shown.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": [0, 1] * 60})
    >>> d["y"] = 0.8 * d["arm"] + rng.normal(size=120)
    >>> effect = tk.itt(tk.Trial(d, arm="arm", control=0), "y")
    >>> found = tk.measurement.desirability_bias(effect)
    >>> bool(np.isclose(found.breakpoint, effect.estimates[0].estimate))
    True
    """
    measure = result.details.get("measure") if isinstance(result, Result) else None
    if measure not in ("mean_difference", "risk_difference") or not result.estimates:
        raise UsageError(
            "desirability_bias takes a result of tk.itt of a difference (measure='mean_difference' or 'risk_difference'); a bias in points has no place on a ratio."
        )
    if better not in ("higher", "lower"):
        raise UsageError(f"better={better!r} is unknown: it is 'higher' or 'lower'.")
    spread = _control_sd(result, sd)
    grid = _grid(bias, spread)
    sign = 1.0 if better == "higher" else -1.0
    rows = [_row(e, b, sign, spread) for e in result.estimates for b in grid]
    notes: tuple[Note, ...] = ()
    if result.details.get("estimator") == "exact":
        notes = (Note("exact", "the interval is an exact one, moved as it is; p-values under a bias are not given."),)
        rows = [r | {"p_value": r["p_value"] if r["bias"] == 0 else math.nan} for r in rows]
    contrasts = [_break(e, sign, spread) for e in result.estimates]
    words = [_words(e, c) for e, c in zip(result.estimates, contrasts)]
    details = {
        "title": f"Bias in the answers and the effect on {result.estimates[0].outcome}", "words": words, "contrasts": contrasts, "better": better, "sd": spread,
    }  # fmt: skip
    return DesirabilityBias((), notes, details, tuple(rows))


def _control_sd(result: Result, sd: float | None) -> float:
    if sd is not None:
        if not (math.isfinite(sd) and sd > 0):
            raise UsageError(f"sd={sd!r} is no standard deviation: give a positive number.")
        return float(sd)
    found = float(result.details["arms"][0]["sd"])
    return found if found > 0 else math.nan


def _grid(bias: Sequence[float] | None, spread: float) -> list[float]:
    if bias is None:
        if math.isnan(spread):
            raise UsageError("the control arm does not vary: give the biases in points, bias=[...].")
        return [m * spread for m in MULTIPLES]
    given = [float(b) for b in np.atleast_1d(np.asarray(bias, dtype=float))]
    if not given or not all(math.isfinite(b) and b >= 0 for b in given):
        raise UsageError("bias holds points from 0 up; the direction is said by better=.")
    return given


def _row(e: Estimate, bias: float, sign: float, spread: float) -> dict[str, Any]:
    left = e.estimate - sign * bias
    test = t_test(left, e.std_error, e.df, e.conf_level)
    return {
        "contrast": e.contrast, "bias": bias, "bias_sd": bias / spread, "estimate": left, "conf_low": e.conf_low - sign * bias,
        "conf_high": e.conf_high - sign * bias, "p_value": e.p_value if bias == 0 else test.p_value,
    }  # fmt: skip


def _break(e: Estimate, sign: float, spread: float) -> dict[str, Any]:
    """Bias at which the estimate, and first the interval, reaches zero."""
    gain = sign * e.estimate
    worst = e.conf_low if sign > 0 else -e.conf_high
    point = gain if gain > 0 else math.nan
    interval = max(worst, 0.0) if gain > 0 else math.nan
    return {
        "contrast": e.contrast, "breakpoint": point, "breakpoint_interval": interval, "breakpoint_sd": point / spread,
        "breakpoint_interval_sd": interval / spread,
    }  # fmt: skip


def _words(e: Estimate, c: dict[str, Any]) -> str:
    if math.isnan(c["breakpoint"]):
        return f"{e.contrast}: the effect is not an improvement, so overstating in the first arm does not explain it."
    text = f"{e.contrast}: nothing is left of the effect if people in the first arm overstated by {number(c['breakpoint'])} points ({number(c['breakpoint_sd'])} SD) more on average"
    if c["breakpoint_interval"] > 0:
        return f"{text}; from {number(c['breakpoint_interval'])} points ({number(c['breakpoint_interval_sd'])} SD) its interval covers zero."
    return f"{text}; its interval covers zero without any bias."
