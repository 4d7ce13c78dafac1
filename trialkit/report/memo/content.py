"""What the page says, as data: the same for HTML, Word and text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialkit.power.cost import DesignCost
from trialkit.report.format import real
from trialkit.report.memo import phrases as p
from trialkit.report.memo.answers import Answers, Change
from trialkit.report.memo.assumptions import Row, assumption_rows, source_of_icc
from trialkit.report.memo.questions import Question
from trialkit.report.words.en.memo import MemoWords
from trialkit.results import Result


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. A row of one cell is a heading inside it; `bold` is the (row, column) of the planned design, `note` stands below."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bold: tuple[int, int] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeBlock:
    """One outcome: heading, the sentence that says it all, facts, tables, paragraphs; `picture` is (caption, alternative text)."""

    heading: str
    lead: str
    facts: tuple[tuple[str, str], ...] = ()
    assumptions: Grid | None = None
    changes: Grid | None = None
    sensitivity: Grid | None = None
    method: tuple[str, ...] = ()
    picture: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The memo."""

    kicker: str
    title: str
    question: tuple[str, ...]
    blocks: tuple[OutcomeBlock, ...]
    extra: tuple[tuple[str, str], ...]
    costs: Grid | None
    references: tuple[str, ...]
    made_with: str


def block(
    w: MemoWords, question: Question, found: Answers | None, unit: str | None, sources: Mapping[str, str], several: bool
) -> OutcomeBlock:
    """One outcome of the memo."""
    heading = (
        w.outcome_heading.format(label=question.label, arm=question.arm, reference=question.reference)
        if question.arm
        else question.label[:1].upper() + question.label[1:]
    )
    if found is None:
        text = (
            w.no_formula if question.state == "no_formula" else w.nothing_detectable.format(power=p.percent(w, question.target))
        )
        return OutcomeBlock(heading, text)
    return OutcomeBlock(
        heading if several else "",
        _lead(w, question, unit),
        tuple(_facts(w, question, found, unit)),
        _assumptions(w, question, found, sources),
        _changes(w, question, found),
        _sensitivity(w, question, found),
        tuple(_method(w, question)),
    )


def _lead(w: MemoWords, q: Question, unit: str | None) -> str:
    r = q.result
    template = w.lead_detectable if r.solved_for == "effect" else w.lead
    text = template.format(
        sizes=p.sizes(w, r),
        n=p.size(w, r.n),
        effect=p.effect(w, q, r, unit),
        power=p.percent(w, r.power),
        test=p.test_words(w, r),
    )
    return text


def _facts(w: MemoWords, q: Question, found: Answers, unit: str | None) -> Any:
    r = q.result
    arms = (r.controls, r.treated) if q.swapped else (r.treated, r.controls)
    treated, controls = (float(a or 0.0) for a in arms)
    yield w.people_row, w.people_value.format(n=p.size(w, r.n), treated=p.size(w, treated), controls=p.size(w, controls))
    if r.function == "grouped":
        yield w.sizes_row, p.groups(w, r)
    yield w.allocation_row, ratio(w, treated, controls)
    yield w.effect_row, p.effect(w, q, r, unit)
    if r.effect_standardized is not None:
        yield w.standardized_row, p.standardized(w, r)
    yield w.power_row, p.percent(w, r.power)
    if found.detectable is not None and r.solved_for != "effect":
        yield (
            w.detectable_row,
            w.detectable_value.format(effect=p.effect(w, q, found.detectable, unit), power=p.percent(w, q.target)),
        )
    if "smallest" in q.more:
        small = q.more["smallest"]
        yield w.smallest_row, w.smallest_value.format(effect=p.effect(w, q, small, unit), power=p.percent(w, small.power))
    if "stricter" in q.more:
        yield w.stricter_row.format(members=q.members), w.stricter_value.format(effect=p.effect(w, q, q.more["stricter"], unit))
    if r.std_error is not None:
        yield w.error_row, w.error_value.format(std_error=p.number(w, r.std_error), test=p.df_words(w, r))
    if r.type_m is not None and r.type_s is not None:
        yield w.type_row, w.type_value.format(type_m=p.marked(w, f"{r.type_m:.2f}"), type_s=p.small(w, r.type_s))


