"""Parts that measure and parts that hide: item answers, yes/no outcomes, attrition and unanswered questions."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from trialkit.errors import PlanError
from trialkit.inference.arrays import FloatArray
from trialkit.measurement import Scale
from trialkit.simulate.own_scales import find_scale
from trialkit.simulate.parts import Part, Slopes, effect_on, register
from trialkit.simulate.people import People

__all__ = ["Attrition", "Binary", "Items", "Unanswered"]

Share = Annotated[float, Field(ge=0, lt=1)]


@register
class Items(Part):
    """Answers to the items of a scale: a standard normal response per item, cut at thresholds; reversed items turned around.

    Response of item j: loading_j * trait + sqrt(1 - loading_j^2) * noise - difficulty_j. Loadings and difficulties run evenly
    over `loading` +- `loading_spread` and 0 +- `difficulty_spread`, so that items differ.
    """

    scale: str
    items: str
    trait: str
    loading: Annotated[float, Field(gt=0, lt=1)]
    loading_spread: Annotated[float, Field(ge=0)] = 0.0
    difficulty_spread: Annotated[float, Field(ge=0)] = 0.0
    thresholds: tuple[float, ...]

    @model_validator(mode="after")
    def _agree(self) -> Items:
        codes = self.spec.codes
        if list(self.thresholds) != sorted(self.thresholds) or len(self.thresholds) != codes.max - codes.min:
            raise ValueError(f"scale '{self.scale}' needs {codes.max - codes.min} increasing thresholds")
        if not 0 < self.loading - self.loading_spread <= self.loading + self.loading_spread < 1:
            raise ValueError("loadings must stay between 0 and 1")
        if "{item}" not in self.items:
            raise ValueError("items must hold {item}")
        form = self.spec.chosen
        if self.spec.item_codes or form.points or form.conversion or form.base is not None or not form.total:
            raise ValueError(
                f"scale '{self.scale}' is scored by points, a table, a moved base or subscales only, which cannot be drawn here"
            )
        return self

    @property
    def spec(self) -> Scale:
        """The scale's own definition: number of items, codes, reversed items and the score rule."""
        return find_scale(self.scale)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the answers."""
        return tuple(self.items.replace("{item}", str(j)) for j in range(1, self.spec.items + 1))

    def draw(self, people: People, rng: np.random.Generator) -> None:
        trait, codes = self.reported(people), self.spec.codes
        loadings, difficulties = self._item_parameters()
        turned = self.spec.chosen.reversed
        for j, column in enumerate(self.columns):
            noise = np.sqrt(1 - loadings[j] ** 2) * rng.standard_normal(people.n)
            response = loadings[j] * trait + noise - difficulties[j]
            keyed = np.full(people.n, float(codes.min))
            for threshold in self.thresholds:
                keyed += response >= threshold
            people.values[column] = codes.min + codes.max - keyed if j + 1 in turned else keyed

    def reported(self, people: People) -> FloatArray:
        """The trait that the answers follow."""
        return people[self.trait]

    def _item_parameters(self) -> tuple[FloatArray, FloatArray]:
        even = np.linspace(-1, 1, self.spec.items) if self.spec.items > 1 else np.zeros(1)
        # Every second item, then the others: hard items are not all weak ones.
        mixed = np.concatenate([even[::2], even[1::2]])
        return self.loading + self.loading_spread * mixed, self.difficulty_spread * even

    def score(self, people: People) -> FloatArray:
        """Scores from complete answers, by the scale's rule."""
        scale, chosen = self.spec, self.spec.chosen
        total = np.zeros(people.n)
        for j, column in enumerate(self.columns, 1):
            answers = people[column]
            total += scale.codes.min + scale.codes.max - answers if j in chosen.reversed else answers
        return total * chosen.multiply / (1 if chosen.score == "sum" else scale.items)


@register
class Binary(Part):
    """A yes/no outcome by a latent probit; like a trait it knows the effect of attending and of the group."""

    intercept: float
    on: Slopes
    effect: float = 0.0

    def draw(self, people: People, rng: np.random.Generator) -> None:
        index = self.intercept + people.linear(self.on) + effect_on(people, self.name, self.effect)
        people.values[self.name] = (index + rng.standard_normal(people.n) > 0).astype(float)


@register
class Attrition(Part):
    """Loss at a wave (logistic): the columns that match are blank for people who are lost.

    Slopes on observed baseline and arm leave the loss ignorable given these. A slope on the outcome itself, or on a latent trait
    behind it, does not: who does badly is lost more often, and no analysis of the data alone can tell.
    """

    observation: ClassVar[bool] = True

    columns: tuple[str, ...]
    intercept: float
    on: Slopes

    def draw(self, people: People, rng: np.random.Generator) -> None:
        odds = np.exp(self.intercept + people.linear(self.on))
        if np.isnan(odds).any():
            raise PlanError(f"part '{self.name}' depends on a value that an earlier part left blank; put it before that part.")
        lost = rng.random(people.n) < odds / (1 + odds)
        for name in matching(people, self.columns, self.name):
            people.values[name] = np.where(lost, np.nan, people.values[name])


@register
class Unanswered(Part):
    """Questions left without a value, at random: a share for each missing code, and `blank` for an empty cell."""

    observation: ClassVar[bool] = True

    columns: tuple[str, ...]
    shares: dict[str, Share]

    def draw(self, people: People, rng: np.random.Generator) -> None:
        codes = np.array([np.nan if code == "blank" else float(code) for code in self.shares])
        upper = np.cumsum(list(self.shares.values()))
        for name in matching(people, self.columns, self.name):
            chance = rng.random(people.n)
            values = people.values[name].copy()
            left = np.flatnonzero((chance < upper[-1]) & ~np.isnan(values))
            values[left] = codes[np.searchsorted(upper, chance[left], side="right")]
            people.values[name] = values


def matching(people: People, patterns: tuple[str, ...], part: str) -> list[str]:
    """Names that match one of the patterns, in the order in which they were made; a pattern that matches nothing is an error."""
    names = tuple(people.values)
    for pattern in patterns:
        if not _alike(names, (pattern,)):
            raise PlanError(f"part '{part}': no column matches '{pattern}'.")
    return list(_alike(names, patterns))


@lru_cache(maxsize=256)
def _alike(names: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if any(fnmatchcase(name, p) for p in patterns))
