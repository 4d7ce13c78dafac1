"""Size of the mixed model's tests: groups in one arm with residual variance by arm, and randomized clusters.

Groups of 4 to 20 people, unequal; the residual variance of the treated arm is half, as large as, or twice that of the controls, who are half, as many or
twice as many. One covariate. The model is equivariant (a constant effect shifts the estimate and nothing else), so one minus the size is the coverage at
any constant effect. Fits run in batches through the kernel that `tk.itt(..., estimator="mixed")` uses.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from joblib import Parallel, delayed

from tests.calibration.tables import JOBS, grid, mc_error, p_values, size_inside
from trialkit.inference.mixed.grouped import grouped_mixed
from trialkit.inference.mixed.kenward_roger import kenward_roger_contrasts
from trialkit.inference.mixed.satterthwaite import satterthwaite_contrasts

DESIGNS, REPLICATES = 40, 500
GROUPS, ICCS = (6, 10, 20, 40), (0.0, 0.05, 0.1, 0.3)
GROUPED = list(product(GROUPS, ICCS, (0.5, 1.0, 2.0), (0.5, 1.0, 2.0)))
CLUSTERED = list(product(GROUPS, ICCS, (0.5, 1 / 3)))
RULES = {"satterthwaite": satterthwaite_contrasts, "kenward_roger": kenward_roger_contrasts}
ARM = np.array([[0, 1.0, 0]])


def grouped(groups: int, icc: float, ratio: float, controls: float, design: int) -> np.ndarray:
    """Sums over the replicates of one set of group sizes: rejections and df by each rule, fits at the limit, failures."""
    rng = np.random.default_rng([groups, int(icc * 100), int(ratio * 10), int(controls * 10), design])
    sizes = rng.integers(4, 21, groups)
    member = np.repeat(np.arange(groups), sizes)
    treated, alone = len(member), round(len(member) * controls)
    part = np.r_[np.ones(treated, int), np.zeros(alone, int)]
    spread = np.sqrt(np.where(part == 1, ratio * (1 - icc), 1.0))
    y = rng.normal(size=(REPLICATES, len(part))) * spread
    y[:, :treated] += (rng.normal(size=(REPLICATES, groups)) * np.sqrt(icc * ratio))[:, member]
    return _counts(rng, y, part, part, np.r_[member, -np.ones(alone, int)])


def clustered(clusters: int, icc: float, share: float, design: int) -> np.ndarray:
    """The same for clusters of which a share is treated."""
    rng = np.random.default_rng([clusters, int(icc * 100), int(share * 100), design, 9])
    member = np.repeat(np.arange(clusters), rng.integers(4, 21, clusters))
    treated = rng.permutation(np.arange(clusters) < max(2, round(clusters * share)))[member].astype(int)
    y = rng.normal(size=(REPLICATES, len(member))) * np.sqrt(1 - icc)
    y += (rng.normal(size=(REPLICATES, clusters)) * np.sqrt(icc))[:, member]
    return _counts(rng, y, treated, np.zeros(len(member), int), member)


def _counts(rng, y, arm, part, group) -> np.ndarray:
    x = rng.normal(size=len(arm))
    fit = grouped_mixed(y=y + 0.5 * x, X=np.column_stack([np.ones(len(arm)), arm, x]), part=part, group=group)
    out = []
    for rule in RULES.values():
        found = rule(fit, ARM)
        # a fit that failed counts as one that does not reject, and is counted
        out += [(p_values(found.estimate, found.std_error, found.df) < 0.05).sum(), np.nansum(found.df)]
    return np.array([*out, fit.at_limit.sum(), (~fit.converged).sum()], dtype=float)


def row(cell: dict, function, *arguments: float) -> dict:
    total = DESIGNS * REPLICATES
    sums = np.sum(Parallel(n_jobs=JOBS)(delayed(function)(*arguments, d) for d in range(DESIGNS)), axis=0)
    out = cell | {"replicates": total}
    for i, rule in enumerate(RULES):
        size = sums[2 * i] / total
        out |= {f"size_{rule}": size, f"coverage_{rule}": 1 - size, f"mean_df_{rule}": sums[2 * i + 1] / total}
    out |= {"mc_error": mc_error(out["size_satterthwaite"], total), "at_limit": sums[4] / total, "failures": int(sums[5])}
    groups = arguments[0]
    return out | {f"inside_band_{rule}": size_inside(out[f"size_{rule}"], groups) for rule in RULES}


@pytest.mark.calibration
def test_size_of_the_mixed_model():
    in_arm, of_clusters = ("groups", "icc", "variance_ratio", "controls_per_treated"), ("groups", "icc", "treated_share")
    tables = (
        grid("mixed_groups", in_arm, GROUPED, lambda *c: [row(dict(zip(in_arm, c, strict=True)), grouped, *c)]),
        grid("mixed_clusters", of_clusters, CLUSTERED, lambda *c: [row(dict(zip(of_clusters, c, strict=True)), clustered, *c)]),
    )
    # a cell outside its band is a finding that the page shows; gross failures stop here
    for table in tables:
        assert (table["size_satterthwaite"] <= 0.08).all()
        assert (table["failures"] == 0).all()


@pytest.mark.parametrize("groups, ratio", [(6, 2.0), (10, 1.0)])
def test_a_thin_version_of_the_size(groups, ratio):
    """4,000 replicates: at most five Monte Carlo errors above the nominal level, and not far below it."""
    sums = sum(grouped(groups, 0.1, ratio, 1.0, d) for d in range(8))
    total = 8 * REPLICATES
    error = np.sqrt(0.05 * 0.95 / total)
    for i in (0, 2):
        assert 0.05 - 6 * error < sums[i] / total < 0.05 + 5 * error
    assert sums[5] == 0


def test_a_thin_version_with_clusters():
    sums = sum(clustered(10, 0.1, 0.5, d) for d in range(8))
    total = 8 * REPLICATES
    assert abs(sums[0] / total - 0.05) < 5 * np.sqrt(0.05 * 0.95 / total)
    assert sums[5] == 0
