"""Damage data files in many ways and read them: run as a program, so that a crash of a reader beneath is seen as one."""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from trialkit.errors import FileReadError, TrialkitError
from trialkit.io import read, receipt

ROWS = 12


def whole_files(folder: Path) -> list[Path]:
    """One file of each kind, with labels, missing codes, dates and text with quotes."""
    frame = pd.DataFrame(
        {
            "id": [f"{i:03d}" for i in range(ROWS)],
            "y": np.arange(ROWS) * 1.5,
            "day": [dt.date(2024, 1, 1)] * ROWS,
            "remark": ['a;"b', "é"] * (ROWS // 2),
            "job": [1, 2, 9] * (ROWS // 3),
        }
    )
    labels = {"job": {1: "ja", 2: "nee", 9: "weet niet"}}
    pyreadstat.write_sav(
        frame, str(folder / "a.sav"), variable_value_labels=labels, missing_ranges={"job": [9], "y": [{"lo": 15, "hi": 99}]}
    )
    pyreadstat.write_sav(frame, str(folder / "a.zsav"), variable_value_labels=labels, compress=True)
    pyreadstat.write_dta(frame, str(folder / "a.dta"), variable_value_labels=labels)
    frame.drop(columns="day").to_stata(folder / "old.dta", version=114, write_index=False)
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_csv(folder / "a.tsv", index=False, sep="\t")
    frame.to_excel(folder / "a.xlsx", index=False)
    frame.to_parquet(folder / "a.parquet")
    return sorted(folder.iterdir())


def damaged(raw: bytes, draw: random.Random) -> bytes:
    """The bytes with some of them changed, cut off, put in, wiped, repeated or exchanged."""
    made = bytearray(raw)
    place = draw.randrange(len(made))
    how = draw.choice(["flip", "cut", "insert", "wipe", "repeat", "swap"])
    if how == "flip":
        for _ in range(draw.choice([1, 3, 20])):
            made[draw.randrange(len(made))] = draw.randrange(256)
    elif how == "cut":
        del made[max(1, place) :]
    elif how == "insert":
        made[place:place] = bytes(draw.choices([0, 10, 13, 34, 44, 59, 61, 255], k=draw.choice([1, 5, 50])))
    elif how == "wipe":
        end = min(len(made), place + draw.choice([1, 4, 16]))
        made[place:end] = bytes([draw.choice([0, 255])]) * (end - place)
    elif how == "repeat":
        made[place:place] = made[place : place + draw.randrange(1, 200)] * draw.choice([1, 10])
    else:
        other = draw.randrange(len(made))
        made[place : place + 8], made[other : other + 8] = made[other : other + 8], made[place : place + 8]
    return bytes(made)


def main(count: int) -> None:
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        files = whole_files(Path(name))
        for number in range(count):
            draw = random.Random(number)
            source = files[number % len(files)]
            target = Path(name) / f"damaged{source.suffix}"
            target.write_bytes(damaged(source.read_bytes(), draw))
            try:
                str(receipt(read(target)))
                outcomes["read"] += 1
            except TrialkitError as error:
                assert error.exit_code == 4, error
                assert isinstance(error, FileReadError), error
                outcomes["refused"] += 1
            except BaseException as error:
                print(f"{number} {source.name}: {error!r}", file=sys.stderr)
                outcomes["escaped"] += 1
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(int(sys.argv[1]))
