"""Gatekeeping in the plan: what may stand there, what it says back, and what a run makes of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import trialkit as tk
from tests.plan.conftest import SMALL
from tests.plan.test_run import PLAN, data
from trialkit.plan.locking.canonical import canonical_json
from trialkit.plan.reading.load import PlanFileError, load_spec
from trialkit.plan.schema.gatekeeping import hypotheses
from trialkit.plan.schema.json_schema import json_schema
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.words.not_yet import BUILT
from trialkit.report.save import Report

THREE = SMALL.replace(
    'role = "primary"\n',
    'role = "primary"\n[[outcomes]]\nname = "income"\ncolumn = "y2"\nrole = "secondary"\n[[outcomes]]\nname = "health"\ncolumn = "y3"\n'
    'role = "secondary"\n[[outcomes]]\nname = "mood"\ncolumn = "y4"\nrole = "exploratory"\n',
)
GRAPH = '[multiplicity]\nmethod = "gatekeeping"\nweights = { y = 1 }\ntransitions = { y = { income = 0.5, health = 0.5 }, income = { health = 1 } }\n'
ORDER = '[multiplicity]\nmethod = "gatekeeping"\nfamilies = ["primary", "secondary"]\n'


def said(plan: str) -> str:
    with pytest.raises(PlanFileError) as found:
        load_spec(plan)
    return str(found.value)


def line(plan: str, key: str) -> str:
    return f"line {next(i for i, text in enumerate(plan.splitlines(), 1) if key in text)}"


WRONG = [
    (GRAPH, "weights = { y = 1 }", "weights = { y = 1, income = 0.2 }", "sum to 1.2", "weights ="),
    (GRAPH, "weights = { y = 1 }", "weights = { y = 0 }", "sum to 0", "weights ="),
    (GRAPH, "health = 0.5", "health = 0.7", "the arrows of 'y' sum to 1.2", "transitions ="),
    (GRAPH, "income = { health = 1 }", "income = { income = 1 }", "passes its share to itself", "transitions ="),
    (GRAPH, "weights = { y = 1 }", "weights = { y = 1, helth = 0 }", "Did you mean 'health'?", "weights ="),
    (GRAPH, "income = { health = 1 }", "income = { heelth = 1 }", "Did you mean 'health'?", "transitions ="),
    (GRAPH, "income = 0.5, health = 0.5", "income = 1", "", ""),
    (GRAPH, ", income = { health = 1 }", "", "", ""),
    (GRAPH, "income = 0.5, health = 0.5 }, income = { health = 1 }", "income = 1 }", "no share ever reaches 'health'", "transitions ="),
    (GRAPH, "weights = { y = 1 }\n", "", "needs its order", "method ="),
    (GRAPH, "method", 'families = ["primary"]\nmethod', "families makes the graph already", "weights ="),
    (GRAPH, "weights = { y = 1 }", "weights = { y = 2 }", "at most 1", "weights ="),
    (GRAPH, "weights = { y = 1 }", "weights = { y = -0.1 }", "at least 0", "weights ="),
    (GRAPH, "method", 'pass_on = "any"\nmethod', "pass_on belongs to families", "pass_on ="),
    (GRAPH, '"gatekeeping"', '"holm"', "belongs to method = \"gatekeeping\"", "weights ="),
    (ORDER, '"secondary"', '"secundary"', "Did you mean 'secondary'?", "families ="),
    (ORDER, ', "secondary"', "", "family 'secondary' ('income' and 'health') has no place", "families ="),
    (ORDER, '"secondary"', '"primary"', "names 'primary' twice", "families ="),
    (ORDER, "method", 'pass_on = "some"\nmethod', "Possible: 'all' and 'any'", "pass_on ="),
]  # fmt: skip


@pytest.mark.parametrize(("section", "old", "new", "words", "key"), WRONG, ids=[f"{w[3][:24]}{i}" for i, w in enumerate(WRONG)])
def test_contradictions_name_their_line_and_the_remedy(section: str, old: str, new: str, words: str, key: str) -> None:
    assert old in section
    plan = THREE + section.replace(old, new, 1)
    if not words:
        assert load_spec(plan).multiplicity.method == "gatekeeping"
        return
    told = said(plan)
    assert words in told
    assert line(plan, key) in told


def test_plans_without_a_graph_keep_their_canonical_form() -> None:
    for plan in (THREE, THREE + '[multiplicity]\nmethod = "holm"\n'):
        assert set(load_spec(plan).to_dict()["multiplicity"]) == {"method", "draws", "seed"}
        assert "few_groups" not in load_spec(plan).to_dict()["analysis"]
        assert "index" not in load_spec(plan).to_dict()["outcomes"][0]


@pytest.mark.parametrize("section", [GRAPH, ORDER])
def test_a_graph_is_part_of_the_hash_and_survives_the_round(section: str) -> None:
    spec = load_spec(THREE + section)
    table = json.loads(canonical_json(spec.to_dict()))
    assert table["multiplicity"].keys() - {"method", "draws", "seed"} in ({"weights", "transitions"}, {"families", "pass_on"})
    assert PlanSpec.model_validate(spec.to_dict()) == spec
    assert hash(PlanSpec.model_validate(spec.to_dict())) == hash(spec)
    assert canonical_json(spec.to_dict()) != canonical_json(load_spec(THREE).to_dict())
    keys = json_schema()["$defs"]["MultiplicitySection"]["properties"]
    assert {"families", "pass_on", "weights", "transitions"} <= set(keys)
    assert keys["weights"]["description"].startswith("gatekeeping by hypotheses")


def test_the_graph_is_told_in_words() -> None:
    told = " ".join(tk.Plan.from_text(THREE + GRAPH).describe().split())
    for words in (
        "Gatekeeping: alpha starts as 'y' (1).",
        "When 'y' is rejected its share goes to 'income' (0.5) and 'health' (0.5).",
        "Outside the graph, exploratory and not corrected: 'mood'.",
    ):
        assert words in told
    assert "not run by this version" not in told
    ordered = " ".join(tk.Plan.from_text(THREE + ORDER).describe().split())
    assert "tested in the order 'primary' and 'secondary', each by Holm. The next family is tested only when every" in ordered
    parallel = " ".join(tk.Plan.from_text(THREE + ORDER + 'pass_on = "any"\n').describe().split())
    assert "passes its share of alpha on to the next" in parallel


def test_hypotheses_of_several_arms_are_named_as_the_rows_of_the_results() -> None:
    plan = SMALL.replace("b = {}", "z = {}\nb = {}") + '[analysis]\ncontrasts = "all"\n'
    assert list(hypotheses(load_spec(plan))) == ["y: z - a", "y: b - a", "y: z - b"]


MORE = PLAN.replace('role = "secondary"\nfamily = "work"\n[analysis]', 'role = "exploratory"\n[analysis]')
RUN = (
    MORE
    + '[multiplicity]\nmethod = "gatekeeping"\nweights = { mood = 0.8, job = 0.2 }\ntransitions = { mood = { job = 1 }, job = { mood = 1 } }\n'
)


def test_a_run_takes_the_graph_along() -> None:
    content = tk.Plan.from_text(RUN).run(data())
    rows = content.tidy().set_index("name")
    by_hand = tk.gatekeeping(
        {"mood": rows.loc["mood", "p_value"], "job": rows.loc["job", "p_value"]},
        weights={"mood": 0.8, "job": 0.2}, transitions={"mood": {"job": 1}, "job": {"mood": 1}},
    )  # fmt: skip
    assert rows.loc[["mood", "job"], "p_adjusted"].tolist() == by_hand.p_adjusted
    assert np.isnan(rows.loc["calls", "p_adjusted"])
    assert content.corrections["gatekeeping"].to_dict() == by_hand.to_dict()
    assert content.multiplicity["weights"] == {"mood": 0.8, "job": 0.2}
    again = Report.from_dict(json.loads(json.dumps(content.to_dict(), allow_nan=False)))
    assert again.to_dict() == content.to_dict()


def test_families_in_their_order() -> None:
    content = tk.Plan.from_text(PLAN + '[multiplicity]\nmethod = "gatekeeping"\nfamilies = ["primary", "work"]\n').run(data())
    rows = content.tidy().set_index("name")["p_value"]
    by_hand = tk.gatekeeping(dict(rows), families={"primary": ["mood"], "work": ["job", "calls"]})
    assert content.tidy().set_index("name")["p_adjusted"].to_dict() == dict(zip(rows.index, by_hand.p_adjusted))


def test_alpha_is_that_of_the_intervals() -> None:
    content = tk.Plan.from_text(RUN.replace("[analysis]\n", "[analysis]\nconf_level = 0.9\n")).run(data())
    assert content.corrections["gatekeeping"].details["alpha"] == 0.1


def test_a_hypothesis_that_cannot_be_run_counts_as_not_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT, "measure", frozenset({"mean_difference"}))
    found = tk.Plan.from_text(RUN).run(data()).corrections["gatekeeping"]
    assert found.tidy().set_index("hypothesis").loc["job", "p_value"] == 1.0
    assert [n.text for n in found.notes] == ["job: not run by this version, and counted in the graph as not rejected."]


def three_arms(seed: int = 1) -> Any:
    d = data(seed)
    rng = np.random.default_rng(seed)
    solo = d.index[d["arm"] == "solo"]
    d.loc[rng.permutation(solo)[: len(solo) // 2], "arm"] = "aide"
    return d


def test_several_arms_are_hypotheses_of_their_own() -> None:
    text = MORE.replace("peer = {", "peer = {", 1).replace("[data]\n", "aide = {}\n[data]\n", 1) + (
        '[multiplicity]\nmethod = "gatekeeping"\nweights = { "mood: peer - solo" = 1 }\n'
        'transitions = { "mood: peer - solo" = { "mood: aide - solo" = 1 }, "mood: aide - solo" = { "job: peer - solo" = 0.5, "job: aide - solo" = 0.5 } }\n'
    )
    content = tk.Plan.from_text(text).run(three_arms())
    table = content.tidy()
    p = {f"{r['name']}: {r['contrast']}": r["p_value"] for _, r in table.iterrows() if r["name"] != "calls"}
    found = content.corrections["gatekeeping"].tidy().set_index("hypothesis")
    assert found["p_value"].to_dict() == pytest.approx(p)
    first, second = p["mood: peer - solo"], p["mood: aide - solo"]
    assert found.loc["mood: aide - solo", "p_adjusted"] == pytest.approx(max(first, second))
    shown = table.set_index(["name", "contrast"])["p_adjusted"]
    assert shown["mood", "aide - solo"] == pytest.approx(max(first, second))


def test_the_families_of_a_run_are_results() -> None:
    content = tk.Plan.from_text(PLAN + '[multiplicity]\nmethod = "westfall_young"\ndraws = 300\nseed = 3\n').run(data())
    assert set(content.corrections) == {"primary", "work"}
    work = content.corrections["work"]
    assert [e.outcome for e in work.estimates] == ["job", "calls"]
    assert "300 normal draws" in work.notes[0].text
    rows = content.tidy().set_index("name")
    for e in work.estimates:
        assert rows.loc[e.outcome, "p_adjusted"] == e.extra["p_adjusted"]
    assert rows.loc["mood", "p_adjusted"] == rows.loc["mood", "p_value"]  # alone in its family, so nothing is drawn


def test_nothing_is_corrected_where_the_plan_says_none() -> None:
    content = tk.Plan.from_text(PLAN + '[multiplicity]\nmethod = "none"\n').run(data())
    assert content.corrections == {}
    assert "p_adjusted" not in content.tidy()
