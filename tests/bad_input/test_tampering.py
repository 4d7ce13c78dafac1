"""What stands beside a certificate is held: release, seed file, list, workbook. Each change by itself, where the whole of `tampering` is long."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from trialkit.design import allocate, complete, release, verify_certificate
from trialkit.errors import LockError


def people() -> pd.DataFrame:
    return pd.DataFrame({"id": [f"p{i:02d}" for i in range(12)], "name": [f"Name {i}" for i in range(12)]})


def held(folder: Path) -> dict[str, tuple[bool | None, str]]:
    return {c.name: (c.ok, c.sentence) for c in verify_certificate(folder / "certificate.json", people()).checks}


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    allocate(complete(people(), unit="id", arms={"solo": 1, "peer": 1}), folder=tmp_path / "a", seed=99, show=["name"])
    return tmp_path / "a"


@pytest.fixture
def released(drawn: Path) -> Path:
    release(drawn, enrolment_closed=True)
    return drawn


def changed(path: Path, change: Callable[[dict], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def test_what_was_written_holds(drawn: Path) -> None:
    assert held(drawn)["seed file"][0] is True
    release(drawn, enrolment_closed=True)
    found = verify_certificate(drawn / "certificate.json", people())
    assert found.ok, found
    assert held(drawn)["release"][1].endswith("as the log says")
    assert "the certificate does not hold 'name'" in held(drawn)["people"][1]


@pytest.mark.parametrize("name", ["seed.release.json", "allocation.seed.json"])
def test_every_character_of_the_release_and_the_seed_file_is_held(name: str, released: Path) -> None:
    path, draw = released / name, random.Random(name)
    good = path.read_bytes()
    for where in draw.sample(range(len(good)), 60):
        byte = good[where : where + 1]
        other = (
            b"7"
            if byte.isdigit() and byte != b"7"
            else b"0"
            if byte == b"7"
            else b"x"
            if byte.isalpha() and byte != b"x"
            else b" "
        )
        if other == byte:
            continue
        path.write_bytes(good[:where] + other + good[where + 1 :])
        try:
            found = verify_certificate(released / "certificate.json", people())
        except LockError as error:
            assert path.name in str(error)
            continue
        assert any(c.ok is False for c in found.checks), (where, byte, other, str(found))
    path.write_bytes(good)
    assert verify_certificate(released / "certificate.json", people()).ok


RELEASES: dict[str, tuple[Callable[[dict], None], str]] = {
    "another time": (lambda c: c.update(released_at="2020-01-01T00:00:00Z"), "something else than the log"),
    "another certificate": (lambda c: c["batches"][0].update(certificate="0" * 64), "of another certificate"),
    "another batch": (lambda c: c["batches"][0].update(batch=2), "holds no seed of batch 1"),
}


@pytest.mark.parametrize("case", RELEASES)
def test_a_release_is_of_its_certificate_and_of_its_time(case: str, released: Path) -> None:
    change, said = RELEASES[case]
    changed(released / "seed.release.json", change)
    ok, sentence = held(released)["release"]
    assert ok is False and said in sentence


def test_a_release_that_is_gone_is_not_told_as_none(released: Path) -> None:
    (released / "seed.release.json").unlink()
    ok, sentence = held(released)["seed"]
    assert ok is None and "the log says that the seed was released" in sentence


def test_a_damaged_seed_file_is_seen_before_it_is_needed(drawn: Path) -> None:
    changed(drawn / "allocation.seed.json", lambda c: c.update(seed="64"))
    assert held(drawn)["seed file"][0] is False


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_a_seed_file_of_someone_else_is_passed_over(released: Path) -> None:
    (released / "allocation.seed.json").chmod(0)
    assert "was not looked at" in held(released)["seed file"][1]
    assert verify_certificate(released / "certificate.json", people()).ok


def test_names_shifted_in_the_workbook_are_seen(released: Path) -> None:
    path = released / "allocation.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    place = [c.value for c in sheet[1]].index("name") + 1
    sheet.cell(4, place).value, sheet.cell(5, place).value = sheet.cell(5, place).value, sheet.cell(4, place).value
    book.save(path)
    ok, sentence = held(released)["workbook"]
    assert ok is False and "another entry for 'p02' and 'p03'" in sentence


def test_a_column_that_the_people_do_not_have_is_told(released: Path) -> None:
    path = released / "allocation.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    sheet.cell(1, sheet.max_column + 1).value = "phone"
    book.save(path)
    ok, sentence = held(released)["workbook"]
    assert ok is True and "'phone' is no column of the people, and was not compared" in sentence
