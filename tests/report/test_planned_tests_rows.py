"""Rows of the populated plan: in words, and the share of an indirect effect as a percentage, whatever the unit of the outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.report.contents import content
from trialkit.estimate.registry import ESTIMATORS
from trialkit.report.content.mediation import MediationContent
from trialkit.report.sections.planned_tests import _row
from trialkit.report.view import View
from trialkit.report.words.dutch import DUTCH
from trialkit.report.words.english import ENGLISH

SHARE: dict[str, Any] = {
    "outcome": "income", "test": "mediation", "method": "self_efficacy", "part": "proportion", "contrast": "peer - individual", "status": "done",
    "reason": "", "said": "", "estimate": 0.7612, "conf_low": 0.31, "conf_high": 3.63, "p_value": 0.035, "p_adjusted": None, "ratio": False,
}  # fmt: skip


def through(total: tuple[float, float]) -> MediationContent:
    """An analysis whose total effect has this interval."""
    made = content().outcomes[0].result
    first = replace(made.estimates[0], estimand="total", conf_low=total[0], conf_high=total[1])
    result = replace(made, estimates=(first,), details={})
    return MediationContent("income", "Income", "self_efficacy", "Self-efficacy", "peer", "individual", result)


def test_the_share_is_a_percentage_without_a_test_and_is_withheld_where_its_section_withholds_it() -> None:
    base = content()
    shown = _row(View(replace(base, mediation=(through((4.0, 110.0)),))), SHARE, base.outcomes[0])
    assert shown.cells[2:6] == ("76%", "31% to 363%", "", "") and shown.beneath == "Share of the total that is indirect"
    hidden = _row(View(replace(base, mediation=(through((-4.0, 110.0)),))), SHARE, base.outcomes[0])
    assert hidden.cells[2:6] == ("", "", "", "")


def test_parts_of_a_mediation_and_of_a_subgroup_are_said_in_words() -> None:
    view = View(content(), DUTCH)
    assert _row(view, {**SHARE, "part": "acme_control"}, None).beneath == DUTCH.mediation_effects["acme_control"]
    assert _row(view, {**SHARE, "test": "subgroup", "part": "per unit"}, None).beneath == "per eenheid"


@pytest.mark.parametrize("words", [ENGLISH, DUTCH], ids=["en", "nl"])
def test_every_estimator_has_a_name(words: Any) -> None:
    assert {k for k in ESTIMATORS if not (words.test_methods.get(k) or k in words.methods)} == set()