def ratio(w: MemoWords, treated: float, controls: float) -> str:
    """'1 : 1', '2 : 1', '1 : 1.2'."""
    low = min(treated, controls)
    return " : ".join(p.number(w, round(v / low, 2)) for v in (treated, controls))


def _assumptions(w: MemoWords, q: Question, found: Answers, sources: Mapping[str, str]) -> Grid:
    def said(row: Row) -> str:
        own = sources.get(row.key) or p.word(w.sources, q.sources.get(row.key, "stated"), "source")
        return f"{own}; {source_of_icc(w, found)}" if row.key == "icc" and found.published is not None else own

    rows = tuple((row.label, row.value, said(row)) for row in assumption_rows(w, q))
    aside = ", ".join(p.word(w.aside, k, "omission") for k in q.aside)
    note = w.aside_heading.format(what=aside) if aside else ""
    return Grid(w.assumptions_heading, (w.assumption_column, w.value_column, w.source_column), rows, note=note)


def _changes(w: MemoWords, q: Question, found: Answers) -> Grid:
    planned = (
        w.as_planned,
        p.percent(w, q.result.power),
        "–" if found.detectable is None else p.change_effect(w, q, found.detectable.effect),
    )
    rows: list[tuple[str, ...]] = [planned]
    for band, changes, words in ((w.more_band, found.gains, w.more), (w.worse_band, found.risks, w.worse)):
        rows += [(band,)] if changes else []
        rows += [_change_row(w, q, c, words) for c in changes]
    return Grid(w.changes_heading, (w.change_column, w.power_column, w.detectable_column), tuple(rows))


def _change_row(w: MemoWords, q: Question, change: Change, words: Mapping[str, str]) -> tuple[str, ...]:
    value = change.value
    filled = {} if value is None else {"value": p.number(w, value), "share": p.percent(w, value)}
    text = p.word(words, change.key, "change").format(**filled)
    power = w.undefined if change.power is None else p.percent(w, change.power.power)
    effect = "–" if change.detectable is None else p.change_effect(w, q, change.detectable.effect)
    return text, power, effect


def _sensitivity(w: MemoWords, q: Question, found: Answers) -> Grid | None:
    if found.sensitivity is None:
        return None
    table, by = found.sensitivity.table, found.rows_by
    values, effects = (sorted({real(r[k]) for r in table}, key=abs) for k in (by, "effect"))
    power = {(real(r[by]), real(r["effect"])): real(r["power"]) for r in table}
    form = p.number if by == "icc" else p.percent
    rows = tuple((form(w, v), *(cell(w, power[v, e]) for e in effects)) for v in values)
    assumed, planned = q.base().get(by, 0.0), q.result.effect
    bold = (values.index(assumed), 1 + effects.index(planned)) if assumed in values and planned in effects else None
    named = p.word(w.rows_by, by, "argument")
    columns_said = [] if q.rate is None else [w.sensitivity_rates.format(rate=p.percent(w, q.rate))]
    note = " ".join([*columns_said, *([w.sensitivity_bold] if bold else []), w.sensitivity_note])
    columns = (named[0].upper() + named[1:], *(p.short_effect(w, q, e) for e in effects))
    return Grid(w.sensitivity_heading.format(rows=named), columns, rows, bold, note)


def cell(w: MemoWords, power: float) -> str:
    return "–" if math.isnan(power) else p.percent(w, power)


def _method(w: MemoWords, q: Question) -> Any:
    yield p.word(w.methods, q.result.method, "method")
    imbalance = q.result.details.get("power_with_imbalance")
    for note in q.result.notes:
        key = "imbalance" if note.code == "ancova_optimistic" and imbalance is not None else note.code
        yield p.word(w.cautions, key, "caution").format(power="" if imbalance is None else p.percent(w, imbalance))


def cost_grid(w: MemoWords, cost: DesignCost, currency: str) -> Grid:
    def money(v: float) -> str:
        return f"{currency} {w.numbers.fixed(v, 0 if float(v).is_integer() else 2)}"

    rows = [
        (p.word(w.cost_items, r["item"], "item"), p.size(w, r["number"]), money(r["each"]), money(r["amount"]))
        for r in cost.table
    ]
    return Grid(w.costs_heading, w.cost_columns, (*rows, (w.total, "", "", money(cost.total))), bold=(len(rows), 3))


