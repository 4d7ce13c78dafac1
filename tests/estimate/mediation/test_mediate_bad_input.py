from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.estimate.mediation.core_trials import grouped, people, trial
from trialkit import errors


def refused(error, match, data=None, make=trial, outcome="y1", **kw):
    with pytest.raises(error, match=match):
        tk.mediate(make(people(1, groups=6) if data is None else data), outcome, **({"mediator": "m1", "seed": 1} | kw))


def test_columns_that_cannot_be_a_mediator():
    refused(errors.ColumnNotFoundError, "Did you mean 'm1'", mediator="m11")
    refused(errors.UsageError, "is the outcome", mediator="y1")
    refused(errors.UsageError, "is the arm", mediator="arm")
    refused(errors.UsageError, "one mediator", mediator=["m1"])
    refused(errors.UsageError, "one outcome", outcome=["y1"])
    refused(errors.UsageError, "holds the mediator", adjust=["m1"])
    refused(errors.UsageError, "adjust holds 'y1'", adjust=["y1"])
    refused(errors.UsageError, "list of columns", adjust="y0")
    refused(errors.ValueTypeError, "holds text", people(1).assign(m1="much"))
    refused(errors.UsageError, "before the arm", mediator="site", make=lambda d: trial(d, strata=["site"]))


def test_order_of_waves():
    refused(errors.UsageError, "after the outcome", mediator_wave=2, outcome_wave=1)
    r = tk.mediate(trial(people(1)), "y1", mediator="m1", mediator_wave=1, outcome_wave=1, inference="delta")
    assert "same_wave" in {n.code for n in r.notes}
    r = tk.mediate(trial(people(1)), "y1", mediator="m1", mediator_wave=1, outcome_wave=2, inference="delta")
    assert "same_wave" not in {n.code for n in r.notes}


def test_mediators_that_say_nothing():
    d = people(1, groups=6)
    peer = d.arm == "peer"
    refused(errors.EstimationError, "same .3. for everyone", d.assign(m1=3.0))
    refused(errors.EstimationError, "hardly varies", d.assign(m1=1e6 + 1e-3 * d.m1))
    refused(errors.EstimationError, "apart exactly.*interaction=False", d.assign(job=d.job.where(~peer, 1)), outcome="job")
    refused(errors.NotIdentifiedError, "told exactly by the arm", d.assign(m1=peer * 1.0))
    refused(errors.NotIdentifiedError, "same for everyone in arm 'solo'", d.assign(m1=d.m1.where(peer, 0.0)))
    refused(errors.NotIdentifiedError, "copy of the outcome", d.assign(m1=2 * d.y1 + 1))
    refused(errors.MissingDataError, "missing for everyone in arm 'solo'", d.assign(m1=d.m1.where(peer)))
    refused(errors.MissingDataError, "missing for everyone:", d.assign(m1=np.nan))
    refused(errors.EstimationError, "determined exactly", d.assign(m1=d.m0 * 2 + (d.arm == "peer")), adjust=["m0"])


def test_mediators_of_groups_are_refused_with_what_to_ask_instead():
    d = people(1, groups=6)
    cohesion = d.groupby("group").m1.transform("mean")
    refused(errors.GroupError, "property of groups", d.assign(m1=cohesion.where(d.group.notna(), d.m1)), grouped)
    refused(errors.GroupError, "exists in the grouped arm only", d.assign(m1=cohesion), grouped)


def test_codes_for_missing():
    d = people(1)
    refused(errors.ValueTypeError, "-99 in row 5", d.assign(m1=d.m1.abs().where(d.id != 4, -99)))
    refused(errors.ValueTypeError, "missing_codes", d.assign(y1=d.y1.abs().where(d.id != 4, -99)))
    r = tk.mediate(trial(d.assign(m1=d.m1.where(d.id != 4, -99))), "y1", mediator="m1", inference="delta")
    assert "suspicious_values" in {n.code for n in r.notes}


def test_missing_values_are_counted_by_arm():
    d = people(1)
    d.loc[d.index[:10], "m1"] = np.nan
    d.loc[d.index[8:11], "y1"] = np.nan
    r = tk.mediate(trial(d), "y1", mediator="m1", inference="delta")
    texts = {n.code: n.text for n in r.notes}
    assert "10 of 120 people have no 'm1'" in texts["mediator_missing"]
    assert "solo: 5, peer: 5" in texts["mediator_missing"]
    assert "3 of 120" in texts["outcome_missing"]
    assert r.effect("acme").n == 109
    assert [a["n"] for a in r.details["arms"]] == [54, 55]
    refused(errors.MissingDataError, "missing for all", d.assign(y1=d.y1.where(d.arm == "solo")))


def test_options():
    refused(errors.UsageError, "need a seed", seed=None)
    refused(errors.UsageError, "not a seed", seed=-1)
    refused(errors.UsageError, "inference='boot'", inference="boot")
    refused(errors.UsageError, "interval='bias'", interval="bias")
    refused(errors.UsageError, "group_bootstrap", interval="bca", inference="monte_carlo")
    refused(errors.CombinationError, "covariance='HC9'", covariance="HC9")
    refused(errors.UsageError, "n_draws=3", n_draws=3)
    refused(errors.UsageError, "conf_level", conf_level=95)
    refused(errors.CombinationError, "measure='hazard_ratio'", measure="hazard_ratio")
    refused(errors.ValueTypeError, "needs 0 and 1", measure="risk_difference")
    refused(errors.ValueTypeError, "from 0 up", measure="mean_ratio")
    refused(errors.ValueTypeError, "mediator_model", mediator_model="poisson")
    refused(errors.UsageError, "mediator_model='probit'", mediator_model="probit")
    refused(errors.CombinationError, "outcome_model='logit'", outcome_model="logit")
    refused(errors.EstimationError, "too many for ordered", mediator_model="ordered")
    refused(
        errors.CombinationError, "ordered categories", mediator="stage", mediator_model="ordered", inference="group_bootstrap"
    )
    refused(errors.UsageError, "rmst_difference", measure="rmst_difference")
    refused(errors.ArmError, "is not an arm", arm="coach")
    with pytest.raises(errors.UsageError, match="Trial first"):
        tk.mediate(people(1), "y1", mediator="m1", seed=1)


def test_one_group():
    d = people(1)
    d["group"] = np.where(d.arm == "peer", "g1", None)
    refused(errors.GroupError, "one group", d, grouped)


def test_too_many_terms():
    refused(errors.EstimationError, "degrees of freedom", people(1, n=10).assign(**{f"x{j}": np.random.default_rng(j).normal(size=10) for j in range(9)}),
            adjust=[f"x{j}" for j in range(9)])  # fmt: skip
