"""Few groups side by side."""

from __future__ import annotations

import json

import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data, grouped_trial
from tests.estimate.test_randomization import grouped
from trialkit.errors import CombinationError, UsageError
from trialkit.results import Result


def test_side_by_side_with_a_design():
    found = tk.few_groups(grouped(1, 0.1), "y", n_draws=99, seed=1)
    table = found.tidy().set_index("method")
    assert list(table.index) == ["CR2, Satterthwaite", "CR3, Satterthwaite", "wild bootstrap", "randomization test"]
    assert table["p_value"].between(0, 1).all()
    assert table.loc["CR3, Satterthwaite", "std_error"] > table.loc["CR2, Satterthwaite", "std_error"]
    assert found.groups["peer"] == {"count": 8, "effective": 8.0}
    assert "6.5 %" in found.advice
    assert Result.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))).tidy().shape == found.tidy().shape


@pytest.mark.parametrize("groups, words", [(3, "no interval is dependable"), (40, "keeps its level")])
def test_the_advice_follows_the_number_of_groups(groups, words):
    found = tk.few_groups(grouped_trial(grouped_data(1, groups=groups)), "y", adjust=["y0"], n_draws=99, seed=1)
    assert words in found.advice
    assert found.notes[0].code == "no_design"


def test_refusals():
    d = grouped_data(1)
    with pytest.raises(UsageError, match="seed"):
        tk.few_groups(grouped_trial(d), "y")
    with pytest.raises(CombinationError, match="HC2"):
        tk.few_groups(tk.Trial(d, arm="arm", control="solo"), "y", seed=1)
