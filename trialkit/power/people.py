"""Numbers of people in two arms: the ways to say them, and to solve for them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.power.arguments import Pair, Test, left_out, optional, shares
from trialkit.power.model import Model, Shortfall, Sizes, Unknown
from trialkit.power.solve import Root, first_crossing
from trialkit.power.words import number, percent, plural, size

_MANY = 1e9


@dataclass(frozen=True, slots=True)
class People:
    """What was said about numbers of people, one way or another."""

    n_per_arm: float | None
    n: float | None
    treated: float | None
    controls: float | None
    allocation: Pair

    def checked(self) -> tuple[float | None, float | None]:
        """(treated, controls), None where left out."""
        by_arm = {k: getattr(self, k) for k in ("treated", "controls") if getattr(self, k) is not None}
        total = [k for k in ("n_per_arm", "n") if getattr(self, k) is not None]
        if len(total) + bool(by_arm) > 1:
            raise UsageError(f"say the number of people once: {', '.join([*total, *by_arm])} are given together.")
        treated, control = shares(self.allocation)
        if self.n is not None:
            n = optional("n", self.n, above=2) or 0.0
            return n * treated, n * control
        if self.n_per_arm is not None:
            if treated != control:
                raise UsageError("n_per_arm means equal arms; with unequal allocation give n, or treated and controls.")
            one = optional("n_per_arm", self.n_per_arm, above=1)
            return one, one
        return optional("treated", self.treated, above=1), optional("controls", self.controls, above=1)

    def named(self) -> str:
        """The argument that is solved for when no number is given."""
        treated, control = shares(self.allocation)
        return "n_per_arm" if treated == control else "n"


def asked_people(
    function: str,
    people: People,
    effect: float | None,
    power: float | None,
    attrition: tuple[float, float],
    test: Test,
    model: Model,
) -> tuple[str, Sizes | None, Unknown | None]:
    """The argument to solve for, with the sizes when they are known or else the unknown one."""
    treated, controls = people.checked()
    if treated is None and controls is None:
        name = left_out(function, effect, power, {people.named(): False})
        return name, None, _unknown_total(people, attrition)
    name = left_out(function, effect, power, {"treated": treated is not None, "controls": controls is not None})
    if treated is not None and controls is not None:
        _enough_left({"treated": treated, "controls": controls}, attrition)
        return name, {"treated": treated, "controls": controls}, None
    return name, None, _unknown_arm(name, treated if treated is not None else controls, attrition, test, model)


def _enough_left(sizes: Sizes, attrition: tuple[float, float]) -> None:
    """A variance needs more than one person in each arm after losses."""
    for (arm, people), lost in zip(sizes.items(), attrition):
        if people * (1 - lost) <= 1:
            raise UsageError(
                f"attrition={lost:g} leaves {number(people * (1 - lost))} of {size(people)} {arm}; a test needs more than one in each arm."
            )


def _unknown_total(people: People, attrition: tuple[float, float]) -> Unknown:
    """Both arms in their proportion; the smallest has two people left in the smaller arm."""
    part = shares(people.allocation)
    per_arm = people.named() == "n_per_arm"
    smallest = max(2 / (share * (1 - lost)) for share, lost in zip(part, attrition))

    def sizes(x: Any) -> Sizes:
        n = 2 * np.asarray(x) if per_arm else np.asarray(x)
        return _scalars({"treated": part[0] * n, "controls": part[1] * n})

    return Unknown(people.named(), smallest / 2 if per_arm else smallest, sizes)


def _unknown_arm(name: str, other: float | None, attrition: tuple[float, float], test: Test, model: Model) -> Unknown:
    other_name = "controls" if name == "treated" else "treated"
    lost = attrition[0] if name == "treated" else attrition[1]

    def sizes(x: Any) -> Sizes:
        return _scalars({name: np.asarray(x), other_name: np.full(np.shape(x), other)})

    def explain(found: Shortfall, effect: float) -> str:
        def with_unlimited(x: np.ndarray) -> np.ndarray:
            return model.tails(effect, {other_name: x, name: np.full(np.shape(x), _MANY)}).power

        needed = first_crossing(with_unlimited, found.target, np.geomspace(2 / (1 - lost), _MANY, 97))
        least = f" More than {size(needed.value)} {other_name} are needed." if isinstance(needed, Root) else ""
        return (
            f"with {other_name}={size(other)} no number of {name} reaches power={found.target:g}: it is {percent(found.peak)} at most.{least} "
            f"Raise {other_name}, or ask for less power."
        )

    return Unknown(name, 2 / (1 - lost), sizes, explain)


def _scalars(sizes: dict[str, Any]) -> Sizes:
    """Arrays of no dimension as numbers, so that a solution holds plain floats."""
    return {k: float(v) if np.ndim(v) == 0 else v for k, v in sizes.items()}


def rounded_up(value: float) -> int:
    """The next whole number; one that is whole to nine digits stays."""
    return math.ceil(value - 1e-9 * max(1.0, abs(value)))


def whole_people(sizes: Sizes) -> Sizes:
    """Both arms rounded up; a whole total that splits in halves gives the odd person to the treated arm."""
    treated, controls = float(sizes["treated"]), float(sizes["controls"])
    total = round(treated + controls)
    if math.isclose(treated + controls, total, rel_tol=1e-12) and rounded_up(treated) < total:
        return {"treated": rounded_up(treated), "controls": total - rounded_up(treated)}
    return {"treated": rounded_up(treated), "controls": rounded_up(controls)}


def people_arguments(sizes: Sizes) -> dict[str, Any]:
    return {"treated": sizes["treated"], "controls": sizes["controls"]}


def people_fields(sizes: Sizes) -> dict[str, Any]:
    """n, treated, controls, and n_per_arm where the arms are equal."""
    treated, controls = float(sizes["treated"]), float(sizes["controls"])
    equal = math.isclose(treated, controls, rel_tol=1e-12)
    return {"n": treated + controls, "n_per_arm": treated if equal else None, "treated": treated, "controls": controls}


def people_words(sizes: Sizes) -> str:
    treated, controls = sizes["treated"], sizes["controls"]
    if math.isclose(treated, controls, rel_tol=1e-12):
        return f"{size(treated)} people per arm"
    return f"{plural(treated, 'treated person', 'treated people')} and {plural(controls, 'control')}"
