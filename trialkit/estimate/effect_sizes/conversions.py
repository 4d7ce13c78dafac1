"""From one effect size to another: d, r, odds ratio, risk ratio, risk difference; and the risk ratio that an E-value takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from trialkit.errors import CombinationError, UsageError, nearest, shown
from trialkit.inference.distributions import t_quantile
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, TableResult

Scale = Literal["d", "r", "odds_ratio", "risk_ratio", "risk_difference"]
Logistic = Literal["logit", "cox"]
EvalueSource = Literal["risk_ratio", "odds_ratio", "hazard_ratio", "d"]
_Step: TypeAlias = "Callable[[float], tuple[float, float]]"

SCALES = ("d", "r", "odds_ratio", "risk_ratio", "risk_difference")
RATIOS = ("odds_ratio", "risk_ratio", "hazard_ratio")
LOG_ODDS_OF_D = {"logit": math.pi / math.sqrt(3), "cox": 1.65}
"""log odds ratio per SD: a logistic latent variable, and Cox's 1.65 that fits the normal one over most of its range"""


@dataclass(frozen=True)
class ConversionResult(TableResult):
    """An effect size on another scale; ratios as ratios, with the standard error of their log."""

    kind = "conversion"

    @property
    def estimate(self) -> float:
        return self._number("estimate")

    @property
    def std_error(self) -> float:
        return self._number("std_error")

    @property
    def conf_low(self) -> float:
        return self._number("conf_low")

    @property
    def conf_high(self) -> float:
        return self._number("conf_high")

    def _number(self, name: str) -> float:
        value = self.table[0][name]
        return math.nan if value is None else float(value)

    def _title(self) -> str:
        row = self.table[0]
        return f"{row['source']} as {row['target']}: {number(self.estimate)}"


@explained
def convert(
    estimate: float,
    *,
    source: Scale,
    target: Scale,
    std_error: float | None = None,
    conf: tuple[float, float] | None = None,
    baseline_risk: float | None = None,
    logistic: Logistic = "logit",
    share_treated: float = 0.5,
    conf_level: float = 0.95,
) -> ConversionResult:
    """Express an effect size on another scale.

    d and r are tied by the share treated; d and the odds ratio by a latent continuous outcome; odds ratio, risk ratio and risk
    difference by the risk of the controls. A conversion adds an assumption and no information: report the original beside it.

    Parameters
    ----------
    estimate : on the source scale; ratios as ratios.
    source, target : 'd', 'r' (point-biserial), 'odds_ratio', 'risk_ratio' or 'risk_difference'.
    std_error : of the estimate; of its log for ratios. Carried over by the delta method.
    conf : the interval, when it is known; otherwise made from `std_error` on the source scale. Its ends are converted.
    baseline_risk : risk of the controls, between 0 and 1, taken as known; for risk ratios and differences.
    logistic : 'logit' (log odds ratio = pi/sqrt(3) d; default) or 'cox' (1.65 d), which differ by a tenth.
    share_treated : of all people, for r.
    conf_level : of the interval made from `std_error`.

    Raises
    ------
    UsageError
        A value that its scale cannot have, a baseline risk that is missing or that makes a risk above 1.

    References
    ----------
    Borenstein, Hedges, Higgins & Rothstein (2009), chapter 7; Sanchez-Meca, Marin-Martinez & Chacon-Moscoso (2003); Zhang & Yu (1998).

    Examples
    --------
    >>> import trialkit as tk
    >>> round(tk.effect_size.convert(2.0, source="odds_ratio", target="d").estimate, 3)
    0.382
    >>> round(tk.effect_size.convert(2.0, source="odds_ratio", target="risk_ratio", baseline_risk=0.3).estimate, 3)
    1.538
    """
    _check_arguments(source, target, logistic, share_treated)
    steps = _steps(source, target, baseline_risk, LOG_ODDS_OF_D[logistic], share_treated)
    value, slope = _through(steps, _inward(estimate, source))
    error = math.nan if std_error is None else abs(slope) * std_error
    ends = tuple(_end(steps, e, target) for e in _limits(estimate, source, std_error, conf, conf_level))
    row = _row(source, target, _outward(value, target), error, ends)
    notes = _notes(source, target, baseline_risk, logistic)
    if (conf is not None or std_error is not None) and any(math.isnan(e) for e in ends):
        notes.append(
            Note("limit_undefined", f"a limit of the interval has no {target} with this baseline risk or range: it is left open.")
        )
    return ConversionResult((), tuple(notes), {}, (row,))


