"""Contrasts of the plan's own: an average of arms against an average of others."""

from __future__ import annotations

import json

import pytest

import trialkit as tk
from tests.plan.conftest import SMALL
from tests.plan.test_gatekeeping import THREE, three_arms
from tests.plan.test_run import PLAN, data
from trialkit.plan.reading.load import PlanFileError, load_spec
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.words.estimand import estimand_sentence
from trialkit.report.save import Report, save_report

OWN = PLAN.replace("[data]\n", 'aide = { label = "Help of a volunteer" }\n[data]\n', 1).replace(
    "smallest_worthwhile = { hedges_g = 0.2 }\n", "", 1
)
OWN = OWN.replace('companions = ["difference_in_means", "lin"]', 'companions = ["lin"]').replace(
    "[analysis]\n",
    '[analysis]\ncontrasts = [{ label = "Any programme", weights = { peer = 0.5, aide = 0.5, solo = -1 } }, '
    '{ label = "Group", weights = { peer = 1, aide = -1 } }]\n',
)  # fmt: skip


def test_the_rows_are_those_of_itt() -> None:
    d = three_arms()
    content = tk.Plan.from_text(OWN).run(d)
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group")
    by_hand = tk.itt(
        trial, "y", adjust=["y0", "female"], contrasts=[{"peer": 0.5, "aide": 0.5, "solo": -1}, {"peer": 1, "aide": -1}]
    )
    rows = content.outcomes[0].result.estimates
    assert [(e.contrast, e.estimate, e.p_value) for e in rows] == [(e.contrast, e.estimate, e.p_value) for e in by_hand.estimates]
    assert [c.text for c in load_spec(OWN).comparisons] == [e.contrast for e in rows]
    assert content.outcomes[0].effect_size is None
    assert "lin" in content.outcomes[0].companions
    work = content.corrections["work"]
    assert len(work.estimates) == 4  # two outcomes, two contrasts
    again = Report.from_dict(json.loads(json.dumps(content.to_dict(), allow_nan=False)))
    assert again.to_dict() == content.to_dict()


def test_the_report_says_them_in_words(tmp_path) -> None:
    path = save_report(tk.Plan.from_text(OWN).run(three_arms()), tmp_path / "r")
    text = path.read_text(encoding="utf-8")
    assert "“Any programme”" in text and "Group − Help of a volunteer" in text
    assert "0.5 peer" not in text.split('id="plan"')[0].split('id="primary"')[0]


def test_the_plan_says_them_in_words() -> None:
    told = " ".join(tk.Plan.from_text(OWN).describe().split())
    assert (
        "compared: 'Any programme' with 'Counselling' (0.5 peer + 0.5 aide - solo); 'Group' with 'Help of a volunteer' (peer - aide)"
        in told
    )
    assert (
        "between those offered counselling plus a group or help of a volunteer (every arm counting the same) and those offered counselling"
        in told
    )
    uneven = OWN.replace("peer = 0.5, aide = 0.5", "peer = 0.7, aide = 0.3")
    assert "counselling plus a group counting 0.7, help of a volunteer counting 0.3" in estimand_sentence(
        load_spec(uneven), "mood"
    )


def test_they_are_part_of_the_hash_and_words_keep_theirs() -> None:
    spec = load_spec(OWN)
    assert PlanSpec.model_validate(spec.to_dict()) == spec
    assert spec.to_dict()["analysis"]["contrasts"][1] == {"label": "Group", "weights": {"peer": 1.0, "aide": -1.0}}
    assert load_spec(SMALL).to_dict()["analysis"]["contrasts"] == "control"


def test_hypotheses_of_a_graph_can_be_contrasts() -> None:
    first, second = "0.5 peer + 0.5 aide - solo", "peer - aide"
    text = OWN.replace('role = "secondary"\nfamily = "work"', 'role = "exploratory"\nfamily = "work"') + (
        f'[multiplicity]\nmethod = "gatekeeping"\nweights = {{ "mood: {first}" = 1 }}\n'
        f'transitions = {{ "mood: {first}" = {{ "mood: {second}" = 1 }} }}\n'
    )
    content = tk.Plan.from_text(text).run(three_arms())
    p = [e.p_value for e in content.outcomes[0].result.estimates]
    assert [e.extra["p_adjusted"] for e in content.outcomes[0].result.estimates] == [p[0], max(p)]


