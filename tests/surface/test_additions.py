"""What an addition must bring along: a measure, an estimator or a scheme that is known in one place and not in another is named here, with the place."""

from __future__ import annotations

import re
from typing import get_args

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.design.registry import SCHEMES, scheme
from trialkit.errors import TrialkitError
from trialkit.estimate.measures import MEASURES, OutcomeKind
from trialkit.estimate.registry import ESTIMATORS
from trialkit.plan.documents.words_en import EN
from trialkit.plan.documents.words_nl import NL
from trialkit.plan.schema.outcomes import PLANNED, Estimator
from trialkit.plan.schema.trial import DesignSection
from trialkit.plan.words.not_yet import BUILT
from trialkit.plan.words.vocabulary import WORDS
from trialkit.power.plans.kinds import KINDS
from trialkit.power.plans.scale import RATIO_WORDS
from trialkit.report.words.dutch import DUTCH
from trialkit.report.words.english import ENGLISH

MEASURE_NAMES = [m.name for m in PLANNED]
RATIOS = [m.name for m in PLANNED if m.ratio]
REPORTS = {"en": ENGLISH, "nl": DUTCH}
DOCUMENTS = {"en": EN, "nl": NL}
NO_POWER = {"quantile"}  # `trialkit power` says that it has no formula
REFUSED = {"binary": 2.0, "count": -1.0}
ANY_NUMBER = {"number", "ordered"}


def test_each_kind_of_outcome_has_its_check():
    """A kind without a check in estimate/outcome.py would be analysed whatever the column holds."""
    assert {*REFUSED, *ANY_NUMBER, "time"} == set(get_args(OutcomeKind))
    assert {m.outcome for m in MEASURES.values()} == set(get_args(OutcomeKind))


@pytest.mark.parametrize("measure", MEASURES)
def test_an_outcome_of_another_kind_is_refused(measure):
    value = REFUSED.get(MEASURES[measure].outcome)
    if MEASURES[measure].outcome in ANY_NUMBER:
        pytest.skip("takes any number")
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"arm": ["solo", "peer"] * 20, "y": rng.integers(0, 2, 40).astype(float)})
    d.loc[3, "y"] = d.loc[3, "y"] if value is None else value
    with pytest.raises(TrialkitError, match=r"row 4" if value is not None else r"tk\.Time"):
        tk.itt(tk.Trial(d, arm="arm", control="solo"), "y", measure=measure)


@pytest.mark.parametrize("measure", MEASURES)
def test_users_are_told_of_a_measure(measure):
    """Docstring of estimate/itt.py, and an estimator that gives it."""
    assert f"'{measure}'" in str(tk.itt.__doc__)
    assert measure in ESTIMATORS[MEASURES[measure].estimator].measures


@pytest.mark.parametrize("measure", MEASURE_NAMES)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_plan_says_a_measure_in_words(measure, language):
    """plan/words/plan_*.py, plan/documents/words_*.py and report/words/*/checklists.py."""
    documents = DOCUMENTS[language]
    assert f"measure_{measure}" in WORDS[language].sentences
    assert f"measure_{measure}" in documents
    assert measure in REPORTS[language].checklist_measures


@pytest.mark.parametrize("measure", [m.name for m in MEASURES.values() if m.ratio])
@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_report_says_what_a_ratio_is_of(measure, language):
    """report/words/*/plain.py; a ratio that it does not know is called a ratio, and of what is left out."""
    words = REPORTS[language]
    said, unknown = (words.difference_ratio(True, "A", "B", "1.30", m) for m in (measure, "unheard_of"))
    assert said != unknown


def test_power_knows_each_measure_of_a_plan_or_says_that_it_does_not():
    """power/plans/kinds.py; the effects of counts, times and ordered categories are logs, which power/plans/scale.py turns back."""
    assert set(KINDS) == set(MEASURE_NAMES) - NO_POWER
    of_logs = {m for m in RATIOS if m in KINDS and KINDS[m] != "rate"}
    assert of_logs == set(RATIO_WORDS)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_can_be_called_and_told(name):
    """estimate/registry.py; every option of it stands in the docstring of estimate/itt.py."""
    found = ESTIMATORS[name]
    assert callable(found.run)
    assert set(found.measures) <= set(MEASURES)
    told = str(tk.itt.__doc__)
    assert [o for o in found.options if not re.search(rf"\b{o}\b", told)] == []


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_plan_says_its_estimators_in_words(language):
    """plan/words/plan_*.py and plan/documents/words_*.py: those that a plan names, and those that its measures bring."""
    names = {*get_args(Estimator), *(m.estimator for m in PLANNED)}
    documents = DOCUMENTS[language]
    assert {n for n in names if f"estimator_{n}" not in WORDS[language].sentences or f"estimator_{n}" not in documents} == set()
    assert names >= BUILT["estimator"]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_scheme_is_known_by_name_everywhere(language):
    """design/registry.py with its file, the plan's key, and the words of plan and checklists."""
    planned = set(get_args(DesignSection.model_fields["scheme"].annotation))
    assert planned <= set(SCHEMES) and planned >= BUILT["scheme"]
    assert all(callable(scheme(name)) for name in SCHEMES)
    assert [s for s in planned if f"scheme_{s}" not in WORDS[language].sentences] == []
    assert [s for s in SCHEMES if s not in REPORTS[language].schemes] == []
