"""Coverage of the complier effect: the t interval, the Anderson-Rubin set and the tF interval, strong and weak take-up.

People are compliers, never-takers or, with two-sided non-compliance, always-takers; the types differ in their outcomes, so that
comparing who came with who did not is biased. Take-up goes with the group (cluster) as the outcome does. The t interval shifts with the
effect and nothing else, so one minus its coverage is the size of its test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.special import fdtri, ndtri, stdtrit

import trialkit as tk
from tests.calibration.batch import Batch
from tests.calibration.tables import DESIGNS, REPLICATES, coverage_inside, grid, mc_error, over_designs, size_inside
from trialkit.inference.take_up.instruments import T_VALID_F, WEAK_F, tf_critical

EFFECT = 0.5
UPTAKE_ICC = 0.05
UNITS = {"people": (40, 100, 400), "clusters": (6, 10, 20, 40), "groups in one arm": (6, 10, 20, 40)}
SHIFT = np.array([0.0, -1.0, 1.0])  # outcomes of compliers, never-takers, always-takers, times the selection
SELECTION = {"mild": 0.4, "strong": 1.5}
# shares of compliers and always-takers, and how much the types differ
TAKE_UP = ((0.7, 0.0, "mild"), (0.7, 0.15, "strong"), (0.15, 0.0, "mild"), (0.15, 0.0, "strong"), (0.15, 0.15, "strong"))
ICC = 0.1


@dataclass(frozen=True)
class People:
    """One design: arm (0, 1), unit that shares effects (-1 alone), baseline."""

    kind: str
    arm: np.ndarray
    unit: np.ndarray
    baseline: np.ndarray

    def draw(
        self, rng: np.random.Generator, compliers: float, always: float, selection: str, icc: float, replicates: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(R, n) outcomes without an effect of taking part, and who takes part."""
        latent = self._shared(rng, UPTAKE_ICC, replicates)
        never = latent < ndtri(1 - compliers - always)
        eager = latent >= ndtri(1 - always) if always else np.zeros_like(never)
        type_ = np.where(never, 1, np.where(eager, 2, 0))
        y = 0.5 * self.baseline + SELECTION[selection] * SHIFT[type_] + self._shared(rng, icc, replicates)
        return y, np.where(self.arm == 1, ~never, eager).astype(float)

    def _shared(self, rng: np.random.Generator, icc: float, replicates: int) -> np.ndarray:
        inside = self.unit >= 0
        out = rng.normal(size=(replicates, len(self.arm)))
        if inside.any():
            between = rng.normal(size=(replicates, int(self.unit.max()) + 1))
            out[:, inside] = np.sqrt(1 - icc) * out[:, inside] + np.sqrt(icc) * between[:, self.unit[inside]]
        return out

    def trial(self, y: np.ndarray, uptake: np.ndarray) -> tk.Trial:
        labels = pd.Series([f"u{u}" if u >= 0 else None for u in self.unit], dtype="object")
        data = pd.DataFrame({"arm": self.arm, "unit": labels, "y0": self.baseline, "y": y, "came": uptake})
        role = {"people": {}, "clusters": {"cluster": "unit"}, "groups in one arm": {"group": "unit"}}[self.kind]
        return tk.Trial(data, arm="arm", control=0, **role)


def people(kind: str, units: int, rng: np.random.Generator) -> People:
    """`units` people, clusters (mean 20, CV .5) in each arm, or groups (mean 12, CV .5) with as many controls alone."""
    if kind == "people":
        arm, unit = np.repeat([1, 0], units), np.full(2 * units, -1)
    elif kind == "clusters":
        sizes = np.maximum(2, np.round(rng.gamma(4, 5, 2 * units))).astype(int)
        unit = np.repeat(np.arange(2 * units), sizes)
        arm = (unit < units).astype(int)
    else:
        sizes = np.maximum(2, np.round(rng.gamma(4, 3, units))).astype(int)
        unit = np.r_[np.repeat(np.arange(units), sizes), np.full(12 * units, -1)]
        arm = (unit >= 0).astype(int)
    return People(kind, arm, unit, rng.normal(size=len(arm)))