def _check_arguments(source: str, target: str, logistic: str, share_treated: float) -> None:
    for name, scale in (("source", source), ("target", target)):
        if scale not in SCALES:
            near = nearest(scale, SCALES)
            raise UsageError(
                f"{name}={scale!r} is no scale: there are {shown(SCALES)}.{f' Did you mean {near!r}?' if near else ''}"
            )
    if logistic not in LOG_ODDS_OF_D:
        raise UsageError(f"logistic={logistic!r} is unknown: it is 'logit' or 'cox'.")
    if not 0 < share_treated < 1:
        raise UsageError(f"share_treated={share_treated} must lie between 0 and 1.")


def _limits(
    estimate: float, source: str, std_error: float | None, conf: tuple[float, float] | None, conf_level: float
) -> tuple[float, ...]:
    """Limits on the scale where steps work; NaN when nothing is known of them."""
    if conf is not None:
        return _inward(conf[0], source), _inward(conf[1], source)
    if std_error is None:
        return math.nan, math.nan
    half = t_quantile((1 + conf_level) / 2, math.inf) * std_error
    middle = _inward(estimate, source)
    return middle - half, middle + half


def _row(source: str, target: str, estimate: float, std_error: float, ends: Sequence[float]) -> dict[str, Any]:
    found = {"estimate": estimate, "std_error": std_error, "conf_low": ends[0], "conf_high": ends[1]}
    return {"source": source, "target": target, **found}


@explained
def risk_ratio_for_evalue(
    estimate: float,
    *,
    source: EvalueSource,
    std_error: float | None = None,
    conf: tuple[float, float] | None = None,
    common: bool = True,
) -> ConversionResult:
    """The risk ratio, with its limits, that an E-value is computed from.

    Parameters
    ----------
    estimate : a risk, odds or hazard ratio, or a standardized mean difference d.
    source : its scale.
    std_error : of d. conf : limits of a ratio.
    common : whether the outcome is more frequent than about 15 %: an odds ratio then enters by its square root and a hazard ratio by
        (1 - .5^sqrt(HR)) / (1 - .5^sqrt(1/HR)); a rare outcome's ratio enters as it is.

    Notes
    -----
    d enters as exp(.91 d) with limits exp(.91 d -+ 1.78 SE). Source: VanderWeele & Ding (2017), table 2.

    Examples
    --------
    >>> import trialkit as tk
    >>> round(tk.effect_size.risk_ratio_for_evalue(2.1, source="odds_ratio", conf=(1.3, 3.4)).estimate, 4)
    1.4491
    """
    if source not in ("risk_ratio", "odds_ratio", "hazard_ratio", "d"):
        raise UsageError(f"source={source!r} is unknown: it is 'risk_ratio', 'odds_ratio', 'hazard_ratio' or 'd'.")
    if source == "d":
        value, half = math.exp(0.91 * estimate), math.nan if std_error is None else 1.78 * std_error
        ends = (math.exp(0.91 * estimate - half), math.exp(0.91 * estimate + half))
    else:
        value = _as_risk_ratio(estimate, source, common)
        ends = (
            (math.nan, math.nan)
            if conf is None
            else (_as_risk_ratio(conf[0], source, common), _as_risk_ratio(conf[1], source, common))
        )
    row = _row(source, "risk_ratio", value, math.nan, ends)
    return ConversionResult((), (), {"common": common}, (row,))


def _as_risk_ratio(ratio: float, source: str, common: bool) -> float:
    _check(ratio, source)
    if source == "odds_ratio" and common:
        return math.sqrt(ratio)
    if source == "hazard_ratio" and common:
        return (1 - 0.5 ** math.sqrt(ratio)) / (1 - 0.5 ** math.sqrt(1 / ratio))
    return ratio


def _check(value: float, scale: str) -> None:
    if not math.isfinite(value):
        raise UsageError(f"the {scale} is {value}: a finite number is needed.")
    if scale in RATIOS and not value > 0:
        raise UsageError(f"a ratio is positive; the {scale} is {value:g}. (A log ratio is converted from exp(log ratio).)")
    if scale in ("r", "risk_difference") and not -1 < value < 1:
        raise UsageError(f"the {scale} lies between -1 and 1; got {value:g}.")


