"""Planned mediation: from [[mediation]] to the section of the report, its figures and tables."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import PlanError, TrialkitError
from trialkit.report.save import Report

PLAN = """
schema_version = 1
[trial]
title = "A small trial"
population = "people who applied"
[arms]
solo = {{ label = "Counselling", control = true }}
peer = {{ label = "Counselling plus a group", grouped = true }}
[data]
unit = "id"
arm = "arm"
group = "group"
waves = {{ t0 = "before", t1 = "after three months", t2 = "after nine months" }}
[[outcomes]]
name = "mood"
column = "y"
label = "Well-being"
baseline = "y0"
role = "primary"
wave = "t2"
[[outcomes]]
name = "job"
column = "job"
label = "In work"
role = "secondary"
measure = "risk_difference"
[multiplicity]
method = "none"
[[mediation]]
outcome = "{outcome}"
mediator = {{ column = "m", wave = "{wave}", baseline = "m0" }}
draws = 200
seed = 7
"""


def data(a: float = 0.5, direct: float = 0.4, groups: int = 12, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    half = groups * 10
    t = np.repeat([1.0, 0.0], half)
    group = np.concatenate([np.repeat(np.arange(groups), 10), np.full(half, np.nan)])
    share = np.concatenate([np.repeat(rng.normal(size=groups) * 0.3, 10), np.zeros(half)])
    m0, y0 = rng.normal(size=(2, 2 * half))
    m = a * t + 0.5 * m0 + share + rng.normal(size=2 * half)
    y = direct * t + 0.5 * m + 0.4 * y0 + share + rng.normal(size=2 * half)
    frame = pd.DataFrame(
        {"id": range(2 * half), "arm": np.where(t == 1, "peer", "solo"), "group": group, "m0": m0, "y0": y0, "m": m, "y": y}
    )
    frame["job"] = (y > 0.3).astype(float)
    return frame


def planned(tmp_path, outcome: str = "mood", wave: str = "t1", more: str = "") -> tk.Plan:
    (tmp_path / "plan.toml").write_text(PLAN.format(outcome=outcome, wave=wave) + more)
    return tk.Plan.load(tmp_path / "plan.toml")


def test_the_plan_runs_what_mediate_gives(tmp_path) -> None:
    d = data()
    content = planned(tmp_path).run(d)
    assert content.not_run == ()
    (found,) = content.mediation
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group", grouped_arms=["peer"])
    direct = tk.mediate(trial, "y", mediator="m", mediator_baseline="m0", outcome_baseline="y0", n_draws=200, seed=7)
    for a, b in zip(found.result.estimates, direct.estimates, strict=True):
        assert (a.outcome, a.estimand) == ("mood", b.estimand)
        assert (a.estimate, a.conf_low, a.conf_high) == pytest.approx(
            (b.estimate, b.conf_low, b.conf_high), rel=1e-9, nan_ok=True
        )
    assert found.sensitivity.details["breakpoints"] == pytest.approx(direct.sensitivity().details["breakpoints"], rel=1e-9)
    assert found.evalues.table[2]["evalue"] == pytest.approx(direct.evalue().estimate, rel=1e-9)
    assert "m0" in content.plan_text and "unmeasured" in content.plan_text


def test_the_section_comes_back_from_results_json_and_never_proves(tmp_path) -> None:
    content = planned(tmp_path).run(data(), now="2026-01-01T00:00:00+00:00")
    again = Report.from_dict(json.loads(json.dumps(content.to_dict())))
    content.save(tmp_path / "report")
    again.save(tmp_path / "again")
    text = (tmp_path / "report" / "index.html").read_text()
    assert text == (tmp_path / "again" / "index.html").read_text()
    section = text[text.index('id="mediation"') :]
    section = section[: section.index("</section>")]
    for part in ("Well-being", "AGReMA", "E-value", "no proof", "Share of the total", "within groups", "unmeasured"):
        assert part in section, part
    for claim in ("proves", "proven", "demonstrates", "shows that", "caused by"):
        assert claim not in section, claim
    curve = pd.read_csv(tmp_path / "report" / "tables" / "mediation_sensitivity.csv")
    assert {"rho", "estimate"} <= set(curve.columns) and (curve["name"] == "mood").all()
    for what in ("paths", "effects", "rho"):
        assert (tmp_path / "report" / "figures" / f"mediation-1-{what}.png").stat().st_size > 5000


def test_the_share_is_withheld_where_the_total_may_be_nothing(tmp_path) -> None:
    content = planned(tmp_path).run(data(direct=-0.25))
    (found,) = content.mediation
    total = found.result.effect("total")
    assert total.conf_low < 0 < total.conf_high
    content.save(tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text()
    assert "Share of the total that is indirect</th>" not in text and "is not given" in text
    table = pd.read_csv(tmp_path / "report" / "tables" / "mediation.csv")
    assert "proportion" not in set(table["estimand"]) and "acme" in set(table["estimand"])
    stored = json.loads((tmp_path / "report" / "results.json").read_text())["mediation"][0]["result"]
    assert any(e["estimand"] == "proportion" for e in stored["estimates"])
    assert any(n["code"] == "proportion_unstable" for n in stored["notes"])


def test_a_binary_outcome_has_a_curve_of_shares_and_an_evalue_of_the_ratio(tmp_path) -> None:
    d = data()
    (found,) = planned(tmp_path, outcome="job").run(d).mediation
    assert found.result.details["measure"] == "risk_difference" and found.linear_curve
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group", grouped_arms=["peer"])
    linear = tk.mediate(trial, "job", mediator="m", mediator_baseline="m0", measure="mean_difference", inference="delta")
    assert found.sensitivity.details["breakpoints"]["acme"] == pytest.approx(linear.sensitivity().breakpoint)
    assert found.evalues.details["measure"] == "risk_ratio" and found.left_out == ()


def test_what_the_data_do_not_allow_is_said_and_the_effects_stand(tmp_path) -> None:
    d = data()
    d["m"] = (d["arm"] == "peer").astype(float)
    content = planned(tmp_path).run(d)
    (found,) = content.mediation
    assert found.result is None and "told exactly by the arm" in found.left_out[0]
    assert math.isfinite(content.outcomes[0].result.estimates[0].estimate)
    content.save(tmp_path / "report")
    assert "told exactly by the arm" in (tmp_path / "report" / "index.html").read_text()


def test_a_property_of_groups_is_no_mediator(tmp_path) -> None:
    d = data()
    d["m"] = d["group"]
    (found,) = planned(tmp_path).run(d).mediation
    assert found.result is None and "groups" in found.left_out[0]


@pytest.mark.parametrize(("wave", "told"), [("t0", "first wave"), ("t9", "not one of")])
def test_a_mediator_out_of_time_is_refused_with_the_plan(tmp_path, wave: str, told: str) -> None:
    with pytest.raises(PlanError, match=told):
        planned(tmp_path, wave=wave)


def test_a_mediator_after_its_outcome_is_refused_with_the_plan(tmp_path) -> None:
    text = PLAN.format(outcome="mood", wave="t2").replace('role = "primary"\nwave = "t2"', 'role = "primary"\nwave = "t1"')
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(PlanError, match="after its outcome"):
        tk.Plan.load(tmp_path / "plan.toml")


def test_the_same_wave_is_said(tmp_path) -> None:
    (found,) = planned(tmp_path, wave="t2").run(data()).mediation
    assert any(n.code == "same_wave" for n in found.result.notes)


def test_a_mediator_that_is_not_in_the_data_stops_the_run(tmp_path) -> None:
    with pytest.raises(TrialkitError, match="m"):
        planned(tmp_path).run(data().drop(columns="m"))


def test_each_treated_arm_is_compared_with_control(tmp_path) -> None:
    d = data()
    third = d[d["arm"] == "solo"].assign(arm="letter")
    third["id"] = third["id"] + 10_000
    text = PLAN.format(outcome="mood", wave="t1").replace("[data]", 'letter = { label = "A letter" }\n[data]')
    (tmp_path / "plan.toml").write_text(text)
    content = tk.Plan.load(tmp_path / "plan.toml").run(pd.concat([d, third], ignore_index=True))
    assert [m.arm for m in content.mediation] == ["peer", "letter"]
    assert all({e.contrast for e in m.result.estimates} == {f"{m.arm} - solo"} for m in content.mediation)
