"""Missing codes as the researcher declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from trialkit.errors import ColumnNotFoundError, UsageError
from trialkit.io.declare import apply_missing_codes
from trialkit.io.labels import missing_reasons, value_labels, variable_label
from trialkit.io.read import read

from .test_read import csv


def test_codes_for_all_numeric_columns(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,y1,y2,post\n1,-99,2.5,099\n2,3,-98,-99\n3,-99,-99,1\n")
    data = read(path, missing_codes={-99: "refused", "-98": "does not know"})
    assert data["y1"].isna().tolist() == [True, False, True]
    assert missing_reasons(data, "y1") == {"refused": 2}
    assert missing_reasons(data, "y2") == {"refused": 1, "does not know": 1}
    assert data["post"].tolist() == ["099", "-99", "1"] and missing_reasons(data, "post") == {}


def test_codes_of_one_column_go_before_those_of_all(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b\n999,999\n1,1\n")
    data = read(path, missing_codes={"b": {"999": "not asked"}})
    assert data["a"].tolist() == [999, 1] and data["b"].isna().tolist() == [True, False]
    both = read(path, missing_codes={999: "refused", "b": {999: "not asked"}})
    assert missing_reasons(both, "a") == {"refused": 1} and missing_reasons(both, "b") == {"not asked": 1}


def test_words_as_codes_free_a_numeric_column(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "y,arm,post\n1,n.v.t.,1234 AB\nn.v.t.,peer,9999\n"), missing_codes={"n.v.t.": "not asked"})
    assert data["y"].dtype == np.float64 and missing_reasons(data, "y") == {"not asked": 1}
    assert missing_reasons(data, "arm") == {"not asked": 1}
    own = read(csv(tmp_path, "y,post\n1,1234 AB\n2,9999\n"), missing_codes={"post": {9999: "unknown"}})
    assert own["post"].isna().tolist() == [False, True]


def test_number_codes_in_columns_of_dates_and_truth_values(tmp_path: Path) -> None:
    data = read(csv(tmp_path, "born,job\n1990-01-01,TRUE\n-99,-99\n"), missing_codes={-99: "refused"})
    assert pd.api.types.is_datetime64_any_dtype(data["born"].dtype) and missing_reasons(data, "born") == {"refused": 1}
    assert data["job"].isna().tolist() == [False, True]


def test_undeclared_codes_are_never_recoded(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "y,x\n-99,1\n3,999\n")).to_dict("list") == {"y": [-99, 3], "x": [1, 999]}


@pytest.mark.parametrize(
    "codes", [[-99], {-99: ""}, {-99: None}, {"": "refused"}, {True: "refused"}, {np.nan: "refused"}, {(1,): "refused"}]
)
def test_codes_that_are_none_are_refused(tmp_path: Path, codes: object) -> None:
    with pytest.raises(UsageError, match="missing_codes"):
        read(csv(tmp_path, "y,x\n1,2\n"), missing_codes=codes)  # type: ignore[arg-type]


def test_codes_for_an_absent_column_propose_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'income'"):
        read(csv(tmp_path, "id,income\n1,2\n"), missing_codes={"incom": {-9: "refused"}})


FRAME: dict[str, list[object]] = {
    "y": [1, -99, 3],
    "score": ["2", "n.v.t.", "-99"],
    "mixed": [1, "n.v.t.", -99],
    "arm": ["peer", "individual", "n.v.t."],
    "untouched": ["", "NA", "007"],
}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict])
def test_codes_in_a_frame_in_memory(make: Any) -> None:
    columns = {name: cells for name, cells in FRAME.items() if make is not pl.DataFrame or name != "mixed"}
    data = apply_missing_codes(make(columns), {"-99": "refused", "n.v.t.": "not asked"})
    assert data["y"].isna().tolist() == [False, True, False] and missing_reasons(data, "y") == {"refused": 1}
    assert data["score"].tolist()[0] == "2" and missing_reasons(data, "score") == {"not asked": 1, "refused": 1}
    assert data["arm"].isna().tolist() == [False, False, True] and data["untouched"].tolist() == ["", "NA", "007"]
    if "mixed" in data:
        assert data["mixed"].isna().tolist() == [False, True, True] and missing_reasons(data, "mixed") == {
            "not asked": 1,
            "refused": 1,
        }


def test_codes_in_a_frame_keep_index_labels_and_the_given_data() -> None:
    given = pd.DataFrame({"y": [8, 2], "c": pd.Categorical(["a", "geen"])}, index=[7, 3])
    given.attrs["trialkit"] = {"columns": {"y": {"label": "Job", "value_labels": [[2, "no"], [8, "refused"]]}}}
    data = apply_missing_codes(given, {8: "would not say", "c": {"geen": "none", "zelden": "rare"}})
    assert data.index.tolist() == [7, 3] and data["y"].isna().tolist() == [True, False] and given["y"].tolist() == [8, 2]
    assert value_labels(data, "y") == {2: "no"} and variable_label(data, "y") == "Job"
    assert missing_reasons(data, "c") == {"none": 1} and data["c"].cat.categories.tolist() == ["a"]
    again = apply_missing_codes(data, {8: "would not say"})
    assert missing_reasons(again, "y") == {"would not say": 1}


def test_no_codes_change_nothing_and_absent_columns_are_refused() -> None:
    frame = pd.DataFrame({"y": [1, -99]})
    assert apply_missing_codes(frame, None).equals(frame) and apply_missing_codes(frame, {}).attrs == {}
    with pytest.raises(ColumnNotFoundError):
        apply_missing_codes(frame, {"income": {-99: "refused"}})
