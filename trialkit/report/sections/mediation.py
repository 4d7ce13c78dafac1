"""Effects through an intermediate step: the parts of the effect, the regressions behind them, and what an unmeasured cause could do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.report.content.mediation import MediationContent, share_withheld
from trialkit.report.document import Block, Bullets, Facts, FigureBlock, Fold, Heading, Row, Section, Table, Text
from trialkit.report.figures.mediation_chart import mediation_unit
from trialkit.report.format import UNDEFINED, decimals_for, real
from trialkit.report.sections.blocks import columns, section
from trialkit.report.units import Unit
from trialkit.report.view import View
from trialkit.results import Estimate, Result

BY_ARM = ("acme", "acme_control", "acme_treated", "ade", "ade_control", "ade_treated", "total")
TOGETHER = ("acme", "ade", "total")
SAID_ELSEWHERE = ("proportion", "proportion_unstable", "sequential_ignorability")


def mediation(view: View) -> Section | None:
    """Every planned analysis; nothing where none was planned."""
    if not view.content.mediation:
        return None
    blocks: list[Block] = [Text(view.words.mediation_intro)]
    for i, found in enumerate(view.content.mediation):
        blocks += _one(view, i, found)
    return section(view, "mediation", blocks)


def mediation_figure(i: int, what: str) -> str:
    """The name of a figure of the i-th analysis: 'paths', 'effects' or 'rho'."""
    return f"mediation-{i + 1}-{what}"


def mediation_labels(view: View, found: MediationContent) -> dict[str, str]:
    """Labels of the figures: arms, step and outcome."""
    return view.labels() | {found.mediator: found.mediator_label, found.outcome: found.label}


def _one(view: View, i: int, found: MediationContent) -> Iterator[Block]:
    words = view.words
    title = words.mediation_title(found.label, found.mediator_label)
    several = len({(m.arm, m.control) for m in view.content.mediation}) > 1
    yield Heading(f"{title}: {words.contrast(view.arm(found.arm), view.arm(found.control))}" if several else title)
    result = found.result
    if result is None:
        yield Bullets(tuple(words.said(t) for t in found.left_out))
        return
    unit, effects = mediation_unit(result, words), {e.estimand: e for e in result.estimates}
    said = {n: _told(view, unit, effects[n]) for n in TOGETHER}
    yield FigureBlock(
        mediation_figure(i, "paths"),
        words.mediation_caption_paths(
            found.label, found.mediator_label, view.level, found.sensitivity is not None and not found.linear_curve
        ),
        words.mediation_alt_paths(said["acme"], said["ade"], said["total"]),
        "mediation",
    )
    yield _effects(view, unit, found, result)
    yield FigureBlock(
        mediation_figure(i, "effects"),
        words.mediation_caption_effects(found.label, view.level),
        words.mediation_alt_effects(found.label),
        "mediation",
    )
    yield from _sensitive(view, i, found)
    yield _paths(view, found, result)
    yield Fold(words.agrema_title, (Facts(_agrema(view, found, result)),))
    if result.notes or found.left_out:
        kept = [words.mediation_notes.get(n.code) or words.said(n.text) for n in result.notes if n.code not in SAID_ELSEWHERE]
        yield Bullets((*kept, *(words.said(t) for t in found.left_out)), "quiet")


def _told(view: View, unit: Unit, e: Estimate) -> str:
    return view.words.value_and_interval(*(unit.difference(v) for v in (e.estimate, e.conf_low, e.conf_high)))


def _effects(view: View, unit: Unit, found: MediationContent, result: Result) -> Table:
    words, n = view.words, view.numbers
    effects = {e.estimand: e for e in result.estimates}
    rows = []
    for name in BY_ARM if result.details.get("interaction") else TOGETHER:
        e = effects[name]
        interval = words.interval(unit.difference(e.conf_low), unit.difference(e.conf_high))
        style = "body" if name in TOGETHER else "inner"
        rows.append(Row((words.mediation_effects[name], unit.difference(e.estimate), interval, n.p(e.p_value)), style))  # type: ignore[arg-type]
    share = effects["proportion"]
    note = words.mediation_note(
        view.level, words.method(share.method, ""), n.count(d) if (d := result.details.get("n_draws")) else None
    )
    if share_withheld(result):
        note = f"{note} {words.mediation_withheld}"
    elif math.isfinite(share.estimate):
        interval = words.interval(n.percent(share.conf_low, 0), n.percent(share.conf_high, 0))
        rows.append(Row((words.mediation_effects["proportion"], n.percent(share.estimate, 0), interval, "")))
    header = columns(
        words.mediation_effect_header,
        words.difference_header(unit.kind, False),
        words.interval_header(view.level),
        words.p_header,
    )
    return Table(words.mediation_caption(found.label, found.mediator_label), header, tuple(rows), note, "mediation")


def _sensitive(view: View, i: int, found: MediationContent) -> Iterator[Block]:
    words, n = view.words, view.numbers
    if found.sensitivity is None and found.evalues is None:
        return
    yield Heading(words.mediation_sensitive_header, 4)
    if found.sensitivity is not None:
        details = found.sensitivity.details
        rho, limit = real(details["breakpoints"]["acme"]), real(details["limit_breakpoint"])
        products = n.percent(rho**2 * real(details["unexplained"]))
        said = words.mediation_sensitive(n.fixed(rho, 2), n.fixed(limit, 2) if limit else None, products)
        yield Text(f"{said} {words.mediation_of_risk}" if found.linear_curve else said)
        yield FigureBlock(
            mediation_figure(i, "rho"),
            words.mediation_caption_rho(found.label, view.level),
            words.mediation_alt_rho(n.fixed(rho, 2)),
            "mediation_sensitivity",
        )
    if found.evalues is not None:
        row = next(r for r in found.evalues.table if r["estimand"] == "acme")
        said = words.mediation_evalue(n.fixed(row["evalue"], 2), n.fixed(row["evalue_limit"], 2))
        measure = None if found.result is None else found.result.details["measure"]
        yield Text(said if measure == found.evalues.details["measure"] else f"{said} {words.mediation_of_ratio}")


def _paths(view: View, found: MediationContent, result: Result) -> Table:
    words = view.words
    names: list[tuple[str, Mapping[str, Any]]] = [(words.mediation_paths[r["path"]], r) for r in result.details["paths"]]
    names += [(words.mediation_slopes[r["slope"]], r) for r in result.details.get("group_slopes") or []]
    rows = tuple(_path(view, label, r) for label, r in names)
    header = columns(
        words.mediation_paths_header, words.mediation_coefficient_header, words.se_header, words.df_header, words.p_header
    )
    kinds = [words.mediation_models[str(result.details[k])] for k in ("mediator_model", "outcome_model")]
    return Table(
        words.mediation_paths_caption(found.mediator_label), header, rows, words.mediation_models_note(*kinds), "mediation_paths"
    )


def _path(view: View, label: str, row: Mapping[str, Any]) -> Row:
    n, decimals = view.numbers, decimals_for(real(row["std_error"]))
    df = real(row.get("df"))
    shown = n.fixed(df, 1) if math.isfinite(df) else UNDEFINED
    return Row((label, n.fixed(row["estimate"], decimals), n.fixed(row["std_error"], decimals), shown, n.p(row["p_value"])))


def _agrema(view: View, found: MediationContent, result: Result) -> tuple[tuple[str, str], ...]:
    """The short form for a mediation analysis inside the report of a trial; Lee et al. (2021), JAMA 326:1045."""
    words, d = view.words, result.details
    adjust = ", ".join(view.column(a) for a in d["adjust"])
    first = result.estimates[0]
    counts = "; ".join(
        f"{view.arm(a['arm'])}: {words.of_randomized(view.numbers.count(a['n']), view.numbers.count(a['n_randomized']))}"
        for a in d["arms"]
    )
    kinds = [words.mediation_models[str(d[k])] for k in ("mediator_model", "outcome_model")]
    method = words.method(first.method, first.covariance)
    says = {
        "objectives": words.agrema_objectives(found.label, found.mediator_label, view.arm(found.arm), view.arm(found.control)),
        "design": words.agrema_design(view.numbers.count(first.n)),
        "assumed": words.agrema_assumed(found.mediator_label, found.label, bool(d.get("interaction"))),
        "assumptions": words.agrema_assumptions(adjust, first.n_groups > 0),
        "measurement": words.agrema_measurement(found.mediator_label, found.label, *found.waves),
        "statistics": words.agrema_statistics(kinds[0], kinds[1], method),
        "sensitivity": words.agrema_sensitivity_none if found.sensitivity is None else words.agrema_sensitivity_done,
        "people": words.agrema_people(counts),
        "limits": words.agrema_limits,
    }
    return tuple((words.agrema_names[k], v) for k, v in says.items())