def simulated_text(w: MemoWords, found: Any) -> tuple[str, str]:
    """The simulation of the planned analysis in a paragraph."""
    parts = []
    for r in found.table:
        filled = {"power": p.percent(w, r["power"]), "error": p.percent(w, r["mc_error"])}
        if r["effect"] == found.details.get("null", 0):
            parts.append(w.simulated_size.format(**filled))
            continue
        rates = str(found.details.get("units")).startswith("differences of rates")
        effect = f"{p.number(w, 100 * r['effect'])} {w.points}" if rates else p.number(w, r["effect"])
        closed = "" if r["closed_form"] is None else f"; {_FORMULA[w.language]} {p.percent(w, r['closed_form'])}"
        parts.append(w.simulated_row.format(effect=effect, closed=closed, **filled))
    return w.simulated_heading, w.simulated_from.format(n=p.size(w, found.table[-1]["n_draws"])) + "; ".join(parts) + "."


_FORMULA = {"en": "by formula", "nl": "volgens de formule"}


def assurance_text(w: MemoWords, found: Any) -> tuple[str, str]:
    """Power over the priors in a sentence; the priors as the range of the points that were tried."""
    d, spans = found.details, []
    for name in (k for k in found.table[0] if k != "power"):
        values = [real(r[name]) for r in found.table]
        label = w.axes["effect"] if name == "effect" else p.word(w.assumptions, name, "argument")
        spans.append(w.assurance_range.format(name=label, low=p.number(w, min(values)), high=p.number(w, max(values))))
    return w.assurance_heading, w.assurance_sentence.format(
        priors=", ".join(spans), assurance=p.percent(w, d["assurance"]), middle=p.percent(w, d["at_medians"]), worst=p.percent(w, d["worst"]),
        target=p.percent(w, d["target"]), reaches=p.percent(w, d["reaches"]),
    )  # fmt: skip


def question_text(w: MemoWords, asked: Sequence[Question], population: str | None) -> tuple[str, ...]:
    """The question of the trial: one sentence an outcome and contrast of a plan."""
    if population is None:
        template = (
            w.question_grouped
            if all(q.result.function == "grouped" and "control_groups" not in q.base() for q in asked)
            else w.question_other
        )
        return (template.format(outcome=asked[0].label if len(asked) == 1 and asked[0].label else w.the_outcome),)
    return tuple(w.question_of_plan.format(population=population, arm=q.arm, label=q.label, reference=q.reference) for q in asked)


def text_of(page: Page) -> str:
    """The page as plain text."""
    lines = [page.kicker, page.title, "", *page.question]
    for b in page.blocks:
        lines += ["", *([b.heading] if b.heading else []), b.lead, *(f"  {k}: {v}" for k, v in b.facts)]
        for grid in (b.assumptions, b.changes, b.sensitivity):
            lines += _grid_text(grid)
        lines += [" ".join(b.method)] if b.method else []
    for heading, text in page.extra:
        lines += ["", heading, text]
    return "\n".join([*lines, *_grid_text(page.costs), "", *page.references, page.made_with])


def _grid_text(grid: Grid | None) -> list[str]:
    if grid is None:
        return []
    widths = [max(len(r[i]) for r in (grid.columns, *grid.rows) if len(r) > i) for i in range(len(grid.columns))]
    rows = ["  " + "  ".join(c.ljust(n) for c, n in zip(r, widths)).rstrip() for r in (grid.columns, *grid.rows)]
    return ["", grid.heading, *rows, *([grid.note] if grid.note else [])]


def kept(asked: Sequence[tuple[Question, Answers | None]], more: Mapping[str, Result | None]) -> list[tuple[str, Result]]:
    """Every result that a number of the page comes from, with a name."""
    found: list[tuple[str, Result | None]] = []
    for i, (q, a) in enumerate(asked, start=1):
        if a is None:
            continue
        found += [(f"{i}.design", q.result), *((f"{i}.{k}", r) for k, r in q.more.items()), (f"{i}.detectable", a.detectable)]
        found += [(f"{i}.sensitivity", a.sensitivity), (f"{i}.curve", a.curve)]
        for c in (*a.gains, *a.risks):
            found += [(f"{i}.{c.key}.power", c.power), (f"{i}.{c.key}.detectable", c.detectable)]
    return [(k, r) for k, r in (*found, *more.items()) if r is not None]
