"""The record: scoring, what was not run, notes, and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trialkit.report.document import Block, Bullets, Code, Facts, Row, Section, Table, Text, among
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
            among(f"{s.label or s.name}{f', {s.wave}' if s.wave else ''}: ", words.said(n.text))
            for s in view.content.scales
            for n in s.notes
        )
    )
    table = Table(words.scales_caption, header, tuple(rows), words.scales_note, "scales")
    return section(view, "scales", [table, Bullets(notes, "quiet") if notes else None])


def not_run(view: View) -> Section | None:
    """Planned parts that this version cannot run."""
    if not view.content.not_run:
        return None
    return section(
        view, "not_run", [Text(view.words.not_run_intro), Bullets(tuple(view.words.said(part) for part in view.content.not_run))]
    )


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
    items = tuple(view.words.note_for(view.words.said(text), outcomes) for text, outcomes in found.items())
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
    for line in content.unblinding:
        yield (
            words.unblinded_fact if line["line"] == 1 else words.status_unblinded,
            words.unblinded(words.moment(str(line["at"])), str(line["by"])),
        )
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
