"""SPSS, Stata and Parquet files: labels, user-missing codes, dates."""

from __future__ import annotations

import builtins
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from trialkit.errors import FileReadError, UsageError
from trialkit.io.labels import missing_reasons, notes, source, value_labels, variable_label, variable_labels
from trialkit.io.read import read
from trialkit.io.receipt import receipt

from .test_read import text_as_objects


@pytest.fixture
def spss(tmp_path: Path) -> Path:
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3, 4, 5],
            "y1": [1.5, -99.0, np.nan, 998.0, 991.0],
            "sex": [1, 2, 1, 9, 2],
            "city": ["Utrecht", "", "zz", "NA", "Ede"],
            "start": [dt.date(2020, 1, 31), None, dt.date(1950, 5, 5), dt.date(2020, 1, 31), dt.date(2020, 2, 1)],
            "seen": pd.to_datetime(["2020-01-01 10:30:00"] * 5),
            "clock": [dt.time(1, 2, 3)] * 5,
        }
    )
    path = tmp_path / "people.sav"
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={"y1": "Wellbeing", "sex": "Sex"},
        variable_value_labels={"y1": {-99.0: "refused", 998.0: "does not know"}, "sex": {1: "man", 2: "woman", 9: "no answer"}},
        missing_ranges={"y1": [{"lo": 990, "hi": 999}, -99], "sex": [9], "city": ["zz"]},
    )
    return path


def test_spss_user_missing_ranges_and_labels(spss: Path) -> None:
    data = read(spss)
    assert data["y1"].isna().tolist() == [False, True, True, True, True]
    assert missing_reasons(data, "y1") == {"refused": 1, "991": 1, "does not know": 1}
    assert value_labels(data, "y1") == {}
    assert data["sex"].isna().tolist() == [False, False, False, True, False]
    assert missing_reasons(data, "sex") == {"no answer": 1} and value_labels(data, "sex") == {1: "man", 2: "woman"}
    assert variable_label(data, "y1") == "Wellbeing" and variable_labels(data) == {"y1": "Wellbeing", "sex": "Sex"}


def test_spss_whole_numbers_empty_text_and_text_codes(spss: Path) -> None:
    data = read(spss)
    assert data["id"].dtype == np.int64
    assert data["city"].isna().tolist() == [False, True, True, False, False] and data["city"].tolist()[3] == "NA"
    assert missing_reasons(data, "city") == {"zz": 1}


def test_spss_dates(spss: Path) -> None:
    data = read(spss)
    assert data["start"].tolist()[0] == pd.Timestamp("2020-01-31") and data["start"].tolist()[2] == pd.Timestamp("1950-05-05")
    assert data["start"].isna().tolist() == [False, True, False, False, False]
    assert data["seen"].tolist()[0] == pd.Timestamp("2020-01-01 10:30:00")
    assert data["clock"].tolist()[0] == 3723 and any("'clock' holds times" in note for note in notes(data))


def test_spss_with_further_codes_and_reasons_of_the_researcher(spss: Path) -> None:
    data = read(spss, missing_codes={-99: "would not say", "sex": {2: "why"}, "city": {"Ede": "moved"}})
    assert missing_reasons(data, "y1") == {"would not say": 1, "991": 1, "does not know": 1}
    assert missing_reasons(data, "sex") == {"no answer": 1, "why": 2} and value_labels(data, "sex") == {1: "man"}
    assert missing_reasons(data, "city") == {"zz": 1, "moved": 1}


def test_spss_open_ranges_and_codes_in_dates(tmp_path: Path) -> None:
    path = tmp_path / "a.zsav"
    frame = pd.DataFrame({"y": [1.0, -5.0, -9.0], "d": [dt.date(2020, 1, 1), dt.date(2020, 1, 2), dt.date(1582, 10, 15)]})
    pyreadstat.write_sav(frame, str(path), compress=True, missing_ranges={"y": [{"lo": float("-inf"), "hi": -1}], "d": [86_400]})
    data = read(path)
    assert data["y"].isna().tolist() == [False, True, True] and missing_reasons(data, "y") == {"-9": 1, "-5": 1}
    assert data["d"].isna().tolist() == [False, False, True]


def test_stata_extended_missing_labels_and_dates(tmp_path: Path) -> None:
    path = tmp_path / "people.dta"
    frame = pd.DataFrame(
        {
            "y": pd.Series([1, 2, "a", "b", "a"], dtype=object),
            "sex": [1, 2, 1, 2, 1],
            "name": ["x", "", None, "y", "z"],
            "start": [dt.date(2020, 1, 31)] * 4 + [None],
            "seen": pd.to_datetime(["2020-01-01 10:30"] * 5),
            "clock": [dt.time(1, 2, 3)] * 5,
        }
    )
    pyreadstat.write_dta(
        frame,
        str(path),
        column_labels={"y": "Wellbeing"},
        variable_value_labels={"y": {"a": "refused", 1: "low"}, "sex": {1: "man", 2: "woman"}},
        missing_user_values={"y": ["a", "b"]},
    )
    data = read(path)
    assert data["y"].tolist()[:2] == [1, 2] and data["y"].isna().sum() == 3 and data["y"].dtype == np.float64
    assert missing_reasons(data, "y") == {"refused": 2, ".b": 1} and value_labels(data, "y") == {1: "low"}
    assert value_labels(data, "sex") == {1: "man", 2: "woman"} and variable_label(data, "y") == "Wellbeing"
    assert data["name"].isna().tolist() == [False, True, True, False, False]
    assert data["start"].tolist()[0] == pd.Timestamp("2020-01-31") and data["start"].isna().tolist()[4]
    assert data["seen"].tolist()[0] == pd.Timestamp("2020-01-01 10:30") and data["clock"].tolist()[0] == 3723


