"""How indices were made: their parts, which way each counts, and with what weight."""

from __future__ import annotations

from trialkit.report.document import Bullets, Row, Section, Table
from trialkit.report.format import decimals_for
from trialkit.report.sections.blocks import columns, section
from trialkit.report.view import View


def indices(view: View) -> Section | None:
    """A band for each index, a row for each part."""
    made = [o for o in view.content.outcomes if o.index]
    if not made:
        return None
    words, n = view.words, view.numbers
    labels = {o.column: o.label or o.name for o in view.content.outcomes}
    header = columns(words.part_header, words.control_mean_header, words.control_sd_header, words.weight_header)
    rows: list[Row] = []
    for o in made:
        rows.append(Row((o.label or o.name,), "band", words.index_kinds.get(str(o.index["kind"]), str(o.index["kind"]))))
        for column, part in o.index["components"].items():
            decimals = decimals_for(part["sd"])
            cells = (n.fixed(part["mean"], decimals), n.fixed(part["sd"], decimals), n.fixed(o.index["weights"][column], 3))
            turned = words.turned if part["better"] == "lower" else ""
            rows.append(Row((labels.get(column) or view.column(column), *cells), "inner", turned))
    told = [(o.label or o.name, note) for o in made for note in o.index["notes"] if note["code"] != "components_turned"]
    notes = tuple(words.note_for(words.said(note["text"]), [label]) for label, note in told)
    table = Table(words.indices_caption, header, tuple(rows), words.indices_note, "indices")
    return section(view, "indices", [table, Bullets(notes, "quiet") if notes else None])
