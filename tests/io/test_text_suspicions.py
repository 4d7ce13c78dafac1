"""What people write in files, read right or said in a sentence that helps."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from trialkit.errors import FileReadError, ValueTypeError
from trialkit.io import read, receipt
from trialkit.io.frames import numeric
from trialkit.io.labels import notes

from .test_read import csv
from .test_receipt import warned


def test_thousands_with_points_and_decimals_with_commas_are_numbers(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "id;income\n1;1.234,56\n2;12,5\n3;2.000\n4;\n5;-1.234.567,8\n6;,5\n"))
    assert data["income"].tolist()[:3] == [1234.56, 12.5, 2000] and data["income"].tolist()[4:] == [-1234567.8, 0.5]
    assert notes(data) == ("numbers were read with a decimal comma",)
    comma = csv(tmp_path, 'id,income\n1,"1.234,56"\n2,"12,5"\n')
    assert read(comma)["income"].tolist() == ["1.234,56", "12,5"] and 'decimal=","' in receipt(read(comma)).warnings[0]
    assert read(comma, decimal=",")["income"].tolist() == [1234.56, 12.5]
    coded = csv(tmp_path, "id;income\n1;1.234,56\n2;-99\n3;n.v.t.\n")
    assert read(coded, missing_codes={-99: "refused", "n.v.t.": "none"})["income"].tolist()[0] == 1234.56


@pytest.mark.parametrize("cell", ["1.23,5", "1234.567,8", "1.234,5,6", "0.123,4", "1,234.5"])
def test_signs_in_the_wrong_place_stay_text(tmp_path: Path, cell: str) -> None:
    assert read(csv(tmp_path, f"id;y\n1;{cell}\n2;1.234,56\n"))["y"].tolist() == [cell, "1.234,56"]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["€ 12,00", "€1.250,50", None], "amounts of money as text: '€ 12,00' in row 1 and 1 more. Take the currency sign out"),
        (["12,- EUR", "15 euro"], "amounts of money"),
        (["12%", "13,5 %"], "percentages as text"),
        (["31-12-2024", "1-2-2025"], "days that stay text.*Write them as 2024-12-31"),
        (["1 234", "12 345,6"], "spaces between the thousands"),
        (["CafÃ©", "thee"], "letters that look garbled: 'CafÃ©' in row 1"),
        (["\u202e2", "x"], r"cannot be seen: '\\u202e2' in row 1"),
        (["\u22125", "3"], "a dash before a number"),
        (["ja", "nee", "Ja"], "writes the same in 2 ways: 'ja' and 'Ja'"),
        (["peer", "peer ", "x"], "x"),
        (["p1", "p2", "Totaal"], "look like totals or a source"),
    ],
)
def test_texts_with_a_sentence(cells: list[str | None], message: str) -> None:
    said = warned(answer=cells)
    if message == "x":
        assert said == []  # spaces at the ends are left to the analysis, which compares arms without them
    else:
        assert len([s for s in said if pd.Series([s]).str.contains(message, regex=True).iloc[0]]) == 1


def test_texts_without_a_sentence() -> None:
    assert (
        warned(
            city=["Bronbeek", "Ede", "Someren", "Bronneger"],
            id=["007", "008", "009", "010"],
            remark=["3-4", "–", "a–b", "50% off or so"],
        )
        == []
    )


def test_ids_twice_names_alike_and_days_that_excel_counts() -> None:
    ids = [str(i) for i in range(20)]
    assert "'id' holds 1 value more than once: '3'" in warned(id=[*ids, "21", "3"])[0]
    assert warned(person=[*range(10)] * 3, id=[*range(30)]) == []
    assert "differ only in capitals" in warned(Arm=[1, 2], arm=[1, 2])[0]
    assert "45291 would be 2023-12-31" in warned(startdatum=[45291.0, 45300.0, None])[0]
    assert warned(datum_n=[1, 2, 3], income=[45291, 45300, 21000]) == []


def test_long_words_are_clipped() -> None:
    (said,) = warned(y=["1", "2", "a" * 100_000])
    assert len(said) < 300


def test_yes_and_no_where_numbers_belong() -> None:
    with pytest.raises(ValueTypeError, match="Write 1 for yes and 0 for no"):
        numeric(pd.Series(["ja", "Nee", None]), "job")


def test_titles_above_the_names(tmp_path: Path) -> None:
    with pytest.raises(FileReadError, match=r"names 1 of 3 columns: it looks like a title"):
        read(csv(tmp_path, "Export van de enquete;;\nid;y;z\n1;2;3\n"))


def book(path: Path) -> tuple[openpyxl.Workbook, Path]:
    made = openpyxl.Workbook()
    for row in (["id", "y"], [1, 2], [None, 3], [3, 4]):
        made.active.append(row)
    return made, path / "a.xlsx"


def test_merged_cells_and_hidden_rows_are_said(tmp_path: Path) -> None:
    made, path = book(tmp_path)
    made.active.merge_cells("A2:A3")
    made.active.row_dimensions[4].hidden = True
    made.save(path)
    said = notes(read(path))
    assert "merged cells ('A2:A3')" in said[0] and "1 row is hidden" in said[1]


def test_hidden_sheets_are_not_read_by_default(tmp_path: Path) -> None:
    made, path = book(tmp_path)
    other = made.create_sheet("answers")
    for row in (["k"], [1]):
        other.append(row)
    made.active.sheet_state = "hidden"
    made.active = 1
    made.save(path)
    data = read(path)
    assert data.columns.tolist() == ["k"] and "'answers' was read" in notes(data)[0]
    assert "is hidden" in notes(read(path, sheet=1))[0]
