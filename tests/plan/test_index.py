"""Indices as outcomes of a plan, and the methods for few groups side by side."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.helpers import grouped_data
from tests.plan.conftest import SMALL
from tests.plan.test_run import PLAN, data, with_design
from trialkit.errors import DataError
from trialkit.plan.locking.expected import expected_columns
from trialkit.plan.reading.load import PlanFileError, load_spec
from trialkit.report.save import Report

INDEX = PLAN.replace(
    "[analysis]\n",
    '[[outcomes]]\nname = "ease"\nlabel = "Ease of mind"\nrole = "exploratory"\nindex = { of = ["mood", "fear", "hope"], lower = ["fear"] }\n[analysis]\n',
)  # fmt: skip


def people(seed: int = 1) -> pd.DataFrame:
    d = data(seed)
    rng = np.random.default_rng(seed)
    d = d.assign(fear=-d["y"] + rng.normal(size=len(d)), hope=rng.normal(size=len(d)))
    d.loc[::11, "hope"] = np.nan
    return d


@pytest.mark.parametrize("kind", ["icw", "klk"])
def test_an_index_is_made_and_analysed(kind: str) -> None:
    d = people()
    text = INDEX.replace('lower = ["fear"]', f'lower = ["fear"], kind = "{kind}"')
    content = tk.Plan.from_text(text).run(d)
    outcome = next(o for o in content.outcomes if o.name == "ease")
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group")
    made = tk.index(trial, ["y", "fear", "hope"], kind=kind, better={"fear": "lower"})
    by_hand = tk.itt(tk.Trial(d.assign(e=made), arm="arm", control="solo", unit="id", group="group"), "e", adjust=["female"])
    assert outcome.result.estimates[0].estimate == by_hand.estimates[0].estimate
    assert outcome.result.estimates[0].outcome == "ease"
    assert outcome.better == "higher" and outcome.column == "ease_index"
    assert outcome.index["weights"] == made.attrs["weights"]
    assert outcome.index["components"]["fear"]["better"] == "lower"
    again = Report.from_dict(json.loads(json.dumps(content.to_dict(), allow_nan=False)))
    assert again.to_dict() == content.to_dict()


def test_parts_take_their_direction_from_their_outcome_or_scale(spec: Any) -> None:
    text = INDEX.replace('better = "higher"\nsmallest_worthwhile = { hedges_g = 0.2 }', 'better = "lower"', 1)
    outcome = next(o for o in tk.Plan.from_text(text).run(people()).outcomes if o.name == "ease")
    assert outcome.index["components"]["y"]["better"] == "lower"
    assert outcome.index["components"]["hope"]["better"] == "higher"


def test_scores_can_be_parts() -> None:
    text = (
        SMALL.replace('arm = "arm"\n', 'arm = "arm"\nwaves = { t0 = "before", t1 = "after" }\n')
        .replace(
            "[[outcomes]]",
            '[[scales]]\nname = "belief"\nscale = "gse"\nitems = "gse_{wave}_{item}"\n[[outcomes]]\nname = "both"\nrole = "secondary"\n'
            'index = { of = ["y", "belief_t1"] }\n[[outcomes]]',
            1,
        )
        .replace('role = "primary"', 'role = "primary"\nbetter = "higher"')
    )
    spec = load_spec(text)
    assert spec.scale_waves("belief") == ("t1",)
    assert spec.components(spec.outcome("both")) == {"y1": spec.outcome("y"), "belief_t1": None}
    rng = np.random.default_rng(1)
    d = pd.DataFrame({f"gse_t1_{i}": rng.integers(1, 5, 40) for i in range(1, 11)}).assign(
        id=range(40), arm=["a", "b"] * 20, y1=rng.normal(size=40)
    )
    made = next(o for o in tk.Plan.from_text(text).run(d).outcomes if o.name == "both")
    assert made.index["components"]["belief_t1"]["better"] == "higher"


def test_what_an_index_needs_is_expected_of_the_data() -> None:
    spec = load_spec(INDEX)
    found = {c.name: c.roles for c in expected_columns(spec)}
    assert found["fear"] == ("part of the index 'ease'",)
    assert "ease_index" not in found
    with pytest.raises(DataError, match="'fear' in the data, which the plan names as part of the index"):
        tk.Plan.from_text(INDEX).run(data())
    with pytest.raises(DataError, match="give the outcome another name"):
        tk.Plan.from_text(INDEX).run(people().assign(ease_index=1.0))


def test_composites_reach_the_parts_before_the_index_is_made() -> None:
    d = people()
    text = INDEX.replace('better = "higher"\n', 'better = "higher"\nintercurrent = { died = { strategy = "composite", value = -3, column = "died" } }\n', 1)  # fmt: skip
    outcome = next(o for o in tk.Plan.from_text(text).run(d).outcomes if o.name == "ease")
    worse = d.assign(y=d["y"].where(d["died"] == 0, -3.0))
    trial = tk.Trial(worse, arm="arm", control="solo", unit="id", group="group")
    made = tk.index(trial, ["y", "fear", "hope"], better={"fear": "lower"})
    assert outcome.index["weights"] == made.attrs["weights"]


def test_an_index_is_told_in_words() -> None:
    told = " ".join(tk.Plan.from_text(INDEX).describe().split())
    assert (
        "An index weighted by the inverse covariance (Anderson 2008) of 'y', 'fear' (turned: lower is better) and 'hope'" in told
    )
    plan = tk.Plan.from_text(INDEX).to_dict()["outcomes"][-1]
    assert plan["index"] == {"of": ["mood", "fear", "hope"], "kind": "icw", "lower": ["fear"], "missing": "pattern"}
    assert plan["better"] == "higher"


WRONG = [
    ('of = ["mood", "fear", "hope"]', 'of = ["mood"]', "at least 2"),
    ('"fear", "hope"]', '"fear", "ease"]', "cannot be made of itself"),
    ('"fear", "hope"]', '"fear", "arm"]', "no part of an index"),
    ('"fear", "hope"]', '"fear", "y"]', "would count double"),
    ('lower = ["fear"]', 'lower = ["fears"]', "not among of"),
    ('lower = ["fear"]', 'lower = ["mood"]', "says itself which direction"),
    ('lower = ["fear"]', 'lower = ["fear"], kind = "klk", missing = "pattern"', "missing belongs to kind"),
    ('lower = ["fear"]', 'lower = ["fear"], kind = "pca"', "Possible: 'icw' and 'klk'"),
    ('role = "exploratory"', 'role = "exploratory"\nbetter = "lower"', "made so that higher is better"),
    ('role = "exploratory"', 'role = "exploratory"\nmeasure = "risk_difference"', "an index gives scores"),
    ('role = "exploratory"', 'role = "exploratory"\nadjust = ["fear"]', "is the outcome 'ease' itself"),
    ('role = "exploratory"', 'role = "exploratory"\ncolumn = "x"', "keep one of them"),
    ('better = "higher"\nsmallest_worthwhile = { hedges_g = 0.2 }', "", "which direction of 'mood' is better"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), WRONG, ids=[w[2][:20] for w in WRONG])
def test_contradictions_of_an_index(old: str, new: str, words: str) -> None:
    assert old in INDEX
    with pytest.raises(PlanFileError) as found:
        load_spec(INDEX.replace(old, new, 1))
    assert words in str(found.value) and "line " in str(found.value)


DRAWING = with_design().replace(
    'companions = ["difference_in_means", "lin"]', 'companions = ["wild_bootstrap"]\ndraws = 100\nseed = 3'
)


def test_few_groups_stand_side_by_side_when_a_companion_draws() -> None:
    content = tk.Plan.from_text(DRAWING).run(data())
    found = content.outcomes[0].few_groups
    assert found.tidy()["method"].tolist()[-1] == "randomization test"
    assert found.details["n_draws"] == 100
    first = content.outcomes[0].result.estimates[0]
    row = found.tidy().set_index("method").loc["CR2, Satterthwaite"]
    assert (row["estimate"], row["p_value"]) == (pytest.approx(first.estimate), pytest.approx(first.p_value))
    assert all(o.few_groups is None for o in content.outcomes[1:])
    again = Report.from_dict(json.loads(json.dumps(content.to_dict(), allow_nan=False)))
    assert again.to_dict() == content.to_dict()


def test_few_groups_can_be_asked_for_or_left_out() -> None:
    many = grouped_data(1, groups=24).assign(
        job=1.0 * (np.arange(len(grouped_data(1, groups=24))) % 2), calls=lambda x: x["y0"], died=0
    )
    assert tk.Plan.from_text(DRAWING).run(many).outcomes[0].few_groups is None
    asked = DRAWING.replace("seed = 3", "seed = 3\nfew_groups = true")
    assert tk.Plan.from_text(asked).run(many).outcomes[0].few_groups is not None
    assert (
        tk.Plan.from_text(DRAWING.replace("seed = 3", "seed = 3\nfew_groups = false")).run(data()).outcomes[0].few_groups is None
    )
    quiet = with_design().replace("[analysis]\n", "[analysis]\nfew_groups = true\n")
    with pytest.raises(PlanFileError, match="few_groups: random draws need a seed"):
        load_spec(quiet)
    assert (
        tk.Plan.from_text(quiet.replace("[analysis]\n", "[analysis]\nseed = 5\n")).run(data()).outcomes[0].few_groups is not None
    )
    with pytest.raises(PlanFileError, match="this one has neither"):
        load_spec(SMALL + "[analysis]\nfew_groups = true\nseed = 1\n")
    assert "side by side (100 draws, seed 3)" in " ".join(tk.Plan.from_text(asked).describe().split())


def test_few_groups_without_their_formation_leave_out_the_randomization_test() -> None:
    text = DRAWING.replace('[design]\nscheme = "complete"\ngroups = { size = [2, 20] }\n', "")
    found = tk.Plan.from_text(text).run(data()).outcomes[0].few_groups
    assert found.tidy()["method"].tolist() == ["CR2, Satterthwaite", "CR3, Satterthwaite", "wild bootstrap"]
    assert [n.code for n in found.notes] == ["no_design"]
