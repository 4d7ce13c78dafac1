"""Results say so in the designs in which a default was simulated to be too free (docs/calibration/)."""

from __future__ import annotations

import numpy as np
import pytest

import trialkit as tk
from tests.calibration.binary_trials import events, groups_in_one_arm
from tests.calibration.test_family import Families
from tests.calibration.test_randomization import trial_design
from tests.calibration.test_survival import alone_trial, times


def codes(result: tk.Result) -> set[str]:
    return {n.code for n in result.notes}


@pytest.mark.parametrize("groups, rate, said", [(10, 0.1, True), (10, 0.5, False), (40, 0.1, False)])
def test_few_events_for_the_groups_there_are(groups, rate, said):
    """Risk differences with 10 groups, a rate of .1 and ICC .3: size .066; inside at rates of .3 and .5, and from 20 groups on."""
    rng = np.random.default_rng(2)
    people = groups_in_one_arm(groups, rng)
    x, y = events(people, 0.3, (rate, rate), rng, 1)
    assert ("few_events" in codes(tk.itt(people.trial(x[0], y[0]), "y", adjust=["x"], measure="risk_difference"))) is said


@pytest.mark.parametrize("n, share, said", [(40, 0.5, True), (100, 0.2, True), (100, 0.5, False)])
def test_restricted_means_of_few_people(n, share, said):
    """Normal limits on Greenwood's variance: .064-.072 with 20 people in an arm, .056 with 50."""
    rng = np.random.default_rng(3)
    treated = int(n * share)
    time, event = times(rng.normal(size=(1, n)), np.ones(n), "light", rng)
    trial = alone_trial(n, treated, time[0], event=event[0].astype(int))
    found = tk.itt(trial, tk.Time("y", "event"), measure="rmst_difference", tau=1.5)
    assert ("small_arm" in codes(found)) is said
    careful = tk.itt(trial, tk.Time("y", "event"), measure="rmst_difference", tau=1.5, df="independence").estimates[0]
    assert careful.conf_high - careful.conf_low > found.estimates[0].conf_high - found.estimates[0].conf_low


@pytest.mark.parametrize(
    "groups, statistic, code", [(10, "auto", "few_groups_drawn"), (12, "auto", None), (12, "difference", "groups_differ")]
)
def test_randomization_tests_with_groups(groups, statistic, code):
    """Studentized by groups: .067 and .062 with 6 and 10 groups at ICC .3; the plain difference .23 with any number of groups."""
    d = trial_design(groups).assign(seed=3).reset_index(drop=True)
    d["y"] = np.random.default_rng(4).normal(size=len(d))
    trial = tk.Trial(d, arm="arm", control="solo", unit="id", group="group", design=trial_design(groups))
    found = tk.randomization_test(trial, "y", statistic=statistic, n_draws=49, seed=1)
    assert codes(found) & {"few_groups_drawn", "groups_differ"} == ({code} if code else set())


@pytest.mark.parametrize("groups, said", [(6, True), (10, True), (20, False)])
def test_families_with_few_groups(groups, said):
    """One true hypothesis or more of 10 rejected in 9 % of families with 6 groups and 7 % with 10: most of those carry the note."""
    rng = np.random.default_rng(5)
    families = Families(groups, rng)
    names = [f"y{m}_" for m in range(10)]
    seen = 0
    for y in families.outcomes(rng, 10, 0.0, 4):
        trial = families.trial(y)
        found = tk.family([tk.itt(trial, n, adjust=["x"]) for n in names], correction="romano_wolf", n_draws=99, seed=1)
        seen += "few_units" in codes(found)
    assert seen >= 3 if said else seen == 0
