"""From content to a document: the sections in the order of a report."""

from __future__ import annotations

from dataclasses import replace

from trialkit.report.document import Document, Section, Text
from trialkit.report.sections import (
    analysed,
    baseline,
    deviations,
    harms,
    indices,
    measurement,
    mediation,
    next_study,
    outcomes,
    over_time,
    participants,
    plan_in_words,
    planned_tests,
    primary,
    record,
    selection,
    standards,
    subgroups,
)
from trialkit.report.sections.checklists import checklists
from trialkit.report.sections.several import families, few_groups, multiverse
from trialkit.report.sections.status import status
from trialkit.report.sections.summary import summary
from trialkit.report.view import View

ORDER = (
    deviations.erratum,
    summary,
    primary.primary,
    participants.flow,
    baseline.baseline,
    outcomes.outcomes,
    analysed.analysed,
    over_time.over_time,
    families.families,
    few_groups.few_groups,
    selection.selection,
    participants.attrition,
    multiverse.multiverse,
    mediation.mediation,
    subgroups.subgroups,
    harms.harms,
    measurement.measurement,
    next_study.next_study,
    record.scales,
    indices.indices,
    deviations.unplanned,
    deviations.deviations,
    planned_tests.planned_tests,
    record.not_run,
    record.notes,
    record.manifest,
    plan_in_words.plan,
    standards.standards,
)


def assemble(view: View) -> Document:
    """The whole report; sections with nothing to say are left out."""
    found = (part(view) for part in ORDER)
    sections: tuple[Section, ...] = tuple(s for s in found if s is not None)
    sections = (*sections, checklists(view, frozenset(s.id for s in sections)))
    content = view.content
    title = content.title
    if content.blinding:
        # a page, a screenshot or a print of one section must not pass for the trial's
        mark = view.words.blinding_mark(str(content.blinding.get("mark")))
        title = f"{mark}. {title}"
        sections = tuple(replace(s, blocks=(Text(f"{mark}.", "lead"), *s.blocks)) for s in sections)
    return Document(
        view.words.language,
        title,
        view.words.kicker,
        content.population,
        view.words.moment(content.created),
        status(view),
        sections,
    )
