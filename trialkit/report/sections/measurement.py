"""How well the scales measured: a line a scale, the effects that carry a warning, and the numbers of each scale folded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from trialkit.report.content import MeasurementContent
from trialkit.report.document import Block, Bullets, Column, Fold, Heading, Row, Section, Table, Text
from trialkit.report.format import UNDEFINED, real
from trialkit.report.sections.blocks import columns, section, without_empty
from trialkit.report.sections.measurement_details import details
from trialkit.report.view import View
from trialkit.results import Estimate, Result

WARNINGS = frozenset({"response_shift", "arms_not_invariant"})


def measurement(view: View) -> Section | None:
    """The section; None where the plan has no scales."""
    if not view.content.measurement:
        return None
    return section(view, "measurement", _blocks(view))


def _blocks(view: View) -> Iterator[Block]:
    words, scales = view.words, view.content.measurement
    yield Text(words.measurement_intro)
    header = (
        Column(words.scale_word_header, "text"), *(Column(h) for h in (words.answered_header, words.alpha_header, words.omega_header)),
        *(Column(h) for h in (words.over_waves_header, words.over_arms_header, words.ends_header)),
    )  # fmt: skip
    kept, rows = without_empty(header, [_line(view, m) for m in scales])
    waves = dict.fromkeys(w for m in scales for w in m.waves.values() if w)
    tests = [r for m in scales for r in (*m.over_waves.values(), *m.over_arms.values())]
    undecided = any(r.details["standing"] == "undecided" for r in tests)
    yield Table(words.measurement_caption, kept, rows, words.measurement_note(" / ".join(waves), undecided), "measurement")
    yield from _warned(view)
    missing = [words.left_out_of_scale(m.label, words.said(text)) for m in scales for text in m.left_out]
    if missing:
        yield Bullets(tuple(missing), "quiet")
    for m in scales:
        inner = tuple(details(view, m))
        if inner:
            yield Fold(words.measurement_fold(m.label), inner)


def _line(view: View, m: MeasurementContent) -> Row:
    n = view.numbers
    table = () if m.reliability is None else m.reliability.table
    by_wave = [
        " / ".join(shown)
        for shown in ([n.count(r["n"]) for r in table], *([n.fixed(r[k], 2) for r in table] for k in ("alpha", "omega")))
    ]
    return Row((m.label, *by_wave, _verdicts(view, m.over_waves), _verdicts(view, m.over_arms), _ends(view, m)))


def _verdicts(view: View, tests: Mapping[str, Result]) -> str:
    said = dict.fromkeys(str(r.details["standing"]) for r in tests.values())
    return "; ".join(view.words.same_measure.get(s, s) for s in said)


def _ends(view: View, m: MeasurementContent) -> str:
    """Shares of everyone at an end where they are more than the convention allows."""
    if m.ends is None:
        return ""
    words = view.words
    said = [
        words.at_end(view.numbers.percent(r[f"share_{end}"]), words.ends_words[end], m.waves.get(str(r["wave"]), "") if len(m.waves) > 1 else "")
        for r in m.ends.table
        if r["arm"] == "everyone"
        for end in ("floor", "ceiling")
        if end in str(r["verdict"])
    ]  # fmt: skip
    return "; ".join(said) or words.ends_none


def _warned(view: View) -> Iterator[Block]:
    """What the effects of scales that failed are, and the latent effects beside the observed ones."""
    words = view.words
    notes = dict.fromkeys(n.text for o in view.content.outcomes for n in o.result.notes if n.code in WARNINGS)
    if not notes:
        return
    yield Heading(words.warned_title)
    yield Bullets(tuple(words.said(t) for t in notes))
    rows = [row for m in view.content.measurement for name, result in m.latent.items() for row in _compared(view, name, result)]
    if rows:
        level = words.interval_header(view.level)
        header = columns(words.outcome_header, words.observed_header, level, words.latent_header, level)
        yield Table(words.latent_caption, header, tuple(rows), words.latent_note, "latent_effects")


def _compared(view: View, name: str, result: Result) -> Iterator[Row]:
    """The observed and the latent effect of each contrast, both in standard deviations before the programme."""
    label = next((view.outcome_label(o) for o in view.content.outcomes if o.name == name), name)
    latent = [e for e in result.estimates if (e.extra["level"], e.extra["unit"]) == ("latent", "baseline SD")]
    whole = {e.contrast: e for e in result.estimates if e.extra["unit"] == "baseline SD of the score"}
    for e in latent:
        cells = (*_effect(view, whole.get(e.contrast)), *_effect(view, e))
        yield Row((label, *cells), beneath=view.short(e.contrast) if len(latent) > 1 else "")


def _effect(view: View, e: Estimate | None) -> tuple[str, str]:
    fixed = view.numbers.fixed
    if e is None or not math.isfinite(real(e.estimate)):
        return UNDEFINED, UNDEFINED
    return fixed(e.estimate, 2), view.words.interval(fixed(e.conf_low, 2), fixed(e.conf_high, 2))
