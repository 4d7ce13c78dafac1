"""Data out: what SPSS, Stata and spreadsheets get, read back."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trialkit.cli import run
from trialkit.errors import DataError, UsageError
from trialkit.io import content_hash, convert, dictionary, read, save
from trialkit.io.labels import missing_reasons, notes, value_labels, variable_label

from .test_read import csv, text_as_objects


@pytest.fixture
def spss(tmp_path: Path) -> Path:
    path = tmp_path / "people.sav"
    frame = pd.DataFrame(
        {
            "id": ["007", "010", "é", "x"],
            "y": [1.5, -99, -98, np.nan],
            "job": [1, 2, 9, 1],
            "city": ["a", "zz", "", "NA"],
            "start": [dt.date(2024, 1, 1), None, dt.date(1950, 1, 1), dt.date(2024, 2, 29)],
            "seen": pd.to_datetime(["2024-01-01 10:30:00", None, "2020-01-01 00:00:00", "2020-01-01 00:00:01"]),
        }
    )
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={"y": "Wellbeing", "job": "Paid work?"},
        variable_value_labels={
            "job": {1: "ja", 2: "nee", 9: "weet niet"},
            "y": {-99: "refused", -98: "not asked"},
            "city": {"a": "Almelo"},
        },
        missing_ranges={"y": [-99, -98], "job": [9], "city": ["zz"]},
    )
    return path


@pytest.mark.parametrize("kind", ["sav", "zsav", "dta", "xlsx", "csv"])
def test_every_kind_reads_back_to_the_same_content(spss: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out" / f"people.{kind}"
    told = convert(spss, target)
    if kind in ("csv", "xlsx"):
        assert told == (f"column 'city' holds the text 'NA', which reads as missing from a .{kind} file",)
    apart = ["city"] if kind in ("csv", "xlsx") else []
    assert content_hash(read(target).drop(columns=apart)) == content_hash(read(spss).drop(columns=apart))
    assert [p.name for p in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("kind", ["sav", "zsav", "dta"])
def test_labels_and_the_code_of_every_missing_cell_survive(spss: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"out.{kind}"
    told = convert(spss, target)
    data = read(target)
    assert variable_label(data, "y") == "Wellbeing" and value_labels(data, "job") == {1: "ja", 2: "nee"}
    assert missing_reasons(data, "y") == {"refused": 1, "not asked": 1} and missing_reasons(data, "job") == {"weet niet": 1}
    assert data["y"].isna().tolist() == [False, True, True, True] and data["start"].isna().tolist() == [False, True, False, False]
    if kind == "dta":
        assert any("-99 is .a, -98 is .b" in note for note in told) and any("'city'" in note for note in told)
    else:
        assert told == () and missing_reasons(data, "city") == {"zz": 1} and value_labels(data, "city") == {"a": "Almelo"}


def test_there_and_back_again(spss: Path, tmp_path: Path) -> None:
    convert(spss, tmp_path / "a.dta")
    told = convert(tmp_path / "a.dta", tmp_path / "b.sav")
    data = read(tmp_path / "b.sav")
    assert any("'.a' of column 'y' is -99" in note for note in told)
    assert missing_reasons(data, "y") == {"refused": 1, "not asked": 1} and content_hash(data) == content_hash(read(spss))


def test_codes_declared_while_reading_become_codes_of_the_file(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,y,arm\n1,-99,peer\n2,3,n.v.t.\n3,-98,peer\n")
    convert(path, tmp_path / "a.sav", missing_codes={-99: "refused", -98: "not asked", "n.v.t.": "not asked"})
    raw, meta = pyreadstat.read_sav(str(tmp_path / "a.sav"), user_missing=True)
    assert raw["y"].tolist() == [-99, 3, -98] and raw["arm"].tolist() == ["peer", "n.v.t.", "peer"]
    assert meta.variable_value_labels["y"] == {-99: "refused", -98: "not asked"} and meta.missing_ranges["y"][0]["lo"] == -99


def test_a_frame_in_memory_keeps_one_code_and_says_what_it_cannot_keep(tmp_path: Path) -> None:
    one = read(csv(tmp_path, "id,y\n1,-99\n2,3\n3,-99\n"), missing_codes={-99: "refused"})
    assert save(one, tmp_path / "a.dta") == ("missing codes of column 'y' in the file: -99 is .a",)
    assert missing_reasons(read(tmp_path / "a.dta"), "y") == {"refused": 2}
    two = read(csv(tmp_path, "id,y\n1,-99\n2,3\n3,\n"), missing_codes={-99: "refused"})
    (told, *_) = save(two, tmp_path / "b.sav")
    assert "of several kinds" in told and "trialkit.io.convert" in told
    assert read(tmp_path / "b.sav")["y"].isna().tolist() == [True, False, True]


def test_more_codes_than_spss_declares_one_by_one(tmp_path: Path) -> None:
    codes = {-99: "a", -98: "b", -97: "c", -96: "d"}
    below = csv(tmp_path, "y,k\n-99,1\n-98,2\n-97,3\n-96,4\n5,5\n")
    assert convert(below, tmp_path / "a.sav", missing_codes=codes) == ()
    assert missing_reasons(read(tmp_path / "a.sav"), "y") == {"a": 1, "b": 1, "c": 1, "d": 1}
    between = csv(tmp_path, "y,k\n-99,1\n3,2\n7,3\n9,4\n5,5\n8,6\n")
    told = convert(between, tmp_path / "b.sav", missing_codes={"y": {-99: "a", 3: "b", 7: "c", 9: "d"}})
    assert "SPSS holds three" in told[0] and read(tmp_path / "b.sav")["y"].isna().sum() == 4


def test_names_and_labels_within_the_limits(tmp_path: Path) -> None:
    names = ["Age at start", "1st", "if", "TO", "to", "x" * 40, "x" * 40 + "y", "ëë", "_b", "a.b", "str12", "z" * 70]
    frame = pd.DataFrame([[float(i) for i in range(len(names))]] * 2, columns=names)
    frame.attrs["trialkit"] = {
        "columns": {"ëë": {"label": "é" * 300, "value_labels": [[7, "n" * 200]]}, "1st": {"value_labels": [[1.5, "half"]]}}
    }
    for kind, most in (("sav", 64), ("dta", 32)):
        told = save(frame, tmp_path / f"a.{kind}")
        back = read(tmp_path / f"a.{kind}")
        assert back.to_numpy().tolist() == frame.to_numpy().tolist() and all(len(n) <= most for n in back.columns)
        assert len(back.columns.str.casefold().unique()) == len(names) if kind == "sav" else back.columns.is_unique
        assert variable_label(back, "Age_at_start") == "Age at start" and any(
            "'Age at start' is called 'Age_at_start'" in t for t in told
        )
        assert any("label of column 'ëë' is longer" in t for t in told)
        assert variable_label(back, "ëë") == "é" * (128 if kind == "sav" else 80)
    assert value_labels(read(tmp_path / "a.sav"), "ëë") == {7: "n" * 120}


@pytest.mark.parametrize("kind", ["sav", "dta", "csv", "xlsx"])
@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.0, np.inf], "infinite value in row 2"),
        ([[1], [2]], "list"),
        (["a", "b\0c"], "NUL character in row 2"),
        (pd.to_timedelta([1, 2]), "timedelta"),
    ],
)
def test_what_no_file_holds(tmp_path: Path, kind: str, column: Any, message: str) -> None:
    target = tmp_path / f"a.{kind}"
    target.write_text("former")
    with pytest.raises(DataError, match=message):
        save(pd.DataFrame({"x": column}), target)
    assert target.read_text() == "former" and [p.name for p in tmp_path.iterdir()] == [target.name]


def test_limits_of_single_kinds(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="takes for a missing value"):
        save({"x": [1.0, 1e308]}, tmp_path / "a.dta")
    with pytest.raises(DataError, match="more than 32767 bytes in row 1"):
        save({"x": ["a" * 40_000]}, tmp_path / "a.sav")
    with pytest.raises(DataError, match="more than the 32767"):
        save({"x": ["a" * 40_000]}, tmp_path / "a.xlsx")
    with pytest.raises(DataError, match="control characters"):
        save({"x": ["a\x01"]}, tmp_path / "a.xlsx")
    with pytest.raises(DataError, match="nothing to write"):
        save(pd.DataFrame({"x": []}), tmp_path / "a.sav")
    save({"x": ["a" * 40_000, "b"]}, tmp_path / "b.dta")
    assert len(read(tmp_path / "b.dta")["x"].tolist()[0]) == 40_000
    assert save({"x": [2**60 + 1, 2]}, tmp_path / "c.sav")[0].startswith("column 'x' holds whole numbers too large")
    assert read(tmp_path / "c.sav")["x"].tolist() == [str(2**60 + 1), "2"]


def test_kinds_that_are_not_written_and_the_source_itself(spss: Path, tmp_path: Path) -> None:
    before = spss.read_bytes()
    with pytest.raises(UsageError, match="ending"):
        save({"x": [1]}, tmp_path / "a.xls")
    with pytest.raises(UsageError, match="the file that is to be read"):
        convert(spss, tmp_path / "deep" / ".." / "people.sav" if (tmp_path / "deep").mkdir() is None else spss)
    assert spss.read_bytes() == before
    with pytest.raises(UsageError, match="is a folder"):
        save({"x": [1]}, (tmp_path / "f.sav").mkdir() or tmp_path / "f.sav")


def test_rows_without_values_and_time_zones_are_said(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y": [1.0, None], "z": pd.to_datetime(["2020-01-01 01:00", None]).tz_localize("Europe/Amsterdam")})
    for kind in ("csv", "xlsx", "sav", "dta"):
        told = save(frame, tmp_path / f"a.{kind}")
        back = read(tmp_path / f"a.{kind}")
        assert "in UTC" in told[0] and back["z"].tolist()[0] == pd.Timestamp("2020-01-01 00:00")
        assert len(back) == (1 if kind in ("csv", "xlsx") else 2) and len(told) == (2 if kind in ("csv", "xlsx") else 1)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict])
def test_any_frame(tmp_path: Path, make: Any) -> None:
    columns = {"b": [True, None, False], "k": [1, None, 3], "t": ["a", None, ""], "d": [dt.date(2020, 1, 31), None, None]}
    save(make(columns), tmp_path / "a.sav")
    data = read(tmp_path / "a.sav")
    assert data["b"].tolist()[::2] == [1, 0] and data["k"].isna().tolist() == [False, True, False]
    assert data["t"].isna().tolist() == [False, True, True] and data["d"].tolist()[0] == pd.Timestamp("2020-01-31")


def test_categories_nullable_columns_and_text_of_pandas_2(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"arm": pd.Categorical(["a", None, "b"]), "k": pd.array([1, None, 3], dtype="Int64"), "z": pd.Categorical([1, 2, None])}
    )
    save(frame, tmp_path / "a.dta")
    assert read(tmp_path / "a.dta")["arm"].isna().tolist() == [False, True, False] and read(tmp_path / "a.dta")["z"].tolist()[
        :2
    ] == [1, 2]
    with text_as_objects():
        save(pd.DataFrame({"t": ["a", None], "y": [1.5, np.nan]}), tmp_path / "b.sav")
    assert read(tmp_path / "b.sav")["t"].isna().tolist() == [False, True]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(-1e12, 1e12)),
            st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=12),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_numbers_and_texts_survive(tmp_path: Path, rows: list[tuple[float | None, str]]) -> None:
    frame = pd.DataFrame({"y": pd.Series([y for y, _ in rows], dtype=float), "t": pd.Series([t for _, t in rows], dtype=object)})
    for kind in ("sav", "dta"):
        save(frame, tmp_path / f"a.{kind}")
        assert content_hash(read(tmp_path / f"a.{kind}")) == content_hash(frame)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "=HYPERLINK(1)"]


def test_text_that_a_spreadsheet_would_run_stays_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": FORMULAS, "y": [-1.5, 2, -3, 4, -5, 6, 7]})
    frame.attrs["trialkit"] = {"columns": {"t": {"label": "=cmd|x", "value_labels": [["@a", "=b"]]}}}
    assert "7 texts that a spreadsheet would run" in save(frame, tmp_path / "a.csv")[0]
    lines = (tmp_path / "a.csv").read_bytes().decode()
    assert all(f"'{text}" in lines for text in FORMULAS) and ",-1.5\n" in lines
    plain = frame.assign(t=[text.replace("\r", "") for text in FORMULAS])
    plain.attrs = frame.attrs
    save(plain, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"} and book["data"]["B2"].value == -1.5
    told = dictionary(frame)
    save(told, tmp_path / "d.csv")
    assert "'=cmd|x" in (tmp_path / "d.csv").read_text() and "'@a = =b" in (tmp_path / "d.csv").read_text()


def test_formulas_behind_a_semicolon_where_dutch_excel_cuts_the_file(tmp_path: Path) -> None:
    save({"t": ["x;=cmd|y", "a\n@b", "1 = ja; 2 = nee", "a; -b", "p-1;q"], "k": [1, 2, 3, 4, 5]}, tmp_path / "a.csv")
    assert read(tmp_path / "a.csv", delimiter=",")["t"].tolist() == ["x;'=cmd|y", "a\n'@b", "1 = ja; 2 = nee", "a; -b", "p-1;q"]


def test_the_dictionary(spss: Path, tmp_path: Path) -> None:
    told = dictionary(read(spss)).set_index("column")
    assert (
        told.loc["y", "label"] == "Wellbeing" and told.loc["y", "missing_codes"] == "refused: -99 (once); not asked: -98 (once)"
    )
    assert told.loc["job", ["kind", "values", "n", "n_missing", "n_distinct"]].tolist() == [
        "labelled",
        "1 = ja; 2 = nee",
        3,
        1,
        2,
    ]
    assert told["kind"].tolist() == ["text", "number", "labelled", "labelled", "date", "date"] and "lowest" not in told
    ranged = dictionary(read(spss), ranges=True).set_index("column")
    assert (
        ranged.loc["start", ["lowest", "highest"]].tolist() == ["1950-01-01", "2024-02-29"] and ranged.loc["id", "lowest"] == ""
    )
    fewer = dictionary(read(spss).iloc[:1]).set_index("column")
    assert fewer.loc["y", "missing_codes"] == "refused: -99; not asked: -98"


def test_the_command(spss: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    assert run(["export", str(spss), "--as", "dictionary,dta", "--as", "xlsx", "--out", str(folder)]) == 0
    assert "note: missing codes of column 'y' in the file: -99 is .a" in capsys.readouterr().out
    assert sorted(p.name for p in folder.iterdir()) == ["people.dictionary.csv", "people.dta", "people.xlsx"]
    assert read(folder / "people.dictionary.csv")["column"].tolist()[1] == "y"
    assert notes(read(folder / "people.xlsx"))[0].startswith("sheet 'data' was read")
    assert run(["export", str(spss), "--as", "sap", "--out", str(folder)]) == 2
    assert run(["export", str(spss), "--as", "sav", "--out", str(spss.parent)]) == 2


def test_the_page_about_data_runs() -> None:
    page = Path(__file__).parents[2] / "docs" / "data.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    space: dict[str, Any] = {}
    for block in blocks:
        exec(block, space)
    assert len(blocks) == 3 and len(space["notes"]) == 0
