"""What a plan asks for beside the effects of its outcomes, and the graph of its hypotheses, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from trialkit.plan.schema.gatekeeping import hypotheses, in_graph
from trialkit.plan.schema.mediators import mediator_baseline
from trialkit.plan.schema.multiverse import curved

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec
    from trialkit.plan.schema.sections import Mediation
    from trialkit.plan.words.vocabulary import Vocabulary

__all__ = ["also_planned", "graph"]


def also_planned(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    """Measurement, mediation, the specification curve, subgroups, who was reached, harms."""
    if spec.scales:
        tested = spec.measurement is None or spec.measurement.invariance
        yield w("measurement_invariance" if tested else "measurement")
    for entry in spec.mediation:
        yield _mediation(spec, entry, w)
    yield from _curve(spec, w)
    for group in spec.subgroups:
        kind, side = w.named("subgroup", group.kind), w.named("subgroup", group.alternative)
        yield w("subgroup", outcomes=w.listed(group.outcomes), by=group.by, kind=kind, side=side)
    yield from _selection(spec, w)
    if spec.harms is None:
        yield w("no_harms")
    else:
        events = [f"'{spec.harms.events}'"] if spec.harms.events else []
        columns = [w.listed(spec.harms.columns)] if spec.harms.columns else []
        yield w("harms", sources=f" {w('and')} ".join([*events, *columns]))


def graph(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    """The order in which hypotheses are tested, with method = "gatekeeping"."""
    m = spec.multiplicity
    if m.families:
        yield w("graph_families", families=w.listed(m.families))
        if len(m.families) > 1:
            yield w("graph_any" if m.pass_on == "any" else "graph_all")
    else:
        yield w("graph_starts", shares=_shares(m.weights or {}, w))
        for name, row in (m.transitions or {}).items():
            goes = any(share > 0 for share in row.values())
            yield w("graph_passes", name=name, shares=_shares(row, w)) if goes else w("graph_ends", name=name)
    inside = in_graph(spec)
    outside = [h for h in hypotheses(spec) if h not in inside]
    if outside:
        yield w("graph_outside", names=w.listed(outside))


def _shares(shares: Mapping[str, float], w: Vocabulary) -> str:
    return w.joined(f"'{name}' ({w.marks(f'{share:.4g}')})" for name, share in shares.items() if share > 0)


def _mediation(spec: PlanSpec, entry: Mediation, w: Vocabulary) -> str:
    mediator, baseline = entry.mediator, mediator_baseline(spec, entry)
    name = mediator.column or mediator.scale
    return w(
        "mediation",
        outcome=entry.outcome,
        step=w("step_at", name=name, wave=mediator.wave) if mediator.wave else w("step", name=name),
        before=w("step_before", column=baseline) if baseline else w("step_before_none"),
        slopes=w("slopes_differ" if entry.interaction else "slopes_same"),
        draws=entry.draws,
        seed=entry.seed,
    )


def _curve(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    said = spec.multiverse
    if said is None:
        return
    choices = [
        *(w("curve_adjusted", columns=", ".join(c) or w("curve_nothing"), label=label) for label, c in said.adjust.items()),
        *(w("curve_estimator", name=w.named("companion", e)) for e in said.estimators),
        *(w("curve_covariance", name=c) for c in said.covariances),
        *(w.named("rule", m) for m in said.missing),
        *(w("curve_prorate", n=k) for k in said.prorate),
        *(w("curve_item", n=i) for i in said.leave_out_items),
        *(w("curve_subscale", name=s) for s in said.subscales),
        *(w("curve_winsorize", percent=w.amount(100 * share)) for share in said.winsorize),
    ]
    yield w(
        "curve",
        names=", ".join(f"'{o.name}'" for o in curved(spec)),
        how=w(f"curve_{said.combine}"),
        choices="; ".join(choices),
        statistic=w.named("statistic", said.statistic),
        draws=said.draws,
        seed=said.seed if said.seed is not None else spec.analysis.seed,
    )


def _selection(spec: PlanSpec, w: Vocabulary) -> Iterator[str]:
    selection = spec.selection
    if selection.reach is not None:
        by = w("reach_by", columns=w.listed(selection.reach.by)) if selection.reach.by else ""
        yield w("reach", file=selection.reach.funnel, by=by)
    for key, columns in (
        ("balance", selection.balance),
        ("vulnerability", selection.vulnerability),
        ("by_chance", selection.groups_by_chance),
    ):
        if columns:
            yield w(key, columns=w.listed(columns))
    looked = [w(key) for key, asked in (("losses", selection.attrition), ("take_up", selection.take_up)) if asked]
    if looked:
        yield w("described", what=f" {w('and')} ".join(looked))
