"""Search by simulation: known answers, whole numbers, what is out of reach, and the curve by itself."""

from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from matplotlib.figure import Figure
from scipy import special

import trialkit as tk
from tests.power.test_simulation import GROUPED, plan
from trialkit.errors import PlanError, UsageError
from trialkit.power.simulation.searching import pooled
from trialkit.power.simulation.sizes import sizes_for
from trialkit.power.simulation.surrogate import Point, surrogate
from trialkit.results import TableResult

TWO_ARMS = """
schema_version = 1
[trial]
title = "Job coaching"
population = "people out of work"
[arms]
usual = { control = true }
coach = {}
[data]
unit = "id"
arm = "arm"
[design]
units = 100
[[outcomes]]
name = "score"
column = "y1"
role = "primary"
measure = "mean_difference"
better = "higher"
assume = { sd = 1.0, effect = 0.5 }
[[outcomes]]
name = "job"
column = "job"
role = "secondary"
measure = "risk_difference"
estimator = "ancova"
better = "higher"
assume = { control_rate = 0.9, effect = 0.05 }
"""
CLUSTERS = """
schema_version = 1
[trial]
title = "Schools"
population = "pupils"
[arms]
usual = { control = true }
new = {}
[data]
unit = "id"
arm = "arm"
cluster = "school"
[design]
units = 240
clusters = 12
assumptions = { icc = 0.2 }
[[outcomes]]
name = "score"
column = "y1"
role = "primary"
measure = "mean_difference"
better = "higher"
assume = { sd = 1.0, effect = 0.5 }
"""


@cache
def found(text: str, solve_for: str, seed: int = 1, n_draws: int = 6_000, workers: int = 1, **more):
    return tk.power.search(plan(text), solve_for=solve_for, seed=seed, n_draws=n_draws, workers=workers, **more)


def test_people_in_two_arms():
    """63.77 a arm by the exact noncentral t (pwr): 128 people over both arms."""
    r = found(TWO_ARMS, "n", n_draws=20_000)
    assert r.closed_form == 128
    assert r.conf_low < 127.53 < r.conf_high
    assert r.found % 2 == 0 and r.conf_low < r.found < r.conf_high + 2
    assert abs(r.power - 0.8) < 4 * r.mc_error + 0.01
    assert r.units == r.found and r.details["spent"] <= 20_000


def test_the_effect_in_two_arms():
    """100 people detect 0.5658 (noncentral t)."""
    r = found(TWO_ARMS, "effect", n_draws=20_000)
    exact = tk.power.individual(n_per_arm=50, power=0.8).effect
    assert r.closed_form == pytest.approx(exact, rel=1e-9)
    assert r.conf_low < exact < r.conf_high and r.conf_high - r.conf_low < 0.05
    assert abs(r.power - 0.8) < 4 * r.mc_error
    assert r.tidy()["closed_form"].iloc[-1] == pytest.approx(0.8, abs=0.03)


def test_groups_in_one_arm():
    r = found(GROUPED, "groups", n_draws=10_000)
    assert r.found == 9 and r.closed_form == 9 and r.units == 198
    assert "9 groups of 11 and 99 controls, units = 198" in str(r)
    assert math.ceil(r.conf_low) <= 9 <= math.ceil(r.conf_high)
    assert r.power == pytest.approx(r.details["closed_form_power"], abs=0.03)


def test_the_size_found_is_the_first_that_reaches_the_target():
    """Against power simulated at it and one group below, with ten times the draws of the search's own points."""
    r = found(GROUPED, "groups", n_draws=10_000)
    spec = plan(GROUPED).spec
    sizes = sizes_for(spec, spec.primary[0], spec.contrasts[0], tk_scale(spec), "groups")
    here, below = (
        tk.power.simulate(sizes.spec_at(k), effects=[1.0], n_draws=4_000, seed=99).power for k in (r.found, r.found - 1)
    )
    assert here > 0.8 > below


def tk_scale(spec):
    from trialkit.power.plans.outcome import scale_of

    return scale_of(spec, spec.primary[0])


