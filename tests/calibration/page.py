"""Writes the pages of docs/calibration/ and the summary in docs/calibration.md from the tables: `python -m tests.calibration.page`.

A page has a head written by hand; what stands between the markers is made here: every cell, its replicates, Monte Carlo error, the figures that are held to a band, and
for each outside it the letter of its reason.
"""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase

import pandas as pd

from tests.calibration.findings import NOISE, UNKNOWN, outside, outside_of
from tests.calibration.published import BANDS, TABLES, Table
from tests.calibration.tables import FOLDER

SUMMARY = FOLDER.parent / "calibration.md"
BEGIN, END = "<!-- begin: made by python -m tests.calibration.page -->", "<!-- end -->"
PAGES = tuple(dict.fromkeys(t.page for t in TABLES))


def share(value: float, digits: int = 4) -> str:
    """.0512 for 0.0512, as shares are written here."""
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def plain(value: object) -> str:
    if isinstance(value, bool | str):
        return str(value).replace("|", "\\|")
    return f"{value:g}" if isinstance(value, float) else str(value)


def count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


class Shown:
    """A table with its figures outside the band and a letter for each reason."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.cells = pd.read_csv(FOLDER / f"{table.name}.csv")
        self.held = {c: table.holds(self.cells, c) for c in table.held}
        self.outside = outside_of(table)
        reasons = list(dict.fromkeys(self.outside["reason"]))
        self.letters = dict(zip(reasons, ascii_lowercase, strict=False))
        self.why = {(r["row"], r["what"]): self.letters[r["reason"]] for r in self.outside.to_dict("records")}

    @property
    def figures(self) -> int:
        return int(sum(held.sum() for held in self.held.values()))

    @property
    def replicates(self) -> str:
        low, high = int(self.cells["replicates"].min()), int(self.cells["replicates"].max())
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    @property
    def worst(self) -> str:
        """Of the figures outside, the one farthest from its band, in Monte Carlo errors."""
        if self.outside.empty:
            return "none outside"
        off = []
        for r in self.outside.to_dict("records"):
            low, high = self.table.limits(self.cells.loc[r["row"]], r["what"])
            off.append(max(low - r["value"], r["value"] - high))
        row = self.outside.iloc[max(range(len(off)), key=off.__getitem__)]
        return f"{share(row['value'])} ({row['cell']}{'' if len(self.held) == 1 else ', ' + row['what']})"

    def text(self) -> str:
        t = self.table
        lines = [f"## {t.name}", "", f"{t.what[0].upper()}{t.what[1:]}. Replicates a cell: {self.replicates}. [{t.name}.csv]({t.name}.csv) has all columns.", ""]  # fmt: skip
        lines += [f"- `{c}`: {BANDS[band].words}; {self._range(c)}." for c, band in t.held.items()]
        lines += ["", self._verdict(), ""]
        if len(self.outside):
            lines += ["| | figures | from | to | why |", "|---|---|---|---|---|"]
            for reason, letter in self.letters.items():
                values = self.outside.loc[self.outside["reason"] == reason, "value"]
                lines.append(f"| {letter} | {len(values)} | {share(values.min())} | {share(values.max())} | {plain(reason)} |")
            lines.append("")
        lines += self._pooled()
        for title, rows in self._parts():
            lines += self._folded(title, rows)
        return "\n".join(lines)

    def _range(self, column: str) -> str:
        values = self.cells.loc[self.held[column], column]
        return f"found {share(values.min())} to {share(values.max())}" if len(values) else "no figures yet"

    def _verdict(self) -> str:
        found = f"{count(len(self.cells), 'cell', 'cells')}, {count(self.figures, 'figure', 'figures')}"
        return f"{found}: {'none' if self.outside.empty else len(self.outside)} outside the band."

    def _pooled(self) -> list[str]:
        if self.table.pooled is None:
            return []
        column, query, down, across = self.table.pooled
        rows = self.cells.query(query)
        heads = list(dict.fromkeys(rows[across]))
        lines = [
            f"`{column}` over the cells with {query}, by their replicates:", "", "| " + " | ".join([down, *heads, "replicates of each"]) + " |",
            "|---" * (len(heads) + 2) + "|",
        ]  # fmt: skip
        for value, cells in rows.groupby(down):
            total = cells.groupby(across)["replicates"].sum()
            mean = (cells[column] * cells["replicates"]).groupby(cells[across]).sum() / total
            lines.append(f"| {plain(value)} | " + " | ".join(share(mean[h], 3) for h in heads) + f" | {int(total.min()):,} |")
        return [*lines, ""]

    def _parts(self) -> list[tuple[str, pd.DataFrame]]:
        if not self.table.parts:
            return [("every cell", self.cells)]
        groups = self.cells.groupby(list(self.table.parts), sort=False)
        return [
            (", ".join(plain(v) if isinstance(v, str) else f"{plain(v)} {n.replace('_', ' ')}" for n, v in zip(self.table.parts, key, strict=True)), rows)
            for key, rows in groups
        ]  # fmt: skip

    def _folded(self, title: str, rows: pd.DataFrame) -> list[str]:
        off = int(self.outside["row"].isin(rows.index).sum())
        said = f"{title}: {count(len(rows), 'cell', 'cells')}, {'none' if not off else count(off, 'figure', 'figures')} outside"
        columns = [*self.table.cell, *self.table.shown, "replicates", *self.held, "Monte Carlo error", ""]
        lines = [
            f'<details markdown="1"><summary>{said}</summary>',
            "",
            "| " + " | ".join(columns) + " |",
            "|---" * len(columns) + "|",
        ]
        for i, row in rows.iterrows():
            held = {c: bool(self.held[c][i]) for c in self.held}
            figures = [self._figure(i, row, c) if held[c] else "" for c in self.held]
            errors = [self.table.mc_error(row, c) for c in self.held if held[c]]
            inside = "outside" if any((i, c) in self.why for c in self.held) else "inside"
            cell = [plain(row[c]) for c in (*self.table.cell, *self.table.shown)] + [f"{int(row['replicates']):,}"]
            lines.append("| " + " | ".join([*cell, *figures, share(max(errors, default=0.0)), inside]) + " |")
        return [*lines, "", "</details>", ""]

    def _figure(self, i: object, row: pd.Series, column: str) -> str:
        letter = self.why.get((i, column))
        return share(row[column]) if letter is None else f"**{share(row[column])}** {letter}"


def shown() -> dict[str, Shown]:
    """Tables that are there."""
    return {t.name: Shown(t) for t in TABLES if (FOLDER / f"{t.name}.csv").exists()}


def summary(tables: dict[str, Shown]) -> str:
    lines = [
        "| table | what | cells | replicates a cell | figures outside | of them within 2 Monte Carlo errors | cause not found | farthest outside |",
        "|---|---|---|---|---|---|---|---|",
    ]
    totals = [0, 0, 0, 0, 0]
    for name, s in tables.items():
        reasons = s.outside["reason"]
        numbers = [len(s.cells), s.figures, len(reasons), int((reasons == NOISE).sum()), int((reasons == UNKNOWN).sum())]
        totals = [a + b for a, b in zip(totals, numbers, strict=True)]
        link = f"[{name}](calibration/{s.table.page}.md#{name})"
        lines.append(
            f"| {link} | {s.table.what} | {numbers[0]} | {s.replicates} | {numbers[2]} of {numbers[1]} | {numbers[3]} | {numbers[4]} | {s.worst} |"
        )
    lines.append(f"| **all** | | {totals[0]:,} | | {totals[2]:,} of {totals[1]:,} | {totals[3]} | {totals[4]} | |")
    missing = [t for t in TABLES if t.name not in tables]
    if missing:
        lines += ["", f"Not run yet: {', '.join(f'`{t.name}` ({t.what})' for t in missing)}."]
    return "\n".join(lines)


def placed(text: str, part: str) -> str:
    """`text` with `part` between its markers."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n\n{part}\n\n{END}{rest.split(END, 1)[1]}"


def pages() -> dict[Path, str]:
    """What every page should hold."""
    tables = shown()
    out = {SUMMARY: placed(SUMMARY.read_text(), summary(tables))}
    for name in PAGES:
        path = FOLDER / f"{name}.md"
        parts = [s.text().rstrip() for s in tables.values() if s.table.page == name]
        out[path] = placed(path.read_text(), "\n\n".join(parts))
    return out


def listed() -> str:
    """docs/calibration/outside.csv: every figure outside its band with its reason."""
    return outside().drop(columns="row").to_csv(index=False, float_format="%.5g", lineterminator="\n")


def refresh() -> None:
    (FOLDER / "outside.csv").write_text(listed())
    for path, text in pages().items():
        path.write_text(text)


if __name__ == "__main__":
    refresh()
