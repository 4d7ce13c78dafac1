"""The trait by which effects may differ: its kind, its levels or scores, who lacks it, and whether it can define subgroups at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from trialkit.errors import EstimationError, GroupError, MissingDataError, UsageError, nearest, shown
from trialkit.estimate.covariates import is_category
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.io.suspicions import suspicions
from trialkit.printed import counted_people
from trialkit.results import Note
from trialkit.trial import ALONE, Trial, rows_text

Kind = Literal["categorical", "ordinal", "continuous"]
ModeratorMissing = Literal["drop", "category", "error"]
KINDS = ("categorical", "ordinal", "continuous")
MOST_LEVELS = 20
_FEW_NUMBERS = 7
_SMALL_ARM, _FEW_GROUPS = 20, 5
_POST = (
    "A trait that came after randomization, such as attendance, makes no subgroups: for people who took part, use tk.cace or "
    "tk.selection.complier_profile."
)


@dataclass(frozen=True, slots=True)
class Moderator:
    """A moderator as read, before anyone's outcome is looked at.

    Attributes
    ----------
    values : (n,) of a continuous one. codes : (n,) level of the others. Either is undefined where `missing`.
    levels : labels, in order. scores : (L,) of an ordinal one.
    """

    name: str
    kind: Kind
    values: FloatArray
    codes: IntArray
    levels: tuple[str, ...]
    scores: FloatArray
    missing: BoolArray
    notes: tuple[Note, ...]

    @property
    def continuous(self) -> bool:
        return self.kind == "continuous"


def moderator(
    trial: Trial,
    name: str,
    outcome: str,
    *,
    kind: Kind | None,
    scores: Mapping[Any, float] | Sequence[float] | None,
    missing: ModeratorMissing,
) -> Moderator:
    """Read a moderator; `kind` None goes by the column: text and 0/1 are categories, other numbers are continuous."""
    _check_role(trial, name, outcome)
    column = trial.column(name)
    absent = column.isna().to_numpy()
    if absent.all():
        raise MissingDataError(
            f"the moderator '{name}' has no values at all: check the column, or that the first wave is in the file."
        )
    notes = [Note("moderator_codes", f"{text}.") for text in suspicions(trial.data[[name]])] if _numeric(column) else []
    chosen, said = _kind(trial, name, kind)
    notes += said
    if absent.any() and missing == "error":
        raise MissingDataError(
            f"the moderator '{name}' is missing in {rows_text(absent)}. Fill it in, or say moderator_missing='drop'."
        )
    if chosen == "continuous":
        if scores is not None:
            raise UsageError(f"scores for '{name}' go with kind='ordinal': a continuous moderator is its own score.")
        values = trial.values(name)
        absent = ~np.isfinite(values)
        return Moderator(
            name, chosen, values, np.zeros(trial.n, dtype=np.int64), (), np.empty(0), absent, (*notes, *_missing_note(trial, name, absent, "drop"))
        )  # fmt: skip
    codes, labels, raw = _levels(column)
    if len(labels) > MOST_LEVELS:
        raise UsageError(
            f"'{name}' has {len(labels)} different values: say kind={{'{name}': 'continuous'}} if they are amounts, or bring them together in a few levels."
        )
    own = missing == "category" and chosen == "categorical" and bool(absent.any())
    if missing == "category" and chosen == "ordinal" and absent.any():
        raise UsageError(
            f"a missing '{name}' has no place on an ordinal scale: say moderator_missing='drop', or kind={{'{name}': 'categorical'}}."
        )
    if own:
        codes = np.where(absent, len(labels), codes)
        labels = [*labels, "missing"]
    notes += _missing_note(trial, name, absent, "category" if own else "drop")
    score = _scores(name, labels, raw, column, scores) if chosen == "ordinal" else np.empty(0)
    if chosen != "ordinal" and scores is not None:
        raise UsageError(f"scores for '{name}' go with kind='ordinal': say kind={{'{name}': 'ordinal'}}.")
    left = np.zeros(trial.n, dtype=bool) if own else absent
    return Moderator(name, chosen, np.empty(0), codes.astype(np.int64), tuple(labels), score, left, tuple(notes))


def _check_role(trial: Trial, name: str, outcome: str) -> None:
    roles = {
        trial.arm: "the arm", trial.group: "the group, which exists only because of the assignment", trial.unit: "the identifier",
        trial.weights: "the weights", trial.cluster: "the cluster that was randomized", trial.facilitator: "the facilitator, who comes with the programme",
        outcome: "the outcome",
    }  # fmt: skip
    roles.pop(None, None)
    if name in roles:
        raise UsageError(
            f"by holds '{name}', which is {roles[name]}: subgroups are made by a trait that people had before randomization."
        )


def _numeric(column: pd.Series) -> bool:
    return bool(is_numeric_dtype(column) and not is_bool_dtype(column) and not isinstance(column.dtype, pd.CategoricalDtype))


def _kind(trial: Trial, name: str, asked: Kind | None) -> tuple[Kind, list[Note]]:
    column = trial.column(name)
    if asked is not None:
        if asked not in KINDS:
            near = nearest(str(asked), KINDS)
            raise UsageError(
                f"kind={asked!r} of '{name}' is unknown: it is one of {shown(KINDS)}.{f' Did you mean {near!r}?' if near else ''}"
            )
        return asked, []
    if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
        return "ordinal", []
    if is_category(trial, name) or not _numeric(column):
        return "categorical", []
    present = column.dropna().unique()
    if len(present) <= 2:
        return "categorical", []
    if len(present) <= _FEW_NUMBERS and all(float(v).is_integer() for v in present):
        text = (
            f"'{name}' holds {len(present)} different whole numbers and is taken as an amount (continuous). If they are codes of categories or steps of "
            f"a scale, say kind={{'{name}': 'categorical'}} or 'ordinal'."
        )
        return "continuous", [Note("moderator_kind", text)]
    return "continuous", []


def _levels(column: pd.Series) -> tuple[IntArray, list[str], list[Any]]:
    """Codes (-1 missing), labels and values of the levels that occur, in the order of the categories or sorted."""
    codes, found = pd.factorize(column, sort=True)
    raw = list(found)
    labels = [f"{v:g}" if isinstance(v, (float, np.floating)) else str(v) for v in raw]
    return codes.astype(np.int64), labels, raw


def _scores(name: str, labels: Sequence[str], raw: Sequence[Any], column: pd.Series, given: Any) -> FloatArray:
    """Scores as given; the numbers themselves of a numeric column; else 0, 1, 2 ... in the order of the categories."""
    if given is None:
        if _numeric(column):
            return np.asarray(raw, dtype=float)
        if not (isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered):
            raise UsageError(
                f"'{name}' is text, whose order is not known: give scores={{'{name}': {{{', '.join(f'{v!r}: {i}' for i, v in enumerate(labels[:3]))}, ...}}}}, or make it an "
                "ordered category."
            )
        return np.arange(len(labels), dtype=float)
    if isinstance(given, Mapping):
        text = {(f"{k:g}" if isinstance(k, float) else str(k)): v for k, v in given.items()}
        without = [v for v in labels if v not in text]
        if without:
            raise UsageError(f"scores for '{name}' leave out {shown(without)}.")
        given = [text[v] for v in labels]
    if len(given) != len(labels):
        raise UsageError(
            f"'{name}' has {len(labels)} levels ({shown(labels, 8)}) and {len(given)} scores: give one score a level."
        )
    out = np.asarray(given, dtype=float)
    if not np.isfinite(out).all() or np.ptp(out) == 0:
        raise UsageError(f"scores for '{name}' must be numbers that are not all the same.")
    return out


def _missing_note(trial: Trial, name: str, absent: BoolArray, rule: str) -> list[Note]:
    if not absent.any():
        return []
    per_arm = ", ".join(f"{label}: {int(absent[trial.arm_codes == c].sum())}" for c, label in enumerate(trial.arms))
    done = (
        "they are a subgroup of their own" if rule == "category"
        else "they are left out of its subgroups (a value from before randomization says nothing about the arm, so the comparison stays fair)"
    )  # fmt: skip
    return [Note("moderator_missing", counted_people(int(absent.sum()), f"have no '{name}' ({per_arm}): {done}."))]


def check_cells(s: Sample, m: Moderator, codes: IntArray) -> None:
    """Every subgroup needs two people of each arm and, where groups or clusters count, two of them in each arm."""
    if len(np.unique(codes)) < 2:
        raise EstimationError(f"everyone with '{s.outcome}' has the same '{m.name}': there are no subgroups to compare.")
    for level in np.unique(codes):
        name = f"'{m.levels[level]}' of '{m.name}'"
        for code, label in enumerate(s.arms):
            inside = (codes == level) & (s.arm == code)
            n = int(inside.sum())
            if not n:
                raise EstimationError(
                    f"subgroup {name} has nobody of arm {label!r} with '{s.outcome}', so there is no comparison in it: merge it with another level. {_POST}"
                )
            if n < 2:
                raise EstimationError(
                    f"subgroup {name} has one person of arm {label!r}: merge it with another level before looking at outcomes."
                )
            if _grouped(s, code) and len(np.unique(s.unit_of_variance[inside])) < 2:
                what = "cluster" if s.cluster is not None else "group"
                raise GroupError(
                    f"subgroup {name} has people of one {what} of arm {label!r} only: what is the trait and what the {what} cannot be told apart. Merge "
                    "it with another level before looking at outcomes."
                )


def check_spread(s: Sample, m: Moderator, values: FloatArray) -> None:
    """A continuous moderator must vary within each arm, and between groups that count."""
    for code, label in enumerate(s.arms):
        inside = s.arm == code
        if np.ptp(values[inside]) <= 1e-12 * max(1.0, float(np.abs(values).max())):
            raise EstimationError(
                f"'{m.name}' is {values[inside][0]:g} for everyone of arm {label!r}, so no slope can be seen there. {_POST}"
            )


def small_cells(s: Sample, m: Moderator, codes: IntArray) -> list[Note]:
    """Subgroups that rest on few people or few groups of an arm."""
    few: list[str] = []
    for level in np.unique(codes):
        for code, label in enumerate(s.arms):
            inside = (codes == level) & (s.arm == code)
            units = len(np.unique(s.unit_of_variance[inside]))
            what = "clusters" if s.cluster is not None else "groups"
            if _grouped(s, code) and units < _FEW_GROUPS:
                few.append(f"{m.levels[level]}, {label}: {units} {what}")
            elif inside.sum() < _SMALL_ARM:
                few.append(f"{m.levels[level]}, {label}: {int(inside.sum())} people")
    if not few:
        return []
    return [
        Note(
            "small_subgroups",
            f"subgroups of '{m.name}' are small ({shown_plain(few)}): their intervals are wide and lean on corrections.",
        )
    ]


def shown_plain(items: Sequence[str], most: int = 6) -> str:
    return "; ".join(items[:most]) + (f"; and {len(items) - most} more" if len(items) > most else "")


def _grouped(s: Sample, arm: int) -> bool:
    return s.cluster is not None or bool((s.group[s.arm == arm] != ALONE).any())
