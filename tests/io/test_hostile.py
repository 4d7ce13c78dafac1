"""Files that are damaged, of another kind, or made to do harm: a sentence each time, and nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest

from trialkit.cli import run
from trialkit.errors import FileReadError, PlanError
from trialkit.io import read
from trialkit.io.guards import zipped
from trialkit.io.guards.places import inside
from trialkit.io.guards.spss import refuse_damaged_spss
from trialkit.io.labels import notes

from .test_read import csv


def test_three_hundred_damaged_files() -> None:
    script = Path(__file__).with_name("fuzz.py")
    done = subprocess.run([sys.executable, str(script), "300"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted.get("escaped", 0) == 0, done.stderr
    assert counted["read"] + counted["refused"] == 300 and counted["refused"] > 100


@pytest.fixture
def spss(tmp_path: Path) -> Path:
    path = tmp_path / "a.zsav"
    frame = pd.DataFrame({"name": ["a", "b"], "long": ["x" * 20, "y"], "job": [1, 2]})
    pyreadstat.write_sav(frame, str(path), compress=True, variable_value_labels={"job": {1: "ja", 2: "nee"}})
    return path


def test_spss_files_that_bring_the_reader_down_are_refused_before(spss: Path, tmp_path: Path) -> None:
    refuse_damaged_spss(spss)
    raw = spss.read_bytes()
    assert read(spss).shape == (2, 3)
    trailer = raw.index((999).to_bytes(4, "little")) + 8
    damages = {
        "more rows than it holds": (80, (2**30).to_bytes(4, "little")),
        "how the data are stored": (72, (7).to_bytes(4, "little")),
        "description of a variable cannot be": (176 + 4, (900).to_bytes(4, "little")),
        "does not take the room": (176 + 4, (30).to_bytes(4, "little")),
        "directory of its compressed data is not where": (trailer + 8, (2**40).to_bytes(8, "little")),
        "unknown kind": (176, (55).to_bytes(4, "little")),
    }
    for message, (place, new) in damages.items():
        path = tmp_path / "b.zsav"
        path.write_bytes(raw[:place] + new + raw[place + len(new) :])
        with pytest.raises(FileReadError, match=f"damaged.*{message}"):
            read(path)


@pytest.mark.parametrize("compress", [False, True])
def test_sound_spss_files_pass(tmp_path: Path, compress: bool) -> None:
    n = 3_000
    frame = pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "long": ["é" * 700] * n,
            "y": np.arange(n) / 7,
            **{f"v{i}": [i] * n for i in range(40)},
        }
    )
    path = tmp_path / f"a.{'zsav' if compress else 'sav'}"
    pyreadstat.write_sav(
        frame,
        str(path),
        compress=compress,
        column_labels={"y": "Y" * 99},
        note="x" * 70,
        missing_ranges={"v3": [1, 2, 3], "id": ["p1"]},
    )
    assert read(path).shape == (n, 43)
    pyreadstat.write_sav(frame, str(tmp_path / "row.sav"), row_compress=True)
    assert read(tmp_path / "row.sav")["y"].tolist() == frame["y"].tolist()


def sheet(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def with_part(path: Path, target: Path, part: str, content: bytes) -> Path:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return target


def test_workbooks_that_unpack_to_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "_LARGE", 2**20)
    small = sheet(tmp_path / "a.xlsx", [["id", "y"], [1, 2]])
    assert read(small).shape == (1, 2)
    bomb = with_part(small, tmp_path / "b.xlsx", "xl/worksheets/sheet1.xml", b"<a>" + b" " * 2**22)
    with pytest.raises(FileReadError, match=r"unpacks to 4 MB, \d+ times its size"):
        read(bomb)


def test_entities_that_multiply_are_not_expanded(tmp_path: Path) -> None:
    small = sheet(tmp_path / "a.xlsx", [["id", "y"], [1, 2]])
    with zipfile.ZipFile(small) as archive:
        written = archive.read("xl/worksheets/sheet1.xml")
    entities = b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    laughs = b'<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">' + entities + b"]>" + written.replace(b"<v>2</v>", b"<v>&j;</v>")
    with pytest.raises(FileReadError, match="cannot be read as"):
        read(with_part(small, tmp_path / "b.xlsx", "xl/worksheets/sheet1.xml", laughs))


def test_a_cell_far_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sheet(tmp_path / "a.xlsx", [["id", "y"], [1, 2]])
    book = openpyxl.load_workbook(path)
    book.active["XFD9"] = 1
    book.save(path)
    monkeypatch.setattr(zipped, "MOST_CELLS", 10_000)
    with pytest.raises(FileReadError, match="Delete the empty columns"):
        read(path)


@pytest.mark.parametrize(
    ("name", "start", "message"),
    [
        ("a.csv", b"PK\x03\x04", r"workbook.*Rename it to a\.xlsx"),
        ("a.csv", b"$FL2@(#)", r"SPSS file.*Rename it to a\.sav"),
        ("a.sav", b"<stata_dta>", r"Stata file.*Rename it to a\.dta"),
        ("a.dta", b"PAR1", r"Rename it to a\.parquet"),
        ("a.csv", b"%PDF-1.7", "PDF document"),
        ("a.csv", b"\x1f\x8b\x08", "gzip"),
        ("a.csv", b"\xef\xbb\xbf<!DOCTYPE html><html>", "log-in"),
        ("a.xlsx", b"$FL2@(#)", "SPSS file"),
    ],
)
def test_files_under_another_ending(tmp_path: Path, name: str, start: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(start + b"\n1,2\n" * 50)
    with pytest.raises(FileReadError, match=message):
        read(tmp_path / name)


def test_utf16_without_its_mark(tmp_path: Path) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        data = read(csv(tmp_path, "naam,y1\nRenée,1\nZoë,2\n", encoding=encoding))
        assert data["naam"].tolist() == ["Renée", "Zoë"] and encoding in notes(data)[0]


def test_long_cells_many_columns_and_huge_numbers(tmp_path: Path) -> None:
    assert len(read(csv(tmp_path, "id,x\n1," + "a" * 100_000 + "\n2,b\n"))["x"].tolist()[0]) == 100_000
    with pytest.raises(FileReadError, match="line 2: a cell is longer than 131072 characters"):
        read(csv(tmp_path, "id,x\n1," + "a" * 200_000 + "\n2,b\n"))
    wide = ",".join(f"c{i}" for i in range(10_000)) + "\n" + ",".join("1" for _ in range(10_000)) + "\n"
    assert read(csv(tmp_path, wide)).shape == (1, 10_000)
    assert read(csv(tmp_path, "id,x\n1,1e400\n2,2\n"))["x"].tolist() == ["1e400", "2"]


def test_too_little_memory_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("trialkit.io.delimited.read_delimited", fail)
    with pytest.raises(FileReadError, match="more memory than there is"):
        read(csv(tmp_path, "a,b\n1,2\n"))


def test_a_plan_names_files_of_its_own_folder_only(tmp_path: Path) -> None:
    study = tmp_path / "study"
    (study / "scales").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (study / "scales" / "own.csv").write_text("a\n1\n")
    assert inside(study, "scales/own.csv") == study / "scales" / "own.csv"
    assert inside(study, "scales/../scales/own.csv").exists() and inside(study, str(study / "scales" / "own.csv")).exists()
    (study / "link.csv").symlink_to(tmp_path / "secret.csv")
    (study / "circle").symlink_to(study / "circle")
    (study / "near.csv").symlink_to(study / "scales" / "own.csv")
    assert inside(study, "near.csv").exists()
    for name in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv", "scales/../../secret.csv", "/etc/passwd", "a\0b"):
        with pytest.raises(PlanError, match=r"outside the folder of the plan|NUL"):
            inside(study, name)


def test_the_command_line_says_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = csv(tmp_path, "id,y\n1,\0\n")
    before = source.read_bytes()
    assert run(["export", str(source), "--as", "sav,dictionary", "--out", str(tmp_path / "out")]) == 4
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ") and "NUL byte" in told.err and "Traceback" not in told.err
    assert source.read_bytes() == before and not (tmp_path / "out").exists()
    os.symlink(tmp_path / "gone.csv", tmp_path / "dangling.csv")
    assert run(["export", str(tmp_path / "dangling.csv"), "--as", "sav"]) == 4
    assert run(["export", str(tmp_path / "nowhere" / "a.sav"), "--as", "dta"]) == 4
