"""Folders, texts and tables: whole or not at all, the same bytes everywhere."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyreadstat
import pytest

from trialkit.errors import DataError, UsageError
from trialkit.io import write
from trialkit.io.read import read
from trialkit.io.write import MARKER, atomic_folder, atomic_text, content_hash, sha256_of, write_csv

from .test_read import text_as_objects


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def fill(target: Path, text: str) -> None:
    with atomic_folder(target) as folder:
        (folder / "results.json").write_text(text)


def test_folder_appears_and_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "report"
    fill(target, "1")
    (target / "old.html").write_text("old")
    fill(target, "2")
    assert entries(target) == [MARKER, "results.json"] and (target / "results.json").read_text() == "2"
    assert entries(target.parent) == ["report"]


def test_folder_is_not_there_before_the_end(tmp_path: Path) -> None:
    target = tmp_path / "report"
    with atomic_folder(target) as folder:
        assert folder.parent == target.parent and not target.exists()


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_failure_leaves_the_former_folder(tmp_path: Path, failure: type[BaseException]) -> None:
    target = tmp_path / "report"
    fill(target, "1")
    with pytest.raises(failure), atomic_folder(target) as folder:
        (folder / "half").write_text("half")
        raise failure
    assert entries(tmp_path) == ["report"] and (target / "results.json").read_text() == "1"


def test_failure_of_the_swap_brings_the_former_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report"
    fill(target, "1")
    real = Path.rename

    def fail_on_the_way_in(self: Path, to: Any) -> Path:
        if self.suffix == ".tmp":
            raise OSError("disk full")
        return real(self, to)

    monkeypatch.setattr("trialkit.io.write.exchange", lambda one, other: False)  # where folders cannot be exchanged at once
    monkeypatch.setattr(Path, "rename", fail_on_the_way_in)
    with pytest.raises(OSError, match="disk full"):
        fill(target, "2")
    assert entries(tmp_path) == ["report"] and (target / "results.json").read_text() == "1"


def test_folders_of_others_and_files_are_refused_before_any_work(tmp_path: Path) -> None:
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter.docx").write_text("years")
    with pytest.raises(UsageError, match="did not write"):
        fill(mine, "1")
    with pytest.raises(UsageError, match="is a file"):
        fill(mine / "chapter.docx", "1")
    assert entries(tmp_path) == ["thesis"] and entries(mine) == ["chapter.docx"]


def test_empty_folder_and_link_are_filled(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    fill(tmp_path / "link", "1")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "results.json").read_text() == "1"


def test_folder_that_someone_fills_meanwhile_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "report"
    with pytest.raises(UsageError, match="did not write"), atomic_folder(target):
        target.mkdir()
        (target / "theirs").write_text("x")
    assert entries(target) == ["theirs"] and entries(tmp_path) == ["report"]


def test_text_is_utf8_with_lf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "plan.toml"
    atomic_text(path, "naam = 'Renée'\n")
    assert path.read_bytes() == "naam = 'Renée'\n".encode()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        atomic_text(path, "half")
    assert path.read_text() == "naam = 'Renée'\n" and entries(path.parent) == ["plan.toml"]
    with pytest.raises(UsageError, match="is a folder"):
        atomic_text(tmp_path, "x")


FRAME = pd.DataFrame(
    {
        "id": ["a", "=1+1", "+2", "@x", "-x", "\tx", "\rx", None],
        "y": [0.1, -5.0, np.nan, 1e300, 1 / 3, -0.5, 2.0, 3.0],
        "k": [1, -2, 3, 4, 5, 6, 7, 8],
        "b": [True, False] * 4,
        "d": pd.to_datetime(["2020-01-31", None, "2020-01-31 10:30", *["2020-02-01"] * 5], format="mixed"),
        "remark": ['say "x"', "a,b", "line\nbreak", "é", "", "x", "=cmd|'/c calc'!A1", "plain"],
    }
)


def test_csv_bytes(tmp_path: Path) -> None:
    write_csv(FRAME, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes().decode() == (
        "id,y,k,b,d,remark\n"
        'a,0.1,1,True,2020-01-31,"say ""x"""\n'
        '\'=1+1,-5.0,-2,False,,"a,b"\n'
        '\'+2,,3,True,2020-01-31 10:30:00,"line\nbreak"\n'
        "'@x,1e+300,4,False,2020-02-01,é\n"
        "'-x,0.3333333333333333,5,True,2020-02-01,\n"
        "'\tx,-0.5,6,False,2020-02-01,x\n"
        "\"'\rx\",2.0,7,True,2020-02-01,'=cmd|'/c calc'!A1\n"
        ",3.0,8,False,2020-02-01,plain\n"
    )


