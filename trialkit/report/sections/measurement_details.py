"""The numbers of one scale: reliability by wave and arm, tests of the same measure, people at the ends, reliable change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.content import MeasurementContent
from trialkit.report.document import Block, Bullets, Row, Table, opening
from trialkit.report.format import UNDEFINED, real
from trialkit.report.sections.blocks import columns
from trialkit.report.view import View
from trialkit.results import TableResult

PLAIN = ("chisq", "cfi", "rmsea", "srmr", "cfi_change")
ROBUST = ("chisq_scaled", "cfi_corrected", "rmsea_corrected", "srmr", "cfi_change")
OF_CHANGE = frozenset({"no_difference", "exact"})
# how missing answers were used is the same for every scale and stands in results.json
ROUTINE = frozenset(
    {"pairwise", "no_answers", "fiml", "robust_missing", "no_level", "outcome_missing", "mean_of_answered", "covariate_imputed"}
)


def details(view: View, m: MeasurementContent) -> Iterator[Block]:
    """Tables of a scale, and the notes of its analyses."""
    yield from _reliability(view, m)
    for key, result in m.over_waves.items():
        before, after = (m.waves.get(w, w) for w in key.split(" to "))
        yield from _tests(view, view.words.over_waves_caption(before, after), result)
    for wave, result in m.over_arms.items():
        yield from _tests(view, view.words.over_arms_caption(m.waves.get(wave, wave)), result)
    yield from _ends(view, m)
    for key, result in m.change.items():
        before, after = (m.waves.get(w, w) for w in key.split(" to "))
        yield from _change(view, view.words.change_caption(before, after), result)
    notes = tuple(opening(view.words.said(text)) for text in _notes(m))
    if notes:
        yield Bullets(notes, "quiet")


def _notes(m: MeasurementContent) -> tuple[str, ...]:
    tests = (m.reliability, *m.over_waves.values(), *m.over_arms.values(), m.ends, *m.latent.values())
    said = [n.text for r in tests if r is not None for n in r.notes if n.code not in ROUTINE]
    said += [n.text for r in m.change.values() for n in r.notes if n.code in OF_CHANGE]
    return tuple(dict.fromkeys(said))


def _reliability(view: View, m: MeasurementContent) -> Iterator[Block]:
    words, n = view.words, view.numbers
    sets = [(r, words.everyone) for r in (m.reliability.table if m.reliability else ())]
    sets += [(r, view.arm(r["by"])) for r in (m.reliability_by_arm.table if m.reliability_by_arm else ())]
    if not sets:
        return
    order = list(m.waves)
    sets.sort(key=lambda s: order.index(str(s[0].get("wave", ""))) if str(s[0].get("wave", "")) in order else 0)
    level = words.interval_header(view.level)
    header = columns(words.arm_header, words.n_header, words.alpha_header, level, words.omega_header, level)
    rows: list[Row] = []
    shown = None
    for r, who in sets:
        wave = str(r.get("wave", ""))
        if wave != shown and len(m.waves) > 1:
            rows.append(Row((m.waves.get(wave, wave),), "band"))
        shown = wave
        alpha, omega = (
            (n.fixed(r[k], 2), words.interval(n.fixed(r[f"{k}_low"], 2), n.fixed(r[f"{k}_high"], 2))) for k in ("alpha", "omega")
        )
        rows.append(Row((who, n.count(r["n"]), *alpha, *omega)))
    yield Table(words.reliability_caption, header, tuple(rows), "", "reliability")


def _tests(view: View, caption: str, result: TableResult) -> Iterator[Block]:
    words, n = view.words, view.numbers
    header = columns(words.model_header, *words.fit_headers, words.holds_header)
    rows = []
    for r in result.table:
        robust = math.isfinite(real(r["chisq_scaled"]))
        chisq, *others = (r[k] for k in (ROBUST if robust else PLAIN))
        fit = (n.fixed(chisq, 1), n.count(r["df"]), *(n.fixed(v, 3) for v in others), n.p(r["p_change"]))
        holds = {True: words.yes, False: words.no}.get(r["holds"], UNDEFINED)
        rows.append(Row((words.invariance_models.get(str(r["model"]), str(r["model"])), *fit, holds)))
    freed = "; ".join(dict.fromkeys(str(f) for f in result.details["freed"]))
    yield Table(caption, header, tuple(rows), words.let_go(freed) if freed else "", "invariance")


def _ends(view: View, m: MeasurementContent) -> Iterator[Block]:
    if m.ends is None:
        return
    words, n = view.words, view.numbers
    rows: list[Row] = []
    shown = None
    for r in m.ends.table:
        wave = str(r["wave"])
        if wave != shown and len(m.waves) > 1:
            rows.append(Row((m.waves.get(wave, wave),), "band"))
        shown = wave
        rows.append(Row((_who(view, r), n.count(r["n"]), n.percent(r["share_floor"]), n.percent(r["share_ceiling"]))))
    header = columns(words.arm_header, words.n_header, words.lowest_header, words.highest_header)
    yield Table(words.ends_caption, header, tuple(rows), "", "scale_ends")


def _change(view: View, caption: str, result: TableResult) -> Iterator[Block]:
    words, n = view.words, view.numbers
    rows = [Row((_who(view, r), *(n.count(r[k]) for k in ("n", "improved", "unchanged", "deteriorated")))) for r in result.table]
    note = words.change_note(n.fixed(result.details["smallest_reliable_change"], 2), n.fixed(result.details["reliability"], 2))
    yield Table(caption, columns(*words.change_header), tuple(rows), note, "reliable_change")
    if not result.estimates:
        return
    level = words.interval_header(n.general(100 * result.estimates[0].conf_level) + "%")
    compared = tuple(
        Row(
            (words.reliably(e.outcome), n.points(e.estimate, sign=True), words.interval(n.points(e.conf_low, sign=True), n.points(e.conf_high, sign=True)), n.p(e.p_value)),
            beneath=view.short(e.contrast) if view.several_arms else "",
        )
        for e in result.estimates
    )  # fmt: skip
    yield Table(words.change_difference_caption, columns("", words.harms_difference_header, level, words.p_header), compared)


def _who(view: View, row: Mapping[str, Any]) -> str:
    return view.words.everyone if row["arm"] == "everyone" else view.arm(row["arm"])
