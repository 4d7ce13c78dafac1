"""Equivalence and non-inferiority: an effect against margins that were set before the outcome was seen.

A margin is tested on the scale on which the effect was estimated (ratios on the log scale) with the effect's own standard error
and degrees of freedom. With alpha = 1 - conf_level, equivalence is shown when the 1 - 2 alpha interval lies between the
margins, non-inferiority when its limit on the worse side does (inference/margins.py). Nothing else shows either of them: 'no
significant difference' is not equality.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from trialkit.errors import UsageError
from trialkit.estimate.margins.margin_tests import EquivalenceTest, MarginTest, NoninferiorityTest, log_or_nan
from trialkit.estimate.margins.words import equivalence_sentence, margin_notes, noninferiority_sentence
from trialkit.estimate.measures import better_effect, in_points, is_ratio
from trialkit.estimate.request import Better
from trialkit.inference.margins import above, below, two_one_sided
from trialkit.results import Estimate, Note, Result

Equivalence = float | tuple[float, float]
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class WithMargins(Result):
    """A result that may have been held against margins."""

    @property
    def equivalence(self) -> EquivalenceTest:
        """The equivalence test of the first contrast: .p_lower .p_upper .p_value .conf_low_90 .conf_high_90 .shown."""
        return self.equivalence_of()

    @property
    def noninferiority(self) -> NoninferiorityTest:
        """The non-inferiority test of the first contrast: .p_value .conf_low_90 .shown."""
        return self.noninferiority_of()

    def equivalence_of(self, contrast: str | None = None) -> EquivalenceTest:
        """The equivalence test of a contrast, by default the first."""
        return EquivalenceTest(**_numbers(self._against("equivalence", contrast)))

    def noninferiority_of(self, contrast: str | None = None) -> NoninferiorityTest:
        """The non-inferiority test of a contrast, by default the first."""
        return NoninferiorityTest(**_numbers(self._against("noninferiority", contrast)))

    def _against(self, what: str, contrast: str | None) -> Mapping[str, Any]:
        tests = self.details.get("margins", {}).get(what)
        if tests is None:
            raise UsageError(
                f"this result was not held against a margin: run the analysis with {what}=, a margin set beforehand."
            )
        name = self.estimates[0].contrast if contrast is None else contrast
        for test in tests:
            if test["contrast"] == name:
                found: Mapping[str, Any] = test
                return found
        raise UsageError(f"there is no contrast '{name}'; there are {', '.join(repr(t['contrast']) for t in tests)}.")


def _numbers(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a stored test, in which infinities may be text and undefined numbers None."""
    other = ("contrast", "ratio", "shown", "sentence", "better")
    return {k: v if k in other else math.nan if v is None else float(v) for k, v in stored.items()}


@dataclass(frozen=True, slots=True)
class Margins:
    """Margins as asked, checked and put on the side where they belong; None where not asked.

    Attributes
    ----------
    equivalence : (lower, upper) in the units of the effect.
    bound, better : the worst effect that still counts as non-inferior, and the side of the effect that is better.
    """

    ratio: bool
    alpha: float
    equivalence: tuple[float, float] | None
    bound: float | None
    better: Better

    @property
    def asked(self) -> bool:
        return self.equivalence is not None or self.bound is not None


def margins(
    *,
    measure: str,
    equivalence: Equivalence | None,
    noninferiority: float | None,
    better: Better | None,
    conf_level: float,
) -> Margins:
    """Check margins before anything is estimated.

    Parameters
    ----------
    equivalence : a distance to both sides of no effect, or (lower, upper); of a ratio always two ratios, as in (0.8, 1.25).
    noninferiority : a distance, put on the worse side by `better`, or a bound with its sign (-0.2); of a ratio the bound itself.
    better : direction of the outcome that is better.
    conf_level : 1 - alpha.

    Raises
    ------
    UsageError
        A margin that holds no effect out, lies on the wrong side, or is in other units than the effect.
    """
    ratio, alpha = is_ratio(measure), round(1 - conf_level, 10)
    if equivalence is None and noninferiority is None:
        return Margins(ratio, alpha, None, None, "higher")
    if conf_level <= 0.5:
        raise UsageError(f"conf_level={conf_level:g} leaves no 1 - 2 alpha interval: margins need a level above .5, such as .95.")
    zone = None if equivalence is None else _zone(equivalence, measure, ratio)
    bound, side = (None, "higher") if noninferiority is None else _bound(noninferiority, better, measure, ratio)
    return Margins(ratio, alpha, zone, bound, "higher" if side == "higher" else "lower")


def _zone(given: Any, measure: str, ratio: bool) -> tuple[float, float]:
    if isinstance(given, (str, bytes)) or (not _number(given) and not (isinstance(given, (tuple, list)) and len(given) == 2)):
        raise UsageError(f"equivalence={given!r} must be a distance, or two margins such as (-0.2, 0.2).")
    if ratio:
        if _number(given):
            raise UsageError(
                f"a margin of {measure} is a ratio to either side of 1: write equivalence=(0.8, 1.25) for {given!r}."
            )
    elif _number(given):
        if given <= 0:
            raise UsageError(
                f"equivalence={given:g} must be a distance above 0 to either side of no effect, such as 0.2, or two margins such as (-0.2, 0.2)."
            )
        given = (-float(given), float(given))
    if not all(_number(v) for v in given):
        raise UsageError(f"equivalence={given!r}: both margins are numbers.")
    low, high = float(given[0]), float(given[1])
    null = 1.0 if ratio else 0.0
    if ratio and low <= 0:
        raise UsageError(f"equivalence=({low:g}, {high:g}): the margins of {measure} are ratios above 0, as in (0.8, 1.25).")
    if not low < null < high:
        raise UsageError(
            f"equivalence=({low:g}, {high:g}) must lie to either side of no effect ({null:g}), the lower margin first."
        )
    _check_share((low, high), measure)
    return low, high


