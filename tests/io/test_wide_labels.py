"""A file with labels on every column: the work grows with the columns, not with their square."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialkit.io.declare import apply_missing_codes
from trialkit.io.labels import variable_labels
from trialkit.io.write import content_hash, write_csv
from trialkit.measurement.scoring.answers import read_answers

COLUMNS = 60


class Counted(dict[str, Any]):
    """Labels that count how often they are copied deeply."""

    copies = 0

    def __deepcopy__(self, memo: dict[int, Any]) -> Counted:
        Counted.copies += 1
        return Counted(self)


def labelled() -> pd.DataFrame:
    values = np.random.default_rng(2).integers(1, 6, (40, COLUMNS)).astype(float)
    values[3] = -99
    frame = pd.DataFrame(values, columns=[f"v{i}" for i in range(COLUMNS)])
    frame["said"] = ["yes", "no"] * 20
    frame.attrs["trialkit"] = Counted(version=1, columns={name: {"label": f"label of {name}"} for name in frame})
    return frame


@pytest.mark.parametrize(
    "work",
    [
        content_hash,
        lambda frame: apply_missing_codes(frame, {-99: "refused"}),
        lambda frame: read_answers(frame, list(frame.columns[:COLUMNS]), value_labels=None, missing_codes=[-99]),
    ],
    ids=["content_hash", "apply_missing_codes", "read_answers"],
)
def test_labels_are_not_copied_with_every_column(work: Callable[[pd.DataFrame], Any]) -> None:
    frame = labelled()
    Counted.copies = 0
    work(frame)
    assert Counted.copies < 8


def test_the_frame_keeps_its_labels_and_the_hash_does_not_count_them(tmp_path) -> None:
    frame = labelled()
    plain = frame.copy()
    plain.attrs = {}
    assert content_hash(frame) == content_hash(plain)
    write_csv(frame, tmp_path / "a.csv")
    write_csv(plain, tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert variable_labels(frame)["v7"] == "label of v7"
    settled = apply_missing_codes(frame, {-99: "refused"})
    assert variable_labels(settled)["v7"] == "label of v7" and settled["v7"].isna().sum() == 1
    assert settled.attrs["trialkit"]["columns"]["v7"]["missing"] == [{"code": -99, "reason": "refused", "count": 1}]
    assert "missing" not in frame.attrs["trialkit"]["columns"]["v7"]
