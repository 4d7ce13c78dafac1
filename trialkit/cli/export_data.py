"""`trialkit export` of a data file: a dictionary, and the same data for another program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialkit.cli.show import Told
from trialkit.errors import UsageError, shown
from trialkit.io import dictionary, read, write_csv
from trialkit.io.export.save import KINDS, convert

__all__ = ["ENDINGS", "FORMS", "exported_data"]

ENDINGS = (".csv", ".tsv", ".sav", ".zsav", ".dta", ".xlsx", ".parquet")
FORMS = ("dictionary", *(kind.removeprefix(".") for kind in KINDS))


def exported_data(data: Path, kinds: Sequence[str], folder: Path) -> Told:
    """Write the files into the folder, and say what they do not hold as the data do."""
    wanted = list(dict.fromkeys(k.strip().removeprefix(".") for given in kinds for k in given.split(",") if k.strip()))
    wrong = [kind for kind in wanted if kind not in FORMS]
    if wrong or not wanted:
        raise UsageError(f"a data file is exported as {shown(FORMS, 9)}, not as {shown(wrong)}. Documents are made from a plan.")
    lines, files = [], []
    for kind in wanted:
        notes: tuple[str, ...] = ()
        if kind == "dictionary":
            path = folder / f"{data.stem}.dictionary.csv"
            _refuse_itself(path, data)
            write_csv(dictionary(read(data)), path)
        else:
            path = folder / f"{data.stem}.{kind}"
            notes = convert(data, path)
        lines += [str(path), *(f"  note: {note}" for note in notes)]
        files.append({"path": str(path), "notes": list(notes)})
    return Told("\n".join(lines), {"source": data.name, "files": files})


def _refuse_itself(path: Path, data: Path) -> None:
    if path.exists() and data.exists() and path.samefile(data):
        raise UsageError(f"{path} is the file that is to be read. Give another folder with --out.")