def test_csv_is_the_same_from_other_kinds_of_columns(tmp_path: Path) -> None:
    write_csv(FRAME, tmp_path / "a.csv")
    with text_as_objects():
        write_csv(
            FRAME.astype({"id": object, "remark": "category", "k": "Int64", "b": "boolean", "y": "Float64"}), tmp_path / "b.csv"
        )
    write_csv(pl.from_pandas(FRAME), tmp_path / "c.csv")
    assert sha256_of(tmp_path / "a.csv") == sha256_of(tmp_path / "b.csv") == sha256_of(tmp_path / "c.csv")


def test_csv_header_and_single_empty_cell(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"=y": [1.0, np.nan, 2.0]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == '\'=y\n1.0\n""\n2.0\n'
    assert read(tmp_path / "a.csv")["'=y"].isna().tolist() == [False, True, False]


def test_csv_reads_back_to_the_same_content(tmp_path: Path) -> None:
    plain = FRAME[["y", "k", "b", "d"]]
    write_csv(plain, tmp_path / "a.csv")
    assert content_hash(read(tmp_path / "a.csv")) == content_hash(plain)


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


BASE = pd.DataFrame({"id": ["a", "b", "c"], "y": [1.0, 2.0, 3.0], "arm": ["p", "i", "p"], "z": [0.1, None, -2.5]})


def test_content_hash_follows_its_definition() -> None:
    said = "trialkit content 1;3;3:arm|1:p;1:i;1:p2:id|1:a;1:b;1:c1:y|1:1;1:2;1:31:z|3:0.1;-;4:-2.5"
    assert content_hash(BASE) == hashlib.sha256(said.encode()).hexdigest()


@pytest.mark.parametrize(
    "same",
    [
        BASE.astype({"y": "int64"}),
        BASE.astype({"y": "Int64", "z": "Float64"}),
        BASE.astype({"arm": "category", "id": "string"}),
        BASE.astype({"arm": object, "id": object}),
        BASE[["z", "arm", "y", "id"]],
        BASE.set_index(pd.Index([7, 8, 9])),
        pl.DataFrame(BASE.to_dict("list")).with_columns(pl.col("z").fill_nan(None)),
    ],
)
def test_content_hash_ignores_dress(same: Any) -> None:
    assert content_hash(same) == content_hash(BASE)
    with text_as_objects():
        assert content_hash(same) == content_hash(pd.DataFrame(BASE.to_dict("list")))


@pytest.mark.parametrize(
    "other",
    [
        BASE.rename(columns={"y": "yy"}),
        BASE.iloc[::-1],
        BASE.iloc[:2],
        BASE.assign(y=[1.0, 2.0, 3.0000000000000004]),
        BASE.assign(z=[0.1, 0.0, -2.5]),
        BASE.assign(id=["ab", "", "c"]),
        BASE.assign(arm=["p", "i", "P"]),
        BASE.drop(columns="z"),
        BASE.rename(columns={"y": "z", "z": "y"}),
    ],
)
def test_content_hash_tells_apart(other: pd.DataFrame) -> None:
    assert content_hash(other) != content_hash(BASE)


def test_content_hash_of_missing_truth_dates_and_zero() -> None:
    def of(*cells: Any, dtype: Any = None) -> str:
        return content_hash(pd.DataFrame({"x": pd.Series(list(cells), dtype=dtype)}))

    assert of("a", None) == of("a", np.nan) == of("a", "") == of("a", pd.NA, dtype="string")
    assert of(True, False) == of(1, 0) == of(True, False, dtype="boolean") and of(-0.0, 1) == of(0, 1)
    assert of(None, None) == of(np.nan, np.nan) == of("", "")
    day = dt.date(2020, 1, 31)
    assert of(day) == of(pd.Timestamp(day)) == of(np.datetime64(day, "s")) != of(pd.Timestamp("2020-01-31 01:00"))
    with pytest.raises(DataError, match="holds a list"):
        of([1, 2], dtype=object)


def test_content_hash_is_the_same_out_of_every_format(tmp_path: Path) -> None:
    frame = BASE.assign(d=[dt.date(2020, 1, 31), dt.date(2020, 2, 1), None])
    pyreadstat.write_sav(frame, str(tmp_path / "a.sav"))
    pyreadstat.write_dta(frame, str(tmp_path / "a.dta"))
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    assert {content_hash(read(tmp_path / f"a.{kind}")) for kind in ("sav", "dta", "csv", "xlsx", "parquet")} == {
        content_hash(frame)
    }


def test_marker_says_what_it_is(tmp_path: Path) -> None:
    fill(tmp_path / "report", "1")
    assert "written by trialkit" in (tmp_path / "report" / write.MARKER).read_text()
