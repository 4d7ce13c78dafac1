"""The certificate of an allocation: what was declared, what was committed to, and what came out, without the allocation itself."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from trialkit.design.base import Design, GroupedDesign
from trialkit.design.people import People
from trialkit.design.record.ledger import canonical, cell_text, commitment, list_text, sha256
from trialkit.errors import ColumnNotFoundError, UsageError
from trialkit.io.frames import to_pandas
from trialkit.io.write import content_hash
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import plain

KIND = "trialkit allocation certificate"
FORMAT_VERSION = 1
PACKAGES = ("trialkit", "numpy", "scipy", "pandas")
QUALITY_SEED, QUALITY_DRAWS = 0, 200


@dataclass(frozen=True, eq=False)
class Certificate:
    """What an auditor needs to draw again, once the seed is released. Holds neither the allocation nor the seed.

    Attributes
    ----------
    content : the certificate as plain tables and lists, `certificate_hash` last.
    """

    content: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """SHA-256 of everything else in the certificate."""
        return str(self.content["certificate_hash"])

    def to_dict(self) -> dict[str, Any]:
        """A copy as plain tables and lists, for JSON."""
        out: dict[str, Any] = plain(self.content)
        return out

    def __str__(self) -> str:
        c = self.content
        lines = [
            f"Allocation certificate, batch {c['batch']}: {c['description']}",
            f"  made              {c['allocated_at'] or 'not by allocate()'}",
            f"  people            {c['people']}; SHA-256 of their columns {', '.join(c['inputs']['columns'])}: {c['inputs']['sha256']}",
            f"  allocation        {c['allocation_commitment'] or 'not committed'}",
            f"  seed              {c['seed_commitment'] or 'not committed'}",
        ]
        lines += [f"  {_count_text(row)}" for row in c["counts"]]
        lines += [f"  {_groups_text(row)}" for row in c["groups"]]
        lines += [f"  {_balance_text(row)}" for row in c["balance"]]
        lines += [f"  {_quality_text(row)}" for row in c["quality"]]
        return "\n".join([*lines, f"  certificate hash  {c['certificate_hash']}"])

    def __repr__(self) -> str:
        return f"<allocation certificate {self.hash[:12]}>"


@explained
def certificate(
    design: Design,
    allocation: Any,
    *,
    seed: int | None = None,
    salt: str | None = None,
    balance: Sequence[str] = (),
) -> Certificate:
    """The certificate of an allocation that `design.assign` made.

    `trialkit.design.allocate` makes, writes and commits to an allocation in one step; this is for one that is at hand.

    Parameters
    ----------
    allocation : what `assign` returned.
    seed, salt : the seed and a random text, both kept secret, to commit to seed and allocation; without them nothing is committed.
    balance : covariates whose standardized differences are stated.

    Raises
    ------
    UsageError
        A seed without a salt or the other way round, or a seed that does not give this allocation.

    Examples
    --------
    >>> import trialkit as tk
    >>> design = tk.design.complete({"id": range(6)}, unit="id", arms={"solo": 1, "peer": 1})
    >>> c = tk.design.certificate(design, design.assign(seed=1))
    >>> [row["people"] for row in c.to_dict()["counts"]]
    [3, 3]
    """
    if (seed is None) != (salt is None):
        raise UsageError("a commitment needs both seed= and salt=; keep both secret until enrolment has closed.")
    frame = allocation_frame(design, allocation)
    if seed is not None and listed(allocation_frame(design, design.assign(seed=seed))) != listed(frame):
        raise UsageError("this seed does not give this allocation: give the one that assign() was called with.")
    return certified(design, frame, seed=seed, salt=salt, balance=balance)


def certified(
    design: Design,
    frame: pd.DataFrame,
    *,
    seed: int | None,
    salt: str | None,
    balance: Sequence[str] = (),
    batch: int = 1,
    at: str | None = None,
    about: Mapping[str, Any] | None = None,
) -> Certificate:
    """The certificate of an allocation whose columns are those of the design; `about` holds further entries."""
    text = listed(frame)
    content = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "batch": batch,
        "allocated_at": at,
        "description": design.describe(),
        "scheme": design.scheme,
        "settings": design.settings,
        "arms": list(design.arms),
        "unit": design.people.unit,
        "people": design.n,
        "inputs": inputs(design, balance),
        "allocation_commitment": commitment(salt, "allocation", text) if salt is not None else None,
        "seed_commitment": commitment(salt, "seed", f"{seed:x}") if salt is not None and seed is not None else None,
        "counts": _counts(design, frame),
        "groups": _groups(design, frame),
        "balance": _balance(design, frame, balance),
        "quality": _quality(design, frame),
        "versions": versions(),
        **(about or {}),
    }
    return sealed(content)


def sealed(content: Mapping[str, Any]) -> Certificate:
    """A certificate with its hash."""
    body = plain({k: v for k, v in content.items() if k != "certificate_hash"})
    return Certificate({**body, "certificate_hash": sha256(canonical(body))})


def allocation_frame(design: Design, allocation: Any) -> pd.DataFrame:
    """An allocation in the design's order, with a fresh index.

    Raises
    ------
    ColumnNotFoundError, IdentifierError
        When it is not one of this design's people.
    """
    frame = to_pandas(allocation).reset_index(drop=True)
    unit = design.people.unit or "unit"
    for name in (unit, "arm"):
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns, "the allocation")
    return frame.iloc[np.argsort(design.positions(frame[unit]))].reset_index(drop=True)


def listed(frame: pd.DataFrame) -> str:
    """The canonical text of an allocation."""
    return list_text([str(c) for c in frame.columns], texts(frame))


def texts(frame: pd.DataFrame) -> list[list[str]]:
    """The cells of a frame as text, row by row."""
    return [list(row) for row in zip(*([cell_text(v) for v in frame[c].tolist()] for c in frame.columns))]


def certificate_text(content: Mapping[str, Any]) -> str:
    """The one way a certificate is written; `verify_certificate` holds the file against it."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def inputs(design: Design, balance: Sequence[str] = ()) -> dict[str, Any]:
    """The columns on which the draw rests, and the hash of their content in the design's order."""
    frame, unit = design.people.frame, design.people.unit
    named = set(_strings(plain(design.settings))) | set(balance)
    opaque = design.scheme == "custom" or "custom" in named
    columns = [c for c in frame.columns if opaque or c == unit or c in named]
    return {"columns": columns, "sha256": content_hash(frame[columns].reset_index(drop=True))}


