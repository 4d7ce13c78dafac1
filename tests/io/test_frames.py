"""Any frame at the door, and any column as numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from trialkit.errors import DataError, UsageError, ValueTypeError
from trialkit.io.frames import numeric, to_pandas

from .test_read import text_as_objects

COLUMNS: dict[str, Any] = {"id": ["a", "b", None], "y": [1.5, None, 3.0], "k": [1, 2, 3]}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_every_kind_of_frame(make: Any) -> None:
    data = to_pandas(make(COLUMNS))
    assert isinstance(data, pd.DataFrame) and data.columns.tolist() == ["id", "y", "k"]
    assert data["id"].isna().tolist() == [False, False, True] and data["y"].isna().tolist() == [False, True, False]
    assert data["k"].tolist() == [1, 2, 3]


def test_it_is_a_copy_with_attrs_and_index() -> None:
    given = pd.DataFrame({"y": [1, 2, 3]}, index=[5, 3, 1])
    given.attrs["trialkit"] = {"version": 1}
    data = to_pandas(given)
    data.loc[5, "y"] = 99
    data.attrs["trialkit"]["version"] = 2
    assert given.loc[5, "y"] == 1 and given.attrs["trialkit"] == {"version": 1} and data.index.tolist() == [5, 3, 1]


def test_dates_and_truth_values_from_arrow_and_polars() -> None:
    columns: dict[str, Any] = {"d": [dt.date(2020, 1, 31), None], "b": [True, None]}
    for frame in (pl.DataFrame(columns), pa.table(columns)):
        data = to_pandas(frame)
        assert pd.api.types.is_datetime64_any_dtype(data["d"].dtype) and data["d"].tolist()[0] == pd.Timestamp("2020-01-31")
        assert numeric(data["b"], "b").tolist()[0] == 1 and data["b"].isna().tolist() == [False, True]


def test_polars_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise ModuleNotFoundError("pyarrow")

    monkeypatch.setattr(pl.DataFrame, "to_pandas", refuse)
    data = to_pandas(pl.DataFrame(COLUMNS))
    assert data["y"].isna().tolist() == [False, True, False] and data["id"].tolist()[:2] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("people.csv", r"tk\.read\('people\.csv'\)"),
        (Path("people.csv"), "Read it first"),
        ([1, 2], "a list was given"),
        (np.ones((2, 2)), "a ndarray was given"),
        (None, "a NoneType was given"),
        (pd.Series([1]), "a Series was given"),
        (pl.DataFrame({"a": [1]}).lazy(), r"\.collect\(\)"),
        ({"a": [1, 2], "b": [1]}, "equal length"),
        ({"a": 1}, "equal length"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])), "2 levels of names"),
    ],
)
def test_what_is_no_frame(data: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        to_pandas(data)


def test_names_become_text_and_may_not_repeat() -> None:
    assert to_pandas(pd.DataFrame({0: [1], "a": [2]})).columns.tolist() == ["0", "a"]
    with pytest.raises(DataError, match="more than one column named 'a'"):
        to_pandas(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.0, np.nan, 0.0]),
        pd.Series([1, None, 0], dtype="Int64"),
        pd.Series([1, None, 0], dtype="Float32"),
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series([True, None, False], dtype=object),
        pd.Series(["1", None, "0"]),
        pd.Series(["1", None, " 0 "], dtype=object),
        pd.Series(["1", "", "0"], dtype="string"),
        pd.Series([1, "", 0.0], dtype=object),
        pd.Series([Decimal("1"), None, Decimal("0")], dtype=object),
        pd.Series(pd.Categorical([1, None, 0])),
        pd.Series(pd.Categorical(["1", None, "0"], categories=["1", "0", "unused words"])),
        pd.Series([1, None, 0], dtype=pd.ArrowDtype(pa.int64())),
        pd.Series(["1", None, "0"], dtype=pd.ArrowDtype(pa.string())),
        np.array([1.0, np.nan, 0.0]),
        [1, None, 0],
    ],
)
def test_numbers_in_every_dress(column: Any) -> None:
    values = numeric(column, "y1")
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [1, np.nan, 0])
    with text_as_objects():
        np.testing.assert_array_equal(numeric(column, "y1"), [1, np.nan, 0])


def test_it_does_not_lend_the_data() -> None:
    column = pd.Series([1.0, 2.0])
    numeric(column, "y")[0] = 99
    assert column.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", [None, object, "string", "category"])
def test_text_among_numbers_names_rows_and_values(dtype: Any) -> None:
    cells = [str(i) for i in range(13)] + ["n.v.t.", "5", "n.v.t.", "geen"]
    with pytest.raises(ValueTypeError) as caught:
        numeric(pd.Series(cells, dtype=dtype), "y1")
    assert str(caught.value) == (
        "column 'y1' holds text where numbers belong: 'n.v.t.' in row 14 and 2 more (among them 'geen'). "
        "Declare the code as missing (missing_codes) or correct the file."
    )


def test_rows_count_positions_not_the_index() -> None:
    with pytest.raises(ValueTypeError, match="'x' in row 2"):
        numeric(pd.Series(["1", "x"], index=[70, 80]), "y1")


@pytest.mark.parametrize("cells", [["12,5", "13"], ["1.234,5", ",5"], ["-1,5"]])
def test_decimal_comma_has_its_own_remedy(cells: list[str]) -> None:
    with pytest.raises(ValueTypeError, match=r'decimal comma: .*decimal=","'):
        numeric(pd.Series(cells), "y1")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Series(pd.to_datetime(["2020-01-01"])), "holds dates"),
        (pd.Series(pd.to_timedelta(["1 day"])), "holds durations"),
        (pd.Series([1 + 2j]), "complex"),
        (pd.Series([1.0, np.inf]), r"infinite values, first in row 2 \(1 in all\)"),
        (pd.Series(["inf", "1"]), "'inf' in row 1"),
        (pd.Series([[1], 2], dtype=object), r"'\[1\]' in row 1"),
        (pd.Series([dt.date(2020, 1, 1)], dtype=object), "'2020-01-01' in row 1"),
    ],
)
def test_what_is_no_number(column: pd.Series, message: str) -> None:
    with pytest.raises(ValueTypeError, match=message):
        numeric(column, "y1")


def test_all_missing_is_all_nan() -> None:
    for column in (pd.Series([None, None], dtype=object), pd.Series([pd.NA, pd.NA], dtype="string")):
        assert np.isnan(numeric(column, "y")).all()
