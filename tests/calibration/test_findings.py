"""Every number outside its band stands in docs/calibration/outside.csv with its reason, and no reason is left over."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.calibration.findings import FINDINGS, TABLES, outside
from tests.calibration.tables import FOLDER


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return outside()


def test_the_list_is_that_of_the_tables(found):
    listed = pd.read_csv(FOLDER / "outside.csv")
    assert listed["cell"].tolist() == found["cell"].tolist()
    assert listed["reason"].tolist() == found["reason"].tolist()
    assert listed["value"].to_numpy() == pytest.approx(found["value"].to_numpy(dtype=float), rel=1e-4)


def test_every_finding_is_about_some_cell(found):
    unused = [f.query for f in FINDINGS if f.reason not in set(found["reason"])]
    assert not unused


def test_every_table_is_there():
    assert [t.name for t in TABLES if not (FOLDER / f"{t.name}.csv").exists()] == []
