"""Stage 3 of blinding: data to clean without knowing who was in which arm.

A copy with the arm under other letters would not be blind: with groups in one arm the labels of groups tell it, and whoever has the letters beside the outcomes
has the result but for its name. So the copy holds no arm at all. Letters are used in a summary of what was measured before randomization, and nowhere else.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types

from trialkit.design.record.ledger import canonical
from trialkit.errors import ArmError, ColumnNotFoundError, IdentifierError, UsageError
from trialkit.io import labels, read, to_pandas
from trialkit.io.write import atomic_folder, atomic_text, write_csv
from trialkit.plan.blinding.leaks import leak_of
from trialkit.plan.blinding.made_up import secret_columns
from trialkit.plan.locking.expected import arm_text, expected_columns
from trialkit.plan.planned.prepare import used_scale
from trialkit.results import Note, TableResult

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["Masked", "mask"]

MOST_LEVELS = 30
STAYS = (
    "What the answers themselves tell about an arm stays in them: an effect, or more answers in one arm than in the other. Nobody but the keeper of the key "
    "should have the original file while the data are cleaned."
)


@dataclass(frozen=True)
class Masked(TableResult):
    """What each column of the masked data holds: its missing values, range, codes and answers out of range.

    `.data` are the masked data; `.key` is not for those who clean them. `details['dropped']` names the columns that were left out, each with why.
    """

    kind = "masked"

    data: pd.DataFrame | None = None
    key: dict[str, Any] | None = None

    def save(self, folder: str | Path, *, key: str | Path) -> Path:
        """Write cleaning.csv, summary.csv, dropped.csv and README.txt; the key goes to a file elsewhere.

        Raises
        ------
        UsageError
            The key would stand in the folder with the masked data, or a key is there already.
        """
        if self.data is None or self.key is None:
            raise UsageError("this result was read back from JSON, without its data: mask the data again.")
        target, place = Path(folder).expanduser(), Path(key).expanduser()
        if target.resolve() in place.resolve().parents:
            raise UsageError(
                f"the key '{place}' would stand with the masked data, which it opens: name a place elsewhere (--key)."
            )
        if place.exists():
            raise UsageError(f"'{place}' is there already, and the masked data that it opens with it: name another file (--key).")
        atomic_text(place, canonical(self.key) + "\n")
        try:
            with atomic_folder(target) as made:
                write_csv(self.data, made / "cleaning.csv")
                write_csv(self.tidy(), made / "summary.csv")
                write_csv(pd.DataFrame(self.details["dropped"], columns=["column", "why"]), made / "dropped.csv")
                atomic_text(made / "README.txt", _readme(self))
        except BaseException:
            # a key to data that are not there would stand in the way of the next one
            place.unlink(missing_ok=True)
            raise
        return target / "cleaning.csv"

    def _title(self) -> str:
        d = self.details
        return f"{d['people']} people in {len(self.table)} columns without their arms; {len(d['dropped'])} columns were left out"

    def __str__(self) -> str:
        lines = [self._title(), *(f"  left out: '{d['column']}' {d['why']}" for d in self.details["dropped"])]
        for r in self.table:
            low, high = _short(r["lowest"]), _short(r["highest"])
            span = f", {low} to {high}" if r["lowest"] is not None else f", {r['different']} different"
            odd = f", {r['out_of_range']} out of range" if r["out_of_range"] else ""
            codes = f", {r['codes']} with a missing code" if r["codes"] else ""
            lines.append(f"  {r['column']}: {r['missing']} missing{codes}{span}{odd}")
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])


def mask(plan: PlanRecord, data: Any, *, seed: int | None = None) -> Masked:
    """Make a copy of the data in which nothing tells the arm, for cleaning and checks.

    Left out are the columns whose roles tell it (arm, group, facilitator, take-up), free text, and every column that differs by arm as only a leak does: a copy of
    the arm, answers given in one arm only, codes of one arm, labels of groups or sessions. Rows are shuffled, and people get new identifiers. The key, which
    leads back to the old ones, is for someone who does not clean.

    Parameters
    ----------
    plan : a `tk.Plan`. data : a path or any data frame, with the arm.
    seed : of the shuffle and the letters, for tests; unsaid: the system's entropy, as it should be.

    Returns
    -------
    Masked

    Raises
    ------
    ColumnNotFoundError, ArmError, IdentifierError
        Without the arm of the people nothing can be held against it; without identifiers nothing leads back.

    Examples
    --------
    >>> masked = mask(plan, "wave1.sav")                                             # doctest: +SKIP
    >>> masked.save("cleaning", key="/elsewhere/masked.key.json")                    # doctest: +SKIP
    """
    spec = plan.spec
    frame = read(data) if isinstance(data, (str, Path)) else to_pandas(data)
    known = labels.variable_labels(frame)
    frame = frame.reset_index(drop=True)
    arm = _checked_arm(spec, frame)
    rng = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    order = rng.permutation(len(frame))
    kept, dropped = _sorted_out(plan, frame, arm)
    width = max(4, len(str(len(frame))))
    own = [f"m{i + 1:0{width}d}" for i in range(len(frame))]
    masked = pd.DataFrame({spec.data.unit: own, **{c: frame[c].iloc[order].array for c in kept}})
    letters = dict(zip(rng.permutation(list(spec.arm_names)).tolist(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    before, said = _lettered(spec, letters)
    early, limits = _at_baseline(plan, kept), _limits(plan, kept)
    table = tuple(_summary(spec, frame[c], c, arm, before if c in early else {}, known.get(c, ""), limits.get(c)) for c in kept)
    key = {
        "people": dict(zip(own, (str(v) for v in frame[spec.data.unit].iloc[order]))),
        "letters": {v: k for k, v in letters.items()},
    }
    details = {
        "people": len(frame),
        "dropped": dropped,
        "file": Path(data).name if isinstance(data, (str, Path)) else "a data frame in memory",
    }
    return Masked((), (Note("stays", STAYS), *said), details, table, masked, key)


def _checked_arm(spec: PlanSpec, frame: pd.DataFrame) -> pd.Series:
    for column in (spec.data.arm, spec.data.unit):
        if column not in frame.columns:
            raise ColumnNotFoundError(
                column, frame.columns, "the data, which have to hold the arm so that what tells it can be left out"
            )
    ids = frame[spec.data.unit]
    if ids.isna().any() or ids.duplicated().any():
        raise IdentifierError(f"'{spec.data.unit}' has missing or repeated values: a key has to lead back to one person each.")
    column = frame[spec.data.arm]
    arm = pd.Series([None if pd.isna(v) else arm_text(v) for v in column], dtype=object)
    unknown = [a for a in arm.dropna().unique() if a not in spec.arm_names]
    if unknown or arm.nunique() < 2:
        raise ArmError(
            f"'{spec.data.arm}' holds {list(arm.dropna().unique())}; the plan's arms are {list(spec.arm_names)}: correct it first."
        )
    return arm


def _sorted_out(plan: PlanRecord, frame: pd.DataFrame, arm: pd.Series) -> tuple[list[str], list[dict[str, str]]]:
    """Columns that stay, and those that do not with why."""
    spec = plan.spec
    roles, planned = secret_columns(spec), {c.name for c in expected_columns(spec, plan.folder)}
    kept: list[str] = []
    dropped: list[dict[str, str]] = []
    for column in (str(c) for c in frame.columns):
        if column == spec.data.unit:
            continue
        why = "is the arm, or tells it by its role in the plan" if column in roles else leak_of(frame[column], arm)
        if why is None and column not in planned and _is_text(frame[column]) and frame[column].nunique() > MOST_LEVELS:
            why = "is free text or an identifier"
        if why is None:
            kept.append(column)
        else:
            dropped.append({"column": column, "why": why})
    return kept, dropped


def _is_text(values: pd.Series) -> bool:
    return not (types.is_numeric_dtype(values) or types.is_datetime64_any_dtype(values))


def _lettered(spec: PlanSpec, letters: dict[str, str]) -> tuple[dict[str, str], list[Note]]:
    """Letters by arm where they do not tell it: with unequal shares the numbers of people would."""
    shares = {spec.design.allocation[a] for a in spec.arm_names}
    if len(shares) > 1:
        return {}, [
            Note(
                "no_letters",
                "the arms are of different sizes by plan, so that letters would tell them: the summary is of everyone together.",
            )
        ]
    return letters, []


def _at_baseline(plan: PlanRecord, kept: list[str]) -> set[str]:
    """Columns measured before randomization, as far as the plan says so."""
    spec = plan.spec
    named = {*spec.data.strata, *spec.selection.balance, *spec.analysis.adjust, *(o.baseline for o in spec.outcomes)}
    followed = {spec.value_column(o) for o in spec.outcomes}
    starts = {o.baseline_wave for o in spec.outcomes} - {o.wave for o in spec.outcomes} - {None}
    items = [_pattern(e.name) for e in expected_columns(spec, plan.folder) if e.wave in starts]
    return {c for c in kept if c not in followed and (c in named or any(p.fullmatch(c) for p in items))}


def _pattern(name: str) -> re.Pattern[str]:
    """Columns that a name of the plan stands for, where {item} is the number of a question."""
    return re.compile(r"\w+".join(re.escape(p) for p in re.split(r"\{item[^}]*\}", name)))


def _summary(
    spec: PlanSpec,
    values: pd.Series,
    column: str,
    arm: pd.Series,
    letters: dict[str, str],
    label: str,
    limits: tuple[float, float] | None,
) -> dict[str, Any]:
    codes = {_number(c) for c in spec.data.missing_codes} | set(spec.data.missing_codes)
    coded = values.isin(list(codes - {None}))
    real = values[values.notna() & ~coded]
    numbers = pd.to_numeric(real, errors="coerce")
    numeric = len(real) > 0 and bool(numbers.notna().all())
    odd = 0 if limits is None else int(((numbers < limits[0]) | (numbers > limits[1])).sum())
    row: dict[str, Any] = {
        "column": column, "label": label, "missing": int(values.isna().sum()), "codes": int(coded.sum()), "different": int(real.nunique()),
        "lowest": float(numbers.min()) if numeric else None, "highest": float(numbers.max()) if numeric else None,
        "mean": float(numbers.mean()) if numeric else None, "text_among_numbers": 0 if numeric else _strays(numbers), "out_of_range": odd,
    }  # fmt: skip
    for name, letter in sorted(letters.items(), key=lambda item: item[1]):
        row[f"missing_{letter}"] = int((values.isna() | coded)[(arm == name).to_numpy()].sum())
    return row


def _strays(numbers: pd.Series) -> int:
    """Cells that are no number in a column of numbers."""
    found = int(numbers.isna().sum())
    return found if 0 < found < len(numbers) / 2 else 0


def _limits(plan: PlanRecord, columns: list[str]) -> dict[str, tuple[float, float]]:
    """The codes that the answers to each item can have, of the plan or of the scale."""
    found: dict[str, tuple[float, float]] = {}
    for entry in plan.spec.scales:
        codes = used_scale(entry.scale, entry.form, plan.folder).codes
        low, high = entry.code_range or (codes.min, codes.max)
        for wave in plan.spec.scale_waves(entry.name) or (None,):
            name = entry.items if wave is None else entry.items.replace("{wave}", wave)
            pattern = _pattern(name)
            found |= {c: (float(low), float(high)) for c in columns if pattern.fullmatch(c) and not entry.codes}
    return found


def _number(code: str) -> float | None:
    try:
        return float(code)
    except ValueError:
        return None


def _short(value: Any) -> str:
    return "" if value is None else f"{value:g}"


def _readme(masked: Masked) -> str:
    lines = [
        "Data without arms, for cleaning.",
        "",
        "cleaning.csv   a row a person, in random order and under another identifier; no arm, no group, no attendance",
        "summary.csv    for each column its missing values, codes and range; letters A, B ... stand for the arms, by a coin, of what was measured before randomization",
        "dropped.csv    columns that are not here, and why",
        "",
        STAYS,
        "Corrections are written down by the identifier of cleaning.csv, and carried over to the original by the keeper of the key.",
    ]
    lines += [n.text for n in masked.notes if n.code != "stays"]
    return "\n".join(lines) + "\n"
