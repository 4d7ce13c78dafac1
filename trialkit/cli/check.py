"""`trialkit check`: the plan in words and what in it deserves a second look; with data, whether they fit."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import cast

from trialkit.cli.show import Told
from trialkit.errors import UsageError
from trialkit.plan.plan import Plan
from trialkit.plan.schema.scale_files import refuse_damaged
from trialkit.plan.words.describe import describe
from trialkit.plan.words.look_again import look_again
from trialkit.plan.words.vocabulary import Language
from trialkit.selection.standards.attrition_room import room_sentences

WIDTH = 100
_HEADS = {"en": "Look at again before you lock it", "nl": "Kijk hier nog eens naar voor je het plan vastzet"}
_NOTHING = {"en": "No known trap was found in this plan.", "nl": "In dit plan is geen bekende valkuil gevonden."}


def explained(plan: Plan, language: str = "en") -> Told:
    """A plan back in words; as data the plan with every default, and the traps."""
    _known(language)
    refuse_damaged((s.scale for s in plan.spec.scales), plan.folder)
    said = cast(Language, language)
    looks = look_again(plan.spec, said)
    content = {
        "plan": plan.to_dict(),
        "hash": plan.hash,
        "look_again": [{"code": x.code, "key": x.key, "text": x.text} for x in looks],
    }
    rows = [_HEADS[language], *(_wrapped(f"{x.key}: {x.text}") for x in looks)] if looks else [_NOTHING[language]]
    attrition = plan.spec.design.assumptions.attrition
    if attrition is not None and language == "en":  # the Dutch list tells the boundaries where they are near
        rows += ["", *map(_wrapped, room_sentences(attrition))]
    return Told("\n".join([describe(plan.spec, folder=plan.folder, language=said), "", *rows]), content)


def fitting(plan: Plan, data: Path, name: str, language: str | None = None) -> Told:
    """What was read of a data file and how its scales were scored by the plan called `name`; refused where they do not fit."""
    from trialkit.io import receipt
    from trialkit.plan.planned.fits import check_outcomes
    from trialkit.plan.planned.prepare import load_data, prepare

    if language is not None:
        _known(language)
    loaded = load_data(plan.spec, data)
    found = receipt(loaded.frame)
    ready = prepare(plan.spec, loaded, folder=plan.folder)
    check_outcomes(plan.spec, ready)
    rows = [str(found), str(ready.trial)]
    for scale in ready.scales:
        rows.append(f"{scale.label} at {scale.wave}: {scale.counts['scored']} of {scale.counts['people']} people scored")
        rows += [f"  note: {note.text}" for note in scale.notes]
    rows += [f"note: {note.text}" for note in (*ready.trial.notes, *ready.notes)]
    rows.append(f"{data.name} fits {name}.")
    if language == "nl" or (language is None and plan.spec.trial.report_languages[0] == "nl"):
        rows.append(
            f"(De gegevens worden in het Engels besproken; `trialkit check {name} --lang nl` legt het plan uit in het Nederlands.)"
        )
    content = {"receipt": found.to_dict(), "scales": [s.to_dict() for s in ready.scales], "people": ready.trial.n}
    return Told("\n".join(rows), content)


def _known(language: str) -> None:
    if language not in _HEADS:
        raise UsageError(f"--lang {language}: a plan is explained in en or nl.")


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
