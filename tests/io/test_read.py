"""Reading text files and worksheets, and what is refused."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from trialkit.errors import ColumnNotFoundError, FileReadError, UsageError
from trialkit.io.labels import missing_reasons, notes, source, value_labels, variable_label
from trialkit.io.read import read


@contextmanager
def text_as_objects() -> Iterator[None]:
    """Text columns as in pandas 2: Python objects instead of a text type."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pd.option_context("future.infer_string", False):
            yield


def csv(folder: Path, text: str, *, name: str = "people.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_csv_with_commas_keeps_types_and_leading_zeros(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "id,age,y1,arm,born,job\n007,31,2.5,peer,1990-05-01,TRUE\n010,40,,individual,1980-12-31,FALSE\n"))
    assert data["id"].tolist() == ["007", "010"]
    assert data["age"].dtype == np.int64 and data["age"].tolist() == [31, 40]
    assert data["y1"].dtype == np.float64 and data["y1"].isna().tolist() == [False, True]
    assert data["arm"].tolist() == ["peer", "individual"]
    assert data["born"].tolist() == [pd.Timestamp("1990-05-01"), pd.Timestamp("1980-12-31")]
    assert data["job"].tolist() == [True, False] and pd.api.types.is_bool_dtype(data["job"].dtype)


def test_csv_with_semicolons_reads_dutch_decimals(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "id;y1;y2\n1;1,5;3\n2;-0,25;4\n"))
    assert data["y1"].tolist() == [1.5, -0.25] and data["y2"].tolist() == [3, 4]
    assert any("decimal comma" in note for note in notes(data))


def test_csv_with_semicolons_and_points_uses_the_point(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "id;y1\n1;1.5\n2;2.25\n"))["y1"].tolist() == [1.5, 2.25]


def test_thousands_that_could_be_decimals_stay_text(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "id;income\n1;1.200\n2;2.500\n"))
    assert data["income"].tolist() == ["1.200", "2.500"]
    assert read(csv(tmp_path, "id;income\n1;1.200\n2;2.500\n"), decimal=".")["income"].tolist() == [1.2, 2.5]


def test_decimal_comma_in_a_file_with_tabs_when_told(tmp_path: Path) -> None:
    path = csv(tmp_path, "id\ty1\n1\t1,5\n2\t2,5\n", name="people.tsv")
    assert read(path)["y1"].tolist() == ["1,5", "2,5"]
    assert read(path, decimal=",")["y1"].tolist() == [1.5, 2.5]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_is_found_though_another_occurs_inside_text(tmp_path: Path, delimiter: str) -> None:
    other = ";" if delimiter == "," else ","
    text = delimiter.join(["id", "remark"]) + f"\n1{delimiter}a{other} b\n2{delimiter}c\n"
    assert read(csv(tmp_path, text))["remark"].tolist() == [f"a{other} b", "c"]


def test_other_delimiter_and_the_line_that_excel_writes_about_it(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "a|b\n1|2\n"), delimiter="|").columns.tolist() == ["a", "b"]
    assert read(csv(tmp_path, "sep=;\na;b\n1;2,5\n"))["b"].tolist() == [2.5]


def test_quoted_cells_with_delimiters_line_breaks_and_quotes(tmp_path: Path) -> None:
    data = read(csv(tmp_path, 'id,remark\r\n1,"a, ""b""\r\nc"\r\n2,"3\n4"\r\n'))
    assert data["remark"].tolist() == ['a, "b"\r\nc', "3\n4"]


def test_encodings(tmp_path: Path) -> None:
    text = "naam,y1\nRenée,1\nZoë,2\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        data = read(csv(tmp_path, text, encoding=encoding))
        assert data.columns.tolist() == ["naam", "y1"] and data["naam"].tolist() == ["Renée", "Zoë"] and notes(data) == ()
    windows = read(csv(tmp_path, text, encoding="cp1252"))
    assert windows["naam"].tolist() == ["Renée", "Zoë"] and "cp1252" in notes(windows)[0]
    dos = csv(tmp_path, text, encoding="cp850")
    assert read(dos, encoding="cp850")["naam"].tolist() == ["Renée", "Zoë"]
    with pytest.raises(FileReadError, match="not written in utf-8"):
        read(dos, encoding="utf-8")
    with pytest.raises(UsageError, match="no encoding 'utf-9'"):
        read(dos, encoding="utf-9")
    (tmp_path / "odd.csv").write_bytes(b"a,b\n\x81\xff,1\n")
    with pytest.raises(FileReadError, match=r'neither in UTF-8 nor.*encoding="cp850"'):
        read(tmp_path / "odd.csv")


