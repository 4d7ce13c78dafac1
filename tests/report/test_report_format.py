"""Numbers and labels as they stand in a report."""

from __future__ import annotations

import math

import pytest

from trialkit.report.format import Numbers, clean, decimals_for, in_words, padded, real, shortened

N = Numbers()


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (-1.2, 2, "−1.20"),
        (0.0, 2, "0.00"),
        (-0.001, 2, "0.00"),
        (1234.5, 0, "1,234"),
        (math.nan, 1, "–"),
        (None, 1, "–"),
        (math.inf, 1, "∞"),
    ],
)
def test_fixed_has_a_true_minus_and_no_negative_zero(value: object, decimals: int, text: str) -> None:
    assert N.fixed(value, decimals) == text


def test_a_sign_is_shown_on_request_only() -> None:
    assert (N.fixed(0.9, 1, sign=True), N.fixed(-0.9, 1, sign=True), N.fixed(0.0, 1, sign=True)) == ("+0.9", "−0.9", "0.0")


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "< .001"), (1e-12, "< .001"), (0.001, ".001"), (0.0314, ".031"), (0.9999, "> .999"), (1.0, "> .999"), (None, "–")],
)
def test_p_is_never_zero_nor_one(p: object, text: str) -> None:
    assert N.p(p) == text


def test_shares_are_percentages_and_people_of_a_hundred() -> None:
    assert (N.percent(0.3125), N.points(-0.0764), N.of_hundred(-0.0764), N.percent(None)) == ("31.2%", "−7.6", "8", "–")


def test_another_language_changes_its_marks_in_one_place() -> None:
    dutch = Numbers(decimal=",", thousands=".", zero_before_p=True)
    assert (dutch.fixed(-1234.5, 1), dutch.p(0.031), dutch.p(0.0)) == ("−1.234,5", "0,031", "< 0,001")


def test_general_numbers_have_no_trailing_zeros() -> None:
    assert [N.general(v) for v in (0.05, 1400, 0.5, 12.345, -0.02)] == ["0.05", "1,400", "0.5", "12.3", "−0.02"]


def test_decimals_follow_the_size_of_the_spread() -> None:
    assert [decimals_for(v) for v in (4.1, 0.45, 45, 1200, 0, math.nan, 1e-9)] == [2, 3, 1, 0, 2, 2, 6]


def test_stored_infinities_and_gaps_are_read_back() -> None:
    assert real("inf") == math.inf
    assert math.isnan(real(None)) and math.isnan(real("text")) and math.isnan(real(True))


def test_decimal_signs_of_a_column_stand_in_one_line() -> None:
    cells = padded(["1,212", "54", "9.9", "−0.003", "–", "31.2%"])
    assert [c.strip("\u2007\u2008") for c in cells] == ["1,212", "54", "9.9", "−0.003", "–", "31.2%"]
    assert {len(c) - c.index(".") for c in cells[2:4]} == {4}
    assert cells[1] == "54\u2008\u2007\u2007\u2007"
    assert cells[4] == "–"


def test_labels_lose_what_cannot_be_printed() -> None:
    assert clean("a\x00b\x07\u202ec\td\ud83d") == "abc d\N{REPLACEMENT CHARACTER}"
    assert clean("你好 😀 é\nnext") == "你好 😀 é\nnext"
    assert in_words("months_unemployed") == "Months unemployed" and in_words("x") == "X"
    assert shortened("word " * 50, 20) == "word word word word…"
