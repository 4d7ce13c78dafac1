"""The import receipt and its warnings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from trialkit.io.read import read
from trialkit.io.receipt import ColumnReceipt, receipt

from .test_read import csv, text_as_objects


def warned(**columns: object) -> list[str]:
    return list(receipt(pd.DataFrame(columns)).warnings)


def test_a_receipt_of_a_file(tmp_path: Path) -> None:
    data = read(
        csv(tmp_path, "id,y1,born\n007,-99,2020-01-01\n008,,2020-01-02\n009,2,2020-01-02\n"), missing_codes={-99: "refused"}
    )
    got = receipt(data)
    assert got.rows == 3 and got.warnings == () and got.source is not None and got.source["file"] == "people.csv"
    assert got.columns == (
        ColumnReceipt("id", None, "text", 0, {}, 3),
        ColumnReceipt("y1", None, "number", 2, {"refused": 1, "no reason given": 1}, 1),
        ColumnReceipt("born", None, "date", 0, {}, 2),
    )
    assert json.loads(json.dumps(got.to_dict())) == got.to_dict()
    assert "2 (refused 1, no reason given 1)" in str(got) and "people.csv: 3 rows, 3 columns" in str(got)


def test_html_escapes_what_the_file_says() -> None:
    html = receipt(pd.DataFrame({"<b>": ["1", "2", "<i>"]}))._repr_html_()
    assert "<b>" not in html and "<i>" not in html and "&lt;i&gt;" in html


def test_labels_of_spss_make_a_column_labelled() -> None:
    data = pd.DataFrame({"sex": [1, 2]})
    data.attrs["trialkit"] = {"columns": {"sex": {"label": "Sex", "value_labels": [[1, "man"], [2, "woman"]]}}}
    assert receipt(data).columns[0] == ColumnReceipt("sex", "Sex", "labelled", 0, {}, 2)


def test_reasons_are_dropped_once_rows_are_gone_or_values_filled(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "id,y\n1,-99\n2,3\n3,-99\n"), missing_codes={-99: "refused"})
    fewer = receipt(data.iloc[:2])
    assert fewer.columns[1].missing_by_reason == {"no reason given": 1} and "the file had 3 rows" in fewer.notes[-1]
    filled = data.fillna(0)
    filled.attrs = data.attrs
    assert receipt(filled).columns[1].missing_by_reason == {}


def test_decimal_commas_are_named_with_rows_and_example() -> None:
    (warning,) = warned(y=["12,5", "3", "4,25"])
    assert "'12,5' and '4,25' in rows 1 and 3" in warning and 'decimal=","' in warning
    (mixed,) = warned(y=["12,5", "3.1", "4"])
    assert "mixes decimal commas and points" in mixed


def test_a_word_among_numbers_is_named() -> None:
    (warning,) = warned(y=["1", "2", None, "n.v.t."])
    assert "column 'y' looks numeric but holds text: 'n.v.t.' in row 4" in warning and "missing_codes" in warning


def test_numbers_stored_as_text_are_named_but_ids_are_not() -> None:
    assert "stored as text" in warned(y=["1", "2"])[0]
    assert "separated by points" in warned(y=["1.200", "2.500"])[0]
    assert warned(id=["007", "008"], other=["07", "12"], arm=["a", "b"], big=["1234567890123456789"] * 2) == []


def test_columns_without_values() -> None:
    assert warned(y=[np.nan, np.nan], z=[None, None]) == ["column 'y' has no values at all", "column 'z' has no values at all"]


@pytest.mark.parametrize("code", [-99, -98, -97, -9, 999, 9999])
def test_undeclared_codes_are_named_with_their_count(code: int) -> None:
    (warning,) = warned(y=[1, 5, code, 7, code, None])
    assert f"value {code} 2 times" in warning and "missing_codes" in warning


def test_values_in_the_run_of_the_others_are_no_codes() -> None:
    assert (
        warned(id=np.arange(1, 1500), change=np.linspace(-12, 12, 1499), short=np.r_[np.arange(1, 1000), np.full(500, 5)]) == []
    )


def test_undeclared_codes_with_a_label_that_says_so() -> None:
    data = pd.DataFrame({"y": [1, 2, 8, 8]})
    data.attrs["trialkit"] = {"columns": {"y": {"value_labels": [[1, "yes"], [2, "no"], [8, "weet niet"]]}}}
    (warning,) = receipt(data).warnings
    assert "value 8 (label: weet niet) 2 times" in warning


def test_any_frame_and_text_of_pandas_2() -> None:
    assert receipt(pl.DataFrame({"y": ["1,5", "2,5"]})).warnings[0].startswith("column 'y' looks numeric")
    with text_as_objects():
        assert receipt(pd.DataFrame({"y": ["1,5", "2,5"], "z": [1, 2]})).warnings[0].startswith("column 'y' looks numeric")


def test_truth_values_lists_and_nullable_columns_do_not_disturb() -> None:
    got = receipt(
        pd.DataFrame({"b": pd.array([True, None], dtype="boolean"), "k": pd.array([1, None], dtype="Int64"), "l": [[1], [2]]})
    )
    assert [(column.kind, column.n_distinct) for column in got.columns] == [("number", 1), ("number", 1), ("text", 2)]
    assert got.warnings == ()
