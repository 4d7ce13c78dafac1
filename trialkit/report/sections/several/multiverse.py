"""The specification curve: what the declared alternatives do to the effect, and the test of all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.content import OutcomeContent
from trialkit.report.document import Block, Bullets, Column, FigureBlock, Heading, Row, Section, Table, Text, among, opening
from trialkit.report.format import real
from trialkit.report.sections.blocks import columns, section
from trialkit.report.units import Unit, unit_of
from trialkit.report.view import View
from trialkit.results import Estimate, Result


def multiverse(view: View) -> Section | None:
    """A figure, what it shows in words and two tables for every outcome; nothing where the plan declares no alternatives."""
    content, words = view.content, view.words
    if not content.multiverse and not content.multiverse_left_out:
        return None
    blocks: list[Block] = [Text(words.multiverse_intro)]
    for i, (key, result) in enumerate(content.multiverse.items()):
        blocks += _one(view, i, key, result)
    if content.multiverse_left_out:
        blocks += [Text(words.multiverse_left_out), Bullets(tuple(words.said(t) for t in content.multiverse_left_out), "quiet")]
    return section(view, "multiverse", blocks)


def curve_figure(i: int) -> str:
    """The name of the figure of the i-th curve."""
    return f"specification-curve-{i + 1}"


def curve_label(view: View, key: str) -> str:
    """The outcome in words, and with several treated arms which one it is."""
    name, _, contrast = key.partition(": ")
    outcome: OutcomeContent | None = next((o for o in view.content.outcomes if o.name in (key, name)), None)
    label = key if outcome is None else outcome.label or outcome.name
    return f"{label}, {view.contrast(contrast)}" if contrast and outcome is not None and outcome.name == name else label


def curve_labels(view: View) -> dict[str, str]:
    """Names of the covariates in words."""
    return {k: v for k, v in view.labels().items() if v}


def _one(view: View, i: int, key: str, result: Result) -> Iterator[Block]:
    words, label, unit = view.words, curve_label(view, key), unit_of(result, view.numbers)
    counts, place = _counts(view, unit, result), _place(view, unit, result)
    yield Heading(label)
    yield Text(f"{counts} {place}".strip(), "lead")
    yield Text(_directions(view, result))
    yield Text(_tested(view, result))
    yield FigureBlock(
        curve_figure(i), words.caption_curve(label, view.level), words.alt_curve(label, counts, place), "multiverse"
    )
    yield Table(
        words.curve_table_caption(label), _header(view), tuple(_options(view, unit, result)), words.curve_table_note, "multiverse"
    )
    if result.details["joint"]:
        yield _joint(view, result)
    failed = [e for e in result.estimates if e.extra["reason"]]
    if failed:
        yield Text(words.curve_failed)
        yield Bullets(tuple(among(f"{_named(view, e, result)}: ", words.said(str(e.extra["reason"]))) for e in failed), "quiet")
    if result.notes:
        yield Bullets(tuple(opening(words.said(n.text)) for n in result.notes), "quiet")


def _counts(view: View, unit: Unit, result: Result) -> str:
    n, s = view.numbers, result.details["summary"]
    low, high, median = (unit.difference(s[k]) for k in ("lowest", "highest", "median"))
    return view.words.curve_counts(n.count(s["estimated"]), n.count(s["specifications"]), low, high, median)


def _place(view: View, unit: Unit, result: Result) -> str:
    n, s = view.numbers, result.details["summary"]
    own = next(e for e in result.estimates if e.extra["registered"])
    if s["place"] is None:
        return ""
    return view.words.curve_place(unit.difference(own.estimate), n.count(s["place"]), n.count(s["estimated"]))


def _directions(view: View, result: Result) -> str:
    n, s = view.numbers, result.details["summary"]
    same, significant, both, estimated = (
        n.count(s[k]) for k in ("same_sign", "significant", "significant_same_sign", "estimated")
    )
    return view.words.curve_directions(same, significant, both, estimated, n.general(result.details["alpha"]))


def _tested(view: View, result: Result) -> str:
    words, n, said = view.words, view.numbers, result.details
    chosen: Mapping[str, Any] | None = next((r for r in said["joint"] if r["chosen"]), None)
    if chosen is None:
        return words.curve_not_tested
    p = n.p(chosen["p_value"])
    return words.curve_tested(
        real(chosen["p_value"]) < real(said["alpha"]), words.curve_statistics[str(chosen["statistic"])], p if p[:1] in "<>" else f"= {p}",
        n.count(said["n_draws"]), n.count(chosen["specifications"]), n.count(said["summary"]["estimated"]),
    )  # fmt: skip


def _header(view: View) -> tuple[Column, ...]:
    words = view.words
    return columns(
        words.curve_option_header,
        words.curve_specifications_header,
        words.curve_median_header,
        words.curve_lowest_header,
        words.curve_highest_header,
    )


def _options(view: View, unit: Unit, result: Result) -> Iterator[Row]:
    words, n, labels = view.words, view.numbers, curve_labels(view)
    kind = ""
    for row in result.details["options"]:
        if row["kind"] != kind:
            kind = str(row["kind"])
            yield Row((words.curve_kinds.get(kind, kind),), "band")
        values = (unit.difference(row[k]) for k in ("median", "lowest", "highest"))
        yield Row((words.curve_option(kind, str(row["option"]), labels), n.count(row["estimated"]), *values), "inner")


def _joint(view: View, result: Result) -> Table:
    words, n = view.words, view.numbers
    rows = tuple(
        Row(
            (words.curve_statistics[str(r["statistic"])], n.percent(r["observed"]) if r["statistic"] == "share_significant" else n.fixed(r["observed"], 2),
             n.p(r["p_value"])), "strong" if r["chosen"] else "body",
        )
        for r in result.details["joint"]
    )  # fmt: skip
    header = columns(words.curve_statistic_header, words.curve_observed_header, words.p_header)
    return Table(words.curve_joint_caption, header, rows, words.curve_joint_note(str(result.details["null"])))


def _named(view: View, e: Estimate, result: Result) -> str:
    labels = curve_labels(view)
    return "; ".join(view.words.curve_option(kind, str(e.extra[kind]), labels) for kind in result.details["kinds"]) or str(
        e.extra["specification"]
    )
