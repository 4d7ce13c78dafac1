"""Schemes by their names, as scripts, plans and the command line say them; `register` adds one of your own."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from trialkit.errors import UsageError, nearest, shown
from trialkit.misuse import explained

__all__ = ["OTHERS", "SCHEMES", "public", "register", "registered", "scheme", "schemes"]

SCHEMES = (
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
OTHERS = {
    "Design": "trialkit.design.base",
    "Draws": "trialkit.design.mechanism",
    "allocate": "trialkit.design.record.allocate",
    "certificate": "trialkit.design.record.certify",
    "release": "trialkit.design.record.seed_release",
    "verify_certificate": "trialkit.design.record.rerun",
    "Enrolment": "trialkit.design.enrolment.enrolment",
    "check_enrolment": "trialkit.design.enrolment.enrolment_file",
}
_REGISTERED: dict[str, Callable[..., Any]] = {}

Scheme = TypeVar("Scheme", bound=Callable[..., Any])


@explained
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
    if name in SCHEMES or name in OTHERS or name in ("register", "scheme", "schemes") or find_spec(f"trialkit.design.{name}"):
        raise UsageError(f"'{name}' is a name of trialkit.design already: choose another for your scheme.")

    def keep(function: Scheme) -> Scheme:
        _REGISTERED[name] = function
        return function

    return keep


def registered() -> list[str]:
    """Names of the user's own schemes."""
    return list(_REGISTERED)


@explained
def schemes() -> list[str]:
    """Names of all schemes, registered ones included."""
    return [*SCHEMES, *_REGISTERED]


@explained
def scheme(name: str) -> Callable[..., Any]:
    """The function of a scheme by its name, as plans say it.

    Raises
    ------
    UsageError
        For a name that is not a scheme; proposes the nearest.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name not in SCHEMES:
        near = nearest(name, schemes())
        remedy = f"Did you mean '{near}'?" if near else f"The schemes are {shown(schemes(), 20)}."
        raise UsageError(f"there is no design '{name}'. {remedy}")
    found: Callable[..., Any] = getattr(import_module(f"trialkit.design.mechanisms.{name}"), name)
    return found


def public(name: str) -> Any:
    """What `trialkit.design` calls by this name: a scheme, or one of the others.

    Raises
    ------
    KeyError
        For a name that is neither.
    """
    if name in SCHEMES or name in _REGISTERED:
        return scheme(name)
    return getattr(import_module(OTHERS[name]), name)
