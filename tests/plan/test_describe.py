"""The plan in words, and the object that holds it."""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from tests.plan.conftest import SMALL
from trialkit.errors import LockError, PlanError, UsageError
from trialkit.plan.plan import Plan
from trialkit.plan.reading.load import load_spec
from trialkit.plan.schema.outcomes import Estimator
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.words.describe import describe
from trialkit.plan.words.estimand import estimand_sentence
from trialkit.plan.words.vocabulary import WORDS


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_estimand_of_the_primary_outcome(spec: PlanSpec) -> None:
    assert estimand_sentence(spec, "employed", "peer - individual") == (
        "Among all randomized unemployed people aged 15-24 registered at three employment agencies, the difference in the share "
        "'In work or education after nine months' between those offered counselling plus a moderated peer group and those offered "
        "one-on-one counselling, every person counting the same, whatever happened to them afterwards (never attended, moved away, "
        "group dissolved: treatment policy; died: counted as 0)."
    )


def test_estimand_of_a_scale_names_the_wave(spec: PlanSpec) -> None:
    sentence = estimand_sentence(spec, spec.outcome("self_efficacy"), ("peer", "individual"))
    assert "the difference in the mean of 'self_efficacy' after three months between" in sentence
    assert sentence.endswith("(treatment policy; the plan names no events).")


def test_estimand_of_a_time_names_its_horizon(spec: PlanSpec) -> None:
    assert "the mean of 'weeks_to_work', counted up to 39, between" in estimand_sentence(spec, "weeks_to_work")


MEASURES = [
    ("risk_ratio", "", "the ratio of the share 'y' among those offered b to that among those offered a"),
    ("odds_ratio", "", "the ratio of the odds of 'y'"),
    ("rate_ratio", "", "the ratio of the mean count 'y'"),
    ("mean_ratio", "", "the ratio of the mean of 'y'"),
    ("win_odds", 'better = "lower"', "the odds that someone of those offered b does better on 'y'"),
    ("proportional_odds", 'better = "lower"', "the odds of a lower category of 'y'"),
    ("quantile", "", "the difference in the median of 'y'"),
    ("quantile", "q = 0.9", "the difference in the 0.9 quantile of 'y'"),
]


@pytest.mark.parametrize(("measure", "more", "said"), MEASURES)
def test_estimand_of_every_measure(measure: str, more: str, said: str) -> None:
    spec = load_spec(SMALL.replace('column = "y1"', f'column = "y1"\nmeasure = "{measure}"\n{more}'))
    assert said in estimand_sentence(spec, "y")


def test_estimand_of_a_hazard_ratio() -> None:
    spec = load_spec(SMALL.replace('column = "y1"', 'time = "t"\nevent = "e"\nmeasure = "hazard_ratio"'))
    assert "the ratio of the hazard of 'y' among those offered b to that among those offered a" in estimand_sentence(spec, "y")


STRATEGIES = [
    ('{ strategy = "hypothetical", scenario = "nobody had moved" }', "(moved away: as if nobody had moved)"),
    ('{ strategy = "while_on_treatment" }', "(moved away: only the time before it counts)"),
    ('{ strategy = "composite", value = 0.5 }', "(moved away: counted as 0.5)"),
]


@pytest.mark.parametrize(("handled", "said"), STRATEGIES)
def test_estimand_of_every_strategy(handled: str, said: str) -> None:
    spec = load_spec(SMALL.replace('column = "y1"', f'column = "y1"\nintercurrent = {{ moved_away = {handled} }}'))
    assert f"with what happened to them afterwards {said}" in estimand_sentence(spec, "y")


def test_estimand_among_compliers_and_over_groups() -> None:
    plan = SMALL.replace("b = {}", "b = { grouped = true }").replace('arm = "arm"', 'arm = "arm"\ngroup = "g"\nuptake = "u"')
    spec = load_spec(plan.replace('column = "y1"', 'column = "y1"\nestimand = { population = "compliers", average = "group" }'))
    sentence = estimand_sentence(spec, "y")
    assert sentence.startswith("Among those of all randomized people who take up the offer when it is made to them, ")
    assert ", every group counting the same," in sentence


def test_unknown_contrast_proposes_the_near_arm(spec: PlanSpec) -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'peer'\?"):
        estimand_sentence(spec, "employed", "pear - individual")


def test_acronyms_keep_their_capitals() -> None:
    spec = load_spec(SMALL.replace("b = {}", 'b = { label = "CBT in groups" }'))
    assert "those offered CBT in groups" in estimand_sentence(spec, "y")


