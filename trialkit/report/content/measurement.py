"""What a report says of the scales, as data: how they were scored, and how well they measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trialkit.report.content.stored import stored_table, stored_table_if_any
from trialkit.results import Note, Result, TableResult, plain


@dataclass(frozen=True)
class ScaleContent:
    """How a scale was scored at one wave: counts a reader can check."""

    name: str
    label: str
    wave: str
    column: str
    counts: Mapping[str, Any]
    notes: tuple[Note, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        notes = [{"code": n.code, "text": n.text} for n in self.notes]
        return {
            "name": self.name,
            "label": self.label,
            "wave": self.wave,
            "column": self.column,
            "counts": plain(self.counts),
            "notes": notes,
        }

    @staticmethod
    def from_dict(s: Mapping[str, Any]) -> ScaleContent:
        """What `to_dict` wrote."""
        notes = tuple(Note(n["code"], n["text"]) for n in s["notes"])
        return ScaleContent(s["name"], s["label"], s["wave"], s["column"], s["counts"], notes)


@dataclass(frozen=True)
class MeasurementContent:
    """How well a scale measured.

    `waves` are its waves in words ('' without waves). `over_waves` by 't0 to t1' and `over_arms` by wave hold the tests of invariance; `ends` people
    at the lowest and highest score; `change` reliable change by 't0 to t1'; `latent` the effect on what is measured, by outcome, where its score did
    not stay the same measure. `left_out` says what could not be analysed, and why.
    """

    name: str
    label: str
    waves: Mapping[str, str]
    n_items: int
    reliability: TableResult | None = None
    reliability_by_arm: TableResult | None = None
    over_waves: Mapping[str, TableResult] = field(default_factory=dict)
    over_arms: Mapping[str, TableResult] = field(default_factory=dict)
    ends: TableResult | None = None
    change: Mapping[str, TableResult] = field(default_factory=dict)
    latent: Mapping[str, Result] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether some test of invariance says that the scale is not the same measure throughout, or that this is not known for more than want of people."""
        return any(
            r.details["standing"] not in ("same", "undecided") for r in (*self.over_waves.values(), *self.over_arms.values())
        )

    def to_dict(self) -> dict[str, Any]:
        single = {k: getattr(self, k) for k in ("reliability", "reliability_by_arm", "ends")}
        several = {k: getattr(self, k) for k in ("over_waves", "over_arms", "change", "latent")}
        return {
            "name": self.name, "label": self.label, "waves": dict(self.waves), "n_items": self.n_items, "left_out": list(self.left_out),
            **{k: None if r is None else r.to_dict() for k, r in single.items()},
            **{k: {at: r.to_dict() for at, r in found.items()} for k, found in several.items()},
        }  # fmt: skip

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> MeasurementContent:
        """What `to_dict` wrote."""
        return MeasurementContent(
            name=content["name"], label=content["label"], waves=content["waves"], n_items=content["n_items"],
            left_out=tuple(content["left_out"]),
            reliability=stored_table_if_any(content["reliability"]), reliability_by_arm=stored_table_if_any(content["reliability_by_arm"]), ends=stored_table_if_any(content["ends"]),
            over_waves=_tables(content["over_waves"]), over_arms=_tables(content["over_arms"]), change=_tables(content["change"]),
            latent={name: Result.from_dict(r) for name, r in content["latent"].items()},
        )  # fmt: skip


def _tables(content: Mapping[str, Mapping[str, Any]]) -> dict[str, TableResult]:
    return {at: stored_table(r) for at, r in content.items()}
