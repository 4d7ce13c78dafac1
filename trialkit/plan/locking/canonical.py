"""Canonical JSON (RFC 8785, the JSON Canonicalization Scheme) and its SHA-256.

Two writings of one plan must give one hash: keys are sorted by UTF-16 code units, numbers are written as ECMAScript writes them
(shortest digits that read back to the same double), strings keep their characters, and there is no white space.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical_json", "canonical_number", "parse_strict", "sha256_of_json", "sha256_of_text"]

# Beyond this, two integers can share one double, and a reader of the JSON could not tell them apart.
MAX_INTEGER = 2**53 - 1
_ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
_ESCAPED = {code: _ESCAPES.get(code, f"\\u{code:04x}") for code in (*range(32), 34, 92)}


def canonical_json(value: Any) -> str:
    """The canonical JSON text of tables, lists, texts, numbers, booleans and None.

    Raises
    ------
    ValueError
        For numbers that JSON cannot carry (NaN, infinity, integers of 2^53 and more), keys that are no text, lone surrogates,
        and other types.

    Examples
    --------
    >>> canonical_json({"b": [1.0, 1e21, 0.05], "a": None})
    '{"a":null,"b":[1,1e+21,0.05]}'
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, (int, float)):
        return canonical_number(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(canonical_json(v) for v in value) + "]"
    raise ValueError(f"a value of type {type(value).__name__} has no place in JSON")


def canonical_number(value: int | float) -> str:
    """A number as ECMAScript writes it: `1`, `0.000001`, `1e-7`, `1e+21`.

    Examples
    --------
    >>> canonical_number(1e-7), canonical_number(4.50), canonical_number(-0.0)
    ('1e-7', '4.5', '0')
    """
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"the integer {value} is too large to be kept in JSON (the limit is {MAX_INTEGER})")
        return str(int(value))
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number that JSON can hold")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # Python's repr gives the same shortest digits as ECMAScript; only the layout differs.
    mantissa, _, exponent = repr(abs(float(value))).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return sign + _laid_out(digits.rstrip("0"), point)


def _laid_out(digits: str, point: int) -> str:
    """Digits with the decimal point after `point` of them, in the layout of ECMAScript's Number::toString."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    exponent = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return digits + exponent if count == 1 else f"{digits[0]}.{digits[1:]}{exponent}"


def _string(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a text holds half a character (a lone surrogate); type it again") from None
    return f'"{text.translate(_ESCAPED)}"'


def _object(table: Mapping[Any, Any]) -> str:
    for key in table:
        if not isinstance(key, str):
            raise ValueError(f"the key {key!r} is no text; JSON keys are")
    members = [f"{_string(key)}:{canonical_json(table[key])}" for key in sorted(table, key=_utf16)]
    return "{" + ",".join(members) + "}"


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def sha256_of_text(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of a text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_of_json(value: Any) -> str:
    """SHA-256 of the canonical JSON.

    Examples
    --------
    >>> sha256_of_json({"a": 1}) == sha256_of_json({"a": 1.0})
    True
    """
    return sha256_of_text(canonical_json(value))


def parse_strict(text: str) -> Any:
    """Read JSON that says everything once: repeated keys, NaN and infinity are refused with a ValueError.

    Examples
    --------
    >>> parse_strict('{"a": 1}')
    {'a': 1}
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise ValueError(f"the key '{key}' stands twice in one object")
        table[key] = value
    return table


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON can hold")


def _integer(digits: str) -> int | float:
    """An integer; a larger one only where it is how canonical JSON writes a double."""
    if len(digits) < 18 and abs(int(digits)) <= MAX_INTEGER:
        return int(digits)
    value = _finite(digits)
    if canonical_number(value) != digits:
        raise ValueError(f"the integer {digits[:30]} is too large to be kept in JSON (the limit is {MAX_INTEGER})")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:30]} is too large to be kept")
    return value
