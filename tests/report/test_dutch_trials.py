"""Whole trials in Dutch: what a run says in English reaches the page in Dutch, or is marked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.report.test_dutch import ENGLISH_WORDS
from trialkit.plan.plan import Plan
from trialkit.report.assemble import assemble
from trialkit.report.content import ReportContent
from trialkit.report.save import content_of
from trialkit.report.view import View
from trialkit.report.words.dutch import DUTCH
from trialkit.report.writing.html import page

ROOT = Path(__file__).parents[2]
SIMULATED = ("himle_2014", "kast_2012_groups", "tyohon", "jobs_ii_2000", "greaney_2016")
PLANS = {"klier_2019": "analyses/klier_2019/plan.toml"} | {name: f"simulated_data/{name}.plan.toml" for name in SIMULATED}
EMPTY = '<svg width="10pt" viewBox="0 0 10 10"></svg>'


class _Drawings(dict[str, str]):
    """A drawing under every name: this is about the words around them."""

    def __missing__(self, name: str) -> str:
        return EMPTY


def _own_words(plan: Plan, made: ReportContent) -> list[str]:
    """Labels that the plan and the data gave, in the language of the study."""
    spec = plan.spec
    found = [made.title, made.population, *(a.label for a in made.arms), *(o.label for o in made.outcomes), *made.labels.values()]
    found += [str(w.label) for w in spec.data.waves] + [str(v) for v in spec.data.missing_codes.values()]
    return found + [m.label for m in made.measurement] + [s.label for s in made.scales]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(PLANS))
def test_a_trial_in_dutch_leaves_nothing_english(name: str) -> None:
    plan = Plan.load(ROOT / PLANS[name])
    made = content_of(plan.run(ROOT / "simulated_data" / f"{name}.csv").to_dict())
    text = page(assemble(View(made, DUTCH)), _Drawings(), DUTCH)
    passages = re.findall(r'<span lang="en">(.*?)</span>', text, flags=re.DOTALL)
    assert not passages, passages
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", text, flags=re.DOTALL)
    flat = " ".join(re.sub(r"<[^>]+>", " | ", text).replace("&#39;", "'").split())
    for label in sorted(filter(None, _own_words(plan, made)), key=len, reverse=True):
        flat = flat.replace(" ".join(label.split()), "#")
    left = [part for part in flat.split("|") if ENGLISH_WORDS.search(re.sub(r"'[^']*'", "", part))]
    assert not left, left
