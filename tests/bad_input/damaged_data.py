"""Data files with something wrong that means something, and what has to come of it: the same numbers, a refusal, or a remark."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

Frame = pd.DataFrame

SAME, REFUSED, REMARKED, OTHER = "same", "refused", "remarked", "other"


@dataclass(frozen=True, slots=True)
class Damage:
    """What was done to the data and what it asks for.

    `says` holds words of which one has to be in a refusal or a remark. `OTHER` damage makes data that are fine in themselves: the run may
    go on with its numbers, but its counts have to be those of the file.
    """

    told: str
    expects: str
    says: tuple[str, ...] = ()


def written(frame: Frame, path: Path, **options: object) -> None:
    frame.to_csv(path, index=False, **options)  # type: ignore[call-overload]


def _cells(frame: Frame, column: str, value: object, draw: random.Random, most: int = 3) -> Frame:
    out = frame.copy()
    out[column] = out[column].astype(object)
    for row in draw.sample(range(len(out)), draw.randint(1, most)):
        out.loc[row, column] = value
    return out


def _in_numbers(word: str, column: str) -> Damage:
    """Outcomes are numbers; a covariate may be a category, so that words in it are remarked."""
    if word == ".":
        return Damage("a point, which is no value, in a column", OTHER)
    if column == "female":
        return Damage(f"{word!r} in {column}", REMARKED, ("numbers and words", "female: "))
    return Damage(f"{word!r} in {column}", REFUSED, (column,))


def _text_in_numbers(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("y", "y0", "female", "job", "calls", "died"))
    word = draw.choice(
        (
            "missing",
            "unknown",
            "3 or 4",
            "1.2.3",
            "12%",
            "?",
            ".",
            "-",
            "n.v.t.",
            "1e",
            "0x10",
            "\u00bd",
            "\u0663",
            "1 000",
            "zero",
            "1\u00a0000",
        )
    )
    return _cells(frame, column, word, draw), _in_numbers(word, column)


def _code_undeclared(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("y", "y0", "calls"))
    code = draw.choice((-9, -88, 999, 9999, 99999, -999))
    return _cells(frame, column, code, draw, 8), Damage(f"{code} in {column}", REMARKED, (f"'{column}' has the value {code}",))


def _code_declared(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("y", "calls"))
    return _cells(frame, column, -99, draw, 8), Damage(f"-99, declared, in {column}", OTHER)


def _infinite(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("y", "y0", "calls", "female"))
    word = draw.choice(("inf", "-inf", "Infinity", "1e400", "-1e999"))
    return _cells(frame, column, word, draw), _in_numbers(word, column)


def _huge(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("y", "y0"))
    return _cells(frame, column, draw.choice((1e300, -1e300, 1e18)), draw, 1), Damage(
        f"huge in {column}", REMARKED, (column, "1e")
    )


def _ids_doubled(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    out = frame.copy()
    one, other = draw.sample(range(len(out)), 2)
    out.loc[one, "id"] = out.loc[other, "id"]
    return out, Damage("an id twice", REFUSED, ("id",))


def _ids_missing(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    return _cells(frame, "id", draw.choice((None, "", "NA")), draw), Damage("an id is missing", REFUSED, ("id",))


def _ids_alike(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    out = frame.assign(id=[f"p{i}" for i in range(len(frame))])
    out.loc[3, "id"] = draw.choice(("p2 ", " p2", "P2", "p2\u200b", "p\u00a02"))
    return out, Damage(f"id {out.loc[3, 'id']!r} besides 'p2'", OTHER)


def _rows_doubled(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    several = frame.sample(draw.randint(1, 20), random_state=draw.randrange(1000))
    return pd.concat([frame, several], ignore_index=True), Damage("rows twice", REFUSED, ("id",))


def _one_arm(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    arm = draw.choice(("solo", "peer"))
    return frame[frame["arm"] == arm].reset_index(drop=True), Damage(f"only {arm}", REFUSED, ("arm", "solo", "peer"))


def _arm_written_otherwise(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    word = draw.choice(("Solo", "PEER", "peer ", "control", "1", "s\u043elo", "peer\u200b"))
    return _cells(frame, "arm", word, draw), Damage(f"arm {word!r}", REFUSED if word != "peer " else OTHER, ("arm",))


def _arm_missing(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    return _cells(frame, "arm", draw.choice((None, "NA", "")), draw), Damage("an arm is missing", REFUSED, ("arm",))


def _arms_swapped(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    other = {"solo": "peer", "peer": "solo"}
    return frame.assign(arm=frame["arm"].map(other)), Damage("arms swapped under the groups", REFUSED, ("group",))


def _group_across_arms(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    out = frame.copy()
    row = draw.choice(out.index[out["arm"] == "solo"].tolist())
    out.loc[row, "group"] = draw.choice(out["group"].dropna().unique().tolist())
    return out, Damage("a control with a group", REFUSED, ("group",))


def _group_missing(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    out = frame.copy()
    out.loc[draw.sample(out.index[out["arm"] == "peer"].tolist(), draw.randint(1, 5)), "group"] = None
    return out, Damage("treated without a group", REMARKED, ("group",))


def _groups_of_one(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    out = frame.copy()
    treated = out["arm"] == "peer"
    out.loc[treated, "group"] = [f"g{i}" for i in range(int(treated.sum()))]
    return out, Damage("every group has one member", REMARKED, ("group",))


def _one_group(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    out = frame.copy()
    out.loc[out["arm"] == "peer", "group"] = "g1"
    return out, Damage("one group for all", REFUSED, ("group",))


def _group_equals_unit(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    return frame.drop(columns="group"), Damage("no column of groups", REFUSED, ("group",))


def _column_dropped(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("id", "arm", "group", "y", "y0", "female", "job", "calls", "died"))
    return frame.drop(columns=column), Damage(f"no column {column}", REFUSED, (column,))


def _column_renamed(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("id", "arm", "group", "y", "y0", "female", "job", "calls", "died"))
    new = draw.choice((column.upper(), f"{column}x", f"{column}_t1"))
    return frame.rename(columns={column: new}), Damage(f"{column} is called {new}", REFUSED, (column,))


def _column_twice(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("id", "arm", "group", "y", "y0", "female", "job"))
    return pd.concat([frame, frame[[column]]], axis=1), Damage(f"{column} twice", REFUSED, (column,))


def _all_missing(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("y", "y0", "job", "calls"))
    return frame.assign(**{column: np.nan}), Damage(
        f"{column} is empty", REFUSED if column == "y" else REMARKED, (column, "y0", "calls", "job")
    )


def _arm_all_missing(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    out = frame.copy()
    out.loc[out["arm"] == draw.choice(("solo", "peer")), "y"] = np.nan
    return out, Damage("no outcome in one arm", REFUSED, ("y", "arm"))


def _constant(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("y", "job", "calls", "y0", "female"))
    return frame.assign(**{column: 1}), Damage(f"{column} is constant", REMARKED, (column,))


def _few(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    n = draw.choice((0, 1, 2, 3, 4))
    return frame.sample(n, random_state=draw.randrange(99)).reset_index(drop=True), Damage(f"{n} rows", REFUSED, ())


def _not_binary(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    value = draw.choice((2, 0.5, -1))
    return _cells(frame, "job", value, draw), Damage(f"{value} in job, a share", REFUSED, ("job",))


def _event_not_binary(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    return _cells(frame, "died", draw.choice((2, 3, -1)), draw), Damage("an event that is 2", REFUSED, ("died",))


def _shuffled(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    return frame.sample(frac=1, random_state=draw.randrange(999)).reset_index(drop=True), Damage("rows in another order", SAME)


def _columns_shuffled(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    columns = list(frame.columns)
    draw.shuffle(columns)
    return frame[columns], Damage("columns in another order", SAME)


def _more_columns(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    return frame.assign(note='a,b\n"c"', x=1e300, d="2026-01-01", empty=np.nan), Damage("columns that nobody asked for", SAME)


def _ids_as_text(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    return frame.assign(id=[f"{int(i):05d}" for i in frame["id"]]), Damage("ids with zeros in front", SAME)


def _dates_for_numbers(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    column = draw.choice(("y", "y0", "calls"))
    if draw.random() < 0.5:
        return frame.assign(**{column: "2026-01-05"}), Damage(f"dates in {column}", REFUSED, (column,))
    return _cells(frame, column, "2026-01-05", draw), Damage(f"a date in {column}", REFUSED, (column,))


def _true_and_false(frame: Frame, draw: random.Random) -> tuple[Frame, Damage]:
    return frame.assign(job=np.where(frame["job"] == 1, "yes", "no")), Damage("job is yes and no", REFUSED, ("job",))


FRAMES: tuple[Callable[[Frame, random.Random], tuple[Frame, Damage]], ...] = (
    _text_in_numbers, _text_in_numbers, _code_undeclared, _code_declared, _infinite, _huge, _ids_doubled, _ids_missing, _ids_alike, _rows_doubled, _one_arm,
    _arm_written_otherwise, _arm_missing, _arms_swapped, _group_across_arms, _group_missing, _groups_of_one, _one_group, _group_equals_unit, _column_dropped,
    _column_renamed, _column_twice, _all_missing, _arm_all_missing, _constant, _few, _not_binary, _event_not_binary, _shuffled, _columns_shuffled, _more_columns,
    _ids_as_text, _dates_for_numbers, _true_and_false,
)  # fmt: skip

# (what was done, what it asks for, the bytes of the good file changed)
FILES: dict[str, tuple[str, Callable[[bytes, random.Random], bytes]]] = {
    "bom": (SAME, lambda good, draw: b"\xef\xbb\xbf" + good),
    "crlf": (SAME, lambda good, draw: good.replace(b"\n", b"\r\n")),
    "utf-16": (OTHER, lambda good, draw: good.decode().encode("utf-16")),
    "semicolons": (SAME, lambda good, draw: good.replace(b",", b";")),
    "semicolons and decimal commas": (SAME, lambda good, draw: good.replace(b",", b";").replace(b".", b",")),
    "tabs": (SAME, lambda good, draw: good.replace(b",", b"\t")),
    "everything quoted": (SAME, lambda good, draw: b"".join(b'"' + line.replace(b",", b'","') + b'"\n' for line in good.splitlines())),
    "empty lines at the end": (SAME, lambda good, draw: good + b"\n\n"),
    "truncated": (REFUSED, lambda good, draw: good[: good.rindex(b",")]),
    "truncated in the middle": (OTHER, lambda good, draw: good[: draw.randrange(200, len(good))]),
    "a cell too many": (REFUSED, lambda good, draw: _line(good, draw, b"%s,7")),
    "a quote left open": (REFUSED, lambda good, draw: _line(good, draw, b'"%s')),
    "a nul byte": (REFUSED, lambda good, draw: _line(good, draw, b"\x00%s")),
    "a byte that is no character": (OTHER, lambda good, draw: _line(good, draw, b"%s\xff")),
    "the header twice": (REFUSED, lambda good, draw: good.split(b"\n")[0] + b"\n" + good),
    "no header": (REFUSED, lambda good, draw: good.split(b"\n", 1)[1]),
    "a title above the header": (REFUSED, lambda good, draw: b"Export of the trial\n" + good),
    "a total below": (REFUSED, lambda good, draw: good + b"total" + b",1" * good.split(b"\n")[0].count(b",") + b"\n"),
    "spaces behind the commas": (OTHER, lambda good, draw: good.replace(b",", b", ")),
    "one bit": (OTHER, lambda good, draw: _bit(good, draw)),
}  # fmt: skip


def _line(good: bytes, draw: random.Random, form: bytes) -> bytes:
    lines = good.split(b"\n")
    where = draw.randrange(1, len(lines) - 1)
    lines[where] = form.replace(b"%s", lines[where])
    return b"\n".join(lines)


def _bit(good: bytes, draw: random.Random) -> bytes:
    where = draw.randrange(len(good))
    return good[:where] + bytes([good[where] ^ (1 << draw.randrange(8))]) + good[where + 1 :]


def damaged_data(frame: Frame, draw: random.Random, path: Path) -> Damage:
    """Write data with one thing wrong to a path; what it is."""
    if draw.random() < 0.3:
        name = draw.choice(list(FILES))
        expects, change = FILES[name]
        written(frame, path)
        path.write_bytes(change(path.read_bytes(), draw))
        return Damage(name, expects)
    made, damage = draw.choice(FRAMES)(frame, draw)
    written(made, path)
    return damage
