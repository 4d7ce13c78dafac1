"""One regression for all imputations and deltas gives what every completed trial gives by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.missing.shared_design import PooledAt

NUMBERS = ("estimate", "std_error", "df", "conf_low", "conf_high", "p_value")


def people(n: int = 160, seed: int = 3) -> pd.DataFrame:
    """Two grouped arms and a control arm, two strata, a fifth of the outcomes and a tenth of the covariate lost."""
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.repeat(["solo", "peer", "coach"], [n // 2, n // 4, n // 4]))
    d = pd.DataFrame(
        {"arm": arm, "site": rng.choice(["north", "south"], n), "y0": rng.normal(size=n), "age": rng.integers(18, 60, n)}
    )
    d["group"] = None
    pull = np.zeros(n)
    for a in ("peer", "coach"):
        for g, who in enumerate(np.array_split(np.flatnonzero(arm == a), 6)):
            d.loc[who, "group"], pull[who] = f"{a}{g}", 0.4 * rng.normal()
    d["y2"] = 0.5 * d["y0"] + 0.5 * (arm != "solo") + pull + rng.normal(size=n)
    d.loc[rng.random(n) < 0.2, "y2"] = np.nan
    d.loc[rng.random(n) < 0.1, "y0"] = np.nan
    d["weight"] = rng.uniform(0.5, 2.0, n)
    d["cluster"] = [f"c{i}" for i in np.arange(n) % 16]
    return d


def imputed(**roles: Any) -> tk.missing.Imputations:
    trial = tk.Trial(people(), arm="arm", control="solo", **roles)
    return tk.missing.impute(trial, ["y2"], predictors=["y0"], n_imputations=6, seed=5)


def pair(
    found: tk.missing.Imputations, analyse: Callable[[tk.Trial], Any], contrast: str
) -> tuple[PooledAt, list[tuple[Any, Any]]]:
    """The rows of three deltas as `PooledAt` gives them, beside those pooled trial by trial."""
    moved = (found.trial.arm_codes[found.missing["y2"]] > 0).astype(float)
    at = PooledAt(found, "y2", moved, analyse, contrast)
    rows = []
    for delta in (-1.3, 0.0, 2.0):
        pooled = found.shifted({"y2": delta * moved}).analyse(analyse)
        rows.append((at(delta), next(e for e in pooled.estimates if e.contrast == contrast)))
    return at, rows


GROUPED = {"group": "group", "grouped_arms": ["peer", "coach"]}
ANALYSES = {
    "alone": ({}, {}),
    "classical": ({}, {"covariance": "classical"}),
    "groups": (GROUPED, {}),
    "groups of strata": (GROUPED | {"strata": ["site"]}, {}),
    "independence": (GROUPED, {"df": "independence"}),
    "groups, HC2": (GROUPED, {"covariance": "HC2"}),
    "CR3": (GROUPED, {"covariance": "CR3"}),
    "lin": (GROUPED, {"estimator": "lin"}),
    "all pairs": (GROUPED, {"contrasts": "all"}),
}


@pytest.mark.parametrize("name", ANALYSES)
@pytest.mark.filterwarnings("ignore")
def test_together_as_trial_by_trial(name: str) -> None:
    roles, asked = ANALYSES[name]
    at, rows = pair(imputed(**roles), lambda t: tk.itt(t, "y2", adjust=["y0", "age"], **asked), "peer - solo")
    assert at.together and not at.disagreed
    for row, alone in rows:
        assert [row[k] for k in NUMBERS] == pytest.approx([getattr(alone, k) for k in NUMBERS], rel=1e-10, abs=1e-12)


OTHERS: dict[str, tuple[dict[str, Any], Callable[[tk.Trial], Any]]] = {
    "weights": ({"weights": "weight"}, lambda t: tk.itt(t, "y2", adjust=["y0"])),
    "a group counts the same": (GROUPED, lambda t: tk.itt(t, "y2", adjust=["y0"], average="group")),
    "capped": ({}, lambda t: tk.itt(t, "y2", adjust=["y0"], cap=0.9)),
    "mixed": (GROUPED, lambda t: tk.itt(t, "y2", adjust=["y0"], estimator="mixed")),
    "a covariate of the outcome": (
        {},
        lambda t: tk.itt(t.with_columns({"sign": np.sign(t.values("y2"))}), "y2", adjust=["sign"]),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("ignore")
def test_other_analyses_are_taken_trial_by_trial(name: str) -> None:
    roles, analyse = OTHERS[name]
    at, rows = pair(imputed(**roles), analyse, "peer - solo")
    assert not at.together
    for row, alone in rows:
        assert [row[k] for k in NUMBERS] == [getattr(alone, k) for k in NUMBERS]


def test_an_imputed_covariate_is_a_design_for_each_imputation() -> None:
    trial = tk.Trial(people(), arm="arm", control="solo")
    found = tk.missing.impute(trial, ["y2", "y0"], n_imputations=4, seed=5)
    at, rows = pair(found, lambda t: tk.itt(t, "y2", adjust=["y0"]), "coach - solo")
    assert not at.together
    for row, alone in rows:
        assert [row[k] for k in NUMBERS] == [getattr(alone, k) for k in NUMBERS]


def test_an_analysis_that_turns_with_the_outcome_is_noticed() -> None:
    """It asks for the same at delta 0 in every completed trial, and for something else once the outcome is moved far."""
    found = imputed()

    def turning(t: tk.Trial) -> Any:
        return tk.itt(t, "y2", adjust=["y0", "age"] if t.values("y2").min() > -8 else ["y0"])

    curve = tk.missing.tipping_point(found, "y2", deltas=[-12, -1, 0, 1], analyse=turning, contrast="peer - solo", arms=["peer"])
    moved = (found.trial.arm_codes[found.missing["y2"]] == found.trial.arms.index("peer")).astype(float)
    for row in curve.tidy().to_dict("records"):
        pooled = found.shifted({"y2": row["delta"] * moved}).analyse(turning)
        alone = next(e for e in pooled.estimates if e.contrast == "peer - solo")
        assert [row[k] for k in NUMBERS] == [getattr(alone, k) for k in NUMBERS]
