"""Rerandomization: assignments of any base design, kept only when the arms are balanced enough.

An assignment is drawn from the base design until its imbalance is at most the threshold, so its probability is the base
probability given acceptance. Attempts come from the stream of the draw one after the other: a draw depends on the seed and its
number only. When the base design has at most 100,000 assignments they are all looked at and probabilities are exact; otherwise
they are simulated. A two-arm design that gives both arms the same chances keeps a probability of exactly 1/2 for everyone, because
swapping the arms changes neither the base design nor the distance (Morgan & Rubin 2012, theorem 2.1).

References
----------
Morgan, K. L. & Rubin, D. B. (2012). Rerandomization to improve covariate balance in experiments. Annals of Statistics 40,
1263-1282.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from trialkit.design.base import Design
from trialkit.design.cells.units import some_names
from trialkit.design.covariates.imbalance import (
    SIMULATED,
    Compare,
    Imbalance,
    MahalanobisImbalance,
    OwnImbalance,
    base_draws,
    mahalanobis_imbalance,
)
from trialkit.design.mechanism import ArmCodes
from trialkit.design.registry import scheme
from trialkit.design.stream import Stream
from trialkit.errors import DesignError, UsageError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.misuse import explained

__all__ = ["Rerandomized", "rerandomized"]

Criterion = Callable[[IntArray, pd.DataFrame], float]
MOST_LISTED = 100_000
MOST_SIMULATED = 200_000
_CELLS = 1 << 21
_TRIES = 64
# schemes whose law stays the same when two equal arms change names
_SYMMETRIC = {
    "simple",
    "complete",
    "stratified",
    "clustered",
    "stratified_clustered",
    "matched_pairs",
    "permuted_blocks",
    "minimization",
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Rerandomized(Design):
    """A base design given acceptance; made by `rerandomized`.

    Attributes
    ----------
    base : the design that is drawn from. imbalance : a number for each assignment. threshold : the largest that is accepted.
    most_attempts : attempts for one draw before it is given up. symmetric : probabilities are 1/2 by symmetry.
    settings : what was declared, the share of assignments accepted, and whether the covariance is exact or simulated.
    """

    base: Design
    imbalance: Imbalance
    threshold: float
    most_attempts: int
    symmetric: bool

    scheme: ClassVar[str] = "rerandomized"

    @property
    def probabilities_exact(self) -> bool:
        """True when every assignment was looked at, or by symmetry."""
        return self.symmetric or self._listed is not None

    def accepts(self, codes: ArmCodes) -> Any:
        """Whether assignments (draws, n) are balanced enough."""
        return _within(self.imbalance(codes), self.threshold)

    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        out = np.empty((len(streams), self.n), dtype=np.int16)
        waiting = list(range(len(streams)))
        attempts, tries = 0, 1
        while waiting:
            # the number of tries in a round is the same for every draw, so that none depends on the others
            rows = max(1, _CELLS // (tries * self.n))
            waiting = [
                w for at in range(0, len(waiting), rows) for w in self._round(streams, waiting[at : at + rows], tries, out)
            ]
            attempts += tries
            if waiting and attempts >= self.most_attempts:
                raise DesignError(
                    f"no assignment was accepted in {attempts:,} attempts: at threshold {self.threshold:.4g} fewer than 1 in "
                    f"{attempts / 3:,.0f} is. Accept more (accept=0.01), name fewer covariates, or raise most_attempts."
                )
            tries = min(2 * tries, _TRIES, max(1, _CELLS // self.n))
        return out

    def _round(self, streams: Sequence[Stream], waiting: list[int], tries: int, out: ArmCodes) -> list[int]:
        """Tries for the waiting draws; who still waits."""
        codes = self.base._draw([streams[w] for w in waiting for _ in range(tries)])
        good = np.asarray(self.accepts(codes)).reshape(len(waiting), tries)
        first, found = good.argmax(axis=1), np.asarray(good.any(axis=1))
        for place, w in enumerate(waiting):
            if found[place]:
                out[w] = codes[place * tries + first[place]]
        return [w for place, w in enumerate(waiting) if not found[place]]

    @cached_property
    def _listed(self) -> tuple[ArmCodes, FloatArray] | None:
        """The accepted assignments and their probabilities, when they can be listed."""
        every = _every(self.base)
        if every is None:
            return None
        codes, weights = every
        good = np.asarray(self.accepts(codes))
        return codes[good], weights[good] / weights[good].sum()

    def _enumerate(self) -> tuple[ArmCodes, FloatArray] | None:
        return self._listed

    def _count(self) -> int | None:
        return len(self._listed[1]) if self._listed is not None else None

    def _probabilities(self) -> FloatArray | None:
        if self._listed is not None:
            codes, weights = self._listed
            return np.stack([weights @ (codes == a) for a in range(len(self.arms))], axis=1)
        return np.full((self.n, 2), 0.5) if self.symmetric else None

    def describe(self) -> str:
        """The base design, the rule, and how often it accepts."""
        own = self.settings["criterion"]
        what = (
            f"the criterion '{own}'"
            if own != "mahalanobis"
            else f"the Mahalanobis distance of the arms in {shown(self.settings['covariates'])}"
        )
        listed = f", {self.count():,} assignments" if self._listed is not None else ""
        text = f"rerandomized: {self.base.describe()}; an assignment is kept when {what} is at most {self.threshold:.4g}"
        text += f" ({100 * self.settings['acceptance']:.3g}% of them{listed})"
        if self.symmetric and self._listed is None:
            text += ". Everyone's probability stays 1/2, because the arms are interchangeable"
        elif not self.probabilities_exact:
            text += ". Probabilities are simulated"
        return text


@explained
def rerandomized(
    base_design: Any,
    covariates: Sequence[str] | None = None,
    *,
    accept: float | None = None,
    threshold: float | None = None,
    criterion: Criterion | None = None,
    compare: Compare = "pairs",
    quantile: Literal["simulated", "chi_square"] = "simulated",
    most_attempts: int = 100_000,
    base: str | None = None,
    base_settings: Mapping[str, Any] | None = None,
) -> Rerandomized:
    """Keep only assignments of a base design that balance covariates.

    Parameters
    ----------
    base_design
        Any design, or the people when `base` says which design of them. Under clusters the criterion is computed on cluster means.
    covariates
        Columns to balance, complete. Text counts as one 0/1 column a level.
    accept
        Share of assignments to accept, 0.1 unless said.
    threshold
        Instead of `accept`: the largest imbalance to accept.
    criterion
        Instead of Mahalanobis: a function of (arm codes, frame of the covariates), both in the order of `base_design.people`,
        that returns one number, smaller for better balance.
    compare
        With more than two arms the largest distance of "pairs" of arms, or of each arm to the "rest".
    quantile
        How `accept` becomes a threshold: "simulated" from the base design (exact when it can be listed), or "chi_square", the
        large-sample value for two arms.
    most_attempts
        Attempts for one draw before it is given up.
    base, base_settings
        Scheme of the base design and its keywords, when people are given instead of a design.

    Returns
    -------
    Rerandomized

    Raises
    ------
    DesignError
        A covariate missing (names who) or without variation; acceptance so rare that no assignment is found, or that somebody
        could be in one arm only.

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(8), "age": [20, 25, 31, 34, 40, 47, 52, 60]}
    >>> start = tk.design.complete(people, unit="id", arms={"individual": 1, "peer": 1})
    >>> d = tk.design.rerandomized(start, ["age"], accept=0.2)
    >>> start.count(), d.count(), d.probabilities_exact
    (70, 16, True)
    """
    start = _start(base_design, base, base_settings or {})
    _check(accept, threshold, most_attempts)
    imbalance, how, said = _criterion(start, covariates, criterion, compare)
    limit, rate = _limit(start, imbalance, accept if accept is not None else 0.1, threshold, quantile)
    settings = {"base": start.scheme, "base_settings": dict(start.settings)} | said
    settings |= {"accept": accept or 0.1, "quantile": quantile} if threshold is None else {}
    settings |= {"threshold": limit, "acceptance": float(f"{rate:.6g}"), "covariance": how, "most_attempts": most_attempts}
    design = Rerandomized(
        start.people,
        start.arms,
        settings,
        base=start,
        imbalance=imbalance,
        threshold=limit,
        most_attempts=most_attempts,
        symmetric=criterion is None and _symmetric(start),
    )
    _someone_fixed(design)
    return design


def _start(given: Any, base: str | None, settings: Mapping[str, Any]) -> Design:
    """The base design, itself or made of people and its declaration."""
    if base is not None and not isinstance(given, Design):
        make = scheme(base)
        known = signature(make).parameters
        given = make(given, **{k: v for k, v in settings.items() if k in known})
    if not isinstance(given, Design):
        raise UsageError(f"rerandomized() starts from a design, such as tk.design.complete(...); got {type(given).__name__}.")
    if given.scheme == "with_groups":
        raise UsageError("rerandomize first and form groups afterwards: rerandomized(design, ...).with_groups(...).")
    if not given.resolved:
        raise DesignError("the base design takes its numbers from data (counts='observed'): resolve it first.")
    return given


def _criterion(
    start: Design, covariates: Sequence[str] | None, criterion: Criterion | None, compare: Compare
) -> tuple[Imbalance, str, dict[str, Any]]:
    """The imbalance, where its covariance comes from, and what was declared."""
    if compare not in ("pairs", "rest"):
        raise UsageError(f"compare={compare!r} is unknown: say 'pairs' or 'rest'.")
    if criterion is None:
        names = list(some_names(() if covariates is None else covariates, "covariates"))
        imbalance, how = mahalanobis_imbalance(start, names, compare)
        return imbalance, how, {"covariates": names, "criterion": "mahalanobis", "compare": compare}
    names = list(covariates) if covariates is not None else list(start.people.frame.columns)
    frame = pd.DataFrame({n: start.people.column(n) for n in names})
    said = {"covariates": names, "criterion": getattr(criterion, "__name__", "own")}
    return OwnImbalance(criterion, frame), "none", said


def _check(accept: float | None, threshold: float | None, most_attempts: int) -> None:
    if accept is not None and threshold is not None:
        raise UsageError("say either accept=... (a share of assignments) or threshold=... (an imbalance), not both.")
    if accept is not None and not 0 < accept <= 1:
        raise UsageError(f"accept={accept!r} must be a share of the assignments, above 0 and at most 1, such as 0.01.")
    if threshold is not None and np.isnan(threshold):
        raise UsageError("threshold is not a number.")
    if most_attempts < 1:
        raise UsageError(f"most_attempts={most_attempts}: at least one attempt is needed.")


def _every(base: Design) -> tuple[ArmCodes, FloatArray] | None:
    """All assignments of a base design that has few."""
    count = base.count()
    return base.enumerate() if count is not None and count <= MOST_LISTED else None


def _limit(base: Design, imbalance: Imbalance, accept: float, threshold: float | None, quantile: str) -> tuple[float, float]:
    """The threshold, to ten digits and rounded up, and the share of assignments that it accepts."""
    every = _every(base)
    if every is not None:
        values, weights = imbalance(every[0]), every[1]
    else:
        n_draws = SIMULATED if threshold is not None else int(min(max(SIMULATED, 200 / accept), MOST_SIMULATED))
        values = np.concatenate([imbalance(codes) for codes in base_draws(base, n_draws)])
        weights = np.full(len(values), 1 / len(values))
    if threshold is None:
        limit = _chi_square(imbalance, len(base.arms), accept) if quantile == "chi_square" else _quantile(values, weights, accept)
    else:
        limit = float(threshold)
    if limit > 0 and np.isfinite(limit):
        step = 10.0 ** (np.floor(np.log10(limit)) - 9)
        limit = float(f"{np.ceil(limit / step - 1e-3) * step:.10g}")
    rate = float(weights[_within(values, limit)].sum())
    if rate == 0:
        rarer = "none is" if every is not None else f"fewer than 1 in {len(values) / 3:,.0f} is"
        raise DesignError(
            f"no assignment has an imbalance of {limit:.4g} or less among the {len(values):,} looked at ({rarer}; the smallest is "
            f"{values.min():.4g}): accept more, or name fewer covariates."
        )
    return limit, rate


def _within(values: FloatArray, limit: float) -> Any:
    # what equals the threshold up to the last bits of a sum equals it
    return values <= limit + 1e-9 * abs(limit) + 1e-12


def _quantile(values: FloatArray, weights: FloatArray, share: float) -> float:
    order = np.argsort(values, kind="stable")
    at = int(np.searchsorted(np.cumsum(weights[order]), share - 1e-9))
    return float(values[order[min(at, len(order) - 1)]])


def _chi_square(imbalance: Imbalance, arms: int, accept: float) -> float:
    from scipy import stats  # slow to import, and most calls of the package do without it

    if not isinstance(imbalance, MahalanobisImbalance) or arms > 2:
        raise UsageError("quantile='chi_square' is for the Mahalanobis distance of two arms: leave it out (simulated).")
    return float(stats.chi2.ppf(accept, imbalance.rank))


def _symmetric(base: Design) -> bool:
    if len(base.arms) != 2 or base.scheme not in _SYMMETRIC or not base.probabilities_exact:
        return False
    return bool(np.abs(base.probability_matrix - 0.5).max() < 1e-12)


def _someone_fixed(design: Rerandomized) -> None:
    """Refuse acceptance so strict that somebody's arm is certain."""
    if design._listed is None:
        return
    before, after = design.base.probability_matrix, design.probability_matrix
    fixed = ((after < 1e-12) & (before > 0)).any(axis=1)
    if fixed.any():
        who = design.people.ids[fixed].tolist()
        raise DesignError(
            f"{design.count()} assignments would be accepted, and in none of them could {shown(who)} be in every arm that the base "
            "design offers: accept more."
        )
