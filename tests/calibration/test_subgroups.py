"""Size of interaction tests and coverage of the line's band with groups in one arm, and size of equivalence tests at the margin.

Each cell has 40 designs (group sizes, mean 12, CV .5; moderator; baseline) of 500 outcomes. The models are the package's own; only the
outcomes are done together (batch.py). Bands: 4-6 % at 10 groups or more, at most 6.5 % at 6; for a band's non-coverage the same.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import RegularGridInterpolator
from scipy.special import fdtrc, stdtr, stdtrit

import trialkit as tk
from tests.calibration.batch import Batch, fit_variances
from tests.calibration.tables import DESIGNS, REPLICATES, grid, mc_error, over_designs, size_inside
from trialkit.estimate.linear.ancova import run
from trialkit.estimate.request import Request
from trialkit.estimate.subgroups.moderators import moderator
from trialkit.estimate.subgroups.one_model import one_model
from trialkit.inference.linear.heterogeneity import differences
from trialkit.inference.linear.line_band import band_width
from trialkit.inference.linear.small_sample import WorkingCovariance
from trialkit.inference.linear.wald import hotelling_df

MODERATORS = ("person", "group", "three", "continuous", "slope")
COLUMNS = (
    "moderator", "groups", "icc", "controls", "replicates", "size", "mc_error", "mean_df", "size_subgroup", "band_missed", "inside_band",
)  # fmt: skip
SEEDS = {name: i for i, name in enumerate(MODERATORS)}
CELLS = [(m, k, icc) for m in MODERATORS for k in (6, 10, 20, 40) for icc in (0.0, 0.1, 0.3) if (m, icc) != ("slope", 0.0)]


def people(rng: np.random.Generator, groups: int, kind: str) -> pd.DataFrame:
    """A trial with groups in one arm: 'person' is a trait of people, 'group' one that all members of a group share."""
    sizes = np.maximum(3, np.round(rng.gamma(4, 3, groups))).astype(int)
    group = np.repeat(np.arange(groups), sizes)
    treated, controls = len(group), 12 * groups
    n = treated + controls
    d = pd.DataFrame(
        {"arm": np.r_[np.ones(treated, int), np.zeros(controls, int)], "y0": rng.normal(size=n), "y": rng.normal(size=n)}
    )
    d["group"] = [f"g{g}" for g in group] + [None] * controls
    if kind == "group":
        half = rng.permutation(groups) % 2
        d["m"] = np.r_[half[group], rng.integers(0, 2, controls)]
    elif kind == "three":
        d["m"] = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    elif kind == "continuous":
        d["m"] = rng.normal(size=n)
    else:
        d["m"] = rng.choice(["a", "b"], n, p=[0.6, 0.4])
    return d


def outcomes(rng: np.random.Generator, d: pd.DataFrame, icc: float, kind: str) -> np.ndarray:
    """(R, n) with group effects in the treated arm; 'slope' adds group effects of their own for each level, half the variance of the first."""
    codes, _ = pd.factorize(d["group"])
    groups, treated = codes.max() + 1, codes >= 0
    spread = icc * (1.5 if kind == "slope" else 1.0)
    y = 0.5 * d["y0"].to_numpy() + rng.normal(size=(REPLICATES, len(d))) * np.sqrt(np.where(treated, 1 - spread, 1.0))
    y[:, treated] += (rng.normal(size=(REPLICATES, groups)) * np.sqrt(icc))[:, codes[treated]]
    if kind == "slope":
        level = (d["m"] == "a").to_numpy().astype(int)
        own = rng.normal(size=(REPLICATES, 2, groups)) * np.sqrt(icc / 2)
        y[:, treated] += own[:, level[treated], codes[treated]]
    return y


def request(adjust: tuple[str, ...] = ("y0",)) -> Request:
    return Request("y", adjust, "ancova", "mean_difference", "auto", "auto", "auto", "participant", "control", "impute", 0.95)


def t_rejections(found, level: float = 0.05) -> np.ndarray:
    return 2 * stdtr(found.df, -np.abs(found.estimate) / found.std_error) < level


def one_design(kind: str, groups: int, icc: float, design: int) -> dict[str, float]:
    """Rejections of the interaction and of the first subgroup's effect, misses of the band, and mean df."""
    rng = np.random.default_rng([SEEDS[kind], groups, int(icc * 100), design])
    d = people(rng, groups, kind)
    while True:  # a draw in which a subgroup has one group would be refused: draw the trait again
        try:
            t = tk.Trial(d, arm="arm", control=0, group="group")
            read = moderator(t, "m", "y", kind=None if kind != "group" else "categorical", scores=None, missing="drop")
            fitted = one_model(t, request(), read)
            break
        except tk.errors.TrialkitError:
            d = people(rng, groups, kind)
    y = outcomes(rng, d, icc, kind)
    width = 2 if kind == "continuous" else len(fitted.levels)
    vectors = np.array([fitted.vector(1, 0, row) for row in np.eye(width)])
    if kind == "continuous":
        interaction, subgroup = Batch(fitted.model, vectors[1]).run(y), Batch(fitted.model, vectors[0]).run(y)
        rejected = t_rejections(interaction)
        missed = band_missed(fitted, vectors, read.values[fitted.sample.rows], y)
    else:
        subgroup = Batch(fitted.model, vectors[0]).run(y)
        missed = np.zeros(len(y), bool)
        if kind == "three":
            interaction, rejected = joint_rejections(fitted, differences(width) @ vectors, y)
        else:
            interaction = Batch(fitted.model, vectors[1] - vectors[0]).run(y)
            rejected = t_rejections(interaction)
    return {
        "rejected": float(rejected.sum()), "subgroup": float(t_rejections(subgroup).sum()), "missed": float(missed.sum()),
        "df": float(np.mean(interaction if isinstance(interaction, np.ndarray) else interaction.df)), "failures": float(subgroup.failures),
    }  # fmt: skip


