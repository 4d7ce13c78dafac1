"""[missing] primary: outcomes filled in by imputation, or respondents weighted, as the primary analysis of a plan."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.plan.test_multiverse import ALTERNATIVES
from tests.plan.test_multiverse import PLAN as SCALE_PLAN
from tests.plan.test_multiverse import data as scale_data
from tests.plan.test_run import PLAN
from tests.plan.test_selection_of_a_run import lost
from tests.report.pages import Page
from trialkit.errors import PlanError, TrialkitError
from trialkit.plan.planned import missing as planned_missing
from trialkit.plan.words.not_yet import not_yet, unfit_for_rule
from trialkit.report.content import OutcomeContent
from trialkit.report.content.counts import count_problems
from trialkit.report.disclosure.published import published
from trialkit.report.save import Report

M, SEED = 6, 11
NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "n", "n_groups", "n_clusters")


def text(rule: str = "multiple_imputation", plan: str = PLAN, more: str = "") -> str:
    section = f'[missing]\nprimary = "{rule}"\nimputations = {M}\nseed = {SEED}\n{more}'
    return plan.replace("[analysis]\n", f"{section}[analysis]\nseed = 3\ndraws = 199\n", 1)


def frame(seed: int = 1) -> pd.DataFrame:
    """29 of 183 without mood, 27 without a job; calls are complete."""
    return lost(seed).assign(job=lambda d: d["job"].where(d.index % 7 != 0))


def run(plan: str, d: pd.DataFrame | None = None) -> Report:
    return tk.Plan.from_text(plan).run(frame() if d is None else d)


def outcome(content: Report, name: str) -> OutcomeContent:
    return next(o for o in content.outcomes if o.name == name)


def trial() -> tk.Trial:
    d = frame()
    d["job"] = d["job"].where(d["died"] == 0, 0.0)
    return tk.Trial(d, arm="arm", control="solo", unit="id", group="group")


def assert_same(found: Any, wanted: Any) -> None:
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.fixture(scope="module")
def imputed() -> Report:
    return run(text())


@pytest.fixture(scope="module")
def weighted() -> Report:
    return run(text("inverse_probability_weights"))


@pytest.mark.parametrize(
    "name, column, adjust, measure",
    [("mood", "y", ["y0", "female"], "mean_difference"), ("job", "job", ["female"], "risk_difference")],
)
def test_the_primary_effect_is_that_of_the_imputations(imputed, name, column, adjust, measure):
    assert imputed.not_run == ()
    made = tk.missing.impute(trial(), [column], predictors=adjust, n_imputations=M, seed=SEED)
    by_hand = made.analyse(lambda t: tk.itt(t, column, adjust=adjust, measure=measure, estimator="ancova"))
    found = outcome(imputed, name).result.estimates[0]
    assert_same(found, by_hand.estimates[0])
    assert found.n == len(frame())
    pooled = ("fmi", "riv", "df_complete", "within", "between", "mc_error")
    assert [found.extra[k] for k in pooled] == pytest.approx([by_hand.estimates[0].extra[k] for k in pooled], rel=1e-12)
    assert 0 < found.df < found.extra["df_complete"]


def test_the_effect_size_is_pooled_over_the_completed_trials(imputed):
    made = tk.missing.impute(trial(), ["y"], predictors=["y0", "female"], n_imputations=M, seed=SEED)
    sizes = [tk.itt(t, "y", adjust=["y0", "female"]).standardized("hedges_g") for t in made.trials]
    rows = [s.estimates[0] for s in sizes]
    by_hand = tk.missing.pool([r.estimate for r in rows], [r.std_error**2 for r in rows], df=float(np.mean([r.df for r in rows])))
    o = outcome(imputed, "mood")
    found = o.effect_size.estimates[0]
    for name in ("estimate", "std_error", "df", "conf_low", "conf_high"):
        assert getattr(found, name) == pytest.approx(getattr(by_hand, name), rel=1e-12)
    sd = math.sqrt(np.mean([s.details["standardizer"][0]["sd"] ** 2 for s in sizes]))
    assert o.worthwhile == pytest.approx(0.2 * sd, rel=1e-12)


def test_respondents_are_weighted(weighted):
    assert weighted.not_run == ()
    by_hand = tk.itt(trial(), "y", adjust=["y0", "female"], response_weights=["y0", "female"])
    assert_same(outcome(weighted, "mood").result.estimates[0], by_hand.estimates[0])
    assert_same(outcome(weighted, "mood").effect_size.estimates[0], by_hand.standardized().estimates[0])
    assert "weights by response give differences only" in weighted.after.left_out[0]


def test_available_cases_stand_beside_and_say_so(imputed, weighted):
    by_hand = tk.itt(trial(), "y", adjust=["y0", "female"]).estimates[0]
    for content in (imputed, weighted):
        o = outcome(content, "mood")
        assert list(o.companions) == ["available_cases", "difference_in_means", "lin"]
        assert_same(o.companions["available_cases"].estimates[0], by_hand)
        for name in ("difference_in_means", "lin"):
            assert "available_cases" in {n.code for n in o.companions[name].notes}
        assert abs(o.result.estimates[0].std_error / by_hand.std_error - 1) < 0.3


def test_an_outcome_that_nobody_lacks_is_analysed_as_it_is(imputed):
    o = outcome(imputed, "calls")
    assert o.result.kind == "itt"
    assert "available_cases" not in o.companions
    assert "missing at random" not in o.estimand


def test_the_estimand_names_the_assumption_in_both_languages(imputed, weighted):
    o = outcome(imputed, "mood")
    assert o.estimand.endswith("missing at random given arm and group, y0, female: they are filled in by multiple imputation.")
    assert imputed.told["nl"]["estimands"]["mood"].endswith("zij zijn ingevuld met meervoudige imputatie.")
    assert "weighted by the inverse of their probability of having it" in outcome(weighted, "mood").estimand
    told = " ".join(imputed.plan_text.split())
    assert "multiple imputation, 6 times (seed 11); the people with the outcome alone beside it" in told


def test_corrections_use_the_pooled_p(imputed):
    work = [outcome(imputed, n).result.estimates[0] for n in ("job", "calls")]
    np.testing.assert_allclose([e.extra["p_adjusted"] for e in work], tk.adjust_p([e.p_value for e in work], method="holm"))


def test_corrections_by_draws_are_not_made_of_pooled_effects():
    drawn = '[multiplicity]\nmethod = "romano_wolf"\nseed = 4\n'
    content = run(text(more=drawn))
    assert content.corrections == {}
    assert "p_adjusted" not in outcome(content, "job").result.estimates[0].extra
    assert any("romano_wolf" in part and "pooled over imputations" in part for part in content.not_run)
    of_weights = run(text("inverse_probability_weights", more=drawn))
    assert of_weights.not_run == ()
    assert outcome(of_weights, "job").result.estimates[0].extra["p_adjusted"] <= 1


def test_margins_are_held_against_the_pooled_effect():
    plan = text(plan=PLAN.replace('role = "primary"\n', 'role = "primary"\nequivalence = 0.6\n', 1))
    found = outcome(run(plan), "mood").result
    e = found.estimates[0]
    (test,) = found.details["margins"]["equivalence"]
    from scipy import stats

    wanted = max(stats.t.sf((e.estimate + 0.6) / e.std_error, e.df), stats.t.cdf((e.estimate - 0.6) / e.std_error, e.df))
    assert test["p_value"] == pytest.approx(wanted, rel=1e-9)
    assert {"p_equivalence", "fmi"} <= set(e.extra)


def test_counts_of_observed_and_filled_in_add_up(imputed):
    assert count_problems(imputed) == ()
    for name in ("mood", "job"):
        for a in outcome(imputed, name).result.details["arms"]:
            assert a["n"] + a["n_imputed"] == a["n_randomized"]
    arms = {a["arm"]: a for a in outcome(imputed, "mood").result.details["arms"]}
    observed = frame().groupby("arm")["y"]
    assert {k: a["n"] for k, a in arms.items()} == observed.count().to_dict()
    assert {k: a["mean"] for k, a in arms.items()} == pytest.approx(observed.mean().to_dict())


def test_the_other_form_of_an_effect_on_yes_or_no_is_filled_in_too(imputed):
    made = tk.missing.impute(trial(), ["job"], predictors=["female"], n_imputations=M, seed=SEED)
    by_hand = made.analyse(lambda t: tk.itt(t, "job", adjust=["female"], measure="risk_ratio"))
    assert_same(imputed.after.other_form["job"].estimates[0], by_hand.estimates[0])


@pytest.mark.parametrize(
    "measure, more", [("rate_ratio", ""), ("mean_ratio", ""), ("win_odds", ""), ("quantile", "q = 0.4\nadjust = []\n")]
)
def test_other_measures_are_pooled_on_their_own_scale(measure, more):
    plan = text(
        plan=PLAN.replace('column = "calls"\n', f'column = "calls"\nmeasure = "{measure}"\nbetter = "higher"\n{more}').replace(
            'companions = ["difference_in_means", "lin"]\n', ""
        )
    )
    d = frame().assign(calls=lambda d: d["calls"].where(d.index % 5 != 0))
    content = run(plan, d)
    assert content.not_run == ()
    found = outcome(content, "calls").result.estimates[0]
    spec = tk.Plan.from_text(plan).spec
    known = tk.Trial(d, arm="arm", control="solo", unit="id", group="group")
    adjust = spec.adjust_for(spec.outcome("calls"))
    made = tk.missing.impute(known, ["calls"], predictors=adjust, n_imputations=M, seed=SEED)
    asked = spec.asked_of_itt(spec.outcome("calls"))
    asked |= {"better": "higher"} if measure == "win_odds" else {}
    assert_same(found, made.analyse(lambda t: tk.itt(t, **asked)).estimates[0])


def test_several_arms_and_contrasts_of_the_plans_own():
    d = frame()
    d["arm"] = np.where((d["arm"] == "solo") & (d.index % 2 == 0), "letter", d["arm"])
    arms = PLAN.replace("[data]\n", "letter = {}\n[data]\n", 1)
    content = run(text(plan=arms.replace("[analysis]\n", '[analysis]\ncontrasts = "all"\n', 1)), d)
    o = outcome(content, "mood")
    assert [e.contrast for e in o.result.estimates] == [e.contrast for e in o.companions["available_cases"].estimates]
    assert len(o.effect_size.estimates) == len(o.verdicts) == 3
    assert count_problems(content) == ()


def test_imputations_are_made_once_for_the_same_columns(monkeypatch):
    made = []
    once = planned_missing.impute
    monkeypatch.setattr(planned_missing, "impute", lambda *a, **k: made.append(a[1]) or once(*a, **k))
    run(text(more='sensitivity = ["tipping_point", "jump_to_reference"]\n'))
    assert sorted(made) == [["job"], ["y"], ["y"]]


def test_the_registered_analysis_of_the_multiverse_is_the_primary_one():
    section = "[missing]\nimputations = 3\nseed = 3\n"
    for rule, label in (("multiple_imputation", "multiple imputation"), ("inverse_probability_weights", "weights by response")):
        few = ALTERNATIVES.replace('missing = ["multiple_imputation", "inverse_probability_weights"]\n', "")
        few = few.replace("prorate = [0]\nleave_out_items = [3]\nwinsorize = [0.95]\n", "")
        content = run(SCALE_PLAN.replace(section, section + f'primary = "{rule}"\n') + few, scale_data())
        (row,) = [e for e in content.multiverse["confidence"].estimates if e.extra["registered"]]
        assert row.extra["missing_outcomes"] == label
        assert row.estimate == pytest.approx(outcome(content, "confidence").result.estimates[0].estimate, rel=1e-9)
        assert content.multiverse_left_out == ()


def test_subgroups_and_tests_by_draws_say_that_they_rest_on_available_cases():
    plan = text(plan=PLAN.replace('companions = ["difference_in_means", "lin"]', 'companions = ["wild_bootstrap"]'))
    content = run(plan + '[[subgroups]]\nby = "female"\nkind = "categorical"\n')
    for result in (content.subgroups["mood by female"], outcome(content, "mood").companions["wild_bootstrap"]):
        assert result.notes[-1].code == "available_cases"


def test_what_weights_cannot_give_is_named_and_available_cases_are_run():
    ratio = PLAN.replace('column = "calls"\n', 'column = "calls"\nmeasure = "rate_ratio"\n')
    content = run(text("inverse_probability_weights", ratio), frame().assign(calls=lambda d: d["calls"].where(d.index > 9)))
    (part,) = content.not_run
    assert part.startswith(
        "outcome 'calls': [missing] primary 'inverse_probability_weights', because weights by response are for"
    )
    assert outcome(content, "calls").result.kind == "counts"
    assert outcome(content, "mood").result.kind == "response_weighted"
    assert "missing at random" not in outcome(content, "calls").estimand
    for change, reason in (
        (('adjust = ["female"]', 'adjust = ["female"]\nestimator = "lin"'), "go with ANCOVA"),
        (('column = "job"\n', 'column = "job"\nadjust = []\n'), "need baseline covariates"),
        (("[outcomes.intercurrent]", '[outcomes.estimand]\naverage = "group"\n[outcomes.intercurrent]'), "not for groups"),
    ):
        told = not_yet(tk.Plan.from_text(text("inverse_probability_weights", PLAN.replace(*change, 1))).spec)
        assert any(reason in part for part in told), told


def test_times_are_analysed_as_censored():
    plan = PLAN.replace(
        'name = "calls"\ncolumn = "calls"\n', 'name = "calls"\ntime = "months"\nevent = "found"\nmeasure = "hazard_ratio"\n'
    )
    spec = tk.Plan.from_text(text(plan=plan)).spec
    assert unfit_for_rule(spec, spec.outcome("calls")) == "times are analysed as censored"


def test_the_content_survives_json(imputed, weighted):
    for content in (imputed, weighted):
        told = json.dumps(content.to_dict(), allow_nan=False)
        assert Report.from_dict(json.loads(told)).to_dict() == content.to_dict()


@pytest.mark.parametrize("rule", ["multiple_imputation", "inverse_probability_weights"])
def test_the_page_tells_it_in_both_languages(rule, tmp_path):
    content = run(text(rule, more='sensitivity = ["available_cases"]\n'))
    content.save(tmp_path / "report", language=["en", "nl"], word=False)
    english, dutch = (Page((tmp_path / "report" / f).read_text("utf-8")) for f in ("index.html", "index.nl.html"))
    for page, beside in (
        (english, "The primary analysis of people with the outcome"),
        (dutch, "De primaire analyse van mensen met de uitkomst"),
    ):
        assert beside in page.section("primary")
    assert "Others of the same arm who resemble them stand in for them." in english.section("summary")
    if rule == "multiple_imputation":
        assert "Filled in" in english.section("primary")
        assert "Information lost to missing outcomes" in english.section("primary")
        assert "Ingevuld" in dutch.section("primary")
        assert "Ontbrekende waarden zijn 6 keer ingevuld" in dutch.section("primary")
    assert [e.text for e in dutch.elements if e.attributes.get("lang") == "en" and e.section == "primary"] == []


def test_small_counts_of_those_filled_in_are_withheld():
    d = frame()
    keep = d.index[(d["arm"] == "solo") & d["y"].isna()][:2]
    d["y"] = d["y"].where(d.index.isin(keep) | d["y"].notna() | (d["arm"] == "peer"), 0.1)
    content = run(text() + "[report]\nminimum_cell = 5\n", d)
    assert [a["n_imputed"] for a in outcome(content, "mood").result.details["arms"]] == [2, 13]
    told = published(content)
    solo, peer = outcome(told, "mood").result.details["arms"]
    assert isinstance(solo["n_imputed"], str)
    assert isinstance(solo["n"], str) or isinstance(solo["n_randomized"], str)
    assert "'y' 15 of" not in json.dumps(told.to_dict()) or isinstance(peer["n_imputed"], str)


def test_row_order_does_not_matter_to_weights_and_names_do_not_to_either():
    d = frame()
    shuffled = d.sample(frac=1, random_state=3)
    one, other = (outcome(run(text("inverse_probability_weights"), x), "mood").result.estimates[0] for x in (d, shuffled))
    assert one.estimate == pytest.approx(other.estimate, rel=1e-9)
    affine = outcome(run(text(), d.assign(y=3 * d["y"] + 50)), "mood").result.estimates[0]
    plain = outcome(run(text(), d), "mood").result.estimates[0]
    assert affine.estimate == pytest.approx(3 * plain.estimate, rel=1e-6)
    assert affine.p_value == pytest.approx(plain.p_value, rel=1e-6)


def test_a_seed_is_asked_for():
    with pytest.raises(PlanError, match="random draws need a seed"):
        tk.Plan.from_text(text().replace(f"seed = {SEED}\n", ""))


def test_an_imputation_that_fails_names_the_outcome():
    d = frame()
    d["job"] = d["job"].where((d["group"] == "g00") | (d["arm"] == "solo"))
    d["died"] = 0
    with pytest.raises(TrialkitError, match="outcome 'job'"):
        run(text(), d)


def test_people_of_weight_zero_are_not_missed():
    d = frame()
    d["weight"] = d["y"].notna() * 1.0
    content = run(text(plan=PLAN.replace('group = "group"\n', 'group = "group"\nweights = "weight"\n', 1)), d)
    assert outcome(content, "mood").result.kind == "itt"
    assert outcome(content, "job").result.kind == "pooled"
    assert count_problems(content) == ()
