"""Exclusion check: the rows are those of the regressions by hand, groups widen them, and the words follow the interval."""

from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.estimate.mediation.core_trials import grouped, people, trial
from trialkit.errors import CombinationError, GroupError, UsageError
from trialkit.results import Result


def check(d, t=trial, **kw):
    return tk.mediation.exclusion_check(t(d), "y1", mediator="m1", **({"adjust": ["m0", "y0"]} | kw))


def test_rows_are_the_regressions():
    d = people(1)
    t = (d["arm"] == "peer").to_numpy(float)
    base = np.column_stack([np.ones(len(d)), t, d["m0"], d["y0"]])
    b = np.linalg.lstsq(np.column_stack([base, d["m1"]]), d["y1"], rcond=None)[0]
    a = np.linalg.lstsq(base, d["m1"], rcond=None)[0]
    found = {e.estimand: e for e in check(d).estimates}
    assert found["arm, mediator held"].estimate == pytest.approx(b[1], abs=1e-12)
    assert found["mediator"].estimate == pytest.approx(b[-1], abs=1e-12)
    assert found["arm on mediator"].estimate == pytest.approx(a[1], abs=1e-12)
    assert found["arm on mediator"].outcome == "m1"
    direct = tk.itt(trial(d), "y1", adjust=["m0", "y0", "m1"]).estimates[0]
    row = found["arm, mediator held"]
    assert (row.std_error, row.df) == pytest.approx((direct.std_error, direct.df), rel=1e-8)


def test_groups():
    d = people(2, n=160, groups=8)
    with_groups, alone = check(d, grouped).estimates[0], check(d).estimates[0]
    assert with_groups.covariance == "CR2" and with_groups.n_groups == 8
    assert with_groups.estimate == pytest.approx(alone.estimate, abs=1e-12)
    assert with_groups.df < 40 < alone.df
    shuffled = check(d.sample(frac=1, random_state=1), grouped).estimates[0]
    assert (shuffled.estimate, shuffled.std_error, shuffled.df) == pytest.approx(
        (with_groups.estimate, with_groups.std_error, with_groups.df), rel=1e-6
    )


def test_coverage_under_exclusion_and_failure_with_a_common_cause():
    rng = np.random.default_rng(7)
    inside, wrong = 0, []
    for _ in range(150):
        arm = np.arange(160) % 2
        u = rng.normal(size=160)
        d = people(0, n=160).assign(m1=0.6 * arm + rng.normal(size=160))
        d["y1"] = 0.5 * d["m1"] + rng.normal(size=160)
        e = check(d, adjust=[]).estimates[0]
        inside += e.conf_low <= 0 <= e.conf_high
        d["m1"] = 0.6 * arm + u + rng.normal(size=160)
        d["y1"] = 0.5 * d["m1"] + u + rng.normal(size=160)
        wrong.append(check(d, adjust=[]).estimates[0].estimate)
    assert inside >= 135  # .95 of 150 less 3.4 standard errors is 133
    # slope of u on m1 given the arm is 1/2, so that the arm shows -.6/2 although exclusion holds
    assert np.mean(wrong) == pytest.approx(-0.3, abs=0.06)


def test_words_and_storage():
    d = people(3, n=400)
    null = check(d.assign(y1=0.5 * d["m1"] + np.random.default_rng(2).normal(size=400)))
    assert "does not show exclusion" in null.verdict and null.verdict in str(null)
    strong = check(d.assign(y1=d["y1"] + 2.0 * (d["arm"] == "peer")))
    assert "no instrument" in strong.verdict
    assert {"not_a_proof"} <= {n.code for n in null.notes}
    weak = check(d.assign(m1=np.random.default_rng(5).normal(size=400)))
    row = weak.estimates[2]
    assert ("weak_first_stage" in {n.code for n in weak.notes}) == (row.conf_low <= 0 <= row.conf_high)
    back = Result.from_dict(null.to_dict())
    assert back.verdict == null.verdict and str(back) == str(null)


def test_bad_requests():
    d = people(4, groups=6)
    with pytest.raises(UsageError, match="is the outcome"):
        tk.mediation.exclusion_check(trial(d), "y1", mediator="y1")
    with pytest.raises(UsageError, match="auto"):
        check(d, covariance="classical")
    with pytest.raises(CombinationError, match="covariance="):
        check(d, covariance="HC9")
    with pytest.raises(GroupError, match="property of groups"):
        check(d.assign(m1=d.groupby("group", dropna=False)["m1"].transform("mean").fillna(0.0)), grouped)
