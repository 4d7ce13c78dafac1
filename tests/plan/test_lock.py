"""Lock and verify: what is fixed, what a change of any character does, what the words claim."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plan.conftest import EXAMPLE, SMALL
from trialkit.errors import LockError, UsageError
from trialkit.plan.locking import lock as locking
from trialkit.plan.locking.canonical import canonical_json, parse_strict, sha256_of_json, sha256_of_text
from trialkit.plan.locking.differences import differences
from trialkit.plan.locking.expected import data_problems, expected_columns
from trialkit.plan.locking.manifest import plan_hash
from trialkit.plan.locking.vectors import test_vectors
from trialkit.plan.locking.verify import verify
from trialkit.plan.plan import Plan
from trialkit.plan.reading.load import load_spec, parse_plan
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.simulate.own_scales import own_scale_text

VECTORS = Path(__file__).parents[2] / "docs" / "lock_test_vectors.json"
OWN_SCALE = own_scale_text("scales/search_intensity.toml")
WHEN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def plan(plan_file: Path) -> Plan:
    return Plan.load(plan_file)


def _small_lock(folder: Path) -> Path:
    target = folder / "small.lock.json"
    locking.lock(load_spec(SMALL), target, source_text=SMALL, locked_at=WHEN)
    return target


def _holds(path: Path) -> bool:
    try:
        return verify(path).ok
    except LockError:
        return False


def test_lock_holds_what_it_should(plan: Plan) -> None:
    made = plan.lock(locked_at=WHEN)
    manifest = json.loads(plan.lock_path.read_text("utf-8"))
    assert made.path.name == "plan.lock.json"
    assert manifest["plan"] == parse_strict(canonical_json(plan.to_dict()))
    assert manifest["plan_hash"] == made.plan_hash == plan.hash == sha256_of_json(plan.to_dict())
    assert manifest["source_hash"] == sha256_of_text(plan.text)
    assert manifest["locked_at"] == "2026-11-22T12:00:00Z"
    assert manifest["analysis_seeds"] == {"analysis": 20261122, "multiplicity": 20261122, "missing": 20261122, "mediation": [7]}
    assert set(manifest["versions"]) == {"python", "trialkit", "numpy", "scipy", "pandas"}
    assert manifest["manifest_hash"] == sha256_of_json({k: v for k, v in manifest.items() if k != "manifest_hash"})
    assert {"name": "arm", "roles": ["arm"], "type": "label", "allowed": ["individual", "peer"], "wave": None} in manifest[
        "expected_data"
    ]


def test_locking_is_reproducible(plan: Plan, tmp_path: Path) -> None:
    first, second = (plan.lock(tmp_path / f"{i}.json", locked_at=WHEN) for i in (1, 2))
    assert first.manifest_hash == second.manifest_hash
    assert first.path.read_bytes() == second.path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.json", "2.json", "plan.toml"]


def test_verify_of_an_untouched_lock(plan: Plan) -> None:
    plan.lock()
    found = plan.verify()
    assert found.ok
    assert found.failed == ()
    assert found.require() is found
    assert {c.name for c in found.checks} == {"file", "manifest", "locked plan", "plan", "scale", "versions", "code"}
    assert json.loads(json.dumps(found.to_dict()))["ok"] is True


def test_comments_and_layout_do_not_break_the_lock(plan: Plan, plan_file: Path) -> None:
    plan.lock()
    plan_file.write_text("# a note\n" + plan.text.replace(" = ", "="), encoding="utf-8")
    found = verify(plan.lock_path, plan=plan_file)
    assert found.ok
    assert any("only comments or layout" in c.sentence for c in found.checks)


def test_changed_plan_lists_the_keys_in_words(plan: Plan, plan_file: Path) -> None:
    plan.lock()
    changed = plan.text.replace("conf_level = 0.95", "conf_level = 0.9").replace("value = 0 }", "value = 1 }")
    plan_file.write_text(changed.replace('"found_work"', '"has_work"'), encoding="utf-8")
    found = verify(plan.lock_path, plan=plan_file)
    assert not found.ok
    assert [str(d) for d in found.differences] == [
        "outcomes['employed'].intercurrent.died.value: 0 -> 1",
        "outcomes['weeks_to_work'].event: 'found_work' -> 'has_work'",
        "analysis.conf_level: 0.95 -> 0.9",
    ]
    with pytest.raises(LockError, match=r"analysis\.conf_level: 0\.95 -> 0\.9") as refused:
        found.require()
    assert refused.value.exit_code == 5


def test_one_outcome_more_is_one_difference(spec: PlanSpec) -> None:
    present = spec.to_dict()
    present["outcomes"] = [*present["outcomes"][1:], {**present["outcomes"][0], "name": "new"}]
    found = differences(spec.to_dict(), present)
    assert [str(d) for d in found] == [
        "outcomes['employed']: 'employed' (whole entry) -> nothing",
        "outcomes['new']: nothing -> 'new' (whole entry)",
    ]


def test_order_counts_as_a_difference(spec: PlanSpec) -> None:
    present = spec.to_dict()
    present["arms"] = present["arms"][::-1]
    assert [d.path for d in differences(spec.to_dict(), present)] == ["order of arms"]


def test_true_is_not_one() -> None:
    assert [d.path for d in differences({"a": True, "b": 1}, {"a": 1, "b": 1.0})] == ["a"]


def test_relocking_needs_a_reason(plan: Plan, plan_file: Path) -> None:
    first = plan.lock(locked_at=WHEN)
    with pytest.raises(LockError, match="already locks this very plan"):
        plan.lock(amend="no reason")
    plan_file.write_text(plan.text.replace("units = 1400", "units = 1500"), encoding="utf-8")
    changed = Plan.load(plan_file)
    with pytest.raises(LockError, match=r"design\.units: 1400 -> 1500.*give the reason"):
        changed.lock()
    second = changed.lock(amend="more agencies joined")
    manifest = json.loads(plan.lock_path.read_text("utf-8"))
    assert second.amendments == 1
    assert manifest["previous_manifest_hash"] == first.manifest_hash
    assert manifest["amendments"][0]["reason"] == "more agencies joined"
    assert verify(plan.lock_path.with_name("plan.lock.0.json")).manifest_hash == first.manifest_hash
    found = changed.verify()
    assert found.ok
    assert any("more agencies joined" in c.sentence for c in found.checks)


def test_amending_without_or_upon_a_damaged_lock_is_refused(plan: Plan, plan_file: Path) -> None:
    with pytest.raises(LockError, match="to amend"):
        plan.lock(amend="why")
    plan.lock()
    damaged = plan.lock_path.read_text("utf-8").replace('"units": 1400', '"units": 1300')
    plan.lock_path.write_text(damaged, encoding="utf-8")
    with pytest.raises(LockError, match="was changed after it was made"):
        plan.lock(amend="why")
    assert plan.lock_path.read_text("utf-8") == damaged


def test_replaced_earlier_lock_is_seen(plan: Plan, plan_file: Path) -> None:
    plan.lock(locked_at=WHEN)
    plan_file.write_text(plan.text.replace("units = 1400", "units = 1500"), encoding="utf-8")
    Plan.load(plan_file).lock(amend="why")
    before = plan.lock_path.with_name("plan.lock.0.json")
    before.unlink()
    locking.lock(plan.spec, before, source_text=plan.text, locked_at=datetime(2020, 1, 1, tzinfo=UTC))
    found = Plan.load(plan_file).verify()
    assert [c.name for c in found.checks if not c.ok] == ["amendments"]


@pytest.mark.slow
def test_no_character_can_be_changed_unseen(tmp_path: Path) -> None:
    """Every position of a small lock, one substitute each."""
    path = _small_lock(tmp_path)
    text = path.read_text("utf-8")
    for i, character in enumerate(text):
        substitute = "7" if character != "7" else "8"
        path.write_text(text[:i] + substitute + text[i + 1 :], encoding="utf-8")
        assert not _holds(path), f"position {i}, {character!r}"
    path.write_text(text, encoding="utf-8")
    assert _holds(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_can_be_changed_added_or_lost_unseen(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "small.lock.json"
    if not path.exists():
        _small_lock(tmp_path)
        (tmp_path / "kept").write_bytes(path.read_bytes())
    content = (tmp_path / "kept").read_bytes()
    i = data.draw(st.integers(0, len(content) - 1))
    byte = bytes([data.draw(st.integers(0, 255))])
    changed = data.draw(
        st.sampled_from([content[:i] + byte + content[i + 1 :], content[:i] + byte + content[i:], content[:i] + content[i + 1 :]])
    )
    path.write_bytes(changed)
    assert _holds(path) == (changed == content)


def test_converted_line_ends_are_no_tampering(tmp_path: Path) -> None:
    path = _small_lock(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert verify(path).ok


def test_rewritten_hash_alone_is_seen(tmp_path: Path) -> None:
    path = _small_lock(tmp_path)
    manifest = json.loads(path.read_text("utf-8"))
    manifest["plan"]["analysis"]["conf_level"] = 0.9
    manifest.pop("manifest_hash")
    manifest["manifest_hash"] = sha256_of_json(manifest)
    path.write_text(locking.rendered(manifest), encoding="utf-8")
    assert [c.name for c in verify(path).checks if not c.ok] == ["locked plan"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", "is not the lock of a plan"),
        (b"[1]", "is not the lock of a plan"),
        (b"", "cannot be read as a lock"),
        (b"\xff\xfe\x00", "not plain text"),
        (b"[" * 100_000, "deeply"),
        (b" " * 5_000_001, "larger than 5 MB"),
        (b'{"kind": "trialkit plan lock", "kind": "x"}', "stands twice"),
        (b'{"kind": "trialkit plan lock", "format_version": 3}', "install a newer one"),
        (b'{"kind": "trialkit plan lock", "format_version": 1}', "lacks a readable 'locked_at'"),
    ],
)
def test_files_that_are_no_lock(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "plan.lock.json"
    path.write_bytes(content)
    with pytest.raises(LockError) as found:
        verify(path)
    assert said in str(found.value)


@pytest.mark.parametrize("key", ["expected_data", "scales", "amendments"])
def test_lock_with_misshapen_entries(tmp_path: Path, key: str) -> None:
    path = _small_lock(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), key: [1]}), encoding="utf-8")
    with pytest.raises(LockError, match=f"lacks a readable '{key}'"):
        verify(path)


def test_absent_lock_proposes_the_near_name(tmp_path: Path) -> None:
    _small_lock(tmp_path)
    with pytest.raises(LockError, match=r"Did you mean 'small\.lock\.json'\?"):
        verify(tmp_path / "smal.lock.json")


def test_words_claim_no_more_than_is_known(plan: Plan, plan_file: Path) -> None:
    local = plan.lock()
    assert local.level == "L0"
    assert "tamper-evident" in str(local)
    assert "does not prove when it was made" in str(local)
    plan_file.write_text(plan.text.replace('registration = ""', 'registration = "NL-123"'), encoding="utf-8")
    registered = Plan.load(plan_file)
    claimed = registered.lock(plan_file.with_name("other.json"))
    assert claimed.level == "L2 (claimed)"
    assert "claimed, not checked" in str(claimed)
    told = f"{local}{claimed}{registered.verify(claimed.path)}{claimed.path.read_text('utf-8')}"
    assert "preregistered" not in told.lower()


def test_no_allocation_seed_in_the_lock(plan: Plan) -> None:
    plan.lock()
    manifest = json.loads(plan.lock_path.read_text("utf-8"))
    assert "seed" not in manifest["plan"]["design"]
    assert set(manifest["analysis_seeds"]) == {"analysis", "multiplicity", "missing", "mediation"}


def test_lock_time_needs_a_zone(plan: Plan) -> None:
    with pytest.raises(UsageError, match="time zone"):
        plan.lock(locked_at=datetime(2026, 1, 1))


def test_own_scale_file_is_locked_too(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN_SCALE, encoding="utf-8")
    scales = '[[scales]]\nname = "s"\nscale = "own.toml"\nitems = "s_{item}"\n[[outcomes]]'
    (tmp_path / "plan.toml").write_text(SMALL.replace("[[outcomes]]", scales), encoding="utf-8")
    plan = Plan.load(tmp_path / "plan.toml")
    plan.lock()
    assert plan.verify().ok
    own.write_text(f"{OWN_SCALE}# changed\n", encoding="utf-8")
    assert [c.name for c in plan.verify().checks if not c.ok] == ["scale"]
    own.unlink()
    assert plan.verify().ok


def test_a_changed_scale_file_can_be_locked_as_an_amendment(tmp_path: Path) -> None:
    """Its hash is part of the lock, so that a change of it alone is a change, and no damage of the lock."""
    own = tmp_path / "own.toml"
    own.write_text(OWN_SCALE, encoding="utf-8")
    scales = '[[scales]]\nname = "s"\nscale = "own.toml"\nitems = "s_{item}"\n[[outcomes]]'
    (tmp_path / "plan.toml").write_text(SMALL.replace("[[outcomes]]", scales), encoding="utf-8")
    plan = Plan.load(tmp_path / "plan.toml")
    plan.lock()
    own.write_text(f"{OWN_SCALE}# changed\n", encoding="utf-8")
    with pytest.raises(LockError, match=r"scales\['s'\]\.definition.*give the reason"):
        plan.lock()
    assert plan.lock(amend="a wrong item was mended").amendments == 1
    assert plan.verify().ok
    with pytest.raises(LockError, match="already locks this very plan"):
        plan.lock(amend="again")


def test_a_changed_plan_is_told_with_every_way_out(plan: Plan, plan_file: Path) -> None:
    plan.lock()
    plan_file.write_text(plan.text.replace("units = 1400", "units = 1401"), encoding="utf-8")
    with pytest.raises(LockError, match=r"Put the locked plan back.*trialkit deviate.*trialkit lock PLAN --amend"):
        Plan.load(plan_file).lock_status()


def test_defaults_that_came_later_are_no_difference(tmp_path: Path) -> None:
    """A lock of an older version lacks keys that exist now; their defaults are filled in before comparing."""
    path = _small_lock(tmp_path)
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["plan"]["report"], manifest["plan"]["analysis"]["draws"]
    manifest["plan_hash"] = sha256_of_json(manifest["plan"])
    manifest.pop("manifest_hash")
    manifest["manifest_hash"] = sha256_of_json(manifest)
    path.write_text(locking.rendered(manifest), encoding="utf-8")
    assert verify(path, plan=load_spec(SMALL)).ok


def _people(**more: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": [1, 2, 3], "arm": ["a", "b", None], "y1": [1.0, 2.0, 3.0], **more})


def test_data_are_held_against_the_lock(tmp_path: Path) -> None:
    path = _small_lock(tmp_path)
    assert verify(path, data=_people()).ok
    missing = verify(path, data=_people().rename(columns={"y1": "y_1"}))
    assert missing.failed == ("there is no column 'y1' in the data, which the plan names as outcome 'y'. Did you mean 'y_1'?",)
    unknown = verify(path, data=_people(arm=["a", "B", "a"]))
    assert "column 'arm' holds 'B', which [arms] does not name. Did you mean 'b'?" in unknown.failed[0]
    assert "no row of the data is in arm 'b'" in unknown.failed[0]


def test_data_file_is_read_and_hashed(tmp_path: Path) -> None:
    path = _small_lock(tmp_path)
    _people().to_csv(tmp_path / "people.csv", index=False)
    found = verify(path, data=tmp_path / "people.csv")
    assert found.ok
    assert "SHA-256 of the file" in next(c.sentence for c in found.checks if c.name == "data")
    assert not verify(path, data=tmp_path / "absent.csv").ok


def test_expected_columns_of_the_example(spec: PlanSpec) -> None:
    columns = {c.name: c for c in expected_columns(spec)}
    assert columns["gse_t0_{item}"].wave == "t0"
    assert "gse_t2_{item}" not in columns
    assert "self_efficacy_t0" not in columns
    assert columns["employed_t2"].type == columns["found_work"].type == columns["attended"].type == "binary"
    assert columns["age"].roles == ("adjust", "balance")
    assert columns["motivation_t0"].type == "number"


def test_item_columns_fit_their_pattern(spec: PlanSpec) -> None:
    items = [c for c in expected_columns(spec) if "{item}" in c.name]
    assert data_problems(items, ["gse_t0_1", "gse_t1_01"]) == []
    assert "no column fits 'gse_t1_{item}'" in data_problems(items, ["gse_t0_1", "gse_t1_"])[0]


def test_arms_coded_as_numbers_are_matched_by_their_text() -> None:
    spec = load_spec(SMALL.replace("a = {", "0 = {").replace("b = {}", "1 = {}"))
    assert data_problems(expected_columns(spec), ["id", "arm", "y1"], [0.0, 1.0]) == []


def test_published_vectors() -> None:
    published = json.loads(VECTORS.read_text("utf-8"))
    assert published == test_vectors()
    for vector in published["vectors"]:
        assert canonical_json(parse_plan(vector["plan_toml"]).to_dict()) == vector["canonical_json"]
        assert canonical_json(parse_strict(vector["canonical_json"])) == vector["canonical_json"]
        assert sha256_of_text(vector["canonical_json"]) == vector["plan_hash"]


def test_example_is_the_shared_one_and_hash_ignores_layout(spec: PlanSpec) -> None:
    text = EXAMPLE.read_text("utf-8")
    assert Plan.from_text(text).hash == Plan.from_text("# note\n" + text.replace("1400", "1_400")).hash == plan_hash(spec)
