"""What a simulation of a plan found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trialkit.power.words import number, percent
from trialkit.results import TableResult, chart_of


@dataclass(frozen=True)
class SimulatedPower(TableResult):
    """Power, bias and coverage by effect, beside the closed form.

    `.tidy()` has a row an effect: power, mc_error (Monte Carlo standard error), bias, rmse, coverage, std_error (mean), sd_of_estimates, type_s, type_m,
    failures (fits that failed; they count as not significant), n_draws, closed_form and difference; of a mediation question these are of the acme, followed by a, b, direct, total and
    total_power, total_mc_error, total_bias, total_coverage and total_failures. `.assumptions` says what was assumed.
    """

    kind = "simulated_power"

    @property
    def assumptions(self) -> tuple[str, ...]:
        return tuple(self.details["assumptions"])

    @property
    def power(self) -> float:
        """Power at the last effect."""
        return float(self.table[-1]["power"])

    def _title(self) -> str:
        d = self.details
        return f"Simulated power of '{d['outcome']}' ({d['contrast']}): {d['method']}, {d['design']}"

    def _shown(self, effect: float) -> str:
        """What is shown at a true effect."""
        if self.details.get("shows"):
            return f"{self.details['shows']} is shown at a true effect of {number(effect)}"
        return "rejects without an effect" if effect == self.details.get("null", 0) else f"effect {number(effect)} is detected"

    def __str__(self) -> str:
        lines = [self._title()]
        for r in self.table:
            closed = "" if r["closed_form"] is None else f"; closed form {percent(r['closed_form'])}"
            lines.append(
                f"  {self._shown(r['effect'])} with {percent(r['power'])} (Monte Carlo error {percent(r['mc_error'])}){closed}; bias {number(r['bias'])}, "
                f"coverage {percent(r['coverage'])}" + (f"; {r['failures']} fits failed" if r["failures"] else "")
            )
            if "total_power" in r:
                lines.append(f"    the total effect of {number(r['total'])} is detected with {percent(r['total_power'])}")
        lines.append(f"  assumed: {'; '.join(self.assumptions)}")
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])

    def plot(self, **options: Any) -> Any:
        """Power against effect with its Monte Carlo band; see `tk.plot.simulated_power`."""
        return chart_of(self, **options)
