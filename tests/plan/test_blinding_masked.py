"""Stage 3 of blinding: data to clean from which the arm cannot be had."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import trialkit as tk
from tests.plan.blinding import PLAN, people, planned
from trialkit.errors import ArmError, ColumnNotFoundError, IdentifierError, UsageError
from trialkit.plan.blinding.leaks import leak_of
from trialkit.plan.blinding.masked import mask
from trialkit.results import Result


@pytest.fixture
def plan(tmp_path) -> tk.Plan:
    return planned(tmp_path)


def _guess(masked: pd.DataFrame, treated: np.ndarray) -> float:
    """The smallest p-value, times their number, of anything in the file against the real arm."""
    p = [stats.mannwhitneyu(np.flatnonzero(treated), np.flatnonzero(~treated)).pvalue]
    p.append(stats.mannwhitneyu(masked["id"].rank()[treated], masked["id"].rank()[~treated]).pvalue)
    for column in masked.columns.drop("id"):
        values = masked[column]
        if values.dtype.kind in "if" and values.nunique() > 10:
            values = pd.qcut(values, 4, duplicates="drop")
        p.append(stats.chi2_contingency(pd.crosstab(values.astype(str), treated))[1])
        if masked[column].isna().any():
            p.append(stats.fisher_exact(pd.crosstab(masked[column].isna(), treated))[1])
    return min(p) * len(p)


def test_the_arm_cannot_be_had_from_the_file(plan):
    found = 0
    for seed in range(15):
        frame = people(seed, told=True)
        masked = mask(plan, frame, seed=seed)
        ids = masked.data["id"].map(masked.key["people"])
        treated = (frame.set_index("id")["arm"].reindex(ids) == "peer").to_numpy()
        found += _guess(masked.data, treated) < 0.05
        assert set(masked.data.columns) == {"id", "site", "female", "y0", "y", "job", "colour"}
    assert found <= 3


def test_without_the_mask_the_same_attack_finds_it():
    frame = people(1, told=True)
    assert _guess(frame.drop(columns="arm"), (frame["arm"] == "peer").to_numpy()) < 1e-6


def test_each_left_out_column_says_why_without_the_arm(plan):
    masked = mask(plan, people(1, told=True), seed=1)
    why = {d["column"]: d["why"] for d in masked.details["dropped"]}
    assert set(why) == {
        "arm",
        "group",
        "came",
        "leader",
        "code",
        "rating_of_group",
        "reason_not_offered",
        "session",
        "hours",
        "remark",
    }
    told = " ".join(why.values()) + str(masked)
    assert "peer" not in told.replace("rating_of_group", "")
    assert "solo" not in told


def test_rows_lead_back_by_the_key_alone(plan):
    frame = people(1)
    masked = mask(plan, frame, seed=1)
    back = masked.data.assign(id=masked.data["id"].map(masked.key["people"])).sort_values("id").reset_index(drop=True)
    wanted = frame[list(masked.data.columns)].sort_values("id").reset_index(drop=True)
    pd.testing.assert_frame_equal(back, wanted)
    assert sorted(masked.key["letters"].values()) == ["peer", "solo"]


def test_the_summary_counts_what_there_is_to_clean(plan):
    frame = people(1)
    frame.loc[:4, "female"] = np.nan
    frame.loc[5, "y0"] = 99.0
    rows = mask(plan, frame, seed=1).tidy().set_index("column")
    assert rows.loc["female", "missing"] == 5
    assert rows.loc["female", ["missing_A", "missing_B"]].sum() == 5
    assert rows.loc["y", "codes"] == (frame["y"] == -99).sum()
    assert rows.loc["y", "lowest"] == frame.loc[frame["y"] != -99, "y"].min()
    assert rows.loc["y0", "highest"] == 99
    assert rows.loc[["y", "job"], ["missing_A", "missing_B"]].isna().all().all()


def test_letters_are_a_coin_and_absent_where_numbers_would_tell(plan, tmp_path):
    letters = [mask(plan, people(1), seed=s).key["letters"]["A"] for s in range(30)]
    assert 5 < letters.count("peer") < 25
    other = tmp_path / "unequal"
    other.mkdir()
    unequal = planned(other, PLAN.replace("units = 240", "units = 240\nallocation = { solo = 1, peer = 2 }"))
    masked = mask(unequal, people(1), seed=1)
    assert not [c for c in masked.tidy().columns if c.startswith("missing_")]
    assert "no_letters" in {n.code for n in masked.notes}


def test_unseeded_masks_differ(plan):
    frame = people(1)
    assert mask(plan, frame).key["people"] != mask(plan, frame).key["people"]


def test_effects_and_ordinary_losses_are_no_leaks():
    rng = np.random.default_rng(1)
    arm = pd.Series(np.repeat(["a", "b"], 300))
    treated = (arm == "a").to_numpy()
    assert leak_of(pd.Series(rng.normal(size=600) + treated), arm) is None
    assert leak_of(pd.Series(np.where(rng.random(600) < np.where(treated, 0.1, 0.3), np.nan, 1.0)), arm) is None
    assert leak_of(pd.Series(rng.integers(0, 40, 600).astype(str)), arm) is None
    assert leak_of(pd.Series(np.where(rng.random(600) < np.where(treated, 0.6, 0.3), 1, 0)), arm) is None
    assert leak_of(pd.Series([f"s{i // 3}" for i in range(600)]), arm) is not None


def test_saved_files_hold_no_arm_and_the_key_stands_elsewhere(plan, tmp_path):
    masked = mask(plan, people(1, told=True), seed=1)
    with pytest.raises(UsageError, match="elsewhere"):
        masked.save(tmp_path / "clean", key=tmp_path / "clean" / "key.json")
    masked.save(tmp_path / "clean", key=tmp_path / "kept" / "key.json")
    files = {p.name: p.read_text("utf-8") for p in (tmp_path / "clean").iterdir() if p.name != ".trialkit"}
    assert set(files) == {"cleaning.csv", "summary.csv", "dropped.csv", "README.txt"}
    assert not any("solo" in t or "liked the others" in t for t in files.values())
    assert json.loads((tmp_path / "kept" / "key.json").read_text())["people"] == masked.key["people"]
    with pytest.raises(UsageError, match="there already"):
        masked.save(tmp_path / "clean", key=tmp_path / "kept" / "key.json")
    assert Result.from_dict(json.loads(json.dumps(masked.to_dict()))).tidy().shape == masked.tidy().shape
    assert "solo" not in json.dumps(masked.to_dict())


def test_bad_input_is_an_error_with_its_remedy(plan):
    frame = people(1)
    with pytest.raises(ColumnNotFoundError, match="hold the arm"):
        mask(plan, frame.drop(columns="arm"))
    with pytest.raises(ArmError, match="arms are"):
        mask(plan, frame.assign(arm="x"))
    with pytest.raises(IdentifierError, match="repeated"):
        mask(plan, frame.assign(id="x"))
