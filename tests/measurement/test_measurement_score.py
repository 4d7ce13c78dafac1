"""Scoring: hand-computed scores, missing rules, stray answers, text, items that run the wrong way."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from trialkit.errors import ColumnNotFoundError, DataError, ScaleError, UsageError, ValueTypeError
from trialkit.measurement import Scale, scale, score

FIRST_ORDER = "reversed_2_5_6_8_9"
OTHER_ORDER = "reversed_3_5_8_9_10"


def frame(rows, prefix="i", index=None) -> pd.DataFrame:
    rows = np.atleast_2d(rows)
    return pd.DataFrame(rows, columns=[f"{prefix}{j}" for j in range(1, rows.shape[1] + 1)], index=index)


def noted(result, code) -> str:
    sentences = [sentence for found, sentence in result.notes if found == code]
    assert sentences, f"no note {code} in {result.notes}"
    return sentences[0]


def codes_of(result) -> set[str]:
    return {code for code, _ in result.notes}


def one_factor(n, keyed_down, *, items, low, high, seed) -> np.ndarray:
    """Answers with one common factor; the items in keyed_down (from 1) point the other way."""
    draw = np.random.default_rng(seed)
    factor = draw.normal(size=(n, 1))
    sign = np.array([-1 if j + 1 in keyed_down else 1 for j in range(items)])
    raw = sign * 0.8 * factor + 0.6 * draw.normal(size=(n, items))
    return np.clip(np.round((low + high) / 2 + raw), low, high)


# --- hand-computed ------------------------------------------------------------------------------------------------------


def test_gse_sum_and_mean():
    data = frame([[1, 2, 3, 4, 1, 2, 3, 4, 1, 2], [4] * 10], prefix="gse_t0_", index=["a", "b"])
    result = score(data, scale("gse"), items="gse_t0_{item}")
    assert result.values.to_dict() == {"a": 23.0, "b": 40.0}
    assert result.values.name == "gse"
    assert score(data, "gse", items="gse_t0_{item}", form="mean").values.tolist() == pytest.approx([2.3, 4.0])
    assert (result.n_reversed, result.n_out_of_range, result.n_prorated, result.n_missing) == (0, 0, 0, 0)


def test_gse_scores_with_up_to_three_missing():
    row = [4, 3, 2, 1, 4, 3, 2]  # sum 19 over seven answers
    data = frame([[*row, np.nan, np.nan, np.nan], [*row[:6], *[np.nan] * 4], [4] * 10])
    result = score(data, "gse", items="i{item}")
    assert result.values.iloc[0] == pytest.approx(19 / 7 * 10)
    assert np.isnan(result.values.iloc[1])
    assert (result.n_prorated, result.n_missing, result.n_scored) == (1, 1, 2)
    assert "by the rule of the scale" in noted(result, "prorated")
    assert "row 1" in noted(result, "no_score")
    assert score(data, "gse", items="i{item}", form="mean").values.iloc[0] == pytest.approx(19 / 7)


def test_who5_is_the_sum_times_four_and_needs_all_five():
    data = frame([[5, 5, 5, 5, 5], [0, 1, 2, 3, 4], [0, 0, 0, 0, 0], [5, 5, 5, 5, np.nan]])
    result = score(data, "who5", items="i{item}")
    assert result.values.tolist()[:3] == [100.0, 40.0, 0.0]
    assert np.isnan(result.values.iloc[3])
    assert result.n_prorated == 0 and result.n_missing == 1


@pytest.mark.parametrize(
    ("form", "expected"),
    # answers 3,0,3,3,0,0,3,0,0,3. First order: all ten score 3. Other order: items 3 and 10 become 0, items 2 and 6 stay 0.
    [(FIRST_ORDER, 30.0), (OTHER_ORDER, 18.0)],
)
def test_rosenberg_depends_on_the_order(form, expected):
    data = frame([[3, 0, 3, 3, 0, 0, 3, 0, 0, 3]])
    result = score(data, scale("rosenberg", form=form), items="i{item}")
    assert result.values.tolist() == [expected]
    assert result.n_reversed == 5 and result.n_answers_recoded == 5
    reversed_items = result.per_item.loc[result.per_item["reversed"], "item"].tolist()
    assert tuple(reversed_items) == scale("rosenberg", form=form).chosen.reversed


def test_rosenberg_refuses_to_guess_the_order():
    with pytest.raises(ScaleError, match=r"the form must be named"):
        score(frame([[0] * 10]), scale("rosenberg"), items="i{item}")


def test_rosenberg_coded_one_to_four_keeps_its_published_range():
    data = frame([[4, 1, 4, 4, 1, 1, 4, 1, 1, 4], [1] * 10])
    result = score(data, "rosenberg", items="i{item}", form=FIRST_ORDER, codes=(1, 4))
    # all ones: five items score 0, five reversed ones 3
    assert result.values.tolist() == [30.0, 15.0]
    assert result.codes == (1, 4) and result.range == (0, 30)
    assert "1-4 to 0-3" in noted(result, "codes_moved")


def test_rosenberg_says_when_both_codings_fit():
    data = frame([[1, 2, 3, 1, 2, 3, 1, 2, 3, 1]])
    assert "codes=(1, 4)" in noted(score(data, "rosenberg", items="i{item}", form=FIRST_ORDER), "coding_base_unclear")
    declared = score(data, "rosenberg", items="i{item}", form=FIRST_ORDER, codes=(0, 3))
    assert "coding_base_unclear" not in codes_of(declared)
    assert declared.values.tolist() == [1 + 1 + 3 + 1 + 1 + 0 + 1 + 1 + 0 + 1]


def test_jobs_self_efficacy_is_the_mean_of_six():
    result = score(frame([[1, 2, 3, 4, 5, 5], [1, 1, 1, 1, 1, np.nan]]), "jobs_search_self_efficacy", items="i{item}")
    assert result.values.iloc[0] == pytest.approx(20 / 6)
    assert np.isnan(result.values.iloc[1])


def test_ces_d_reverses_four_items_and_prorates_by_our_choice():
    zeros = [0] * 20  # four reversed items score 3 each
    four_missing = [np.nan, np.nan, np.nan, np.nan, *[1] * 16]  # item 4 is missing; 8, 12, 16 become 2: 13 + 6 = 19 over 16
    five_missing = [np.nan] * 5 + [1] * 15
    result = score(frame([zeros, four_missing, five_missing]), "ces_d", items="i{item}")
    assert result.values.iloc[0] == 12
    assert result.values.iloc[1] == pytest.approx(19 / 16 * 20)
    assert np.isnan(result.values.iloc[2])
    assert "trialkit's choice" in noted(result, "prorated_by_choice")
    assert result.direction == "lower"
    # 4 + 3 + 3 reversed answers were there
    assert result.n_answers_recoded == 10


def test_reversal_uses_the_theoretical_range():
    data = frame([[1] * 20, [2] * 20])  # observed 1-2 on a 0-3 scale
    result = score(data, "ces_d", items="i{item}")
    assert result.values.tolist() == [16 * 1 + 4 * 2, 16 * 2 + 4 * 1]


# --- the caller's missing rule ------------------------------------------------------------------------------------------


def test_prorate_replaces_the_rule_and_is_labelled():
    data = frame([[5, 5, 5, 5, np.nan], [np.nan] * 5])
    result = score(data, "who5", items="i{item}", prorate=1)
    assert result.values.iloc[0] == 100 and result.n_missing == 1
    assert "prorate=1, not a rule of the scale" in noted(result, "prorated_by_choice")
    assert "1 of them answered none" in noted(result, "no_score")
    strict = score(frame([[4] * 9 + [np.nan]]), "gse", items="i{item}", prorate=0)
    assert strict.n_missing == 1


@pytest.mark.parametrize("prorate", [True, 5, -1, 1.5, "two"])
def test_prorate_must_be_a_possible_number(prorate):
    with pytest.raises(UsageError, match=r"prorate=.*0 to 4"):
        score(frame([[5] * 5]), "who5", items="i{item}", prorate=prorate)


# --- columns ------------------------------------------------------------------------------------------------------------


def test_patterns_lists_and_order_of_columns():
    data = frame([[1, 2, 3, 4, 5]])
    padded = data.rename(columns=lambda c: f"w_{int(c[1:]):02d}")
    expected = [60.0]
    assert score(data[["i5", "i1", "i3", "i2", "i4"]], "who5", items="i{item}").values.tolist() == expected
    assert score(padded, "who5", items="w_{item:02d}").values.tolist() == expected
    assert score(data, "who5", items=["i1", "i2", "i3", "i4", "i5"]).values.tolist() == expected
    assert score(data.set_axis(range(5), axis=1), "who5", items=range(5)).values.tolist() == expected


def test_misspelled_column_proposes_the_near_name():
    data = frame([[1] * 10], prefix="gse_t0_").rename(columns={"gse_t0_3": "gse_to_3"})
    with pytest.raises(ColumnNotFoundError, match=r"'gse_t0_3'.*item 3.*Did you mean 'gse_to_3'"):
        score(data, "gse", items="gse_t0_{item}")
    with pytest.raises(ColumnNotFoundError, match=r"10 of 10 item columns are absent.*Did you mean 'gse_t0_1'"):
        score(data, "gse", items="gse_t1_{item}")


@pytest.mark.parametrize("pattern", ["gse_t0_", "gse_{wave}_{item}", "gse_{}", "gse_{item:x}"])
def test_pattern_without_the_place_of_the_item(pattern):
    with pytest.raises(UsageError, match=r"\{item\}"):
        score(frame([[1] * 10]), "gse", items=pattern)


def test_lists_of_the_wrong_length_or_with_repeats():
    data = frame([[1] * 10])
    with pytest.raises(UsageError, match=r"9 columns, but the scale 'gse' has 10"):
        score(data, "gse", items=list(data.columns[:9]))
    with pytest.raises(UsageError, match=r"'i1' more than once"):
        score(data, "gse", items=["i1", *data.columns[:9]])


def test_repeated_columns_and_other_data():
    data = frame([[1] * 6], prefix="w").set_axis(["w1", "w2", "w3", "w4", "w5", "w5"], axis=1)
    with pytest.raises(DataError, match=r"more than one column named 'w5'"):
        score(data, "who5", items="w{item}")
    with pytest.raises(UsageError, match=r"data frame, not list"):
        score([[1, 2, 3, 4, 5]], "who5", items="w{item}")
    with pytest.raises(UsageError, match=r"Scale or the key.*not int"):
        score(data, 5, items="w{item}")
    with pytest.raises(DataError, match=r"no rows"):
        score(data.iloc[:0], "who5", items="w{item}")


# --- codes --------------------------------------------------------------------------------------------------------------


def test_out_of_range_answers_are_counted_named_and_set_missing():
    data = frame([[1] * 10, [4] * 10, [2] * 10], index=["p1", "p2", "p3"]).astype(float)
    data.loc["p1", "i3"] = 44
    data.loc["p3", ["i3", "i7"]] = [5, 2.5]
    result = score(data, "gse", items="i{item}")
    assert result.n_out_of_range == 3
    assert result.per_item.set_index("item")["n_out_of_range"].to_dict() == {**dict.fromkeys(range(1, 11), 0), 3: 2, 7: 1}
    sentence = noted(result, "out_of_range")
    assert "item 3 (2x) and item 7 (1x)" in sentence and "rows 'p1' and 'p3'" in sentence and "2.5, 5 and 44" in sentence
    assert result.values["p1"] == 10 and result.values["p3"] == 20  # by the mean of the rest
    assert result.n_prorated == 2


def test_undeclared_missing_codes_are_named_with_the_remedy():
    data = frame([[4] * 10] * 3)
    data.loc[0, "i1"] = -99
    data.loc[1, ["i1", "i2"]] = [-98, -99]
    result = score(data, "gse", items="i{item}")
    assert result.n_out_of_range == 3
    assert "-99 and -98" in noted(result, "undeclared_missing_code")
    assert "missing_codes=[-99, -98]" in noted(result, "undeclared_missing_code")
    declared = score(data, "gse", items="i{item}", missing_codes={-99: "refused", "-98": "does not know"})
    assert declared.n_out_of_range == 0 and "undeclared_missing_code" not in codes_of(declared)
    assert declared.per_item.loc[0, "n_missing"] == 2
    pd.testing.assert_series_equal(declared.values, result.values)
    assert score(data, "gse", items="i{item}", missing_codes=-99).n_out_of_range == 1
    with pytest.raises(UsageError, match=r"missing_codes holds None"):
        score(data, "gse", items="i{item}", missing_codes=[None])


def test_zero_based_file_of_a_one_based_scale_is_refused_with_the_remedy():
    data = frame([[0, 1, 2, 3, 0, 1, 2, 3, 0, 1], [3] * 10])
    with pytest.raises(ValueTypeError, match=r"0 occurs 3 times and 4 never.*codes=\(0, 3\).*missing_codes=\[0\]"):
        score(data, "gse", items="i{item}")
    result = score(data, "gse", items="i{item}", codes=(0, 3))
    assert result.values.tolist() == [13 + 10, 40]
    assert result.range == (10, 40)
    assert "codes_moved" in codes_of(result)


def test_undeclared_missing_codes_do_not_hide_the_coding_base():
    data = frame([[0] * 10, [3] * 9 + [-99]])
    with pytest.raises(ValueTypeError, match=r"codes=\(0, 3\)"):
        score(data, "gse", items="i{item}")


def test_one_based_file_of_a_zero_based_scale_is_refused():
    with pytest.raises(ValueTypeError, match=r"6 occurs once and 0 never.*codes=\(1, 6\)"):
        score(frame([[1, 2, 3, 4, 6]]), "who5", items="i{item}")


def test_a_zero_beside_the_highest_code_is_a_stray_value():
    data = frame([[4] * 10, [0] + [1] * 9])
    result = score(data, "gse", items="i{item}")
    assert result.n_out_of_range == 1 and result.values.iloc[1] == 10


def test_codes_with_another_number_of_steps_are_another_scale():
    with pytest.raises(ScaleError, match=r"5 answers, but the scale 'gse' has 4.*from_toml"):
        score(frame([[1] * 10]), "gse", items="i{item}", codes=(1, 5))
    for wrong in [(4, 1), (1,), (1.0, 4.0)]:
        with pytest.raises(UsageError, match=r"lowest and the highest code"):
            score(frame([[1] * 10]), "gse", items="i{item}", codes=wrong)


# --- text and other kinds of columns ------------------------------------------------------------------------------------


WORDS = {"never": 0, "rarely": 1, "sometimes": 2, "often": 3, "mostly": 4, "always": 5}


def test_text_answers_need_labels():
    data = pd.DataFrame({f"w{i}": ["always", "Never ", None] for i in range(1, 6)})
    with pytest.raises(ValueTypeError, match=r"column 'w1' holds text.*'always' and 'Never ' \(rows 0 and 1\).*value_labels"):
        score(data, "who5", items="w{item}")
    result = score(data, "who5", items="w{item}", value_labels=WORDS)
    assert result.values.tolist()[:2] == [100.0, 0.0]
    assert result.n_missing == 1


def test_unknown_label_proposes_the_near_one_and_can_be_missing():
    data = pd.DataFrame({f"w{i}": ["always", "oftn"] for i in range(1, 6)})
    with pytest.raises(ValueTypeError, match=r"'oftn' .row 1.*did you mean 'often'"):
        score(data, "who5", items="w{item}", value_labels=WORDS)
    assert score(data, "who5", items="w{item}", value_labels=WORDS, missing_codes=["OFTN"]).n_missing == 1
    assert score(data, "who5", items="w{item}", value_labels={**WORDS, "oftn": None}).n_missing == 1


def test_labels_in_categoricals():
    kind = pd.CategoricalDtype(["never", "always", "refused"])
    words = pd.DataFrame({f"w{i}": pd.Series(["always", "never", None], dtype=kind) for i in range(1, 6)})
    assert score(words, "who5", items="w{item}", value_labels=WORDS).values.tolist()[:2] == [100.0, 0.0]
    numbers = pd.DataFrame({f"w{i}": pd.Categorical(["5", "0", "5"]) for i in range(1, 6)})
    assert score(numbers, "who5", items="w{item}").values.tolist() == [100.0, 0.0, 100.0]
    ordered = pd.DataFrame({f"w{i}": pd.Categorical([5, 0], ordered=True) for i in range(1, 6)})
    assert score(ordered, "who5", items="w{item}").values.tolist() == [100.0, 0.0]


def test_numbers_stored_as_text_are_read_and_noted():
    data = pd.DataFrame({f"w{i}": ["5", " 3.0", "", None] for i in range(1, 6)})
    result = score(data, "who5", items="w{item}")
    assert result.values.tolist()[:2] == [100.0, 60.0] and result.n_missing == 2
    assert "'w1'" in noted(result, "text_numbers")
    with pytest.raises(ValueTypeError, match=r"'4,5'"):
        score(data.assign(w2=["4,5", "1", "1", "1"]), "who5", items="w{item}")


@pytest.mark.parametrize("kind", ["Int64", "float32", "int8", "object", "int64[pyarrow]", "string"])
def test_kinds_of_columns_give_the_same_scores(kind):
    data = frame([[5, 4, 3, 2, 1], [0, 0, 0, 0, 0]]).astype(kind)
    assert score(data, "who5", items="i{item}").values.tolist() == [60.0, 0.0]


def test_missing_values_of_nullable_columns():
    data = frame([[5.0] * 5, [5, 5, 5, 5, np.nan]]).astype("Int64")
    assert score(data, "who5", items="i{item}").n_missing == 1


def test_polars_frames_are_read():
    polars = pytest.importorskip("polars")
    data = polars.DataFrame({f"w{i}": [5, 0] for i in range(1, 6)})
    assert score(data, "who5", items="w{item}").values.tolist() == [100.0, 0.0]


def test_columns_that_are_no_answers():
    data = frame([[1] * 5] * 2)
    with pytest.raises(ValueTypeError, match=r"column 'i2' holds datetime64"):
        score(data.assign(i2=pd.Timestamp("2026-01-01")), "who5", items="i{item}")
    with pytest.raises(ValueTypeError, match=r"column 'i2' holds lists"):
        score(data.assign(i2=pd.Series([[1], [2]], dtype="object")), "who5", items="i{item}")
    with pytest.raises(ValueTypeError, match=r"column 'i2' holds text.*object"):
        score(data.assign(i2=pd.Series([object(), 1], dtype="object")), "who5", items="i{item}")


def test_value_labels_the_other_way_round():
    data = frame([[1] * 5])
    with pytest.raises(UsageError, match=r"turn it around"):
        score(data, "who5", items="i{item}", value_labels={0: "never"})
    with pytest.raises(UsageError, match=r"two codes"):
        score(data, "who5", items="i{item}", value_labels={"never": 0, "Never": 1})
    with pytest.raises(UsageError, match=r"mapping from text to code"):
        score(data, "who5", items="i{item}", value_labels=["never"])


# --- items that run the wrong way ---------------------------------------------------------------------------------------


def rosenberg_answers(n=300, keyed_down=(2, 5, 6, 8, 9), seed=5):
    return frame(one_factor(n, keyed_down, items=10, low=0, high=3, seed=seed))


def test_correctly_keyed_answers_raise_no_suspicion():
    result = score(rosenberg_answers(), "rosenberg", items="i{item}", form=FIRST_ORDER)
    assert not {"already_reversed", "runs_against", "other_form_fits"} & codes_of(result)


def test_one_item_that_was_turned_already():
    data = rosenberg_answers()
    data["i5"] = 3 - data["i5"]
    result = score(data, "rosenberg", items="i{item}", form=FIRST_ORDER)
    sentence = noted(result, "already_reversed")
    assert sentence.startswith("item 5 looks already reversed") and "already_reversed=[5]" in sentence
    assert "runs_against" not in codes_of(result)
    # the remedy gives the scores of the file in which nothing was turned
    mended = score(data, "rosenberg", items="i{item}", form=FIRST_ORDER, already_reversed=[5])
    assert "already_reversed" not in codes_of(mended) and mended.n_reversed == 4
    assert mended.values.tolist() == score(rosenberg_answers(), "rosenberg", items="i{item}", form=FIRST_ORDER).values.tolist()


def test_a_file_in_which_everything_was_turned_already():
    data = rosenberg_answers(keyed_down=())
    result = score(data, "rosenberg", items="i{item}", form=FIRST_ORDER)
    assert noted(result, "already_reversed").startswith("items 2, 5, 6, 8 and 9 look already reversed")
    assert "runs_against" not in codes_of(result)
    mended = score(data, "rosenberg", items="i{item}", form=FIRST_ORDER, already_reversed="all")
    assert "already_reversed" not in codes_of(mended)
    assert mended.values.tolist() == data.sum(axis=1).tolist()


def test_the_other_order_is_recognized():
    result = score(rosenberg_answers(keyed_down=(3, 5, 8, 9, 10)), "rosenberg", items="i{item}", form=FIRST_ORDER)
    assert noted(result, "already_reversed").startswith("items 2 and 6 look")
    assert noted(result, "runs_against").startswith("items 3 and 10 run against")
    assert OTHER_ORDER in noted(result, "other_form_fits")


def test_an_unreversed_item_that_runs_against_the_others():
    data = frame(one_factor(200, (4,), items=10, low=1, high=4, seed=2))
    result = score(data, "gse", items="i{item}")
    assert noted(result, "runs_against").startswith("item 4 runs against")


def test_a_scale_with_only_reversed_items_is_not_suspected():
    forms = {"down": {"reversed": [1, 2, 3, 4, 5], "score": "sum"}}
    entry = Scale.from_dict(scale("who5").model_dump(by_alias=True) | {"forms": forms, "cut_offs": []})
    result = score(frame(one_factor(200, (), items=5, low=0, high=5, seed=3)), entry, items="i{item}")
    assert not {"already_reversed", "runs_against"} & codes_of(result)


def test_no_verdict_on_keys_below_thirty_answers():
    data = rosenberg_answers(keyed_down=()).head(29)
    assert "already_reversed" not in codes_of(score(data, "rosenberg", items="i{item}", form=FIRST_ORDER))


@pytest.mark.parametrize("seed", range(5))
def test_no_verdict_on_answers_without_a_common_factor(seed):
    draw = np.random.default_rng(seed)
    data = frame(draw.integers(0, 4, size=(1000, 10)))
    assert not {"already_reversed", "runs_against"} & codes_of(score(data, "rosenberg", items="i{item}", form=FIRST_ORDER))


def test_already_reversed_must_name_reversed_items():
    with pytest.raises(UsageError, match=r"names 3, but the reversed items are 2, 5, 6, 8 and 9"):
        score(rosenberg_answers(), "rosenberg", items="i{item}", form=FIRST_ORDER, already_reversed=[3])
    with pytest.raises(UsageError, match=r"no reversed items"):
        score(frame([[1] * 10]), "gse", items="i{item}", already_reversed=[1])
    with pytest.raises(UsageError, match=r"'all'"):
        score(rosenberg_answers(), "rosenberg", items="i{item}", form=FIRST_ORDER, already_reversed="every")


def test_constant_and_empty_items_and_straight_lining():
    data = frame([[0, 1, 2, 3, 2] * 4, [1] * 20, [2] * 20, [2] * 19 + [np.nan]])
    data["i7"] = 1
    data["i9"] = np.nan
    result = score(data, "ces_d", items="i{item}")
    assert noted(result, "constant_item").startswith("item 7 has the same answer")
    assert noted(result, "empty_item").startswith("item 9 has no valid answer")
    assert result.n_straight_lining == 0, "nobody answered every item"
    data = frame([[0, 1, 2, 3, 2] * 4, [1] * 20, [2] * 20, [2] * 19 + [np.nan]])
    result = score(data, "ces_d", items="i{item}")
    assert result.n_straight_lining == 2
    assert "2 people" in noted(result, "straight_lining")
    assert score(frame([[1] * 10]), "gse", items="i{item}").n_straight_lining is None


# --- the result ---------------------------------------------------------------------------------------------------------


def test_item_table_describes_the_answers_as_they_stand_in_the_file():
    data = frame([[0] * 20, [3] * 20, [1] * 20], index=[7, 8, 9]).astype(float)
    data.loc[7, "i4"] = 9
    table = score(data, "ces_d", items="i{item}").per_item
    assert " ".join(table.columns) == "item column reversed n_answered n_missing n_out_of_range mean min max"
    assert table.loc[3].tolist() == [4, "i4", True, 2, 0, 1, 2.0, 1.0, 3.0]
    assert (table["n_answered"] + table["n_missing"] + table["n_out_of_range"] == 3).all()


def test_result_reads_and_travels():
    data = frame([[4] * 10, [1] * 9 + [-99]], index=["<b>", "c"])
    result = score(data, "gse", items="i{item}")
    text = str(result)
    assert "General Self-Efficacy Scale (gse, form 'sum')" in text and "10 to 40, higher is better" in text
    assert "note [undeclared_missing_code]" in text and repr(result) == text
    page = result._repr_html_()
    assert "<table>" in page and "undeclared_missing_code" in page
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert content["n_out_of_range"] == 1 and content["mean"] == 25 and content["per_item"][9]["n_out_of_range"] == 1
    assert "values" not in content, "scores of single people leave only on request"
    assert json.loads(json.dumps(result.to_dict(values=True)))["values"] == [40.0, 10.0]


def test_nobody_scorable_is_said_not_hidden():
    result = score(frame([[np.nan] * 5] * 3), "who5", items="i{item}")
    assert result.n_scored == 0 and result.values.isna().all()
    assert "3 people without a score" in noted(result, "no_score")
    assert json.dumps(result.to_dict(values=True), allow_nan=False)
    assert "scored       0 people" in str(result)


def test_input_is_left_alone():
    data = rosenberg_answers()
    before = data.copy(deep=True)
    score(data, "rosenberg", items="i{item}", form=FIRST_ORDER)
    pd.testing.assert_frame_equal(data, before)


def test_order_of_people_does_not_matter():
    data = rosenberg_answers()
    forward = score(data, "rosenberg", items="i{item}", form=FIRST_ORDER).values
    backward = score(data.iloc[::-1], "rosenberg", items="i{item}", form=FIRST_ORDER).values
    pd.testing.assert_series_equal(forward, backward.sort_index())
