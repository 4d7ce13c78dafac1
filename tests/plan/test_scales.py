"""Plans that name scales: every form of the registry can be planned and scored, and a wrong use is said before the lock."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from tests.plan.conftest import SMALL
from trialkit.errors import DataError, PlanError
from trialkit.measurement import scale, scales
from trialkit.plan.locking.expected import expected_columns
from trialkit.plan.plan import Plan
from trialkit.plan.planned.prepare import prepare
from trialkit.plan.reading.load import parse_plan

KEYS = scales()["key"].tolist()
FORMS = [(key, form) for key in KEYS for form in scale(key).forms]


def plan_text(key: str, extra: str = "") -> str:
    entry = f'[[scales]]\nname = "s"\nscale = "{key}"\nitems = "s_{{wave}}_{{item}}"\n{extra}\n'
    outcome = '[[outcomes]]\nname = "y"\nscale = "s"\nwave = "t1"\nrole = "primary"\n'
    small = SMALL[: SMALL.index("[[outcomes]]")].replace('arm = "arm"', 'arm = "arm"\nwaves = { t0 = "before", t1 = "after" }')
    return small + entry + outcome


def people(entry, n=24) -> pd.DataFrame:
    draw = np.random.default_rng(4)
    columns = {
        f"s_{wave}_{i}": np.r_[
            entry.codes_of(i).min, draw.integers(entry.codes_of(i).min, entry.codes_of(i).max + 1, n - 2), entry.codes_of(i).max
        ]
        for wave in ("t0", "t1")
        for i in range(1, entry.items + 1)
    }
    return pd.DataFrame(
        {"id": range(n), "arm": ["a", "b"] * (n // 2), "age": 20 + 4 * np.arange(n), "mode_t0": "self", "mode_t1": "interviewer"}
        | columns
    )


@pytest.mark.parametrize(("key", "form"), FORMS)
def test_every_form_of_the_registry_can_be_planned_and_scored(key, form):
    entry = scale(key, form=form)
    subscale = "" if entry.chosen.total else f'\nsubscale = "{next(iter(entry.chosen.subscales))}"'
    codes = f"\ncode_range = [{entry.codes.min}, {entry.codes.max}]" if entry.codes.declare else ""
    plan = Plan.from_text(plan_text(key, f'form = "{form}"{subscale}{codes}'))
    assert entry.name in plan.describe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = prepare(plan.spec, people(entry))
    low, high = entry.range_of(subscale=next(iter(entry.chosen.subscales)) if subscale else None)
    assert ready.trial.data[["s_t0", "s_t1"]].stack().between(low, high).all() and ready.trial.data["s_t1"].notna().all()
    assert [s.counts["scored"] for s in ready.scales] == [24, 24]


def test_the_form_of_each_person_may_depend_on_columns():
    text = plan_text("cfpb_10", 'form_from = { age = "age", administration = "mode_{wave}" }')
    plan = Plan.from_text(text)
    entry = scale("cfpb_10")
    data = people(entry)
    assert {"age", "mode_t0", "mode_t1"} <= {c.name for c in expected_columns(plan.spec)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = prepare(plan.spec, data)
    raw = sum((4 - data[f"s_t1_{i}"]) if i in (3, 5, 6, 7, 9, 10) else data[f"s_t1_{i}"] for i in range(1, 11))
    tables = [scale("cfpb_10", f).chosen.conversion for f in ("interviewer_18_61", "interviewer_62plus")]
    assert ready.trial.data["s_t1"].tolist() == [tables[age >= 62][r] for age, r in zip(data["age"], raw)]
    with pytest.raises(DataError, match=r"mode_t1"):
        prepare(plan.spec, data.drop(columns="mode_t1"))
    everyone = Plan.from_text(plan_text("cfpb_10", 'form_from = { age = "age", administration = "self" }'))
    assert len(prepare(everyone.spec, data.drop(columns=["mode_t0", "mode_t1"])).scales) == 2


def test_a_plan_without_form_from_keeps_its_canonical_form():
    spec = parse_plan(plan_text("gse"), "plan.toml")
    assert "form_from" not in spec.model_dump()["scales"][0]


WRONG = {
    "a form that must be named": ("rosenberg", "", r"must name one: form = \"reversed_2_5_6_8_9\" or"),
    "a form that depends on the person": ("cfpb_10", "", r"form_from = \{ administration = "),
    "an unknown form": ("rosenberg", 'form = "reversed_2_5_6_8"', r"no form.*Did you mean 'reversed_2_5_6_8_9'"),
    "no total": ("ie_4", "", r"no total score.*subscale = \"internal\" or \"external\""),
    "an unknown subscale": ("ie_4", 'subscale = "intern"', r"Did you mean 'internal'"),
    "codes that must be said": ("mspss", "", r"code_range = \[1, 7\]"),
    "form and form_from": (
        "cfpb_10",
        'form = "self_18_61"\nform_from = { age = "age", administration = "mode" }',
        r"keep one of the two",
    ),
    "form_from where no form depends on people": ("gse", 'form_from = { age = "age" }', r"do not depend on the person"),
    "half of form_from": ("cfpb_10", 'form_from = { age = "age" }', r"'administration' and 'age'"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_use_is_said_before_the_lock(mistake):
    key, extra, expected = WRONG[mistake]
    with pytest.raises(PlanError, match=expected):
        Plan.from_text(plan_text(key, extra))


def test_a_subscale_may_run_the_other_way():
    plan = Plan.from_text(plan_text("ie_4", 'subscale = "external"'))
    assert "Lower is better (from the scale)" in plan.describe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert prepare(plan.spec, people(scale("ie_4"))).directions == {"s": "lower"}


def test_the_plan_in_words_names_form_and_subscale():
    told = Plan.from_text(plan_text("mhi5", 'form = "cbs"')).describe().split()
    assert "Mental Health Inventory, 5 items ('mhi5'), form 'cbs'" in " ".join(told)
    told = Plan.from_text(plan_text("cfpb_10", 'form_from = { age = "age", administration = "self" }')).describe().split()
    assert "each person's form by age ('age') and administration ('self')" in " ".join(told)
    assert "subscale 'internal'" in Plan.from_text(plan_text("ie_4", 'subscale = "internal"')).describe()


def test_caveats_of_a_scale_reach_the_report():
    plan = Plan.from_text(plan_text("zrm_13", 'subscale = "domain_2"'))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = prepare(plan.spec, people(scale("zrm_13")))
    assert any(n.code == "caveat" and "not blinded" in n.text for n in ready.scales[0].notes)
