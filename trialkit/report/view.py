"""The content of a report with its names resolved: labels for arms, columns and contrasts, and the unit of every outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from trialkit.estimate.measures import better_effect
from trialkit.report.content import ArmContent, OutcomeContent, ReportContent
from trialkit.report.content.people import flow_row
from trialkit.report.format import Numbers, in_words
from trialkit.report.units import Unit, unit_of
from trialkit.report.words.english import ENGLISH, English
from trialkit.results import Estimate


@dataclass(frozen=True, slots=True)
class Line:
    """One estimate of an outcome with all that stands beside it."""

    outcome: OutcomeContent
    estimate: Estimate
    size: Estimate | None
    verdict: str
    arm: str
    control: str
    unit: Unit

    @property
    def p_adjusted(self) -> Any:
        return self.estimate.extra.get("p_adjusted")

    @property
    def defined(self) -> bool:
        e = self.estimate
        return all(math.isfinite(v) for v in (e.estimate, e.conf_low, e.conf_high))


@dataclass(frozen=True)
class View:
    """A report's content and the language it is told in."""

    content: ReportContent
    words: English = ENGLISH

    @property
    def numbers(self) -> Numbers:
        return self.words.numbers

    @cached_property
    def level(self) -> str:
        """The confidence level as '95%'."""
        return self.numbers.general(100 * self.content.conf_level) + "%"

    @cached_property
    def arm_labels(self) -> dict[str, str]:
        return {str(a.name): a.label or str(a.name) for a in self.content.arms}

    @cached_property
    def contrasts(self) -> dict[str, tuple[str, str]]:
        """Labels of arm and reference by the text of the contrast."""
        labels = self.arm_labels
        pairs = {f"{a} - {b}": (labels[a], labels[b]) for a in labels for b in labels if a != b}
        return pairs | {text: (sides[0], sides[1]) for text, sides in self.content.contrasts.items()}

    @property
    def treated(self) -> list[ArmContent]:
        return [a for a in self.content.arms if not a.control]

    @property
    def control(self) -> ArmContent:
        return next((a for a in self.content.arms if a.control), self.content.arms[0])

    @property
    def primary(self) -> list[OutcomeContent]:
        return [o for o in self.content.outcomes if o.role == "primary"] or list(self.content.outcomes[:1])

    @property
    def several_arms(self) -> bool:
        return any(len(o.result.estimates) > 1 for o in self.content.outcomes)

    def arm(self, name: Any) -> str:
        return self.arm_labels.get(str(name), str(name))

    def column(self, name: Any) -> str:
        """The label of a column, else its name in words."""
        return self.content.labels.get(str(name)) or in_words(str(name))

    def pair(self, contrast: str) -> tuple[str, str]:
        return self.contrasts.get(contrast, (contrast, self.arm(self.control.name)))

    def contrast(self, contrast: str) -> str:
        """'Peer group − One-on-one'."""
        found = self.contrasts.get(contrast)
        return self.words.contrast(*found) if found else contrast

    @cached_property
    def shared_control(self) -> str | None:
        """The label of the arm that every contrast is with, when there are several contrasts and they share it."""
        pairs = {self.pair(e.contrast) for o in self.content.outcomes for e in o.result.estimates}
        controls = {control for _, control in pairs}
        return next(iter(controls)) if len(pairs) > 1 and len(controls) == 1 else None

    def short(self, contrast: str) -> str:
        """The contrast in a row or a legend: the arm alone where all contrasts are with one control."""
        return self.pair(contrast)[0] if self.shared_control is not None else self.contrast(contrast)

    def estimand(self, outcome: OutcomeContent) -> str:
        """What is estimated, in the language of the report where the run said it so."""
        found = self._told("estimands").get(outcome.name)
        return str(found) if found else self.words.said(outcome.estimand)

    @property
    def plan_text(self) -> str:
        """The plan in words, in the language of the report where the run said it so."""
        found = self._told("plan").get("text")
        return str(found) if found else self.words.said(self.content.plan_text)

    def _told(self, what: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.content.told.get(self.words.language, {}).get(what) or {}
        return found

    def outcome_label(self, outcome: OutcomeContent) -> str:
        """The label of an outcome, and which side of its effect is better where that is the lower one or not the outcome's own."""
        label, side = outcome.label or outcome.name, self.side(outcome)
        if outcome.better == "lower" and side == "higher":
            return self.words.above_one_is_better(label) if self.unit(outcome).kind == "ratio" else label
        return self.words.outcome_label(label, side)

    def side(self, outcome: OutcomeContent) -> Literal["higher", "lower"] | None:
        """The better side of an outcome's effect."""
        return better_effect(outcome.measure, outcome.better)

    def unit(self, outcome: OutcomeContent) -> Unit:
        return unit_of(outcome.result, self.numbers)

    def lines(self, outcome: OutcomeContent) -> Iterator[Line]:
        """The estimates of an outcome, each with its effect size and verdict."""
        sizes: Mapping[str, Estimate] = {}
        if outcome.effect_size is not None:
            sizes = {e.contrast: e for e in outcome.effect_size.estimates}
        unit = self.unit(outcome)
        for i, e in enumerate(outcome.result.estimates):
            verdict = outcome.verdicts[i] if i < len(outcome.verdicts) else "inconclusive"
            arm, control = self.pair(e.contrast)
            yield Line(outcome, e, sizes.get(e.contrast), verdict, arm, control, unit)

    def labels(self) -> dict[str, str]:
        """Every name that a figure may show, with its label."""
        contrasts = {text: self.short(text) for text in self.contrasts}
        outcomes = {o.name: self.outcome_label(o) for o in self.content.outcomes}
        # a column that two outcomes share goes by the first of them
        columns = {o.column: o.label or o.name for o in reversed(self.content.outcomes)}
        return {**{k: v for k, v in self.content.labels.items() if v}, **columns, **outcomes, **contrasts, **self.arm_labels}

    def flow_row(self, arm: Any, stage: str, outcome: str = "") -> Mapping[str, Any] | None:
        return flow_row(self.content, arm, stage, outcome)
