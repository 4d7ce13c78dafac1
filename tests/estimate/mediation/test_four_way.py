"""The four-way decomposition: parts add up, agree with mediate, and with numerical derivatives; regmedint's numbers are in tests/reference."""

from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.estimate.mediation.core_trials import grouped, people, trial
from trialkit.errors import CombinationError, UsageError
from trialkit.estimate.mediation.four_way import decomposed
from trialkit.results import Result


def fitted(d, t=trial, **kw):
    return tk.mediate(t(d), "y1", mediator="m1", **({"adjust": ["m0", "y0"], "inference": "delta"} | kw))


def values(result, what="estimate"):
    return {e.estimand: getattr(e, what) for e in result.estimates}


def test_parts_add_up_and_are_those_of_mediate():
    m = fitted(people(1))
    for at in (-1.0, 0.0, 2.0):
        v = values(m.four_way(mediator_value=at))
        assert v["cde"] + v["intref"] + v["intmed"] + v["pnie"] == pytest.approx(v["te"], abs=1e-12)
        assert v["pnde"] == pytest.approx(m.effect("ade_control").estimate, abs=1e-12)
        assert v["tnie"] == pytest.approx(m.effect("acme_treated").estimate, abs=1e-12)
        assert v["pnie"] == pytest.approx(m.effect("acme_control").estimate, abs=1e-12)
        assert v["te"] == pytest.approx(m.effect("total").estimate, abs=1e-12)
    c, g = m.evidence.outcome_model.coef[[1, -1]]
    assert values(m.four_way(mediator_value=2.0))["cde"] == pytest.approx(c + 2 * g, abs=1e-12)
    assert sum(m.four_way(mediator_value=2.0).shares.values()) == pytest.approx(1)


def test_derivatives():
    at = np.array([0.3, 0.5, 0.4, 0.7, 0.2])
    _, gradient = decomposed(at)
    for j in range(5):
        step = 1e-6 * np.eye(5)[j]
        np.testing.assert_allclose(gradient[:, j], (decomposed(at + step)[0] - decomposed(at - step)[0]) / 2e-6, atol=1e-9)


def test_groups_take_the_covariance_of_the_models():
    d = people(2, n=160, groups=8)
    m = fitted(d, grouped)
    r = m.four_way(mediator_value=0.5)
    assert {e.covariance for e in r.estimates} == {"CR2"}
    row = next(e for e in r.estimates if e.estimand == "tnie")
    assert (row.std_error, row.df) == pytest.approx((m.effect("acme_treated").std_error, m.effect("acme_treated").df), rel=1e-4)
    assert row.df < 30
    assert values(fitted(d, trial).four_way(mediator_value=0.5), "std_error")["tnie"] != pytest.approx(row.std_error, rel=1e-3)


def test_units_of_the_mediator_do_not_matter():
    d = people(3)
    r = values(fitted(d).four_way(mediator_value=1.0), "std_error")
    t = values(fitted(d.assign(m1=4 + 3 * d["m1"])).four_way(mediator_value=7.0), "std_error")
    assert t == pytest.approx(r, rel=1e-8)


def test_stored_and_bad_requests():
    d = people(4)
    m = fitted(d)
    r = m.four_way(mediator_value=50.0)
    assert "beyond_the_data" in {n.code for n in r.notes}
    back = Result.from_dict(r.to_dict())
    assert back.shares == pytest.approx(r.shares)
    assert str(back) == str(r)
    with pytest.raises(UsageError, match="interaction=True"):
        fitted(d, interaction=False).four_way(mediator_value=0.0)
    with pytest.raises(UsageError, match="must be a number"):
        m.four_way(mediator_value=float("nan"))
    with pytest.raises(CombinationError, match="mean_difference"):
        tk.mediate(trial(d), "job", mediator="m1", inference="delta").four_way(mediator_value=0.0)
