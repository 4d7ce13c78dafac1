"""Effects that differ between people and where they stand at a fixed time: against what the parts state."""

from __future__ import annotations

import numpy as np
import pytest

from trialkit.simulate.components.durations import Duration
from trialkit.simulate.components.milestones import Milestone
from trialkit.simulate.components.moderation import Moderation
from trialkit.simulate.components.traits import Trait
from trialkit.simulate.parts import PARTS
from trialkit.simulate.people import People, stream

N = 40_000


def drawn(*parts, everyone=None, **values) -> People:
    made = People(N, ("solo", "peer"), everyone)
    made.values |= {k: np.broadcast_to(np.asarray(v, dtype=float), N).copy() for k, v in values.items()}
    for part in parts:
        part.draw(made, stream(1, part.name))
    return made


def test_the_effect_is_the_line_in_the_trait_for_those_who_attend_and_nothing_for_others():
    gain = Moderation(part="moderation", name="gain", constant=0.3, on={"x": -0.5})
    y = Trait(part="trait", name="y", on={"gain": 1.0}, effect=0.1)
    x = np.linspace(-2, 2, N)
    treated, control = (drawn(gain, y, x=x, attended=a, everyone=int(a)) for a in (1.0, 0.0))
    np.testing.assert_allclose(treated["gain"], 0.3 - 0.5 * x)
    assert not control["gain"].any()
    np.testing.assert_allclose(treated["y"] - control["y"], 0.4 - 0.5 * x, atol=1e-12)


def test_a_moderation_changes_no_other_draw_and_takes_only_its_own_fields():
    y = Trait(part="trait", name="y")
    gain = Moderation(part="moderation", name="gain", on={"x": 1.0})
    np.testing.assert_array_equal(drawn(y)["y"], drawn(gain, y, x=1.0, attended=1.0)["y"])
    assert PARTS["moderation"] is Moderation
    with pytest.raises(ValueError, match="slope"):
        Moderation(part="moderation", name="gain", slope=1.0)


def test_a_milestone_is_the_weibull_risk_by_that_day():
    time = Duration(part="duration", name="days", shape=0.9, scale=400.0, horizon=730)
    reached = Milestone(part="milestone", name="by_half_a_year", duration="days", by=182)
    at_end = Milestone(part="milestone", name="by_the_end", duration="days", by=730)
    made = drawn(time, reached, at_end, attended=0.0)
    risk = 1 - np.exp(-((182 / 400) ** 0.9))
    assert made["by_half_a_year"].mean() == pytest.approx(risk, abs=4 * np.sqrt(risk * (1 - risk) / N))
    np.testing.assert_array_equal(made["by_the_end"], made["days_event"])
    assert (made["by_half_a_year"] <= made["days_event"]).all()
