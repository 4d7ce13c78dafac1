"""Size of the wild bootstrap: few clusters in both arms, groups in one arm, and weights by person there (subcluster).

p-values are those of `tk.wild_bootstrap`, from its own kernel: all draws where there are at most 499 (6 clusters with Rademacher
weights have 64), otherwise 499. `units` counts clusters of both arms together, or groups of the treated arm.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.calibration.batch import Batch
from tests.calibration.tables import DESIGNS, grid, mc_error, over_designs, p_values, size_inside
from trialkit.design.stream import Stream
from trialkit.inference.draws.wild_cluster import (
    Draws,
    cluster_model,
    draw_terms,
    enumerated,
    from_words,
    p_value,
    possible_draws,
    words_per_draw,
)

DRAWS, REPLICATES = 499, 500
KINDS = {
    "WCR11": {}, "WCR33": {"kind": "WCR33"}, "WCR11, webb": {"multipliers": "webb"}, "by person": {"subcluster": "unit"}
}  # fmt: skip
CLUSTERS = [("clusters", k, share) for k in (6, 10, 20) for share in (0.5, 1 / 3)]
CELLS = [*CLUSTERS, *(("groups in one arm", k, 0.5) for k in (6, 10, 20))]
ICCS = (0.1,)


def kinds(design: str, units: int) -> list[str]:
    if design == "clusters":
        return ["WCR11", "WCR33", *(["WCR11, webb"] if units < 12 else [])]
    return ["WCR11", "by person"]


class Design:
    """Clusters (mean 20, CV .5), a share of them treated; or groups (mean 12, CV .5) and 12 times as many controls alone."""

    def __init__(self, design: str, units: int, share: float, rng: np.random.Generator) -> None:
        mean = 20 if design == "clusters" else 12
        sizes = np.maximum(2, np.round(rng.gamma(4, mean / 4, units))).astype(int)
        self.unit = np.repeat(np.arange(units), sizes)
        if design == "clusters":
            self.arm = (rng.permutation(units) < max(2, round(units * share)))[self.unit].astype(int)
        else:
            self.unit = np.r_[self.unit, np.full(12 * units, -1)]
            self.arm = (self.unit >= 0).astype(int)
        self.role = "cluster" if design == "clusters" else "group"
        self.baseline = rng.normal(size=len(self.arm))

    def trial(self, y: np.ndarray) -> tk.Trial:
        labels = pd.Series([f"u{u:03d}" if u >= 0 else None for u in self.unit], dtype="object")
        data = pd.DataFrame({"arm": self.arm, "unit": labels, "x": self.baseline, "y": y})
        return tk.Trial(data, arm="arm", control=0, **{self.role: "unit"})

    def outcomes(self, rng: np.random.Generator, icc: float, replicates: int) -> np.ndarray:
        inside = self.unit >= 0
        y = rng.normal(size=(replicates, len(self.arm)))
        between = rng.normal(size=(replicates, int(self.unit.max()) + 1))
        y[:, inside] = np.sqrt(1 - icc) * y[:, inside] + np.sqrt(icc) * between[:, self.unit[inside]]
        return y

    def p_values(self, y: np.ndarray, kind: str, seed: int) -> np.ndarray:
        """(R,) p of no effect; the draws are the same for all replicates."""
        options = {"kind": "WCR11", "multipliers": "rademacher", "subcluster": None} | KINDS[kind]
        found = tk.itt(self.trial(y[0]), "y", adjust=["x"], covariance="CR1")
        model, contrast = found.evidence.model, found.evidence.vectors[0]
        fit, clusters = model.fit, model.sample.clusters
        residual = y - (y @ fit.q) @ fit.q.T
        weights, out = None, np.empty(len(y))
        for r, e in enumerate(residual):
            own = cluster_model(
                fit=replace(fit, residuals=e), y=y[r], contrast=contrast, clusters=clusters, kind=options["kind"],
                by_row=options["subcluster"] == "unit",
            )  # fmt: skip
            if weights is None:
                weights, listed = _weights(options["multipliers"], own.units, seed)
            out[r] = p_value(own, Draws(draw_terms(own, weights), listed), 0.0, "two-sided")
        return out

    def t_rejections(self, y: np.ndarray) -> int:
        found = tk.itt(self.trial(y[0]), "y", adjust=["x"])
        b = Batch(found.evidence.model, found.evidence.vectors[0]).run(y)
        return int((p_values(b.estimate, b.std_error, b.df) < 0.05).sum())


def _weights(multipliers: str, units: int, seed: int) -> tuple[np.ndarray, bool]:
    """The weights (units, draws) that `tk.wild_bootstrap` would take, and whether they are all there are."""
    possible = possible_draws(multipliers, units)
    if possible <= DRAWS:
        return enumerated(multipliers, units, 0, int(possible)), True
    words = Stream(seed, 0).keys(DRAWS, words_per_draw(multipliers, units))
    return from_words(words, multipliers, units), False


def one_design(design: str, units: int, share: float, icc: float, number: int, replicates: int = REPLICATES) -> dict[str, int]:
    """Rejections by kind, and by the default t test of `tk.itt`."""
    rng = np.random.default_rng([units, int(share * 100), int(icc * 100), number, len(design)])
    d = Design(design, units, share, rng)
    y = d.outcomes(rng, icc, replicates)
    out = {kind: int((d.p_values(y, kind, 1 + number) <= 0.05).sum()) for kind in kinds(design, units)}
    return out | {"tk.itt": d.t_rejections(y)}


def cell(design: str, units: int, share: float, icc: float) -> list[dict[str, object]]:
    """A row a kind."""
    parts, total = over_designs(one_design, design, units, share, icc), DESIGNS * REPLICATES
    rows = []
    for kind in (*kinds(design, units), "tk.itt"):
        size = sum(p[kind] for p in parts) / total
        rows.append(
            {
                "design": design, "units": units, "treated_share": round(share, 2), "icc": icc, "kind": kind, "draws": DRAWS,
                "replicates": total, "size": size, "mc_error": mc_error(size, total), "inside_band": size_inside(size, units),
            }
        )  # fmt: skip
    return rows


@pytest.mark.calibration
@pytest.mark.slow
def test_size_of_the_wild_bootstrap():
    cells = {(d, k, round(share, 2), icc): (d, k, share, icc) for d, k, share in CELLS for icc in ICCS}
    table = grid("wild_bootstrap", ("design", "units", "treated_share", "icc"), cells, cell)
    assert (table.loc[table["kind"] != "by person", "size"] <= 0.12).all()


@pytest.mark.parametrize(("design", "units"), [("clusters", 6), ("clusters", 10), ("groups in one arm", 6)])
def test_the_batched_path_is_the_package(design, units):
    rng = np.random.default_rng([5, units])
    d = Design(design, units, 0.5, rng)
    y = d.outcomes(rng, 0.1, 3)
    for kind in kinds(design, units):
        p = d.p_values(y, kind, 12)
        for r in range(3):
            found = tk.wild_bootstrap(d.trial(y[r]), "y", adjust=["x"], n_draws=DRAWS, seed=12, **KINDS[kind])
            assert p[r] == pytest.approx(found.p_value, abs=1e-12), kind


def test_a_thin_version_of_the_size():
    """1,000 trials of 10 clusters, half of them treated: the default within five Monte Carlo errors of 5 %."""
    size = sum(one_design("clusters", 10, 0.5, 0.1, d, replicates=125)["WCR11"] for d in range(8)) / 1000
    assert abs(size - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 1000)