def test_clusters_keep_their_size():
    r = found(CLUSTERS, "clusters")
    exact = tk.power.clustered(effect=0.5, power=0.8, cluster_size=20, icc=0.2)
    assert r.found % 2 == 0 and r.units == 20 * r.found
    assert abs(r.found - exact.clusters) < 6 and r.details["clusters"] == r.found


def test_a_fall_is_found_with_its_sign():
    text = TWO_ARMS.replace(
        'better = "higher"\nassume = { sd = 1.0, effect = 0.5 }', 'better = "lower"\nassume = { sd = 1.0, effect = -0.5 }'
    )
    r = found(text, "effect")
    assert r.found < 0 and r.conf_low < r.found < r.conf_high < 0
    assert r.closed_form == pytest.approx(-tk.power.individual(n_per_arm=50, power=0.8).effect)
    assert (r.tidy()["effect"] < 0).all()
    assert found(text, "n").details["effect"] == -0.5


def test_the_file_and_the_plan_are_not_changed():
    p = plan(GROUPED)
    before = p.hash
    found(GROUPED, "groups", n_draws=10_000)
    assert p.hash == before and p.spec.design.units == 240


def test_workers_do_not_matter_and_a_seed_does():
    one = found(GROUPED, "groups", n_draws=2_000).to_dict()
    with parallel_config(backend="threading"):
        assert one == found(GROUPED, "groups", n_draws=2_000, workers=2).to_dict()
    assert one == tk.power.search(plan(GROUPED).spec, solve_for="groups", seed=1, n_draws=2_000).to_dict()
    assert one["table"] != found(GROUPED, "groups", seed=2, n_draws=2_000).to_dict()["table"]


def test_no_more_is_spent_than_allowed_and_progress_counts_it():
    seen = []
    r = tk.power.search(
        plan(TWO_ARMS), solve_for="n", seed=3, n_draws=3_000, progress=lambda done, most: seen.append((done, most))
    )
    assert r.details["spent"] <= 3_000 and seen[-1] == (r.details["spent"], 3_000)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
    assert any(n.code == "budget_spent" for n in r.notes)
    assert r.tidy()["n_draws"].sum() == r.details["spent"]


def test_results_read_back():
    r = found(GROUPED, "groups", n_draws=10_000)
    back = tk.Result.from_dict(json.loads(json.dumps(r.to_dict())))
    assert str(back) == str(r) and back.found == r.found and back.closed_form == r.closed_form


@pytest.mark.parametrize("solve_for", ["n", "groups"])
def test_a_bound_is_never_an_answer(solve_for):
    with pytest.raises(
        tk.power.NoSolutionError, match=r"out of reach up to .* the most that the search allows.*Monte Carlo error"
    ):
        tk.power.search(plan(GROUPED), solve_for=solve_for, seed=1, n_draws=4_000, highest=5 if solve_for == "groups" else 100)


def test_few_clusters_cannot_be_mended_by_people():
    """Six clusters with an ICC of .2: power has a limit, which the sentence names."""
    text = CLUSTERS.replace("clusters = 12", "clusters = 6").replace("units = 240", "units = 120")
    limit = tk.power.clustered(effect=0.5, clusters=6, cluster_size=1e9, icc=0.2).power
    assert limit < 0.5
    with pytest.raises(tk.power.NoSolutionError, match=r"6 clusters reach .* at most.*more clusters") as caught:
        tk.power.search(plan(text), solve_for="n", seed=1, n_draws=2_000, highest=2_000)
    assert f"{100 * limit:.1f} %" in str(caught.value)


def test_a_rate_has_no_room_for_more():
    """30 people and a rate of 90 %: even 100 % is not detected with 80 %."""
    text = TWO_ARMS.replace("units = 100", "units = 60")
    with pytest.raises(tk.power.NoSolutionError, match=r"all the room that a rate of 90 % has.*Monte Carlo error"):
        tk.power.search(plan(text), solve_for="effect", seed=1, n_draws=2_000, outcome="job")


