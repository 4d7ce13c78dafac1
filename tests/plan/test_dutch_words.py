"""The plan and its estimands in Dutch: the same facts as in English."""

from __future__ import annotations

import re

import pytest

from trialkit.plan.plan import Plan
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.words.describe import describe
from trialkit.plan.words.estimand import estimand_sentence
from trialkit.plan.words.not_yet import not_yet

ENGLISH = re.compile(r"\b(the|and|with|from|people|each|is not|are)\b")


def test_an_estimand_in_dutch(spec: PlanSpec) -> None:
    said = estimand_sentence(spec, spec.outcomes[0], language="nl")
    assert said.startswith(f"Onder alle gerandomiseerde mensen ({spec.trial.population}): het verschil in het ")
    assert f"‘{spec.outcomes[0].label}’" in said and said.endswith(").")
    assert said != estimand_sentence(spec, spec.outcomes[1], language="nl")


def test_every_measure_has_a_dutch_estimand(spec: PlanSpec) -> None:
    from typing import get_args, get_type_hints

    from trialkit.plan.schema.outcomes import Outcome

    outcome = spec.outcomes[0]
    measures = list(_literals(get_type_hints(Outcome, include_extras=False)["measure"], get_args))
    assert len(measures) >= 11
    said = set()
    for measure in measures:
        made = outcome.model_copy(update={"measure": measure, "tau": 730.0, "q": 0.25, "better": "lower"})
        said.add(estimand_sentence(spec, made, language="nl"))
        assert estimand_sentence(spec, made)
    assert len(said) == len(measures)


def _literals(hint: object, parts: object) -> list[str]:
    found = parts(hint)  # type: ignore[operator]
    return [x for f in found for x in (_literals(f, parts) if not isinstance(f, str) else [f])]


def _bare(spec: PlanSpec, text: str) -> str:
    """The text on one line, without what the plan says itself."""
    text = " ".join(text.split())
    own = [
        spec.trial.title,
        spec.trial.population,
        *(a.label for a in spec.arms),
        *(o.label for o in spec.outcomes),
        *(w.label for w in spec.data.waves),
    ]
    own += [str(v) for v in spec.data.missing_codes.values()]
    for label in sorted(map(str, own), key=len, reverse=True):
        text = text.replace(label, "#")
    return re.sub(r"'[^']*'", "''", text)


def test_the_plan_in_dutch_says_what_the_english_says(spec: PlanSpec) -> None:
    dutch, english = describe(spec, language="nl"), describe(spec)
    assert dutch.count("\n\n") == english.count("\n\n")
    numbers = [sorted(re.findall(r"\d+", text)) for text in (dutch, english)]
    assert numbers[0] == numbers[1]
    names = [sorted(set(re.findall(r"'[a-z_0-9]+'", text))) for text in (dutch, english)]
    assert set(names[1]) <= set(names[0]) | {"'gse'"}
    known = re.sub(r"\(#[^)]*\)|General Self-Efficacy Scale|JOBS job-search self-efficacy", "", _bare(spec, dutch))
    assert not ENGLISH.findall(known), known


@pytest.mark.parametrize("languages", [("nl",), ("en", "nl")])
def test_a_plan_may_ask_for_dutch(text: str, languages: tuple[str, ...]) -> None:
    asked = re.sub(r"report_languages = .*", f"report_languages = {list(languages)!r}", text)
    if "report_languages" not in asked:
        asked = asked.replace("[trial]", f"[trial]\nreport_languages = {list(languages)!r}", 1)
    plan = Plan.from_text(asked)
    assert plan.spec.trial.report_languages == languages
    assert not any("language" in part for part in not_yet(plan.spec))
