"""Text files with separated values: .csv and .tsv."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import Path
from typing import Any

from trialkit.errors import FileReadError, UsageError
from trialkit.io.cells import ABSENT, Decimal, agreed_decimal, finish, prepare
from trialkit.io.codes import MissingCodes
from trialkit.io.tables import ReadOptions, Table, column_names, described, rows_in_words

__all__ = ["read_delimited"]

_DELIMITERS = (",", ";", "\t")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab"}
_SAMPLE_ROWS = 50
_SAMPLE_CHARACTERS = 200_000
_CHUNK_ROWS = 2_000
# A file with this character is refused, so that it can stand between cells.
_GLUE = "\0"
_EXCEL_HINT = re.compile(r"\A\ufeff?sep=(.)\r?\n")


def read_delimited(path: Path, codes: MissingCodes, options: ReadOptions) -> Table:
    """Read a text file; see `trialkit.io.read.read`."""
    notes: list[str] = []
    text = _decoded(path, options.encoding, notes)
    hint = _EXCEL_HINT.match(text)
    delimiter = _checked_delimiter(options.delimiter) or (hint.group(1) if hint else None)
    if delimiter is None:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else _sniffed(text)
    decimal = _checked_decimal(options.decimal, options.delimiter)
    names, columns = _columns(path, text[hint.end() :] if hint else text, delimiter, notes, 1 if hint else 0)
    codes.check(name for name in names if name)
    prepared = {name: prepare(cells, codes.of(name), absent=ABSENT) for name, cells in zip(names, columns) if name}
    if decimal is None:
        decimal = agreed_decimal(column.style for column in prepared.values()) if delimiter == ";" else "."
    if decimal == "," and any(column.style in ("comma", "dutch") for column in prepared.values()):
        notes.append("numbers were read with a decimal comma")
    table = Table({}, notes=notes)
    for name, column in prepared.items():
        table.data[name], missing = finish(column, codes.of(name), decimal=decimal)
        table.columns[name] = described(missing=missing)
    return table


def _decoded(path: Path, encoding: str | None, notes: list[str]) -> str:
    raw = path.read_bytes()
    if encoding is not None:
        name = _known_encoding(encoding)
    else:
        name = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else _unmarked(raw, notes)
    if not name.startswith(("utf-16", "utf-32")):
        _refuse_nul(path, raw.find(b"\0"), raw)
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as cause:
        if encoding is not None:
            raise FileReadError(
                f"{path} is not written in {encoding} (byte {cause.start + 1}). Leave encoding out, or give the right one."
            ) from cause
        text = _decoded_windows(path, raw)
        notes.append("the file is not UTF-8; it was read as cp1252 (Windows): look at letters with accents")
    _refuse_nul(path, text.find("\0"), text)
    return text


def _unmarked(raw: bytes, notes: list[str]) -> str:
    """UTF-16 without its mark has a NUL byte beside every plain letter."""
    start = raw[:400]
    for name, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        if len(start) >= 8 and start[1 - first :: 2].count(0) == 0 and start[first::2].count(0) > 0.9 * (len(start) // 2):
            notes.append(f"the file has no mark of its encoding; it was read as {name}")
            return name
    return "utf-8-sig"


def _decoded_windows(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError as cause:
        raise FileReadError(
            f"{path} is written neither in UTF-8 nor in the Windows encoding cp1252 (byte {cause.start + 1}). "
            'Say which one it is, as in encoding="cp850".'
        ) from cause


def _refuse_nul(path: Path, place: int, content: bytes | str) -> None:
    if place < 0:
        return
    before = content[:place]
    line = (before.count(b"\n") if isinstance(before, bytes) else before.count("\n")) + 1
    raise FileReadError(
        f"{path} holds a NUL byte in line {line}: it is damaged or no text file. "
        "Export it again as CSV; a file of another kind needs its own extension."
    )


def _known_encoding(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError as cause:
        raise UsageError(f"there is no encoding '{encoding}'. Common ones are utf-8, cp1252 and latin-1.") from cause
    return "utf-8-sig" if name == "utf-8" else name


def _checked_delimiter(delimiter: str | None) -> str | None:
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise UsageError(f'delimiter={delimiter!r} cannot separate values. Give one character: ",", ";" or "\\t".')
    return delimiter


def _checked_decimal(decimal: str | None, delimiter: str | None) -> Decimal | None:
    if decimal is None:
        return None
    # A comma that was found may stand between cells with numbers in quotes: "12,5","3".
    if decimal == delimiter == ",":
        raise UsageError('a comma cannot both separate the values and mark decimals. Give delimiter=";" or decimal=".".')
    return "," if decimal == "," else "."


def _reader(text: str, delimiter: str) -> Any:
    # newline="" keeps line breaks inside quotes; strict makes an unclosed quote an error instead of one long cell.
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _sniffed(text: str) -> str:
    """The delimiter that cuts the first rows into the same number of pieces; the one most used in the header when none does."""
    best = (False, 1, ",")
    for delimiter in _DELIMITERS:
        widths: list[int] = []
        try:
            for row in _reader(text[:_SAMPLE_CHARACTERS], delimiter):
                if row:
                    widths.append(len(row))
                if len(widths) == _SAMPLE_ROWS:
                    break
        except csv.Error:
            # Something is wrong in the sample, or its end cut a cell; the full reading names the line.
            widths = widths[:1]
        if len(text) > _SAMPLE_CHARACTERS and 1 < len(widths) < _SAMPLE_ROWS:
            widths.pop()
        if widths and widths[0] > 1:
            best = max(best, (len(set(widths)) == 1, widths[0], delimiter))
    return best[2]


def _columns(path: Path, text: str, delimiter: str, notes: list[str], skipped: int) -> tuple[list[str | None], list[list[str]]]:
    reader = _reader(text, delimiter)
    try:
        header = next((row for row in reader if any(cell.strip() for cell in row)), None)
        if header is None:
            raise FileReadError(f"{path} is empty. Export the data again.")
        columns, empty = _body(path, reader, header, delimiter, skipped)
    except csv.Error as cause:
        place = f"{path} cannot be read at line {reader.line_num + skipped}"
        if "field limit" in str(cause):
            raise FileReadError(
                f"{place}: a cell is longer than {csv.field_size_limit()} characters. Close the quotation mark before it, if one is open, "
                "or take the long text out of the file."
            ) from cause
        raise FileReadError(
            f"{place} ({cause}): a quotation mark is not closed or stands inside a cell. Correct that line, or export the file again."
        ) from cause
    if empty:
        notes.append(rows_in_words(empty, "line"))
    if not columns[0]:
        raise FileReadError(f"{path} has column names but no rows. Export the data again; the file may have been cut off.")
    return column_names(header, columns, str(path), notes), columns


def _body(path: Path, reader: Any, header: list[str], delimiter: str, skipped: int) -> tuple[list[list[str]], list[int]]:
    """The cells by column, and the lines that hold nothing."""
    parts: list[list[str]] = [[] for _ in header]
    rows: list[list[str]] = []
    empty: list[int] = []
    for row in reader:
        if not "".join(row).strip():
            if len(header) > 1:
                empty.append(reader.line_num + skipped)
                continue
            # With a single column an empty line is a missing value.
            row = [""]
        if len(row) != len(header):
            raise FileReadError(_ragged(path, reader.line_num + skipped, len(row), len(header), delimiter))
        rows.append(row)
        if len(rows) == _CHUNK_ROWS:
            _pack(parts, rows)
    _pack(parts, rows)
    columns = [_GLUE.join(part).split(_GLUE) if part else [] for part in parts]
    while len(columns) == 1 and columns[0] and not columns[0][-1]:
        columns[0].pop()
    return columns, empty


def _pack(parts: list[list[str]], rows: list[list[str]]) -> None:
    """Add rows to the columns as long strings: cells that lie together in memory are read several times faster later."""
    for part, cells in zip(parts, zip(*rows)):
        part.append(_GLUE.join(cells))
    rows.clear()


def _ragged(path: Path, line: int, found: int, expected: int, delimiter: str) -> str:
    name = _NAMES.get(delimiter, repr(delimiter))
    cells = f"{found} {'cell' if found == 1 else 'cells'}"
    return (
        f"{path} has {cells} in line {line} where the header has {expected} (separated by {name}). "
        f"Correct that line: a {name} inside a text needs quotation marks around the text, "
        "and a short last line means a file that was cut off."
    )
