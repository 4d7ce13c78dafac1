"""Win odds: the odds that someone of one arm does better than someone of another, ties counting half.

p = P(Y1 > Y0) + P(Y1 = Y0)/2, win odds p/(1 - p); inference on the log scale, SE(log odds) = SE(p)/(p (1 - p)).

- Variance of p: placements as an outcome (inference/outcomes/win_odds.py). People alone: DeLong's variance and the normal distribution, which keeps the
  level on the log scale from ten people an arm on (docs/calibration/win_odds_people.csv); df='independence' refers to t and is more careful.
  Groups or clusters: CR2 of the mean placements, with groups in some arms factors 1/(1 - n_g/n_arm), and df under the grouped working
  covariance of the placements.
- Strata: people are compared within strata, p = sum_z w_z p_z with w_z the share of people in stratum z ('additive': n1 n0/(n1 + n0));
  strata_effects='none' compares across strata.
- adjust: the placements are regressed on covariates within each arm, as Lin's regression does with an outcome. The estimand stays
  the same; only chance imbalance is removed (Kawaguchi, Koch & Wang 2011 do so with one slope).
- Several arms: each comparison uses the people of its two arms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialkit.errors import EstimationError
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import apply_average
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.outcomes.linearized import Cells, Linearized, linearized, two_arm_cells
from trialkit.estimate.parts import two_arms
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred
from trialkit.inference.arrays import FloatArray
from trialkit.inference.outcomes.win_odds import win_probability
from trialkit.results import Note
from trialkit.trial import Trial

REMEDY = "Merge small strata, or say strata_effects='none' to compare people across strata."


@dataclass(frozen=True)
class WinOddsResult(IttResult):
    """Win odds, one contrast a row; the properties are those of the first row, `.pairs` shows all.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 6, "rating": [1, 2, 2, 2, 3, 4, 1, 3, 2, 4, 3, 3]})
    >>> r = tk.itt(tk.Trial(d, arm="arm", control="solo"), "rating", measure="win_odds")
    >>> round(r.win_probability, 3), round(r.estimates[0].estimate, 3)
    (0.778, 3.5)
    """

    kind = "win_odds"

    @property
    def win_probability(self) -> float:
        """Probability that someone of the arm does better than someone of the reference, ties counting half."""
        return float(self.details["pairs"][0]["win_probability"])

    @property
    def se_win_probability(self) -> float:
        return float(self.details["pairs"][0]["std_error"])

    @property
    def pairs(self) -> pd.DataFrame:
        """Shares of pairs that the arm wins, ties and loses, before adjustment, and the win probability with its standard error."""
        return pd.DataFrame(self.details["pairs"])


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One pair of arms: win probability with its linearization, and the shares of pairs."""

    probability: float
    spread: Linearized
    shares: dict[str, float]
    notes: list[Note]
    rule: str


def run(trial: Trial, request: Request) -> Analysis:
    """Win odds of a request."""
    sign = direction(request)
    adjust = tuple(a for a in request.adjust if a not in trial.strata)
    base = sample(trial, request.outcome, adjust, request.covariate_missing)
    signed = apply_average(replace(base, y=sign * base.y), request.average)
    pairs = arm_pairs(len(base.arms), request.contrasts)
    found = [_compare(trial, signed, request, a, b) for a, b in pairs]
    contrasts, influence, rows = [], [], []
    for (a, b), c in zip(pairs, found):
        p, scale = c.probability, c.probability * (1 - c.probability)
        normal = request.df == "auto" and not base.clustered
        contrasts.append(Contrast(a, b, math.log(p / (1 - p)), c.spread.std_error / scale, math.inf if normal else c.spread.df))
        whole = np.zeros(base.n)
        whole[(base.arm == a) | (base.arm == b)] = c.spread.influence / scale
        influence.append(whole)
        label = {"contrast": f"{base.arms[a]} - {base.arms[b]}"}
        rows.append(label | c.shares | {"win_probability": p, "std_error": c.spread.std_error})
    notes = [n for c in found for n in (*c.notes, *c.spread.notes)]
    within = found[0].rule != "none"
    method = (
        f"win odds, ties split{', people compared within strata' if within else ''}{', placements adjusted' if adjust else ''}"
    )
    return Analysis(
        base, tuple(contrasts), _estimand(request, found[0].rule), method, found[0].spread.covariance, tuple(notes),
        {"pairs": rows, "better": "higher" if sign > 0 else "lower"}, influence=tuple(influence), result=WinOddsResult,
    )  # fmt: skip


def direction(request: Request) -> float:
    """1 where higher is better (also when nothing is said), -1 where lower is."""
    return -1.0 if request.better == "lower" else 1.0


def _estimand(request: Request, rule: str) -> str:
    base = f"{request.average}-average win odds"
    return {"none": base, "interacted": f"{base} within strata", "additive": "overlap-weighted win odds within strata"}[rule]


def _compare(trial: Trial, base: Sample, request: Request, arm: int, reference: int) -> _Comparison:
    s = two_arms(base, arm, reference)
    cells, rule, notes = two_arm_cells(trial, s, request, REMEDY)
    placements = np.empty(s.n)
    shares = {"win": 0.0, "tie": 0.0, "loss": 0.0}
    for z, share in enumerate(cells.shares):
        inside = cells.stratum == z
        found = win_probability(
            y=s.y[inside], treated=s.arm[inside] == 1, weights=None if s.weights is None else s.weights[inside]
        )
        placements[inside] = found.placements
        for key, value in (("win", found.wins), ("tie", found.ties), ("loss", found.losses)):
            shares[key] += float(share * value)
    raw = shares["win"] + shares["tie"] / 2
    _check_overlap(s, shares)
    spread, adjusted = _spread(s, cells, placements, raw, request)
    if not 0 < adjusted < 1:
        raise EstimationError(
            f"the adjusted win probability of '{s.outcome}' is {adjusted:.3f}, outside 0 to 1: leave covariates out."
        )
    if rule == "interacted":
        text = "people are compared within strata, and each stratum counts by its share of the people."
        notes.append(Note("within_strata", text))
    return _Comparison(adjusted, spread, shares, notes, rule)


def _spread(s: Sample, cells: Cells, placements: FloatArray, raw: float, request: Request) -> tuple[Linearized, float]:
    """The linearization, and the win probability with the covariates' imbalance taken out.

    The placements' cell means add up to p + p, whence the estimate is that sum less the unadjusted p.
    """
    columns, names = cells.columns, list(cells.names)
    x = centred(s.X, s.weights)
    if x.shape[1]:
        columns = np.concatenate([columns, *(x * (s.arm == a)[:, None] for a in (0, 1))], axis=1)
        names += [f"{t} in {a}" for a in s.arms for t in s.terms]
    vector = np.zeros(columns.shape[1])
    vector[: cells.columns.shape[1]] = cells.combine(1.0, 1.0)
    spread = linearized(s, placements, columns, names, vector, df=request.df)
    return spread, spread.estimate - raw


def _check_overlap(s: Sample, shares: dict[str, float]) -> None:
    """Odds of 0 and infinity have no standard error."""
    for key, word in (("win", "better"), ("loss", "worse")):
        if shares[key] >= 1 - 1e-12:
            raise EstimationError(
                f"everyone in arm {s.arms[1]!r} did {word} on '{s.outcome}' than everyone in arm {s.arms[0]!r}: the win probability is "
                f"{int(key == 'win')}, its odds have no standard error. Report that, with a difference in means or a randomization test beside it."
            )
