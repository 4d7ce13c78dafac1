"""RFC 8785: the vectors of its sections 3.2.2 to 3.2.4 and appendix B."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialkit.plan.locking.canonical import canonical_json, canonical_number, parse_strict, sha256_of_json

# Appendix B: the bits of a double, and its text.
NUMBERS = """
0000000000000000 0
8000000000000000 0
0000000000000001 5e-324
8000000000000001 -5e-324
7fefffffffffffff 1.7976931348623157e+308
ffefffffffffffff -1.7976931348623157e+308
4340000000000000 9007199254740992
c340000000000000 -9007199254740992
4430000000000000 295147905179352830000
44b52d02c7e14af5 9.999999999999997e+22
44b52d02c7e14af6 1e+23
44b52d02c7e14af7 1.0000000000000001e+23
444b1ae4d6e2ef4e 999999999999999700000
444b1ae4d6e2ef4f 999999999999999900000
444b1ae4d6e2ef50 1e+21
3eb0c6f7a0b5ed8c 9.999999999999997e-7
3eb0c6f7a0b5ed8d 0.000001
41b3de4355555553 333333333.3333332
41b3de4355555554 333333333.33333325
41b3de4355555555 333333333.3333333
41b3de4355555556 333333333.3333334
41b3de4355555557 333333333.33333343
becbf647612f3696 -0.0000033333333333333333
43143ff3c1cb0959 1424953923781206.2
"""

# Section 3.2.2, and the bytes of section 3.2.4.
SAMPLE = r"""{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}"""
SAMPLE_BYTES = """
7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72 73 22 3a
5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31 65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32 2c 31 65 2d 32 37
5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30 30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d
"""

# Section 3.2.3: keys in the order of their UTF-16 code units.
UNSORTED = r"""{
  "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
  "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
}"""
SORTED = [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
]


@pytest.mark.parametrize(("bits", "text"), [line.split() for line in NUMBERS.strip().splitlines()])
def test_numbers_of_appendix_b(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_number(value) == text


def test_sample_object() -> None:
    assert canonical_json(parse_strict(SAMPLE)).encode("utf-8") == bytes.fromhex(SAMPLE_BYTES)


def test_keys_are_sorted_by_utf16_code_units() -> None:
    assert list(json.loads(canonical_json(parse_strict(UNSORTED))).values()) == SORTED


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 2**53, -(2**53), {1: "a"}, "\ud800", {"\udfff": 1}, {"a": {1, 2}}, b"x"]
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


def test_largest_safe_integers_are_kept() -> None:
    assert canonical_json([2**53 - 1, -(2**53) + 1]) == "[9007199254740991,-9007199254740991]"


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"b": [{"a": 1, "a": 1}]}',
        "[NaN]",
        "[-Infinity]",
        "[1e999]",
        "[9007199254740993]",
        "[1" + "0" * 5000 + "]",
        "[" * 100_000,
        "",
        "{",
    ],
)
def test_strict_reading_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        parse_strict(text)


def test_doubles_beyond_the_safe_integers_read_back() -> None:
    assert parse_strict("[9007199254740992,-295147905179352830000]") == [2.0**53, -(2.0**68)]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive(value: float) -> None:
    assert float(canonical_number(value)) == value


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_canonical_text_reads_back_to_itself(value: Any) -> None:
    text = canonical_json(value)
    assert canonical_json(parse_strict(text)) == text


@given(st.dictionaries(st.text(), st.integers(0, 9), min_size=2))
def test_order_of_keys_does_not_matter(table: dict[str, int]) -> None:
    assert sha256_of_json(dict(reversed(table.items()))) == sha256_of_json(table)


def test_hash_is_that_of_the_utf8_bytes() -> None:
    assert sha256_of_json({"€": 1.0}) == hashlib.sha256('{"€":1}'.encode()).hexdigest()
