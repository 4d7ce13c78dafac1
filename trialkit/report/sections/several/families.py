"""Which tests were corrected together, how, and what that did to their p-values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.document import Block, Bullets, Column, Row, Section, Table, Text
from trialkit.report.sections.blocks import columns, section
from trialkit.report.view import View
from trialkit.results import Result, TableResult

GRAPH = "gatekeeping"


def families(view: View) -> Section | None:
    """The families with raw and corrected p-values, or the graph and its steps; nothing where nothing was corrected."""
    found = view.content.corrections
    if isinstance(found.get(GRAPH), TableResult):
        return section(view, "families", _graph(view, found[GRAPH]))  # type: ignore[arg-type]
    if not any(len(r.estimates) > 1 for r in found.values()):
        return None
    return section(view, "families", _families(view, found))


def _families(view: View, found: Mapping[str, Result]) -> Iterator[Block]:
    words, n = view.words, view.numbers
    method = str(view.content.multiplicity.get("method", ""))
    yield Text(words.families_intro)
    yield Text(words.correction_meaning(method))
    rows: list[Row] = []
    for family, result in found.items():
        if len(result.estimates) > 1:
            rows.append(Row((_named(view, family),), "band"))
            for e in result.estimates:
                label, contrast = _parts(view, e.outcome, e.contrast)
                rows.append(Row((label, n.p(e.p_value), n.p(e.extra["p_adjusted"])), "inner", contrast))
    header = columns(words.test_header, words.p_header, words.p_adjusted_header)
    yield Table(words.families_caption, header, tuple(rows), words.families_note, "families")
    alone = [_test(view, e.outcome, e.contrast) for r in found.values() if len(r.estimates) == 1 for e in r.estimates]
    if alone:
        yield Text(words.alone(alone))
    told = {family: [words.said(note.text) for note in r.notes] for family, r in found.items() if len(r.estimates) > 1}
    items = tuple(words.in_family(_named(view, family), text) for family, texts in told.items() for text in texts)
    if items:
        yield Bullets(items, "quiet")


def _named(view: View, family: str) -> str:
    """A family by its name; one that has the name of a role as that role."""
    return view.words.roles.get(family, family)


def _parts(view: View, outcome: str, contrast: str) -> tuple[str, str]:
    """The outcome of a test, and with several comparisons which one it is."""
    found = next((o for o in view.content.outcomes if o.name == outcome), None)
    label = outcome if found is None else found.label or found.name
    return label, view.short(contrast) if view.several_arms else ""


def _test(view: View, outcome: str, contrast: str) -> str:
    return view.words.test_of(*_parts(view, outcome, contrast))


def _graph(view: View, result: TableResult) -> Iterator[Block]:
    words = view.words
    said = view.content.multiplicity
    yield Text(words.graph_intro)
    yield _order(view, said) if "order" in said else _arrows(view, said)
    yield _steps(view, result)
    inside = {str(r["hypothesis"]) for r in result.table}
    outside = [view.words.test_of(*parts) for name, parts in _hypotheses(view).items() if name not in inside]
    if outside:
        yield Text(words.outside(outside))
    if result.notes:
        yield Bullets(tuple(words.said(note.text) for note in result.notes), "quiet")


def _hypotheses(view: View) -> dict[str, tuple[str, str]]:
    """Names of the plan's hypotheses with their outcome and comparison as a reader knows them."""
    return {
        (f"{o.name}: {e.contrast}" if view.several_arms else o.name): _parts(view, o.name, e.contrast)
        for o in view.content.outcomes
        for e in o.result.estimates
    }


def _order(view: View, said: Mapping[str, Any]) -> Table:
    words, names = view.words, [str(f) for f in said["order"]]
    labels = {o.name: o.label or o.name for o in view.content.outcomes}
    share = said.get("pass_on") == "any"
    rows = []
    for i, family in enumerate(names):
        opens = words.opens_first if i == 0 else words.opens_after(_named(view, names[i - 1]), share)
        members = words.listed([labels.get(str(m), str(m)) for m in said["families"].get(family, [])])
        rows.append(Row((_named(view, family), members, opens)))
    header = tuple(Column(h, "text") for h in (words.family_header, words.members_header, words.opens_header))
    return Table(words.order_caption, header, tuple(rows))


def _arrows(view: View, said: Mapping[str, Any]) -> Table:
    words, general, known = view.words, view.numbers.general, _hypotheses(view)
    weights, arrows = said.get("weights") or {}, said.get("transitions") or {}
    rows = []
    for name in dict.fromkeys((*weights, *arrows, *(end for row in arrows.values() for end in row))):
        passes = [
            words.arrow(words.test_of(*known.get(end, (end, ""))), general(g)) for end, g in arrows.get(name, {}).items() if g
        ]
        label, contrast = known.get(name, (name, ""))
        rows.append(Row((label, general(weights.get(name, 0.0)), words.listed(passes) or words.none), beneath=contrast))
    header = (Column(words.hypothesis_header, "text"), Column(words.starts_header), Column(words.passes_header, "text"))
    return Table(words.graph_caption, header, tuple(rows))


def _steps(view: View, result: TableResult) -> Table:
    words, n, known = view.words, view.numbers, _hypotheses(view)
    header = columns(
        words.hypothesis_header, words.rejected_header, words.p_header, words.p_adjusted_header, words.share_held_header
    )
    rows = []
    for step in result.details["steps"]:
        label, contrast = known.get(str(step["hypothesis"]), (str(step["hypothesis"]), ""))
        cells = (n.p(step["p_value"]), n.p(step["p_adjusted"]), n.general(step["weight"]))
        rows.append(Row((label, words.yes if step["rejected"] else words.no, *cells), beneath=contrast))
    return Table(words.steps_caption(n.general(result.details["alpha"])), header, tuple(rows), words.steps_note, "families")
