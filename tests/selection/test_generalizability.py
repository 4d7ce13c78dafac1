"""Tipton's index: closed forms, invariances, support, refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import trialkit as tk
from trialkit.errors import ColumnNotFoundError, DataError, MissingDataError, UsageError, ValueTypeError
from trialkit.inference.reach.tipton import bandwidth, similarity


def tables(seed=1, shift=0.5, n=200, m=700):
    rng = np.random.default_rng(seed)

    def draw(size, by):
        return pd.DataFrame(
            {"age": rng.normal(40 + 10 * by, 10, size), "sex": rng.choice(["f", "m"], size), "kids": rng.poisson(1 + by, size)}
        )

    return draw(n, shift), draw(m, 0.0)


def found(s, p, covariates=("age", "sex", "kids"), **options):
    return tk.selection.generalizability(s, p, list(covariates), **options)


def test_kernel_is_the_integral_of_scipys_densities():
    rng = np.random.default_rng(2)
    s, p = rng.normal(0, 1, 60), rng.normal(0.7, 1.4, 90)
    f, g = (stats.gaussian_kde(v, bw_method=bandwidth(v, None) / v.std(ddof=1)) for v in (s, p))
    expected = integrate.quad(lambda x: float(np.sqrt(f(x) * g(x))[0]), -12, 12, epsabs=1e-10, limit=400)[0]
    assert similarity(sample=s, population=p) == pytest.approx(expected, abs=1e-8)


def test_whole_weights_are_copies():
    rng = np.random.default_rng(3)
    s, p = rng.normal(size=40), rng.normal(size=30)
    w = np.full(30, 3.0)
    assert similarity(sample=s, population=p, weights=w) == pytest.approx(similarity(sample=s, population=p), rel=0.002)


def test_the_same_people_are_fully_alike_and_others_less():
    s, _ = tables()
    same = found(s, s)
    assert same.index == pytest.approx(1, abs=1e-9) and same.verdict == "very high" and not len(same.outside)
    values = [found(*tables(shift=v)).index for v in (0.0, 1.0, 2.0, 3.0)]
    assert values == sorted(values, reverse=True) and values[-1] < 0.5


def test_order_and_units_do_not_matter():
    s, p = tables()
    one = found(s, p)
    moved = [d.assign(age=3 * d["age"] - 7).sample(frac=1, random_state=2) for d in (s, p)]
    two = found(*moved)
    assert two.index == pytest.approx(one.index, abs=1e-6) and two.share_outside == pytest.approx(one.share_outside)
    assert two.tidy()["difference"].to_numpy() == pytest.approx(one.tidy()["difference"].to_numpy())


def test_row_numbers():
    s, p = tables()
    row = found(s, p).tidy().set_index("covariate").loc["age"]
    assert row["difference"] == pytest.approx((s["age"].mean() - p["age"].mean()) / p["age"].std())
    assert row["variance_ratio"] == pytest.approx(s["age"].var() / p["age"].var())
    assert row["share_outside"] == pytest.approx(((p["age"] < s["age"].min()) | (p["age"] > s["age"].max())).mean())


def test_people_that_the_sample_has_none_of_are_outside():
    s, p = tables(shift=0.0)
    p.loc[:69, "sex"] = "x"
    r = found(s, p)
    assert r.share_outside >= 0.1
    assert set(r.outside.loc[r.outside["reason"].str.contains("sex: x"), "row"]) == set(range(70))
    assert r.index == pytest.approx(np.sqrt(0.9) * found(s, p.iloc[70:]).index, abs=0.01)
    assert "no_overlap" in {n.code for n in r.notes}


def test_no_overlap_at_all():
    s, p = tables()
    r = found(s, p.assign(age=p["age"] + 500))
    assert r.index == 0 and r.verdict == "low" and r.share_outside == 1


def test_weights_of_the_population():
    s, p = tables()
    p["w"] = np.where(p["age"] > 45, 4.0, 1.0)
    assert found(s, p, weights="w").index > found(s, p).index
    assert found(s, p.assign(w=2.0), weights="w").tidy()["mean_population"].tolist() == pytest.approx(
        found(s, p).tidy()["mean_population"].tolist()
    )


def test_json():
    r = found(*tables())
    back = tk.Result.from_dict(json.loads(json.dumps(r.to_dict())))
    assert str(back) == str(r) and back.index == r.index


def test_refusals():
    s, p = tables()
    for options, error, match in (
        ({"covariates": ["age", "income"]}, ColumnNotFoundError, "income"),
        ({"weights": "w"}, ColumnNotFoundError, "'w'"),
    ):
        with pytest.raises(error, match=match):
            found(s, p, **options)
    with pytest.raises(ColumnNotFoundError, match="the population"):
        found(s, p.drop(columns="kids"))
    with pytest.raises(MissingDataError, match="1 person of the population"):
        found(s, p.assign(age=p["age"].where(p.index != 3)))
    with pytest.raises(ValueTypeError, match="numbers in the sample and text"):
        found(s, p.assign(kids="none"))
    with pytest.raises(DataError, match="1 person"):
        found(s.iloc[:1], p)
    with pytest.raises(DataError, match="zero or negative"):
        found(s, p.assign(w=0), weights="w")
    with pytest.raises(UsageError, match="list"):
        tk.selection.generalizability(s, p, "age")
    with pytest.raises(UsageError, match="empty"):
        found(s, p, covariates=())
    with pytest.raises(UsageError, match="scale"):
        tk.selection.tipton_index([0.1, 0.2], [0.1, 0.2], scale="odds")
    with pytest.raises(ValueTypeError, match="between 0 and 1"):
        tk.selection.tipton_index([0.1, 1.2], [0.1, 0.2])
