"""The result of a reliability analysis."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from trialkit.errors import UsageError, nearest, shown
from trialkit.inference.reliability.split_half import SplitHalf
from trialkit.printed import number
from trialkit.results import TableResult


@dataclass(frozen=True)
class Reliability(TableResult):
    """Reliability of a set of items, for each wave and arm that was asked for.

    `.tidy()` has one row a set. With one set the attributes below are its numbers; with several, choose one first:
    `result["t0"]`, `result["1"]`, or `result["t0", "1"]` for a wave and a value of `by`.

    Attributes
    ----------
    alpha, alpha_low, alpha_high : Cronbach's alpha and its interval; `interval` names the kind.
    alpha_standardized, average_r : alpha of standardized items; the mean correlation between items.
    omega, omega_low, omega_high : omega total of a one-factor model, c^2/(c^2 + sum of residual variances).
    omega_observed : the same over the observed variance of the sum.
    ordinal_alpha, ordinal_omega : from polychoric correlations, with `_low` and `_high` when there were draws; NaN unless ordinal=True.
    sem, sem_mean : standard error of measurement SD sqrt(1 - alpha) of the sum and of the mean of the items.
    sd : standard deviation of the sum.
    one_factor_rmsea, one_factor_p : how far one factor is off, and the test that it is not; above .10 neither alpha nor omega describes
        one thing.
    n, n_complete, n_units : people, people with all answers, independent units.
    """

    kind = "reliability"

    def __getitem__(self, label: str | tuple[str, str]) -> Reliability:
        keys = [_key(row) for row in self.table]
        wanted = tuple(str(part) for part in (label if isinstance(label, tuple) else (label,)))
        if wanted not in keys:
            names = [" / ".join(k) for k in keys]
            near = nearest(" / ".join(wanted), names)
            remedy = f" Did you mean '{near}'?" if near else f" There are: {shown(names, 20)}."
            raise UsageError(f"there is no set {label!r}.{remedy}")
        at = keys.index(wanted)
        mine = {name: [r for r in self.details[name] if tuple(r["set"]) == wanted] for name in ("items", "polychoric")}
        return replace(self, table=(self.table[at],), details={**self.details, **mine})

    def _one(self, name: str) -> Any:
        if len(self.table) > 1:
            keys = [_key(row) for row in self.table]
            first = repr(keys[0][0]) if len(keys[0]) == 1 else ", ".join(repr(k) for k in keys[0])
            raise UsageError(
                f"there are {len(keys)} sets ({shown([' / '.join(k) for k in keys])}), each with its own {name}: see .tidy(), or choose "
                f"one, result[{first}].{name}."
            )
        return self.table[0][name]

    def _number(self, name: str) -> float:
        value = self._one(name)
        return math.nan if value is None else float(value)

    @property
    def alpha(self) -> float:
        return self._number("alpha")

    @property
    def alpha_low(self) -> float:
        return self._number("alpha_low")

    @property
    def alpha_high(self) -> float:
        return self._number("alpha_high")

    @property
    def alpha_standardized(self) -> float:
        return self._number("alpha_standardized")

    @property
    def average_r(self) -> float:
        return self._number("average_r")

    @property
    def omega(self) -> float:
        return self._number("omega")

    @property
    def omega_low(self) -> float:
        return self._number("omega_low")

    @property
    def omega_high(self) -> float:
        return self._number("omega_high")

    @property
    def omega_observed(self) -> float:
        return self._number("omega_observed")

    @property
    def ordinal_alpha(self) -> float:
        return self._number("ordinal_alpha")

    @property
    def ordinal_alpha_low(self) -> float:
        return self._number("ordinal_alpha_low")

    @property
    def ordinal_alpha_high(self) -> float:
        return self._number("ordinal_alpha_high")

    @property
    def ordinal_omega(self) -> float:
        return self._number("ordinal_omega")

    @property
    def ordinal_omega_low(self) -> float:
        return self._number("ordinal_omega_low")

    @property
    def ordinal_omega_high(self) -> float:
        return self._number("ordinal_omega_high")

    @property
    def sem(self) -> float:
        return self._number("sem")

    @property
    def sem_mean(self) -> float:
        return self._number("sem_mean")

    @property
    def sd(self) -> float:
        return self._number("sd")

    @property
    def one_factor_rmsea(self) -> float:
        return self._number("one_factor_rmsea")

    @property
    def one_factor_p(self) -> float:
        return self._number("one_factor_p")

    @property
    def n(self) -> int:
        return int(self._one("n"))

    @property
    def n_complete(self) -> int:
        return int(self._one("n_complete"))

    @property
    def n_units(self) -> int:
        return int(self._one("n_units"))

    @property
    def interval(self) -> str:
        """How the intervals were found."""
        return str(self._one("interval"))

    @property
    def split_half(self) -> SplitHalf:
        """The split (odd and even items unless `split` says otherwise) and the range of lambda-4 over all equal splits."""
        names = {name: self._number(f"split_{name}") for name in SplitHalf.__slots__ if name != "n_splits"}
        return SplitHalf(**names, n_splits=int(self._one("split_n_splits")))

    @property
    def items(self) -> pd.DataFrame:
        """One row an item: item, n, mean, sd, item_rest, alpha_if_dropped, loading (standardized, one factor); wave and level in front."""
        rows = [dict(r) for r in self.details["items"]]
        table = pd.DataFrame(rows).drop(columns="set")
        numbers = [c for c in table.columns if c not in ("wave", "by", "item", "n")]
        return table.astype(dict.fromkeys(numbers, float))

    @property
    def polychoric(self) -> pd.DataFrame:
        """Polychoric correlations, items by items, when ordinal=True."""
        self._one("n")
        if not self.details["polychoric"]:
            raise UsageError("polychoric correlations are there with ordinal=True only.")
        names = [r["item"] for r in self.details["items"]]
        return pd.DataFrame(self.details["polychoric"][0]["correlations"], index=names, columns=names)

    def tidy(self) -> pd.DataFrame:
        table = super().tidy()
        whole = ("wave", "by", "interval", "n", "n_complete", "n_units", "n_items", "split_n_splits")
        return table.astype({c: float for c in table.columns if c not in whole})

    def _title(self) -> str:
        items = self.table[0]["n_items"]
        people = sorted({int(row["n"]) for row in self.table})
        sets = f", {len(self.table)} sets" if len(self.table) > 1 else ""
        size = f"{people[0]}" if len(people) == 1 else f"{people[0]} to {people[-1]}"
        return f"Reliability of {items} items, n = {size}{sets}"

    def __str__(self) -> str:
        notes = [f"  note: {n.text}" for n in self.notes]
        if len(self.table) > 1:
            first = [c for c in ("wave", "by") if c in self.table[0]]
            names = [*first, "n", "alpha", "alpha_low", "alpha_high", "omega", "omega_low", "omega_high", "sem", "interval"]
            names += ["ordinal_alpha", "ordinal_omega"] if self.details["ordinal"] else []
            shown_table = self.tidy()[names].to_string(index=False, float_format=number, na_rep="")
            return "\n".join([self._title(), shown_table, *notes])
        columns = ["item", "n", "mean", "sd", "item_rest", "alpha_if_dropped", "loading"]
        table = self.items[columns].to_string(index=False, float_format=number, na_rep="")
        return "\n".join([self._title(), *self._lines(), table, *notes])

    def _lines(self) -> list[str]:
        level = f"{100 * self.details['conf_level']:g}%"
        split = self.split_half
        lines = [
            f"  alpha {number(self.alpha)} ({level} interval {number(self.alpha_low)} to {number(self.alpha_high)}, {self.interval}); "
            f"standardized {number(self.alpha_standardized)}; mean correlation {number(self.average_r)}",
            f"  omega {number(self.omega)} ({level} interval {number(self.omega_low)} to {number(self.omega_high)}); over the observed "
            f"variance {number(self.omega_observed)}; one factor: RMSEA {number(self.one_factor_rmsea)}",
        ]
        if self.details["ordinal"]:
            lines.append(f"  ordinal alpha {number(self.ordinal_alpha)}, ordinal omega {number(self.ordinal_omega)} (polychoric)")
        every = f"; all {split.n_splits} splits {number(split.lowest)} to {number(split.highest)}" if split.n_splits else ""
        lines.append(
            f"  halves ({self.details['split']}): r {number(split.correlation)}, Spearman-Brown {number(split.spearman_brown)}, Guttman "
            f"{number(split.guttman)}{every}"
        )
        lines.append(f"  standard error of measurement {number(self.sem)} of the sum, {number(self.sem_mean)} of the mean")
        return lines


def _key(row: Any) -> tuple[str, ...]:
    return tuple(str(row[c]) for c in ("wave", "by") if c in row)
