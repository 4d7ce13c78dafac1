"""tk.measurement.icc and tk.measurement.test_retest."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.results import Result


def ratings(seed: int = 1, n: int = 60, k: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, k)) + np.linspace(0, 0.6, k)
    return pd.DataFrame(x, columns=[f"j{i}" for i in range(k)])


NAMES = [f"icc{i}{k}{end}" for i in "123" for k in ("", "k") for end in ("", "_low", "_high")]


def numbers(found: tk.measurement.IccResult) -> list[float]:
    return [getattr(found, name) for name in NAMES]


def test_order_and_units_do_not_matter():
    x = ratings()
    a, b = tk.measurement.icc(x), tk.measurement.icc((5 - 3 * x).sample(frac=1, random_state=1)[["j2", "j0", "j1"]])
    assert numbers(a) == pytest.approx(numbers(b))
    assert b.sem_agreement == pytest.approx(3 * a.sem_agreement) and b.sem_consistency == pytest.approx(3 * a.sem_consistency)


def test_a_shift_of_one_rater_leaves_consistency():
    a, b = tk.measurement.icc(ratings()), tk.measurement.icc(ratings().assign(j0=lambda d: d["j0"] + 2))
    assert b.icc3 == pytest.approx(a.icc3) and b.icc2 < a.icc2 and b.icc1 < a.icc1
    assert b.sem_agreement > b.sem_consistency == pytest.approx(a.sem_consistency)


def test_perfect_agreement():
    x = ratings()["j0"]
    found = tk.measurement.icc(pd.DataFrame({"a": x, "b": x}))
    assert (found.icc1, found.icc2, found.icc3, found.icc1_low) == pytest.approx((1, 1, 1, 1))


def test_groups():
    x = ratings(n=120)
    singles = tk.measurement.icc(x, cluster=np.arange(120))
    plain = tk.measurement.icc(x)
    assert (singles.icc1, singles.icc2, singles.icc3) == pytest.approx((plain.icc1, plain.icc2, plain.icc3))
    assert singles.icc3_high - singles.icc3_low == pytest.approx(plain.icc3_high - plain.icc3_low, rel=0.25)
    copies = tk.measurement.icc(pd.concat([x] * 6), cluster=np.tile(np.arange(120), 6))
    assert copies.icc3_high - copies.icc3_low == pytest.approx(singles.icc3_high - singles.icc3_low, rel=0.05)
    assert copies.icc1k_low == pytest.approx(3 * copies.icc1_low / (1 + 2 * copies.icc1_low))
    named = tk.measurement.icc(x.assign(group=np.arange(120) // 8), cluster="group")
    assert named.k == 3 and named.details["interval"] == "robust to 15 units" and named.tidy()["p_value"].isna().all()


def test_people_without_all_ratings_and_an_array():
    x = ratings()
    x.loc[4, "j1"] = np.nan
    found = tk.measurement.icc(x)
    assert found.n == 59 and "1 person without all 3 ratings left out." in [n.text for n in found.notes]
    assert numbers(tk.measurement.icc(x.dropna().to_numpy())) == pytest.approx(numbers(found))


def test_ratings_that_contradict_each_other():
    x = ratings()["j0"]
    found = tk.measurement.icc(pd.DataFrame({"a": x, "b": -x + 0.01 * ratings(2)["j0"]}))
    assert found.icc1 < 0 and "negative_icc" in {n.code for n in found.notes} and found.icc1k < found.icc1


def test_results_come_back_from_json():
    for found in (tk.measurement.icc(ratings()), tk.measurement.test_retest(ratings()["j0"], ratings()["j1"])):
        back = Result.from_dict(json.loads(json.dumps(found.to_dict())))
        assert str(back) == str(found) and type(back) is type(found)


def test_retest_in_closed_form():
    x = ratings(n=200)
    pre, post = x["j0"], x["j1"]
    found = tk.measurement.test_retest(pre, post, conf_level=0.9)
    r = np.corrcoef(pre, post)[0, 1]
    assert found.correlation == pytest.approx(r) and found.reliability == pytest.approx(r)
    assert math.atanh(found.correlation_high) - math.atanh(r) == pytest.approx(1.6448536269514722 / math.sqrt(197))
    assert found.smallest_detectable_change == pytest.approx(1.6448536269514722 * math.sqrt(2) * pre.std() * math.sqrt(1 - r))
    given = tk.measurement.test_retest(pre, post, reliability=0.85)
    assert given.sem == pytest.approx(pre.std() * math.sqrt(0.15)) and given.correlation == pytest.approx(r)


def test_retest_in_groups():
    x = ratings(n=200)
    singles = tk.measurement.test_retest(x["j0"], x["j1"], cluster=np.arange(200))
    plain = tk.measurement.test_retest(x["j0"], x["j1"])
    width = plain.correlation_high - plain.correlation_low
    assert singles.correlation_high - singles.correlation_low == pytest.approx(width, rel=0.25)
    copies = tk.measurement.test_retest(np.tile(x["j0"], 5), np.tile(x["j1"], 5), cluster=np.tile(np.arange(200), 5))
    assert copies.correlation_low == pytest.approx(singles.correlation_low, abs=0.01)


def test_a_shift_between_occasions_is_said():
    x = ratings()
    found = tk.measurement.test_retest(x["j0"], x["j0"] + 1 + 0.1 * x["j1"])
    assert "shift" in {n.code for n in found.notes} and found.mean_change > 1
    assert "shift" not in {n.code for n in tk.measurement.test_retest(x["j0"], x["j0"] * 0.9).notes}
