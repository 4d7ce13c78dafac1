"""What docs/selection.md shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import trialkit as tk
from tests.plan.test_selection_of_a_run import text
from trialkit.plan.reading.load import load_spec

PAGE = (Path(__file__).parents[2] / "docs" / "selection.md").read_text("utf-8")


def test_python_blocks_run_one_after_the_other(capsys):
    known: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(code, "docs/selection.md", "exec"), known)
    said = capsys.readouterr().out
    assert "What Works Clearinghouse" in said and "Lee's bounds" in said and "by shuffling" in said
    assert known["reached"].where_lost.iloc[0]["stratum"] == "yes"


def test_the_functions_it_names_exist():
    for name in re.findall(r"tk\.((?:selection|missing)\.\w+)", PAGE):
        room, function = name.split(".")
        assert hasattr(getattr(tk, room), function), name


def test_the_plan_it_shows_is_a_plan():
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    start = text()[: text().index("[missing]")].replace('baseline = "y0"', 'baseline = "mood0"')
    spec = load_spec(start + shown)
    assert spec.selection.vulnerability == ("debts",) and spec.missing.imputations == 50
