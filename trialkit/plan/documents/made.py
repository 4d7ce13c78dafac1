"""From a table of items to a form: the heading and the question of each item in two languages, and who answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trialkit.errors import LockError
from trialkit.plan.documents.form import Entry, Form, Part
from trialkit.plan.documents.literature import GUIDES, works
from trialkit.plan.documents.telling import Said, flat
from trialkit.plan.documents.told import Told
from trialkit.plan.locking.verify import verify_plan

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["Item", "form_of"]


_POWER = frozenset({"power", "power_line", "sample_size"})


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a published list in our wording.

    Attributes
    ----------
    number : of the list. en, nl : heading. ask_en, ask_nl : what authors must write; empty where a plan can say it all.
    answers : names of the methods of `Told` that answer it, in order.
    """

    number: str
    en: str
    nl: str
    ask_en: str = ""
    ask_nl: str = ""
    answers: tuple[str, ...] = ()


def form_of(
    plan: PlanRecord,
    told: Told,
    key: str,
    kicker: Mapping[str, str],
    parts: Iterable[tuple[str, str, tuple[Item, ...]]],
    *,
    notices: tuple[str, ...] = (),
    said: Mapping[str, Said] | None = None,
    fallback: Mapping[str, str] | None = None,
    cites: bool = True,
) -> Form:
    """The form of a plan.

    Parameters
    ----------
    parts : (English heading, Dutch heading, items). notices : sentences at its head.
    said : what replaces the answers of an item, by its number. fallback : what authors are asked where a plan that could have answered is silent. cites : whether the works behind the methods are listed.
    """
    language = told.language
    made = tuple(
        Part(en if language == "en" else nl, tuple(_entry(told, item, said or {}, fallback or {}) for item in items))
        for en, nl, items in parts
    )
    names = ("filled", "part", "author", "to_write", "references", "item")
    form = Form(
        key, language, kicker[language], flat(plan.spec.trial.title), notices, facts(plan, told), made,
        works(plan.spec, key if key in GUIDES else "") if cites else (), tuple((n, told.w(n)) for n in names),
    )  # fmt: skip
    return replace(form, notices=(*notices, told.w("counts", n=len(form.entries), **form.counts())))


def _entry(told: Told, item: Item, said: Mapping[str, Said], fallback: Mapping[str, str]) -> Entry:
    found: Said = said[item.number] if item.number in said else tuple(p for name in item.answers for p in getattr(told, name)())
    ask = item.ask_en if told.language == "en" else item.ask_nl
    if not _POWER.isdisjoint(item.answers):
        ask = "; ".join(a for a in (ask, told.power_gap()) if a)
    title = item.en if told.language == "en" else item.nl
    if not found and not ask:
        ask = fallback.get(item.number, title[:1].lower() + title[1:])
    return Entry(item.number, title, found, ask)


def facts(plan: PlanRecord, told: Told) -> tuple[tuple[str, str], ...]:
    """The plan's hash, its lock and the software: what ties the document to the plan."""
    from trialkit import __version__

    return (
        (told.w("hash_fact"), plan.hash),
        (told.w("lock_fact"), lock_words(plan, told)),
        (told.w("made_fact"), f"trialkit {__version__}"),
    )


def lock_words(plan: PlanRecord, told: Told) -> str:
    """'L0, locked 2026-01-05', or that the plan is not locked or not the locked one."""
    if plan.path is None or not plan.lock_path.exists():
        return told.w("unlocked")
    try:
        found = verify_plan(plan)
    except LockError:
        return told.w("not_the_locked")
    return told.w("locked", level=found.level, date=str(found.locked_at)[:10]) if found.ok else told.w("not_the_locked")
