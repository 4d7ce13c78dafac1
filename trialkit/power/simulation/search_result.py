"""What a search by simulation found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trialkit.power.words import number, percent, size
from trialkit.results import TableResult, chart_of


@dataclass(frozen=True)
class SimulatedSearch(TableResult):
    """The size or the effect at which a plan's own analysis has the power asked for.

    `.tidy()` has a row for each size or effect that was simulated: it, `units` (people over all arms), power, mc_error (Monte Carlo standard error), n_draws,
    closed_form, surrogate (the fitted curve) and use ("curve", or "check" for the last simulation, which did not help to choose). `details` has everything else.

    Examples
    --------
    >>> tk.power.search(plan, solve_for="groups", power=0.8, seed=1).found                          # doctest: +SKIP
    14
    """

    kind = "simulated_search"

    @property
    def found(self) -> float:
        """The whole number of groups, people or clusters, or the effect."""
        value = self.details["found"]
        return float(value) if self.details["solve_for"] == "effect" else int(value)

    @property
    def power(self) -> float:
        """Power simulated at what was found, with random numbers that did not help to find it."""
        return float(self.details["power"])

    @property
    def mc_error(self) -> float:
        """Monte Carlo standard error of that power."""
        return float(self.details["mc_error"])

    @property
    def conf_low(self) -> float:
        """Lower end of the 95 % Monte Carlo interval of the size or effect, a real number."""
        return float(self.details["conf_low"])

    @property
    def conf_high(self) -> float:
        """Upper end of the 95 % Monte Carlo interval of the size or effect, a real number."""
        return float(self.details["conf_high"])

    @property
    def closed_form(self) -> float | None:
        """What the closed form gives, or None where it has no answer."""
        value = self.details["closed_form"]
        return None if value is None else float(value)

    @property
    def units(self) -> int:
        """People over all arms of the plan: [design] units."""
        return int(self.details["units"])

    def _title(self) -> str:
        d = self.details
        return f"Search by simulation for {d['names'][1]}: '{d['outcome']}' ({d['contrast']}), {d['method']}"

    def __str__(self) -> str:
        d = self.details
        lines = [self._title(), f"  {self._answer()}", f"  {self._check()}", f"  {self._closed()}"]
        lines.append(
            f"  {len(self.table) - 1} points on the curve, {number(d['spent'])} replicates in all; effect {self._effect()}"
        )
        lines.append(f"  assumed: {'; '.join(d['assumptions'])}")
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])

    def _answer(self) -> str:
        d = self.details
        span = f"95 % Monte Carlo interval {number(self.conf_low)} to {number(self.conf_high)}"
        if d["solve_for"] == "effect":
            return f"an effect of {number(self.found)} has {percent(d['target'])} power ({span}), with {d['design']}"
        what = d["names"][0 if self.found == 1 else 1]
        units = "" if d["solve_for"] == "n" else f", units = {size(self.units)}"
        return f"{size(self.found)} {what} are the fewest with {percent(d['target'])} power ({span}): {d['design']}{units}"

    def _check(self) -> str:
        return f"simulated there anew: {percent(self.power)} (Monte Carlo error {percent(self.mc_error)})"

    def _closed(self) -> str:
        d = self.details
        if self.closed_form is None:
            return "the closed form has no answer"
        value = number(self.closed_form) if d["solve_for"] == "effect" else size(self.closed_form)
        there = "" if d["closed_form_power"] is None else f", and {percent(d['closed_form_power'])} at what was found"
        return f"closed form: {value}{there}"

    def _effect(self) -> str:
        d = self.details
        unit = {"raw": "the outcome's own units"}.get(d["unit_of_effect"], d["unit_of_effect"])
        return f"in {unit}" if d["solve_for"] == "effect" else f"{number(d['effect'])} ({unit})"

    def plot(self, **options: Any) -> Any:
        """Simulated powers, the curve through them, the target and what was found; see `tk.plot.simulated_search`. Returns a matplotlib Axes."""
        return chart_of(self, **options)
