"""The record of an allocation: written whole, committed to, kept secret until released, drawn again by an auditor, tamper-evident."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import trialkit as tk
from trialkit import design as schemes
from trialkit.design import allocate, certificate, release, verify_certificate
from trialkit.design.record import allocate as allocating
from trialkit.design.record.certify import Certificate, certificate_text, sealed
from trialkit.design.record.ledger import canonical, cell_text, commitment, log_problem
from trialkit.errors import ColumnNotFoundError, DesignError, LockError, NotReproducibleError, UnblindingError, UsageError

ARMS = {"individual": 1, "peer": 1}
SEED, WHEN = 0x5EED_0F_128_B175, datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def people(n: int = 24, first: int = 0) -> pd.DataFrame:
    ids = range(first, first + n)
    return pd.DataFrame({"id": [f"p{i:02d}" for i in ids], "agency": ["east", "north"] * (n // 2), "age": [18 + (11 * i) % 43 for i in ids], "name": [f"Name {i}" for i in ids]})  # fmt: skip


def grouped(frame: pd.DataFrame | None = None):
    data = people() if frame is None else frame
    return schemes.stratified(data, unit="id", strata=["agency"], arms=ARMS).with_groups("peer", size=(4, 6), alike=["age"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "allocation"


@pytest.fixture
def released(folder: Path) -> Path:
    allocate(grouped(), folder=folder, seed=SEED, balance=["age"], at=WHEN)
    release(folder, enrolment_closed=True, at=WHEN)
    return folder


def checked(folder: Path, frame: pd.DataFrame | None = None, name: str = "certificate.json", **more):
    return verify_certificate(folder / name, people() if frame is None else frame, **more)


def failed(found) -> set[str]:
    return {c.name for c in found.checks if c.ok is False}


# --- what is written


def test_the_list_is_the_allocation_with_the_users_names(folder):
    made = allocate(grouped(), folder=folder, seed=SEED, columns={"arm": "conditie", "group": "groep"}, show=["name"])
    listed = tk.read(folder / "allocation.csv")
    assert list(listed.columns) == ["id", "conditie", "groep"]
    assert listed["conditie"].tolist() == made.table["arm"].tolist() == grouped().assign(seed=SEED)["arm"].tolist()
    book = tk.read(folder / "allocation.xlsx")
    assert list(book.columns) == ["id", "conditie", "groep", "name"]
    assert book["groep"].fillna("").tolist() == made.table["group"].fillna("").tolist()
    assert book.loc[3, "name"] == people().loc[3, "name"]


def test_seed_and_salt_are_in_one_private_file_only(folder):
    allocate(grouped(), folder=folder)
    secret = folder / "allocation.seed.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    hidden = json.loads(secret.read_text())
    assert 2**90 < int(hidden["seed"], 16) < 2**128 and len(hidden["salt"]) == 32
    for path in folder.iterdir():
        if path != secret:
            assert hidden["seed"] not in path.read_bytes().decode("latin-1") and hidden["salt"] not in path.read_bytes().decode(
                "latin-1"
            )
    again = allocate(grouped(), folder=folder.with_name("other"))
    assert json.loads((again.folder / "allocation.seed.json").read_text())["seed"] != hidden["seed"]


def test_the_seed_may_be_kept_elsewhere_and_is_never_written_over(folder, tmp_path):
    vault = tmp_path / "vault" / "seed.json"
    allocate(grouped(), folder=folder, secret=vault)
    assert vault.exists() and not (folder / "allocation.seed.json").exists()
    with pytest.raises(UsageError, match="never written over another"):
        allocate(grouped(), folder=folder.with_name("second"), secret=vault)
    assert not folder.with_name("second").exists()
    with pytest.raises(LockError, match="say where it was kept"):
        release(folder, enrolment_closed=True)
    release(folder, enrolment_closed=True, secrets={1: vault})
    assert checked(folder).ok


def test_the_certificate_says_what_was_done_and_commits(folder):
    made = allocate(grouped(), folder=folder, seed=SEED, balance=["age"], at=WHEN)
    content = json.loads((folder / "certificate.json").read_text())
    assert content == made.certificate.to_dict()
    assert content["allocated_at"] == "2026-03-02T09:30:00Z" and content["inputs"]["columns"] == ["id", "agency", "age"]
    counts = pd.DataFrame(content["counts"])
    assert counts["people"].sum() == 24 and counts.groupby("stratum")["people"].sum().tolist() == [12, 12]
    assert content["groups"] == [{"arm": "peer", "groups": 2, "sizes": [6, 6], "without_group": 0}]
    joined = made.table.merge(people(), on="id")
    means = joined.groupby("arm")["age"].mean()
    assert content["balance"][0]["mean_arm"] == pytest.approx(means["peer"], rel=1e-5)
    assert content["quality"][0]["within_share"] < content["quality"][0]["random_low"]
    hidden = json.loads((folder / "allocation.seed.json").read_text())
    rows = sorted([cell_text(v) for v in row] for row in made.table.itertuples(index=False))
    text = canonical({"columns": ["id", "arm", "group"], "rows": rows})
    assert content["allocation_commitment"] == commitment(hidden["salt"], "allocation", text)
    assert content["seed_commitment"] == commitment(hidden["salt"], "seed", f"{SEED:x}")
    assert "2 groups of 6" in str(made) and "whoever can guess it" in str(made)


def test_a_certificate_of_an_allocation_at_hand():
    design = grouped()
    plain = certificate(design, design.assign(seed=1).sample(frac=1, random_state=2))
    assert isinstance(plain, Certificate) and plain.to_dict()["allocation_commitment"] is None and "not committed" in str(plain)
    committed = certificate(design, design.assign(seed=1), seed=1, salt="ab")
    assert committed.to_dict()["seed_commitment"] == commitment("ab", "seed", "1")
    assert committed.hash != plain.hash and sealed(committed.to_dict()).hash == committed.hash
    with pytest.raises(UsageError, match="does not give this allocation"):
        certificate(design, design.assign(seed=1), seed=2, salt="ab")
    with pytest.raises(UsageError, match="both seed= and salt="):
        certificate(design, design.assign(seed=1), seed=1)
    with pytest.raises(ColumnNotFoundError, match="'arm'"):
        certificate(design, design.assign(seed=1).drop(columns="arm"))


def test_a_failure_in_between_leaves_what_was_there(folder, monkeypatch, tmp_path):
    allocate(grouped(), folder=folder, seed=SEED)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(allocating, "write_workbook", full)
    with pytest.raises(OSError, match="no space"):
        allocate(grouped(), folder=folder, reason="again", secret=tmp_path / "s.json")
    with pytest.raises(OSError, match="no space"):
        allocate(grouped(), folder=folder.with_name("new"))
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["allocation"]


def test_a_folder_with_other_files_is_left_alone(folder):
    folder.mkdir()
    (folder / "thesis.docx").write_text("mine")
    with pytest.raises(UsageError, match="files that trialkit did not write"):
        allocate(grouped(), folder=folder)
    assert [p.name for p in folder.iterdir()] == ["thesis.docx"]


def test_identifiers_that_look_like_formulas_stay_what_they_are(folder):
    frame = people().assign(id=[f"={i}+1" if i % 2 else f"-{i}" for i in range(24)])
    allocate(schemes.complete(frame, unit="id", arms=ARMS), folder=folder)
    release(folder, enrolment_closed=True)
    assert checked(folder, frame).ok


# --- release and verification


def test_without_the_released_seed_nothing_is_confirmed(folder):
    allocate(grouped(), folder=folder, seed=SEED)
    found = checked(folder)
    assert not found.ok and not failed(found)
    assert "has not been released" in found.failed[0] and str(found).startswith("certificate.json: not confirmed")
    with pytest.raises(NotReproducibleError, match="has not been released"):
        found.require()


def test_an_auditor_draws_again_from_the_released_seed(released, tmp_path):
    found = checked(released, people().sample(frac=1, random_state=1))
    assert (
        found.ok
        and found.require() is found
        and {"seed", "people", "draw", "entries", "list", "workbook", "log"} <= {c.name for c in found.checks}
    )
    assert found.to_dict()["ok"] is True
    away = tmp_path / "auditor"
    away.mkdir()
    for name in ("certificate.json", "seed.release.json"):
        (away / name).write_bytes((released / name).read_bytes())
    assert verify_certificate(away / "certificate.json", people()).ok
    (away / "seed.release.json").rename(tmp_path / "mail.json")
    assert verify_certificate(away / "certificate.json", people(), seed=tmp_path / "mail.json").ok
    salt = json.loads((tmp_path / "mail.json").read_text())["batches"][0]["salt"]
    assert verify_certificate(away / "certificate.json", people(), seed=SEED, salt=salt).ok
    assert "salt of the commitment is not known" in verify_certificate(away / "certificate.json", people(), seed=SEED).failed[0]
    assert not verify_certificate(away / "certificate.json", seed=SEED, salt=salt).ok


def test_release_waits_for_the_end_of_enrolment_and_is_final(folder):
    with pytest.raises(UsageError, match="holds no allocation"):
        release(folder, enrolment_closed=True)
    allocate(grouped(), folder=folder)
    with pytest.raises(UnblindingError, match="enrolment has closed"):
        release(folder, enrolment_closed=False)
    assert release(folder, enrolment_closed=True).name == "seed.release.json"
    with pytest.raises(LockError, match="released before"):
        release(folder, enrolment_closed=True)
    with pytest.raises(LockError, match="nothing more is allocated"):
        allocate(grouped(people(12, 50)), folder=folder, batch=2)


def test_a_seed_file_of_another_allocation_is_not_released(folder):
    allocate(grouped(), folder=folder)
    other = allocate(grouped(), folder=folder.with_name("other"))
    (folder / "allocation.seed.json").write_bytes((other.folder / "allocation.seed.json").read_bytes())
    with pytest.raises(LockError, match=r"not the one that certificate\.json commits to"):
        release(folder, enrolment_closed=True)


SCHEMES = {
    "simple": lambda d: schemes.simple(d, unit="id", arms=ARMS),
    "complete, unequal": lambda d: schemes.complete(d, unit="id", arms={"individual": 2, "peer": 1}),
    "stratified, pooled": lambda d: schemes.stratified(d, unit="id", strata=["agency"], arms={"individual": 2, "peer": 3}, misfits="pool"),
    "factorial": lambda d: schemes.factorial(d, unit="id", factors={"peer": {"no": 1, "yes": 1}, "coach": {"no": 1, "yes": 1}}),
    "matched pairs": lambda d: schemes.matched_pairs(d, unit="id", match=["age"], arms=ARMS),
    "rerandomized": lambda d: schemes.rerandomized(schemes.complete(d, unit="id", arms=ARMS), ["age"], accept=0.2),
    "listed": lambda d: schemes.custom(d, unit="id", assignments=[["a", "b"] * 12, ["b", "a"] * 12, ["a", "a", "b"] * 8]),
    "groups at random in both arms": lambda d: schemes.complete(d, unit="id", arms=ARMS).with_groups(["individual", "peer"], size=(3, 4)),
    "composition": lambda d: schemes.complete(d, unit="id", arms={0: 1, 1: 1}).with_groups(size=(3, 4), mixed=["age"], composition={0: "mixed", 1: "random"}),
}  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_rebuilt_from_its_certificate(folder, scheme):
    allocate(SCHEMES[scheme](people()), folder=folder)
    release(folder, enrolment_closed=True)
    assert checked(folder).require().ok


def test_a_design_with_a_function_of_its_own_is_given_by_the_auditor(folder):
    def draw(rng):
        return rng.permutation(["individual", "peer"] * 12)

    design = schemes.custom(people(), unit="id", arms=ARMS, draw=draw)
    allocate(design, folder=folder)
    release(folder, enrolment_closed=True)
    found = checked(folder)
    assert not found.ok and "give the design itself" in found.failed[0]
    assert checked(folder, design=design).ok


# --- tampering


def other_character(character: str) -> str:
    return chr(ord(character) ^ 1) if character.isalnum() else "x"


def test_one_changed_character_of_the_certificate_is_seen(released):
    path = released / "certificate.json"
    text = path.read_text("utf-8")
    for place in range(0, len(text), 3):
        path.write_text(text[:place] + other_character(text[place]) + text[place + 1 :], "utf-8")
        try:
            assert failed(verify_certificate(path)), f"character {place} ({text[place]!r}) was changed unseen"
        except LockError:
            continue


def test_one_changed_character_of_the_list_is_seen_and_named(released):
    path = released / "allocation.csv"
    text = path.read_text("utf-8")
    for place in range(0, len(text), 7):
        path.write_text(text[:place] + other_character(text[place]) + text[place + 1 :], "utf-8")
        assert "list" in failed(checked(released)), f"character {place} ({text[place]!r}) was changed unseen"
    path.write_text(text.replace("p03,individual", "p03,peer").replace("p03,peer,", "p03,other,"), "utf-8")
    assert "another entry for 'p03'" in next(c.sentence for c in checked(released).checks if c.name == "list")
    path.write_text("\n".join(line for line in text.split("\n") if not line.startswith("p07")), "utf-8")
    assert "no row for 'p07'" in next(c.sentence for c in checked(released).checks if c.name == "list")
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert checked(released).ok, "line endings are no tampering"


def test_one_changed_character_of_the_log_is_seen(released):
    path = released / "allocation.log.jsonl"
    text = path.read_text("utf-8")
    assert log_problem(path) is None
    for place in range(len(text)):
        path.write_text(text[:place] + other_character(text[place]) + text[place + 1 :], "utf-8")
        assert log_problem(path), f"character {place} ({text[place]!r}) was changed unseen"
    path.write_text("".join(text.splitlines(keepends=True)[1:]), "utf-8")
    assert "line 1" in str(log_problem(path))


def forged(path: Path, **changes) -> None:
    """A certificate that was changed by someone who also mended its hash."""
    path.write_text(certificate_text(sealed({**json.loads(path.read_text()), **changes}).to_dict()))


TAMPERED = {
    "hash mended": (lambda f: forged(f / "certificate.json", people=25), {"log", "entries"}),
    "another seed": (lambda f: forged(f / "certificate.json", seed_commitment="0" * 64), {"log", "seed"}),
    "another allocation": (lambda f: forged(f / "certificate.json", allocation_commitment="0" * 64), {"log", "draw", "entries"}),
    "layout": (lambda f: (f / "certificate.json").write_text(json.dumps(json.loads((f / "certificate.json").read_text()))), {"file"}),
    "workbook": (lambda f: pd.DataFrame({"id": ["p00"], "arm": ["peer"], "group": ["peer-01"]}).to_excel(f / "allocation.xlsx", index=False), {"workbook"}),
    "workbook cut": (lambda f: (f / "allocation.xlsx").write_bytes(b"PK"), {"workbook"}),
    "list cut": (lambda f: (f / "allocation.csv").write_bytes(b"\xff"), {"list"}),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_tampering_is_named(released, case):
    change, expected = TAMPERED[case]
    change(released)
    found = checked(released)
    assert not found.ok and failed(found) == expected
    assert "DOES NOT HOLD" in str(found)


def test_other_people_are_seen(released):
    frame = people()
    frame.loc[4, "age"] += 1
    found = checked(released, frame)
    assert "people" in failed(found) and "has another hash" in found.failed[0]
    assert not checked(released, people(22)).ok
    assert "age" in checked(released, people().drop(columns="age")).failed[0]
    with pytest.raises(LockError, match="there is no certificate"):
        checked(released, name="certificat.json")
    with pytest.raises(LockError, match="is another file"):
        checked(released, name="seed.release.json")


# --- drawing again, and batches


def test_nobody_is_drawn_again_without_a_reason_in_the_log(folder):
    first = allocate(grouped(), folder=folder, seed=SEED, at=WHEN)
    with pytest.raises(DesignError, match=r"batch 1 of 'allocation' was allocated on 2026-03-02.*reason=.*batch=2"):
        allocate(grouped(), folder=folder)
    second = allocate(grouped(), folder=folder, reason="two people were entered twice", by="A. Analyst")
    assert second.certificate.content["replaces"] == first.certificate.hash
    lines = [json.loads(line) for line in (folder / "allocation.log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["allocate", "redraw"]
    assert (
        lines[1]["reason"] == "two people were entered twice"
        and lines[1]["by"] == "A. Analyst"
        and lines[1]["previous"] == lines[0]["hash"]
    )
    kept = {p.name for p in folder.iterdir() if "replaced-1" in p.name}
    assert kept == {
        "allocation.replaced-1.csv",
        "allocation.replaced-1.xlsx",
        "allocation.replaced-1.seed.json",
        "certificate.replaced-1.json",
    }
    release(folder, enrolment_closed=True)
    found = checked(folder)
    assert found.ok and "drawn again 1 time: 'two people were entered twice'" in str(found)
    (folder / "certificate.json").write_bytes((folder / "certificate.replaced-1.json").read_bytes())
    assert "replaced by a later draw" in checked(folder).failed[0]


def test_an_edited_or_lost_log_stops_further_allocation(folder):
    allocate(grouped(), folder=folder)
    log = folder / "allocation.log.jsonl"
    text = log.read_text()
    log.write_text(text.replace('"batch":1', '"batch":2'))
    with pytest.raises(LockError, match="line 1"):
        allocate(grouped(), folder=folder, reason="quietly")
    log.unlink()
    with pytest.raises(LockError, match=r"its log .* is gone"):
        allocate(grouped(), folder=folder)


def test_later_batches_follow_the_design_and_leave_earlier_people_alone(folder):
    first = allocate(grouped(), folder=folder)
    listed = (folder / "allocation.csv").read_bytes()
    late = people(16, 40)
    with pytest.raises(DesignError, match="the next batch of 'allocation' is 2"):
        allocate(grouped(late), folder=folder, batch=3)
    with pytest.raises(DesignError, match="'p20', 'p21', 'p22' and 'p23' were allocated in batch 1"):
        allocate(grouped(people(16, 20)), folder=folder, batch=2)
    with pytest.raises(DesignError, match="follows the same design"):
        allocate(schemes.complete(late, unit="id", arms=ARMS), folder=folder, batch=2)
    second = allocate(grouped(late), folder=folder, batch=2)
    assert (folder / "allocation.csv").read_bytes() == listed and (folder / "allocation-2.csv").exists()
    assert set(second.table["group"].dropna()).isdisjoint(first.table["group"].dropna())
    assert second.table["group"].dropna().str.startswith("b2-peer-").all()
    assert second.certificate.content["differs_from_first_batch"] == []
    release(folder, enrolment_closed=True)
    assert checked(folder).ok and checked(folder, late, "certificate-2.json").ok


# --- bad input


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch": 0}, UsageError, "numbered 1, 2"),
        ({"seed": -1}, UsageError, "not a seed"),
        ({"columns": {"arms": "conditie"}}, ColumnNotFoundError, "Did you mean 'arm'"),
        ({"columns": {"arm": "id"}}, UsageError, "would be called 'id'"),
        ({"show": "name"}, UsageError, r"show=\['name'\]"),
        ({"show": ["nam"]}, ColumnNotFoundError, "Did you mean 'name'"),
        ({"balance": "age"}, UsageError, r"balance=\['age'\]"),
        ({"balance": ["agee"]}, ColumnNotFoundError, "Did you mean 'age'"),
        ({"at": datetime(2026, 1, 1)}, UsageError, "time zone"),
    ],
)
def test_bad_input_writes_nothing(folder, options, error, message):
    with pytest.raises(error, match=message):
        allocate(grouped(), folder=folder, **options)
    assert not folder.exists()


def test_people_without_identifiers_have_no_list(folder):
    with pytest.raises(DesignError, match="no identifier"):
        allocate(schemes.complete(people(), arms=ARMS), folder=folder)
