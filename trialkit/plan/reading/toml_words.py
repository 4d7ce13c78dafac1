"""What is wrong with a text that is not TOML, in words for someone who has never heard of TOML."""

from __future__ import annotations

import re

__all__ = ["syntax_in_words"]

_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\s*$")
_SAID = (
    (r"^Illegal character '\\n'", "a text that opens with a quote does not close on this line; add the closing quote"),
    (r"^Illegal character", "a character that cannot be printed; type the line again"),
    (r"^Unclosed array", "a list that opens with [ is not closed with ], or a comma between its members is missing"),
    (r"^Unclosed inline table", "a table that opens with { must close with } on the same line, with commas between its settings"),
    (
        r"^Invalid initial character for a key part",
        "a name is missing here (a comma too many?); a table in { } stands on one line",
    ),
    (r"^Invalid value", "this is no value; text stands in quotes, and every [ or { needs its closing ] or }"),
    (r"^Expected '=' after a key", 'a setting reads name = value, as in unit = "id"; a name with spaces stands in quotes'),
    (r"^Expected newline or end of document", "there is something after the value; write one setting on a line"),
    (r"^Expected '\]", "the name of a section stands in brackets that close, as in [data] or [[outcomes]]"),
    (r"^(Unterminated string|Expected \"'\")", "a text that opens with a quote is never closed; add the closing quote"),
    (r"^(Invalid hex value|Unescaped|Escaped character)", "a backslash in a text; write / instead, or use single quotes"),
    (r"^Invalid statement", 'neither a section nor a setting; write name = value, as in unit = "id"'),
    (r"^Invalid date", "a date that does not exist; write it in quotes"),
)


def syntax_in_words(text: str, message: str) -> tuple[int | None, str]:
    """Line number (None at the end of the file) and a sentence, from the parser's message.

    Examples
    --------
    >>> syntax_in_words("a = 0,05", "Expected newline or end of document after a statement (at line 1, column 6)")
    (1, "'0,05' has a decimal comma; write 0.05")
    """
    found = _AT.search(message)
    reason = message[: found.start()] if found else message
    number = int(found.group(1)) if found and found.group(1) else None
    lines = text.split("\n")
    line = lines[number - 1] if number is not None and number <= len(lines) else ""
    column = int(found.group(2)) if found and found.group(2) else 0
    return number, _twice(lines, number, reason) or _habit(line, column, reason) or _general(reason)


def _twice(lines: list[str], number: int | None, reason: str) -> str | None:
    """A key or a section that stands twice."""
    section = re.match(r"Cannot declare \((.*?),?\) twice", reason)
    if section:
        name = ".".join(re.findall(r"'([^']*)'", section.group(1)))
        return f"the section [{name}] stands twice; put its settings together (several outcomes or scales are written [[{name}]])"
    inline = re.match(r"Duplicate inline table key '(.*)'", reason)
    if inline:
        return f"'{inline.group(1)}' is set twice on this line; keep one"
    if not reason.startswith("Cannot overwrite a value") or number is None:
        return None
    here = lines[number - 1].strip()
    if here in ("[[outcomes]]", "[outcomes]", "[[scales]]", "[scales]"):
        name = here.strip("[]")
        return f"some {name} begin with [{name}] and others with [[{name}]]; write [[{name}]], in double brackets, above each"
    key = here.split("=")[0].strip().strip("[]")
    earlier = [i for i, line in enumerate(lines[: number - 1], 1) if line.split("=")[0].strip() == key and "=" in line]
    return f"'{key}' is set twice{f' (first on line {earlier[-1]})' if earlier else ''}; keep one"


def _habit(line: str, column: int, reason: str) -> str | None:
    """Habits from other programs: decimal commas, curly quotes, True, percentages, words without quotes."""
    # The setting in which the parser stopped: in a table in { } the last '=' before that place, otherwise the first.
    equals = line.rfind("=", 0, column) if "{" in line else line.find("=")
    key = re.split(r"[{,]", line[: max(equals, 0)])[-1].strip()
    value = line[equals + 1 :].strip() if equals >= 0 else ""
    if re.search(r"[=\[,{]\s*[\u2018\u2019\u201c\u201d\u201e]", line):
        return 'curly quotes; write straight ones: "'
    comma = re.search(r"=\s*(-?\d+),(\d+)\s*(?=[#,}]|$)", line)
    if comma:
        return f"'{comma.group(1)},{comma.group(2)}' has a decimal comma; write {comma.group(1)}.{comma.group(2)}"
    percent = re.match(r"(\d+(?:\.\d+)?)\s*%", value)
    if percent:
        return f"'{percent.group()}' is not a number; write {float(percent.group(1)) / 100:g}"
    truth = re.match(r"(True|TRUE|False|FALSE|yes|no|ja|nee)\s*([#,}]|$)", value)
    if truth:
        return f"write {'true' if truth.group(1).lower() in ('true', 'yes', 'ja') else 'false'} instead of {truth.group(1)}"
    if re.match(r"0\d", value):
        return "a number does not begin with 0; a code with leading zeros is text and stands in quotes"
    if re.match(r"-?(\.\d|\d+\.(\D|$))", value):
        return "a decimal number has digits on both sides of the point, as in 0.5"
    word = re.match(r"[^\W\d][^\"'#\[\]{},]*", value)
    if word and reason.startswith("Invalid value"):
        return f'text stands in quotes: {key} = "{word.group().strip()}"'
    if "=" in line and (not value or value[0] in ",}]"):
        return f"'{key}' has no value after the '='"
    return None


def _general(reason: str) -> str:
    for pattern, words in _SAID:
        if re.search(pattern, reason):
            return words
    return f"this cannot be read ({reason[:1].lower()}{reason[1:]})"
