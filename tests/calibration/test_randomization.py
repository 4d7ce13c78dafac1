"""Size of the randomization test with groups in one arm when no one is affected on average but groups matter.

Assignments and groups are drawn by the design; the outcome of the treated holds the effect of the group they were drawn into, so the sharp
null is false and that of no average effect true. The default statistic is studentized by groups; the plain difference is shown beside it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import trialkit as tk
from tests.calibration.tables import DESIGNS, REPLICATES, grid, mc_error, over_designs, size_inside
from trialkit.design.mechanism import Draws

GROUPS, ICCS = (6, 10, 20, 40), (0.0, 0.05, 0.1, 0.3)
SIZE, DRAWS, TIE = 12, 499, 1.5e-8


def trial_design(groups: int) -> tk.design.Design:
    """As many controls alone as treated people, who form groups of 12."""
    people = {"id": range(2 * SIZE * groups)}
    return tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1}).with_groups("peer", size=(SIZE, SIZE))


def outcomes(rng: np.random.Generator, observed: Draws, icc: float) -> np.ndarray:
    """(R, n) of unit variance, each under its own assignment."""
    replicates, n = observed.arms.shape
    inside = observed.groups >= 0
    between = rng.normal(size=(replicates, int(observed.groups.max()) + 1))
    own = between[np.arange(replicates)[:, None], np.maximum(observed.groups, 0)]
    y = rng.normal(size=(replicates, n))
    return np.where(inside, np.sqrt(1 - icc) * y + np.sqrt(icc) * own, y)


def statistics(y: np.ndarray, drawn: Draws, own: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(B, R) differences in means and group-studentized statistics of outcomes (R, n) under the assignments; `own`: (R,), each under its own."""
    B, n = drawn.arms.shape
    groups = int(drawn.groups.max()) + 1
    treated = (drawn.arms == list(drawn.labels).index("peer")).astype(float)
    rows, columns = np.nonzero(drawn.groups >= 0)
    place = rows * groups + drawn.groups[rows, columns]
    if own:
        sums = np.bincount(place, weights=y[rows, columns], minlength=B * groups).reshape(B, groups, 1)
        total, squares = (y.sum(axis=1)[:, None], (y**2).sum(axis=1)[:, None])
        inside = np.einsum("bn,bn->b", treated, y**2)[:, None]
    else:
        member = sparse.csr_matrix((np.ones(len(rows)), (place, columns)), shape=(B * groups, n))
        sums = (member @ y.T).reshape(B, groups, -1)
        total, squares = y.sum(axis=1)[None, :], (y**2).sum(axis=1)[None, :]
        inside = treated @ (y**2).T
    n1 = treated.sum(axis=1)[:, None]
    n0 = n - n1
    one = sums.sum(axis=1) / n1
    zero = (total - one * n1) / n0
    between = ((sums - SIZE * one[:, None]) ** 2).sum(axis=1) / n1**2 / (1 - SIZE / n1)
    alone = (squares - inside - n0 * zero**2) / (n0 - 1) / n0
    found = one - zero, (one - zero) / np.sqrt(between + alone)
    return (found[0][:, 0], found[1][:, 0]) if own else found


def p_values(value: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """(R,) shares of draws (B, R) and the observed assignment that are as extreme."""
    extreme = np.abs(value) >= np.abs(observed) - TIE * np.maximum(1.0, np.abs(observed))
    return (1 + extreme.sum(axis=0)) / (1 + len(value))


def one_design(groups: int, number: int, replicates: int = REPLICATES) -> np.ndarray:
    """(ICCs, 2) rejections by the studentized statistic and by the difference."""
    rng = np.random.default_rng([groups, number])
    design = trial_design(groups)
    drawn, observed = design.draw_many(DRAWS, seed=1 + 2 * number), design.draw_many(replicates, seed=2 + 2 * number)
    out = np.zeros((len(ICCS), 2))
    for i, icc in enumerate(ICCS):
        y = outcomes(rng, observed, icc)
        difference, studentized = (p_values(v, own) for v, own in zip(statistics(y, drawn), statistics(y, observed, own=True)))
        out[i] = (studentized <= 0.05).sum(), (difference <= 0.05).sum()
    return out


def cell(groups: int) -> list[dict[str, object]]:
    """A row an ICC: the draws are shared."""
    total = DESIGNS * REPLICATES
    found = np.sum(over_designs(one_design, groups), axis=0) / total
    return [
        {
            "groups": groups, "icc": icc, "controls": SIZE * groups, "draws": DRAWS, "replicates": total, "size": size,
            "mc_error": mc_error(size, total), "size_of_difference": plain, "inside_band": size_inside(size, groups),
        }
        for icc, (size, plain) in zip(ICCS, found)
    ]  # fmt: skip


@pytest.mark.calibration
@pytest.mark.slow
def test_size_of_the_grouped_randomization_test():
    table = grid("randomization", ("groups",), [(k,) for k in GROUPS], cell)
    assert (table["size"] <= 0.08).all()


@pytest.mark.parametrize("statistic", ["auto", "difference"])
def test_the_batched_path_is_the_package(statistic):
    design = trial_design(6)
    observed, seed = design.draw_many(3, seed=5), 77
    drawn = design.draw_many(DRAWS, seed=seed)
    y = outcomes(np.random.default_rng(1), observed, 0.1)
    which = int(statistic == "auto")
    value, own = statistics(y, drawn)[which], statistics(y, observed, own=True)[which]
    p = p_values(value, own)
    for r in range(3):
        data = pd.DataFrame({"id": observed.units, "arm": np.asarray(observed.labels)[observed.arms[r]], "y": y[r]})
        data["group"] = pd.Series([f"g{g}" if g >= 0 else None for g in observed.groups[r]], dtype="object")
        trial = tk.Trial(data, arm="arm", control="solo", unit="id", group="group", design=design)
        found = tk.randomization_test(trial, "y", statistic=statistic, n_draws=DRAWS, seed=seed)
        assert own[r] == pytest.approx(found.estimates[0].statistic, abs=1e-9)
        assert p[r] == pytest.approx(found.p_value, abs=1e-12)


def test_a_thin_version_of_the_size():
    """1,000 trials of 10 groups at each ICC: the default statistic within five Monte Carlo errors of 5 %, the difference beyond at .3."""
    found = sum(one_design(10, d, replicates=250) for d in range(4)) / 1000
    assert (np.abs(found[:, 0] - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 1000)).all()
    assert found[-1, 1] > 0.1
