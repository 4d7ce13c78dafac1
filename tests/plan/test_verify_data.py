"""The data as a second event: the same values in another file hold, any other value is found with its column and row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.plan.conftest import SMALL
from trialkit.errors import LockError, UsageError
from trialkit.io import content_hash
from trialkit.plan.locking.fingerprint import Fingerprint, fingerprint_of, held_against, read_fingerprint
from trialkit.plan.locking.verify import verify

WHEN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SALT = "00112233445566778899aabbccddeeff"


def people(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"id": range(1, n + 1), "arm": ["a", "b"] * (n // 2), "y1": np.round(rng.normal(size=n), 3)})
    frame["note"] = [f"person {i}, “é”" for i in range(n)]
    frame.loc[3, "y1"] = np.nan
    return frame


def known(frame: pd.DataFrame, salt: str | None = SALT) -> Fingerprint:
    source = {"file": "people.csv", "content_sha256": content_hash(frame), "rows": len(frame), "columns": frame.shape[1]}
    return fingerprint_of(frame, source, salt=salt, made_at="2026-11-23T09:00:00Z")


@pytest.fixture
def plan(tmp_path: Path) -> tk.Plan:
    text = SMALL.replace('arm = "arm"', 'arm = "arm"\nmissing_codes = { -99 = "refused" }')
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    people().to_csv(tmp_path / "people.csv", index=False)
    return tk.Plan.load(tmp_path / "plan.toml")


@pytest.mark.parametrize("ending", [".parquet", ".xlsx", ".dta", ".sav", ".tsv"])
def test_the_same_values_in_another_kind_of_file_hold(plan: tk.Plan, tmp_path: Path, ending: str) -> None:
    lock = plan.lock()
    plan.fingerprint(tmp_path / "people.csv", at=WHEN)
    target = tmp_path / f"again{ending}"
    frame = people()
    if ending == ".parquet":
        frame.to_parquet(target)
    elif ending == ".xlsx":
        frame.to_excel(target, index=False)
    elif ending == ".dta":
        frame.to_stata(target, write_index=False, version=118)
    elif ending == ".sav":
        pytest.importorskip("pyreadstat").write_sav(frame, str(target))
    else:
        frame.to_csv(target, index=False, sep="\t")
    found = verify(lock.path, data=target)
    assert found.ok, found.failed
    assert "holds the values that were analysed, in another file (people.csv was read then)" in str(found)


def test_a_text_file_under_its_own_name_must_be_that_file(plan: tk.Plan, tmp_path: Path) -> None:
    data = tmp_path / "people.csv"
    plan.fingerprint(data)
    lock = plan.lock()
    data.write_bytes(data.read_bytes().replace(b"\n", b"\r\n"))
    found = verify(lock.path, data=data)
    assert found.failed == (
        "people.csv was changed after it was analysed: every value is the same, but not every byte (layout, digits or line ends)",
    )
    assert verify(lock.path, data=data.rename(tmp_path / "copy.csv")).ok


def test_missing_codes_of_the_plan_are_read_in_the_same_way(plan: tk.Plan, tmp_path: Path) -> None:
    frame = people()
    frame["y1"] = frame["y1"].fillna(-99)
    frame.to_csv(tmp_path / "coded.csv", index=False)
    kept = read_fingerprint(plan.fingerprint(tmp_path / "coded.csv"))
    assert kept.content["missing_codes"] == {"-99": "refused"}
    assert kept.content["content_sha256"] == content_hash(people())
    assert held_against(kept, tmp_path / "people.csv")[0]


@settings(max_examples=60, deadline=None)
@given(row=st.integers(0, 39), column=st.sampled_from(["id", "arm", "y1", "note"]), salted=st.booleans())
def test_a_single_change_is_named(row: int, column: str, salted: bool) -> None:
    frame = people()
    stored = known(frame)
    changed = frame.astype({"id": float})
    changed.loc[row, column] = "other" if column in ("arm", "note") else 123.0
    ok, told = held_against(stored if salted else stored.published(), changed)
    assert not ok
    if salted:
        assert told.endswith(f"column '{column}' differs in row {row + 1} (line {row + 2} of a text file)")
    else:
        assert "the fingerprint beside the plan" in told


def test_other_changes_are_told_apart() -> None:
    frame, stored = people(), known(people())
    swapped = frame.copy()
    swapped.loc[[5, 9], "y1"] = frame.loc[[9, 5], "y1"].to_numpy()
    assert "column 'y1' differs in the order of its values" in held_against(stored, swapped)[1]
    two = frame.copy()
    two.loc[[5, 9], "y1"] = 7.5
    assert "column 'y1' differs in more than one row" in held_against(stored, two)[1]
    assert "39 rows where there were 40" in held_against(stored, frame.iloc[1:])[1]
    told = held_against(stored, frame.rename(columns={"y1": "y_1"}))[1]
    assert "there is no column 'y1' (near: 'y_1'); column 'y_1' is new" in told
    assert held_against(stored, frame[["note", "y1", "arm", "id"]])[0], "the order of columns does not count"
    assert held_against(stored, frame.convert_dtypes())[0], "nor does the kind of column"


def test_hashes_of_columns_cannot_be_tried_out_without_the_salt() -> None:
    frame = people()
    one, other = known(frame).content, known(frame, salt=SALT[::-1]).content
    assert all(a["sha256"] != b["sha256"] and a["sums"] != b["sums"] for a, b in zip(one["by_column"], other["by_column"]))
    assert "salt" not in known(frame).published().content
    assert known(frame).hash == known(frame).published().hash
    assert known(frame, salt=None).content["by_column"] == []


def test_the_first_event_keeps_its_date_and_other_data_are_a_second(plan: tk.Plan, tmp_path: Path) -> None:
    path = plan.fingerprint(tmp_path / "people.csv", by="first", at=WHEN)
    kept = path.read_bytes()
    assert plan.fingerprint(tmp_path / "people.csv", by="second").read_bytes() == kept
    people(42).to_csv(tmp_path / "wave2.csv", index=False)
    plan.fingerprint(tmp_path / "wave2.csv", by="second")
    now = read_fingerprint(path)
    assert [(e["by"], e["rows"], e["made_at"]) for e in now.content["earlier"]] == [("first", 40, "2026-11-23T09:00:00Z")]
    assert (now.content["by"], now.content["rows"], now.salt) == ("second", 42, json.loads(kept)["salt"])


def test_a_changed_fingerprint_is_refused(plan: tk.Plan, tmp_path: Path) -> None:
    path = plan.fingerprint(tmp_path / "people.csv")
    lock, text = plan.lock(), path.read_text("utf-8")
    for changed in (text.replace('"rows": 40', '"rows": 41'), text.replace("\n", "\n\n", 1), text[:-40], "[]"):
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(LockError, match="Use an undamaged copy"):
            plan.fingerprint(tmp_path / "people.csv")
        assert not verify(lock.path, data=tmp_path / "people.csv").ok
    path.write_text(Fingerprint(json.loads(text)).published().text(), encoding="utf-8")
    with pytest.raises(LockError, match="without its salt"):
        plan.fingerprint(tmp_path / "people.csv")


def test_a_plan_from_text_has_no_place_for_it() -> None:
    with pytest.raises(UsageError, match=r"Plan\.load"):
        tk.Plan.from_text(SMALL).fingerprint(people())


def test_a_run_carries_the_fingerprint_of_its_own_data_only(plan: tk.Plan, tmp_path: Path) -> None:
    plan.fingerprint(tmp_path / "people.csv")
    kept = plan.run(tmp_path / "people.csv")
    assert json.loads(kept.attached["plan.data.json"])["by_column"]
    other = plan.run(people().assign(y1=lambda d: d["y1"] + 1))
    found = json.loads(other.attached["plan.data.json"])
    assert (found["by_column"], found["content_sha256"]) == ([], other.data["content_sha256"])
    assert found["fingerprint_hash"] == other.data["fingerprint_sha256"] != kept.data["fingerprint_sha256"]


def test_other_data_files_of_the_plan_are_fingerprinted_too(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(SMALL + '[harms]\nevents = "events.csv"\n', encoding="utf-8")
    people().to_csv(tmp_path / "people.csv", index=False)
    events = tmp_path / "events.csv"
    events.write_text("id,event\n1,fell ill\n", encoding="utf-8")
    plan = tk.Plan.load(tmp_path / "plan.toml")
    path, lock = plan.fingerprint(tmp_path / "people.csv"), plan.lock().path
    assert [f["file"] for f in read_fingerprint(path).content["further"]] == ["events.csv"]
    assert verify(lock, data=tmp_path / "people.csv").ok
    events.write_text("id,event\n2,fell ill\n", encoding="utf-8")
    assert verify(lock, data=tmp_path / "people.csv").failed == ("events.csv was changed after it was read",)
    plan.fingerprint(tmp_path / "people.csv")
    assert verify(lock, data=tmp_path / "people.csv").ok, "a second event, with the first listed"
    assert len(read_fingerprint(path).content["earlier"]) == 1
    events.unlink()
    assert verify(lock, data=tmp_path / "people.csv").ok
