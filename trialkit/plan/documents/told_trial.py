"""What a plan says on the trial: people, arms, randomization, size, times, flow."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from trialkit.errors import TrialkitError
from trialkit.plan.documents.form import Paragraph
from trialkit.plan.documents.telling import Said, Telling, flat

if TYPE_CHECKING:
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["ToldTrial"]


@lru_cache(maxsize=4)
def _power(spec: PlanSpec, language: str) -> tuple[tuple[Any, Any], ...] | str:
    """(question, block of the design memo) of each primary outcome, or why there is none."""
    from trialkit.report.memo.memo import memo
    from trialkit.report.memo.questions import questions

    try:
        return tuple(zip(questions(spec, None), memo(spec, language=language).page.blocks))
    except TrialkitError as error:
        return str(error)


@lru_cache(maxsize=4)
def _answered(spec: PlanSpec) -> tuple[str, ...]:
    """The paragraphs of `trialkit power` where the memo has no page for a measure and a number exists all the same."""
    from trialkit.power import answer_for_plan

    try:
        answers = answer_for_plan(spec).answers
    except TrialkitError:
        return ()
    return tuple(str(a) for a in answers) if any(a.detectable is not None for a in answers) else ()


class ToldTrial(Telling):
    """What a plan says on the trial: people, arms, randomization, size, times, flow."""

    def title(self) -> Said:
        return (flat(self.spec.trial.title),)

    def registration(self) -> Said:
        return (self.w("registered", id=self.spec.trial.registration),) if self.spec.trial.registration else ()

    def population(self) -> Said:
        return (self.w("population", population=self.spec.trial.population),)

    def design(self) -> Said:
        spec = self.spec
        if spec.design.scheme == "factorial":
            opening = self.w("factorial", n=len(spec.arms))
        elif spec.data.cluster is not None:
            opening = self.w("parallel_clusters", n=len(spec.arms), cluster=spec.data.cluster)
        else:
            opening = self.w("parallel", n=len(spec.arms))
        said = [opening, self.allocation()]
        if spec.grouped_arms and len(spec.grouped_arms) < len(spec.arms):
            key = "one_arm_groups" if spec.data.cluster is None else "some_groups"
            said.append(self.w(key, arms=self.arms(spec.grouped_arms)))
        elif spec.grouped_arms:
            said.append(self.w("all_groups"))
        return (" ".join(said), self.arm_list())

    def allocation(self) -> str:
        shares = self.spec.design.allocation
        ratio = " : ".join(self.number(shares[a]) for a in self.spec.arm_names)
        return self.w("allocation", ratio=ratio, arms=self.arms(self.spec.arm_names))

    def arm_list(self) -> tuple[str, ...]:
        keys = ["control_arm" if a.control else "grouped_arm" if a.grouped else "arm" for a in self.spec.arms]
        return tuple(self.w(k, label=a.label, name=a.name) for k, a in zip(keys, self.spec.arms))

    def arm_points(self) -> Said:
        return (self.arm_list(),)

    def facilitator(self) -> Said:
        column = self.spec.data.facilitator
        return () if column is None else (self.w("facilitator", column=column),)

    def mode(self) -> Said:
        grouped = set(self.spec.grouped_arms)
        return (
            (tuple(self.w("mode_group" if a.name in grouped else "mode_alone", label=f"‘{a.label}’") for a in self.spec.arms),)
            if grouped
            else ()
        )

    def design_line(self) -> Said:
        return self.design()[:1]

    def experiment(self) -> Said:
        return (self.w("experiment"),)

    def abstract(self) -> Said:
        return (
            " ".join(
                [
                    *map(str, self.population()),
                    str(self.design()[0]),
                    self.w("primary_are", labels=self.labels(self.spec.primary)),
                ]
            ),
        )

    def randomization_unit(self) -> Said:
        cluster = self.spec.data.cluster
        return (self.w("unit_person") if cluster is None else self.w("unit_cluster", cluster=cluster),)

    def clustered(self) -> Said:
        if self.spec.data.cluster is not None:
            return (self.w("clustered_yes"),)
        if self.spec.grouped_arms:
            return (self.w("clustered_groups", arms=self.arms(self.spec.grouped_arms)),)
        return (self.w("clustered_no"),)

    def cluster_count(self) -> Said:
        d = self.spec.design
        if self.spec.data.cluster is None:
            return (self.w("no_clusters"),)
        return () if d.clusters is None else (self.w("planned_clusters_only", clusters=self.number(d.clusters)),)

    def size_by_arm(self) -> Said:
        """People (or clusters) by arm, from the planned total and the allocation, as the power calculation splits them."""
        d = self.spec.design
        whole, key = (d.clusters, "arm_clusters") if self.spec.data.cluster is not None else (d.units, "arm_people")
        if whole is None:
            return ()
        weights = [d.allocation[a.name] for a in self.spec.arms]
        shares = [whole * x / sum(weights) for x in weights]
        told = [self.number(round(n)) if n == round(n) else self.w("about", n=self.number(round(n))) for n in shares]
        return (tuple(self.w(key, label=f"‘{a.label}’", n=n) for a, n in zip(self.spec.arms, told)),)

    def scheme(self) -> str:
        d, strata = self.spec.design, self.spec.data.strata
        more = [
            *([self.w("strata_of", columns=self.columns(strata))] if strata else []),
            *([self.w("match_of", columns=self.columns(d.match))] if d.match else []),
            *([self.w("balance_of", columns=self.columns(d.balance_on))] if d.balance_on else []),
            *([self.w("accept_of", share=self.percent(d.accept))] if d.accept is not None else []),
            *([self.w("blocks_of", sizes=self.listed(map(str, d.block_sizes)))] if d.block_sizes else []),
            *([self.w("probability_of", p=self.number(d.probability))] if d.probability is not None else []),
        ]
        listed = f" ({'; '.join(more)})" if more else ""
        return f"{self.w(f'scheme_{d.scheme}')}{listed}."

    def scheme_line(self) -> Said:
        return (self.scheme(),)

    def randomization(self) -> Said:
        return (f"{self.scheme()} {self.allocation()}", *self.groups())

    def groups(self) -> Said:
        formation = self.spec.design.groups
        if formation is None:
            return ()
        low, high = formation.size
        said = [self.w("groups_formed", low=low, high=high, arms=self.arms(self.spec.grouped_arms))]
        said += [self.w("alike", columns=self.columns(formation.alike))] if formation.alike else []
        said += [self.w("mixed", columns=self.columns(formation.mixed))] if formation.mixed else []
        said += [self.w("groups_within", columns=self.columns(formation.within))] if formation.within else []
        said += [self.w("waiting_list")] if formation.waiting_list else []
        return (" ".join(said),)

    def planned_size(self) -> Said:
        d = self.spec.design
        if d.units is None:
            return () if d.clusters is None else (self.w("planned_clusters_only", clusters=self.number(d.clusters)),)
        if d.clusters is not None:
            return (self.w("planned_clusters", n=self.number(d.units), clusters=self.number(d.clusters)),)
        return (self.w("planned_people", n=self.number(d.units)),)

    def power(self) -> Said:
        """Power of each primary outcome by the design memo: its sentence, its assumptions with their sources, its method."""
        found = _power(self.spec, self.language)
        if isinstance(found, str):
            return tuple(flat(a) for a in _answered(self.spec)) if self.language == "en" else ()
        said: list[Paragraph] = []
        for q, b in found:
            said.append(self.w("power_of", label=f"‘{q.label}’", arm=f"‘{q.arm}’", reference=f"‘{q.reference}’", lead=b.lead))
            said.append(tuple(f"{k}: {v}" for k, v in b.facts))
            if b.assumptions is not None:
                said.append(self.w("power_assumed", items="; ".join(f"{r[0]}: {r[1]} ({r[2]})" for r in b.assumptions.rows)))
            said += [self.w("power_method", text=" ".join(b.method))] if b.method else []
        return tuple(s for s in said if s)

    def power_gap(self) -> str:
        """Why the plan has no power calculation; empty where it has one."""
        found = _power(self.spec, self.language)
        return self.w("no_power", why=found) if isinstance(found, str) and not self.power() else ""

    def power_line(self) -> Said:
        """Of the power calculation its sentence and its assumptions only."""
        return tuple(p for p in self.power() if isinstance(p, str))

    def sample_size(self) -> Said:
        return (*self.planned_size(), *self.power())

    def waves(self) -> Said:
        waves = self.spec.data.waves
        return (self.w("waves"), tuple(f"{w.name}: {flat(w.label)}" for w in waves)) if waves else ()

    def final(self) -> Said:
        waves = self.spec.data.waves
        return (self.w("final_when", wave=f"‘{waves[-1].label}’"),) if waves else ()

    def flow(self) -> Said:
        reach = self.spec.selection.reach
        who = "clusters" if self.spec.data.cluster is not None else "groups" if self.spec.grouped_arms else "people"
        stages = self.w("stages" if self.spec.data.uptake is None else "stages_uptake")
        said = [self.w("flow", who=self.w(f"flow_{who}"), stages=stages)]
        if reach is not None:
            said.append(self.w("reach", file=reach.funnel))
            said += [self.w("reach_by", columns=self.columns(reach.by))] if reach.by else []
        return (" ".join(said),)

    def screening(self) -> Said:
        reach = self.spec.selection.reach
        return () if reach is None else (self.w("reach", file=reach.funnel),)

    def losses(self) -> Said:
        s = self.spec.selection
        said = [self.w("attrition")] if s.attrition else []
        said += [self.w("vulnerability", columns=self.columns(s.vulnerability))] if s.vulnerability else []
        return (" ".join(said),) if said else ()

    def balance(self) -> Said:
        return (self.w("balance", columns=self.columns(self.spec.selection.balance)),) if self.spec.selection.balance else ()

    def balance_how(self) -> Said:
        return (self.w("balance_how"),) if self.spec.selection.balance else ()

    def adherence(self) -> Said:
        d = self.spec.data
        if d.uptake is None:
            return ()
        return (self.w("uptake", column=d.uptake),)

    def adherence_shown(self) -> Said:
        if self.spec.data.uptake is None:
            return (self.w("no_uptake"),)
        said = [self.w("take_up")] if self.spec.selection.take_up else []
        said += [self.w("cace")] if "cace" in self.spec.analysis.companions else []
        return tuple(said)
