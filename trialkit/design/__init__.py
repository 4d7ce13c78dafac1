"""Randomization designs: who could have been in which arm, with which probability, and the draw itself.

Every scheme takes the people first and gives a `Design`: `assign` (one allocation), `draw_many`, `probabilities`,
`pair_probabilities`, `enumerate` and `count`, `balance`, `with_groups`. The allocation, the randomization test, the power
simulation and the blinded dry run draw from the same object. `register` adds a scheme of your own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from trialkit.errors import UsageError, nearest, shown

if TYPE_CHECKING:
    from trialkit.design.base import Design, Draws
    from trialkit.design.clustered import clustered
    from trialkit.design.complete import complete
    from trialkit.design.custom import custom
    from trialkit.design.factorial import factorial
    from trialkit.design.matched_pairs import matched_pairs
    from trialkit.design.minimization import minimization
    from trialkit.design.permuted_blocks import permuted_blocks
    from trialkit.design.record import allocate, certificate
    from trialkit.design.rerandomized import rerandomized
    from trialkit.design.simple import simple
    from trialkit.design.stratified import stratified
    from trialkit.design.stratified_clustered import stratified_clustered

_SCHEMES = {
    name: f"trialkit.design.{name}"
    for name in (
        "simple",
        "complete",
        "stratified",
        "clustered",
        "stratified_clustered",
        "factorial",
        "custom",
        "matched_pairs",
        "rerandomized",
        "minimization",
        "permuted_blocks",
    )
}
_OTHERS = {
    "Design": "trialkit.design.base",
    "Draws": "trialkit.design.base",
    "certificate": "trialkit.design.record",
    "allocate": "trialkit.design.record",
    "release": "trialkit.design.record",
    "verify_certificate": "trialkit.design.record",
    "Enrolment": "trialkit.design.enrolment",
    "check_enrolment": "trialkit.design.enrolment",
}
_PUBLIC = _SCHEMES | _OTHERS
_REGISTERED: dict[str, Callable[..., Any]] = {}

__all__ = [
    "Design",
    "Draws",
    "Enrolment",
    "allocate",
    "certificate",
    "check_enrolment",
    "clustered",
    "complete",
    "custom",
    "factorial",
    "matched_pairs",
    "minimization",
    "permuted_blocks",
    "register",
    "release",
    "rerandomized",
    "scheme",
    "schemes",
    "simple",
    "stratified",
    "stratified_clustered",
    "verify_certificate",
]

Scheme = TypeVar("Scheme", bound=Callable[..., Any])


def register(name: str) -> Callable[[Scheme], Scheme]:
    """Decorator that adds a scheme of your own under a name, for scripts (`tk.design.<name>`), plans and the command line.

    Parameters
    ----------
    name : a Python identifier that is not taken. The function takes the people first and keyword arguments, and gives a `Design`.

    Raises
    ------
    UsageError
        A name that is taken or is no identifier.

    Examples
    --------
    >>> import trialkit as tk
    >>> @tk.design.register("coin")
    ... def coin(data, *, unit=None):
    ...     return tk.design.simple(data, unit=unit, arms={"heads": 1, "tails": 1})
    >>> tk.design.coin({"id": [1, 2]}, unit="id").count()
    4
    """
    if not name.isidentifier() or name.startswith("_"):
        raise UsageError(f"{name!r} cannot be the name of a scheme: use letters, digits and underscores.")
    if name in _PUBLIC or name in ("register", "scheme", "schemes"):
        raise UsageError(f"'{name}' is a name of trialkit.design already: choose another for your scheme.")

    def keep(function: Scheme) -> Scheme:
        _REGISTERED[name] = function
        return function

    return keep


def schemes() -> list[str]:
    """Names of all schemes, registered ones included."""
    return [*_SCHEMES, *_REGISTERED]


def scheme(name: str) -> Callable[..., Any]:
    """The function of a scheme by its name, as plans say it.

    Raises
    ------
    UsageError
        For a name that is not a scheme; proposes the nearest.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name not in _SCHEMES:
        near = nearest(name, schemes())
        remedy = f"Did you mean '{near}'?" if near else f"The schemes are {shown(schemes(), 20)}."
        raise UsageError(f"there is no design '{name}'. {remedy}")
    found: Callable[..., Any] = getattr(import_module(_SCHEMES[name]), name)
    return found


def __getattr__(name: str) -> Any:
    """Public names load on first use, so that importing the package stays fast (PEP 562)."""
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name not in _PUBLIC:
        raise AttributeError(f"module 'trialkit.design' has no attribute '{name}'")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


class _Room(ModuleType):
    """The package, in which the name of a scheme is its function also after its module of the same name was imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _SCHEMES and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Room


def __dir__() -> list[str]:
    return sorted({*__all__, *_REGISTERED})
