"""What a plan says on outcomes: what is estimated, how it is measured and calculated, events on the way, harms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trialkit.plan.documents.telling import ROLES, Said, flat
from trialkit.plan.documents.told_trial import ToldTrial
from trialkit.plan.schema.outcomes import HedgesG
from trialkit.plan.schema.scale_files import definition
from trialkit.plan.words.estimand import estimand_sentence

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Intercurrent, Outcome

__all__ = ["ToldOutcomes"]


class ToldOutcomes(ToldTrial):
    """What a plan says on outcomes: what is estimated, how it is measured and calculated, events on the way, harms."""

    def estimands(self, outcomes: Iterable[Outcome] | None = None) -> tuple[str, ...]:
        """One sentence an outcome and comparison."""
        return tuple(
            flat(s)
            for o in (self.spec.outcomes if outcomes is None else outcomes)
            for c in self.spec.comparisons
            for s in [estimand_sentence(self.spec, o, c.text, language=self.language)]
        )

    def objectives(self) -> Said:
        return (self.estimands(),)

    def primary_objectives(self) -> Said:
        return (self.estimands(self.spec.primary),)

    def framework(self) -> Said:
        said = []
        for o in self.spec.outcomes:
            if o.equivalence is None and o.noninferiority is None:
                line = self.w("superiority", label=f"‘{o.label}’")
            else:
                found = [
                    (k, m) for k, m in (("equivalence", o.equivalence), ("noninferiority", o.noninferiority)) if m is not None
                ]
                line = " ".join(self.w(k, label=f"‘{o.label}’", margin=self.number(m)) for k, m in found)
            said.append(f"{line} {self.worthwhile(o)}".strip())
        return (tuple(said),)

    def worthwhile(self, o: Outcome) -> str:
        if o.smallest_worthwhile is None:
            return ""
        given = o.smallest_worthwhile
        size = self.w("sds", size=self.number(given.hedges_g)) if isinstance(given, HedgesG) else self.number(given)
        return self.w("worthwhile", size=size)

    def measure(self, o: Outcome) -> str:
        tau = "" if o.tau is None else self.number(o.tau)
        return self.w(f"measure_{o.measure}", q=self.number(o.q or 0.5), tau=tau)

    def outcome(self, o: Outcome) -> str:
        when = self.w("at", wave=self.spec.wave_label(o.wave)) if o.wave in self.spec.wave_names and o.wave is not None else ""
        return self.w("outcome", label=f"‘{o.label}’", role=self.w(f"role_{o.role}"), when=when, measure=self.measure(o))

    def outcomes(self, roles: tuple[str, ...] = ROLES) -> Said:
        rows = tuple(self.outcome(o) for role in roles for o in self.spec.outcomes if o.role == role)
        return (rows,) if rows else ()

    def primary_outcomes(self) -> Said:
        return self.outcomes(("primary",))

    def secondary_outcomes(self) -> Said:
        return self.outcomes(("secondary", "exploratory"))

    def measurements(self, roles: tuple[str, ...] = ROLES) -> Said:
        rows = tuple(self._measured(o) for role in roles for o in self.spec.outcomes if o.role == role)
        return (rows,) if rows else ()

    def primary_measurements(self) -> Said:
        return self.measurements(("primary",))

    def secondary_measurements(self) -> Said:
        return self.measurements(("secondary", "exploratory"))

    def _measured(self, o: Outcome) -> str:
        better = f" {self.w(f'better_{o.better}')}" if o.better else ""
        label = f"‘{o.label}’"
        if o.kind == "time":
            return self.w("from_time", label=label, time=o.time, event=o.event) + better
        if o.index is not None:
            kind = self.w(f"index_{o.index.kind}")
            return self.w("from_index", label=label, parts=self.columns(self.spec.components(o)), kind=kind) + better
        if o.scale is not None:
            use = self.spec.scale(o.scale)
            return self.w("from_scale", label=label, scale=self.scale_name(use.scale), items=f"'{use.items}'") + better
        return self.w("from_column", label=label, column=o.column) + better

    def scale_name(self, key: str) -> str:
        name = definition(key, self.folder).get("name")
        return f"{name} ('{key}')" if isinstance(name, str) else f"'{key}'"

    def calculations(self, roles: tuple[str, ...] | None = None) -> Said:
        of = [o for o in self.spec.outcomes if roles is None or o.role in roles]
        used = {o.scale for o in of}
        scales = [s for s in self.spec.scales if roles is None or s.name in used]
        rows = [self.w("scoring", name=f"'{s.name}'", scale=s.scale, more=self._scored(s)) for s in scales]
        rows += [
            self.w("composite", label=f"‘{o.label}’", event=e.replace("_", " "), value=self.number(h.value or 0))
            for o in of
            for e, h in o.intercurrent.items()
            if h.strategy == "composite"
        ]
        rows += [str(c) for c in self.codes()]
        return (tuple(rows),) if rows else ()

    def primary_calculations(self) -> Said:
        return self.calculations(("primary",))

    def secondary_calculations(self) -> Said:
        return self.calculations(("secondary", "exploratory"))

    def _scored(self, use: Any) -> str:
        more = [self.w("scoring_form", form=use.form)] if use.form else []
        more += [self.w("scoring_subscale", subscale=use.subscale)] if use.subscale else []
        more += [self.w("scoring_prorate", n=use.prorate)] if use.prorate is not None else []
        return "".join(more)

    def codes(self) -> Said:
        codes = self.spec.data.missing_codes
        return (self.w("codes", codes=self.listed(f"{c} ({why})" for c, why in codes.items())),) if codes else ()

    def strategy(self, handled: Intercurrent) -> str:
        """What the estimand makes of an event."""
        value = "" if handled.value is None else self.number(handled.value)
        return self.w(f"strategy_{handled.strategy}", value=value, scenario=handled.scenario or "")

    def events(self) -> Said:
        rows = [
            self.w("event", label=f"‘{o.label}’", events="; ".join(f"{e.replace('_', ' ')}: {self.strategy(h)}" for e, h in o.intercurrent.items()))
            for o in self.spec.outcomes
            if o.intercurrent
        ]  # fmt: skip
        return (self.w("events"), tuple(rows)) if rows else (self.w("no_events"),)

    def populations(self) -> Said:
        spec = self.spec
        compliers = [o for o in spec.outcomes if o.estimand.population == "compliers"]
        average = [o for o in spec.outcomes if o.estimand.average == "group"]
        said = [self.w("itt")]
        said += [self.w("cases")] if spec.missing.primary == "available_cases" else []
        said += [self.w("compliers", labels=self.labels(compliers))] if compliers else []
        said += [self.w("group_average", labels=self.labels(average))] if average else []
        return (" ".join(said),)

    def harms(self) -> Said:
        h = self.spec.harms
        if h is None:
            return (self.w("no_harms"),)
        return (self.w("harms", sources=self.columns([*([h.events] if h.events else []), *h.columns])),)
