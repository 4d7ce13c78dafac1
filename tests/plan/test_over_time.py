"""The companion over all waves: its effect at the outcome's wave beside the primary analysis, the whole course in its own section."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.report.save import Report

PLAN = """\
schema_version = 1
[trial]
title = "Three waves"
population = "people"
[arms]
solo = { control = true, label = "Alone" }
peer = { grouped = true, label = "Peer group" }
[data]
unit = "id"
arm = "arm"
group = "group"
waves = { t0 = "before", t1 = "after three months", t2 = "after nine months" }
[[scales]]
name = "belief"
scale = "gse"
items = "gse_{wave}_{item}"
waves = ["t0", "t1", "t2"]
[[outcomes]]
name = "belief"
label = "Belief in oneself"
scale = "belief"
wave = "t2"
role = "primary"
[analysis]
companions = ["longitudinal"]
[report]
"""


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Eight groups of ten and eighty people alone, 15 % lost at each follow-up."""
    rng = np.random.default_rng(7)
    arm = np.repeat(["solo", "peer"], 80)
    group = [None] * 80 + [f"g{i // 10}" for i in range(80)]
    trait = rng.normal(size=160)
    frame = {"id": range(160), "arm": arm, "group": group}
    for wave in range(3):
        level = trait + 0.4 * wave * (arm == "peer") + rng.normal(scale=0.4, size=160)
        lost = rng.random(160) < (0.15 if wave else 0.0)
        for item in range(1, 11):
            answer = np.clip(np.round(2.5 + 0.6 * level + rng.normal(scale=0.6, size=160)), 1, 4)
            frame[f"gse_t{wave}_{item}"] = np.where(lost, np.nan, answer)
    return pd.DataFrame(frame)


@pytest.fixture(scope="module")
def content(data) -> Report:
    return tk.Plan.from_text(PLAN).run(data)


def test_the_companion_is_the_effect_at_the_wave(content, data):
    rows = content.outcomes[0].companions["longitudinal"].tidy()
    assert rows["wave"].tolist() == ["t2"]
    course = content.over_time["belief"].tidy()
    assert course["wave"].tolist()[:2] == ["t1", "t2"]
    assert course["over_waves"].dropna().tolist() == ["average", "fade_out"]
    assert rows.iloc[0]["estimate"] == course.iloc[1]["estimate"]


def test_it_is_the_model_of_all_waves(content, data):
    scores = {f"t{w}": tk.measurement.score(data, "gse", f"gse_t{w}_{{item}}").values for w in range(3)}
    frame = data.assign(**{k: v.to_numpy(dtype=float, na_value=np.nan) for k, v in scores.items()})
    trial = tk.Trial(frame, arm="arm", control="solo", unit="id", group="group", grouped_arms=["peer"])
    same = tk.longitudinal(trial, {w: w for w in ("t0", "t1", "t2")})
    found = content.over_time["belief"]
    assert found.tidy()["estimate"].tolist() == pytest.approx(same.tidy()["estimate"].tolist(), abs=1e-9)
    assert found.tidy()["std_error"].tolist() == pytest.approx(same.tidy()["std_error"].tolist(), abs=1e-9)


def test_the_report_shows_the_course_and_survives_json(content, tmp_path):
    again = Report.from_dict(json.loads(json.dumps(content.to_dict())))
    page = again.save(tmp_path / "report").read_text("utf-8")
    assert "The effect over time" in page
    assert "after three months" in page and "Change from the first to the last follow-up" in page
    assert "All waves in one model" in page
    assert (tmp_path / "report" / "figures" / "over-time-1.png").exists()


def test_a_scale_with_one_follow_up_has_the_companion_but_no_course(data):
    found = tk.Plan.from_text(PLAN.replace('"t0", "t1", "t2"]', '"t0", "t2"]')).run(data)
    assert found.over_time == {}
    assert len(found.outcomes[0].companions["longitudinal"].estimates) == 1


def test_a_column_has_no_waves(data):
    plan = PLAN.replace('scale = "belief"\nwave = "t2"', 'column = "gse_t2_1"')
    assert "companion 'longitudinal'" in " ".join(tk.Plan.from_text(plan).run(data).not_run)