def test_a_design_that_has_the_power_already():
    with pytest.raises(tk.power.NoSolutionError, match="below what the smallest design"):
        tk.power.search(plan(TWO_ARMS), solve_for="n", seed=1, n_draws=2_000, lowest=400)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"solve_for": "group"}, UsageError, "none of"),
        ({"solve_for": "groups"}, UsageError, "solve_for='n'"),
        ({"solve_for": "clusters"}, UsageError, "randomizes people"),
        ({"solve_for": "n", "effect": 0.0}, UsageError, "cannot be detected"),
        ({"solve_for": "n", "effect": -0.4}, UsageError, "other direction"),
        ({"solve_for": "effect", "effect": 0.4}, UsageError, "leave it out"),
        ({"solve_for": "n", "power": 0.03}, UsageError, "power"),
        ({"solve_for": "n", "n_draws": 100}, UsageError, "n_draws"),
        ({"solve_for": "n", "outcome": "scores"}, UsageError, "Did you mean 'score'"),
        ({"solve_for": "n", "contrast": ("coach", "nobody")}, UsageError, "not an arm"),
        ({"solve_for": "n", "lowest": 300, "highest": 200}, UsageError, "below"),
        ({"solve_for": "n", "seed": None}, UsageError, "seed"),
        ({"solve_for": "n", "tolerance": 0}, UsageError, "tolerance"),
    ],
)
def test_bad_questions_are_refused(options, kind, words):
    with pytest.raises(kind, match=words):
        tk.power.search(plan(TWO_ARMS), **({"seed": 1, "n_draws": 2_000} | options))


def test_what_the_plan_does_not_say_is_asked_for():
    silent = TWO_ARMS.replace("assume = { sd = 1.0, effect = 0.5 }", "assume = { sd = 1.0 }")
    with pytest.raises(UsageError, match="assumes no effect"):
        tk.power.search(plan(silent), solve_for="n", seed=1)
    assert tk.power.search(plan(silent), solve_for="n", seed=1, n_draws=2_000, effect=0.9).closed_form == 42
    without = TWO_ARMS.replace("units = 100\n", "")
    assert tk.power.search(plan(without), solve_for="n", seed=1, n_draws=2_000).closed_form == 128
    with pytest.raises(PlanError, match="units is missing"):
        tk.power.search(plan(without), solve_for="effect", seed=1)


@pytest.mark.parametrize("groups", range(2, 40))
def test_a_number_of_groups_is_that_number(groups):
    spec = plan(
        GROUPED.replace("size = [10, 12]", "size = [10, 15]").replace(
            "circle = { grouped = true }", "circle = { grouped = true }"
        )
    ).spec
    sizes = sizes_for(spec, spec.primary[0], spec.contrasts[0], tk_scale(spec), "groups")
    assert len(sizes.planned_at(groups).arguments["group_size"]) == groups


@given(
    st.floats(0.3, 3.0),
    st.floats(0.6, 0.95),
    st.booleans(),
    st.floats(0.6, 0.9),
)
@settings(max_examples=40, deadline=None)
def test_a_curve_that_is_straight_is_found_exactly(slope, target, sizes, middle):
    """Powers on the line itself give its root, whatever the weights."""
    root = 40.0 if sizes else 0.5
    g = math.sqrt if sizes else float
    b = slope / (0.4 * g(root))
    a = special.ndtri(target) - b * g(root)
    points = [Point(x, float(special.ndtr(a + b * g(x))), 0.0, 400_000) for x in (middle * root, 0.95 * root, root, 1.2 * root)]
    fit = surrogate(points, target=target, sizes=sizes)
    assert fit is not None and fit.root == pytest.approx(root, rel=1e-6)
    assert fit.conf_low < root < fit.conf_high
    assert float(fit.power(root)) == pytest.approx(target, abs=1e-9)