def test_description_says_what_was_said_and_what_was_not(spec: PlanSpec) -> None:
    told = _flat(describe(spec))
    for said in (
        "'peer': Counselling plus a moderated peer group (people are put in groups; allocation weight 1).",
        "Groups exist in some arms only",
        "Assumed for planning, never used in the analysis: icc 0.05",
        "General Self-Efficacy Scale ('gse') at 't0' and 't1'",
        "Scored as 'self_efficacy_t1', adjusted for 'self_efficacy_t0', 'age', 'education' and 'months_unemployed'.",
        "Higher is better (from the scale).",
        "An effect of 0.2 standard deviations or more would be worthwhile.",
        "No column says to whom 'died' happened, so the value 0 must stand in the data already.",
        "CR2 with the groups and single people as clusters, and Satterthwaite degrees of freedom (the default)",
        "Planned, but not run by this version",
        estimand_sentence(spec, "employed"),
    ):
        assert said in told


def test_description_of_a_plan_that_says_little() -> None:
    told = _flat(describe(load_spec(SMALL)))
    for said in (
        "Which direction is better was not said, so the report calls neither better.",
        "No smallest worthwhile effect was said",
        "No codes are declared as missing",
        "Harms: not planned; the report will say that they were not assessed.",
        "HC2, with t intervals (the default)",
    ):
        assert said in told
    assert "not run by this version" not in told


@pytest.mark.parametrize("estimator", get_args(Estimator))
def test_every_estimator_of_the_analysis_is_told(estimator: str) -> None:
    spec = load_spec(f'{SMALL}measure = "odds_ratio"\n[analysis]\nestimator = "{estimator}"\nseed = 1\n')
    for language, kept in (("en", "logistic"), ("nl", "logistische")):
        told = _flat(describe(spec, language=language))
        assert "_" not in told.split("Anal", 1)[1].split(" Harms: ")[0].split(" Ongewenste ")[0]
        assert estimator != "logit" or kept in told.lower()


def test_how_groups_are_formed_is_told_whole() -> None:
    groups = 'size = [8, 12], within = ["agency"], alike = ["age"], mixed = ["sex"], keep_together = "village", keep_apart = "household", waiting_list = true'
    plan = SMALL.replace("b = {}", "b = { grouped = true }").replace('arm = "arm"', 'arm = "arm"\ngroup = "g"')
    spec = load_spec(f"{plan}[design]\ngroups = {{ {groups} }}\n")
    told = _flat(describe(spec))
    assert "Groups of 8 to 12 people within 'agency', alike in 'age', mixed in 'sex'." in told
    assert "People with the same 'village' are put in the same group." in told
    assert "People with the same 'household' are put in different groups." in told
    assert "People who do not fit in a group of the right size wait, drawn at random." in told
    assert "Groepen van 8 tot 12 mensen binnen 'agency', gelijk in 'age', gemengd in 'sex'." in _flat(
        describe(spec, language="nl")
    )


def test_both_languages_have_the_same_sentences_and_holes() -> None:
    def holes(sentence: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}

    english, dutch = WORDS["en"].sentences, WORDS["nl"].sentences
    assert set(english) <= set(dutch)
    assert {k: holes(v) for k, v in english.items()} == {k: holes(dutch[k]) for k in english}
    more = {k.partition("_")[0] for k in set(dutch) - set(english)}
    assert more == {"assumption", "companion", "estimator", "outcome", "rule", "statistic", "subgroup"}


def test_plan_object(plan_file: Path, text: str) -> None:
    plan = Plan.load(plan_file)
    assert plan == Plan.load(plan_file)
    assert plan.text == text
    assert len(plan.hash) == 64
    assert str(plan) == plan.describe()
    assert repr(plan) == f"Plan('plan.toml', 3 outcomes, hash {plan.hash[:12]})"
    assert plan.lock_path == plan_file.with_name("plan.lock.json")
    assert plan.to_dict()["trial"]["title"] == "Mobile peer groups for unemployed young people"
    with pytest.raises(AttributeError):
        plan.spec = plan.spec  # type: ignore[misc]


def test_html_is_escaped() -> None:
    plan = Plan.from_text(SMALL.replace('title = "t"', 'title = "<script>alert(1)</script>"'))
    assert "<script>" not in plan._repr_html_()
    assert "&lt;script&gt;" in plan._repr_html_()


def test_plan_errors_come_from_loading(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="there is no plan file"):
        Plan.load(tmp_path / "plan.toml")


def test_lock_status_for_the_report(plan_file: Path) -> None:
    plan = Plan.load(plan_file)
    made = plan.lock()
    status = plan.lock_status()
    assert (status.state, status.level, status.plan_hash, status.manifest_hash) == ("locked", "L0", plan.hash, made.manifest_hash)
    assert "tamper-evident" in status.sentence
    plan_file.write_text(plan.text.replace("units = 1400", "units = 1401"), encoding="utf-8")
    with pytest.raises(LockError, match=r"design\.units: 1400 -> 1401"):
        Plan.load(plan_file).lock_status()
