"""Truths that are not stored with a scenario: natural effects through a trait, and effects by what people were before.

As in the stored truth the same people are simulated in several worlds with the same random numbers. For natural effects a world is drawn in
which everybody is in one arm while the mediator is the one that they would have had in the other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trialkit.inference.arrays import FloatArray
from trialkit.simulate import load_scenario
from trialkit.simulate.components.answers import Items
from trialkit.simulate.people import People, stream
from trialkit.simulate.spec import OutcomeSpec, ScenarioSpec

SEED = 20_190_002
BATCH = 50_000
PEOPLE = 200_000


def natural_effects(key: str, mediator: str, outcome: str, *, people: int = PEOPLE) -> dict[str, float]:
    """Natural indirect (`acme`), direct (`ade`) and total effect on an outcome, the first two averaged over the arm in which the rest is held.

    `mediator` is the latent trait; an analysis sees its score, which is not quite the same thing.
    """
    spec = load_scenario(key)
    of = next(o for o in spec.outcomes if o.name == outcome)
    found: list[tuple[float, float, float]] = []
    for batch in range(-(-people // BATCH)):
        entropy = (SEED, batch)
        control, treated = (_world(spec, of, entropy, arm) for arm in (0, 1))
        mixed = (
            _world(spec, of, entropy, 1, {mediator: control[mediator]}),
            _world(spec, of, entropy, 0, {mediator: treated[mediator]}),
        )
        y00, y11, y10, y01 = (_mean(spec, of, w) for w in (control, treated, *mixed))
        found.append(((y11 - y10 + y01 - y00) / 2, (y11 - y01 + y10 - y00) / 2, y11 - y00))
    return dict(zip(("acme", "ade", "total"), np.mean(found, axis=0).tolist()))


def effects_by(
    key: str, outcome: str, by: str, summary: Callable[[FloatArray, FloatArray], float], *, people: int = PEOPLE
) -> float:
    """A summary of the effects of the offer and the values of a trait, person by person, such as their slope; averaged over batches."""
    spec = load_scenario(key)
    of = next(o for o in spec.outcomes if o.name == outcome)
    found = []
    for batch in range(-(-people // BATCH)):
        control, treated = (_world(spec, of, (SEED, batch), arm) for arm in (0, 1))
        found.append(summary(_values(spec, of, treated) - _values(spec, of, control), control[by]))
    return float(np.mean(found))


def slope(effects: FloatArray, trait: FloatArray) -> float:
    """How much larger the effect is for one unit more of the trait; of 0 and 1 the difference between the two."""
    centred = trait - trait.mean()
    return float(centred @ effects / (centred @ centred))


def _world(
    spec: ScenarioSpec, of: OutcomeSpec, entropy: tuple[int, int], everyone: int, held: dict[str, FloatArray] | None = None
) -> People:
    made = People(BATCH, spec.arms, everyone)
    for part in spec.parts:
        if part.observation or (isinstance(part, Items) and part.name != of.score):
            continue
        part.draw(made, stream(entropy, part.name))
        if held and part.name in held:
            made.values[part.name] = held[part.name]
    return made


def _values(spec: ScenarioSpec, of: OutcomeSpec, world: People) -> FloatArray:
    return world[of.column] if of.column else spec.items_part(of.score).score(world)


def _mean(spec: ScenarioSpec, of: OutcomeSpec, world: People) -> float:
    return float(_values(spec, of, world).mean())