def _bound(given: Any, better: Better | None, measure: str, ratio: bool) -> tuple[float, Better]:
    """The bound in the units of the effect, and the side of the effect that is better."""
    if not _number(given) or given == (1.0 if ratio else 0.0):
        raise UsageError(f"noninferiority={given!r} must be a margin other than no effect, such as {'0.8' if ratio else '0.2'}.")
    value = float(given)
    side = better_effect(measure, better)
    if ratio:
        if value <= 0:
            raise UsageError(
                f"noninferiority={value:g}: the bound of {measure} is a ratio above 0, such as 0.8 (or 1.25 when lower is better)."
            )
        found: Better = "higher" if value < 1 else "lower"
        if side is not None and side != found:
            raise UsageError(
                f"noninferiority={value:g} lies on the better side: with better='{better}' the worse side of {measure} is {'above' if side == 'lower' else 'below'} 1, "
                f"so write {1 / value:g}."
            )
        return value, found
    _check_share((value,), measure)
    if value < 0:
        if side == "lower":
            raise UsageError(
                f"noninferiority={value:g} lies on the better side when lower is better: write the distance, {-value:g}."
            )
        return value, "higher"
    if side is None:
        raise UsageError(
            f"noninferiority={value:g} is a distance, and the worse side is not known: say better='higher' or 'lower', or write the bound with its "
            f"sign ({-value:g}: no more than {value:g} below)."
        )
    return (-value, "higher") if side == "higher" else (value, "lower")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_share(values: tuple[float, ...], measure: str) -> None:
    if in_points(measure) and any(abs(v) >= 1 for v in values):
        worst = max(values, key=abs)
        raise UsageError(
            f"a difference of shares lies between -1 and 1: write {abs(worst) / 100:g} for {abs(worst):g} percentage points."
        )


def against_margins(result: R, asked: Margins) -> R:
    """The result with its tests against the margins: details, one p column a kind, and sentences among the notes."""
    if not asked.asked:
        return result
    stored: dict[str, list[dict[str, Any]]] = {}
    extra: list[dict[str, float]] = [{} for _ in result.estimates]
    notes: list[Note] = []
    for row, e in enumerate(result.estimates):
        if asked.equivalence is not None:
            equivalence = _equivalence(e, asked, asked.equivalence)
            stored.setdefault("equivalence", []).append(asdict(equivalence))
            extra[row]["p_equivalence"] = equivalence.p_value
            notes.append(_verdict("equivalence", equivalence))
        if asked.bound is not None:
            noninferiority = _noninferiority(e, asked, asked.bound)
            stored.setdefault("noninferiority", []).append(asdict(noninferiority))
            extra[row]["p_noninferiority"] = noninferiority.p_value
            notes.append(_verdict("noninferiority", noninferiority))
    notes += margin_notes(result, asked.ratio)
    rows = tuple(replace(e, extra={**e.extra, **more}) for e, more in zip(result.estimates, extra))
    return replace(result, estimates=rows, notes=(*result.notes, *notes), details={**result.details, "margins": stored})


def _verdict(what: str, test: MarginTest) -> Note:
    word = {True: "shown", False: "not_shown", None: "undefined"}[test.shown]
    return Note(f"{what}_{word}", test.sentence)


def _common(e: Estimate, asked: Margins, p: float) -> dict[str, Any]:
    level = round(1 - 2 * asked.alpha, 10)
    found = MarginTest(
        e.contrast, e.estimate, e.std_error, e.df, asked.ratio, asked.alpha, level, math.nan, math.nan, p, None, ""
    )
    low, high = found.limits(level)
    return asdict(found) | {"conf_low": low, "conf_high": high, "shown": None if math.isnan(p) else p <= asked.alpha}


def _scaled(e: Estimate, ratio: bool) -> dict[str, float]:
    return {"estimate": log_or_nan(e.estimate) if ratio else e.estimate, "std_error": e.std_error, "df": e.df}


def _equivalence(e: Estimate, asked: Margins, zone: tuple[float, float]) -> EquivalenceTest:
    low, high = (math.log(v) if asked.ratio else v for v in zone)
    p = two_one_sided(**_scaled(e, asked.ratio), lower=low, upper=high)
    test = EquivalenceTest(**_common(e, asked, p.p_value), lower=zone[0], upper=zone[1], p_lower=p.p_lower, p_upper=p.p_upper)
    return replace(test, sentence=equivalence_sentence(test))


def _noninferiority(e: Estimate, asked: Margins, bound: float) -> NoninferiorityTest:
    one = above if asked.better == "higher" else below
    p = one(**_scaled(e, asked.ratio), bound=math.log(bound) if asked.ratio else bound)
    test = NoninferiorityTest(**_common(e, asked, p), bound=bound, better=asked.better)
    return replace(test, sentence=noninferiority_sentence(test))
