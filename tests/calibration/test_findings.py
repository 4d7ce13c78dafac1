"""Every number outside its band stands in docs/calibration/outside.csv with its reason, and the pages show what the tables hold."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.calibration.findings import FINDINGS, UNKNOWN, outside
from tests.calibration.page import BEGIN, PAGES, SUMMARY, listed, pages, placed, share
from tests.calibration.published import TABLES
from tests.calibration.tables import FOLDER

NOT_TABLES = {"outside"}


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return outside()


def test_the_list_is_that_of_the_tables():
    assert (FOLDER / "outside.csv").read_text() == listed(), "python -m tests.calibration.page writes it anew"


def test_every_finding_is_about_some_cell(found):
    unused = [(f.table, f.query) for f in FINDINGS if f.reason not in set(found.loc[found["table"] == f.table, "reason"])]
    assert not unused


def test_every_table_is_published():
    assert {p.stem for p in FOLDER.glob("*.csv")} - {t.name for t in TABLES} == NOT_TABLES
    assert {f.table for f in FINDINGS} <= {t.name for t in TABLES}


def test_the_pages_are_those_of_the_tables():
    stale = [path.name for path, text in pages().items() if path.read_text() != text]
    assert not stale, f"{stale}: python -m tests.calibration.page writes them anew"
    assert {p.stem for p in FOLDER.glob("*.md")} == set(PAGES)


def test_a_page_has_every_cell_and_counts_what_is_outside(found):
    text = (FOLDER / "draws.md").read_text()
    cells = sum(
        len(pd.read_csv(FOLDER / f"{t.name}.csv")) for t in TABLES if t.page == "draws" and (FOLDER / f"{t.name}.csv").exists()
    )
    rows = [line for line in text.splitlines() if line.startswith("| ") and line.endswith((" inside |", " outside |"))]
    assert len(rows) == cells
    drawn = {t.name for t in TABLES if t.page == "draws"}
    assert text.count("** ") == found["table"].isin(drawn).sum()
    assert f"| {(found['reason'] == UNKNOWN).sum()} | |" in SUMMARY.read_text()


def test_what_is_written_by_hand_stays():
    text = f"by hand\n{BEGIN}\nold\n<!-- end -->\nand after"
    assert placed(text, "new") == f"by hand\n{BEGIN}\n\nnew\n\n<!-- end -->\nand after"


@pytest.mark.parametrize("value, text", [(0.0512, ".0512"), (-0.0031, "-.0031"), (1.0, "1.0000"), (0.0, ".0000")])
def test_shares(value, text):
    assert share(value) == text