def test_words_for_no_value_are_missing_and_counted(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "id,group,y1,y2\n1,NA,NA,.\n2,g1,  ,5\n3,g2,1.5,.\n"))
    assert data["group"].isna().tolist() == [True, False, False] and data["y1"].isna().tolist() == [True, True, False]
    assert missing_reasons(data, "y1") == {"written as 'NA'": 1}
    assert missing_reasons(data, "y2") == {"written as '.'": 2} and data["y2"].tolist()[1] == 5


def test_a_point_is_a_word_in_a_text_column(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "a,b\n.,1\nx,2\n"))["a"].tolist() == [".", "x"]


@pytest.mark.parametrize("cell", ["1234567890123456789", "00", "-007", "+316", "12E3", "1_000", "inf", "0x1F", "1 000", "٣"])
def test_what_would_lose_something_as_a_number_stays_text(tmp_path: Path, cell: str) -> None:
    assert read(csv(tmp_path, f"a,b\n{cell},1\n5,2\n"))["a"].tolist() == [cell, "5"]


@pytest.mark.parametrize(
    ("cell", "value"), [("1e-05", 1e-5), ("1.5E5", 1.5e5), ("0.1", 0.1), (".5", 0.5), ("5.", 5.0), (" 7", 7.0), ("-0.0", 0)]
)
def test_ways_to_write_a_number(tmp_path: Path, cell: str, value: float) -> None:
    assert read(csv(tmp_path, f"a,b\n{cell},1\n5,2\n"))["a"].tolist() == [value, 5]


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=500)
    pd.DataFrame({"y": values, "k": 1}).to_csv(tmp_path / "y.csv", index=False)
    assert read(tmp_path / "y.csv")["y"].tolist() == values.tolist()


def test_impossible_dates_stay_text_and_missing_dates_are_missing(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "a,b\n2024-02-30,2024-02-29\n2024-01-01,\n"))
    assert data["a"].tolist() == ["2024-02-30", "2024-01-01"]
    assert data["b"].isna().tolist() == [False, True] and pd.api.types.is_datetime64_any_dtype(data["b"].dtype)


def test_truth_values_with_gaps(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "a,b\nTRUE,1\n,2\nFALSE,3\n"))
    assert data["a"].isna().tolist() == [False, True, False] and data["a"].sum() == 1


def test_empty_rows_and_unnamed_columns_are_said(tmp_path: Path) -> None:
    data = read(csv(tmp_path, ',y1,\n"1",2,\n,,\n2,3,\n,,\n'))
    assert data.columns.tolist() == ["column_1", "y1"] and len(data) == 2
    assert any("2 empty rows were left out (lines 3 and 5)" in note for note in notes(data))
    assert any("'column_1'" in note for note in notes(data))


def test_a_single_column_keeps_its_empty_lines_but_not_those_at_the_end(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "y1\n1\n\n3\n\n\n"))
    assert data["y1"].isna().tolist() == [False, True, False]


def test_names_are_stripped_and_names_that_are_numbers_are_said(tmp_path: Path) -> None:
    assert read(csv(tmp_path, " y1 ,y2\n1,2\n")).columns.tolist() == ["y1", "y2"]
    assert any("lack a line of names" in note for note in notes(read(csv(tmp_path, "1,2.5\n3,4\n"))))


def test_column_without_values_is_numeric_and_missing(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "a,b\n,1\n,2\n"))
    assert data["a"].isna().all() and data["a"].dtype == np.float64


def test_large_file_in_pieces_keeps_rows_in_order(tmp_path: Path) -> None:
    n = 5_003
    frame = pd.DataFrame({"id": [f"p{i}" for i in range(n)], "y": np.arange(n)})
    frame.to_csv(tmp_path / "many.csv", index=False)
    data = read(tmp_path / "many.csv")
    assert data["id"].tolist() == frame["id"].tolist() and data["y"].tolist() == list(range(n))


