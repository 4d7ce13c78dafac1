"""A report on disk: whole or not at all, the same every time, and drawn again from its numbers alone."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.report.contents import HOSTILE, content, hostile
from trialkit.errors import FileReadError, UsageError
from trialkit.report.save import load_content, save_report

FIGURES = ["flow", "forest", "group-sizes", "love", "primary"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_report(content(), tmp_path_factory.mktemp("saved") / "report").parent


def fingerprints(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_the_folder_holds_page_numbers_tables_and_figures(report: Path) -> None:
    assert (
        sorted(p.stem for p in (report / "figures").glob("*.svg"))
        == FIGURES
        == sorted(p.stem for p in (report / "figures").glob("*.png"))
    )
    assert sorted(p.stem for p in (report / "tables").glob("*.csv")) == (
        [
            "analysed",
            "arm_means",
            "attrition",
            "companions",
            "effect_sizes",
            "effects",
            "families",
            "flow",
            "groups",
            "scales",
            "table1",
        ]
    )
    for path in (report / "figures").glob("*.png"):
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert width >= 1000 and height > 150


def test_results_are_strict_json_with_every_digit(report: Path) -> None:
    stored = json.loads((report / "results.json").read_text(encoding="utf-8"), parse_constant=lambda c: pytest.fail(c))
    first = content().outcomes[0].result.estimates[0]
    assert stored["outcomes"][0]["result"]["estimates"][0]["estimate"] == first.estimate
    assert list(stored)[:3] == ["content_version", "title", "population"]


def test_tables_hold_unrounded_numbers(report: Path) -> None:
    effects = pd.read_csv(report / "tables" / "effects.csv", dtype=str)
    expected = content().tidy()
    for column in ("estimate", "p_adjusted"):
        np.testing.assert_array_equal(effects[column].astype(float), expected[column])
    assert pd.read_csv(report / "tables" / "groups.csv")["planned_icc"].eq(0.05).all()


def test_a_report_is_drawn_again_from_results_json_alone(report: Path, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_bytes((report / "results.json").read_bytes())
    again = save_report(load_content(tmp_path / "results.json"), tmp_path / "again").parent
    assert fingerprints(again) == fingerprints(report)


def test_a_report_of_hostile_labels_survives_the_round(tmp_path: Path) -> None:
    first = save_report(hostile(), tmp_path / "first").parent
    again = save_report(load_content(first), tmp_path / "again").parent
    assert fingerprints(again) == fingerprints(first)
    assert HOSTILE in (first / "results.json").read_text(encoding="utf-8")


def test_another_process_writes_the_same_bytes(report: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from trialkit.report.save import load_content, save_report; "
        "save_report(load_content(sys.argv[1]), sys.argv[2]); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(report), str(tmp_path / "other")], check=True, timeout=120, env={"PYTHONHASHSEED": "7"}
    )
    assert fingerprints(tmp_path / "other") == fingerprints(report)


def test_an_older_report_is_replaced_and_a_foreign_folder_is_not(report: Path, tmp_path: Path) -> None:
    target = tmp_path / "report"
    save_report(content(), target)
    (target / "tables" / "old.csv").write_text("a\n")
    path = save_report(content(grouped=False), target)
    assert path == target / "index.html" and not (target / "tables" / "old.csv").exists()
    assert not (target / "figures" / "group-sizes.svg").exists()
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter.txt").write_text("years of work")
    with pytest.raises(UsageError, match="did not write"):
        save_report(content(), foreign)
    assert (foreign / "chapter.txt").read_text() == "years of work"


def test_a_failure_half_way_leaves_the_last_report(tmp_path: Path) -> None:
    target = tmp_path / "report"
    save_report(content(), target)
    before = fingerprints(target)

    def stop(what: str, step: int, steps: int) -> None:
        if what == "love":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_report(content(grouped=False), target, progress=stop)
    assert fingerprints(target) == before
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    save_report(content(), tmp_path / "r", progress=lambda *a: heard.append(a))
    assert [h[0] for h in heard] == ["primary", "flow", "love", "forest", "group-sizes", "index.html", "report.docx", "done"]
    assert [h[1] for h in heard] == [0, 1, 2, 3, 4, 5, 6, 7] and {h[2] for h in heard} == {7}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"content_version": 1, "title": "x"', "truncated"),
        ('{"content_version": 1, "title": NaN}', "no JSON number"),
        ("[1]", "is not the results.json of a report"),
        ('{"content_version": 99}', "another version of trialkit .form 99; this version reads 1"),
        ('{"content_version": 1, "title": "x"}', "lacks parts"),
    ],
)
def test_what_is_no_results_file_is_refused_in_words(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(FileReadError, match=message):
        load_content(path)


def test_an_absent_or_binary_results_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileReadError, match="there is no file"):
        load_content(tmp_path / "none.json")
    (tmp_path / "results.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(FileReadError, match="no JSON"):
        load_content(tmp_path)


def test_several_primary_outcomes_each_have_a_figure(tmp_path: Path) -> None:
    base = content()
    two = replace(base, outcomes=(base.outcomes[0], replace(base.outcomes[1], role="primary"), *base.outcomes[2:]))
    folder = save_report(two, tmp_path / "r").parent
    assert (folder / "figures" / "primary-2.svg").exists()
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert text.count("The outcome: ") == 2 and "standard deviations)" in text
