"""Size of the default test when whole clusters are randomized, and for people alone: ANCOVA with CR2 or HC2.

Clusters of unequal size (mean 20, CV .5), half of them treated or a third; ICC 0-.3. One minus the size is the coverage at any
constant effect (the regression is equivariant).
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy.special import stdtr

from tests.calibration.tables import JOBS, grid, mc_error, size_inside
from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.small_sample import satterthwaite

DESIGNS, REPLICATES = 100, 200
CELLS = [(k, share, icc) for k in (6, 10, 20, 40) for share in (0.5, 1 / 3) for icc in (0.0, 0.05, 0.2, 0.3)]


def clustered(clusters: int, share: float, icc: float, design: int) -> int:
    """Rejections over the replicates of one set of cluster sizes and one assignment."""
    rng = np.random.default_rng([clusters, int(share * 100), int(icc * 100), design])
    sizes = np.maximum(2, np.round(rng.gamma(4, 5, clusters))).astype(int)
    label = np.repeat(np.arange(clusters), sizes)
    treated = rng.permutation(np.arange(clusters) < max(2, round(clusters * share)))
    n = len(label)
    baseline = rng.normal(size=n)
    X = np.column_stack([np.ones(n), treated[label], baseline])
    u = rng.normal(size=(REPLICATES, clusters)) * np.sqrt(icc)
    y = 0.5 * baseline + u[:, label] + rng.normal(size=(REPLICATES, n)) * np.sqrt(1 - icc)
    return _rejections(y, X, Clusters.from_labels(label))


def alone(n: int, share: float, design: int) -> int:
    """The same for people alone, with twice the variance in the treated arm."""
    rng = np.random.default_rng([n, int(share * 100), 7, design])
    treated = rng.permutation(np.arange(n) < round(n * share))
    baseline = rng.normal(size=n)
    X = np.column_stack([np.ones(n), treated, baseline])
    y = 0.5 * baseline + rng.normal(size=(REPLICATES, n)) * np.where(treated, np.sqrt(2), 1.0)
    return _rejections(y, X, None)


def _rejections(y, X, clusters) -> int:
    fits = least_squares(y=y, X=X)
    kind = "HC2" if clusters is None else "CR2"
    variances = covariance(fits, kind, clusters).matrix[:, 1, 1]
    one = least_squares(y=y[0], X=X)
    contrast = np.array([0, 1.0, 0])
    df = one.df_resid if clusters is None else satterthwaite(one, covariance(one, kind, clusters), contrast).df
    return int((2 * stdtr(df, -np.abs(fits.coef[:, 1]) / np.sqrt(variances)) < 0.05).sum())


def cell(design: str, units: int, share: float, icc: float) -> list[dict]:
    run, arguments = (clustered, (units, share, icc)) if design == "clusters" else (alone, (units, share))
    total = DESIGNS * REPLICATES
    size = sum(Parallel(n_jobs=JOBS)(delayed(run)(*arguments, d) for d in range(DESIGNS))) / total
    row = {
        "design": design, "units": units, "treated_share": round(share, 2), "icc": icc, "size": size, "replicates": total,
        "mc_error": mc_error(size, total), "inside_band": size_inside(size, units),
    }  # fmt: skip
    return [row]


@pytest.mark.calibration
def test_size_with_randomized_clusters_and_people_alone():
    cells = {("clusters", k, round(share, 2), icc): ("clusters", k, share, icc) for k, share, icc in CELLS}
    cells |= {c: c for c in product(("people",), (40, 100, 400), (0.5, 0.25), (0.0,))}
    table = grid("itt_clusters", ("design", "units", "treated_share", "icc"), cells, cell, replicates=DESIGNS * REPLICATES)
    # a cell outside its band is a finding that the table shows; gross failures stop here
    assert (table["size"] <= 0.08).all()


def test_a_thin_version_of_the_size():
    """2,000 replicates of 10 clusters, and of 100 people: within five Monte Carlo errors of the nominal level."""
    for rejected in (
        sum(clustered(10, 0.5, 0.05, d) for d in range(10)),
        sum(alone(100, 0.5, d) for d in range(10)),
    ):
        assert abs(rejected / 2000 - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 2000)