@dataclass(frozen=True)
class Complier:
    """(R,) each: the t interval's parts, first-stage F, and the Anderson-Rubin test's parts."""

    estimate: np.ndarray
    std_error: np.ndarray
    df: np.ndarray
    f: np.ndarray
    df_rubin: np.ndarray
    on_y: np.ndarray
    on_d: np.ndarray
    cross: np.ndarray

    @property
    def half(self) -> np.ndarray:
        return stdtrit(self.df, 0.975) * self.std_error

    def covers_t(self, effect: float) -> np.ndarray:
        return np.abs(self.estimate - effect) <= self.half

    def covers_tf(self, effect: float) -> np.ndarray:
        critical = np.array([tf_critical(f) for f in self.f])
        return np.abs(self.estimate - effect) <= critical / 1.96 * self.half

    def covers_rubin(self, effect: float) -> np.ndarray:
        gap = self.on_y - effect * self.on_d
        vy, vyd, vd = self.cross
        return gap**2 / (vy - 2 * effect * vyd + effect**2 * vd) <= fdtri(1, self.df_rubin, 0.95)

    @property
    def bounded(self) -> np.ndarray:
        """The Anderson-Rubin set is an interval where the first stage is significant."""
        return self.f > fdtri(1, self.df_rubin, 0.95)


def complier(design: People, y: np.ndarray, d: np.ndarray) -> Complier:
    """`tk.cace` for all replicates: with one instrument its second stage spans the columns of the reduced form."""
    found = tk.itt(design.trial(y[0], d[0]), "y", adjust=["y0"])
    batch = Batch(found.evidence.model, found.evidence.vectors[0])
    on_y, score_y = batch.scores(y)
    on_d, score_d = batch.scores(d)
    moved = on_d != 0  # where nobody took part, or as many in both arms, there is no estimate and the package says so
    on_y, on_d, score_y, score_d, y, d = (v[moved] for v in (on_y, on_d, score_y, score_d, y, d))
    effect = on_y / on_d
    structural = score_y - effect[:, None] * score_d
    variance = np.einsum("rs,rs->r", structural, structural) / on_d**2
    second = batch.with_df(effect, variance, y - effect[:, None] * d)
    cross = np.stack([np.einsum("rs,rs->r", a, b) for a, b in ((score_y, score_y), (score_y, score_d), (score_d, score_d))])
    return Complier(effect, second.std_error, second.df, on_d**2 / cross[2], batch.run(y).df, on_y, on_d, cross)


def one_design(
    kind: str, units: int, compliers: float, always: float, selection: str, icc: float, number: int, replicates: int = REPLICATES
) -> pd.Series:
    """Counts of replicates, then the sums of two medians."""
    rng = np.random.default_rng(
        [units, int(compliers * 100), int(always * 100), number, len(kind), int(icc * 100), len(selection)]
    )
    design = people(kind, units, rng)
    y, d = design.draw(rng, compliers, always, selection, icc, replicates)
    none, some = complier(design, y, d), complier(design, y + EFFECT * d, d)
    covers, rubin, strong = some.covers_t(EFFECT), some.covers_rubin(EFFECT), some.f >= WEAK_F
    counts = {
        "estimable": np.ones(len(covers)), "f_10": strong, "t": covers, "t_f_10": covers & strong, "tf": some.covers_tf(EFFECT),
        "rubin": rubin, "rubin_rejects": ~none.covers_rubin(0.0), "bounded": some.bounded,
        "advised": np.where(some.f >= T_VALID_F, covers, rubin), "above": some.estimate - some.half > EFFECT,
    }  # fmt: skip
    return pd.Series({name: float(np.sum(c)) for name, c in counts.items()} | {"median_f": float(np.median(some.f))})


