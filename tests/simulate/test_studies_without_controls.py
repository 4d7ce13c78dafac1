"""venkatesh_2010, chaudhary_2010, assam_2015 and fafchamps_2012: what their scripts print, and what they show."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.simulate.truth import stored_truth

ROOT = Path(__file__).parents[2]
KEYS = ["assam_2015", "chaudhary_2010", "fafchamps_2012", "venkatesh_2010"]


def script(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"run_{name}", ROOT / "analyses" / name / "run.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def readme(key: str) -> str:
    return (ROOT / "analyses" / key / "README.md").read_text("utf-8")


def shows(key: str, table: pd.DataFrame) -> None:
    for row in [table.columns, *table.itertuples(index=False)]:
        line = "| " + " | ".join(str(v) for v in row) + " |"
        assert line in readme(key), line


@pytest.fixture(scope="module")
def lives():
    return script("chaudhary_2010")


@pytest.mark.parametrize("key", KEYS)
def test_scripts_refuse_what_they_do_not_know(key, capsys):
    assert script(key).main(["x"]) == 2
    assert "coverage" in capsys.readouterr().err


@pytest.mark.parametrize("key", KEYS)
def test_the_readme_says_that_the_data_are_simulated(key):
    assert readme(key).split("\n\n")[1].startswith("**Simulated data with known truth.**")


def test_venkatesh_prints_what_the_readme_shows(capsys):
    run = script("venkatesh_2010")
    shows("venkatesh_2010", run.table(tk.read(run.DATA)))
    assert run.main([]) == 0 and "effect of the groups" in capsys.readouterr().out


def test_chaudhary_prints_what_the_readme_shows(lives, capsys):
    shows("chaudhary_2010", lives.table(tk.read(lives.DATA), tk.read(lives.DATA.with_suffix(".running.csv"))))
    assert lives.main([]) == 0 and "reverse time" in capsys.readouterr().out


def test_assam_prints_what_the_readme_shows(capsys):
    run = script("assam_2015")
    data = tk.read(run.DATA)
    shows("assam_2015", run.table(data))
    shows("assam_2015", run.mood(data))
    assert run.main([]) == 0 and "by memory" in capsys.readouterr().out


def test_fafchamps_prints_what_the_readme_shows(capsys):
    run = script("fafchamps_2012")
    data = run.with_logs(tk.read(run.DATA))
    shows("fafchamps_2012", run.alike(data))
    shows("fafchamps_2012", run.table(data))
    assert run.main([]) == 0 and "before groups were formed" in capsys.readouterr().out


def test_the_figures_over_many_studies_are_those_of_the_readme(lives):
    shows("venkatesh_2010", script("venkatesh_2010").coverage())
    shows("assam_2015", script("assam_2015").coverage())
    shows("chaudhary_2010", lives.coverage())


def test_many_studies_of_members_find_groups_alike_afterwards():
    found = script("fafchamps_2012").coverage(n=8, seed=2).iloc[0]
    assert found["alike later, p < .05"] == "100.0 %"
    assert float(found["adjusted interval holds 1"][:-2]) > float(found["interval as it stands holds 1"][:-2])


def test_clustered_limits_of_a_mean_in_closed_form():
    limits = script("venkatesh_2010").limits
    y, group = np.array([1.0, 1, 1, 0, 0, 0, 1, 0]), np.array(["a", "a", "b", "b", "c", "c", "d", "d"])
    means = np.array([1.0, 0.5, 0.0, 0.5])
    half = 3.182446305284263 * means.std(ddof=1) / 2
    assert limits(y, group) == pytest.approx((0.5 - half, 0.5 + half))
    assert limits(y) == pytest.approx((0.5 - 1.959963984540054 * np.sqrt(0.25 / 8), 0.5 + 1.959963984540054 * np.sqrt(0.25 / 8)))


def test_reverse_time_agrees_with_the_product_of_lagakos(lives):
    rng = np.random.default_rng(5)
    founded, days = rng.integers(0, 9000, 3000).astype(float), np.ceil(rng.exponential(3000, 3000))
    seen = founded + days <= lives.END
    founded, days = founded[seen], days[seen]
    inside = days <= lives.LONGEST
    lived, left = days[inside], np.minimum(lives.END - founded[inside], lives.LONGEST)
    for day in (800, 3650):
        share = 1.0
        for t in np.unique(lived[lived > day]):
            share *= 1 - (lived == t).sum() / ((lived <= t) & (left >= t)).sum()
        assert lives.alive_in_reverse(days, founded, day)[0] == pytest.approx(1 - share, abs=1e-12)


def test_reverse_time_without_truncation_is_the_plain_share(lives):
    days, founded = np.array([10.0, 20, 30, 40, 40, 60]), np.zeros(6)
    assert lives.alive_in_reverse(days, founded, 30.0)[0] == pytest.approx(0.5)
    assert lives.alive_in_reverse(days, founded, 39.9)[0] == pytest.approx(0.5)
    assert lives.alive_in_reverse(days, founded, 40.0)[0] == pytest.approx(1 / 6)


def test_memory_not_the_groups_changed_assam():
    assert all(row["value"] == 0 for row in stored_truth("assam_2015").rows if row["metric"] == "difference")
    context = stored_truth("assam_2015").context
    assert context["confidence"]["control_mean"] == pytest.approx(context["confidence_before"]["control_mean"], abs=0.01)


def test_members_share_luck_after_groups_were_formed_and_not_before():
    sets = tk.simulate.many("fafchamps_2012", n=20, seed=3, columns=["group", "income_t0", "income_t1"])
    found = {"income_t0": [], "income_t1": []}
    for r in range(len(sets)):
        group = sets["group"][:, r]
        inside = ~np.isnan(group)
        codes = group[inside].astype(int)
        for name, each in found.items():
            y = np.log(sets[name][inside, r].astype(float))
            y -= y.mean()
            sums, sizes = np.bincount(codes, weights=y), np.bincount(codes)
            each.append((sums @ sums - y @ y) / (sizes * (sizes - 1)).sum() / y.var())
    before, later = (np.array(v) for v in found.values())
    assert abs(before.mean()) < 4 * before.std(ddof=1) / np.sqrt(len(before)) + 0.005
    assert later.mean() > 0.15
