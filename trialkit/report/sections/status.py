"""The strip at the top: is the plan locked, what that proves, and how many deviations there are."""

from __future__ import annotations

from trialkit.report.document import Status
from trialkit.report.view import View

SHORT_HASH = 12


def status(view: View) -> Status:
    """The state of the plan in words that say what it does and does not prove."""
    words, lock = view.words, view.content.lock
    locked = lock.state == "locked"
    said = [s for s in (lock.sentence, words.lock_says(lock.level if locked else "")) if s]
    facts = [(words.status_hash, lock.plan_hash[:SHORT_HASH] or words.none)]
    if locked:
        facts.append((words.manifest_name("level"), words.level_name(lock.level)))
    facts.append((words.status_deviations, words.deviations_count(len(view.content.deviations))))
    return Status(locked, words.locked_title if locked else words.unlocked_title, tuple(said), tuple(facts))