def test_the_interval_covers_as_often_as_it_says():
    """1,000 searches' worth of binomial powers on a known line: the root's interval covers in 94 to 97 %."""
    rng = np.random.default_rng(1)
    x = np.array([30.0, 50.0, 64.0, 80.0])
    truth = special.ndtr(0.35 * np.sqrt(x) - 1.96)
    exact = ((special.ndtri(0.8) + 1.96) / 0.35) ** 2
    inside = 0
    for _ in range(1000):
        power = rng.binomial(2000, truth) / 2000
        error = np.sqrt(power * (1 - power) / 2000)
        fit = surrogate([Point(*p, 2000) for p in zip(x, power, error)], target=0.8, sizes=True)
        assert fit is not None
        inside += fit.conf_low <= exact <= fit.conf_high
    assert 0.94 <= inside / 1000 <= 0.98


def test_the_curve_is_a_probit_regression():
    """Coefficients and covariance of statsmodels' binomial GLM with a probit link on the same powers; the root's numbers are frozen."""
    import statsmodels.api as sm

    points = [Point(49, 0.68, 0.0147, 1000), Point(64, 0.81, 0.0124, 1000), Point(81, 0.9, 0.0095, 1000)]
    fit = surrogate(points, target=0.8, sizes=True)
    assert fit is not None
    X = sm.add_constant(np.sqrt([p.x for p in points]))
    family = sm.families.Binomial(sm.families.links.Probit())
    theirs = sm.GLM([p.power for p in points], X, family=family, var_weights=[p.worth for p in points]).fit(tol=1e-12)
    assert [fit.intercept, fit.slope] == pytest.approx(theirs.params, rel=1e-7)
    assert fit.covariance == pytest.approx(theirs.cov_params(), rel=1e-5)
    assert [fit.root, fit.conf_low, fit.conf_high, fit.half_width] == pytest.approx(FROZEN, rel=1e-9)


FROZEN = [62.664495559386424, 60.63664649498841, 64.72569751787242, 0.01472302563909119]


def test_shared_random_numbers_do_not_count_twice():
    points = [Point(x, p, 0.0126, 1000) for x, p in ((0.45, 0.72), (0.5, 0.8), (0.55, 0.86))]
    alone, together = (surrogate(points, target=0.8, sizes=False, shared=s) for s in (False, True))
    assert alone is not None and together is not None
    assert alone.root == together.root and together.half_width > 1.3 * alone.half_width
    assert together.half_width == pytest.approx(1.96 * 0.0126, rel=0.02)


def test_a_curve_that_does_not_rise_has_no_root():
    flat = [Point(x, 0.6, 0.015, 1000) for x in (20.0, 40.0, 60.0)]
    assert surrogate(flat, target=0.8, sizes=True) is None
    assert surrogate([Point(20, 0.9, 0.01, 1000), Point(40, 0.6, 0.015, 1000)], target=0.8, sizes=True) is None
    assert surrogate(flat[:1], target=0.8, sizes=True) is None


def test_visits_are_averaged_by_their_draws():
    p = pooled([Point(9, 0.8, 0.02, 400), Point(9, 0.9, 0.01, 1200)])
    assert (p.x, p.draws) == (9, 1600) and p.power == pytest.approx(0.875)
    assert p.mc_error == pytest.approx(math.hypot(400 * 0.02, 1200 * 0.01) / 1600)


def test_the_figure_has_points_curve_target_and_interval():
    r = found(GROUPED, "groups", n_draws=10_000)
    ax = r.plot()
    assert ax.get_xlabel() == "Groups"
    curve, checked = ax.containers
    drawn = dict(zip(curve[0].get_xdata(), curve[0].get_ydata()))
    table = r.tidy().query("use == 'curve'")
    assert drawn == dict(zip(table["groups"], table["power"]))
    assert checked[0].get_xdata().tolist() == [r.found] and checked[0].get_ydata().tolist() == [r.power]
    assert any(np.allclose(line.get_ydata(), 0.8) for line in ax.lines)
    assert ax.patches[0].get_x() == pytest.approx(r.conf_low)
    own = Figure().add_subplot()
    assert tk.plot.simulated_search(r, ax=own, labels={"groups": "Savings circles"}) is own
    assert own.get_xlabel() == "Savings circles"
    with pytest.raises(UsageError, match=r"tk\.power\.search"):
        tk.plot.simulated_search(TableResult(()))


