"""The enrolment funnel: who was eligible, approached, consented, randomized, attended and followed up, by vulnerability.

At each stage the retention is the share of those at the stage it is counted from; the reach is the share of those eligible. The reach ratio of a stratum,
its reach over that of the other strata (or of one of them), is the product of its retention ratios along the way, so that the stage at which people are lost shows.
Intervals of shares are Wilson's and of ratios Miettinen and Nurminen's (score; they exist for zeros); with clusters (sites, agencies) those of the linearized
share on the logit scale and ratio on the log scale, with t on clusters minus one. Sources: Glasgow, Vogt & Boles (1999), American Journal of Public Health 89
(reach); Miettinen & Nurminen (1985); Wilson (1927).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import ColumnNotFoundError, DataError, EstimationError, MissingDataError, UsageError, ValueTypeError, shown
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.io.frames import numeric, to_pandas
from trialkit.misuse import explained
from trialkit.results import Note, TableResult
from trialkit.selection.reach.funnel_shares import ratio_with_interval, share_with_interval
from trialkit.selection.reach.generalizability import generalizability
from trialkit.trial import rows_text

STAGES = ("eligible", "approached", "consented", "randomized", "offered", "attended", "followed_up")
BEFORE = {"attended": ("offered", "randomized", "consented", "approached", "eligible"), "followed_up": ("randomized", "consented", "approached", "eligible")}  # fmt: skip
ALL = "all"


@dataclass(frozen=True)
class ReachResult(TableResult):
    """`.tidy()`: a row a stratum and stage, everyone first under the stratum 'all'.

    Attributes
    ----------
    where_lost : of strata that fall behind somewhere, the stage with the lowest retention ratio and that ratio. generalizability : a row a stage, when `covariates` were given.
    """

    kind = "reach"

    @property
    def where_lost(self) -> pd.DataFrame:
        return pd.DataFrame(
            self.details["where_lost"],
            columns=["stratum", "stage", "retention_ratio", "retention_ratio_low", "retention_ratio_high"],
        )

    @property
    def generalizability(self) -> pd.DataFrame:
        return pd.DataFrame(self.details["generalizability"], columns=["stage", "people", "index", "verdict", "share_outside"])

    def _title(self) -> str:
        d = self.details
        by = f" by {', '.join(d['by'])}" if d["by"] else ""
        return f"Reach of {d['n_first']} people '{d['stages'][0]}'{by}, compared with {d['reference'] or 'the other strata'}"

    def __str__(self) -> str:
        shown_rows = [
            {
                "stratum": r["stratum"], "stage": r["stage"], "people": r["people"], "counted from": r["counted_from"], "retention": _words(r, "retention"),
                "ratio": _words(r, "retention_ratio"), "reach": _words(r, "reach"), "reach ratio": _words(r, "reach_ratio"),
            }
            for r in self.table
        ]  # fmt: skip
        return "\n".join(
            [self._title(), pd.DataFrame(shown_rows).to_string(index=False), *(f"  note: {n.text}" for n in self.notes)]
        )


def _words(row: Mapping[str, Any], name: str) -> str:
    value, low, high = (row[k] for k in (name, f"{name}_low", f"{name}_high"))
    if value is None or np.isnan(value):
        return ""
    return f"{value:.3f}" if low is None or np.isnan(low) else f"{value:.3f} ({low:.3f} to {high:.3f})"


@explained
def reach(
    funnel: Any,
    *,
    by: str | Sequence[str] | None = None,
    stages: Sequence[str] | None = None,
    counted_from: Mapping[str, str] | None = None,
    reference: Hashable = None,
    cluster: str | None = None,
    covariates: Sequence[str] = (),
    conf_level: float = 0.95,
) -> ReachResult:
    """Retention at each stage of enrolment and cumulative reach, by stratum of vulnerability.

    Parameters
    ----------
    funnel : table of people with a column of 0 and 1 a stage, or of counts with a row a stratum (or stratum and cluster). In a table of people a stage may be
        empty after a 0.
    by : columns of the strata; by default no strata.
    stages : columns in their order; by default those of eligible, approached, consented, randomized, offered, attended, followed_up that the table has.
    counted_from : {stage: earlier stage whose people are its denominator}; by default the stage before, but 'attended' from 'offered' (else 'randomized') and
        'followed_up' from 'randomized': people who do not attend are followed up as well.
    reference : stratum to compare with; by default each is compared with all others together.
    cluster : column of sites or agencies that recruited, whose people are alike.
    covariates : of a table of people; adds Tipton's index of those at each stage for the other eligible people.
    conf_level : of each interval, one at a time.

    Returns
    -------
    ReachResult
        Columns stratum, stage, people, counted_from, people_from, retention, retention_ratio, reach, reach_ratio, each share and ratio with `_low` and `_high`.
        Undefined numbers are NaN with a note.

    Raises
    ------
    DataError
        Contradictions: someone at a stage who was not at the one before, or counts that grow.
    ColumnNotFoundError, MissingDataError, ValueTypeError, UsageError, EstimationError
        Absent columns, unknown values, text or fractions, an unknown reference, fewer than two clusters.

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> counts = pd.DataFrame({"vulnerability": ["high", "low"], "eligible": [400, 600], "consented": [80, 240], "attended": [40, 180]})
    >>> found = tk.selection.reach(counts, by="vulnerability")
    >>> found.where_lost.iloc[0][["stratum", "stage"]].tolist()
    ['high', 'consented']
    """
    frame = to_pandas(funnel).reset_index(drop=True)
    strata = _strata(frame, by)
    names = _stages(frame, stages)
    parents = _parents(names, counted_from)
    counts, people, notes = _counts(frame, names, parents)
    site = None if cluster is None else _codes_of(frame, cluster)
    labels = list(dict.fromkeys(strata)) if by is not None else []
    labels = sorted(labels)
    if reference is not None and str(reference) not in labels:
        raise UsageError(f"reference={reference!r} is not a stratum: they are {shown(labels)}.")
    work = _Funnel(counts, np.array(strata), names, parents, site, None if reference is None else str(reference), conf_level)
    rows = [work.row(ALL, stage) for stage in names] + [work.row(s, stage) for s in labels for stage in names]
    notes += work.notes(rows)
    if covariates and not people:
        raise UsageError("covariates need a table of people: a table of counts does not hold them.")
    details = {
        "stages": list(names), "parents": parents, "by": [by] if isinstance(by, str) else list(by or ()), "reference": work.reference, "conf_level": conf_level,
        "n_first": int(counts[:, 0].sum()), "cluster": cluster, "n_clusters": 0 if site is None else int(site.max()) + 1, "where_lost": _where_lost(rows, labels),
        "generalizability": _indices(frame, counts, names, covariates, notes) if covariates else [],
    }  # fmt: skip
    return ReachResult((), tuple(dict.fromkeys(notes)), details, tuple(rows))


@dataclass(frozen=True, slots=True)
class _Funnel:
    """Counts (n, stages) with the stratum and site of each row."""

    counts: FloatArray
    stratum: Any
    names: tuple[str, ...]
    parents: dict[str, str]
    site: IntArray | None
    reference: str | None
    conf_level: float

    def row(self, stratum: str, stage: str) -> dict[str, Any]:
        mine = np.ones(len(self.counts), dtype=bool) if stratum == ALL else self.stratum == stratum
        j = self.names.index(stage)
        row: dict[str, Any] = {"stratum": stratum, "stage": stage, "people": int(self.counts[mine, j].sum())}
        parent = self.parents.get(stage)
        row |= {"counted_from": parent or "", "people_from": None if parent is None else int(self.counts[mine, self.names.index(parent)].sum())}  # fmt: skip
        for name, start in (("retention", parent), ("reach", None if parent is None else self.names[0])):
            row |= self._share(name, mine, stratum, j, None if start is None else self.names.index(start))
        return row

    def _share(self, name: str, mine: Any, stratum: str, j: int, start: int | None) -> dict[str, float]:
        keys = [name, f"{name}_low", f"{name}_high", f"{name}_ratio", f"{name}_ratio_low", f"{name}_ratio_high"]
        if start is None:
            return dict.fromkeys(keys, float("nan"))
        x, n = self.counts[:, j], self.counts[:, start]
        share = share_with_interval(x=x * mine, n=n * mine, site=self.site, conf_level=self.conf_level)
        others = ~mine if self.reference is None else self.stratum == self.reference
        ratio = (float("nan"),) * 3
        if stratum != ALL and stratum != self.reference:
            ratio = ratio_with_interval(
                x1=x * mine, n1=n * mine, x0=x * others, n0=n * others, site=self.site, conf_level=self.conf_level
            )
        return dict(zip(keys, (*share, *ratio)))

    def notes(self, rows: Sequence[Mapping[str, Any]]) -> list[Note]:
        notes = []
        if "attended" in self.names and self.parents.get("attended") == "randomized":
            text = "'attended' is counted from everyone randomized; if some were assigned to go without, add a column 'offered' (1 for those who could attend)."
            notes.append(Note("attended_of_randomized", text))
        if "offered" in self.names:
            text = "who was offered the programme was drawn by lot: reach at 'offered' and 'attended' is lower for that reason too, retention and ratios are not."
            notes.append(Note("offered_by_lot", text))
        empty = [f"{r['stratum']} at {r['stage']}" for r in rows if r["people_from"] == 0]
        if empty:
            notes.append(
                Note("empty_stage", f"nobody is left to be counted from for {shown(empty)}: retention is not defined there.")
            )
        edge = [
            f"{r['stratum']} at {r['stage']}" for r in rows if r["people_from"] and r["retention"] in (0.0, 1.0) and np.isnan(r["retention_low"])
        ]  # fmt: skip
        if edge:
            notes.append(
                Note(
                    "no_interval",
                    f"nobody or everybody was kept in every cluster for {shown(edge)}: no interval comes from clusters there.",
                )
            )
        return notes


def _strata(frame: pd.DataFrame, by: str | Sequence[str] | None) -> list[str]:
    names = [] if by is None else [by] if isinstance(by, str) else list(by)
    for name in names:
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns, "the funnel")
        absent = frame[name].isna()
        if absent.any():
            raise MissingDataError(
                f"the stratum '{name}' is missing in {rows_text(absent)}: give these people a stratum of their own, such as 'unknown'."
            )
    if not names:
        return [ALL] * len(frame)
    labels = [", ".join(map(str, v)) for v in frame[names].itertuples(index=False)]
    if ALL in labels:
        raise UsageError(f"a stratum is called '{ALL}', which stands for everyone: give it another name.")
    return labels


def _stages(frame: pd.DataFrame, stages: Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(stages, str):
        raise UsageError(f"stages takes a list of columns: write ['{stages}', ...].")
    names = tuple(s for s in STAGES if s in frame.columns) if stages is None else tuple(stages)
    for name in names:
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns, "the funnel")
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(
            f"a funnel needs two or more different stages, found {shown(names)}: name the columns in their order with stages=, or call them "
            f"{shown(STAGES, 7)}."
        )
    return names


def _parents(names: tuple[str, ...], given: Mapping[str, str] | None) -> dict[str, str]:
    parents = {}
    for j, name in enumerate(names[1:], start=1):
        near = [b for b in BEFORE.get(name, ()) if b in names[:j]]
        parents[name] = near[0] if near else names[j - 1]
    for stage, start in (given or {}).items():
        if stage not in names[1:] or start not in names[: names.index(stage)]:
            raise UsageError(
                f"counted_from says that '{stage}' is counted from '{start}', which is not a stage before it: the stages are {shown(names, 9)}."
            )
        parents[stage] = start
    return parents


def _counts(frame: pd.DataFrame, names: tuple[str, ...], parents: dict[str, str]) -> tuple[FloatArray, bool, list[Note]]:
    """(n, stages) counts, whether rows are people, and notes."""
    if not len(frame):
        raise DataError("the funnel has no rows.")
    values = np.column_stack([numeric(frame[n], n) for n in names])
    notes = []
    for j, name in enumerate(names):
        wrong = np.isfinite(values[:, j]) & ((values[:, j] < 0) | (values[:, j] % 1 != 0))
        if wrong.any():
            raise ValueTypeError(
                f"'{name}' is {values[wrong, j][0]:g} in {rows_text(wrong)}: stages are 0 or 1 a person, or whole counts of people."
            )
    people = bool(np.nanmax(values) <= 1)
    for j, name in enumerate(names):
        absent = np.isnan(values[:, j])
        if not absent.any():
            continue
        known = np.zeros(len(values), dtype=bool) if j == 0 else values[:, names.index(parents[name])] == 0
        if (absent & ~known).any():
            raise MissingDataError(
                f"'{name}' is missing in {rows_text(absent & ~known)}: write 0 for people who did not come to that stage"
                + ("." if j == 0 else f" (it may be empty where '{parents[name]}' is 0).")
            )
        values[absent, j] = 0
        notes.append(
            Note("empty_is_no", f"'{name}' is empty for {int(absent.sum())} who were not '{parents[name]}': read as no.")
        )
    for name, start in parents.items():
        grows = values[:, names.index(name)] > values[:, names.index(start)]
        if grows.any():
            more = "are" if people else "hold more people that are"
            raise DataError(
                f"{rows_text(grows)} {more} '{name}' but not '{start}': correct the table, or say with counted_from= what '{name}' is counted from."
            )
    if not values[:, 0].any():
        raise DataError(f"nobody is '{names[0]}': there is nothing to reach.")
    return values, people, notes


def _codes_of(frame: pd.DataFrame, cluster: str) -> IntArray:
    if cluster not in frame.columns:
        raise ColumnNotFoundError(cluster, frame.columns, "the funnel")
    codes, labels = pd.factorize(frame[cluster], sort=True)
    if (codes < 0).any():
        raise MissingDataError(f"the cluster '{cluster}' is missing in {rows_text(codes < 0)}: fill it in.")
    if len(labels) < 2:
        raise EstimationError(f"'{cluster}' has one cluster: how clusters differ cannot be told from one. Leave cluster= out.")
    return codes.astype(np.int64)


def _where_lost(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[dict[str, Any]]:
    out = []
    for label in labels:
        mine = [r for r in rows if r["stratum"] == label and np.isfinite(r["retention_ratio"])]
        worst = min(mine, key=lambda r: r["retention_ratio"], default=None)
        if worst is not None and worst["retention_ratio"] < 1:
            out.append(
                {k: worst[k] for k in ("stratum", "stage", "retention_ratio", "retention_ratio_low", "retention_ratio_high")}
            )
    return out


def _indices(
    frame: pd.DataFrame, counts: FloatArray, names: tuple[str, ...], covariates: Sequence[str], notes: list[Note]
) -> list[dict[str, Any]]:
    rows = []
    for j, stage in enumerate(names[1:], start=1):
        here, others = counts[:, j] == 1, (counts[:, 0] == 1) & (counts[:, j] == 0)
        if min(here.sum(), others.sum()) < 2:
            notes.append(
                Note("index_undefined", f"'{stage}' holds or leaves out fewer than two people: it has no generalizability index.")
            )
            continue
        found = generalizability(frame[here], frame[others], covariates)
        rows.append(
            {
                "stage": stage,
                "people": int(here.sum()),
                "index": found.index,
                "verdict": found.verdict,
                "share_outside": found.share_outside,
            }
        )
    return rows
