"""Half a minute of the bad days of `fuzz`, `kills` and `tampering`; their long versions are commands of their own (`make fuzz`)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.bad_input.fuzz import cases_of, makers
from tests.bad_input.hostile import command
from tests.bad_input.kills import CASES, after_kills
from tests.bad_input.tampering import Kept, tampered
from tests.plan.test_run import PLAN, data

# cases of each kind; those on data run the whole plan, and command lines have a test of their own (test_fuzz)
MANY = {"plans": 6, "data": 4, "scales": 4, "ledgers": 8, "disks": 6}
KILLS = {"run": 1, "amend": 3, "second batch": 2, "enrol": 5, "deviate": 3}


@pytest.mark.parametrize("kind", [kind for kind in makers() if kind in MANY])
def test_damage_ends_in_a_sentence_or_in_numbers_that_hold(kind: str) -> None:
    seen = 0
    for number in range(MANY[kind]):
        for case, done, wrong in cases_of(kind, 20261, number):
            assert not wrong, (kind, number, case.arguments, case.told, done.code, wrong)
            seen += 1
    assert seen >= MANY[kind]


@pytest.mark.parametrize("case", [c for c in CASES if c.name in KILLS], ids=lambda c: c.name)
def test_a_killed_command_leaves_what_was_there_or_what_comes_after(case, tmp_path: Path) -> None:
    found = list(after_kills(case, tmp_path / "kills", KILLS[case.name]))
    assert len(found) == KILLS[case.name]
    assert not [(at, problem) for at, problem in found if problem]


def test_one_character_is_found_named_and_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN)
    data().to_csv("data.csv", index=False)
    for arguments in (["lock", "plan.toml"], ["run", "plan.toml", "data.csv", "--out", "report"]):
        assert command(arguments).code == 0
    for name in ("report/results.json", "report/index.html", "report/tables/effects.csv", "report/plan/plan.toml"):
        seen = list(tampered(Kept(name, ("verify", "report")), tmp_path, 3, random.Random(name)))
        assert len(seen) == 3
        assert all(s.found and s.named for s in seen), (name, seen)
    assert command(["verify", "report"]).code == 0
