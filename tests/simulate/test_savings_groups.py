"""The two scenarios of savings groups: what their READMEs show, and what the analyses they warn of do."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.simulate import load_scenario
from trialkit.simulate.runner import simulate_people
from trialkit.simulate.truth import stored_truth

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "analyses"))
KAST, GREANEY = "kast_2012_groups", "greaney_2016"


def script(name):
    found = importlib.util.spec_from_file_location(f"run_{name}", ROOT / "analyses" / name / "run.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def shown_in_the_readme(key: str, *tables: pd.DataFrame) -> None:
    text = (ROOT / "analyses" / key / "README.md").read_text("utf-8")
    for table in tables:
        for row in table.itertuples(index=False):
            line = "| " + " | ".join(str(v) for v in row) + " |"
            assert line in text, line


def test_the_readme_of_kast_shows_what_is_printed():
    run = script(KAST)
    data = tk.read(run.planned.data(KAST))
    harms = run.harms(data, run.events())
    shown_in_the_readme(KAST, run.naive(data), harms)
    more = tk.harms(run.trial(data), events=run.events()).differences().set_index(["outcome", "contrast"])
    more = 100 * more.loc[("any event", "self_help - account"), ["estimate", "conf_low", "conf_high"]].astype(float)
    words = f"difference {more.iloc[0]:.1f} points, {more.iloc[1]:.1f} to {more.iloc[2]:.1f}"
    assert words in (ROOT / "analyses" / KAST / "README.md").read_text("utf-8")
    none = harms[(harms["event"] == "any serious event") & (harms["with_event"] == 0)]
    assert len(none) == 2
    # the rule of three in its exact form, of the groups that were randomized
    groups = data.groupby("arm")["savings_group"].nunique()
    for row in none.itertuples():
        exact = 1 - 0.05 ** (1 / groups[row.arm])
        assert 1.0 * float(row[6].removesuffix(" %")) == pytest.approx(100 * exact, abs=0.006)


def test_the_readme_of_greaney_shows_what_is_printed():
    run = script(GREANEY)
    data = tk.read(run.planned.data(GREANEY))
    shown_in_the_readme(GREANEY, run.equivalence(), run.members(data), run.costs(data))


def test_everything_is_printed(tmp_path, capsys):
    for key, words in ((KAST, "any serious event"), (GREANEY, "villages resampled")):
        assert script(key).main([str(tmp_path / key)]) == 0
        assert words in capsys.readouterr().out and (tmp_path / key / "index.html").is_file()


def icc(y: np.ndarray, codes: np.ndarray) -> float:
    deviations, sizes = y - y.mean(), np.bincount(codes)
    sums = np.bincount(codes, weights=deviations)
    return float(((sums**2).sum() - (deviations**2).sum()) / (sizes * (sizes - 1)).sum() / y.var())


def test_savings_of_a_group_are_as_alike_as_the_readme_says():
    found, spec = [], load_scenario(KAST)
    for batch in range(6):
        people = simulate_people(spec, n=100_000, entropy=(3, batch), everyone=0)
        codes = people.codes("savings_group")
        found.append((icc(people["deposits"], codes), icc(people["balance"], codes)))
        assert ((people["balance"] > 0) == (people["deposits"] > 0)).all()
    # a batch has a standard deviation of .03 and .02
    assert np.mean(found, axis=0) == pytest.approx([0.365, 0.34], abs=4 * 0.03 / math.sqrt(6))
    small = simulate_people(spec, n=2687, entropy=4)
    assert len(small.labels["savings_group"]) == 196
    clusters = small.codes("arm")[np.unique(small.codes("savings_group"), return_index=True)[1]]
    assert np.bincount(clusters).tolist() == [98, 49, 49]


def test_intervals_that_ignore_the_groups_are_too_short():
    run = script(KAST)
    table = run.coverage(60).set_index(["analysis", "outcome", "arm"])["coverage of 95 %"].astype(float)
    error = 100 * math.sqrt(0.95 * 0.05 / 60)
    assert (table["groups as clusters"] > 95 - 4 * error).all()
    assert (table["as if people were randomized"] < 75).all()


def test_members_alone_do_not_show_the_effect_on_the_village():
    sets = tk.simulate.many(GREANEY, n=40, seed=2, columns=["arm", "joined", "invested", "invested_t0", "cost"])
    fees, joined = sets["arm"] == 1, sets["joined"] == 1

    def ratio(column: str, where: np.ndarray) -> np.ndarray:
        y = sets[column].astype(float)
        some = [np.nanmean(np.where(where & arm, y, np.nan), axis=0) for arm in (fees, ~fees)]
        return some[0] / some[1]

    everyone = np.ones_like(fees)
    village = np.log(ratio("invested", everyone))
    error = village.std(ddof=1) / math.sqrt(40)
    assert village.mean() == pytest.approx(math.log(sets.value("invested", "mean_ratio")), abs=4 * error)
    assert ratio("invested", joined).mean() > 1.8 and ratio("invested_t0", joined).mean() > 1.3
    assert np.log(ratio("invested_t0", everyone)).mean() == pytest.approx(0, abs=4 * error)
    assert stored_truth(GREANEY).value("cost", "mean_ratio") == pytest.approx(0.4, abs=0.001)


def test_joining_moves_borrowing_and_not_investment():
    spec = load_scenario(GREANEY)
    nobody = spec.part("joined").model_copy(update={"intercept": -30.0})
    parts = tuple(nobody if p.name == "joined" else p for p in spec.parts)
    without = simulate_people(spec.model_copy(update={"parts": parts}), n=20_000, entropy=5, everyone=1)
    with_groups = simulate_people(spec, n=20_000, entropy=5, everyone=1)
    assert (without["invested"] == with_groups["invested"]).all()
    assert with_groups["borrowed"].mean() > without["borrowed"].mean()
    assert without["group_savings"].sum() == 0
