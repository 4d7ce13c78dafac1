"""The sentences on equivalence and non-inferiority: what was shown, what was not, and what neither means."""

from __future__ import annotations

import math

from trialkit.estimate.margins.margin_tests import EquivalenceTest, MarginTest, NoninferiorityTest
from trialkit.inference.distributions import t_test
from trialkit.inference.take_up.instruments import WEAK_F
from trialkit.printed import number, p_text
from trialkit.results import Estimate, Note, Result


def equivalence_sentence(test: EquivalenceTest) -> str:
    """Whether the interval lies between the margins, and where it goes beyond them."""
    within = f"{number(test.lower)} to {number(test.upper)}"
    if test.shown is None:
        return f"{test.contrast}: equivalence within {within} cannot be tested, because the effect has no standard error."
    tested = f"two one-sided tests, p {p_text(test.p_value)}"
    if test.shown:
        text = f"{test.contrast}: equivalent within {within}. {_interval(test)} lies inside the margins ({tested})."
        if _differs(test):
            text += f" The effect differs from {_null(test)}, by less than the margin."
        return text
    text = f"{test.contrast}: equivalence within {within} is not shown. {_interval(test)} "
    if test.conf_low >= test.upper or test.conf_high <= test.lower:
        return text + f"lies outside the margins: the difference is larger than they allow ({tested})."
    crossed = [
        number(m) for m, out in ((test.lower, test.conf_low < test.lower), (test.upper, test.conf_high > test.upper)) if out
    ]
    text += f"reaches beyond {' and '.join(crossed)} ({tested})."
    if not _differs(test):
        text += " No difference is shown either: the data do not decide, and that is not equality."
    return text


def noninferiority_sentence(test: NoninferiorityTest) -> str:
    """Whether the worse limit of the interval lies on the better side of the bound."""
    higher = test.better == "higher"
    arm, _, control = test.contrast.partition(" - ")
    who, than = (arm, control) if control else (test.contrast, "the reference")
    bound = number(test.bound)
    if test.shown is None:
        return (
            f"{test.contrast}: non-inferiority with the bound {bound} cannot be tested, because the effect has no standard error."
        )
    worse, side = (test.conf_low, "above") if higher else (test.conf_high, "below")
    limit = f"The {'lower' if higher else 'upper'} limit of the {_percent(test.conf_level)} interval ({number(worse)})"
    tested = f"one-sided p {p_text(test.p_value)}"
    if test.shown:
        text = f"{test.contrast}: {who} is not inferior to {than} (bound {bound}). {limit} lies {side} the bound ({tested})."
        if _differs(test):
            better = (test.estimate > _null_value(test)) == higher
            text += (
                f" The effect differs from {_null(test)}: {who} is {'better' if better else 'worse, by less than the margin'}."
            )
        return text
    shortfall = f"{test.contrast}: non-inferiority (bound {bound}) is not shown."
    beyond = test.conf_high <= test.bound if higher else test.conf_low >= test.bound
    if beyond:
        return f"{shortfall} {_interval(test)} lies on the worse side of the bound: {who} is worse than {than} by more than the margin ({tested})."
    return (
        f"{shortfall} {limit} does not lie {side} the bound ({tested}): a disadvantage as large as the margin is not ruled out."
    )


def margin_notes(result: Result, ratio: bool) -> list[Note]:
    """What holds for every test against a margin."""
    notes = [
        Note(
            "margin_set_before",
            "a margin counts when it was set before the outcome was seen: it belongs in the plan, with its reason (equivalence= or noninferiority= under "
            "[[outcomes]]).",
        )
    ]
    if result.kind != "cace":
        notes.append(
            Note(
                "itt_and_margins",
                "people who do not take part and people who are lost pull an intention-to-treat effect towards no difference, which helps here: read it "
                "beside the effect on those who take part (tk.cace with the same margin).",
            )
        )
    if any(e.extra.get("effective_f", math.inf) < WEAK_F for e in result.estimates):
        text = "assignment hardly moves uptake, so the test by the standard error cannot be trusted: hold the Anderson-Rubin set against the margin."
        notes.append(Note("margin_weak_instrument", text))
    if any(_not_wald(e, ratio) for e in result.estimates):
        notes.append(
            Note(
                "margin_interval",
                "the tests against the margin use the estimate and its standard error; this estimator's own interval is made in another way.",
            )
        )
    if len(result.estimates) > 1:
        notes.append(
            Note(
                "margins_each",
                "each contrast is held against the margin by itself: a claim that all of them pass needs no correction, a claim that some do does.",
            )
        )
    return notes


def _not_wald(e: Estimate, ratio: bool) -> bool:
    """Whether the row's interval is something else than estimate +- t quantile x standard error."""
    if not (math.isfinite(e.conf_low) and e.conf_low > 0 if ratio else math.isfinite(e.conf_low)):
        return False
    centre, low = (math.log(e.estimate), math.log(e.conf_low)) if ratio else (e.estimate, e.conf_low)
    found = t_test(centre, e.std_error, e.df, e.conf_level)
    return math.isfinite(found.conf_low) and abs(found.conf_low - low) > 1e-6 * e.std_error


def _differs(test: MarginTest) -> bool:
    low, high = test.limits(1 - test.alpha)
    return not low <= _null_value(test) <= high


def _null_value(test: MarginTest) -> float:
    return 1.0 if test.ratio else 0.0


def _null(test: MarginTest) -> str:
    return "a ratio of 1" if test.ratio else "zero"


def _percent(level: float) -> str:
    return f"{100 * level:g}%"


def _interval(test: MarginTest) -> str:
    return f"The {_percent(test.conf_level)} interval ({number(test.conf_low)} to {number(test.conf_high)})"