def test_stata_files_of_pandas_with_categories(tmp_path: Path) -> None:
    path = tmp_path / "old.dta"
    pd.DataFrame({"arm": pd.Categorical(["a", None, "b"]), "y": [1.5, np.nan, 2]}).to_stata(path, write_index=False, version=114)
    data = read(path)
    assert data["arm"].isna().tolist() == [False, True, False] and value_labels(data, "arm") == {0: "a", 1: "b"}


def test_text_columns_of_pandas_2(spss: Path) -> None:
    with text_as_objects():
        data = read(spss)
        assert data["city"].tolist()[0] == "Utrecht" and data["city"].isna().sum() == 2
        assert receipt(data).columns[3].kind == "text"


def test_text_that_holds_numbers_stays_text_unless_the_decimal_sign_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(pd.DataFrame({"y": ["1,5", "2", "-99"], "k": ["007", "008", "009"]}), str(path))
    assert read(path)["y"].tolist() == ["1,5", "2", "-99"]
    # A declared code is missing also where the numbers are stored as text: it would count as a number later.
    assert missing_reasons(read(path, missing_codes={-99: "refused"}), "y") == {"refused": 1}
    data = read(path, decimal=",", missing_codes={-99: "refused"})
    assert data["y"].tolist()[:2] == [1.5, 2] and data["k"].tolist() == ["007", "008", "009"]


def test_wrong_encoding_of_an_spss_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(pd.DataFrame({"naam": ["Renée"]}), str(path))
    with pytest.raises(FileReadError, match="encoding"):
        read(path, encoding="no-such-encoding")


def test_parquet_with_types_and_codes(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["007", None],
            "y": pa.array([1, -99], pa.int64()),
            "z": pa.array([None, 2], pa.int32()),
            "start": pa.array([dt.date(2020, 1, 31), None], pa.date32()),
            "money": pa.array([None, 12], pa.decimal128(10, 2)),
            "job": pa.array([True, None]),
            "arm": pa.array(["a", "onbekend"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet", missing_codes={-99: "refused", "onbekend": "unknown"})
    assert data["id"].isna().tolist() == [False, True] and missing_reasons(data, "y") == {"refused": 1}
    assert data["start"].tolist()[0] == pd.Timestamp("2020-01-31") and data["money"].tolist()[1] == 12.0
    assert data["job"].isna().tolist() == [False, True] and missing_reasons(data, "arm") == {"unknown": 1}
    assert [column.kind for column in receipt(data).columns] == ["text", "number", "number", "date", "number", "number", "text"]


def test_parquet_keeps_labels_and_a_named_index(spss: Path, tmp_path: Path) -> None:
    data = read(spss)
    data.to_parquet(tmp_path / "kept.parquet")
    kept = read(tmp_path / "kept.parquet")
    assert variable_label(kept, "y1") == "Wellbeing" and missing_reasons(kept, "sex") == {"no answer": 1}
    origin = source(kept)
    assert origin is not None and origin["file"] == "kept.parquet"
    data.set_index("id").iloc[::-1].to_parquet(tmp_path / "indexed.parquet")
    assert read(tmp_path / "indexed.parquet")["id"].tolist() == [5, 4, 3, 2, 1]


def test_parquet_with_lists_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"y": [[1, 2], [3]]}), tmp_path / "a.parquet")
    with pytest.raises(FileReadError, match=r"column 'y'.*where one value is needed"):
        read(tmp_path / "a.parquet")


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table({"y": [1]}), tmp_path / "a.parquet")
    real = builtins.__import__

    def without_pyarrow(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    with pytest.raises(UsageError, match=r'pip install "trialkit\[parquet\]"'):
        read(tmp_path / "a.parquet")


def test_stata_header_that_announces_too_many_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.dta"
    pyreadstat.write_dta(pd.DataFrame({"y": np.arange(5.0)}), str(path))
    raw = path.read_bytes()
    start = raw.index(b"<N>") + 3
    path.write_bytes(raw[:start] + (2**30).to_bytes(8, "little") + raw[start + 8 :])
    with pytest.raises(FileReadError, match="announces more rows than it holds"):
        read(path)


def test_dates_beyond_any_calendar(tmp_path: Path) -> None:
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(pd.DataFrame({"d": [1e9, 1e300]}), str(path), variable_format={"d": "DATE11"})
    with pytest.raises(FileReadError, match="column 'd' holds dates beyond any calendar"):
        read(path)