def joint_rejections(fitted, C: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Denominator df and rejections of the joint test; nu is interpolated over the two ratios of the variances, on which alone it depends."""
    model = fitted.model
    kept = C[:, model.fit.kept]
    parts = [Batch(model, row) for row in C]
    found = [p.scores(y) for p in parts]
    estimate = np.column_stack([f[0] for f in found])
    V = np.einsum("irs,jrs->rij", *(np.array([f[1] for f in found]),) * 2)
    theta, converged = working_variances(model, parts[0], y)
    ratios = np.column_stack([theta[:, 2] / theta[:, 1], theta[:, 0] / theta[:, 1]])
    axes = [np.linspace(ratios[:, j].min() - 1e-9, ratios[:, j].max() + 1e-9, 9) for j in (0, 1)]
    treated = model.sample.arm == 1

    def at(group: float, control: float) -> float:
        working = WorkingCovariance(np.where(treated, 1.0, control), np.where(treated, group, 0.0))
        return hotelling_df(model.fit, model.cov, kept, working)

    grid = np.array([[at(a, b) for b in axes[1]] for a in axes[0]])
    nu = RegularGridInterpolator(axes, grid, method="cubic")(ratios)
    nu = np.where(converged, nu, model.sample.groups_in(treated) - 1.0)
    q = len(C)
    wald = np.einsum("ri,ri->r", estimate, np.linalg.solve(V, estimate[..., None])[..., 0])
    F = (nu - q + 1) / (nu * q) * wald
    return nu - q + 1, fdtrc(q, nu - q + 1, F) < 0.05


def band_missed(fitted, vectors: np.ndarray, values: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether the band over the common range leaves out the true line (zero) somewhere; the variances are fitted once for all its points."""
    s = fitted.sample
    low = max(values[s.arm == a].min() for a in (0, 1))
    high = min(values[s.arm == a].max() for a in (0, 1))
    points = np.linspace(low, high, 15) - fitted.centre
    parts = [Batch(fitted.model, vectors[0] + p * vectors[1]) for p in points]
    theta, converged = working_variances(fitted.model, parts[0], y)
    t, dfs, scores = [], [], []
    for part in parts:
        estimate, score = part.scores(y)
        t.append(estimate / np.sqrt((score**2).sum(axis=1)))
        df = (theta @ part.means) ** 2 / np.einsum("rp,pq,rq->r", theta, part.squares, theta)
        dfs.append(np.where(converged, df, part.smallest - 1.0))
        scores.append(score)
    first, last = scores[0], scores[-1]
    correlation = (first * last).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (last**2).sum(axis=1))
    width = np.array([band_width(correlation=r, df=f, conf_level=0.95) for r, f in zip(correlation, np.min(dfs, axis=0))])
    return np.abs(t).max(axis=0) > width


