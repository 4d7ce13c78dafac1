"""The registry: each scale and form against the documented facts, by hand where a mistake would be silent."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit.measurement as measurement
from trialkit.errors import ScaleError, UsageError, ValueTypeError
from trialkit.measurement import Scale, UnverifiedScaleWarning, scale, scales, score, template, templates
from trialkit.measurement.questionnaires.facts import ALWAYS_STATED
from trialkit.measurement.questionnaires.overview import page

REGISTRY = Path(measurement.__file__).parent / "registry"
ROOT = Path(__file__).parents[2]
KEYS = sorted(path.stem for path in REGISTRY.glob("*.toml"))
FORMS = [(key, form) for key in KEYS for form in scale(key).forms]

# key, form -> items, reversed (or counting down), lowest and highest score; None for the range where there is no total
FACTS = {
    ("gse", "sum"): (10, (), (10, 40)),
    ("gse", "mean"): (10, (), (1, 4)),
    ("jsse", "behaviour_first"): (20, (), None),
    ("jobs_search_self_efficacy", "mean"): (6, (), (1, 5)),
    ("job_search_clarity", "five_items"): (5, (), (1, 5)),
    ("job_search_quality", "mean"): (20, (), (1, 5)),
    ("job_search_intensity", "preparatory_first"): (12, (), (1, 5)),
    ("job_search_effort", "mean"): (4, (), (1, 5)),
    ("job_search_behavior_index", "yes_is_high"): (10, (), (0, 10)),
    ("job_search_behavior_index", "yes_is_low"): (10, tuple(range(1, 11)), (0, 10)),
    ("rosenberg", "reversed_2_5_6_8_9"): (10, (2, 5, 6, 8, 9), (0, 30)),
    ("rosenberg", "reversed_3_5_8_9_10"): (10, (3, 5, 8, 9, 10), (0, 30)),
    ("who5", "percentage"): (5, (), (0, 100)),
    ("k6", "sum"): (6, (), (0, 24)),
    ("k10", "sum_10_50"): (10, (), (10, 50)),
    ("k10", "sum_0_40"): (10, (), (0, 40)),
    ("ces_d", "standard"): (20, (4, 8, 12, 16), (0, 60)),
    ("cesd_10", "standard"): (10, (5, 8), (0, 30)),
    ("phq9", "sum"): (9, (), (0, 27)),
    ("gad7", "sum"): (7, (), (0, 21)),
    ("ghq12", "likert"): (12, (), (0, 36)),
    ("ghq12", "bimodal"): (12, (), (0, 12)),
    ("ghq12", "c_ghq"): (12, (), (0, 12)),
    ("mhi5", "cbs"): (5, (3, 5), (0, 100)),
    ("mhi5", "health_monitor"): (5, (2, 4), (0, 100)),
    ("de_jong_gierveld_6", "no_1_yes_3"): (6, (2, 3, 5), (0, 6)),
    ("de_jong_gierveld_6", "yes_1_no_3"): (6, (1, 4, 6), (0, 6)),
    ("ucla_3", "sum"): (3, (), (3, 9)),
    ("osss_3", "most_support_5"): (3, (), (3, 14)),
    ("osss_3", "most_support_1"): (3, (2, 3), (3, 14)),
    ("mspss", "mean"): (12, (), (1, 7)),
    ("cfpb_10", "self_18_61"): (10, (3, 5, 6, 7, 9, 10), (14, 86)),
    ("cfpb_10", "self_62plus"): (10, (3, 5, 6, 7, 9, 10), (14, 95)),
    ("cfpb_10", "interviewer_18_61"): (10, (3, 5, 6, 7, 9, 10), (16, 91)),
    ("cfpb_10", "interviewer_62plus"): (10, (3, 5, 6, 7, 9, 10), (18, 87)),
    ("cfpb_5", "self_18_61"): (5, (1, 2, 3, 5), (19, 82)),
    ("cfpb_5", "self_62plus"): (5, (1, 2, 3, 5), (20, 90)),
    ("financial_self_efficacy", "exactly_true_1"): (6, (), (6, 24)),
    ("financial_self_efficacy", "exactly_true_4"): (6, (1, 2, 3, 4, 5, 6), (6, 24)),
    ("internet_skills_short", "blocks_of_five"): (20, (6, 7, 8, 9, 10), (1, 5)),
    ("pearlin_mastery", "disagree_1"): (7, (1, 2, 3, 5, 7), (7, 28)),
    ("pearlin_mastery", "agree_1"): (7, (4, 6), (7, 28)),
    ("ie_4", "mean"): (4, (), None),
    ("brs", "mean"): (6, (2, 4, 6), (1, 5)),
    ("swemwbs", "metric"): (7, (), (7, 35)),
    ("swemwbs", "raw"): (7, (), (7, 35)),
    ("cantril_ladder", "step"): (1, (), (0, 10)),
    ("self_control_brief", "sum"): (13, (2, 3, 4, 5, 7, 9, 10, 12, 13), (13, 65)),
    ("pss_10", "sum"): (10, (4, 5, 7, 8), (0, 40)),
    ("zrm_13", "domains"): (13, (), None),
    ("zrm_11", "domains"): (11, (), None),
    ("cbs_general_trust", "trusting_is_high"): (1, (), (0, 1)),
    ("cbs_general_trust", "trusting_is_low"): (1, (1,), (0, 1)),
    ("cbs_institutional_trust", "very_much_1"): (1, (1,), (1, 4)),
    ("cbs_institutional_trust", "very_much_4"): (1, (), (1, 4)),
    ("cbs_making_ends_meet", "ease"): (1, (), (1, 6)),
    ("cbs_arrears", "any_yes_is_high"): (3, (), (0, 1)),
    ("cbs_arrears", "count_yes_is_high"): (3, (), (0, 3)),
    ("cbs_arrears", "any_yes_is_low"): (3, (1, 2, 3), (0, 1)),
    ("cbs_arrears", "count_yes_is_low"): (3, (1, 2, 3), (0, 3)),
    ("cbs_not_enough_money", "any_yes_is_high"): (6, (), (0, 1)),
    ("cbs_not_enough_money", "count_yes_is_high"): (6, (), (0, 6)),
    ("cbs_not_enough_money", "any_yes_is_low"): (6, (1, 2, 3, 4, 5, 6), (0, 1)),
    ("cbs_not_enough_money", "count_yes_is_low"): (6, (1, 2, 3, 4, 5, 6), (0, 6)),
    ("personal_financial_wellness", "mean"): (8, (), (1, 10)),
}
LOWER = {
    "ces_d", "cesd_10", "phq9", "gad7", "ghq12", "k6", "k10", "de_jong_gierveld_6", "ucla_3", "pss_10", "cbs_arrears", "cbs_not_enough_money",
}  # fmt: skip
# What the facts file tags M, field by field; every other stated field has been read somewhere.
UNVERIFIED = {
    "gse": set(),
    "who5": set(),
    "cfpb_10": {"other_codes"},
    "cfpb_5": {"other_codes"},
    "ces_d": {"licence"},
    "cesd_10": {"licence"},
    "phq9": {"reference"},
    "gad7": {"reference", "missing"},
    "rosenberg": {"missing", "other_codes"},
    "mhi5": {"reference", "licence", "missing"},
    "de_jong_gierveld_6": {"reference"},
    "ie_4": {"missing"},
    "brs": {"missing", "cut_offs"},
    "osss_3": {"missing"},
    "pss_10": {"reference", "missing"},
    "self_control_brief": {"licence", "missing"},
    "swemwbs": {"missing"},
    "financial_self_efficacy": {"licence", "missing"},
    "pearlin_mastery": {"reference", "missing"},
    "internet_skills_short": {"codes", "score", "missing", "subscales"},
    "jsse": {*ALWAYS_STATED, "subscales"},
    "job_search_intensity": {*ALWAYS_STATED, "subscales"},
    "job_search_effort": set(ALWAYS_STATED),
    "job_search_clarity": {*ALWAYS_STATED, "other_codes"},
    "ghq12": {"reference", "licence", "other_codes", "score", "missing"},
}


def answers(rows) -> pd.DataFrame:
    rows = np.atleast_2d(np.asarray(rows, dtype=float))
    return pd.DataFrame(rows, columns=[f"i{j}" for j in range(1, rows.shape[1] + 1)])


def points(key, rows, **options) -> list[float]:
    return score(answers(rows), key, "i{item}", **options).values.tolist()


def said(entry: Scale) -> dict:
    return {"codes": entry.codes.pair} if entry.codes.declare else {}


def ends(entry: Scale, numbers) -> tuple[list[float], list[float]]:
    """The answers that score lowest and highest."""
    low, high = [], []
    for n in range(1, entry.items + 1):
        codes = entry.codes_of(n)
        down = entry.chosen.keyed_down(n)
        low.append(codes.max if down else codes.min)
        high.append(codes.min if down else codes.max)
    return low, high


def test_registry_holds_exactly_the_documented_scales_and_forms():
    assert set(FORMS) == set(FACTS)
    assert len(KEYS) == 41


@pytest.mark.parametrize(("key", "form"), FORMS)
def test_each_form_states_the_documented_facts(key, form):
    items, keyed_down, score_range = FACTS[key, form]
    entry = scale(key, form=form)
    assert entry.items == items
    assert tuple(n for n in range(1, items + 1) if entry.chosen.keyed_down(n)) == keyed_down
    assert entry.direction == ("lower" if key in LOWER else "higher")
    assert entry.chosen.total is (score_range is not None)
    if score_range is not None:
        assert entry.range_of() == score_range


@pytest.mark.parametrize(("key", "form"), FORMS)
def test_both_ends_of_the_answers_give_both_ends_of_the_score(key, form):
    entry = scale(key, form=form)
    parts = [None] if entry.chosen.total else []
    for subscale in [*parts, *entry.chosen.subscales]:
        low, high = ends(entry, None)
        made = score(answers([low, high]), entry, "i{item}", subscale=subscale, **said(entry))
        assert made.values.tolist() == pytest.approx(list(entry.range_of(subscale=subscale)))
        assert made.n_out_of_range == 0 and made.n_missing == 0
        # the middle of symmetric codes is the middle of the score, whatever is reversed
        if not (entry.chosen.conversion or entry.chosen.points) and all(c.whole for c in [entry.codes]):
            mirror = score(answers([high, low]), entry, "i{item}", subscale=subscale, **said(entry)).values
            assert (made.values + mirror).tolist() == pytest.approx([sum(entry.range_of(subscale=subscale))] * 2)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([f for f in FORMS if FACTS[f][2] is not None]), st.randoms(use_true_random=False))
def test_scores_stay_in_range_and_the_order_of_columns_and_people_does_not_matter(chosen, random):
    entry = scale(chosen[0], form=chosen[1])
    rows = [[random.randint(*entry.codes_of(n).pair) for n in range(1, entry.items + 1)] for _ in range(8)]
    # both ends of the codes occur, so that no other coding base is suspected
    rows += [
        [entry.codes_of(n).min for n in range(1, entry.items + 1)],
        [entry.codes_of(n).max for n in range(1, entry.items + 1)],
    ]
    data = answers(rows)
    made = score(data, entry, "i{item}", **said(entry))
    low, high = entry.range_of()
    assert made.values.between(low - 1e-9, high + 1e-9).all()
    columns, people = list(data.columns), list(data.index)
    random.shuffle(columns)
    random.shuffle(people)
    again = score(data.loc[people, columns], entry, "i{item}", **said(entry))
    pd.testing.assert_series_equal(again.values.sort_index(), made.values)
    # a code turned around in the file and declared so gives the same scores
    down = [n for n in range(1, entry.items + 1) if entry.chosen.keyed_down(n)]
    turned = data.copy()
    for n in down:
        turned[f"i{n}"] = sum(entry.codes_of(n).pair) - turned[f"i{n}"]
    same = score(turned, entry, "i{item}", already_reversed=down, **said(entry))
    pd.testing.assert_series_equal(same.values, made.values)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([f for f in FORMS if FACTS[f][2] is not None and FACTS[f][0] > 1]),
    st.integers(0, 6),
    st.randoms(use_true_random=False),
)
def test_missing_rules(chosen, n_missing, random):
    entry = scale(chosen[0], form=chosen[1])
    n_missing = min(n_missing, entry.items - 1)
    full = [random.randint(*entry.codes_of(n).pair) for n in range(1, entry.items + 1)]
    gone = random.sample(range(entry.items), n_missing)
    row = [np.nan if j in gone else v for j, v in enumerate(full)]
    ends_row = [
        [entry.codes_of(n).min for n in range(1, entry.items + 1)],
        [entry.codes_of(n).max for n in range(1, entry.items + 1)],
    ]
    made = score(answers([row, *ends_row]), entry, "i{item}", **said(entry))
    value = made.values.iloc[0]
    assert np.isnan(value) == (n_missing > entry.missing.max_missing)
    assert made.n_prorated == (0 < n_missing <= entry.missing.max_missing)
    low, high = entry.range_of()
    assert np.isnan(value) or low - 1e-9 <= value <= high + 1e-9


@pytest.mark.parametrize("key", KEYS)
def test_every_field_has_a_source_and_a_flag(key):
    entry = scale(key)
    assert set(entry.stated) == set(entry.sources)
    for source in entry.sources.values():
        assert source.verified is (source.status != "M")
    assert entry.verified_share == pytest.approx(1 - len(entry.unverified) / len(entry.stated))
    if key in UNVERIFIED:
        assert set(entry.unverified) == UNVERIFIED[key]


@pytest.mark.parametrize("key", KEYS)
def test_registry_ships_no_item_texts(key):
    table = tomllib.loads((REGISTRY / f"{key}.toml").read_text(encoding="utf-8"))
    assert "texts" not in table and isinstance(table["items"], int)
    for path, text in _strings(table):
        if path != "reference":
            assert len(text) <= 320
            assert not text.startswith("I ") and " I " not in text and "?" not in text


def _strings(value, path=""):
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, f"{path}.{key}".strip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, path)


# --- by hand --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "ends_and_middle", "others"),
    [
        ("self_18_61", (14, 50, 86), {17: 46, 36: 73, 37: 75}),
        ("self_62plus", (14, 53, 95), {}),
        ("interviewer_18_61", (16, 52, 91), {}),
        ("interviewer_62plus", (18, 50, 87), {}),
    ],
)
def test_cfpb_10_table_at_the_published_spots(form, ends_and_middle, others):
    table = scale("cfpb_10", form).chosen.conversion
    assert (table[0], table[20], table[40]) == ends_and_middle
    assert {raw: table[raw] for raw in others} == others
    assert len(table) == 41 and all(a < b for a, b in pairwise(table))


def test_cfpb_5_table_agrees_with_the_long_form_in_the_middle():
    assert (
        scale("cfpb_5", "self_18_61").chosen.conversion[10] == 50 and scale("cfpb_5", "self_62plus").chosen.conversion[10] == 53
    )
    for form in scale("cfpb_5").forms.values():
        assert len(form.conversion) == 21 and all(a < b for a, b in pairwise(form.conversion))
    assert "interviewer_18_61" not in scale("cfpb_5").forms


def test_cfpb_raw_sum_by_hand():
    # items 1, 2, 4, 8 as they are: 4 + 3 + 2 + 1 = 10; the six others turned: 0, 1, 2, 3, 4, 4 -> 4 + 3 + 2 + 1 + 0 + 0 = 10
    row = [4, 3, 0, 2, 1, 2, 3, 1, 4, 4]
    assert points("cfpb_10", row, form="self_18_61") == [50]
    assert points("cfpb_10", row, form="interviewer_18_61") == [52]
    assert np.isnan(points("cfpb_10", [*row[:9], np.nan], form="self_18_61")[0])
    with pytest.raises(UsageError, match=r"full raw sums only"):
        points("cfpb_10", row, form="self_18_61", prorate=1)


def test_cfpb_by_age_and_mode_of_administration():
    data = answers([[2] * 10] * 6).assign(
        age=[18, 61.9, 62, 80, 17, np.nan], mode=["self", "Interviewer", "self", "interviewer", "self", "self"]
    )
    made = score(data, "cfpb_10", "i{item}", form_from={"age": "age", "administration": "mode"})
    assert made.values.tolist()[:4] == [50, 52, 53, 50]
    assert made.values[4:].isna().all() and made.n_missing == 2
    notes = dict(made.notes)
    assert "2 people" in notes["form_unknown"] and "rows 4 and 5" in notes["form_unknown"]
    assert "self_18_61 (1)" in notes["forms_by_person"] and made.range == (14, 95)
    everyone = score(data, "cfpb_10", "i{item}", form_from={"age": "age", "administration": "self"})
    assert everyone.values.tolist()[:4] == [50, 50, 53, 53]


def test_form_from_refuses_what_it_cannot_read():
    data = answers([[2] * 10]).assign(age=[40], mode=["telephone"])
    with pytest.raises(ValueTypeError, match=r"'telephone'.*'self'"):
        score(data, "cfpb_10", "i{item}", form_from={"age": "age", "administration": "mode"})
    with pytest.raises(ScaleError, match=r"'administration' and 'age'"):
        score(data, "cfpb_10", "i{item}", form_from={"age": "age"})
    with pytest.raises(ValueTypeError, match=r"'old'.*number"):
        score(data.assign(age="old"), "cfpb_10", "i{item}", form_from={"age": "age", "administration": "self"})
    with pytest.raises(ScaleError, match=r"do not depend on the person"):
        score(data, "gse", "i{item}", form_from={"age": "age"})
    with pytest.raises(ScaleError, match=r"nobody in the data fits"):
        score(data.assign(age=10), "cfpb_10", "i{item}", form_from={"age": "age", "administration": "self"})
    with pytest.raises(UsageError, match=r"one of the two"):
        score(data, "cfpb_10", "i{item}", form="self_18_61", form_from={"age": "age"})
    with pytest.raises(ScaleError, match=r"form_from"):
        score(data, "cfpb_10", "i{item}")


def test_de_jong_gierveld_counts_dichotomized_answers():
    # 1 = no, 3 = yes: emotional 1, 4, 6 count on 2 and 3; social 2, 3, 5 count on 1 and 2
    row = [3, 1, 2, 2, 3, 1]  # emotional 1 + 1 + 0, social 1 + 1 + 0
    assert points("de_jong_gierveld_6", row, form="no_1_yes_3") == [4]
    assert points("de_jong_gierveld_6", row, form="no_1_yes_3", subscale="emotional") == [2]
    assert points("de_jong_gierveld_6", row, form="no_1_yes_3", subscale="social") == [2]
    assert points("de_jong_gierveld_6", [4 - v for v in row], form="yes_1_no_3") == [4]
    with pytest.raises(ScaleError, match=r"must be named.*1 = no"):
        points("de_jong_gierveld_6", row)


def test_de_jong_gierveld_one_missing_counts_as_zero():
    made = score(
        answers([[3, 1, 2, 2, 3, np.nan], [3, 1, 2, 2, np.nan, np.nan]]), "de_jong_gierveld_6", "i{item}", form="no_1_yes_3"
    )
    assert made.values.iloc[0] == 4 and np.isnan(made.values.iloc[1])
    assert "got a zero in place" in dict(made.notes)["prorated"] and made.n_prorated == 1
    part = score(answers([[3, 1, 2, 2, 3, np.nan]]), "de_jong_gierveld_6", "i{item}", form="no_1_yes_3", subscale="emotional")
    assert part.n_missing == 1
    # the user's own rule is another one, and says so
    own = score(answers([[3, 1, 2, 2, 3, np.nan]]), "de_jong_gierveld_6", "i{item}", form="no_1_yes_3", prorate=2)
    assert own.values.iloc[0] == pytest.approx(4 / 5 * 6) and "prorated_by_choice" in dict(own.notes)


def test_ghq_12_by_its_three_rules():
    row = [0, 1, 2, 3] * 3
    assert points("ghq12", row, form="likert") == [18]
    assert points("ghq12", row, form="bimodal") == [6]
    # positive 1, 3, 4, 7, 8, 12 hold 0, 2, 3, 2, 3, 3 -> 5; negative 2, 5, 6, 9, 10, 11 hold 1, 0, 1, 0, 1, 2 -> 4
    assert points("ghq12", row, form="c_ghq") == [9]
    assert points("ghq12", [v + 1 for v in row], form="c_ghq", codes=(1, 4)) == [9]


def test_mhi_5_in_both_orders():
    # 1 = all the time: nervous never (6), down never (6), calm always (1), low never (6), happy always (1)
    assert points("mhi5", [[6, 6, 1, 6, 1], [1, 1, 6, 1, 6]], form="cbs") == [100, 0]
    assert points("mhi5", [[6, 1, 6, 1, 6], [3, 4, 3, 4, 3]], form="health_monitor") == [100, 4 * (2 + 2 + 2 + 2 + 2)]
    raw = np.array([[2, 5, 3, 4, 1]])
    keyed = np.where([0, 0, 1, 0, 1], 7 - raw, raw).sum()
    assert points("mhi5", raw, form="cbs") == [100 * (keyed - 5) / 25]
    sides = {c.form: (c.value, c.side) for c in scale("mhi5").cut_offs}
    assert sides == {"cbs": (60, "below"), "health_monitor": (60, "at_or_below")}


def test_kessler_scales_share_their_six_items():
    row = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]
    assert points("k10", row) == [30] and points("k10", row, form="sum_0_40") == [20]
    six = [row[n - 1] for n in (2, 4, 5, 8, 9, 10)]
    assert points("k10", row, subscale="k6") == [sum(six)]
    assert points("k6", six, codes=(1, 5)) == [sum(six) - 6]
    assert points("k10", row, form="sum_0_40", subscale="k6") == [sum(six) - 6]


def test_a_mixture_of_two_codings_is_refused():
    with pytest.raises(ValueTypeError, match=r"both 0 and 5 occur.*mixed.*codes=\(1, 5\) or codes=\(0, 4\)"):
        points("k10", [[0] * 10, [5] * 10])
    made = score(answers([[0] + [5] * 9, [5] * 10]), "k10", "i{item}", codes=(1, 5))
    assert made.n_out_of_range == 1 and made.n_missing == 1


def test_oslo_scale_has_an_item_with_four_answers():
    assert points("osss_3", [4, 5, 5], form="most_support_5") == [14] and points("osss_3", [4, 1, 1], form="most_support_1") == [
        14
    ]
    made = score(answers([[5, 5, 5], [1, 1, 1]]), "osss_3", "i{item}", form="most_support_5")
    assert made.n_out_of_range == 1 and np.isnan(made.values.iloc[0])
    assert made.per_item["n_out_of_range"].tolist() == [1, 0, 0]


def test_pearlin_and_financial_self_efficacy_are_mirrored_by_their_coding():
    row = [1, 2, 3, 4, 4, 3, 2]
    # 1R 2R 3R 4 5R 6 7R: 4 + 3 + 2 + 4 + 1 + 3 + 3
    assert (
        points("pearlin_mastery", row, form="disagree_1")
        == [20]
        == points("pearlin_mastery", [5 - v for v in row], form="agree_1")
    )
    answers_6 = [4, 3, 2, 1, 4, 4]
    assert points("financial_self_efficacy", answers_6, form="exactly_true_1") == [18]
    assert points("financial_self_efficacy", [5 - v for v in answers_6], form="exactly_true_4") == [18]


def test_swemwbs_is_converted():
    assert points("swemwbs", [[3] * 7, [1] * 7, [5] * 7, [3, 3, 3, 3, 3, 3, 4]]) == [19.25, 7, 35, 19.98]
    assert points("swemwbs", [3] * 7, form="raw") == [21]


def test_scales_without_a_total_name_their_subscales():
    with pytest.raises(ScaleError, match=r"no total score.*'internal' and 'external'"):
        points("ie_4", [5, 4, 1, 2])
    internal = score(answers([5, 4, 1, 2]), "ie_4", "i{item}", subscale="internal")
    external = score(answers([5, 4, 1, 2]), "ie_4", "i{item}", subscale="external")
    assert (internal.values.iloc[0], internal.direction) == (4.5, "higher")
    assert (external.values.iloc[0], external.direction) == (1.5, "lower")
    with pytest.raises(ScaleError, match=r"no total score"):
        points("zrm_13", [3] * 13)
    assert points("zrm_13", [*[3] * 12, 5], subscale="domain_13") == [5]
    half = [*[1] * 10, *[4] * 10]
    assert points("jsse", half, subscale="behaviour") == [1] and points("jsse", half, subscale="outcomes") == [4]


def test_versions_with_other_numbers_of_answers_must_be_declared():
    with pytest.raises(ScaleError, match=r"codes=\(1, 7\).*code_range = \[1, 7\]"):
        points("mspss", [4] * 12)
    assert points("mspss", [4] * 12, codes=(1, 7)) == [4]
    with pytest.raises(ScaleError, match=r"5 answers, but the scale 'mspss' has 7"):
        points("mspss", [4] * 12, codes=(1, 5))
    family = [*[1] * 12]
    for n in (3, 4, 8, 11):
        family[n - 1] = 7
    assert points("mspss", family, codes=(1, 7), subscale="family") == [7]
    assert points("mspss", family, codes=(1, 7), subscale="friends") == [1]


def test_yes_coded_one_or_two_cannot_be_confused_in_silence():
    yes_first = [[1, 2, 2], [2, 2, 2]]  # 1 = yes, 2 = no
    with pytest.raises(ScaleError, match=r"must be named"):
        points("cbs_arrears", yes_first, codes=(1, 2))
    assert points("cbs_arrears", yes_first, form="any_yes_is_low", codes=(1, 2)) == [1, 0]
    assert points("cbs_arrears", [[0, 1, 1], [0, 0, 0]], form="count_yes_is_high") == [2, 0]
    assert points("cbs_general_trust", [[1], [2]], form="trusting_is_low", codes=(1, 2)) == [1, 0]


def test_other_documented_rules():
    # phq9 8 of 9 answered: the mean of the rest, as in Arrieta 2017; brs reverses 2, 4, 6; pss-10 reverses 4, 5, 7, 8
    assert points("phq9", [[1] * 8 + [np.nan]]) == [9]
    assert np.isnan(points("phq9", [[1] * 6 + [np.nan] * 3])[0])
    assert np.isnan(points("gad7", [[1] * 6 + [np.nan]])[0])
    assert points("brs", [5, 1, 5, 1, 5, 1]) == [5]
    assert points("pss_10", [[4, 4, 4, 0, 0, 4, 0, 0, 4, 4]]) == [40]
    assert points("cesd_10", [[0, 0, 0, 0, 3, 0, 0, 3, 0, 0]]) == [0]
    assert points("self_control_brief", [[5, 1, 1, 1, 1, 5, 1, 5, 1, 1, 5, 1, 1]]) == [65]
    assert points("internet_skills_short", [*[5] * 5, *[1] * 5, *[5] * 10], subscale="information_navigation") == [5]


# --- templates, the list and the page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["institutional_capital", "capacity_to_act"])
def test_templates_are_scales_with_everything_still_to_show(name, tmp_path, fresh_warnings):
    assert name in templates()
    path = tmp_path / "mine.toml"
    path.write_text(template(name), encoding="utf-8")
    entry = Scale.from_toml(path)
    assert entry.verified_share == 0 and len(entry.evidence_needed) >= 6
    assert all(line in entry.describe() for line in entry.evidence_needed)
    low, high = ends(entry.with_form("own"), None)
    with pytest.warns(UnverifiedScaleWarning, match=name):
        made = score(answers([low, high]), entry, "i{item}")
    assert made.values.tolist() == [1, 5]


def test_unknown_templates_and_templates_asked_for_as_scales():
    with pytest.raises(ScaleError, match=r"Did you mean 'capacity_to_act'"):
        template("capacity_to_ac")
    with pytest.raises(ScaleError, match=r"trialkit scales --template institutional_capital"):
        scale("institutional_capital")


def test_scales_lists_the_share_that_was_verified():
    table = scales().set_index("key")
    assert list(table.index) == KEYS
    assert table.loc["gse", "verified_share"] == 1 and table.loc["jsse", "verified_share"] == 0
    assert table.loc["ie_4", "range"] == "1-5 each" and table.loc["osss_3", "codes"] == "1-4 or 1-5"


def test_the_page_of_the_registry_is_current():
    assert (ROOT / "docs" / "scales.md").read_text(encoding="utf-8") == page()


BROKEN = {
    "points for a missing step": ("values = [0, 0, 1, 1]", "values = [0, 0, 1]", r"4 answers but 3 points"),
    "points twice": ("values = [0, 1, 1, 1] }]", "values = [0, 1, 1, 1] }, { items = [1], values = [0, 1, 1, 1] }]", r"item 1 is given points 2 times"),
    "points and reversal": ("points = [{ values = [0, 0, 1, 1] }]", "points = [{ values = [0, 0, 1, 1] }]\nreversed = [1]", r"leave out reversed"),
    "unknown answer format": ('low = "best answer, printed first", high = "worst answer, printed last" }\nother', 'format = "agree" }\nother', r"no answer format"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", BROKEN)
def test_mistakes_in_points_are_named(mistake):
    right, wrong, expected = BROKEN[mistake]
    text = (REGISTRY / "ghq12.toml").read_text(encoding="utf-8")
    assert right in text
    with pytest.raises(ScaleError, match=expected):
        Scale.from_dict(tomllib.loads(text.replace(right, wrong, 1)))


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("conversion = [14, 19, 22,", "conversion = [14, 19,", r"41 entries, not 40"),
        ("conversion = [14, 19, 22,", "conversion = [14, 29, 22,", r"must rise"),
        (
            'missing = "all_required"',
            'missing = { max_missing = 1, rule = "mean_of_answered" }',
            r"converted only when every item",
        ),
    ],
)
def test_mistakes_in_conversion_tables_are_named(right, wrong, expected):
    text = (REGISTRY / "cfpb_10.toml").read_text(encoding="utf-8")
    assert right in text
    with pytest.raises(ScaleError, match=expected):
        Scale.from_dict(tomllib.loads(text.replace(right, wrong, 1)))


def test_missing_rules_and_cut_offs_of_the_registry():
    rules = {key: (scale(key).missing.max_missing, scale(key).missing.rule, scale(key).missing.ours) for key in KEYS}
    published = {key: rule for key, rule in rules.items() if rule[0]}
    assert published == {
        "gse": (3, "mean_of_answered", False),
        "phq9": (2, "mean_of_answered", False),
        "de_jong_gierveld_6": (1, "counts_as_zero", False),
        "ces_d": (4, "mean_of_answered", True),
        "cesd_10": (2, "mean_of_answered", True),
    }
    assert all("trialkit's choice" in scale(key).missing.note for key in ("ces_d", "cesd_10"))
    cuts = {
        key: [(c.value, c.side) for c in scale(key).cut_offs]
        for key in ("gse", "who5", "rosenberg", "ces_d", "ucla_3", "mspss", "phq9")
    }
    assert cuts == {
        "gse": [],
        "who5": [(50, "at_or_below"), (28, "at_or_below")],
        "rosenberg": [(15, "below")],
        "ces_d": [(16, "at_or_above")],
        "ucla_3": [],
        "mspss": [],
        "phq9": [(v, "at_or_above") for v in (5, 10, 15, 20)],
    }
    assert {c.set for c in scale("k10").cut_offs} == {"10-15/16-21/22-29/30-50", "below 20/20-24/25-29/30 and over"}
