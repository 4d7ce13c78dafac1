"""What a run finds to be otherwise than planned, though nobody wrote it down: listed, never logged without a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trialkit.plan.locking.software import source_hash, versions
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.schema.scale_files import digest, is_own
from trialkit.report.content import ReportContent

__all__ = ["noticed"]


def noticed(
    spec: PlanSpec, content: ReportContent, manifest: Mapping[str, Any] | None, folder: Path | None
) -> Iterator[dict[str, Any]]:
    """Rows of 'kind', 'what', 'planned' and 'reached'.

    Parameters
    ----------
    spec : the plan that was run. content : what came out.
    manifest : of the lock, for what changed since; None without one. folder : of the plan.
    """
    yield from _sizes(spec, content)
    yield from _waves(spec, content)
    if manifest is not None:
        yield from _definitions(manifest, folder)
        yield from _software(manifest)


def _sizes(spec: PlanSpec, content: ReportContent) -> Iterator[dict[str, Any]]:
    randomized = [r for r in content.flow.table if r["stage"] == "randomized"]
    people = sum(int(r["people"]) for r in randomized)
    if spec.design.units is not None and people != spec.design.units:
        yield _row("people", "", spec.design.units, people)
    clusters = sum(int(r["clusters"]) for r in randomized)
    if spec.design.clusters is not None and clusters != spec.design.clusters:
        yield _row("clusters", "", spec.design.clusters, clusters)
    if spec.design.groups is None:
        return
    low, high = spec.design.groups.size
    for r in randomized:
        if r.get("group_size_min") is not None and (r["group_size_min"] < low or r["group_size_max"] > high):
            yield _row("group_size", str(r["arm"]), [low, high], [r["group_size_min"], r["group_size_max"]])


def _waves(spec: PlanSpec, content: ReportContent) -> Iterator[dict[str, Any]]:
    """Waves at which a scale has no score of anybody."""
    for scale in content.scales:
        if scale.wave and scale.counts.get("scored") == 0:
            yield _row("wave", f"{scale.label or scale.name}, {spec.wave_label(scale.wave)}", scale.counts.get("people"), 0)


def _definitions(manifest: Mapping[str, Any], folder: Path | None) -> Iterator[dict[str, Any]]:
    """Scales of the registry that another version of trialkit defines otherwise; own files are changes of the plan."""
    for entry in manifest["scales"]:
        locked, now = entry.get("sha256"), digest(str(entry["scale"]), folder)
        if not is_own(str(entry["scale"])) and locked is not None and locked != now:
            yield _row("definition", str(entry["scale"]), locked, now)


def _software(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    present = versions()
    for package, locked in manifest["versions"].items():
        if present.get(package) != locked:
            yield _row("version", str(package), locked, present.get(package))
    same_version = manifest["versions"].get("trialkit") == present.get("trialkit")
    if same_version and manifest.get("source_sha256") not in (None, source_hash()):
        yield _row("code", "trialkit", manifest["source_sha256"], source_hash())


def _row(kind: str, what: str, planned: Any, reached: Any) -> dict[str, Any]:
    return {"kind": kind, "what": what, "planned": planned, "reached": reached}
