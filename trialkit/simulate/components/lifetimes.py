"""How long groups live, and a list that holds only those that closed."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from trialkit.errors import DesignError
from trialkit.inference.arrays import FloatArray
from trialkit.simulate.parts import Part, Positive, register
from trialkit.simulate.people import People

__all__ = ["DAYS_A_YEAR", "ClosedGroups"]

DAYS_A_YEAR = 365.25
# A window in which fewer than one in this many groups close is a mistake in the parameters.
MOST_FOUNDED = 1000


@register
class ClosedGroups(Part):
    """Each row is a group: `<name>_founded`, `<name>_closed` (days from the start of the window) and `<name>_days` lived.

    Groups are founded in a window of `window` days, with a density that grows by `growth` a year (on the log scale), and live
    Weibull(shape, scale) days. The data hold the groups that closed within the window (right truncation: who lives longer than
    the time left at the founding is unknown); the table `running` lists those that were still there at its end, by day of
    founding. In the truth all groups are in, whether they closed or not, and `<name>_alive_<k>` is 1 when the group
    lived longer than k years (k of `alive`); in the data these tell nothing that `<name>_days` does not.
    """

    window: Annotated[int, Field(ge=1)]
    growth: float = 0.0
    shape: Positive
    scale: Positive
    alive: tuple[Annotated[int, Field(ge=1)], ...]

    def survival(self, years: float) -> float:
        """The share of all groups that live longer than so many years."""
        return float(np.exp(-((years * DAYS_A_YEAR / self.scale) ** self.shape)))

    def draw(self, people: People, rng: np.random.Generator) -> None:
        began, lived = self._founded(people.n, rng) if people.everyone is not None else self._seen(people, rng)
        people.values[f"{self.name}_founded"] = began
        people.values[f"{self.name}_closed"] = began + lived
        people.values[f"{self.name}_days"] = lived
        for years in self.alive:
            people.values[f"{self.name}_alive_{years}"] = (lived > years * DAYS_A_YEAR).astype(float)

    def _seen(self, people: People, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Groups founded one after another in random order until enough of them have closed in time."""
        starts, lives, closed, founded = [], [], 0, 0
        while closed < people.n:
            if founded > MOST_FOUNDED * people.n:
                raise DesignError(f"part '{self.name}': fewer than one in {MOST_FOUNDED} groups close in the window; widen it.")
            began, lived = self._founded(max(people.n, 256), rng)
            starts.append(began)
            lives.append(lived)
            closed += int((began + lived <= self.window).sum())
            founded += len(began)
        began, lived = np.concatenate(starts), np.concatenate(lives)
        inside = began + lived <= self.window
        last = np.flatnonzero(inside)[people.n - 1]
        began, lived, inside = began[: last + 1], lived[: last + 1], inside[: last + 1]
        days = np.sort(began[~inside])
        people.tables["running"] = {
            "group": [f"r{k:04d}" for k in range(1, len(days) + 1)],
            "founded": days.astype(np.int64).tolist(),
        }
        return began[inside], lived[inside]

    def _founded(self, n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        at, total = rng.random(n), self.growth * self.window / DAYS_A_YEAR
        share = np.log1p(at * np.expm1(total)) / total if total else at
        lived = np.ceil(self.scale * (-np.log1p(-rng.random(n))) ** (1 / self.shape))
        return np.floor(share * self.window), np.maximum(lived, 1.0)
