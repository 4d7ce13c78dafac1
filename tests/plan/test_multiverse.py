"""The planned multiverse: from [multiverse] to the curve, the section of the report in two languages, its figure and its table."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import PlanError
from trialkit.plan.planned.multiverse import planned_multiverse
from trialkit.plan.planned.prepare import prepare
from trialkit.plan.reading.load import load_spec
from trialkit.report.assemble import assemble
from trialkit.report.document import Bullets, FigureBlock, Table, Text
from trialkit.report.drawings import drawn
from trialkit.report.save import Report
from trialkit.report.view import View
from trialkit.report.words.dutch import Dutch

PLAN = """
schema_version = 1
[trial]
title = "Peer groups for job seekers"
population = "people who applied"
[arms]
solo = { label = "Counselling", control = true }
peer = { label = "Peer group", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
waves = { t0 = "before", t1 = "after" }
[design]
groups = { size = [8, 12] }
[[scales]]
name = "se"
scale = "gse"
items = "gse_{wave}_{item}"
[[outcomes]]
name = "confidence"
label = "Self-efficacy"
scale = "se"
wave = "t1"
role = "primary"
[analysis]
adjust = ["age"]
seed = 4
[missing]
imputations = 3
seed = 3
"""
ALTERNATIVES = """
[multiverse]
adjust = { "no covariates" = [], "baseline only" = ["se_t0"] }
estimators = ["lin"]
missing = ["multiple_imputation", "inverse_probability_weights"]
prorate = [0]
leave_out_items = [3]
winsorize = [0.95]
combine = "one_at_a_time"
draws = 100
"""


def data(n: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(
        {"id": np.arange(n), "age": rng.normal(40, 9, n).round(), "arm": np.where(np.arange(n) // 2 % 2 == 0, "peer", "solo")}
    )
    members = np.flatnonzero(d["arm"] == "peer")
    d["group"] = pd.Series([None] * n, dtype="object")
    d.loc[members, "group"] = [f"g{i // 10}" for i in range(len(members))]
    trait = rng.normal(size=n)
    answers = {}
    for wave, effect in (("t0", 0.0), ("t1", 0.5)):
        level = trait + effect * (d["arm"] == "peer") + 0.5 * rng.normal(size=n)
        for i in range(1, 11):
            answers[f"gse_{wave}_{i}"] = np.clip(np.round(2.5 + 0.6 * level + 0.6 * rng.normal(size=n)), 1, 4)
    lost = rng.random(n) < 0.12
    for i in range(1, 11):
        answers[f"gse_t1_{i}"] = answers[f"gse_t1_{i}"].where(~lost & (rng.random(n) > 0.02))
    return pd.concat([d, pd.DataFrame(answers)], axis=1)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Any]:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    path.write_text(PLAN + ALTERNATIVES)
    spec = load_spec(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spec, prepare(spec, data()), tk.Plan.load(path).run(data())


def test_the_registered_analysis_and_every_alternative_are_run(planned):
    _, ready, report = planned
    curve = report.multiverse["confidence"]
    kinds = curve.details["kinds"]
    assert {k: len(v) for k, v in kinds.items()} == {
        "scoring": 3,
        "adjusted_for": 3,
        "estimator": 2,
        "missing_outcomes": 3,
        "extremes": 2,
    }
    assert len(curve.estimates) == 1 + 2 + 2 + 1 + 2 + 1 and not curve.failed and not report.multiverse_left_out
    registered, primary = curve.registered, report.outcomes[0].result.estimates[0]
    assert (registered.estimate, registered.std_error, registered.p_value) == (
        primary.estimate,
        primary.std_error,
        primary.p_value,
    )
    alone = tk.itt(ready.trial, "se_t1", adjust=[]).estimates[0]
    assert next(e for e in curve.estimates if e.extra["adjusted_for"] == "no covariates").estimate == alone.estimate
    assert curve.p_value >= 1 / 101 and curve.details["n_draws"] == 100 and curve.details["seed"] == 4


def test_scores_without_an_item_and_with_every_answer(planned):
    _, ready, report = planned
    curve, answers, frame = report.multiverse["confidence"], ready.answers["se_t1"], ready.trial.data
    other = {e.extra["scoring"]: e for e in report.multiverse["confidence"].estimates}
    left = answers.drop(columns="gse_t1_3").mean(axis=1) * 10
    before = ready.answers["se_t0"].drop(columns="gse_t0_3").mean(axis=1) * 10
    trial = ready.trial.with_columns({"y": left.where(frame["se_t1"].notna()).to_numpy(), "b": before.to_numpy()})
    own = tk.itt(trial, "y", adjust=["b", "age"]).estimates[0]
    assert other["without item 3"].estimate == pytest.approx(own.estimate, rel=1e-9)
    complete = answers.notna().all(axis=1)
    trial = ready.trial.with_columns({"y": frame["se_t1"].where(complete).to_numpy(), "b": frame["se_t0"].to_numpy()})
    assert other["0 answers may be missing"].estimate == pytest.approx(
        tk.itt(trial, "y", adjust=["b", "age"]).estimates[0].estimate, rel=1e-9
    )
    assert other["0 answers may be missing"].n == int(complete.sum()) < curve.registered.n


def _section(content: Report, view: View) -> Any:
    return next(s for s in assemble(view).sections if s.id == "multiverse")


@pytest.mark.parametrize("dutch", [False, True])
def test_the_section_says_what_the_curve_shows(planned, dutch):
    content = Report.from_dict(json.loads(json.dumps(planned[2].to_dict(), allow_nan=False)))
    assert content.to_dict()["multiverse"] == planned[2].to_dict()["multiverse"]
    view = View(content, Dutch()) if dutch else View(content)
    blocks = _section(content, view).blocks
    text = " ".join(b.text for b in blocks if isinstance(b, Text))
    for sentence in (
        (
            "blijft de analyse van dit onderzoek",
            "komt in haar plaats",
            "tellingen en geen toetsen",
            "Alle 9 analyses",
            "startgetal",
        )[:4]
        if dutch
        else ("stays the analysis of this trial", "none of them takes its place", "counts, not tests", "All 9 analyses")
    ):
        assert sentence in text
    assert "significant" not in text and "proves" not in text and "robust" not in text
    figure = next(b for b in blocks if isinstance(b, FigureBlock))
    assert "9" in figure.alt and ("geregistreerde" if dutch else "registered") in figure.alt
    tables = [b for b in blocks if isinstance(b, Table)]
    assert len(tables) == 2 and ("zonder vraag 3" if dutch else "without item 3") in {str(r.cells[0]) for r in tables[0].rows}
    assert any("2 of 9" in i for b in blocks if isinstance(b, Bullets) for i in b.items) or dutch
    names = [f.name for f in drawn(view, lambda name: None)]
    assert "specification-curve-1" in names


def test_the_table_and_the_words_of_the_plan(planned, tmp_path: Path):
    path = planned[2].save(tmp_path / "report")
    table = pd.read_csv(path.parent / "tables" / "multiverse.csv")
    assert len(table) == 9 and table["registered"].sum() == 1 and table["specification"].is_unique
    assert 'id="multiverse"' in path.read_text(encoding="utf-8")
    told = " ".join(planned[2].plan_text.split())
    assert "A specification curve of 'confidence' beside the registered analysis, one at a time" in told and "seed 4" in told
    dutch = " ".join(str(planned[2].told["nl"]["plan"]["text"]).split())
    assert (
        "Een specificatiecurve van 'confidence' naast de geregistreerde analyse, één voor één" in dutch
        and "startgetal 4" in dutch
    )


def test_a_plan_without_the_section_keeps_its_hash_and_its_report(tmp_path: Path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    spec = load_spec(path)
    assert "multiverse" not in spec.to_dict()
    assert planned_multiverse(spec, None) == ({}, ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("", "declares no alternative"),
        ('sample = ["attended"]\nestimators = ["lin"]', "people choose whether to attend"),
        ('outcomes = ["confidense"]\nestimators = ["lin"]', "Did you mean 'confidence'"),
        ('estimators = ["logit"]', "another effect"),
        ('covariances = ["HC3"]', "ignores the groups"),
        ('adjust = { "wrong" = ["group"] }', "cannot be a covariate"),
        ('statistic = "median_estimate"\nestimators = ["lin"]', "median_t"),
        ('winsorize = [0.3]', "0.5"),
        ('winsorise = [0.9]', "winsorize"),
        ('estimators = ["lin", "lin"]', "twice"),
    ],
)  # fmt: skip
def test_what_a_plan_may_not_say(section, words, tmp_path: Path):
    path = tmp_path / "plan.toml"
    path.write_text(f"{PLAN}\n[multiverse]\n{section}\n")
    with pytest.raises(PlanError, match=words):
        load_spec(path)


def test_seeds_and_columns_are_asked_for(tmp_path: Path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN.replace("seed = 4", "").replace("seed = 3", "") + '[multiverse]\nmissing = ["multiple_imputation"]\n')
    with pytest.raises(PlanError, match="seed") as error:
        load_spec(path)
    assert "[multiverse]" in str(error.value) and "[missing]" in str(error.value)
    path.write_text(PLAN + '[multiverse]\nadjust = { "with income" = ["incom"] }\n')
    with pytest.raises(tk.errors.DataError, match=r"'incom'.*adjust of the multiverse"):
        prepare(load_spec(path), data().assign(income=1.0))


def test_an_item_that_is_not_there_is_said_and_the_report_stands(tmp_path: Path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN + "[multiverse]\nleave_out_items = [11]\ndraws = 100\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec = load_spec(path)
        found, said = planned_multiverse(spec, prepare(spec, data()))
    assert not found and said == (
        "'Self-efficacy': the score of 'confidence' has 10 items, so there is no item 11 to leave out.",
    )
