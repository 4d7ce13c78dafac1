"""The strip at the top: is the plan locked, what that proves, and how many deviations there are."""

from __future__ import annotations

from trialkit.report.document import Status
from trialkit.report.view import View

SHORT_HASH = 12


def status(view: View) -> Status:
    """The state of the plan in words that say what it does and does not prove."""
    words, lock = view.words, view.content.lock
    locked = lock.state == "locked"
    told = words.said(lock.sentence) if lock.sentence else ""
    said = [told or words.locked_meaning] if locked else [s for s in (told, words.unlocked_advice) if s]
    facts = [(words.status_hash, lock.plan_hash[:SHORT_HASH] or words.none)]
    if locked and lock.manifest_hash:
        facts.append((words.manifest_name("manifest_hash"), lock.manifest_hash[:SHORT_HASH]))
    if locked and lock.level:
        facts.append((words.manifest_name("level"), lock.level))
    first = next(iter(view.content.unblinding), None)
    if first is not None:
        facts.append((words.status_unblinded, words.unblinded(words.moment(str(first["at"])), str(first["by"]))))
    facts.append((words.status_deviations, words.deviations_count(len(view.content.deviations))))
    found = view.content.departures
    if found.unplanned:
        facts.append((words.status_unplanned, words.unplanned_count(len(found.unplanned))))
    if found.erratum is not None:
        moved = int(found.erratum.details["moved"])
        facts.append((words.status_erratum, words.erratum_short(moved, view.numbers.count(moved))))
    if view.content.blinding:
        mark = words.blinding_mark(str(view.content.blinding.get("mark")))
        return Status(False, mark, (*words.blinding_sentences(view.content.blinding), *said[:1]), tuple(facts))
    if lock.logged_changes:
        return Status(False, words.status_changed, (words.changed_points(lock.logged_changes), *said), tuple(facts))
    return Status(locked, words.locked_title if locked else words.unlocked_title, tuple(said), tuple(facts))
