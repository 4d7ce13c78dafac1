"""Assurance and maximin: averages against quadrature, the worst case, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

import trialkit as tk
from trialkit.errors import UsageError

p = tk.power
DESIGN = {"groups": 12, "group_size": 10, "controls": 120}


def test_assurance_is_the_integral():
    """Over a normal prior of the effect, against Gauss-Hermite quadrature, within .002."""
    found = p.assurance(p.individual, priors={"effect": ("normal", 0.4, 0.1)}, n_per_arm=100)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    exact = sum(w * p.individual(effect=0.4 + 0.1 * x, n_per_arm=100).power for x, w in zip(nodes, weights)) / weights.sum()
    assert found.assurance == pytest.approx(exact, abs=0.002)
    assert found.worst < found.assurance < 1
    assert len(found.tidy()) == 256


def test_a_point_prior_is_power():
    found = p.assurance(p.grouped, priors={"icc": ("uniform", 0.0999, 0.1001)}, effect=0.5, **DESIGN)
    assert found.assurance == pytest.approx(p.grouped(effect=0.5, icc=0.1, **DESIGN).power, abs=1e-4)


def test_two_priors_against_random_draws():
    found = p.assurance(p.grouped, priors={"icc": ("uniform", 0, 0.2), "effect": ("normal", 0.4, 0.08)}, **DESIGN)
    rng = np.random.default_rng(1)
    drawn = [p.grouped(icc=i, effect=e, **DESIGN).power for i, e in zip(rng.uniform(0, 0.2, 400), rng.normal(0.4, 0.08, 400))]
    assert found.assurance == pytest.approx(np.mean(drawn), abs=3 * stats.sem(drawn))


def test_built_in_ranges_name_their_source():
    table = p.icc_ranges()
    assert table["source"].str.contains(r"\d{4}").all()
    assert ((table["q25"] <= table["median"]) & (table["median"] <= table["q75"])).all()
    found = p.assurance(p.grouped, priors={"icc": "group_interventions"}, effect=0.4, **DESIGN)
    assert "group-administered" in str(found)
    assert str(tk.Result.from_dict(json.loads(json.dumps(found.to_dict())))) == str(found)


def test_maximin_prefers_many_small_groups():
    designs = [{"groups": 6, "group_size": 20}, {"groups": 12, "group_size": 10}, {"groups": 20, "group_size": 6}]
    found = p.maximin(p.grouped, ranges={"icc": (0, 0.15)}, designs=designs, effect=0.4, controls=120)
    assert found["groups"].tolist() == [20, 12, 6]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"priors": {}}, "empty"),
        ({"priors": {"icc": "group_intervention"}}, "group_interventions"),
        ({"priors": {"icc": ("beta", 1, 2)}}, "uniform"),
        ({"priors": {"icc": ("uniform", 0.2, 0.1)}}, "low below high"),
        ({"priors": {"icc": ("uniform", 0, 0.1)}, "icc": 0.1}, "say it once"),
        ({"priors": {"icc": ("uniform", 0, 0.1)}, "power": 0.8}, "leave power out"),
    ],
)
def test_bad_priors_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        p.assurance(p.grouped, effect=0.4, **DESIGN, **options)
