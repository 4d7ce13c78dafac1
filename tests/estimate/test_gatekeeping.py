"""Graphical gatekeeping against closed testing, and families in their order."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from trialkit.errors import CombinationError, DataError, UsageError
from trialkit.estimate.several.gatekeeping import GatekeepingResult, gatekeeping
from trialkit.results import Result

PARALLEL = {"weights": [0.5, 0.5, 0, 0], "transitions": [[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0, 1, 0, 0], [1, 0, 0, 0]]}


def test_the_worked_example_of_the_specification():
    found = gatekeeping([0.018, 0.01, 0.105, 0.006], **PARALLEL, alpha=0.025)
    assert found.p_adjusted == pytest.approx([0.024, 0.02, 0.105, 0.024])
    assert found.rejected == ["H1", "H2", "H4"]
    assert found.steps["hypothesis"].tolist() == ["H2", "H1", "H4", "H3"]
    assert found.steps["alpha"].tolist() == pytest.approx([0.0125, 0.01875, 0.0125, 0.025])
    assert found.steps["rejected"].tolist() == [True, True, True, False]


def closed_test(p: np.ndarray, weights: np.ndarray, arrows: np.ndarray) -> np.ndarray:
    """The largest weighted Bonferroni p over every intersection that holds a hypothesis."""
    m = len(p)
    out = np.zeros(m)
    for size in range(1, m + 1):
        for inside in combinations(range(m), size):
            w, g, left = weights.copy(), arrows.copy(), list(range(m))
            for gone in [i for i in range(m) if i not in inside]:
                left.remove(gone)
                new_w, new_g = w.copy(), np.zeros((m, m))
                for j in left:
                    new_w[j] = w[j] + w[gone] * g[gone, j]
                    loop = 1 - g[j, gone] * g[gone, j]
                    for k in left:
                        if k != j and loop > 1e-12:
                            new_g[j, k] = (g[j, k] + g[j, gone] * g[gone, k]) / loop
                new_w[gone] = 0
                w, g = new_w, new_g
            own = min([p[i] / w[i] for i in inside if w[i] > 0], default=1.0)
            for i in inside:
                out[i] = max(out[i], min(own, 1.0))
    return out


@given(st.integers(0, 100_000))
@settings(max_examples=40, deadline=None)
def test_adjusted_p_values_are_those_of_closed_testing(seed):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(2, 6))
    p = rng.uniform(size=m) ** 3
    weights = rng.dirichlet(np.ones(m)) * (rng.uniform() if seed % 3 else 1.0)
    arrows = rng.uniform(size=(m, m)) * (rng.uniform(size=(m, m)) < 0.7)
    np.fill_diagonal(arrows, 0)
    arrows /= np.maximum(arrows.sum(axis=1, keepdims=True), 1.0) * (1 if seed % 2 else 1.25)
    found = gatekeeping(p.tolist(), weights=weights.tolist(), transitions=arrows.tolist())
    np.testing.assert_allclose(found.p_adjusted, closed_test(p, weights, arrows), rtol=1e-9)


def test_holm_and_a_fixed_sequence_are_graphs():
    p = [0.03, 0.004, 0.2, 0.012]
    holm = gatekeeping(p, weights=[0.25] * 4, transitions=(np.ones((4, 4)) - np.eye(4)) / 3)
    assert holm.p_adjusted == pytest.approx(tk.adjust_p(p, method="holm").tolist())
    chain = gatekeeping(p, weights=[1, 0, 0, 0], transitions=np.diag(np.ones(3), 1))
    assert chain.p_adjusted == pytest.approx([0.03, 0.03, 0.2, 0.2])


def test_serial_families_open_when_all_before_are_rejected():
    p = {"job": 0.02, "income": 0.01, "hope": 0.03, "ties": 1e-9}
    families = {"primary": ["job", "income"], "secondary": ["hope"], "other": ["ties"]}
    found = gatekeeping(p, families=families)
    assert found.p_adjusted == pytest.approx([0.02, 0.02, 0.03, 0.03])
    closed = gatekeeping({**p, "job": 0.3}, families=families)
    assert closed.p_adjusted == pytest.approx([0.3, 0.02, 0.3, 0.3])
    assert closed.rejected == ["income"]  # however small the p-value behind the gate
    assert found.tidy()["family"].tolist() == ["primary", "primary", "secondary", "other"]


def test_parallel_families_open_with_each_rejection():
    p = {"job": 0.3, "income": 0.01, "hope": 0.02, "ties": 0.024}
    found = gatekeeping(p, families={"primary": ["job", "income"], "secondary": ["hope", "ties"]}, pass_on="any")
    # income passes .5 alpha on, a quarter to each; ties takes up the share of hope
    assert found.p_adjusted == pytest.approx([0.6, 0.02, 0.08, 0.08])
    shut = gatekeeping(
        {**p, "income": 0.2}, families={"primary": ["job", "income"], "secondary": ["hope", "ties"]}, pass_on="any"
    )
    assert min(shut.p_adjusted) == pytest.approx(0.4)


def test_graphs_by_name_and_by_position_are_the_same():
    named = gatekeeping(
        {"a": 0.012, "b": 0.004, "c": 0.03},
        weights={"a": 0.5, "b": 0.3, "c": 0.2},
        transitions={"a": {"b": 1}, "b": {"c": 1}, "c": {"a": 0.5, "b": 0.5}},
    )
    plain = gatekeeping([0.012, 0.004, 0.03], weights=[0.5, 0.3, 0.2], transitions=[[0, 1, 0], [0, 0, 1], [0.5, 0.5, 0]])
    assert named.p_adjusted == plain.p_adjusted == pytest.approx([0.024, 0.04 / 3, 0.03])


def test_the_result_shows_itself_and_survives_json():
    found = gatekeeping([0.018, 0.01, 0.105, 0.006], **PARALLEL, alpha=0.025)
    assert "3 of 4 rejected" in str(found) and "H4" in found._repr_html_()
    again = Result.from_dict(json.loads(json.dumps(found.to_dict())))
    assert isinstance(again, GatekeepingResult)
    assert again.p_adjusted == found.p_adjusted and again.steps.equals(found.steps)


def test_rejection_on_the_edge_survives_rounding():
    third = gatekeeping([0.05 / 3, 0.05 / 3, 0.9], weights=[1 / 3] * 3, transitions=np.zeros((3, 3)))
    assert third.rejected == ["H1", "H2"]


@pytest.mark.parametrize(
    ("p", "graph", "error", "words"),
    [
        ([0.1, 0.2], {"weights": [0.7, 0.7], "transitions": np.zeros((2, 2))}, UsageError, "at most 1"),
        ([0.1, 0.2], {"weights": [0.0, 0.0], "transitions": np.zeros((2, 2))}, UsageError, "above 0"),
        ([0.1, 0.2], {"weights": [0.5, 0.5], "transitions": [[0, 1.2], [0, 0]]}, UsageError, "'H1'"),
        ([0.1, 0.2], {"weights": [0.5, 0.5], "transitions": [[0, 1], [0, 1]]}, UsageError, "itself"),
        ([0.1, 0.2], {"weights": [0.5], "transitions": np.zeros((2, 2))}, UsageError, "2 weights"),
        ([0.1, 0.2], {"weights": [0.5, 0.5], "transitions": [[0, 1]]}, UsageError, "2 rows"),
        ([0.1, np.nan], {"weights": [0.5, 0.5], "transitions": np.zeros((2, 2))}, DataError, "'H2'"),
        ([], {"weights": [], "transitions": []}, UsageError, "at least one"),
        ([0.1], {"weights": [1.0]}, CombinationError, "families"),
        ([0.1], {"families": {"f": ["H1"]}}, UsageError, "named"),
        ({"job": 0.1}, {"families": {"f": ["jobs"]}}, UsageError, "Did you mean 'job'"),
        ({"job": 0.1, "b": 0.2}, {"families": {"f": ["job"]}}, UsageError, "'b' is in no family"),
        ({"job": 0.1}, {"families": {"f": ["job"], "g": ["job"]}}, UsageError, "twice"),
        ({"job": 0.1}, {"families": {"f": ["job"]}, "pass_on": "some"}, UsageError, "'all' or 'any'"),
        ({"job": 0.1}, {"families": {"f": ["job"]}, "alpha": 5}, UsageError, "alpha"),
        ({"job": 0.1}, {"families": {"f": ["job"]}, "weights": [1.0]}, CombinationError, "alone"),
    ],
)
def test_graphs_that_are_none_are_refused(p, graph, error, words):
    with pytest.raises(error, match=words):
        gatekeeping(p, **graph)
