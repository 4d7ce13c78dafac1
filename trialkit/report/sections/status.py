"""The strip at the top: is the plan locked, what that proves, and how many deviations there are."""

from __future__ import annotations

from trialkit.report.document import Status
from trialkit.report.view import View

SHORT_HASH = 12


def status(view: View) -> Status:
    """The state of the plan in words that say what it does and does not prove."""
    words, lock = view.words, view.content.lock
    locked = lock.state == "locked"
    said = [lock.sentence or words.locked_meaning] if locked else [s for s in (lock.sentence, words.unlocked_advice) if s]
    facts = [(words.status_hash, lock.plan_hash[:SHORT_HASH] or words.none)]
    if locked and lock.manifest_hash:
        facts.append((words.manifest_name("manifest_hash"), lock.manifest_hash[:SHORT_HASH]))
    if locked and lock.level:
        facts.append((words.manifest_name("level"), lock.level))
    facts.append((words.status_deviations, words.deviations_count(len(view.content.deviations))))
    return Status(locked, words.locked_title if locked else words.unlocked_title, tuple(said), tuple(facts))
