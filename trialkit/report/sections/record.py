"""The record: scoring, deviations, what was not run, notes, how to repeat it, and the plan in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.document import Block, Bullets, Code, Facts, Fold, Heading, Row, Section, Table, Text
from trialkit.report.format import UNDEFINED, real
from trialkit.report.sections.blocks import columns, section
from trialkit.report.view import View


def scales(view: View) -> Section | None:
    """Counts of what was done to the answers, one row a scale and wave."""
    if not view.content.scales:
        return None
    words = view.words
    keys = list(words.scale_columns)
    header = columns(words.scale_header, *(words.scale_columns[k] for k in keys), words.possible_header)
    rows = []
    for s in view.content.scales:
        counts = [view.numbers.count(s.counts[k]) if k in s.counts else UNDEFINED for k in keys]
        possible = UNDEFINED
        if "low" in s.counts and "high" in s.counts:
            possible = words.interval(view.numbers.general(s.counts["low"]), view.numbers.general(s.counts["high"]))
        rows.append(Row((f"{s.label or s.name}, {s.wave}" if s.wave else s.label or s.name, *counts, possible)))
    notes = tuple(
        dict.fromkeys(
            f"{s.label or s.name}{f', {s.wave}' if s.wave else ''}: {n.text}" for s in view.content.scales for n in s.notes
        )
    )
    table = Table(words.scales_caption, header, tuple(rows), words.scales_note, "scales")
    return section(view, "scales", [table, Bullets(notes, "quiet") if notes else None])


def deviations(view: View) -> Section:
    """Every entry of the ledger, or that there is none."""
    words, entries = view.words, view.content.deviations
    if not entries:
        return section(view, "deviations", [Text(words.deviations_none), Text(words.deviations_none_detail, "quiet")])
    blocks: list[Block] = []
    for i, entry in enumerate(entries, 1):
        what = str(entry.get("plan_path") or entry.get("type") or "")
        blocks.append(Heading(words.deviation_title(view.numbers.count(i), what)))
        order = [k for k in words.deviation_names if k in entry] + [k for k in entry if k not in words.deviation_names]
        blocks.append(Facts(tuple((words.field(k), _value(view, entry[k])) for k in order if k != "id")))
    return section(view, "deviations", blocks)


def _value(view: View, value: Any) -> str:
    if isinstance(value, bool):
        return view.words.yes if value else view.words.no
    if value is None or value == "":
        return UNDEFINED
    if isinstance(value, (int, float)):
        return view.numbers.general(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{view.words.field(str(k))}: {_value(view, v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(view, v) for v in value)
    return str(value)


def not_run(view: View) -> Section | None:
    """Planned parts that this version cannot run."""
    if not view.content.not_run:
        return None
    return section(view, "not_run", [Text(view.words.not_run_intro), Bullets(view.content.not_run)])


_SAID_ELSEWHERE = frozenset({"p_adjusted", "denominator"})


def notes(view: View) -> Section | None:
    """Notes on the trial and on all analyses but the primary ones, each once with the outcomes it belongs to."""
    found: dict[str, list[str]] = {n.text: [] for n in view.content.notes}
    shown = {n.text for p in view.primary for n in p.result.notes}
    for o in view.content.outcomes:
        results = [r for r in (o.result, o.effect_size, *o.companions.values()) if r is not None]
        texts = dict.fromkeys(n.text for r in results for n in r.notes if n.code not in _SAID_ELSEWHERE)
        for text in texts:
            if text not in shown:
                found.setdefault(text, []).append(o.label or o.name)
    if not found:
        return None
    items = tuple(view.words.note_for(text, outcomes) for text, outcomes in found.items())
    return section(view, "notes", [Bullets(items)])


def manifest(view: View) -> Section:
    """Fingerprints, versions, the data receipt and the line that runs it again."""
    words, content = view.words, view.content
    blocks: list[Block] = []
    if content.command:
        blocks += [Text(words.manifest_intro), Code(content.command)]
    blocks += [Facts(tuple(_facts(view)), mono=True), Text(words.manifest_files, "quiet")]
    return section(view, "manifest", blocks)


def _facts(view: View) -> Iterator[tuple[str, str]]:
    words, content, lock = view.words, view.content, view.content.lock
    for key, value in (
        ("plan_hash", lock.plan_hash),
        ("manifest_hash", lock.manifest_hash),
        ("locked_at", words.moment(lock.locked_at)),
    ):
        if value:
            yield words.manifest_name(key), value
    for entry in lock.evidence:
        yield words.manifest_name("evidence"), f"{entry['file']} {entry['sha256']}"
    for key, value in content.data.items():
        if value is None or isinstance(value, (Mapping, list, tuple)):
            continue
        counted = not isinstance(value, (str, bool)) and real(value) == real(value)
        yield words.manifest_name(key), view.numbers.count(value) if counted else str(value)
    if content.versions:
        yield words.manifest_name("software"), ", ".join(f"{k} {v}" for k, v in content.versions.items())
    if content.created:
        yield words.manifest_name("created"), words.moment(content.created)


def plan(view: View) -> Section | None:
    """The plan in words, folded."""
    if not view.content.plan_text:
        return None
    words = view.words
    return section(view, "plan", [Text(words.plan_intro), Fold(words.plan_fold, (Code(view.content.plan_text, "plan"),))])