def test_text_columns_of_pandas_2(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,arm,y\n007,a,1\n008,NA,\n")
    with text_as_objects():
        data = read(path, missing_codes={"arm": {"a": "why"}})
        assert data["id"].tolist() == ["007", "008"] and data["arm"].isna().all() and data["id"].dtype == np.dtype("O")


def test_description_is_json_and_names_no_folder(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "id,y\n1,-99\n2,3\n"), missing_codes={-99: "refused"})
    text = json.dumps(data.attrs["trialkit"])
    assert str(tmp_path) not in text
    kept = source(data)
    assert kept is not None
    assert (kept["file"], kept["format"], kept["rows"], kept["columns"], kept["bytes"]) == ("people.csv", "csv", 2, 2, 15)
    assert len(kept["sha256"]) == 64


def test_helpers_answer_when_nothing_is_known() -> None:
    data = pd.DataFrame({"y": [1]})
    for attrs in ({}, {"trialkit": "other"}):
        data.attrs = attrs
        assert variable_label(data, "y") is None and value_labels(data, "y") == {} and missing_reasons(data, "y") == {}
        assert source(data) is None and notes(data) == ()
    with pytest.raises(ColumnNotFoundError):
        variable_label(data, "yy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1,2,3\n", "3 cells in line 3 where the header has 2"),
        ("a,b\n1,2\n\n3\n", "1 cell in line 4"),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 4.*quotation mark"),
        ("a,b,a\n1,2,3\n", r"2 columns named 'a' \(columns 1, 3\)"),
        ("a,b\n", "no rows"),
        ("\n \n", "is empty"),
        ("a,b\n1,\0\n", "NUL byte in line 2"),
    ],
)
def test_broken_csv_names_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileReadError, match=message):
        read(csv(tmp_path, text))


def test_absent_files_folders_and_unknown_kinds(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2\n", name="people_2024.csv")
    with pytest.raises(FileReadError, match=r"Did you mean 'people_2024\.csv'"):
        read(tmp_path / "people2024.csv")
    with pytest.raises(FileReadError, match="no folder"):
        read(tmp_path / "nowhere" / "people.csv")
    with pytest.raises(FileReadError, match=r"is a folder.*people_2024\.csv"):
        read(tmp_path)
    for name, remedy in {"a.xls": "Save it as .xlsx", "a.txt": "unknown extension", "a": "no extension"}.items():
        (tmp_path / name).write_text("x")
        with pytest.raises(FileReadError, match=remedy):
            read(tmp_path / name)
    with pytest.raises(UsageError, match="not the name of a file"):
        read(pd.DataFrame())  # type: ignore[arg-type]


@pytest.mark.parametrize("extension", ["csv", "sav", "zsav", "dta", "xlsx", "parquet"])
def test_empty_and_foreign_bytes(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"people.{extension}"
    path.write_bytes(b"")
    with pytest.raises(FileReadError, match="empty"):
        read(path)
    path.write_bytes(b"\x00\x01PK no such file\xff" * 50)
    with pytest.raises(FileReadError, match=r"Copy or export|Export it again"):
        read(path)


@pytest.mark.parametrize("extension", ["sav", "zsav", "dta", "xlsx", "parquet"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_files_that_were_cut_off(tmp_path: Path, extension: str, share: float) -> None:
    frame = pd.DataFrame({f"y{i}": np.arange(300.0) * i for i in range(5)})
    whole = tmp_path / f"whole.{extension}"
    if extension in ("sav", "zsav"):
        pyreadstat.write_sav(frame, str(whole), compress=extension == "zsav")
    elif extension == "dta":
        pyreadstat.write_dta(frame, str(whole))
    elif extension == "xlsx":
        frame.to_excel(whole, index=False)
    else:
        frame.to_parquet(whole)
    assert read(whole).shape == (300, 5)
    half = tmp_path / f"half.{extension}"
    half.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(FileReadError, match="opy or export the file again"):
        read(half)


def test_the_cause_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.sav").write_bytes(b"$FL2 nothing")
    with pytest.raises(FileReadError) as caught:
        read(tmp_path / "a.sav")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sheet": "x"}, "sheet= has no meaning for a .csv"),
        ({"decimal": ";"}, "not a decimal sign"),
        ({"delimiter": "::"}, "cannot separate"),
        ({"delimiter": ",", "decimal": ","}, "cannot both"),
    ],
)
def test_arguments_that_do_not_fit(tmp_path: Path, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(csv(tmp_path, "a,b\n1,2\n"), **arguments)  # type: ignore[arg-type]