def test_the_command_line(tmp_path, capsys):
    from trialkit.cli import run

    file = tmp_path / "plan.toml"
    file.write_text(GROUPED)
    arguments = ["power", str(file), "--search", "groups", "--simulate", "2000"]
    assert run([*arguments, "--seed", "1"]) == 0
    assert "groups are the fewest with 80 % power" in capsys.readouterr().out
    assert run([*arguments, "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["details"]["found"] == found(GROUPED, "groups", n_draws=2_000).found
    assert run(arguments) == 2
    assert "--seed 1" in capsys.readouterr().err
    assert file.read_text() == GROUPED


COUNTS = TWO_ARMS.replace("units = 100", "units = 300").replace(
    'measure = "mean_difference"\nbetter = "higher"\nassume = { sd = 1.0, effect = 0.5 }',
    'measure = "rate_ratio"\nbetter = "lower"\nassume = { control_mean = 2.0, effect = 0.7 }',
)
MARGIN = TWO_ARMS.replace("assume = { sd = 1.0, effect = 0.5 }", "noninferiority = 0.4\nassume = { sd = 1.0 }")


def by_formula(seen):
    """A simulation that draws its rejections from the closed form, for analyses that take minutes."""
    from trialkit.power.simulation.result import SimulatedPower

    def simulated(spec, *, effects, n_draws, seed, **more):
        seen.extend(effects)
        arms = {"treated": spec.design.units // 2, "controls": spec.design.units // 2, "control_mean": 2.0, "variance_ratio": 1.0}
        truth = np.array([tk.power.count(rate_ratio=e, **arms).power for e in effects])
        power = (np.random.default_rng(seed).random(n_draws)[:, None] < truth).mean(axis=0)
        rows = [
            {"effect": e, "power": p, "mc_error": math.sqrt(p * (1 - p) / n_draws), "n_draws": n_draws}
            for e, p in zip(effects, power)
        ]
        told = {
            "contrast": "coach - usual",
            "assumptions": [],
            "method": "poisson",
            "design": "",
            "alpha": 0.05,
            "units": "rate_ratio",
        }
        return SimulatedPower((), (), told, tuple(rows))

    return simulated


def test_ratios_are_ratios(monkeypatch):
    """A rate ratio below 1: what is simulated, the effect found, its interval and the closed form are ratios; the curve is drawn on their logs."""
    seen: list[float] = []
    monkeypatch.setattr("trialkit.power.simulation.searching.simulate", by_formula(seen))
    r = tk.power.search(plan(COUNTS), solve_for="effect", seed=1)
    arms = {"treated": 150, "controls": 150, "control_mean": 2.0, "variance_ratio": 1.0}
    assert 0 < min(seen) < max(seen) < 1
    assert 0 < r.conf_low < r.found < r.conf_high < 1
    assert tk.power.count(rate_ratio=r.closed_form, **arms).power == pytest.approx(0.8, abs=1e-9)
    assert r.conf_low < r.closed_form < r.conf_high
    ax = r.plot()
    middle = ax.lines[1].get_xdata(), ax.lines[1].get_ydata()
    assert np.interp(r.found, *middle) == pytest.approx(0.8, abs=0.002)
    people = tk.power.search(plan(COUNTS), solve_for="n", seed=1)
    assert people.details["effect"] == pytest.approx(0.7) and people.conf_low < people.closed_form < people.conf_high + 2
    with pytest.raises(UsageError, match="other direction"):
        tk.power.search(plan(COUNTS), solve_for="n", effect=1.3, seed=1)


def test_people_for_a_margin():
    """Non-inferiority by .4 SD at no difference: the closed form of tk.power.noninferiority."""
    r = found(MARGIN, "n", n_draws=6_000)
    exact = tk.power.noninferiority(margin=0.4, power=0.8, alpha=0.05).n  # each one-sided test at alpha, as in tk.itt
    assert abs(r.closed_form - exact) < 3
    assert r.conf_low - 2 < exact < r.conf_high + 2
    with pytest.raises(UsageError, match="Look for a size"):
        tk.power.search(plan(MARGIN), solve_for="effect", seed=1)
