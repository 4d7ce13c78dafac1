"""The scales that trialkit ships, the templates for new ones, and the warning about what nobody has verified."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from trialkit import misuse
from trialkit.errors import ScaleError, nearest, shown
from trialkit.measurement.questionnaires.files import parse_toml
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.misuse import explained

__all__ = ["UnverifiedScaleWarning", "scale", "scales", "template", "templates", "warn_if_unverified"]


class UnverifiedScaleWarning(UserWarning):
    """A scale is used of which some details were never compared with a publication."""


@cache
def _registered(key: str) -> Scale:
    path = files("trialkit.measurement") / "registry" / f"{key}.toml"
    where, text = f"registry entry '{key}'", path.read_text(encoding="utf-8")
    return Scale.from_dict(parse_toml(text, where=where), where=where, text=text)


@cache
def _keys(folder: str) -> tuple[str, ...]:
    entries: Iterable[Any] = (files("trialkit.measurement") / folder).iterdir()
    return tuple(sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml")))


@explained
def scale(key: str, form: str | None = None) -> Scale:
    """A scale of the registry, with `form` chosen if it is named.

    Raises
    ------
    ScaleError
        Unknown key or form; proposes the near name.

    Examples
    --------
    >>> from trialkit.measurement import scale
    >>> scale("who5").verified
    True
    """
    keys = _keys("registry")
    if key not in keys:
        # A longer or shorter name of the same scale is nearer than one that is spelled alike.
        kin = [k for k in keys if key and (str(key).startswith(k) or k.startswith(str(key)))]
        near = nearest(key, keys)
        if str(key).endswith(".toml"):
            remedy = f"Read a file of your own with Scale.from_toml('{key}')."
        elif key in templates():
            remedy = f"There is a template for it, to complete in a file of your own: trialkit scales --template {key}."
        elif kin or near:
            remedy = f"Did you mean {shown(kin, 5).replace(' and ', ' or ') if kin else repr(near)}?"
        else:
            remedy = f"It has {shown(keys, 60)}; for a scale of your own write a TOML file and use Scale.from_toml(path)."
        raise ScaleError(f"the registry has no scale '{key}'. {remedy}")
    found = _registered(key)
    return found.with_form(form) if form else found


@explained
def scales() -> pd.DataFrame:
    """The registry, one row a scale.

    Returns
    -------
    pandas.DataFrame
        Columns key, name, items, codes, range (of the score, or of each subscale when there is no total), direction, licence,
        verified (every stated field was compared with a publication) and verified_share (the share of the fields that were).

    Examples
    --------
    >>> from trialkit.measurement import scales
    >>> "gse" in set(scales()["key"])
    True
    """
    return pd.DataFrame([_row(_registered(key)) for key in _keys("registry")])


def _row(entry: Scale) -> dict[str, Any]:
    # A form that was chosen for most uses stands for the scale; else all of them do.
    ranges = {entry.range_of(entry.form)} if entry.form else {entry.range_of(f) for f in entry.forms}
    codes = {entry.codes.pair, *(c.pair for c in entry.item_codes.values())}
    part = "" if any(form.total for form in entry.forms.values()) else " each"
    return {
        "key": entry.key,
        "name": entry.name,
        "items": entry.items,
        "codes": " or ".join(f"{low}-{high}" for low, high in sorted(codes)),
        "range": " or ".join(f"{low:g}-{high:g}" for low, high in sorted(ranges)) + part,
        "direction": entry.direction,
        "licence": entry.licence,
        "verified": entry.verified,
        "verified_share": entry.verified_share,
    }


@explained
def templates() -> tuple[str, ...]:
    """Names of the templates for scales that do not exist yet."""
    return _keys("templates")


@explained
def template(name: str) -> str:
    """The TOML text of a template: complete it, save it as a file, and read that with `Scale.from_toml`.

    Raises
    ------
    ScaleError
        Unknown name; proposes the near one.

    Examples
    --------
    >>> from trialkit.measurement import template
    >>> template("capacity_to_act").splitlines()[0]
    '# Capacity to act (doenvermogen): a template, not a scale.'
    """
    if name not in templates():
        near = nearest(name, templates())
        remedy = f"Did you mean '{near}'?" if near else f"There are {shown(templates())}."
        raise ScaleError(f"there is no template '{name}'. {remedy}")
    return (files("trialkit.measurement") / "templates" / f"{name}.toml").read_text(encoding="utf-8")


_warned: set[tuple[str, tuple[str, ...]]] = set()


def _users_line() -> int:
    """The stack level, seen from the caller, of the first line outside this package's measurement code and the door to it."""
    here, level = (str(Path(__file__).parents[1]), misuse.__file__), 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(here):
        frame, level = frame.f_back, level + 1
    return level


def warn_if_unverified(entry: Scale) -> None:
    """Warn once per process that details of this scale were never compared with a publication."""
    seen = (entry.key, entry.unverified)
    if entry.verified or seen in _warned:
        return
    _warned.add(seen)
    remedy = "describe() lists what is known."
    if entry.key not in _keys("registry"):
        remedy = 'Enter what you have checked under [sources] in its file, such as items = { status = "V", source = "the article, p. 3" }.'
    warnings.warn(
        f"the scale '{entry.key}' ({entry.name}) is used, but nobody has compared these details with a publication: "
        f"{shown(entry.unverified, 20)}. Compare them before results are published; the reference is: "
        f"{entry.reference.rstrip('.')}. {remedy}",
        UnverifiedScaleWarning,
        stacklevel=_users_line(),
    )
