"""Files that a plan names: in the folder of the plan or below it."""

from __future__ import annotations

from pathlib import Path

from trialkit.errors import PlanError

__all__ = ["inside"]


def inside(folder: Path, name: str) -> Path:
    """The path of a file that a plan in `folder` names.

    A plan may come from someone else, and its folder is published and checked as a whole: it cannot point at other files of the machine,
    neither by an absolute path or '..', nor through a link.

    Raises
    ------
    PlanError
        The path leads out of the folder.

    Examples
    --------
    >>> inside(Path("/study"), "scales/mood.toml").name
    'mood.toml'
    """
    if "\0" in name:
        raise PlanError(f"the file name {name!r} in the plan holds a NUL character. Correct the name.")
    try:
        led = (folder / name).resolve()
        out = not led.is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle, names that are too long
        out = True
    if out:
        raise PlanError(
            f"the plan names the file '{name}', which lies outside the folder of the plan. Copy it into that folder and name it from there: "
            "the folder is published and checked as a whole."
        )
    return folder / name