def inputs_of(people: Any, unit: str | None, columns: Sequence[str]) -> str:
    """The hash of the same columns of an auditor's data."""
    known = People.of(people, unit)
    return content_hash(pd.DataFrame({name: known.column(name) for name in columns}, index=known.frame.index))


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for content in value.values():
            yield from _strings(content)
    elif isinstance(value, list):
        for content in value:
            yield from _strings(content)


@cache
def versions() -> dict[str, str]:
    """Versions of what the draw was made with."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a source tree that was never installed
            found[package] = "not installed"
    return found


def strata_of(design: Design) -> list[str]:
    """Columns of the strata of a design, of the one inside a grouped or rerandomized one too; those that its people have."""
    found: list[str] = []
    settings: Any = design.settings
    while isinstance(settings, Mapping) and not found:
        found = [str(c) for c in settings.get("strata") or () if str(c) in design.people.frame.columns]
        settings = settings.get("base_settings") or (settings.get("design") or {}).get("settings")
    return found


def _counts(design: Design, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """People by stratum and arm; an arm without people in a stratum counts 0."""
    strata = strata_of(design)
    columns = [[cell_text(v) for v in design.people.frame[c].tolist()] for c in strata]
    labels = [" / ".join(parts) for parts in zip(*columns)] if strata else [""] * design.n
    arms = design.codes(frame["arm"])
    out = []
    for label in sorted(set(labels)):
        inside = np.array([v == label for v in labels])
        out += [{"stratum": label, "arm": a, "people": int((arms[inside] == i).sum())} for i, a in enumerate(design.arms)]
    return out


def _groups(design: Design, frame: pd.DataFrame) -> list[dict[str, Any]]:
    if "group" not in frame.columns:
        return []
    out = []
    for arm in design.arms:
        part = frame[(frame["arm"] == arm) & frame["group"].notna()]
        sizes = sorted(part["group"].value_counts().tolist())
        if sizes:
            without = int((frame["arm"] == arm).sum()) - len(part)
            out.append({"arm": arm, "groups": len(sizes), "sizes": sizes, "without_group": without})
    return out


def _balance(design: Design, frame: pd.DataFrame, covariates: Sequence[str]) -> list[dict[str, Any]]:
    if isinstance(covariates, str):
        raise UsageError(f"balance takes a list of columns: write balance=['{covariates}'].")
    if not covariates:
        return []
    rows = design.balance(list(covariates), allocation=frame).table
    return [{k: _rounded(v) for k, v in row.items()} for row in rows]


def _quality(design: Design, frame: pd.DataFrame) -> list[dict[str, Any]]:
    if not isinstance(design, GroupedDesign):
        return []
    # compared with random groups of a stated seed, which says nothing about the allocation's own
    rows = design.quality(frame, n_random=QUALITY_DRAWS, seed=QUALITY_SEED).table
    return [{k: _rounded(v) for k, v in row.items()} for row in rows]


def _rounded(value: Any) -> Any:
    # sums of floats may differ in their last digits between machines
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _count_text(row: Mapping[str, Any]) -> str:
    where = f"{row['stratum']}, " if row["stratum"] else ""
    return f"{where}{row['arm']}: {row['people']} people"


def _groups_text(row: Mapping[str, Any]) -> str:
    left = f"; {row['without_group']} without a group" if row["without_group"] else ""
    low, high = row["sizes"][0], row["sizes"][-1]
    return f"{row['arm']}: {row['groups']} group{'s' if row['groups'] > 1 else ''} of {f'{low} to ' if low < high else ''}{high}{left}"


def _balance_text(row: Mapping[str, Any]) -> str:
    level = f" = {row['level']}" if row["level"] else ""
    size = row["standardized_difference"]
    return f"{row['covariate']}{level}, {row['contrast']}: standardized difference {'undefined' if size is None else number(float(size))}"


def _quality_text(row: Mapping[str, Any]) -> str:
    what = "spread of " if row["measure"] == "spread" else ""
    values = [number(float(row[k])) if row[k] is not None else "undefined" for k in ("within_share", "random_low", "random_high")]
    return f"{row['arm']}, {what}{row['trait']}: {values[0]} of the variance within groups (random groups {values[1]} to {values[2]})"
