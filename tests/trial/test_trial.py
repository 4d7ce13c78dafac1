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


def designed(seed: int = 1) -> tuple[pd.DataFrame, tk.design.Design]:
    base = pd.DataFrame({"id": [f"p{i:02d}" for i in range(40)], "site": ["a", "b"] * 20})
    design = tk.design.stratified(base, unit="id", strata=["site"], arms={"solo": 1, "peer": 1})
    data = base.merge(design.assign(seed=seed), on="id").sample(frac=1, random_state=1)
    return data.assign(y=np.arange(40.0)), design


def test_a_design_is_joined_by_unit():
    data, design = designed()
    t = tk.Trial(data, arm="arm", control="solo", unit="id", strata=["site"], design=design)
    assert design.people.ids[t.places].tolist() == data["id"].tolist()
    draws = design.draw_many(50, seed=3)
    assert draws.arms[:, t.places].shape == (50, 40)


def test_data_of_another_trial_are_refused():
    data, design = designed()
    with pytest.raises(IdentifierError, match="p99"):
        tk.Trial(data.replace({"id": {"p03": "p99"}}), arm="arm", control="solo", unit="id", design=design)
    fixed = tk.design.custom(
        data[["id"]], unit="id", assignments=[data["arm"].tolist(), data["arm"].tolist()[::-1]], probabilities=[0.5, 0.5]
    )
    other = data.assign(arm=["solo", "peer"] * 20)
    with pytest.raises(ArmError, match="another trial"):
        tk.Trial(other, arm="arm", control="solo", unit="id", design=fixed)
    with pytest.raises(UsageError, match="takes a design"):
        tk.Trial(data, arm="arm", control="solo", unit="id", design="stratified")


def test_declared_shares_settle_how_strata_enter():
    rng = np.random.default_rng(0)
    base = pd.DataFrame({"id": range(60), "site": np.repeat(["a", "b"], 30)})
    unequal = tk.design.stratified(
        base,
        unit="id",
        strata=["site"],
        arms={"solo": 1, "peer": 1},
        counts={"a": {"solo": 14, "peer": 16}, "b": {"solo": 16, "peer": 14}},
    )
    data = base.merge(unequal.assign(seed=1), on="id").assign(y=rng.normal(size=60))
    with_design = tk.itt(tk.Trial(data, arm="arm", control="solo", unit="id", strata=["site"], design=unequal), "y")
    assert "interacted" in with_design.estimates[0].method
    without = tk.itt(tk.Trial(data, arm="arm", control="solo", unit="id", strata=["site"]), "y")
    assert "interacted" not in without.estimates[0].method
