"""Adjusted p-values: step-down from draws, and Dunnett's joint t."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

import trialkit as tk
from trialkit.errors import CombinationError, DataError, EstimationError, UsageError
from trialkit.inference.several.dunnett import dunnett_critical, dunnett_p
from trialkit.inference.several.stepdown import romano_wolf, westfall_young


def draws(seed: int, hypotheses: int = 4, count: int = 199) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(count, 1))
    return rng.normal(size=hypotheses) * 1.5, 0.6 * shared + 0.8 * rng.normal(size=(count, hypotheses))


def by_definition(t: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Romano & Wolf (2016), algorithm 4.1, a loop at a time."""
    order = np.argsort(-np.abs(t))
    out, last = np.empty(len(t)), 0.0
    for place, s in enumerate(order):
        largest = np.abs(null[:, order[place:]]).max(axis=1)
        last = max(last, (1 + np.sum(largest >= abs(t[s]))) / (1 + len(null)))
        out[s] = last
    return out


@pytest.mark.parametrize("seed", range(6))
def test_romano_wolf_is_the_algorithm_as_published(seed):
    t, null = draws(seed)
    found = tk.adjust_p(statistics=t, null=null, method="romano_wolf")
    np.testing.assert_allclose(found, by_definition(t, null))


@pytest.mark.parametrize("seed", range(3))
def test_westfall_young_on_p_values_is_romano_wolf_on_statistics(seed):
    t, null = draws(seed)
    p, null_p = 2 * stats.norm.sf(np.abs(t)), 2 * stats.norm.sf(np.abs(null))
    by_p = tk.adjust_p(p, null=null_p, method="westfall_young")
    np.testing.assert_allclose(by_p, tk.adjust_p(statistics=t, null=null, method="romano_wolf"))


@given(st.integers(0, 10_000), st.permutations(range(4)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_hypotheses_signs_and_draws_does_not_matter(seed, order):
    t, null = draws(seed)
    plain = tk.adjust_p(statistics=t, null=null, method="romano_wolf")
    shuffled = tk.adjust_p(statistics=-t[order], null=null[::-1][:, order], method="romano_wolf")
    np.testing.assert_allclose(shuffled, plain[list(order)])
    assert (np.diff(plain[np.argsort(-np.abs(t))]) >= 0).all()
    single = np.array([tk.adjust_p(statistics=[t[s]], null=null[:, [s]], method="romano_wolf")[0] for s in range(4)])
    assert (plain >= single - 1e-12).all()


def test_copies_of_an_outcome_cost_nothing():
    t, null = draws(1, hypotheses=1)
    alone = tk.adjust_p(statistics=t, null=null, method="romano_wolf")
    copies = tk.adjust_p(statistics=np.repeat(t, 5), null=np.repeat(null, 5, axis=1), method="romano_wolf")
    np.testing.assert_array_equal(copies, np.repeat(alone, 5))


def test_ties_within_rounding_count():
    null = np.array([[2.0 * (1 - 1e-9)], [2.0 * (1 - 1e-6)], [0.1]])
    assert tk.adjust_p(statistics=[2.0], null=null, method="romano_wolf")[0] == 0.5
    p = np.array([[0.04 * (1 + 1e-9)], [0.04 * (1 + 1e-6)], [0.5]])
    assert tk.adjust_p([0.04], null=p, method="westfall_young")[0] == 0.5


def test_whole_sets_take_no_plus_one_and_never_give_zero():
    every = np.array(list(product([-1, 1], repeat=3))) @ np.array([1.0, 2, 3])
    assert tk.adjust_p(statistics=[6.0], null=every[:, None], method="romano_wolf", plus_one=False)[0] == 2 / 8
    with pytest.raises(EstimationError, match="plus_one=False is for draws that hold the observed"):
        tk.adjust_p(statistics=[7.0], null=every[:, None], method="romano_wolf", plus_one=False)
    assert tk.adjust_p(statistics=[7.0], null=every[:, None], method="romano_wolf")[0] == 1 / 9


def test_enumerated_assignments_count_by_their_probability():
    null = np.array([[3.0], [1.0], [0.5]])
    found = romano_wolf(statistics=np.array([1.0]), null=null, probabilities=np.array([1.0, 2, 7]))
    assert found.p_adjusted[0] == pytest.approx(0.3) and found.std_error[0] == 0


def test_replicates_run_as_a_batch():
    pairs = [draws(s) for s in range(5)]
    t, null = np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])
    together = romano_wolf(statistics=t, null=null)
    for i, (one, own) in enumerate(pairs):
        np.testing.assert_array_equal(together.p_adjusted[i], romano_wolf(statistics=one, null=own).p_adjusted)
    p, null_p = 2 * stats.norm.sf(np.abs(t)), 2 * stats.norm.sf(np.abs(null))
    np.testing.assert_allclose(westfall_young(p=p, null=null_p).p_adjusted, together.p_adjusted)
    assert (together.std_error > 0).all() and together.n_draws == 199