def cell(kind: str, units: int, compliers: float, always: float, selection: str, icc: float) -> list[dict[str, object]]:
    parts = over_designs(one_design, kind, units, compliers, always, selection, icc)
    found = sum(parts)
    share = found / found["estimable"]
    total, groups = DESIGNS * REPLICATES, units if kind != "people" else 10
    row = {
        "design": kind, "units_per_arm": units, "compliers": compliers, "always_takers": always, "selection": selection, "icc": icc,
        "replicates": total, "no_first_stage": int(total - found["estimable"]), "median_f": round(found["median_f"] / DESIGNS, 1),
        "f_10_or_more": share["f_10"], "t_coverage": share["t"], "t_misses_above": share["above"],
        "t_coverage_given_f_10": found["t_f_10"] / found["f_10"] if found["f_10"] else np.nan, "tf_coverage": share["tf"],
        "anderson_rubin_coverage": share["rubin"], "anderson_rubin_size": share["rubin_rejects"],
        "anderson_rubin_bounded": share["bounded"], "advised_coverage": share["advised"], "mc_error": mc_error(share["rubin"], total),
        "t_inside_band": coverage_inside(share["t"], groups),
        "anderson_rubin_inside_band": coverage_inside(share["rubin"], groups) and size_inside(share["rubin_rejects"], groups),
    }  # fmt: skip
    return [row]


@pytest.mark.calibration
@pytest.mark.slow
def test_coverage_of_the_complier_effect():
    cells = [
        (kind, units, *who, 0.0 if kind == "people" else ICC)
        for kind, counts in UNITS.items() for units in counts for who in TAKE_UP
    ]  # fmt: skip
    columns = ("design", "units_per_arm", "compliers", "always_takers", "selection", "icc")
    table = grid("cace", columns, cells, cell)
    assert (table["anderson_rubin_coverage"] >= 0.93).all()
    assert (table.loc[table["compliers"] == 0.7, "t_coverage"] >= 0.93).all()


@pytest.mark.parametrize(("kind", "units"), [("people", 40), ("clusters", 10), ("groups in one arm", 10)])
@pytest.mark.parametrize("compliers", [0.7, 0.15])
def test_the_batched_path_is_the_package(kind, units, compliers):
    rng = np.random.default_rng([11, units])
    design = people(kind, units, rng)
    y, d = design.draw(rng, compliers, 0.1, "strong", 0.1, 20)
    found = complier(design, y, d)
    for r in range(0, 20, 4):
        one = tk.cace(design.trial(y[r], d[r]), "y", uptake="came", adjust=["y0"])
        e, rubin = one.estimates[0], one.anderson_rubin
        assert found.estimate[r] == pytest.approx(e.estimate, rel=1e-9)
        assert found.std_error[r] == pytest.approx(e.std_error, rel=1e-9)
        assert found.df[r] == pytest.approx(e.df, rel=1e-7)
        assert found.f[r] == pytest.approx(one.effective_f, rel=1e-9)
        assert found.df_rubin[r] == pytest.approx(rubin.df_denom, rel=1e-7)
        assert (rubin.kind == "interval") == found.bounded[r]
        assert abs(found.estimate[r]) - found.half[r] == pytest.approx(
            min(abs(e.conf_low), abs(e.conf_high)) * _side(e), abs=1e-7
        )
        for effect in (-1.0, 0.0, EFFECT, 2.0):
            assert found.covers_rubin(effect)[r] == any(low <= effect <= high for low, high in rubin.intervals)
            assert found.covers_tf(effect)[r] == (one.tf.conf_low <= effect <= one.tf.conf_high)


def _side(e) -> float:
    """1 where the interval lies on one side of zero, else -1."""
    return 1.0 if e.conf_low * e.conf_high > 0 else -1.0


def test_a_thin_version_of_the_coverage():
    """2,000 trials with 10 groups and weak take-up: the Anderson-Rubin set within five Monte Carlo errors of 95 %."""
    found = sum(one_design("groups in one arm", 10, 0.15, 0.0, "strong", 0.1, d, replicates=250) for d in range(8))
    assert abs(found["rubin"] / found["estimable"] - 0.95) < 5 * np.sqrt(0.05 * 0.95 / 2000)
