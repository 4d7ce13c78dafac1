from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

import trialkit as tk
from tests.measurement.change_cases import people, trial
from trialkit.errors import DataError, GroupError, UsageError
from trialkit.inference.minimal_change import anchor_numbers

minimal = tk.measurement.minimal_difference
BETTER = {"improved": ["a bit better", "much better"], "slightly_better": "a bit better", "unchanged": "same"}


def by_trying(change: np.ndarray, improved: np.ndarray) -> tuple[float, float]:
    """Largest Youden index over every cut, and the area under the curve, by comparing pairs."""
    cuts = [np.mean(change[improved] >= c) + np.mean(change[~improved] < c) - 1 for c in np.unique(change)]
    pairs = np.sign(change[improved][:, None] - change[~improved])
    return max(cuts), float((pairs + 1).mean() / 2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-6, 8), st.booleans()), min_size=4, max_size=40).filter(lambda r: len({b for _, b in r}) == 2)
)
def test_roc_by_brute_force(rows):
    change, improved = np.array([float(a) for a, _ in rows]), np.array([b for _, b in rows])
    found = anchor_numbers(change=change, improved=improved, weights=np.ones(len(rows)))
    best, area = by_trying(change, improved)
    assert float(found.auc) == pytest.approx(area)
    if len(np.unique(change)) > 1:
        at_cut = np.mean(change[improved] > found.youden) + np.mean(change[~improved] < found.youden) - 1
        if best > 1e-12:
            assert at_cut == pytest.approx(best)
        assert found.sensitivity == pytest.approx(np.mean(change[improved] > found.youden))


def test_predictive_is_the_logistic_regression_of_another_package():
    rng = np.random.default_rng(4)
    change = np.round(rng.normal(3, 8, 300))
    improved = change + rng.normal(0, 9, 300) > 7
    found = anchor_numbers(change=change, improved=improved, weights=np.ones(300))
    fit = sm.Logit(improved.astype(float), sm.add_constant(change)).fit(disp=0, tol=1e-12)
    q = improved.mean()
    assert float(found.predictive) == pytest.approx((special.logit(q) - fit.params[0]) / fit.params[1], rel=1e-8)
    r = np.corrcoef(change, improved)[0, 1]
    assert float(found.correlation) == pytest.approx(r)
    assert float(found.adjusted) == pytest.approx(
        float(found.predictive) - (0.09 + 0.103 * r) * change.std(ddof=1) * special.logit(q)
    )
    assert float(found.auc) == pytest.approx(
        stats.mannwhitneyu(change[improved], change[~improved]).statistic / (improved.sum() * (~improved).sum())
    )


def test_adjusted_recovers_the_threshold_when_few_improve():
    """People whose true change is above 5 say they improved; 16 % do. Terluin, Eekhout & Terwee (2017)."""
    rng = np.random.default_rng(5)
    true = rng.normal(0, 5, 200_000)
    change = np.round(true + rng.normal(0, 3, len(true)), 1)
    found = anchor_numbers(change=change, improved=true > 5, weights=np.ones(len(true)))
    assert abs(float(found.adjusted) - 5) < 0.25 < 1.0 < abs(float(found.predictive) - 5)


def test_whole_weights_are_copies_of_rows_and_a_batch_is_its_parts():
    rng = np.random.default_rng(6)
    change, improved = np.round(rng.normal(2, 5, 80)), rng.random(80) < 0.5
    counts = rng.integers(0, 4, (3, 80)).astype(float)
    batch = anchor_numbers(change=change, improved=improved, weights=counts)
    for k in range(3):
        rows = np.repeat(np.arange(80), counts[k].astype(int))
        copied = anchor_numbers(change=change[rows], improved=improved[rows], weights=np.ones(len(rows)))
        for name in ("auc", "youden", "predictive", "correlation", "share_improved"):
            assert getattr(batch, name)[k] == pytest.approx(float(getattr(copied, name)))


def test_separated_ratings_have_no_predictive_value():
    change, improved = np.arange(10.0), np.arange(10) >= 5
    found = anchor_numbers(change=change, improved=improved, weights=np.ones(10))
    assert np.isnan(found.predictive) and np.isnan(found.adjusted)
    assert (float(found.youden), float(found.auc)) == (4.5, 1.0)
    touching = anchor_numbers(change=np.array([1.0, 2, 2, 3]), improved=np.array([False, False, True, True]), weights=np.ones(4))
    assert np.isnan(touching.predictive)


def test_distribution_rows_are_multiples_of_the_sd():
    pre = pd.Series(np.random.default_rng(1).normal(20, 4, 150))
    found = minimal(pre, seed=1, reliability=0.75)
    sd = pre.std()
    assert [found[m] for m in ("0.2 SD", "0.5 SD", "SEM")] == pytest.approx([0.2 * sd, 0.5 * sd, 0.5 * sd])
    assert found["SDC"] == pytest.approx(1.959963984540054 * np.sqrt(2) * 0.5 * sd)
    row = found.tidy().iloc[1]
    chi = np.sqrt(149 / stats.chi2.ppf([0.975, 0.025], 149))
    assert [row["conf_low"], row["conf_high"]] == pytest.approx(list(0.5 * sd * chi), rel=0.05)
    assert np.isnan(minimal(pre, seed=1, sd=4.0).tidy()["conf_low"]).all()


