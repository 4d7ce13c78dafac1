"""Analyses that were not planned are possible, and marked wherever they appear."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import trialkit as tk
from tests.plan.test_run import PLAN, data
from trialkit.errors import UsageError
from trialkit.report.save import Report, load_content
from trialkit.results import Result


@pytest.fixture(scope="module")
def trial() -> tk.Trial:
    return tk.Trial(data(), arm="arm", control="solo", unit="id", group="group")


@pytest.fixture(scope="module")
def content(trial: tk.Trial) -> Report:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    base = tk.Plan.from_text(PLAN).run(data())
    added = base.with_unplanned("Without the covariate", tk.itt(trial, "y"), reason="A reviewer asked.", by="B. de Vries", at=at)
    return added.with_unplanned("<b>Balance</b>", tk.selection.balance(trial, ["y0"]), reason="To see.", at=at)


def test_rows_say_what_was_planned(content: Report, trial: tk.Trial) -> None:
    rows = content.tidy().set_index("name")
    assert rows.loc[["mood", "job", "calls"], "planned"].all()
    row = rows.loc["Without the covariate"]
    assert not row["planned"] and row["role"] == "unplanned"
    assert row["estimate"] == tk.itt(trial, "y").estimates[0].estimate


def test_the_marks_are_on_the_page_in_the_tables_and_in_the_results(content: Report, tmp_path: Path) -> None:
    page = content.save(tmp_path / "report").read_text("utf-8")
    assert "Without the covariate (not planned)" in page and "Analyses that were not planned" in page
    assert "&lt;b&gt;Balance&lt;/b&gt; (not planned)" in page and "2 analyses added" in page and "<b>Balance" not in page
    stored = json.loads((tmp_path / "report" / "results.json").read_text("utf-8"))
    assert [u["planned"] for u in stored["departures"]["unplanned"]] == [False, False]
    effects = pd.read_csv(tmp_path / "report" / "tables" / "effects.csv")
    assert effects.set_index("name")["planned"].to_dict()["Without the covariate"] is False
    assert not pd.read_csv(tmp_path / "report" / "tables" / "unplanned_2.csv")["planned"].any()
    assert load_content(tmp_path / "report").to_dict() == content.to_dict()


def test_the_planned_parts_stay_as_they_were(content: Report) -> None:
    base = tk.Plan.from_text(PLAN).run(data(), now=content.created)
    left = {k: v for k, v in content.to_dict().items() if k != "departures"}
    assert left == {k: v for k, v in base.to_dict().items() if k != "departures"}


def test_what_tells_a_reader_nothing_is_refused(content: Report, trial: tk.Trial) -> None:
    found = tk.itt(trial, "y")
    with pytest.raises(UsageError, match="a result of trialkit"):
        content.with_unplanned("x", found.tidy(), reason="r")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="reason is not said"):
        content.with_unplanned("x", found, reason="  ")
    with pytest.raises(UsageError, match="needs a name"):
        content.with_unplanned("", found, reason="r")
    with pytest.raises(UsageError, match="already"):
        content.with_unplanned("Without the covariate", found, reason="r")
    with pytest.raises(UsageError, match="time zone"):
        content.with_unplanned("x", found, reason="r", at=datetime(2026, 1, 1))


def test_both_languages_say_not_planned(content: Report, tmp_path: Path) -> None:
    page = content.save(tmp_path / "report", language="nl").read_text("utf-8")
    assert "Without the covariate (niet gepland)" in page and "Analyses die niet gepland waren" in page


def test_a_kind_that_cannot_be_read_back_is_refused(content: Report, trial: tk.Trial) -> None:
    @dataclass(frozen=True)
    class Own(Result):
        kind = "own_kind_of_this_test"

    Result.kinds.pop("own_kind_of_this_test")
    with pytest.raises(UsageError, match="does not know"):
        content.with_unplanned("x", Own(tk.itt(trial, "y").estimates), reason="r")