def working_variances(model, part: Batch, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return fit_variances(y - (y @ part.basis) @ part.basis.T, X=model.fit.X, part=part.part, group=part.group)


def margin_design(groups: int, icc: float, design: int) -> dict[str, float]:
    """Claims at a true effect on the margin: one-sided from below and above, and both together with margins 2 and 6 standard errors apart."""
    rng = np.random.default_rng([99, groups, int(icc * 100), design])
    d = people(rng, groups, "person")
    model = run(tk.Trial(d, arm="arm", control=0, group="group"), request()).model
    vector = np.zeros(model.design.shape[1])
    vector[1] = 1.0
    found = Batch(model, vector).run(outcomes(rng, d, icc, "person"))
    critical = stdtrit(found.df, 0.95)
    t = found.estimate / found.std_error
    typical = float(np.std(found.estimate))
    both = {w: (t > critical) & ((w * typical - found.estimate) / found.std_error > critical) for w in (4.0, 8.0)}
    return {
        "above": float((t > critical).sum()),
        "below": float((t < -critical).sum()),
        **{f"tost_{w:g}": float(b.sum()) for w, b in both.items()},
    }


def summed(parts: list[dict[str, float]], total: int) -> dict[str, float]:
    return {k: sum(p[k] for p in parts) / (len(parts) if k == "df" else total) for k in parts[0]}


def interaction_cell(kind: str, groups: int, icc: float) -> list[dict]:
    total = DESIGNS * REPLICATES
    found = summed(over_designs(one_design, kind, groups, icc), total)
    sizes = {"size": found["rejected"], "size_subgroup": found["subgroup"], "band_missed": found.get("missed", np.nan)}
    row = {
        "moderator": kind, "groups": groups, "icc": icc, "controls": 12 * groups, "replicates": total, **sizes,
        "mc_error": float(mc_error(found["rejected"], total)), "mean_df": round(found["df"], 2),
        "inside_band": all(size_inside(v, groups) for v in sizes.values() if not np.isnan(v)),
    }  # fmt: skip
    return [{c: row[c] for c in COLUMNS}]


@pytest.mark.calibration
def test_size_of_interactions():
    table = grid("subgroups", ("moderator", "groups", "icc"), CELLS, interaction_cell)
    outside = table[~table["inside_band"]]
    assert outside.empty, f"outside the band: {outside}"


def margin_cell(groups: int, icc: float) -> list[dict]:
    found = summed(over_designs(margin_design, groups, icc), DESIGNS * REPLICATES)
    size = max(found["above"], found["below"])
    return [{"groups": groups, "icc": icc, "replicates": DESIGNS * REPLICATES, **found, "inside_band": size_inside(size, groups)}]


@pytest.mark.calibration
def test_size_of_equivalence_at_the_margin():
    cells = [(groups, icc) for groups in (6, 10, 20, 40) for icc in (0.0, 0.1, 0.3)]
    table = grid("equivalence", ("groups", "icc"), cells, margin_cell)
    assert table["inside_band"].all(), table.to_string(index=False)


def ratio_design(groups: int, design: int) -> dict[str, float]:
    """50 trials of a binary outcome (.4 in both arms, ICC .1) whose risk ratios are compared between two subgroups that groups cross."""
    rng = np.random.default_rng([98, groups, design])
    d = people(rng, groups, "person")
    codes, _ = pd.factorize(d["group"])
    rejected, dfs = 0.0, []
    for _ in range(50):
        chance = np.append(np.clip(0.4 + rng.normal(size=codes.max() + 1) * np.sqrt(0.1 * 0.24), 0.01, 0.99), 0.4)[codes]
        d["y"] = (rng.random(len(d)) < chance).astype(int)
        found = tk.subgroups(tk.Trial(d, arm="arm", control=0, group="group"), "y", by="m", measure="risk_ratio").interactions
        rejected += float(found["p_value"][0] < 0.05)
        dfs.append(found["df"][0])
    return {"rejected": rejected, "df": float(np.mean(dfs))}


def ratio_formula(groups: int, df: float, design: int) -> int:
    """Rejections in 500 such trials by the delta method on group totals, written out: what 2,000 trials are too few to tell."""
    rng = np.random.default_rng([97, groups, design])
    d = people(rng, groups, "person")
    codes, _ = pd.factorize(d["group"])
    treated, first = codes >= 0, (d["m"] == "a").to_numpy()
    chance = np.full((REPLICATES, len(d)), 0.4)
    chance[:, treated] = np.clip(0.4 + rng.normal(size=(REPLICATES, groups)) * np.sqrt(0.1 * 0.24), 0.01, 0.99)[:, codes[treated]]
    y = (rng.random(chance.shape) < chance).astype(float)
    gap, variance, totals = np.zeros(REPLICATES), np.zeros(REPLICATES), []
    for sign, level in ((1, first), (-1, ~first)):
        peer, solo = treated & level, ~treated & level
        share, control = y[:, peer].mean(axis=1), y[:, solo].mean(axis=1)
        sizes = np.bincount(codes[peer], minlength=groups)
        sums = np.array([(y[:, peer & (codes == g)] - share[:, None]).sum(axis=1) for g in range(groups)]).T / peer.sum()
        with np.errstate(all="ignore"):  # an arm without the outcome has no ratio: it rejects nothing
            totals.append(sums / np.sqrt(1 - sizes / peer.sum()) / share[:, None])
            gap += sign * np.log(share / control)
            variance += (totals[-1] ** 2).sum(axis=1) + (1 - control) / control / (solo.sum() - 1)
    variance -= 2 * (totals[0] * totals[1]).sum(axis=1)
    return int((2 * stdtr(df, -np.abs(gap) / np.sqrt(variance)) < 0.05).sum())


def ratio_cell(groups: int) -> list[dict]:
    total = DESIGNS * 50
    found = summed(over_designs(ratio_design, groups), total)
    size = found["rejected"]
    formula = sum(over_designs(ratio_formula, groups, found["df"])) / (DESIGNS * REPLICATES)
    row = {
        "moderator": "person, risk ratio", "groups": groups, "icc": 0.1, "controls": 12 * groups, "replicates": total, "size": size,
        "mc_error": float(mc_error(size, total)), "mean_df": round(found["df"], 2), "size_formula": formula,
        "inside_band": size_inside(formula, groups) and abs(size - formula) < 4 * float(mc_error(formula, total)),
    }  # fmt: skip
    return [row]


@pytest.mark.calibration
def test_size_of_interactions_of_risk_ratios():
    """2,000 trials a cell, one at a time: the estimator is run in each subgroup. `size_formula` has 20,000 of the same kind."""
    table = grid("subgroups_ratios", ("groups",), [(6,), (10,), (20,)], ratio_cell, replicates=DESIGNS * 50)
    assert table["inside_band"].all()


def test_a_thin_version():
    """2,000 outcomes a test at 10 groups: within five Monte Carlo errors of the nominal level."""
    for kind in ("person", "three"):
        parts = [one_design(kind, 10, 0.1, d) for d in range(4)]
        size = sum(p["rejected"] for p in parts) / (4 * REPLICATES)
        assert abs(size - 0.05) < 5 * np.sqrt(0.05 * 0.95 / (4 * REPLICATES)), kind
    above = sum(margin_design(10, 0.1, d)["above"] for d in range(4)) / (4 * REPLICATES)
    assert abs(above - 0.05) < 5 * np.sqrt(0.05 * 0.95 / (4 * REPLICATES))
