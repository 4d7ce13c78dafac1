"""Size and coverage of the constrained longitudinal model with groups in one arm and drop-out.

Three waves, groups of mean size 12 and CV .5 in the treated arm, 12 controls a group, correlations of a person's waves .6, .5 and .6, group effects at waves 1
and 2 with correlation .7. People leave for good with a probability that depends on their previous wave (missing at random): 17 % by wave 1, 30 % by wave 2.
Half of the replicates have no effect (size), half an effect of .3 at both waves (coverage: drop-out at wave 2 depends on it). Bands: size 4-6 % and
coverage 94-96 % from 10 groups on; at most 6.5 % and at least 93.5 % at 6.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.calibration.tables import DESIGNS, coverage_inside, grid, mc_error, over_designs, p_values, size_inside
from trialkit.inference.repeated.contrasts import kenward_roger, model_based
from trialkit.inference.repeated.covariance_structures import structure
from trialkit.inference.repeated.data import repeated_data
from trialkit.inference.repeated.fit import fit_repeated
from trialkit.inference.repeated.likelihood import CovarianceModel
from trialkit.inference.repeated.sandwich import empirical

REPLICATES, EFFECT = 500, 0.3
MAIN = [(k, icc, 1.0, False) for k in (6, 10, 20, 40) for icc in (0.0, 0.05, 0.1, 0.3)]
UNEQUAL = [(k, 0.05, 2.0, by_arm) for k in (10, 20) for by_arm in (False, True)]
FOLLOW_UPS = np.array([False, True, True])
PEOPLE = np.linalg.cholesky(np.array([[1, 0.6, 0.5], [0.6, 1, 0.6], [0.5, 0.6, 1]]))
GROUPS = np.linalg.cholesky(np.array([[1, 0.7], [0.7, 1]]))
# effect at wave 1, at wave 2, their average, and fade-out
CONTRASTS = np.array([[0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0.5, 0.5], [0, 0, 0, -1, 1]])
NAMES = ("wave_1", "wave_2", "average", "fade_out")
TRUTH = CONTRASTS @ np.array([0, 0, 0, EFFECT, EFFECT])


def draw(rng, sizes, icc, ratio, effect):
    """Outcomes (n, 3) with drop-out, arms and groups of one trial."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    treated, controls = len(group), 12 * len(sizes)
    y = rng.normal(size=(treated + controls, 3)) @ PEOPLE.T
    y[:treated, 1:] *= np.sqrt(ratio)
    between = rng.normal(size=(len(sizes), 2)) @ GROUPS.T * np.sqrt(icc / (1 - icc))
    y[:treated, 1:] += between[group] + effect
    leaves = rng.random((len(y), 2)) < 1 / (1 + np.exp(1.75 + 0.7 * y[:, :2]))
    y[:, 1:][np.logical_or.accumulate(leaves, axis=1)] = np.nan
    return y, (np.arange(len(y)) < treated).astype(int), np.r_[group, -np.ones(controls, int)]


def fitted(y, arm, group, by_arm):
    X = np.zeros((len(y), 3, 5))
    X[:, [0, 1, 2], [0, 1, 2]] = 1
    X[:, 1, 3] = X[:, 2, 4] = arm
    people = (structure("us", 3),) * (2 if by_arm else 1)
    model = CovarianceModel(people, (structure("us", 3, inside=FOLLOW_UPS),))
    return fit_repeated(repeated_data(y=y, X=X, part=arm if by_arm else None, group=group), model)