def test_groups_widen_the_interval_and_lone_people_do_not():
    rng = np.random.default_rng(8)
    n, size = 300, 15
    group = np.arange(n) // size
    pre = pd.Series(rng.normal(30, 8, n))
    post = pre + rng.normal(0, 4, n // size)[group] + rng.normal(3, 2, n)
    felt = np.where(post - pre + rng.normal(0, 2, n) > 3, "a bit better", "same")
    given = {"anchor": felt, "improved": "a bit better", "slightly_better": "a bit better", "seed": 2}
    wide, narrow = minimal(pre, post, group=group, **given), minimal(pre, post, **given)
    width = [r.set_index("method").loc["mean change"] for r in (wide.tidy(), narrow.tidy())]
    assert width[0]["conf_high"] - width[0]["conf_low"] > 1.5 * (width[1]["conf_high"] - width[1]["conf_low"])
    assert wide["mean change"] == narrow["mean change"] == pytest.approx((post - pre)[felt == "a bit better"].mean())
    alone = minimal(pre, post, group=np.full(n, np.nan), **given)
    pd.testing.assert_frame_equal(alone.tidy(), narrow.tidy())


def test_direction_seed_and_trial():
    d = people()
    t = trial(d)
    a = minimal("y0", "y1", trial=t, anchor="felt", seed=1, **BETTER)
    b = minimal("y0", "y1", trial=trial(d.assign(y0=-d["y0"], y1=-d["y1"])), anchor="felt", seed=1, better="lower", **BETTER)
    pd.testing.assert_frame_equal(a.tidy(), b.tidy())
    assert a.tidy().equals(minimal("y0", "y1", trial=t, anchor="felt", seed=1, **BETTER).tidy())
    other = minimal("y0", "y1", trial=t, anchor="felt", seed=2, **BETTER).tidy()
    assert other["estimate"].equals(a.tidy()["estimate"]) and not other["conf_low"].equals(a.tidy()["conf_low"])
    assert a.details["units"] == 120 + 12 and any(n.text.startswith("12 independent units in an arm") for n in a.notes)
    change, rated = d["y1"] - d["y0"], d["y1"].notna()
    slight, same = (change[rated & (d["felt"] == v)] for v in ("a bit better", "same"))
    assert a["mean change"] == pytest.approx(slight.mean())
    assert a["mean change beyond unchanged"] == pytest.approx(slight.mean() - same.mean())
    again = tk.Result.from_dict(json.loads(json.dumps(a.to_dict())))
    assert again["ROC"] == a["ROC"] and again.auc == a.auc and str(again) == str(a)
    with pytest.raises(UsageError, match="no method"):
        _ = a["0.3 SD"]


def test_a_poor_anchor_is_told():
    rng = np.random.default_rng(9)
    pre = pd.Series(rng.normal(size=120))
    felt = np.where(np.arange(120) < 8, "better", "same")
    found = minimal(
        pre, pre + rng.normal(size=120), anchor=felt, improved="better", slightly_better="better", seed=1, n_draws=200
    )
    assert {"weak_anchor", "uneven_anchor", "few_slightly_better"} <= {n.code for n in found.notes}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"seed": -1}, UsageError, "seed"),
        ({"n_draws": 10}, UsageError, "at least 100"),
        ({"improved": ["much better"], "anchor": None}, UsageError, "give anchor="),
        ({"post": None}, UsageError, "give post="),
        ({"improved": None, "slightly_better": None}, UsageError, "improved="),
        ({"improved": ["beter"], "slightly_better": None}, DataError, "nobody has the rating 'beter'"),
        ({"improved": ["much better"], "slightly_better": "a bit better"}, UsageError, "outside improved"),
        ({"unchanged": "much better"}, UsageError, "overlaps"),
        ({"improved": ["worse", "same", "a bit better", "much better"]}, DataError, "everybody"),
        ({"anchor": ["same"] * 3}, UsageError, "3 people"),
        ({"group": np.where(np.arange(240) < 5, 1.0, np.nan)}, GroupError, "cannot be resampled"),
        ({"group": [1, 2]}, UsageError, "2 people"),
    ],
)
def test_bad_input(arguments, error, said):
    d = people()
    given = {
        "post": d["y1"],
        "anchor": d["felt"],
        "seed": 1,
        "improved": ["a bit better", "much better"],
        "slightly_better": "a bit better",
    } | arguments
    with pytest.raises(error, match=said):
        minimal(d["y0"], given.pop("post"), **given)
