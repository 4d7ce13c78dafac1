"""Stage 2 of blinding: made-up arms on real data, once and many times."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import trialkit as tk
from tests.plan.blinding import PLAN, people, planned
from trialkit.errors import DataError, PlanError, UsageError
from trialkit.estimate.icc import achieved_icc
from trialkit.plan.blinding.alike import latent_share, made_alike
from trialkit.plan.blinding.false_positives import false_positives
from trialkit.plan.blinding.made_up import made_up
from trialkit.plan.blinding.rerandomized import run_rerandomized
from trialkit.report.save import Report
from trialkit.results import Result


@pytest.fixture
def plan(tmp_path) -> tk.Plan:
    return planned(tmp_path)


def _hidden(plan: tk.Plan, frame: pd.DataFrame, seed: int, draw: int = 1) -> pd.DataFrame:
    return made_up(plan.spec, frame, seed=seed).redrawn(draw).trial.data


def test_members_are_alike_by_the_icc_and_keep_values_that_somebody_has():
    rng = np.random.default_rng(1)
    for values, tolerance in (
        ((rng.random(4000) < 0.3) * 1.0, 0.02),
        (rng.poisson(2, 4000) * 1.0, 0.02),
        (rng.normal(size=4000), 0.02),
    ):
        found = []
        for _ in range(20):
            unit = rng.permutation(np.repeat(np.arange(400), 10))
            new = values[made_alike(values, values, unit, 0.15, rng)]
            table = new[np.argsort(unit, kind="stable")].reshape(400, 10)
            between, within = 10 * table.mean(axis=1).var(ddof=1), table.var(axis=1, ddof=1).mean()
            found.append((between - within) / (between + 9 * within))
            assert set(np.unique(new)) <= set(np.unique(values))
        assert np.mean(found) == pytest.approx(0.15, abs=tolerance)


def test_the_latent_share_is_that_of_the_tetrachoric_correlation():
    # two normal scores that correlate r put both of a pair above 0 with probability 1/4 + asin(r) / (2 pi), so the shares correlate 2 asin(r) / pi
    halves = np.repeat([0.0, 1.0], 500)
    assert latent_share(halves, 0.1) == pytest.approx(np.sin(0.1 * np.pi / 2), abs=2e-3)
    # quantiles of normal scores correlate as these do
    assert latent_share(np.sort(np.random.default_rng(1).normal(size=20_000)), 0.2) == pytest.approx(0.2, abs=2e-3)
    assert latent_share(halves, 0.0) == 0.0
    assert latent_share(np.ones(50), 0.3) == 0.0


def test_people_alone_keep_their_outcome():
    values = np.arange(20.0)
    unit = np.r_[np.zeros(5, dtype=int), np.full(15, -1)]
    assert (made_alike(values, values, unit, 0.5, np.random.default_rng(1))[5:] == np.arange(5, 20)).all()


def test_the_icc_of_made_up_groups_is_the_assumed_one(plan):
    ready = made_up(plan.spec, people(1), seed=1, icc=0.3)
    found = [achieved_icc(ready.redrawn(d).trial, "y")["peer"]["icc"] for d in range(1, 31)]
    assert np.mean(found) == pytest.approx(0.3, abs=0.06)


def test_arms_follow_the_plan_and_not_the_ratio_of_the_data(plan):
    lopsided = people(1).iloc[:160]  # 120 of peer, 40 of solo
    made = _hidden(plan, lopsided, seed=1)
    assert abs((made["arm"] == "peer").sum() - 80) <= 1
    assert made.loc[made["arm"] == "solo", "group"].isna().all()
    assert made.loc[made["arm"] == "peer", "group"].notna().all()
    assert (made.loc[made["arm"] == "solo", "came"] == 0).all()
    assert made.groupby("site")["arm"].apply(lambda a: abs((a == "peer").mean() - 0.5)).max() < 0.02


def test_the_real_arm_is_nowhere_in_the_blinded_data(plan):
    """The best guess from any column, missing values, order or identifiers is right no more often than chance allows."""
    hits = []
    for seed in range(12):
        frame = people(seed, told=True)
        made = _hidden(plan, frame, seed=seed).merge(frame[["id", "arm"]].rename(columns={"arm": "real"}), on="id")
        treated = made["real"] == "peer"
        assert not {"code", "rating_of_group", "reason_not_offered", "session", "hours", "remark"} & set(made.columns)
        p = []
        for column in made.columns.drop(["real", "id"]):
            p.append(
                stats.chi2_contingency(
                    pd.crosstab(
                        pd.qcut(made[column], 4, duplicates="drop")
                        if made[column].nunique() > 10 and made[column].dtype.kind in "if"
                        else made[column].astype(str),
                        treated,
                    )
                )[1]
            )
            if made[column].isna().any():
                p.append(stats.fisher_exact(pd.crosstab(made[column].isna(), treated))[1])
        hits.append(min(p) * len(p) < 0.05)
        agree = (made["arm"] == made["real"]).mean()
        assert abs(agree - 0.5) < 0.16
        assert not (made["arm"].to_numpy() == made["real"].to_numpy()).all()
    assert sum(hits) <= 3


def test_a_seed_of_the_allocation_does_not_draw_it_again(plan):
    from trialkit.plan.planned.randomization import design_of

    frame = people(3)
    real = design_of(plan.spec, frame[["id", "site"]]).assign(seed=5).set_index("id")["arm"]
    made = _hidden(plan, frame, seed=5).set_index("id")["arm"]
    assert abs((made == real.reindex(made.index)).mean() - 0.5) < 0.2


def test_a_draw_follows_from_the_seed_and_its_number(plan):
    frame = people(1)
    first, again, other = _hidden(plan, frame, 1), _hidden(plan, frame, 1), _hidden(plan, frame, 1, draw=2)
    pd.testing.assert_frame_equal(first, again)
    assert (first["arm"] != other["arm"]).any()
    mixed = _hidden(plan, frame.sample(frac=1, random_state=1), 1).set_index("id")["arm"]
    assert (mixed == first.set_index("id")["arm"].reindex(mixed.index)).all()


def test_the_arm_may_be_absent_already(plan):
    frame = people(1)
    bare = frame.drop(columns=["arm", "group", "came", "leader"])
    first, second = run_rerandomized(plan, bare, seed=1), run_rerandomized(plan, frame, seed=1)
    assert first.tidy()["estimate"].tolist() == second.tidy()["estimate"].tolist()


def test_the_report_is_marked_everywhere_and_round_trips(plan, tmp_path):
    content = run_rerandomized(plan, people(1), seed=1)
    assert content.blinding["mark"] == "rerandomized"
    assert str(content).startswith("BLINDED: arms are made up")
    again = Report.from_dict(json.loads(json.dumps(content.to_dict())))
    assert again.blinding == content.blinding
    page = content.save(tmp_path / "blinded").read_text("utf-8")
    sections = page.count("<section")
    assert sections > 5
    assert page.count("BLINDED: arms are made up") >= sections + 2
    assert "<title>BLINDED" in page
    assert not (tmp_path / "plan.unblinding.jsonl").exists()


def test_the_dutch_report_is_marked_in_dutch(plan):
    from trialkit.report.assemble import assemble
    from trialkit.report.view import View
    from trialkit.report.words.dutch import Dutch

    document = assemble(View(run_rerandomized(plan, people(1), seed=1), Dutch()))
    assert document.title.startswith("GEBLINDEERD: de armen zijn verzonnen")
    assert "0,1" in " ".join(document.status.sentences)


def test_false_positives_do_not_depend_on_workers_and_round_trip(plan):
    said, steps = [], []
    one = false_positives(
        plan, people(1), repeats=20, seed=4, told=said.append, progress=lambda done, of: steps.append((done, of))
    )
    two = false_positives(plan, people(1), repeats=20, seed=4, workers=2)
    assert one.table == two.table
    assert len(said) == 1
    assert "20 will take about" in said[0]
    assert steps[-1] == (20, 20)
    assert Result.from_dict(json.loads(json.dumps(one.to_dict()))).tidy().equals(one.tidy())
    assert set(one.tidy()["analysis"]) == {"as planned", "groups ignored"}
    assert "made-up trials" in str(one)


def test_an_analysis_that_ignores_groups_is_found_out(plan):
    found = false_positives(plan, people(1), repeats=150, seed=2, icc=0.4).tidy().set_index("analysis")
    assert found.loc["groups ignored", "reading"] == "too often"
    assert found.loc["as planned", "share"] < 0.11
    assert found.loc["as planned", "share"] < found.loc["groups ignored", "share"]
    row = found.loc["as planned"]
    assert row["mc_error"] == pytest.approx(np.sqrt(row["share"] * (1 - row["share"]) / 150))
    low, high = stats.binomtest(int(row["rejected"]), 150).proportion_ci(method="exact")
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high))


def test_indices_are_made_again_with_the_made_up_arms(tmp_path):
    text = PLAN + '[[outcomes]]\nname = "both"\nrole = "secondary"\nindex = { of = ["mood", "job"], kind = "klk" }\n'
    text = text.replace("[analysis]", "").replace('adjust = ["female"]', "")
    ready = made_up(planned(tmp_path, text).spec, people(1), seed=1)
    first, second = (ready.redrawn(d).trial.data for d in (1, 2))
    control = first["arm"] == "solo"
    parts = [(first[c] - first.loc[control, c].mean()) / first.loc[control, c].std() for c in ("y", "job")]
    complete = first["y"].notna()
    np.testing.assert_allclose(first.loc[complete, "both_index"], ((parts[0] + parts[1]) / 2)[complete], atol=0.15)
    assert (first["both_index"] != second["both_index"]).any()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("icc = 0.1, ", ""), PlanError, "--icc"),
        (('groups = { size = [6, 9], within = ["site"] }', ""), PlanError, "size"),
    ],
)
def test_a_plan_without_groups_or_icc_says_what_to_add(tmp_path, change, error, words):
    with pytest.raises(error, match=words):
        made_up(planned(tmp_path, PLAN.replace(*change)).spec, people(1), seed=1)


def test_bad_input_is_an_error_with_its_remedy(plan):
    frame = people(1)
    with pytest.raises(DataError, match="'y'"):
        run_rerandomized(plan, frame.drop(columns="y"), seed=1)
    with pytest.raises(UsageError, match="20 or more"):
        false_positives(plan, frame, repeats=3, seed=1)
    with pytest.raises(UsageError, match="icc"):
        run_rerandomized(plan, frame, seed=1, icc=1.2)
    with pytest.raises(tk.errors.TrialkitError):
        run_rerandomized(plan, frame.assign(y=np.nan), seed=1)
