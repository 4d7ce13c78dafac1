"""Files that a plan names: in the folder of the plan or below it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trialkit.errors import DataError
from trialkit.io.guards.places import inside

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["beside", "read_beside"]


def beside(folder: Path | None, name: str) -> Path:
    """The path of a file that the plan in `folder` names; as it is written for a plan from text."""
    return Path(name) if folder is None else inside(folder, name)


def read_beside(folder: Path | None, name: str, what: str) -> pd.DataFrame:
    """The table in that file; `what` it is, as in 'the funnel', for the error when it is not there."""
    from trialkit.io import read

    path = beside(folder, name)
    if not path.exists():
        raise DataError(f"{what} '{name}' is not there: put it beside the plan.")
    return read(path)
