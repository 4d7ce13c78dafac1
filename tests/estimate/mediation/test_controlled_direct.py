"""Sequential g-estimation: the steps by hand, the truth where naive adjustment fails, a bootstrap, and R's sandwich of both steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.mediation.core_trials import grouped, people, trial
from trialkit.errors import ColumnNotFoundError, MissingDataError, UsageError
from trialkit.results import Result


def with_cohesion(seed: int, n: int = 300, groups: int = 0) -> pd.DataFrame:
    """Cohesion follows the arm, shares a hidden cause with the outcome, and moves mediator and outcome; the direct effect with m1 held is 0.2 + 0.4 x 0.8."""
    d = people(seed, n=n, groups=groups)
    rng = np.random.default_rng(seed + 900)
    hidden, arm = rng.normal(size=n), (d["arm"] == "peer").to_numpy()
    cohesion = 0.8 * arm + hidden + rng.normal(size=n)
    m1 = 0.5 * d["m0"] + 0.6 * cohesion + rng.normal(size=n)
    y1 = 0.2 * arm + 0.5 * m1 + 0.4 * cohesion + hidden + rng.normal(size=n)
    return d.assign(cohesion=cohesion, m1=m1, y1=y1)


def mediated(d, t=trial, **kw):
    return tk.mediate(t(d), "y1", mediator="m1", **({"adjust": ["m0"], "interaction": False, "inference": "delta"} | kw))


def cde(m, **kw):
    return tk.mediation.controlled_direct_effect(m, **({"mediator_value": 0.0, "caused_by_arm": ["cohesion"]} | kw)).estimates[0]


def by_hand(d, value=0.0, interaction=False):
    t, m = (d["arm"] == "peer").to_numpy(float), d["m1"].to_numpy()
    base = np.column_stack([np.ones(len(d)), t, d["m0"]])
    held = np.column_stack([m - value, t * (m - value)][: 1 + interaction])
    W = np.column_stack([base, d["cohesion"], held])
    coef = np.linalg.lstsq(W, d["y1"].to_numpy(), rcond=None)[0]
    y = d["y1"].to_numpy() - held @ coef[4:]
    return base, W, held, coef, y, np.linalg.lstsq(base, y, rcond=None)[0]


@pytest.mark.parametrize("interaction, value", [(False, 0.0), (True, 0.7)])
def test_the_two_steps(interaction, value):
    d = with_cohesion(1)
    found = cde(mediated(d, interaction=interaction), mediator_value=value)
    assert found.estimate == pytest.approx(by_hand(d, value, interaction)[-1][1], rel=1e-10)


def test_the_standard_error_is_the_sandwich_of_both_steps():
    d = with_cohesion(2)
    base, W, held, coef, y, last = by_hand(d)
    n = len(d)
    first = (W * (d["y1"].to_numpy() - W @ coef)[:, None]) @ np.linalg.inv(W.T @ W)
    own = (base * (y - base @ last)[:, None]) @ np.linalg.inv(base.T @ base)
    own -= np.outer(first[:, -1], np.linalg.lstsq(base, held[:, 0], rcond=None)[0])
    found = cde(mediated(d, covariance="HC0"))
    assert found.std_error == pytest.approx(np.sqrt(own[:, 1] @ own[:, 1]), rel=1e-8)
    assert cde(mediated(d)).std_error == pytest.approx(found.std_error, rel=3 / n * 5)


def test_it_finds_the_truth_that_one_regression_misses():
    d = with_cohesion(3, n=20_000)
    found = cde(mediated(d))
    assert found.estimate == pytest.approx(0.2 + 0.4 * 0.8, abs=3 * found.std_error)
    t = (d["arm"] == "peer").to_numpy(float)
    for extra in ([], [d["cohesion"]]):
        naive = np.linalg.lstsq(np.column_stack([np.ones(len(d)), t, d["m0"], d["m1"], *extra]), d["y1"], rcond=None)[0][1]
        assert abs(naive - 0.52) > 6 * found.std_error


def test_without_what_the_arm_brings_about_it_is_that_of_the_four_way():
    m = mediated(people(4), interaction=True)
    found = tk.mediation.controlled_direct_effect(m, mediator_value=0.5).estimates[0]
    other = next(e for e in m.four_way(mediator_value=0.5).estimates if e.estimand == "cde")
    assert found.estimate == pytest.approx(other.estimate, rel=1e-10)
    assert found.std_error == pytest.approx(other.std_error, rel=0.1)


def test_groups_are_units():
    d = with_cohesion(5, n=320, groups=10)
    d["y1"] += d["group"].map({f"g{j}": v for j, v in enumerate(np.random.default_rng(1).normal(size=10))}).fillna(0.0)
    together, alone = cde(mediated(d, grouped)), cde(mediated(d))
    assert (together.estimate, together.covariance) == (pytest.approx(alone.estimate), "CR2")
    assert together.std_error > 1.3 * alone.std_error
    assert together.df < 40 < alone.df


def test_row_order_and_units_do_not_matter():
    d = with_cohesion(6)
    a = cde(mediated(d), mediator_value=1.0)
    b = cde(mediated(d.assign(y1=10 * d["y1"], m1=2 + 3 * d["m1"]).sample(frac=1, random_state=1)), mediator_value=5.0)
    assert (b.estimate, b.std_error, b.df) == pytest.approx((10 * a.estimate, 10 * a.std_error, a.df), rel=1e-8)


def test_stored_and_bad_requests():
    d = with_cohesion(7)
    m = mediated(d)
    r = tk.mediation.controlled_direct_effect(m, mediator_value=99.0, caused_by_arm=["cohesion"])
    assert "beyond_the_data" in {n.code for n in r.notes}
    assert str(Result.from_dict(r.to_dict())) == str(r)
    for call, error, says in (
        (lambda: cde(m, caused_by_arm=["cohesio"]), ColumnNotFoundError, "cohesion"),
        (lambda: cde(m, caused_by_arm=["m1"]), UsageError, "another role"),
        (lambda: cde(m, caused_by_arm="cohesion"), UsageError, "list"),
        (lambda: cde(m, mediator_value=np.nan), UsageError, "a number"),
        (lambda: cde(mediated(d.assign(cohesion=d["cohesion"].where(d.index > 4)))), MissingDataError, "5 of the 300"),
    ):
        with pytest.raises(error, match=says):
            call()