@pytest.mark.parametrize(
    ("given_", "error", "words"),
    [
        ({"p": [0.1, 0.2], "method": "romano_wolf"}, CombinationError, "statistics=t, null=draws"),
        ({"statistics": [1.0], "method": "romano_wolf"}, CombinationError, "needs those of every draw"),
        ({"statistics": [1.0], "null": [[1.0]], "method": "westfall_young"}, CombinationError, "p-values"),
        ({"p": [0.1], "null": [[0.1]], "method": "holm"}, CombinationError, "p-values only"),
        ({"method": "holm"}, UsageError, "needs p-values"),
        ({"p": [0.1], "method": "dunnett"}, CombinationError, "correction='dunnett'"),
        ({"p": [0.1], "method": "gatekeeping"}, CombinationError, "tk.gatekeeping"),
        ({"p": [0.1], "method": "romanowolf"}, CombinationError, "Did you mean 'romano_wolf'"),
        ({"p": [0.1, math.nan], "method": "holm"}, DataError, "none may be missing"),
        ({"statistics": [1.0, 2.0], "null": np.ones((2, 5)), "method": "romano_wolf"}, DataError, "Transpose"),
        ({"statistics": [1.0, 2.0], "null": np.ones((0, 2)), "method": "romano_wolf"}, DataError, "no draws"),
        ({"statistics": [1.0, math.nan], "null": np.ones((3, 2)), "method": "romano_wolf"}, DataError, "at 2"),
        ({"statistics": [1.0], "null": [[1.0], [math.nan]], "method": "romano_wolf"}, DataError, "draws 2"),
        ({"p": [0.1], "null": [[0.1], [1.4]], "method": "westfall_young"}, DataError, "between 0 and 1"),
    ],
)
def test_wrong_arguments_are_refused_with_a_remedy(given_, error, words):
    with pytest.raises(error, match=words):
        tk.adjust_p(given_.pop("p", None), **given_)


def equal(k: int, r: float = 0.5) -> np.ndarray:
    return np.full((k, k), r) + (1 - r) * np.eye(k)


@pytest.mark.parametrize(("k", "cut"), [(2, 2.2121), (3, 2.3490), (4, 2.4418)])
def test_dunnett_critical_values_of_the_tables(k, cut):
    assert dunnett_critical(equal(k), math.inf) == pytest.approx(cut, abs=5e-5)
    assert dunnett_p([cut] * k, equal(k), math.inf) == pytest.approx([0.05] * k, abs=5e-6)


