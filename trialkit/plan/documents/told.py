"""What a plan says on each subject of a document, in the language asked for; nothing is said that the plan does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from trialkit.estimate.registry import ESTIMATORS
from trialkit.plan.documents.literature import LINEAR, corrects
from trialkit.plan.documents.telling import ROLES, Said
from trialkit.plan.documents.told_outcomes import ToldOutcomes
from trialkit.plan.planned.side_by_side import FEW_GROUPS_DRAWS
from trialkit.plan.words.not_yet import not_yet

if TYPE_CHECKING:
    from trialkit.plan.schema.outcomes import Outcome

__all__ = ["Told"]


class Told(ToldOutcomes):
    """What a plan says on each subject of a document, in the language asked for; nothing is said that the plan does not hold."""

    def contrasts_line(self) -> Said:
        return (self.contrasts(),)

    def run_with(self) -> Said:
        return (self.w("m_run_with", version=self.software_version()),)

    def primary_method(self) -> Said:
        rest = [self.standard_errors(("primary",)), self.strata(), self.contrasts()]
        return (self.estimators(("primary",)), self._adjusted(self.spec.primary), " ".join(r for r in rest if r))

    def reference_note(self) -> Said:
        return (self.w("no_nonstandard"),)

    def interim(self) -> Said:
        return (self.w("no_interim"),)

    def level(self) -> Said:
        alpha = self.number(round(1 - self.spec.analysis.conf_level, 10))
        margins = any(o.equivalence is not None or o.noninferiority is not None for o in self.spec.outcomes)
        return (" ".join([self.w("level", alpha=alpha), *([self.w("level_margin", alpha=alpha)] if margins else [])]),)

    def correction_name(self) -> str:
        m = self.spec.multiplicity
        name = {
            "holm": "Holm", "hochberg": "Hochberg", "bh": "Benjamini-Hochberg", "sharpened_q": "sharpened q (Anderson)", "romano_wolf": "Romano-Wolf",
            "westfall_young": "Westfall-Young", "dunnett": "Dunnett", "gatekeeping": "gatekeeping", "none": self.w("none"),
        }[m.method]  # fmt: skip
        return f"{name} ({self.w('draws', draws=self.number(m.draws), seed=m.seed)})" if m.seed is not None else name

    def multiplicity(self) -> Said:
        m = self.spec.multiplicity
        if m.method == "none":
            return (self.w("no_correction"),)
        if m.method == "gatekeeping":
            return self._gatekeeping()
        if not corrects(self.spec):
            return (self.w("nothing_to_correct", method=self.correction_name()),)
        members = tuple(self.w("family", name=f"'{n}'", members=self.labels(o)) for n, o in self.spec.families.items())
        return (f"{self.w('correction', method=self.correction_name())} {self.w('families')}", members)

    def _gatekeeping(self) -> Said:
        m = self.spec.multiplicity
        if m.families:
            passing = [] if len(m.families) == 1 else [self.w("gatekeeping_any" if m.pass_on == "any" else "gatekeeping_all")]
            return (" ".join([self.w("gatekeeping_families", families=self.columns(m.families)), *passing]),)
        weights = self.listed(f"'{k}' {self.number(v)}" for k, v in (m.weights or {}).items() if v > 0)
        moves = [
            f"'{a}' → '{b}' {self.number(v)}" for a, row in (m.transitions or {}).items() for b, v in row.items() if v > 0
        ] or [self.w("none")]
        return (self.w("gatekeeping_graph", weights=weights, transitions="; ".join(moves)),)

    def intervals(self) -> Said:
        key = (
            "intervals" if corrects(self.spec) and self.spec.multiplicity.method not in ("none", "dunnett") else "intervals_plain"
        )
        return (self.w(key, level=self.percent(self.spec.analysis.conf_level)),)

    def by_estimator(self, roles: tuple[str, ...] = ROLES) -> dict[str, list[Outcome]]:
        """Outcomes by the estimator that analyses them, in words."""
        by: dict[str, list[Outcome]] = {}
        for o in (o for role in roles for o in self.spec.outcomes if o.role == role):
            name = self.w(f"estimator_{self.spec.estimator_for(o)}")
            if o.measure == "risk_difference" and self.spec.estimator_for(o) in ("ancova", "lin"):
                name += self.w("lpm")
            by.setdefault(name, []).append(o)
        return by

    def estimators(self, roles: tuple[str, ...] = ROLES) -> tuple[str, ...]:
        rows = self.by_estimator(roles).items()
        return tuple(self.w("estimated_by", labels=self.labels(members), estimator=name) for name, members in rows)

    def standard_errors(self, roles: tuple[str, ...] = ROLES) -> str:
        spec, a = self.spec, self.spec.analysis
        used = {spec.estimator_for(o) for o in spec.outcomes if o.role in roles}
        units = "clusters" if spec.data.cluster is not None else "groups" if spec.grouped_arms else "people"
        said = []
        if a.covariance != "auto":
            said.append(self.w("se_named", covariance=a.covariance))
        elif used & LINEAR and units == "people":
            said.append(self.w("se_hc2"))
        elif used & LINEAR and units == "groups" and len(spec.grouped_arms) < len(spec.arms) and a.df == "auto":
            said.append(self.w("se_cr2_one_arm"))
        elif used & LINEAR:
            said.append(self.w("se_cr2", what=self.w(f"units_{units}")))
            said += [self.w("df_satterthwaite")] if a.df == "auto" else []
        if used - LINEAR:
            said.append(self.w("se_other", units=self.w(f"units_{units}")))
        if a.df != "auto":
            said.append(self.w("df_named", df=a.df))
        return " ".join(said)

    def strata(self) -> str:
        spec = self.spec
        return (
            self.w(f"strata_{spec.analysis.strata_effects}", columns=self.columns(spec.data.strata)) if spec.data.strata else ""
        )

    def contrasts(self) -> str:
        spec = self.spec
        if not isinstance(spec.analysis.contrasts, str):
            named = "; ".join(f"‘{c.label}’ - ‘{c.against}’ ({c.text})" for c in spec.comparisons)
            return self.w("contrasts_own", contrasts=named)
        return self.w(f"contrasts_{spec.analysis.contrasts}", control=f"‘{spec.arm(spec.control).label}’")

    def method(self) -> Said:
        rest = [self.standard_errors(), self.strata(), self.contrasts(), self.w("shown_as")]
        return (self.estimators(), " ".join(r for r in rest if r))

    def covariates(self) -> Said:
        rows = self._adjusted(self.spec.outcomes)
        adjusted = [o for o in self.spec.outcomes if self.covariates_of(o)]
        if not adjusted:
            return (rows,)
        own = [self.w("baseline_own")] if all(self.spec.baseline_column(o) for o in adjusted) else []
        return (rows, " ".join([*own, self.w(self.spec.analysis.covariate_missing)]))

    def _adjusted(self, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
        return tuple(
            self.w(
                "adjusted" if self.covariates_of(o) else "unadjusted",
                label=f"‘{o.label}’",
                columns=self.columns(self.covariates_of(o)),
            )
            for o in outcomes
        )

    def covariates_of(self, o: Outcome) -> tuple[str, ...]:
        """The covariates that the outcome's estimator takes."""
        known = ESTIMATORS.get(self.spec.estimator_for(o))
        return self.spec.adjust_for(o) if known is None or known.adjusts else ()

    def checks(self) -> Said:
        a, said = self.spec.analysis, []
        if a.few_groups:
            said.append(self.w("checks_groups", draws=self.number(min(a.draws, FEW_GROUPS_DRAWS)), seed=a.seed))
        if self._invariance():
            said.append(self.w("checks_invariance"))
        return tuple(said)

    def fails(self) -> Said:
        return (self.w("fail_invariance"),) if self._invariance() else ()

    def _invariance(self) -> bool:
        return bool(self.spec.scales) and (self.spec.measurement is None or self.spec.measurement.invariance)

    def companions(self) -> Said:
        a = self.spec.analysis
        if not a.companions:
            return ()
        said = self.w("companions", names=self.listed(self.w(f"companion_{c}") for c in a.companions))
        return (f"{said} {self.w('companion_draws', draws=self.number(a.draws), seed=a.seed)}" if a.seed is not None else said,)

    def missing_sensitivity(self) -> Said:
        m = self.spec.missing
        if not m.sensitivity:
            return (self.w("no_sensitivity"),)
        said = self.w("missing_sensitivity", names=self.listed(self.w(f"rule_{r}") for r in m.sensitivity))
        drawn = "multiple_imputation" in (m.primary, *m.sensitivity) and m.seed is not None
        return (f"{said} {self.w('imputations', n=self.number(m.imputations), seed=m.seed)}" if drawn else said,)

    def sensitivity(self) -> Said:
        return (*self.companions(), *self.missing_sensitivity())

    def subgroups(self) -> Said:
        rows = tuple(
            self.w("subgroup", labels=self.labels(self.spec.outcome(n) for n in s.outcomes), by=s.by, kind=self.w(f"kind_{s.kind}"),
                   alternative=self.w(f"alternative_{s.alternative}"))
            for s in self.spec.subgroups
        )  # fmt: skip
        return (rows,) if rows else (self.w("no_subgroups"),)

    def missing_rule(self) -> Said:
        return (self.w("missing", rule=self.w(f"rule_{self.spec.missing.primary}")),)

    def missing(self) -> Said:
        return (self.w("missing", rule=self.w(f"rule_{self.spec.missing.primary}")), *self.missing_sensitivity())

    def further(self) -> Said:
        return tuple(self._further()) or (self.w("no_further"),)

    def _further(self) -> Iterator[str]:
        spec = self.spec
        for m in spec.mediation:
            step = m.mediator.column or m.mediator.scale
            label = f"‘{spec.outcome(m.outcome).label}’"
            yield self.w("mediation", label=label, step=step, draws=self.number(m.draws), seed=m.seed)
        if spec.selection.groups_by_chance:
            yield self.w("by_chance", columns=self.columns(spec.selection.groups_by_chance))
        if spec.scales:
            yield self.w("measurement")
        exploratory = [o for o in spec.outcomes if o.role == "exploratory"]
        if exploratory:
            yield self.w("exploratory", labels=self.labels(exploratory))

    @staticmethod
    def software_version() -> str:
        from trialkit import __version__

        return __version__

    def software(self) -> Said:
        return (self.w("software", version=self.software_version()), *(self.w("not_built", part=p) for p in not_yet(self.spec)))

    def hash_said(self) -> Said:
        return (self.w("plan_file", hash=self.hash),)
