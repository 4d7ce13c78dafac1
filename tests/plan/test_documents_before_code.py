"""The lines for R gave estimatr's numbers (stored), and those are the numbers of the planned analysis."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.plan.conftest import SMALL
from tests.plan.r_lines_cases import CASES, STORED, plan_and_trial
from trialkit.estimate.itt import itt
from trialkit.plan import Plan
from trialkit.plan.documents.code_r import r_lines
from trialkit.plan.documents.code_stata import stata_lines

NUMBERS = json.loads(STORED.read_text(encoding="utf-8"))["cases"]
OTHER_DF = {
    "groups in one arm",
    "lin",
    "strata interacted",
    "scale",
    "few groups",
    "scale and strata",
    "two primary outcomes",
    "no covariates",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_estimate_and_standard_error_are_those_of_r(name: str) -> None:
    plan, trial = plan_and_trial(CASES[name])
    found = [e for o in plan.spec.primary for e in itt(trial, **plan.spec.asked_of_itt(o)).estimates]
    assert len(found) == len(NUMBERS[name])
    for mine, theirs in zip(found, NUMBERS[name]):
        assert mine.estimate == pytest.approx(theirs["estimate"], abs=1e-8)
        assert mine.std_error == pytest.approx(theirs["std_error"], abs=1e-8)
        if name not in OTHER_DF:
            assert mine.df == pytest.approx(theirs["df"], rel=1e-8)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(OTHER_DF))
def test_other_df_are_told(name: str) -> None:
    plan, trial = plan_and_trial(CASES[name])
    found = [e for o in plan.spec.primary for e in itt(trial, **plan.spec.asked_of_itt(o)).estimates]
    assert any(abs(m.df - t["df"]) > 1e-6 for m, t in zip(found, NUMBERS[name]))
    assert "its df are others" in r_lines(plan) or "trialkit's are Welch's" in r_lines(plan)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ('intercurrent = { moved = { strategy = "while_on_treatment" } }', "'while_on_treatment'"),
        ('measure = "odds_ratio"', "'odds_ratio'"), ('measure = "risk_ratio"', "'risk_ratio'"), ('estimator = "mixed"', "'mixed'"), ('estimator = "aipw"', "'aipw'"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_gets_no_lines(change: str, why: str) -> None:
    text = SMALL.replace('role = "primary"', f'role = "primary"\n{change}')
    if "aipw" in change:
        text += "[analysis]\nseed = 1\n"
    plan = Plan.from_text(text)
    for code in (r_lines(plan), stata_lines(plan)):
        assert f"{why}" in code and "no lines here" in code
        assert "lm_robust(" not in code and "\nregress" not in code


def test_lines_follow_the_plan() -> None:
    code = r_lines(Plan.from_text(SMALL))
    assert 'lm_robust(y ~ arm, data = a, se_type = "HC2")' in code and "clusters" not in code
    clustered = SMALL.replace(
        'arm = "arm"', 'arm = "arm"\ncluster = "village"\nweights = "w"\nmissing_codes = { -99 = "refused" }'
    )
    code, do = r_lines(Plan.from_text(clustered)), stata_lines(Plan.from_text(clustered))
    assert 'se_type = "CR2", clusters = unit, weights = w' in code and '%in% c("-99")' in code
    assert "weights with CR2 have no lines here" in do
    do = stata_lines(Plan.from_text(clustered.replace('weights = "w"\n', "")))
    assert "regress y1 i.tk_arm `covariates', vce(hc2 tk_unit, dfadjust)" in do and "mv(-99)" in do
    assert "not run by the makers" in do


def test_scores_are_said_to_be_made_first() -> None:
    plan, _ = plan_and_trial(CASES["independence"])
    assert "scored.csv" not in r_lines(plan)
    scale = Plan.load(Path(__file__).resolve().parents[2] / "analyses" / "felgenhauer_2019" / "plan.toml")
    assert 'read.csv("scored.csv"' in r_lines(scale) and "made by trialkit, not in the data file" in r_lines(scale)


@pytest.mark.parametrize("name", ["groups in one arm", "clusters", "people alone"])
def test_brackets_close(name: str) -> None:
    plan, _ = plan_and_trial(CASES[name])
    code = re.sub(r"#.*|\"(\\.|[^\"\\])*\"", "", r_lines(plan))
    for opening, closing in ("()", "[]", "{}"):
        assert code.count(opening) == code.count(closing)
