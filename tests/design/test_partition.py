"""The exchange search: its criterion against the definition, its optima against all exchanges, its answers against all partitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from trialkit.design.groups.partition import Problem, canonical, criterion, expected_criterion, reach, search, violations


def all_partitions(sizes: list[int]) -> np.ndarray:
    """Every way to give people to numbered groups of these sizes."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return np.array(sorted(set(itertools.permutations(labels.tolist()))))


def problem(n: int, signs: list[float], sizes: list[int], *, count: int = 1, seed: int = 0, **more: np.ndarray) -> Problem:
    rng = np.random.default_rng(seed)
    features = np.rint(rng.normal(size=(count, n, len(signs))) * 1024)
    features -= np.rint(features.mean(axis=1, keepdims=True))
    return Problem(features, np.array(signs), np.array(sizes), np.ones((count, n), dtype=np.int64), **more)


def definition(features: np.ndarray, signs: np.ndarray, groups: np.ndarray) -> float:
    """J by its definition, from the groups one by one."""
    total = 0.0
    for g in np.unique(groups):
        members = features[groups == g]
        total += float((signs * members.sum(axis=0) ** 2).sum()) / len(members)
    return total


def starts_of(p: Problem, count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = p.features.shape[1]
    seats = np.repeat(np.arange(len(p.sizes)), p.sizes)
    return np.array([rng.permutation(seats) for _ in range(count)]), np.array([rng.permutation(n) for _ in range(count)])


def exchanges(groups: np.ndarray):
    for i, j in itertools.combinations(range(len(groups)), 2):
        if groups[i] != groups[j]:
            other = groups.copy()
            other[i], other[j] = groups[j], groups[i]
            yield other


@pytest.mark.parametrize(("signs", "sizes"), [([1.0], [3, 3]), ([-1.0, 1.0], [2, 3, 2]), ([1.0, 1.0, -1.0], [3, 4])])
def test_criterion_is_its_definition_on_every_partition(signs, sizes):
    p = problem(sum(sizes), signs, sizes)
    groups = all_partitions(sizes)
    found = criterion(p, np.zeros(len(groups), dtype=np.int64), groups) / 256
    expected = [definition(p.features[0], p.signs, g) for g in groups]
    np.testing.assert_allclose(found, expected, atol=len(sizes) / 256)


def test_expected_criterion_is_the_mean_over_all_partitions():
    p = problem(7, [1.0, -1.0], [3, 4])
    values = [definition(p.features[0], p.signs, g) for g in all_partitions([3, 4])]
    assert expected_criterion(p)[0] / 256 == pytest.approx(np.mean(values), rel=1e-9)


@pytest.mark.parametrize("signs", [[1.0, 1.0], [-1.0], [-1.0, 1.0]])
@pytest.mark.parametrize("sizes", [[4, 4, 4], [3, 4, 5]])
def test_no_exchange_improves_what_the_search_ends_in(signs, sizes):
    p = problem(12, signs, sizes, count=2)
    which = np.repeat([0, 1], 10)
    groups, wrong = search(p, which, *starts_of(p, 20))
    assert not wrong.any()
    for b, found in enumerate(groups):
        assert np.bincount(found).tolist() == sizes
        reached = definition(p.features[which[b]], p.signs, found)
        assert min(definition(p.features[which[b]], p.signs, g) for g in exchanges(found)) > reached - 1


def test_with_partners_no_exchange_of_neighbours_in_the_line_improves():
    p = problem(12, [1.0, -1.0], [4, 4, 4])
    starts, lines = starts_of(p, 20)
    groups, _ = search(p, np.zeros(20, dtype=np.int64), starts, lines, partners=0.3)
    assert reach(12, 0.3) == 2
    assert not np.array_equal(groups, search(p, np.zeros(20, dtype=np.int64), starts, lines)[0])
    for found, line in zip(groups, lines):
        reached = definition(p.features[0], p.signs, found)
        for i, j in [*itertools.pairwise(line), *zip(line, line[2:])]:
            other = found.copy()
            other[i], other[j] = found[j], found[i]
            assert definition(p.features[0], p.signs, other) > reached - 1


def test_the_best_of_many_searches_is_the_best_of_all_partitions():
    for signs in ([1.0, 1.0], [-1.0]):
        p = problem(9, signs, [3, 3, 3])
        groups, _ = search(p, np.zeros(40, dtype=np.int64), *starts_of(p, 40))
        best = min(definition(p.features[0], p.signs, g) for g in all_partitions([3, 3, 3]))
        assert min(definition(p.features[0], p.signs, g) for g in groups) == pytest.approx(best)


def test_a_search_does_not_depend_on_those_beside_it():
    p = problem(15, [1.0, -1.0], [5, 4, 6], count=3)
    starts, orders = starts_of(p, 30)
    which = np.tile([0, 1, 2], 10)
    together, _ = search(p, which, starts, orders)
    alone = [search(p, which[b : b + 1], starts[b : b + 1], orders[b : b + 1])[0][0] for b in range(30)]
    assert np.array_equal(together, alone)
    assert len(np.unique(together, axis=0)) > 5


def test_enemies_and_barred_groups_are_resolved_and_counted():
    enemies = np.zeros((1, 12, 12), dtype=bool)
    for i in range(0, 12, 2):
        enemies[0, i, i + 1] = enemies[0, i + 1, i] = True
    barred = np.zeros((1, 3, 12), dtype=bool)
    barred[0, 0, :4] = True
    p = problem(12, [-1.0], [4, 4, 4], enemies=enemies, barred=barred)
    starts, orders = starts_of(p, 30)
    before = violations(p, np.zeros(30, dtype=np.int64), starts)
    by_hand = [sum(s[i] == s[i + 1] for i in range(0, 12, 2)) + int((s[:4] == 0).sum()) for s in starts]
    assert before.tolist() == by_hand and max(by_hand) > 0
    groups, wrong = search(p, np.zeros(30, dtype=np.int64), starts, orders, partners=0.1)
    assert (wrong == 0).all()
    assert (groups[:, 0::2] != groups[:, 1::2]).all() and (groups[:, :4] != 0).all()


def test_blocks_change_place_with_blocks_of_their_size_only():
    p = problem(8, [1.0], [5, 5])
    p = Problem(p.features, p.signs, p.sizes, np.array([[2, 2, 1, 1, 1, 1, 1, 1]]))
    starts = np.array([[0, 1, 0, 0, 0, 1, 1, 1], [1, 0, 1, 1, 1, 0, 0, 0]])
    groups, _ = search(p, np.zeros(2, dtype=np.int64), starts, np.tile(np.arange(8), (2, 1)))
    assert (groups[:, 0] != groups[:, 1]).all()
    assert [np.bincount(g, weights=p.weights[0]).tolist() for g in groups] == [[5, 5], [5, 5]]


def test_canonical_numbers_are_those_of_partitions():
    groups = np.array([[2, 0, 1, 2], [0, 1, 2, 0], [1, 2, 0, 1], [0, 0, 1, 2]])
    assert canonical(groups, 3).tolist() == [[0, 1, 2, 0]] * 3 + [[0, 0, 1, 2]]
