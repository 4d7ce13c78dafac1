"""From content to a document: the sections in the order of a report."""

from __future__ import annotations

from trialkit.report.document import Document, Section
from trialkit.report.sections import (
    baseline,
    families,
    few_groups,
    harms,
    indices,
    measurement,
    mediation,
    next_study,
    outcomes,
    over_time,
    participants,
    primary,
    record,
    selection,
    subgroups,
)
from trialkit.report.sections.status import status
from trialkit.report.sections.summary import summary
from trialkit.report.view import View

ORDER = (
    summary,
    primary.primary,
    participants.flow,
    baseline.baseline,
    outcomes.outcomes,
    over_time.over_time,
    mediation.mediation,
    subgroups.subgroups,
    families.families,
    few_groups.few_groups,
    selection.selection,
    participants.attrition,
    harms.harms,
    measurement.measurement,
    next_study.next_study,
    record.scales,
    indices.indices,
    record.deviations,
    record.not_run,
    record.notes,
    record.manifest,
    record.plan,
)


def assemble(view: View) -> Document:
    """The whole report; sections with nothing to say are left out."""
    found = (part(view) for part in ORDER)
    sections: tuple[Section, ...] = tuple(s for s in found if s is not None)
    content = view.content
    return Document(
        view.words.language,
        content.title,
        view.words.kicker,
        content.population,
        view.words.moment(content.created),
        status(view),
        sections,
    )