def test_dunnett_with_unequal_arms_and_few_degrees_of_freedom_is_dunnetts_integral():
    """Arms of variance v_i against a control of variance v_0: given the control and S, comparisons are independent."""
    v, v0, df, t = np.array([0.2, 0.5, 1.0]), 0.4, 9, 2.4
    se = np.sqrt(v + v0)
    node, weight = np.polynomial.legendre.leggauss(300)
    s = stats.chi.ppf((node + 1) / 2, df) / math.sqrt(df)
    z = np.linspace(-8, 8, 161) * math.sqrt(v0)
    inside = np.ones((300, 161))
    for i in range(3):
        edge = t * s[:, None] * se[i]
        inside *= stats.norm.cdf((edge + z) / math.sqrt(v[i])) - stats.norm.cdf((-edge + z) / math.sqrt(v[i]))
    density = stats.norm.pdf(z / math.sqrt(v0))
    expected = 1 - weight / 2 @ inside @ density / density.sum()
    correlation = (np.diag(v) + v0) / np.outer(se, se)
    assert dunnett_p([t] * 3, correlation, df)[0] == pytest.approx(expected, abs=1e-7)


def rectangle(lower: float, upper: float, matrix: np.ndarray, nodes: int = 40) -> float:
    """P(lower < X < upper) one independent coordinate after another, by Gauss-Legendre in every one but the last."""
    k, root = len(matrix), np.linalg.cholesky(matrix)
    x, w = np.polynomial.legendre.leggauss(nodes)
    at, by = (np.stack(np.meshgrid(*[v] * (k - 1), indexing="ij")).reshape(k - 1, -1) for v in (x, w))
    y, weight = np.zeros(at.shape), np.ones(at.shape[1])
    for i in range(k):
        shift = root[i, :i] @ y[:i]
        low, high = (np.clip((edge - shift) / root[i, i], -8, 8) for edge in (lower, upper))
        if i == k - 1:
            return float(weight @ (special.ndtr(high) - special.ndtr(low)))
        y[i] = (low + high + at[i] * (high - low)) / 2
        weight *= by[i] * (high - low) / 2 * stats.norm.pdf(y[i])
    raise AssertionError


@pytest.mark.parametrize("seed", range(6))
def test_dunnett_with_any_correlation_is_the_normal_rectangle(seed):
    """Far from product form: negative and unequal correlations."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(4, 4))
    matrix = root @ root.T + np.eye(4)
    matrix /= np.outer(*[np.sqrt(np.diag(matrix))] * 2)
    for cut in (1.0, 2.3):
        both, upper = 1 - rectangle(-cut, cut, matrix), 1 - rectangle(-np.inf, cut, matrix)
        assert dunnett_p([cut] * 4, matrix, math.inf)[0] == pytest.approx(both, abs=1e-7)
        assert dunnett_p([cut] * 4, matrix, math.inf, alternative="greater")[0] == pytest.approx(upper, abs=1e-7)
        assert dunnett_p([-cut] * 4, matrix, math.inf, alternative="less")[0] == pytest.approx(upper, abs=1e-7)


def test_dunnett_lies_between_the_single_test_and_bonferroni():
    t = np.array([0.3, 1.7, 2.8, 6.0, 40.0])
    single = 2 * stats.t.sf(t, 20)
    found = dunnett_p(t, equal(5), 20)
    assert (found >= single).all() and (found <= np.minimum(5 * single, 1) * (1 + 1e-6)).all() and (found > 0).all()
    np.testing.assert_allclose(dunnett_p(t[:1], np.eye(1), 20), single[:1], rtol=1e-10)
    np.testing.assert_allclose(dunnett_p(t[:3], np.eye(3), math.inf), 1 - (1 - 2 * stats.norm.sf(t[:3])) ** 3, rtol=1e-9)


def test_dunnett_uses_each_comparisons_own_degrees_of_freedom():
    found = dunnett_p([2.0, 2.0], equal(2), [8, 80])
    np.testing.assert_allclose(found, [dunnett_p([2.0, 2.0], equal(2), d)[0] for d in (8, 80)])


def test_dunnett_refuses_what_is_no_correlation_matrix():
    for matrix, words in ((np.eye(3), "2 x 2"), (np.array([[1, 0.2], [0.4, 1]]), "symmetric"), (np.ones((2, 2)), "singular")):
        with pytest.raises(ValueError, match=words):
            dunnett_p([1.0, 2.0], matrix, 10)
    with pytest.raises(ValueError, match="degrees of freedom"):
        dunnett_p([1.0, 2.0], np.eye(2), 0)