WRONG = [
    ("peer = 0.5, aide = 0.5", "peer = 0.5, aide = 0.6", "sum to 1.1 above zero"),
    ("peer = 0.5, aide = 0.5, solo = -1", "peer = 1", "sum to 1 above zero and 0 below"),
    ("peer = 1, aide = -1", "peer = 1, aid = -1", "Did you mean 'aide'?"),
    ("peer = 1, aide = -1", "peer = 1, aide = -0.5, solo = -0.5", 'against = "..."'),
    ('label = "Group", weights = { peer = 1, aide = -1 }', 'label = "Again", weights = { peer = 0.5, aide = 0.5, solo = -1 }', "stands twice"),
    ('label = "Group"', 'name = "Group"', "needs 'label'"),
    ('companions = ["lin"]', 'companions = ["aipw"]\nseed = 1', "compare arms in pairs"),
    ('companions = ["lin"]', 'estimator = "difference_in_means"', "go with estimator 'ancova' and 'lin'"),
    ('better = "higher"', 'better = "higher"\nsmallest_worthwhile = { hedges_g = 0.2 }', "needs one SD"),
    ("[selection]", '[multiplicity]\nmethod = "dunnett"\n[selection]', "arms against one control"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), WRONG, ids=[w[2][:24] for w in WRONG])
def test_contradictions_are_named_with_the_remedy(old: str, new: str, words: str) -> None:
    assert old in OWN
    with pytest.raises(PlanFileError) as found:
        load_spec(OWN.replace(old, new, 1))
    assert words in str(found.value) and "line " in str(found.value)


@pytest.mark.parametrize("value", ['"controll"', "[]", "3", '["peer"]'])
def test_what_is_no_contrast_is_refused_in_words(value: str) -> None:
    with pytest.raises(PlanFileError, match="contrasts"):
        load_spec(SMALL + f"[analysis]\ncontrasts = {value}\n")


def test_all_pairs_of_a_plan_run_in_the_direction_of_the_results() -> None:
    text = OWN.split("contrasts = [")[0] + 'contrasts = "all"\n' + OWN.split("aide = -1 } }]\n")[1]
    content = tk.Plan.from_text(text).run(three_arms())
    assert {e.contrast for e in content.outcomes[0].result.estimates} == {c.text for c in load_spec(text).comparisons}


def test_power_knows_the_start_of_a_graph() -> None:
    from trialkit.power.plans.answer import answer_for_plan

    text = THREE.replace('role = "primary"\n', 'role = "primary"\nassume = { sd = 1, effect = 0.3 }\n', 1)
    text = text.replace("[[outcomes]]", "[design]\nunits = 400\n[[outcomes]]", 1)
    graph = '[multiplicity]\nmethod = "gatekeeping"\nweights = {{ y = {y}, income = {rest} }}\ntransitions = {{ y = {{ income = 0.5, health = 0.5 }}, income = {{ y = 1 }} }}\n'
    half = str(answer_for_plan(load_spec(text + graph.format(y=0.5, rest=0.5))))
    assert "With its share of alpha at the start of the graph (0.5) you detect" in half
    assert "share of alpha" not in str(answer_for_plan(load_spec(text + graph.format(y=1, rest=0))))
    assert "only after others are rejected" in str(answer_for_plan(load_spec(text + graph.format(y=0, rest=1))))


def test_a_randomization_test_beside_three_arms_is_adjusted() -> None:
    text = PLAN.replace("[data]\n", 'aide = { label = "Help of a volunteer" }\n[data]\n', 1)
    text = text.replace(
        'companions = ["difference_in_means", "lin"]', 'companions = ["randomization_test"]\ndraws = 100\nseed = 3'
    )
    text = text.replace("[[outcomes]]", '[design]\nscheme = "complete"\ngroups = { size = [2, 20] }\n[[outcomes]]', 1)
    content = tk.Plan.from_text(text).run(three_arms())
    found = content.outcomes[0].companions["randomization_test"]
    assert "regression coefficient, studentized by groups" in found.estimates[0].method
    assert [e.estimate for e in found.estimates] == pytest.approx([e.estimate for e in content.outcomes[0].result.estimates])
    assert data().shape[0] == content.data["rows"]