def one_design(groups, icc, ratio, by_arm, design, *, replicates=REPLICATES, robust_every=5):
    """Counts over the replicates of one set of group sizes."""
    rng = np.random.default_rng([groups, int(icc * 100), int(ratio * 10), int(by_arm), design])
    sizes = np.maximum(2, np.round(rng.gamma(4, 3, groups))).astype(int)
    sums = {"failures": 0.0, "at_limit": 0.0, "missing_2": 0.0, "df_1": 0.0, "bias_2": 0.0}
    for kind in ("null", "effect", "robust"):
        sums[kind] = 0.0
        sums |= {f"{kind}_{rule}_{n}": 0.0 for rule in ("satterthwaite", "kenward_roger", "CR2") for n in NAMES}
    for r in range(replicates):
        kind, truth = ("effect", TRUTH) if r % 2 else ("null", 0 * TRUTH)
        y, arm, group = draw(rng, sizes, icc, ratio, EFFECT * (r % 2))
        fit = fitted(y, arm, group, by_arm)
        if not fit.converged:
            sums["failures"] += 1
            continue
        rules = {"satterthwaite": model_based(fit, "satterthwaite"), "kenward_roger": kenward_roger(fit)}
        for rule, tests in rules.items():
            found = np.array([tests.test(c) for c in CONTRASTS])
            for name, wrong in zip(NAMES, p_values(found[:, 0] - truth, found[:, 1], found[:, 2]) < 0.05):
                sums[f"{kind}_{rule}_{name}"] += wrong
        if r % (2 * robust_every) == 0:
            found = np.array([empirical(fit, "CR2").test(c) for c in CONTRASTS])
            sums["robust"] += 1
            for name, wrong in zip(NAMES, p_values(found[:, 0], found[:, 1], found[:, 2]) < 0.05):
                sums[f"robust_CR2_{name}"] += wrong
        sums[kind] += 1
        sums["at_limit"] += fit.at_limit
        sums["missing_2"] += np.isnan(y[:, 2]).mean()
        sums["df_1"] += rules["satterthwaite"].df(CONTRASTS[0])
        sums["bias_2"] += rules["satterthwaite"].test(CONTRASTS[1])[0] - truth[1]
    return sums


def row(groups, icc, ratio, by_arm, parts):
    total = {k: sum(p[k] for p in parts) for k in parts[0]}
    fits = total["null"] + total["effect"]
    out = {
        "groups": groups,
        "icc": icc,
        "variance_ratio": ratio,
        "covariance_by_arm": by_arm,
        "replicates": int(fits + total["failures"]),
    }
    for name in NAMES:
        out[f"size_{name}"] = total[f"null_satterthwaite_{name}"] / total["null"]
        out[f"coverage_{name}"] = 1 - total[f"effect_satterthwaite_{name}"] / total["effect"]
    out["mc_error"] = mc_error(out["size_wave_1"], total["null"])
    for name in NAMES[:2]:
        out[f"size_kenward_roger_{name}"] = total[f"null_kenward_roger_{name}"] / total["null"]
    for name in NAMES[:2]:
        out[f"size_CR2_{name}"] = total[f"robust_CR2_{name}"] / total["robust"]
    out["replicates_CR2"] = int(total["robust"])
    out |= {k: total[k] / fits for k in ("df_1", "bias_2", "missing_2", "at_limit")} | {"failures": int(total["failures"])}
    inside = [size_inside(out[f"size_{n}"], groups) and coverage_inside(out[f"coverage_{n}"], groups) for n in NAMES]
    return out | {"inside_band": all(inside)}


@pytest.mark.calibration
def test_size_and_coverage_over_waves():
    columns = ("groups", "icc", "variance_ratio", "covariance_by_arm")
    table = grid(
        "longitudinal",
        columns,
        [*MAIN, *UNEQUAL],
        lambda *c: [row(*c, over_designs(one_design, *c))],
        replicates=DESIGNS * REPLICATES,
    )
    # a cell outside its band is a finding in docs/calibration.md; gross failures stop here
    assert (table.filter(like="size_wave") <= 0.085).all(axis=None)
    assert (table["failures"] <= 0.001 * table["replicates"]).all()


def test_a_thin_version():
    """600 replicates at 10 groups: within five Monte Carlo errors of the nominal level."""
    parts = [one_design(10, 0.1, 1.0, False, d, replicates=150, robust_every=150) for d in range(4)]
    found = row(10, 0.1, 1.0, False, parts)
    assert found["failures"] == 0
    assert 0.27 < found["missing_2"] < 0.33
    for name in NAMES:
        wrong = (found[f"size_{name}"] + 1 - found[f"coverage_{name}"]) / 2
        assert abs(wrong - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 600)


def test_the_simulated_fit_is_that_of_the_public_function():
    y, arm, group = draw(np.random.default_rng(3), np.array([9, 14, 6, 20, 11, 8]), 0.2, 1.0, EFFECT)
    d = pd.DataFrame(y, columns=["y0", "y1", "y2"])
    d["arm"], d["group"] = np.where(arm == 1, "peer", "solo"), [f"g{g}" if g >= 0 else None for g in group]
    found = tk.longitudinal(tk.Trial(d, arm="arm", control="solo", group="group"), waves={0: "y0", 1: "y1", 2: "y2"}).tidy()
    tests = model_based(fitted(y, arm, group, False), "satterthwaite")
    expected = np.array([tests.test(c) for c in CONTRASTS])
    np.testing.assert_allclose(found[["estimate", "std_error", "df"]].to_numpy(), expected, rtol=1e-6)
