"""The [design] of a plan is the design object itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.plan.test_run import PLAN
from trialkit.errors import DesignError, PlanError
from trialkit.plan.planned.randomization import MAKERS, design_of
from trialkit.plan.schema.plan_spec import DesignSection


def people(n: int = 48) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": [f"p{i:02d}" for i in range(n)],
            "site": np.tile(["a", "b"], n // 2),
            "age": rng.integers(18, 60, n),
            "village": np.arange(n) // 4,
        }
    )


def plan(design: str, data: str = "") -> tk.Plan:
    text = PLAN.replace("[[outcomes]]", f"[design]\n{design}\n[[outcomes]]", 1)
    return tk.Plan.from_text(text.replace('group = "group"\n', f'group = "group"\n{data}\n', 1))


SCHEMES = [
    ('scheme = "simple"', ""),
    ('scheme = "complete"\nallocation = { solo = 1, peer = 2 }', ""),
    ('scheme = "stratified"\nmisfits = "global"', 'strata = ["site"]'),
    ('scheme = "clustered"', 'cluster = "village"'),
    ('scheme = "stratified_clustered"', 'cluster = "village"\nstrata = ["district"]'),
    ('scheme = "matched_pairs"\nmatch = ["age"]', 'strata = ["pair"]'),
    ('scheme = "rerandomized"\nbalance_on = ["age"]\naccept = 0.2', ""),
    ('scheme = "minimization"\nbalance_on = ["site"]', ""),
    ('scheme = "permuted_blocks"\nblock_sizes = [4, 6]', 'strata = ["site"]'),
]


@pytest.mark.parametrize("design, data", SCHEMES)
def test_every_scheme_is_drawn_from_a_plan(design, data):
    folk = people().assign(district=lambda x: x["village"] // 4)
    made = design_of(plan(design, data).spec, folk)
    allocation = made.assign(seed=5)
    assert sorted(allocation["id"]) == sorted(folk["id"])
    assert set(allocation["arm"]) == {"solo", "peer"}
    assert made.arms == ("solo", "peer")


def test_groups_are_part_of_the_design():
    made = design_of(plan('scheme = "complete"\ngroups = { size = [6, 8], alike = ["age"] }').spec, people())
    allocation = made.assign(seed=5)
    peer = allocation[allocation["arm"] == "peer"]
    assert peer.groupby("group").size().between(6, 8).all()
    assert allocation.loc[allocation["arm"] == "solo", "group"].isna().all()


def test_every_scheme_of_the_plan_has_a_maker_or_says_why_not():
    known = set(DesignSection.model_fields["scheme"].annotation.__args__)
    assert known - set(MAKERS) == {"factorial", "custom"}
    with pytest.raises(DesignError, match=r"tk\.design\.custom"):
        design_of(plan('scheme = "custom"').spec, people())


MISTAKES = [
    ('scheme = "complete"\nmatch = ["age"]', "matched_pairs"),
    ('scheme = "rerandomized"\nbalance_on = ["age"]', "accept"),
    ('scheme = "minimization"', "balance_on"),
    ('scheme = "complete"\nblock_sizes = [4]', "permuted_blocks"),
]


@pytest.mark.parametrize("design, words", MISTAKES)
def test_keys_of_another_scheme_are_refused(design, words):
    with pytest.raises(PlanError) as caught:
        plan(design)
    assert words in str(caught.value)
    assert "line" in str(caught.value)
