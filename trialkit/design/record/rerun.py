"""Does a certificate hold: the draw is made again from the released seed, offline, and compared with what was published."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from trialkit.design import registry
from trialkit.design.base import Design
from trialkit.design.record.certify import KIND, certificate_text, certified, inputs_of, listed, sealed, versions
from trialkit.design.record.files_held import (
    Check,
    list_held,
    release_held,
    released_batch,
    seed_file_held,
    was_released,
    workbook_held,
)
from trialkit.design.record.folder import LOG, RELEASE, Files, read_secret
from trialkit.design.record.ledger import DRAWN, commitment, log_problem
from trialkit.design.record.seed_release import read_release
from trialkit.design.stream import checked_seed
from trialkit.errors import LockError, NotReproducibleError, TrialkitError, UsageError, shown
from trialkit.misuse import explained
from trialkit.results import plain

FUNCTIONS = ("draw", "criterion", "distance")  # settings that only name a user's own function


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """What `verify_certificate` found. `ok` is true when the draw was made again and everything holds."""

    path: Path
    ok: bool
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Sentences of the checks that do not hold, or that could not be made."""
        return tuple(c.sentence for c in self.checks if c.ok is False) or tuple(c.sentence for c in self.checks if c.ok is None)

    def require(self) -> CertificateCheck:
        """Itself when the certificate is confirmed; otherwise a NotReproducibleError that says why not."""
        if not self.ok:
            raise NotReproducibleError(f"{self.path.name}: {'; '.join(self.failed)}")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain tables and lists, for JSON."""
        return {"certificate": self.path.name, "ok": self.ok, "checks": [c._asdict() for c in self.checks]}

    def __str__(self) -> str:
        wrong = any(c.ok is False for c in self.checks)
        head = "confirmed: the draw was made again" if self.ok else "DOES NOT HOLD" if wrong else "not confirmed"
        marks = {True: "ok ", False: "NO ", None: "?  "}
        return "\n".join([f"{self.path.name}: {head}", *(f"  {marks[c.ok]} {c.name}: {c.sentence}" for c in self.checks)])


@explained
def verify_certificate(
    certificate_path: str | Path,
    people: Any = None,
    *,
    seed: int | str | Path | None = None,
    salt: str | None = None,
    design: Design | None = None,
) -> CertificateCheck:
    """Draw an allocation again and hold it against its certificate, and against the list when that is beside it. Works offline.

    Parameters
    ----------
    certificate_path : the certificate; the list, the log and the release of seeds are looked for in the same folder.
    people : the data frame of the people as it was at the draw, in any order of rows.
    seed : the released seed, or the path of `seed.release.json`; unsaid: the release beside the certificate. Without a released
        seed nothing is confirmed.
    salt : of the commitments, when the seed is given as a number and the file with its salt is elsewhere.
    design : the design, for one that rests on a function of your own; others are rebuilt from the certificate.

    Returns
    -------
    CertificateCheck

    Raises
    ------
    LockError
        When the file cannot be read as a certificate at all.

    Examples
    --------
    >>> print(verify_certificate("allocation/certificate.json", people))           # doctest: +SKIP
    """
    path = Path(certificate_path).expanduser()
    text, content = _read(path)
    checks = [_layout(text, content), _own_hash(content), *_log(path, content)]
    secret = _released(path, content, seed, salt)
    if all(c.ok is not False for c in checks):
        checks += seed_file_held(path, content)
        checks += () if isinstance(seed, int) else release_held(path, content, seed)
    checks.append(_seed(content, secret, was_released(path)))
    if not checks[1].ok:
        checks.append(Check("draw", None, "the draw was not made again, because the certificate was changed"))
    elif people is None and design is None:
        checks.append(Check("draw", None, "the people are not given, so the draw cannot be made again"))
    elif checks[-1].ok:
        checks += list(_draw_again(path, content, people, design, secret))
    checks.append(_versions(content))
    confirmed = all(c.ok for c in checks) and any(c.name == "draw" for c in checks)
    return CertificateCheck(path, confirmed, tuple(checks))


def drawn(design: Design, seed: int, batch: int) -> pd.DataFrame:
    """The allocation of a batch; group labels of later batches tell their number."""
    frame = design.assign(seed=seed)
    if batch > 1 and "group" in frame.columns:
        frame["group"] = [f"b{batch}-{g}" if isinstance(g, str) else g for g in frame["group"].tolist()]
    return frame


def innermost(content: Mapping[str, Any]) -> str:
    """The scheme that draws the arms."""
    inside = content["settings"].get("design") if content["scheme"] == "with_groups" else None
    return str(inside["scheme"] if inside else content["scheme"])


def rebuilt(scheme: str, settings: Mapping[str, Any], people: Any, unit: str | None) -> Design:
    """The design that a certificate declares, on an auditor's data.

    Raises
    ------
    UsageError
        For a design that rests on a user's own function.
    """
    if scheme == "with_groups":
        options = dict(settings["groups"])
        inner = rebuilt(settings["design"]["scheme"], settings["design"]["settings"], people, unit)
        return inner.with_groups(options.pop("arm"), **options)
    own = [k for k in FUNCTIONS if settings.get(k) not in (None, "mahalanobis")]
    if own:
        raise UsageError(f"the design rests on a function of its own ({settings[own[0]]}): give the design itself under design=.")
    function: Callable[..., Design] = registry.scheme(scheme)
    allowed = inspect.signature(function).parameters
    first: Any = people
    given = {k: v for k, v in settings.items() if k in allowed and k not in FUNCTIONS}
    if "base_settings" in settings:
        first = rebuilt(settings["base"], settings["base_settings"], people, unit)
        given.pop("threshold" if settings.get("accept") is not None else "accept", None)
    if "unit" in allowed:
        given["unit"] = unit
    return function(first, **given)


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_bytes().decode("utf-8")
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("kind") != KIND or not _shaped(content):
            raise ValueError
    except FileNotFoundError:
        raise LockError(f"there is no certificate '{path}'.") from None
    except (OSError, ValueError):
        raise LockError(
            f"'{path.name}' cannot be read as the certificate of an allocation: it was damaged, or is another file."
        ) from None
    return text, content


def _shaped(content: Mapping[str, Any]) -> bool:
    """Whether the entries that are read have their types."""
    types = {
        "batch": int,
        "scheme": str,
        "settings": dict,
        "arms": list,
        "inputs": dict,
        "balance": list,
        "certificate_hash": str,
    }
    fine = all(isinstance(content.get(k), t) for k, t in types.items()) and isinstance(content.get("columns", {}), dict)
    return fine and isinstance(content["inputs"].get("columns"), list) and all(isinstance(r, dict) for r in content["balance"])


def _layout(text: str, content: Mapping[str, Any]) -> Check:
    if text.replace("\r\n", "\n") == certificate_text(content):
        return Check("file", True, "the certificate stands as it was written")
    return Check("file", False, "the certificate was edited: its layout is not as it was written")


def _own_hash(content: Mapping[str, Any]) -> Check:
    if content["certificate_hash"] == sealed(content).hash:
        return Check("certificate", True, "the hash of the certificate is that of its content")
    return Check("certificate", False, "the content of the certificate was changed after it was made: its hash is another one")


def _log(path: Path, content: Mapping[str, Any]) -> Iterator[Check]:
    log = path.parent / LOG
    if not log.exists():
        yield Check("log", True, "the log is not beside the certificate, and was not looked at")
        return
    problem = log_problem(log)
    if problem:
        yield Check("log", False, problem)
        return
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    mine = [line for line in lines if line["batch"] == content["batch"] and line["event"] in DRAWN]
    again = [line for line in mine if line["event"] == "redraw"]
    told = (
        f", drawn again {len(again)} time{'s' if len(again) > 1 else ''}: {shown([a['reason'] for a in again], 3)}"
        if again
        else ""
    )
    if not mine or mine[-1]["certificate"] != content["certificate_hash"]:
        old = any(line["certificate"] == content["certificate_hash"] for line in mine)
        sentence = (
            "the log says that this allocation was replaced by a later draw" if old else "the log does not know this certificate"
        )
        yield Check("log", False, sentence + told)
    else:
        yield Check("log", True, f"the log is unbroken, and its last draw of this batch is this one{told}")


def _released(path: Path, content: Mapping[str, Any], seed: Any, salt: str | None) -> tuple[int, str | None] | None:
    """(seed, salt) as released, or None."""
    if seed is None or isinstance(seed, (str, Path)):
        place = path.parent / RELEASE if seed is None else Path(seed).expanduser()
        if seed is None and not place.exists():
            return None
        entry = released_batch(read_release(place), content["batch"])
        return (int(entry["seed"], 16), entry["salt"]) if entry else None
    number = checked_seed(seed)
    if salt is None:
        if (path.parent / RELEASE).exists():
            entry = released_batch(read_release(path.parent / RELEASE), content["batch"])
            salt = entry["salt"] if entry else None
        elif (path.parent / Files(content["batch"]).secret).exists():
            salt = read_secret(path.parent / Files(content["batch"]).secret)["salt"]
    return number, salt


def _seed(content: Mapping[str, Any], secret: tuple[int, str | None] | None, told: bool) -> Check:
    if content.get("seed_commitment") is None:
        return Check("seed", None, "the certificate commits to no seed: it was not made by allocate()")
    if secret is None and told:
        return Check("seed", None, f"the log says that the seed was released, and {RELEASE} is not here: get it, or say seed=")
    if secret is None:
        return Check(
            "seed",
            None,
            "the seed has not been released; the certificate commits to the allocation, and nothing can be confirmed yet",
        )
    number, salt = secret
    if salt is None:
        return Check("seed", None, f"the salt of the commitment is not known: it is in {RELEASE}, or say salt=")
    if commitment(salt, "seed", f"{number:x}") == content["seed_commitment"]:
        return Check("seed", True, "the seed is the one committed to")
    return Check("seed", False, "the seed is not the one that the certificate commits to")


def _draw_again(
    path: Path, content: Mapping[str, Any], people: Any, design: Design | None, secret: tuple[int, str | None] | None
) -> Iterator[Check]:
    assert secret is not None and secret[1] is not None
    try:
        frame = design.people.frame if design is not None else people
        same = inputs_of(frame, content["unit"], content["inputs"]["columns"]) == content["inputs"]["sha256"]
        named = shown(content["inputs"]["columns"], 12)
        differ = f"the people are not those of the draw: the content of {named} has another hash"
        yield Check("people", same, f"the people are those of the draw ({named}{_beyond(frame, content)})" if same else differ)
        made = design if design is not None else rebuilt(content["scheme"], content["settings"], people, content["unit"])
        frame = drawn(made, secret[0], content["batch"])
    except (TrialkitError, KeyError, TypeError, ValueError) as reason:
        what = str(reason) if isinstance(reason, TrialkitError) else "the certificate lacks what is needed for it"
        yield Check("draw", isinstance(reason, UsageError) and None, f"the draw could not be made again: {what}")
        return
    agrees = commitment(secret[1], "allocation", listed(frame)) == content["allocation_commitment"]
    yield Check(
        "draw",
        agrees,
        "drawn again, the allocation is the one committed to" if agrees else "drawn again, the allocation is another one",
    )
    yield _content(content, made, frame, secret)
    yield from list_held(path, content, frame)
    yield from workbook_held(path, content, frame, made.people.frame)


def _beyond(frame: Any, content: Mapping[str, Any]) -> str:
    """That the certificate holds no other columns of the people than those of the draw."""
    others = [str(c) for c in getattr(frame, "columns", ()) if str(c) not in content["inputs"]["columns"]]
    return f"; the certificate does not hold {shown(others)}" if others else ""


def _content(content: Mapping[str, Any], design: Design, frame: pd.DataFrame, secret: tuple[int, str | None]) -> Check:
    """Every entry of the certificate as it should be."""
    extra = ("columns", "seed_source", "reason", "replaces", "differs_from_first_batch")
    covariates = list(dict.fromkeys(row.get("covariate") for row in content["balance"]))
    fresh = certified(
        design, frame, seed=secret[0], salt=secret[1], balance=covariates, batch=content["batch"], at=content["allocated_at"],
        about={k: content[k] for k in extra if k in content},
    ).to_dict()  # fmt: skip
    ignored = {"versions", "certificate_hash"}
    wrong = sorted(k for k in {*fresh, *content} - ignored if plain(content.get(k)) != fresh.get(k))
    if wrong:
        return Check("entries", False, f"the certificate says something else than the draw under {shown(wrong, 6)}")
    return Check("entries", True, "counts, group sizes and balance are those of the draw")


def _versions(content: Mapping[str, Any]) -> Check:
    now, then = versions(), content.get("versions")
    changed = [
        f"{k} {v} -> {now.get(k, 'absent')}" for k, v in (then.items() if isinstance(then, dict) else ()) if now.get(k) != v
    ]
    if not changed:
        return Check("versions", True, "the package versions are those of the draw")
    return Check("versions", True, f"other package versions than at the draw: {', '.join(changed)}")
