"""Several waves in one call, answers in long form, words as answers, and people who did not read the questions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialkit.errors import ColumnNotFoundError, DataError, ScaleError, UsageError, ValueTypeError
from trialkit.measurement import answer_labels, scale, score, score_long
from trialkit.measurement.scoring.answer_formats import FORMATS

WAVES = ["t0", "t1"]


@pytest.fixture
def wide() -> pd.DataFrame:
    draw = np.random.default_rng(3)
    columns = {f"gse_{w}_{i}": draw.integers(1, 5, 40) for w in WAVES for i in range(1, 11)}
    return pd.DataFrame({"id": [f"p{k}" for k in range(40)]} | columns)


@pytest.fixture
def long(wide) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"id": wide["id"], "wave": w, "item": i, "answer": wide[f"gse_{w}_{i}"]})
        for w in WAVES
        for i in range(1, 11)
    ]
    return pd.concat(parts, ignore_index=True)


def test_waves_by_one_pattern(wide):
    wide.loc[4, "gse_t1_3"] = -99
    both = score(wide, "gse", "gse_{wave}_{item}", waves=WAVES)
    assert list(both.values.columns) == ["gse_t0", "gse_t1"]
    for wave in WAVES:
        alone = score(wide, "gse", f"gse_{wave}_{{item}}")
        pd.testing.assert_series_equal(both[wave].values, alone.values)
    assert both.counts.loc["t1", "n_out_of_range"] == 1 and both.counts.loc["t0", "n_out_of_range"] == 0
    assert any(sentence.startswith("t1: 1 answer outside") for _, sentence in both.notes)
    assert set(both.to_dict()["waves"]) == set(WAVES) and "t0: General Self-Efficacy" in str(both)
    assert "<table>" in both._repr_html_()
    with pytest.raises(UsageError, match=r"wave 't2' was not scored"):
        both["t2"]


def test_waves_must_be_named_and_the_message_says_which_there_are(wide):
    with pytest.raises(UsageError, match=r"the columns hold 't0' and 't1': say waves=\['t0', 't1'\]"):
        score(wide, "gse", "gse_{wave}_{item}")
    with pytest.raises(UsageError, match=r"different waves"):
        score(wide, "gse", "gse_{wave}_{item}", waves=["t0", "t0"])
    with pytest.raises(UsageError, match=r"different waves"):
        score(wide, "gse", "gse_{wave}_{item}", waves="t0")
    with pytest.raises(UsageError, match=r"pattern with \{wave\}"):
        score(wide, "gse", "gse_t0_{item}", waves=WAVES)
    with pytest.raises(ColumnNotFoundError, match=r"'gse_t2_1'"):
        score(wide, "gse", "gse_{wave}_{item}", waves=["t2"])


def test_long_form_gives_the_scores_of_the_wide_form(wide, long):
    shuffled = long.sample(frac=1, random_state=1)
    made = score_long(shuffled, "gse", person="id", wave="wave", item="item", answer="answer")
    expected = score(wide.set_index("id"), "gse", "gse_{wave}_{item}", waves=WAVES).values
    pd.testing.assert_frame_equal(made.values.loc[expected.index, expected.columns], expected, check_names=False)
    only = score_long(long[long["wave"] == "t0"], "gse", person="id", item="item", answer="answer")
    assert only.values.tolist() == expected["gse_t0"].tolist()


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 30))
def test_rows_that_are_absent_are_answers_not_given(random, gone):
    rows = [(p, i, random.randint(1, 4)) for p in range(6) for i in range(1, 11)]
    kept = random.sample(rows, len(rows) - gone)
    made = score_long(pd.DataFrame(kept, columns=["id", "item", "answer"]), "gse", person="id", item="item", answer="answer")
    for person in made.values.index:
        given_answers = [a for p, _, a in kept if p == person]
        expected = np.mean(given_answers) * 10 if len(given_answers) >= 7 else np.nan
        assert made.values[person] == pytest.approx(expected, nan_ok=True)


def test_long_form_by_the_names_of_the_items(long):
    named = long.assign(item=["gse_" + str(i) for i in long["item"]])
    other = pd.DataFrame({"id": ["p0"], "wave": ["t0"], "item": ["who_1"], "answer": [5]})
    made = score_long(
        pd.concat([named, other]), "gse", person="id", wave="wave", item="item", answer="answer", items="gse_{item}"
    )
    expected = score_long(long, "gse", person="id", wave="wave", item="item", answer="answer")
    pd.testing.assert_frame_equal(made.values, expected.values)
    with pytest.raises(DataError, match=r"no row of column 'item' fits items='bse_\{item\}'"):
        score_long(named, "gse", person="id", wave="wave", item="item", answer="answer", items="bse_{item}")


def test_long_form_with_words_ages_and_a_wave_without_a_person():
    rows = [("a", "t0", i, "2", 40) for i in range(1, 11)] + [("b", "t0", i, "2", 70) for i in range(1, 11)]
    rows += [("a", "t1", i, "4", 41) for i in range(1, 11)]
    data = pd.DataFrame(rows, columns=["id", "wave", "item", "answer", "age"])
    made = score_long(
        data,
        "cfpb_10",
        person="id",
        wave="wave",
        item="item",
        answer="answer",
        form_from={"age": "age", "administration": "self"},
    )
    assert made["t0"].values.to_dict() == {"a": 50, "b": 53}
    # four items count 4, six turned items count 0: raw 16
    assert made["t1"].values["a"] == scale("cfpb_10", "self_18_61").chosen.conversion[16] and np.isnan(made["t1"].values["b"])
    data.loc[0, "age"] = 90
    with pytest.raises(DataError, match=r"column 'age' differs between the answers of one person"):
        score_long(
            data,
            "cfpb_10",
            person="id",
            wave="wave",
            item="item",
            answer="answer",
            form_from={"age": "age", "administration": "self"},
        )


def test_long_form_refuses_what_is_no_long_form(long):
    columns = dict(person="id", wave="wave", item="item", answer="answer")
    with pytest.raises(DataError, match=r"second answers of one person.*id p0.*item 1"):
        score_long(pd.concat([long, long.head(1)]), "gse", **columns)
    with pytest.raises(DataError, match=r"name the column of the wave"):
        score_long(long, "gse", person="id", item="item", answer="answer")
    with pytest.raises(ValueTypeError, match=r"column 'item' holds '11'.*items 1 to 10"):
        score_long(long.assign(item=long["item"] + 1), "gse", **columns)
    with pytest.raises(ColumnNotFoundError, match=r"Did you mean 'answer'"):
        score_long(long, "gse", **columns | {"answer": "answers"})
    with pytest.raises(DataError, match=r"column 'id' is empty in 1 rows"):
        score_long(long.assign(id=[None, *long["id"][1:]]), "gse", **columns)
    with pytest.raises(UsageError, match=r"no option 'waves'"):
        score_long(long, "gse", **columns, waves=WAVES)


# --- words ----------------------------------------------------------------------------------------------------------------


def words(values) -> pd.DataFrame:
    return pd.DataFrame([values], columns=[f"i{j}" for j in range(1, len(values) + 1)])


@pytest.mark.parametrize("name", FORMATS)
def test_answer_formats_are_unambiguous_and_in_both_languages(name):
    for steps, by_step in FORMATS[name].items():
        assert len(by_step) == steps
        listed = [w for step in by_step for w in step.split("|")]
        assert len(set(listed)) == len(listed), "a word stands for one answer only"
        assert all(w == w.strip().casefold() for w in listed) and all("|" in step for step in by_step)
        labels, turned = (answer_labels(name, codes=(1, steps), falling=f) for f in (False, True))
        assert {w: steps + 1 - v for w, v in labels.items()} == turned
        assert set(labels.values()) == set(range(1, steps + 1))


def test_words_in_dutch_and_english():
    english = ["Strongly agree", "strongly disagree", "agree", "disagree", "neutral", "Strongly disagree "]
    dutch = ["Helemaal mee eens", "helemaal mee oneens", "mee eens", "mee oneens", "neutraal", "helemaal mee oneens"]
    # 5, 1 -> 5, 4, 2 -> 4, 3, 1 -> 5
    expected = pytest.approx((5 + 5 + 4 + 4 + 3 + 5) / 6)
    assert score(words(english), "brs", "i{item}", value_labels="agreement").values.iloc[0] == expected
    assert score(words(dutch), "brs", "i{item}", value_labels="agreement").values.iloc[0] == expected
    lonely = ["Ja", "Nee", "min of meer", "min of meer", "Ja", "Nee"]
    for form in scale("de_jong_gierveld_6").forms:
        assert (
            score(words(lonely), "de_jong_gierveld_6", "i{item}", form=form, value_labels="yes_more_or_less_no").values.iloc[0]
            == 4
        )
    confident = ["helemaal niet waar", "nauwelijks waar"] * 3
    for form in scale("financial_self_efficacy").forms:
        made = score(words(confident), "financial_self_efficacy", "i{item}", form=form, value_labels="truth")
        assert made.values.iloc[0] == 3 * 4 + 3 * 3, "the words decide, whichever way they are coded"


def test_a_format_whose_direction_is_not_known_is_refused_with_the_remedy():
    said = ["altijd", "nooit", "soms", "vaak", "zelden"]
    with pytest.raises(ScaleError, match=r"not known which way 'frequency' runs.*answer_labels\('frequency', codes=\(1, 5\)"):
        score(words([*said, "soms"]), "jobs_search_self_efficacy", "i{item}", value_labels="frequency")
    labels = answer_labels("frequency", codes=(1, 5))
    made = score(words([*said, "soms"]), "jobs_search_self_efficacy", "i{item}", value_labels=labels)
    assert made.values.iloc[0] == pytest.approx((5 + 1 + 3 + 4 + 2 + 3) / 6)


def test_text_without_labels_is_recognized_but_not_guessed():
    with pytest.raises(ValueTypeError, match=r"the words are those of the answer format 'agreement'|The words are those"):
        score(words(["mee eens"] * 6), "brs", "i{item}")
    with pytest.raises(UsageError, match=r"Did you mean 'agreement'"):
        answer_labels("agreemet", codes=(1, 5))
    with pytest.raises(UsageError, match=r"4, 5 and 7 answers, not with 6"):
        answer_labels("agreement", codes=(1, 6))


# --- people who did not read ------------------------------------------------------------------------------------------------


def test_speeding_is_reported_and_nobody_dropped():
    data = pd.DataFrame(np.full((4, 10), 2), columns=[f"i{j}" for j in range(1, 11)]).assign(time=[19.9, 20, np.nan, 300])
    made = score(data, "gse", "i{item}", seconds="time")
    assert made.n_speeding == 1 and made.n_scored == 4
    assert made.per_person["speeding"].tolist() == [True, False, pd.NA, False]
    assert "1 person took less than 2 seconds" in dict(made.notes)["speeding"]
    assert score(data, "gse", "i{item}", seconds="time", seconds_per_item=1).n_speeding == 0
    assert score(data, "gse", "i{item}").n_speeding is None and made.to_dict()["n_speeding"] == 1
    with pytest.raises(ValueTypeError, match=r"'1 min'.*seconds"):
        score(data.assign(time="1 min"), "gse", "i{item}", seconds="time")
    with pytest.raises(ValueTypeError, match=r"negative seconds"):
        score(data.assign(time=-99), "gse", "i{item}", seconds="time")
    with pytest.raises(ColumnNotFoundError, match=r"Did you mean 'time'"):
        score(data, "gse", "i{item}", seconds="times")


def test_each_person_is_described():
    rows = [[1, 1, 1, 1, 1, 1], [1, 5, 1, 5, 1, 5], [3, 3, 3, np.nan, 3, 3], [9, 2, 2, 2, 2, 1]]
    data = pd.DataFrame(rows, columns=[f"i{j}" for j in range(1, 7)], index=["a", "b", "c", "d"])
    people = score(data, "brs", "i{item}").per_person
    assert people["longest_run"].to_dict() == {"a": 6, "b": 1, "c": 3, "d": 4}
    assert people["straight_lining"].to_dict() == {"a": True, "b": False, "c": False, "d": False}
    assert people["n_answered"].to_dict() == {"a": 6, "b": 6, "c": 5, "d": 5}
    assert people["n_out_of_range"].to_dict() == {"a": 0, "b": 0, "c": 0, "d": 1}


def test_equal_answers_to_items_that_all_run_one_way_are_no_straight_line():
    data = pd.DataFrame(np.full((3, 6), 4), columns=[f"i{j}" for j in range(1, 7)])
    assert score(data, "financial_self_efficacy", "i{item}", form="exactly_true_4").n_straight_lining is None


def test_loneliness_items_that_were_turned_already_are_noticed():
    draw = np.random.default_rng(2)
    factor = draw.normal(size=(300, 1))
    sign = np.array([1, -1, -1, 1, -1, 1])
    raw = pd.DataFrame(
        np.clip(np.round(2 + sign * factor + 0.5 * draw.normal(size=(300, 6))), 1, 3), columns=[f"i{j}" for j in range(1, 7)]
    )
    fine = score(raw, "de_jong_gierveld_6", "i{item}", form="no_1_yes_3")
    assert not {"already_reversed", "runs_against"} & {code for code, _ in fine.notes}
    turned = raw.assign(i3=4 - raw["i3"])
    found = dict(score(turned, "de_jong_gierveld_6", "i{item}", form="no_1_yes_3").notes)
    assert found["already_reversed"].startswith("item 3 looks already reversed")
    mended = score(turned, "de_jong_gierveld_6", "i{item}", form="no_1_yes_3", already_reversed=[3])
    assert mended.values.tolist() == fine.values.tolist()
