"""What a formula takes as fixed and chance does not: covariates that differ between the arms, take-up, degrees of freedom.

Published formulas stay the answer; the power that a trial really has is computed beside it and named in a note.

- covariates: g normal ones are out of balance by chance. The variance of the effect is multiplied by 1/(1 - B), B ~ Beta(g/2, (df + 1)/2) the share
  of the arm's variance that they explain, so that power = E_B[P(|T| > t_df)], T noncentral t with ncp sqrt(1 - B). Exact for a regression on normal
  covariates (the variance factor of Cox & McCullagh 1982), for cluster means as for people.
- take-up: when those who take part alone have the effect, the treated are a mixture with variance sd^2 + share (1 - share) effect^2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

from trialkit.inference.power.noncentral import t_power, t_tails
from trialkit.power.arguments import TakeUp, Test
from trialkit.power.words import number, percent
from trialkit.results import Note

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(120)
_WORTH_SAYING = 0.003


def power_with_imbalance(*, ncp: float, df: float, covariates: float, test: Test, critical: float | None = None) -> float:
    """Power when the covariates of the regression are normal rather than balanced; `critical` unsaid is that of the test.

    Examples
    --------
    Twelve clusters, one cluster-level covariate: the formula says .80.

    >>> round(power_with_imbalance(ncp=3.14963, df=9, covariates=1, test=Test.checked(0.05, "two-sided")), 3)
    0.757
    """
    share = special.betaincinv(covariates / 2, (df + 1) / 2, (_NODES + 1) / 2)
    cut = test.critical(df) if critical is None else critical
    found = t_tails(ncp=ncp * np.sqrt(1 - share), df=df, critical=cut, alternative=test.alternative)
    return float(_WEIGHTS @ found.power / 2)


def imbalance(details: Mapping[str, Any], covariates: float, test: Test) -> tuple[dict[str, float], list[Note]]:
    """`power_with_imbalance` and its note, where covariates cost degrees of freedom."""
    if not covariates or math.isinf(details["df"]) or not details["std_error"]:
        return {}, []
    ncp = details["effect_assigned"] / details["std_error"]
    real = power_with_imbalance(ncp=ncp, df=details["df"], covariates=covariates, test=test)
    return {"power_with_imbalance": real}, [imbalance_note(details["power"], real)]


def imbalance_note(formula: float, real: float) -> Note:
    text = (
        "the formula ignores that a baseline or covariate is out of balance between the arms by chance: "
        f"with that, power is {percent(real)} rather than {percent(formula)}."
    )
    return Note("ancova_optimistic", text)


def plugin_note(formula: float, exact: float, units: str) -> list[Note]:
    """Says what the plug-in degrees of freedom of two variances hide with few units."""
    if formula - exact < _WORTH_SAYING:
        return []
    text = f"the plug-in degrees of freedom are optimistic with so few {units}: exact power is {percent(exact)} rather than {percent(formula)}."
    return [Note("plugin_df", text)]


def power_with_drawn_moderator(*, ncp: float, df: float, units: tuple[float, float], test: Test) -> float:
    """Power of an interaction with a normal moderator whose sum of squares in each arm (of so many units) is chi-square."""
    u = (_NODES[::2] + 1) / 2
    weights = _WEIGHTS[::2] / _WEIGHTS[::2].sum()
    squares = [2 * special.gammaincinv((n - 1) / 2, u) / n for n in units]
    q = units[1] / sum(units)
    stretch = q / squares[0][:, None] + (1 - q) / squares[1][None, :]
    found = t_tails(ncp=ncp / np.sqrt(stretch), df=df, critical=test.critical(df), alternative=test.alternative)
    return float(weights @ found.power @ weights)


def moderator_note(found: Mapping[str, Any], units: tuple[float, float], test: Test) -> list[Note]:
    """Says what it costs that a continuous moderator's spread is drawn, not set."""
    if math.isinf(found["df"]) or min(units) <= 2:
        return []
    ncp = found["effect_assigned"] / found["std_error"]
    real = power_with_drawn_moderator(ncp=ncp, df=found["df"], units=units, test=test)
    if found["power"] - real < _WORTH_SAYING:
        return []
    text = (
        "the formula takes the moderator's spread in both arms as set; with a normal moderator, whose spread varies by chance, "
        f"power is {percent(real)} rather than {percent(found['power'])}."
    )
    return [Note("moderator_spread", text)]


def take_up_notes(take_up: TakeUp, details: Mapping[str, Any], test: Test) -> list[Note]:
    """Says what the mixture of participants and others costs, in outcomes with an SD (a rate's variance holds the mixture already)."""
    participants = details["effect_assigned"] / take_up.difference
    added = [share * (1 - share) * participants**2 for share in (take_up.treated, take_up.control)]
    if not any(added) or details["standardizer"] in ("", "Cohen's h"):
        return []
    people = [details.get("treated") or details.get("pairs"), details.get("controls")]
    cost = ""
    if people[0] and details["std_error"]:
        more = sum(v / n for v, n in zip(added, people) if v and n)
        real, said = (
            float(
                t_power(
                    ncp=details["effect_assigned"] / math.sqrt(v),
                    df=details["df"],
                    alpha=test.alpha,
                    alternative=test.alternative,
                )
            )
            for v in (details["std_error"] ** 2 + more, details["std_error"] ** 2)
        )
        if said - real < _WORTH_SAYING:
            return []
        cost = f"; power is then about {said - real:.2g} lower"
    text = (
        "take_up only dilutes the effect here. When participants alone have it, the treated are a mixture and their variance is larger than the "
        f"controls' by {number(added[0])}{cost}. Give an sd that holds the mixture."
    )
    return [Note("take_up_mixture", text)]


def notes_of_two_tests(notes: Sequence[Note]) -> tuple[Note, ...]:
    """A design's notes with what they say of two one-sided tests (docs/calibration/power.csv): numbers of its test of an effect do not hold."""
    texts = {
        "ancova_optimistic": "the formula ignores that a baseline is out of balance between the arms by chance: it is about .02 too high "
        "with 24 people or 20 clusters, .01 with 40.",
        "plugin_df": "the two tests together use plug-in degrees of freedom, which are optimistic with few groups: by .02 at 4 groups, .004 at 8.",
    }
    return tuple(Note(n.code, texts.get(n.code, n.text)) for n in notes if n.code != "take_up_mixture")
