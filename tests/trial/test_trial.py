"""The rules on roles: what is accepted, what is refused, and whether the sentence helps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import ArmError, ColumnNotFoundError, DataError, GroupError, IdentifierError, MissingDataError, UsageError


def people(**columns) -> pd.DataFrame:
    base = {
        "id": range(8),
        "arm": ["peer"] * 4 + ["solo"] * 4,
        "group": ["a", "a", "b", "b", None, None, None, None],
        "y": range(8),
    }
    return pd.DataFrame(base | columns)


def trial(data=None, **roles) -> tk.Trial:
    return tk.Trial(
        people() if data is None else data, **({"arm": "arm", "control": "solo", "unit": "id", "group": "group"} | roles)
    )


def test_roles():
    t = trial()
    assert t.arms == ("solo", "peer")
    assert t.grouped_arms == ("peer",)
    assert t.arm_codes.tolist() == [1] * 4 + [0] * 4
    assert t.n_groups == 2
    assert (t.group_codes[4:] == -1).all()
    assert "2 groups" in str(t)
    assert "<pre>" in t._repr_html_()


def test_unique_labels_of_controls_are_not_groups():
    t = trial(people(group=["a", "a", "b", "b", "c1", "c2", "c3", "c4"]))
    assert t.grouped_arms == ("peer",)
    assert t.n_groups == 2


def test_the_trial_keeps_its_own_copy():
    d = people()
    t = trial(d)
    d.loc[0, "y"] = 99
    assert t.values("y")[0] == 0
    with pytest.raises(AttributeError):
        t.arm = "other"


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "dict"])
def test_any_frame(kind):
    d = people()
    if kind == "polars":
        frame = pytest.importorskip("polars").from_pandas(d)
    elif kind == "pyarrow":
        frame = pytest.importorskip("pyarrow").Table.from_pandas(d)
    else:
        frame = {c: d[c].tolist() for c in d.columns}
    assert trial(frame).grouped_arms == ("peer",)


BAD = [
    (dict(arm="am"), {}, ColumnNotFoundError, "Did you mean 'arm'"),
    (dict(control="sola"), {}, ArmError, "Did you mean 'solo'"),
    ({}, dict(arm=["peer"] * 8), ArmError, "solo"),
    ({}, dict(arm=["solo"] * 8), ArmError, "one arm only"),
    ({}, dict(arm=["peer", None] + ["peer"] * 2 + ["solo"] * 4), ArmError, "row 2"),
    ({}, dict(id=[0, 1, 2, 2, 4, 5, 6, 7]), IdentifierError, "rows 3 and 4"),
    ({}, dict(id=[0, 1, None, 3, 4, 5, 6, 7]), IdentifierError, "row 3"),
    ({}, dict(group=["a", "a", "b", "b", "a", None, None, None]), GroupError, "more than one arm"),
    ({}, dict(group=["a", "a", "b", None, None, None, None, None]), GroupError, "ungrouped='singleton'"),
    ({}, dict(group=["a", "a", "a", "b", None, None, None, None]), GroupError, "1 member"),
    ({}, dict(group=["a", "b", "c", "d", None, None, None, None]), GroupError, "no label"),
    (dict(grouped_arms=["per"]), {}, ArmError, "Did you mean 'peer'"),
    (dict(grouped_arms=["solo"]), {}, GroupError, "not among the grouped arms"),
    (dict(grouped_arms="peer"), {}, UsageError, "['peer']"),
    (dict(strata="group"), {}, UsageError, "['group']"),
    (dict(strata=["group"]), {}, MissingDataError, "allocation list"),
    (dict(cluster="y2"), dict(y2=[1, 1, 2, 2, 2, 3, 4, 4]), GroupError, "more than one arm"),
    (dict(weights="w"), dict(w=[1, 1, -1, 1, 1, 1, 1, 1]), DataError, "row 3"),
    (dict(weights="w"), dict(w=[1, 1, np.nan, 1, 1, 1, 1, 1]), DataError, "row 3"),
    (dict(weights="w"), dict(w=[0] * 8), DataError, "all weights"),
    (dict(ungrouped="drop"), {}, UsageError, "'singleton'"),
]


@pytest.mark.parametrize("roles, columns, error, words", BAD)
def test_refusals_name_the_rows_and_the_remedy(roles, columns, error, words):
    with pytest.raises(error) as caught:
        trial(people(**columns), **roles)
    assert words in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


def test_ungrouped_members_can_be_singletons():
    t = trial(people(group=["a", "a", "b", None, None, None, None, None]), ungrouped="singleton")
    assert t.n_groups == 1
    assert t.notes[0].code == "ungrouped_singletons"


def test_no_rows():
    with pytest.raises(DataError, match="no rows"):
        trial(people().iloc[:0])