def _inward(value: float, scale: str) -> float:
    """The scale on which steps and standard errors work: logs of ratios."""
    _check(value, scale)
    return math.log(value) if scale in RATIOS else value


def _outward(value: float, scale: str) -> float:
    return math.exp(value) if scale in RATIOS else value


def _end(steps: list[_Step], value: float, target: str) -> float:
    """A limit on the target scale; NaN where there is none, since a limit may lie where no estimate could."""
    try:
        return _outward(_through(steps, value)[0], target)
    except (UsageError, ValueError):
        return math.nan


def _through(steps: list[_Step], value: float) -> tuple[float, float]:
    """Value and derivative of the steps in a row."""
    slope = 1.0
    for step in steps:
        value, own = step(value)
        slope *= own
    return value, slope


def _steps(source: str, target: str, risk: float | None, factor: float, share: float) -> list[_Step]:
    """Steps from the source to the target along r - d - log odds ratio - log risk ratio - risk difference."""
    chain = ["r", "d", "odds_ratio", "risk_ratio", "risk_difference"]
    start, end = chain.index(source), chain.index(target)
    pairs = (
        [(chain[i], chain[i + 1]) for i in range(start, end)]
        if start < end
        else [(chain[i], chain[i - 1]) for i in range(start, end, -1)]
    )
    spread = 1 / (share * (1 - share))
    out: list[_Step] = []
    for one, other in pairs:
        if {one, other} <= {"odds_ratio", "risk_ratio", "risk_difference"}:
            out.append(_risk_step(one, other, _known_risk(risk, source, target)))
        elif one == "r":
            out.append(lambda r: (math.sqrt(spread) * r / math.sqrt(1 - r * r), math.sqrt(spread) / (1 - r * r) ** 1.5))
        elif other == "r":
            out.append(lambda d: (d / math.sqrt(d * d + spread), spread / (d * d + spread) ** 1.5))
        elif one == "d":
            out.append(lambda d: (factor * d, factor))
        else:
            out.append(lambda x: (x / factor, 1 / factor))
    return out


def _known_risk(risk: float | None, source: str, target: str) -> float:
    if risk is None:
        raise CombinationError(f"from {source} to {target} the risk of the controls is needed: baseline_risk=0.3, for instance.")
    if not 0 < risk < 1:
        raise UsageError(f"baseline_risk={risk} must lie between 0 and 1.")
    return risk


def _risk_step(one: str, other: str, p0: float) -> _Step:
    def step(value: float) -> tuple[float, float]:
        if (one, other) == ("odds_ratio", "risk_ratio"):
            odds = math.exp(value)
            base = 1 - p0 + p0 * odds
            return value - math.log(base), (1 - p0) / base
        if (one, other) == ("risk_difference", "risk_ratio"):
            _check_treated_risk(p0 + value)
            return math.log((p0 + value) / p0), 1 / (p0 + value)
        ratio = math.exp(value)
        _check_treated_risk(p0 * ratio)
        if other == "risk_difference":
            return p0 * (ratio - 1), p0 * ratio
        return value + math.log((1 - p0) / (1 - p0 * ratio)), 1 / (1 - p0 * ratio)

    return step


def _check_treated_risk(risk: float) -> None:
    if not 0 < risk < 1:
        raise UsageError(
            f"with this baseline_risk the risk of the treated would be {risk:.3g}, outside 0 to 1: the two do not go together."
        )


def _notes(source: str, target: str, risk: float | None, logistic: str) -> list[Note]:
    notes = []
    binary = {"odds_ratio", "risk_ratio", "risk_difference"}
    if (source in binary) != (target in binary):
        name = "pi/sqrt(3) (logit)" if logistic == "logit" else "1.65 (Cox)"
        notes.append(Note("latent_outcome", f"a latent continuous outcome is assumed, with a log odds ratio of {name} per SD."))
    if risk is not None:
        notes.append(
            Note(
                "baseline_risk_known",
                f"the controls' risk of {risk:g} is taken as known; its uncertainty is not in the interval.",
            )
        )
    return notes
