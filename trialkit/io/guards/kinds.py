"""What a file is by its first bytes, where its name says something else."""

from __future__ import annotations

from pathlib import Path

from trialkit.errors import FileReadError

__all__ = ["refuse_other_kind"]

_TEXT = (".csv", ".tsv")
# the first bytes, what that is, and the endings under which it is read
_KINDS: tuple[tuple[bytes, str, tuple[str, ...]], ...] = (
    (b"PK\x03\x04", "a workbook or another zipped file", (".xlsx",)),
    (b"$FL2", "an SPSS file", (".sav", ".zsav")),
    (b"$FL3", "an SPSS file", (".sav", ".zsav")),
    (b"<stata_dta>", "a Stata file", (".dta",)),
    (b"PAR1", "a Parquet file", (".parquet",)),
    (b"\xd0\xcf\x11\xe0", "a file of an old version of Office, or one with a password", (".xlsx",)),
    (b"%PDF", "a PDF document", ()),
    (b"\x1f\x8b", "a compressed file (gzip)", ()),
    (b"SQLite format 3", "a database (SQLite)", ()),
    (b"RDX", "an R workspace", ()),
)
_PAGES = (b"<!doctype", b"<html", b"<?xml")


def refuse_other_kind(path: Path, extension: str) -> None:
    """Refuse a file that begins as one of another kind: a workbook saved as .csv, the page of a log-in screen.

    Raises
    ------
    FileReadError
        With the ending that it should have.
    """
    with path.open("rb") as file:
        start = file.read(512)
    for first, what, endings in _KINDS:
        if start.startswith(first) and extension not in endings:
            remedy = f"Rename it to {path.stem}{endings[0]} if that is right" if endings else "Unpack or export the data from it"
            raise FileReadError(f"{path} ends in {extension} but is {what}. {remedy}, or export the data again.")
    if extension in _TEXT and start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        raise FileReadError(
            f"{path} ends in {extension} but is a web page or XML: a download that needs a log-in leaves such a file. Download it again."
        )
