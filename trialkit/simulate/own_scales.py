"""The scales that scenarios use: those of the registry, and definitions of their own kept beside the scenarios."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from trialkit.errors import ScaleError
from trialkit.measurement import Scale, scale

__all__ = ["find_scale", "own_scale_text"]


def own_scale_text(name: str) -> str:
    """The TOML text of an own scale, such as 'scales/search_intensity.toml'."""
    path = files("trialkit.simulate") / "scenarios" / name
    if not path.is_file():
        raise ScaleError(
            f"the scenarios have no scale '{name}': it must be a key of the registry or a file in simulate/scenarios/scales."
        )
    return path.read_text(encoding="utf-8")


@cache
def find_scale(name: str) -> Scale:
    """A scale by its key in the registry or by its file."""
    if not name.endswith(".toml"):
        return scale(name)
    import tomllib

    text = own_scale_text(name)
    return Scale.from_dict(tomllib.loads(text), where=f"scale file '{name}'", text=text)
