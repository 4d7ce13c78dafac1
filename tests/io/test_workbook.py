"""Reading worksheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from trialkit.errors import FileReadError, UsageError
from trialkit.io.labels import missing_reasons, notes
from trialkit.io.read import read


def workbook(folder: Path, rows: list[list[object]], **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "data"
    for row in rows:
        book.active.append(row)
    for title, others in sheets.items():
        sheet = book.create_sheet(title)
        for row in others:
            sheet.append(row)
    path = folder / "people.xlsx"
    book.save(path)
    return path


def test_worksheet_reads_as_its_csv_would(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["id", "y1", "code", "born", "job", "mixed"],
        ["007", 1.5, 1, pd.Timestamp("1990-05-01"), True, "n.v.t."],
        ["008", None, 2, pd.Timestamp("1991-05-01"), False, 12],
    ]
    data = read(workbook(tmp_path, rows))
    assert data["id"].tolist() == ["007", "008"] and data["y1"].tolist()[0] == 1.5 and data["y1"].isna().tolist()[1]
    assert data["code"].dtype == np.int64 and data["job"].tolist() == [True, False]
    assert data["born"].tolist()[0] == pd.Timestamp("1990-05-01") and data["mixed"].tolist() == ["n.v.t.", "12"]
    freed = read(workbook(tmp_path, rows), missing_codes={"n.v.t.": "not asked", 1: "one"})
    assert freed["mixed"].tolist()[1] == 12 and missing_reasons(freed, "mixed") == {"not asked": 1}
    assert missing_reasons(freed, "code") == {"one": 1}


def test_worksheet_with_decimal_commas_as_text(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["y", "z"], ["12,5", "a"], [3.5, "b"], [2, "c"]])
    assert read(path)["y"].tolist() == ["12,5", "3.5", "2"]
    assert read(path, decimal=",")["y"].tolist() == [12.5, 3.5, 2]


def test_sheet_is_chosen_by_name_or_place_and_the_first_is_said(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["y"], [1]], codebook=[["name"], ["y"]])
    data = read(path)
    assert data.columns.tolist() == ["y"] and "codebook" in notes(data)[0]
    assert read(path, sheet="codebook").columns.tolist() == ["name"] and read(path, sheet=2).columns.tolist() == ["name"]
    with pytest.raises(UsageError, match="Did you mean 'codebook'"):
        read(path, sheet="codebok")
    with pytest.raises(UsageError, match="counted from 1"):
        read(path, sheet=0)


def test_worksheet_without_header_in_its_first_rows_and_with_empty_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path, [[None, None], ["a", "b"], [1, 2], [None, " "], [3, 4], [None, None]])
    data = read(path)
    assert data.to_dict("list") == {"a": [1, 3], "b": [2, 4]} and "row 4" in notes(data)[0]


def test_formula_that_was_never_computed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileReadError, match="formula without a computed value in cell B2"):
        read(workbook(tmp_path, [["a", "b"], [1, "=A2*2"]]))


def test_empty_sheets(tmp_path: Path) -> None:
    with pytest.raises(FileReadError, match="is empty"):
        read(workbook(tmp_path, []))
    with pytest.raises(FileReadError, match="no rows"):
        read(workbook(tmp_path, [["a", "b"]]))


def test_password_or_old_excel(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    with pytest.raises(FileReadError, match="password"):
        read(tmp_path / "x.xlsx")
