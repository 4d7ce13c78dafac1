"""Parts that make studies, and the two meta-analyses: what is true, what is published, what the scripts print."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import special

import trialkit as tk
from trialkit.errors import DesignError, PlanError
from trialkit.simulate import load_scenario
from trialkit.simulate.components.studies import (
    ClusterShare,
    ClusterSize,
    DomainEffects,
    FileDrawer,
    MeasuredEffect,
    StudyEffect,
    StudyTables,
)
from trialkit.simulate.people import People, stream
from trialkit.simulate.runner import simulate_people

ROOT = Path(__file__).parents[2]
N = 20_000
TABLES = {
    "part": "studytables",
    "name": "lor",
    "on": {"arm": 1.0},
    "residual": 0.3,
    "log_size": 4.0,
    "log_size_sd": 0.5,
    "smallest": 20,
    "control_log_odds": -0.5,
    "control_log_odds_sd": 0.4,
    "event": "employed",
}


def drawn(*parts, n=N, everyone=None, **values) -> People:
    made = People(n, ("partial", "both"), everyone)
    made.values |= {k: np.broadcast_to(np.asarray(v, dtype=float), n).copy() for k, v in values.items()}
    made.labels["arm"] = made.arms
    for part in parts:
        part.draw(made, stream(1, part.name))
    return made


HALF = np.arange(N) % 2


def test_tables_have_the_odds_of_their_study():
    made = drawn(StudyTables(**TABLES | {"residual": 0.0, "control_log_odds_sd": 0.0}), arm=HALF)
    assert (made["lor"] == HALF).all() and (made["treated_n"] == made["control_n"]).all() and made["treated_n"].min() == 20
    for arm in (0, 1):
        kind = arm == HALF
        share = made["treated_employed"][kind].sum() / made["treated_n"][kind].sum()
        assert share == pytest.approx(special.expit(-0.5 + arm), abs=4 * 0.5 / math.sqrt(made["treated_n"][kind].sum()))
    assert np.log(made["treated_n"]).mean() == pytest.approx(4.0, abs=0.02)
    spread = drawn(StudyTables(**TABLES), arm=HALF)["lor"] - HALF
    assert spread.std() == pytest.approx(0.3, rel=0.03) and spread.mean() == pytest.approx(0, abs=0.01)


def test_the_drawer_hides_the_data_and_not_the_truth():
    closed, open_ = StudyTables(**TABLES | {"drawer": FileDrawer(intercept=-2.0, slope=0.5)}), StudyTables(**TABLES)
    for world in (0, 1):
        true, plain = (drawn(p, everyone=world, arm=world) for p in (closed, open_))
        assert all((true[c] == plain[c]).all() for c in ("lor", *open_.columns)) and "file_drawer" not in true.tables
    data, plain = drawn(closed, arm=HALF), drawn(open_, arm=HALF)
    kept = data["treated_employed"] == plain["treated_employed"]
    assert 0.3 < kept.mean() < 0.95
    hidden = pd.DataFrame(data.tables["file_drawer"])
    a, c = hidden["treated_employed"] + 0.5, hidden["control_employed"] + 0.5
    b, d = hidden["treated_n"] + 1 - a, hidden["control_n"] + 1 - c
    assert (np.log(a * d / (b * c)) / np.sqrt(1 / a + 1 / b + 1 / c + 1 / d) <= 1.96).all()
    assert data["lor"][HALF == 0].mean() > 0.05 and (hidden["kind"] == "partial").mean() > 0.6
    with pytest.raises(DesignError, match="one study in 1000"):
        drawn(StudyTables(**TABLES | {"drawer": FileDrawer(intercept=-60.0, slope=0.0)}), n=20, arm=-5)


def test_a_measured_effect_has_its_standard_error_and_its_dependence():
    part = {"part": "measuredeffect", "name": "d", "of": "true", "sizes": ("both",)}
    codes = np.repeat(np.arange(N // 2), 2)
    made = drawn(MeasuredEffect(**part, within="study", shared=0.6), true=0.3, both=200, study=codes)
    error = made["d"] / 1000 - 0.3
    se = math.sqrt(4 / 200 + 0.3**2 / 400)
    assert error.std() == pytest.approx(se, rel=0.03) and error.mean() == pytest.approx(0, abs=4 * se / math.sqrt(N / 2))
    assert np.corrcoef(error[::2], error[1::2])[0, 1] == pytest.approx(0.6, abs=0.03)
    assert made["d_se"].mean() == pytest.approx(1000 * se, abs=1) and (made["d"] == np.round(made["d"])).all()
    two = drawn(MeasuredEffect(**part | {"sizes": ("n1", "n0")}), true=0.0, n1=100, n0=300)["d"] / 1000
    assert two.std() == pytest.approx(math.sqrt(1 / 100 + 1 / 300), rel=0.03)
    with pytest.raises(ValidationError, match="name it in within"):
        MeasuredEffect(**part, shared=0.5)


def test_study_effects_and_domain_effects_differ_by_the_arm_alone():
    part = StudyEffect(part="studyeffect", name="e", intercept=0.1, added=0.5, on={"x": 2.0}, residual=0.2)
    low, high = (drawn(part, arm=a, x=HALF) for a in (0, 1))
    assert high["e"] - low["e"] == pytest.approx(0.5) and (low["e"] - 2 * HALF).mean() == pytest.approx(0.1, abs=0.01)
    domains = DomainEffects(
        part="domaineffects", name="e", domain="kind", means={"a": 0.2, "b": 0.0}, added={"a": 0.1, "b": 0.0}, on={}, residual=0.3
    )
    worlds = []
    for arm in (0, 1):
        made = People(N, ("no", "yes"), arm)
        made.values |= {"arm": np.full(N, float(arm)), "kind": HALF.astype(float)}
        made.labels["kind"] = ("a", "b")
        domains.draw(made, stream(1, "e"))
        assert (made["e"] == np.where(HALF == 0, made["e_a"], made["e_b"])).all()
        assert made["e_a"] - made["e_b"] == pytest.approx(0.2 + 0.1 * arm)
        worlds.append(made)
    assert worlds[1]["e_a"] - worlds[0]["e_a"] == pytest.approx(0.1) and (worlds[1]["e_b"] == worlds[0]["e_b"]).all()
    made.labels["kind"] = ("a", "c")
    with pytest.raises(PlanError, match="the domains are"):
        domains.draw(made, stream(1, "e"))
    with pytest.raises(ValidationError, match="same domains"):
        DomainEffects(part="domaineffects", name="e", domain="kind", means={"a": 1.0}, added={}, on={}, residual=0)


def test_what_is_the_studys_is_the_same_in_all_its_rows():
    codes = np.repeat(np.arange(N // 4), 4)
    size = ClusterSize(part="clustersize", name="n", clusters="study", log_mean=6.0, log_sd=0.5, smallest=80)
    share = ClusterShare(part="clustershare", name="poor", clusters="study", of="n", intercept=-2.2, residual=0.5)
    made = drawn(size, share, study=codes)
    for name in ("n", "poor", "poor_share"):
        assert (made[name].reshape(-1, 4) == made[name].reshape(-1, 4)[:, :1]).all()
    assert made["n"].min() >= 80 and np.log(made["n"][::4]).mean() == pytest.approx(6.0, abs=0.03)
    logits = special.logit(made["poor_share"][::4])
    assert logits.mean() == pytest.approx(-2.2, abs=0.03) and logits.std() == pytest.approx(0.5, rel=0.04)
    z = (made["poor"] - made["n"] * made["poor_share"]) / np.sqrt(made["n"] * made["poor_share"] * (1 - made["poor_share"]))
    assert z[::4].std() == pytest.approx(1, rel=0.05)


def test_liu_has_log_odds_of_267_over_all_programmes_and_part_of_them_through_self_efficacy():
    sets = tk.simulate.many("liu_2014", n=1, seed=1)
    assert 0.75 * sets.value("log_odds_ratio", "difference") == pytest.approx(math.log(2.67), abs=0.001)
    part = load_scenario("liu_2014").part("effect")
    assert part.added + part.on["self_efficacy_effect"] * sets.value("self_efficacy", "difference") == pytest.approx(1.3094)
    assert set(sets.truth["metric"]) == {"difference"}


def test_brody_reaches_from_06_to_41_and_no_psychological_effect():
    spec = load_scenario("brody_2017")
    low, high = (simulate_people(spec, n=30_000, entropy=3, everyone=a) for a in (0, 1))
    means = [w[f"effect_{d}"].mean() for w in (low, high) for d in ("economic", "political", "social")]
    assert (min(means), max(means)) == pytest.approx((0.06, 0.41), abs=0.01)
    assert (low["effect_psychological"] == high["effect_psychological"]).all()
    assert low["effect_psychological"].mean() == pytest.approx(0, abs=0.01)
    assert tk.simulate.scenario("brody_2017", seed=5).data["study"].nunique() == 23


def script(name):
    found = importlib.util.spec_from_file_location(f"run_{name}", ROOT / "analyses" / name / "run.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("key", ["liu_2014", "brody_2017"])
def test_the_readme_shows_what_is_printed(key, capsys):
    run = script(key)
    text = (ROOT / "analyses" / key / "README.md").read_text("utf-8")
    given = [tk.read(run.DATA / f"liu_2014{t}.csv") for t in ("", ".file_drawer")] if key == "liu_2014" else [tk.read(run.DATA)]
    table = run.table(*given)
    for row in table.itertuples(index=False):
        assert "| " + " | ".join(row) + " |" in text, row
    assert run.main([]) == 0 and table.iloc[0, 0] in capsys.readouterr().out
    assert run.main(["x"]) == 2 and next(iter(run.coverage(3).columns)) in ("analysis", "what")
    assert text.split("\n\n")[1].startswith("**Simulated data with known truth.**")


def test_the_sentences_of_the_readmes_hold():
    run = script("liu_2014")
    data = tk.read(run.DATA / "liu_2014.csv")
    y, v = run.log_odds_ratios(data)
    found = tk.meta(y, v, moderators=run.kinds(data["components"]))
    assert data["components"].value_counts().to_dict() == {"both": 33, "partial": 14}
    assert (f"{found.f:.1f}", found.f_df, f"{found.r2:.0f}") == ("50.0", (1, 45), "64")
    new = found.predict({"components": "both"})
    assert [f"{math.exp(new[f'prediction_{e}']):.2f}" for e in ("low", "high")] == ["1.66", "9.10"]
    beside = tk.meta(y, v, moderators={**run.kinds(data["components"]), "se": data["self_efficacy"] / 1000}).term("se")
    assert [f"{x:.2f}" for x in (beside.estimate, beside.conf_low, beside.conf_high)] == ["0.20", "-0.47", "0.87"]
    alone, together = script("brody_2017").models(tk.read(ROOT / "simulated_data" / "brody_2017.csv"))
    assert [f"{m.term('training').p_value:.3f}" for m in (together, alone)] == ["0.045", "0.003"]
