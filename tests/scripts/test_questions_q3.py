"""The questions answered by trials: harm, transfer, costs, compulsion, generalization, displacement and measuring before."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trialkit as tk

HERE = Path(__file__).parents[2] / "analyses" / "questions"
SLUGS = (
    "no_harm_if_no_help",
    "institutional_capital_transfer",
    "cost_effectiveness",
    "compulsion",
    "generalization",
    "displacement",
    "measured_before",
)


def module(name: str) -> ModuleType:
    """A module of the folder under the name by which the scripts import it, so that answers are kept over tests."""
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert found is not None and found.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


guide, telling = module("guide"), module("telling")


def script(slug: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"question_{slug}", HERE / slug / "run.py")
    assert found is not None and found.loader is not None
    run = importlib.util.module_from_spec(found)
    found.loader.exec_module(run)
    return run


def rows(slug: str) -> dict[str, dict[str, str]]:
    return {r["what"].strip(): r for r in guide.answer(slug)["rows"]}


def interval(low: float, high: float, p_value: float = 0.5) -> Any:
    return SimpleNamespace(conf_low=low, conf_high=high, p_value=p_value, estimate=(low + high) / 2)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_interval_holds_the_truth_that_was_put_in(slug: str) -> None:
    found = guide.answer(slug)
    assert set(telling.KEYS) <= set(found)
    assert all(isinstance(found[k], str) for k in ("question", "design", "size", "estimand", "conclusion", "missing"))
    assert found["low"] < found["truth"] < found["high"]
    assert found["low"] < found["estimate"] < found["high"]
    assert found["conclusion"].endswith(".") and found["conclusion"].count("\n") == 0


@pytest.mark.parametrize("slug", SLUGS)
def test_the_plan_says_what_it_assumes_and_is_of_the_size_that_is_simulated(slug: str) -> None:
    spec, run = tk.Plan.load(HERE / slug / "plan.toml").spec, script(slug)
    (primary,) = spec.primary
    assert primary.assume.effect is not None and primary.smallest_worthwhile is not None
    if spec.design.clusters is not None:
        assert abs(spec.design.clusters - len(set(run.data()[str(spec.data.cluster)]))) <= 6
    elif slug == "compulsion":
        assert spec.design.units == run.N // 2
    else:
        assert spec.design.units == (run.TRIAL if slug == "generalization" else run.N)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_script_prints_its_answer_and_refuses_arguments(slug: str, monkeypatch: Any, capsys: Any) -> None:
    run = script(slug)
    monkeypatch.setattr(run, "answer", lambda: guide.answer(slug))
    assert run.main([]) == 0
    assert guide.answer(slug)["conclusion"] in capsys.readouterr().out
    assert run.main(["there"]) == 2


def test_a_small_trial_without_a_difference_excludes_little_harm() -> None:
    found, run = guide.answer("no_harm_if_no_help"), script("no_harm_if_no_help")
    small = run.ungrouped(run.data().iloc[: run.SMALL])
    whole = run.ungrouped(run.data())
    assert small.p_value > 0.05 and small.conf_high > run.MARGIN
    assert small.conf_high > found["high"] > whole.conf_high


def test_no_harm_is_said_only_below_the_margin() -> None:
    run = script("no_harm_if_no_help")
    small = interval(-0.1, 0.1)
    inside = SimpleNamespace(conf_low=-0.02, conf_high=0.04, shown=True)
    beyond = SimpleNamespace(conf_low=-0.02, conf_high=0.08, shown=False)
    worse = SimpleNamespace(conf_low=0.01, conf_high=0.04, shown=True)
    assert "at most 4 percentage points" in run.conclusion(inside, small)
    assert "Harm is not excluded" in run.conclusion(beyond, small)
    assert "leave more people worse off" in run.conclusion(worse, small)
    assert "no significant difference" not in run.conclusion(inside, interval(0.01, 0.1))


def test_the_truth_of_harm_is_that_of_many_people() -> None:
    run = script("no_harm_if_no_help")
    frame = run.town.people(60_000, seed=5)
    group = np.repeat([f"g{i}" for i in range(6_000)], 10)
    harmed = run.town.binary(
        frame, "worse off", seed=5, share=run.SHARE, effect=run.HARM, group=group, group_sd=run.GROUP_SD, on="debt_t0"
    )
    calm = run.town.binary(frame, "worse off", seed=5, share=run.SHARE, on="debt_t0")
    assert harmed.mean() - calm.mean() == pytest.approx(run.truth(), abs=0.004)


def test_three_in_ten_of_every_group_are_drawn_and_contact_misleads() -> None:
    found, run = guide.answer("institutional_capital_transfer"), script("institutional_capital_transfer")
    frame = run.data()
    drawn = (frame["drawn"] == "yes").groupby(frame["group"]).agg(["sum", "size"])
    assert ((drawn["sum"] - 0.3 * drawn["size"]).abs() < 1).all()
    assert frame.groupby("group")["seeding"].nunique().eq(1).all()
    assert found["naive"] > found["high"]


def test_costs_add_up_and_the_ratio_knows_the_net_benefit() -> None:
    run = script("cost_effectiveness")
    frame = run.data()
    members = frame[frame["arm"] == "group"]
    assert members["programme"].sum() == pytest.approx(run.GROUP_PRICE * members["group"].nunique())
    trial = tk.Trial(frame, unit="id", arm="arm", control="individual", group="group", strata=["district"])
    names = ("qaly", "cost_society", "net_benefit_society")
    found = {n: tk.itt(trial, n, adjust=["utility_t0", "benefit_t0"]).estimates[0] for n in names}
    ratio = run.ratio(found, "society")
    assert ratio.inmb == pytest.approx(found["net_benefit_society"].estimate, rel=1e-9)
    assert ratio.se_inmb == pytest.approx(found["net_benefit_society"].std_error, rel=1e-9)
    elsewhere = trial.with_columns({"net": 50_000 * frame["qaly"] - frame["cost_society"]})
    assert ratio.net_benefit(50_000)[1] == pytest.approx(
        tk.itt(elsewhere, "net", adjust=["utility_t0", "benefit_t0"]).estimates[0].std_error, rel=1e-9
    )


def test_the_price_list_is_not_the_net_benefit_and_groups_widen_it() -> None:
    found, run = guide.answer("cost_effectiveness"), script("cost_effectiveness")
    assert found["naive"] < found["low"]
    alone = run.ungrouped(run.data())
    assert found["high"] - found["low"] > alone.conf_high - alone.conf_low
    assert "may or may not pay" in run.conclusion(interval(1, 5), interval(-1, 5))
    assert "does not pay" in run.conclusion(interval(-5, -1), interval(1, 5))
    assert run.words(-3.0, 0.1) == "cheaper and better" and run.words(-3.0, -0.1) == "dearer and worse"


def test_the_error_by_groups_is_that_of_the_function_when_nobody_meets(monkeypatch: Any) -> None:
    run = script("compulsion")
    frame = run.data()
    found = tk.selection.preference_trial(frame, run.OUTCOME, arm="may_choose", treatment="programme", reference="alone")
    e = next(e for e in found.estimates if e.extra["effect"] == "preference")
    monkeypatch.setattr(run.stats.t, "ppf", lambda *_: 1.0)
    low, high = run.by_groups(frame.assign(group=frame["id"]), e.estimate)
    assert (high - low) / 2 == pytest.approx(e.std_error, rel=0.005)
    members = frame[frame["group"].notna()]
    means = members.groupby("group")[run.OUTCOME].mean()
    equal = members.assign(**{run.OUTCOME: members["group"].map(means)}).groupby("group").head(8)
    assert run.variance_of_mean(equal) == pytest.approx(means.var() / len(means), rel=1e-9)


def test_volunteers_beat_the_drawn_by_more_than_choosing_does() -> None:
    found, run = guide.answer("compulsion"), script("compulsion")
    assert found["naive"] > found["truth"] + 0.1
    low, high = (float(v) for v in rows("compulsion")["preference effect, groups ignored"]["interval"].split(" to "))
    assert found["high"] - found["low"] > high - low
    assert "lose by it" in run.conclusion(-0.1, 0.3, interval(-0.3, -0.1))
    assert "may lose or gain" in run.conclusion(-0.1, 0.3, interval(-0.3, 0.1))


def test_the_trial_flatters_the_effect_elsewhere() -> None:
    found, run = guide.answer("generalization"), script("generalization")
    frame, rest = run.data()
    assert len(frame) == run.TRIAL
    assert set(frame["id"]).isdisjoint(rest["id"])
    assert found["naive"] > found["estimate"]
    assert run.effect(frame).mean() > run.effect(rest).mean() + 0.05


def test_total_is_direct_and_spillover_together() -> None:
    run = script("displacement")
    true, frame = run.truths(), run.data()
    for label, share in run.SHARE.items():
        here = frame[frame["saturation"] == label]
        assert (here.groupby("market")["in_group"].mean() == share).all()
        if share:
            assert true["total", label] == pytest.approx(share * true["direct", label] + true["spillover", label], abs=1e-12)


def test_members_against_others_is_far_from_the_total() -> None:
    found, run = guide.answer("displacement"), script("displacement")
    assert found["naive"] > found["high"] > found["truth"]
    said = run.conclusion(interval(-0.02, 0.05), interval(-0.05, 0.01), interval(0.05, 0.1))
    assert "is not settled" in said and "others lose jobs (" not in said.replace("whether others lose jobs is not settled", "")


def test_members_tell_more_than_the_trial_finds() -> None:
    found, run = guide.answer("measured_before"), script("measured_before")
    assert found["naive"] > 2 * found["high"]
    frame = run.data()
    complete = frame.filter(regex=r"^gse_t1_").dropna()
    assert np.allclose(run.score(frame, "t1")[complete.index], complete.sum(axis=1))
    assert math.isclose(frame["gse_t1_1"].isna().mean(), 0.1, abs_tol=0.03)
    assert "lie inside" in run.conclusion(interval(0.1, 2.0), 0.8, 1.0)
