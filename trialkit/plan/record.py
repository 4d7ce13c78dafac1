"""A plan as it was read: its specification, its text, its hash, and what stands beside its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trialkit.plan.locking.manifest import plan_hash
from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["PlanRecord"]


@dataclass(frozen=True, slots=True, repr=False)
class PlanRecord:
    """What everything that is done with a plan needs of it; `tk.Plan` is this with what can be done, and tells of the attributes."""

    spec: PlanSpec
    text: str
    path: Path | None = None
    hash: str = field(init=False, default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", plan_hash(self.spec))

    @property
    def name(self) -> str:
        """The name of the file; 'plan.toml' for a plan from text."""
        return self.path.name if self.path is not None else "plan.toml"

    @property
    def folder(self) -> Path | None:
        """Where files named in the plan are looked for: beside the plan."""
        return self.path.parent if self.path is not None else None

    @property
    def lock_path(self) -> Path:
        """Where the lock stands by habit: plan.toml -> plan.lock.json."""
        return self.path.with_suffix(".lock.json") if self.path is not None else Path("plan.lock.json")

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain tables and lists, every default written out."""
        return self.spec.to_dict()
