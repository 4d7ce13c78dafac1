"""Answers that please: item answers with social-desirability bias."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from trialkit.errors import PlanError, shown
from trialkit.inference.arrays import FloatArray
from trialkit.simulate.components.answers import Items
from trialkit.simulate.parts import Slopes, register
from trialkit.simulate.people import People

__all__ = ["BiasedItems"]


@register
class BiasedItems(Items):
    """Items answered as if the trait were higher (or lower) than it is.

    The answers follow trait + `bias`[arm] + slopes on `on`, such as a wish to please. The truth stands on honest answers: when
    potential outcomes are computed the bias is left out and all random numbers stay the same, so truth minus the limit of an
    unbiased estimator is what reporting alone has added.

    Parameters
    ----------
    bias : shift of the reported trait by name of the arm, in units of the trait; an arm that is not named has none.
    """

    bias: Annotated[dict[str, float], Field(default_factory=dict)]
    on: Slopes

    @model_validator(mode="after")
    def _some(self) -> BiasedItems:
        if not self.bias and not self.on:
            raise ValueError("biaseditems need bias or on; items without bias are the part 'items'")
        return self

    def reported(self, people: People) -> FloatArray:
        unknown = sorted(set(self.bias) - set(people.arms))
        if unknown:
            raise PlanError(f"part '{self.name}': bias names the arm '{unknown[0]}', but the arms are {shown(people.arms)}.")
        if people.everyone is not None:
            return people[self.trait]
        by_arm = np.array([self.bias.get(arm, 0.0) for arm in people.arms])
        return people[self.trait] + by_arm[people.codes("arm")] + people.linear(self.on)
