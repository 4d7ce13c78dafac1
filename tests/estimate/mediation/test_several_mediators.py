"""Several mediators: least squares by hand, a bootstrap of the joint covariance, the structural paths of a chain, and groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.mediation.core_trials import grouped, people, trial
from trialkit.errors import ColumnNotFoundError, NotIdentifiedError, UsageError
from trialkit.results import Result


def chain(seed: int, n: int = 240, groups: int = 0) -> pd.DataFrame:
    """m1 moves m2; paths: through m1 0.5 x (0.4 + 0.5 x 0.6) = 0.35, through m2 alone 0.3 x 0.6 = 0.18, direct 0.2."""
    d = people(seed, n=n, groups=groups)
    rng = np.random.default_rng(seed + 500)
    arm = (d["arm"] == "peer").to_numpy()
    m1 = d["m1"].to_numpy()
    m2 = 0.3 * arm + 0.5 * m1 + rng.normal(size=n)
    return d.assign(m2=m2, y1=0.2 * arm + 0.4 * m1 + 0.6 * m2 + rng.normal(size=n))


def fitted(d, t=trial, **kw):
    options = {"mediators": ["m1", "m2"], "adjust": ["m0"], "inference": "delta"} | kw
    return tk.mediation.several_mediators(t(d), "y1", **options)


def rows(result, what="estimate"):
    return {e.estimand: getattr(e, what) for e in result.estimates}


def by_hand(d):
    Z = np.column_stack([np.ones(len(d)), d["arm"] == "peer", d["m0"]]).astype(float)
    M, y = d[["m1", "m2"]].to_numpy(), d["y1"].to_numpy()
    a = np.linalg.lstsq(Z, M, rcond=None)[0][1]
    full = np.linalg.lstsq(np.column_stack([Z, M]), y, rcond=None)[0]
    half = np.linalg.lstsq(np.column_stack([Z, M[:, 0]]), y, rcond=None)[0]
    total = np.linalg.lstsq(Z, y, rcond=None)[0][1]
    return np.array([*(a * full[3:]), a @ full[3:], full[1], total, a[0] * full[3] - a[1] * full[4], total - half[1], half[1] - full[1]])  # fmt: skip


def test_estimates_and_standard_errors_by_bootstrap():
    d = chain(1)
    r = fitted(d, ordered=True)
    np.testing.assert_allclose([e.estimate for e in r.estimates], by_hand(d), rtol=1e-9)
    v = rows(r)
    assert v["indirect"] == pytest.approx(v["total"] - v["direct"], abs=1e-12)
    assert v["path: m1"] + v["path: m2"] == pytest.approx(v["indirect"], abs=1e-12)
    rng = np.random.default_rng(3)
    drawn = np.array([by_hand(d.iloc[rng.integers(0, len(d), len(d))]) for _ in range(600)])
    np.testing.assert_allclose([e.std_error for e in r.estimates], drawn.std(axis=0, ddof=1), rtol=0.12)


def test_the_paths_of_a_chain():
    r = fitted(chain(2, n=20_000), ordered=True)
    truth = {"path: m1": 0.35, "path: m2": 0.18, "indirect": 0.53, "direct": 0.2, "indirect: m1": 0.2, "indirect: m2": 0.6 * 0.55}
    for name, value in truth.items():
        row = next(e for e in r.estimates if e.estimand == name)
        assert row.estimate == pytest.approx(value, abs=3 * row.std_error)


def test_draws_agree_with_the_delta_method_and_need_a_seed():
    d = chain(3, n=400)
    exact, drawn = fitted(d), fitted(d, inference="monte_carlo", seed=1, n_draws=4000)
    for a, b in zip(exact.estimates, drawn.estimates, strict=True):
        assert b.estimate == a.estimate
        assert b.std_error == pytest.approx(a.std_error, rel=0.06)
        assert b.conf_low == pytest.approx(a.conf_low, abs=0.35 * a.std_error)
        assert b.p_value > 0
    again = fitted(d, inference="monte_carlo", seed=1, n_draws=4000)
    assert [e.conf_low for e in again.estimates] == [e.conf_low for e in drawn.estimates]
    with pytest.raises(UsageError, match="seed"):
        fitted(d, inference="monte_carlo")


def test_a_mediator_that_does_nothing_leaves_that_of_mediate():
    d = chain(4)
    r = fitted(d)
    one = tk.mediate(trial(d), "y1", mediator="m1", adjust=["m0"], interaction=False, inference="delta")
    row = next(e for e in r.estimates if e.estimand == "total")
    assert (row.estimate, row.std_error, row.df) == pytest.approx(tuple(one.paths.loc["total", ["estimate", "std_error", "df"]]))


def test_groups_and_row_order():
    d = chain(5, n=240, groups=8)
    together, alone = fitted(d, grouped), fitted(d)
    assert rows(together) == pytest.approx(rows(alone))
    assert {e.covariance for e in together.estimates} == {"CR2"}
    assert next(e for e in together.estimates if e.estimand == "total").df < 40
    mixed = fitted(d.sample(frac=1, random_state=1).reset_index(drop=True), grouped)
    for a, b in zip(together.estimates, mixed.estimates, strict=True):
        assert (a.estimate, a.std_error, a.df) == pytest.approx((b.estimate, b.std_error, b.df), rel=1e-7)


def test_people_without_a_mediator_are_left_out_and_said_so():
    d = chain(6)
    holes = d.assign(m2=d["m2"].where(d.index >= 10))
    r = fitted(holes)
    assert rows(r) == pytest.approx(rows(fitted(d.iloc[10:])))
    assert any("10 of 240" in n.text for n in r.notes)
    assert str(Result.from_dict(r.to_dict())) == str(r)


def test_bad_requests():
    d = chain(7)
    for call, error, says in (
        (lambda: fitted(d, mediators=["m1"]), UsageError, "tk.mediate"),
        (lambda: fitted(d, mediators=["m1", "m1"]), UsageError, "twice"),
        (lambda: fitted(d, mediators=["m1", "m3"]), ColumnNotFoundError, "m3"),
        (lambda: fitted(d, mediators=["m1", "y1"]), UsageError, "is the outcome"),
        (lambda: fitted(d, covariance="classical"), UsageError, "auto"),
        (lambda: fitted(d.assign(m2=2 * d["m1"] + 1)), NotIdentifiedError, "combination"),
        (lambda: fitted(d.assign(m2=(d["arm"] == "peer") * 1.0)), NotIdentifiedError, "arm"),
    ):
        with pytest.raises(error, match=says):
            call()
