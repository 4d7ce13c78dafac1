"""Summary indices: their definition, what they do with missing components, and what they refuse."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import ColumnNotFoundError, EstimationError, MissingDataError, NotIdentifiedError, UsageError
from trialkit.estimate.several.index import index

NAMES = ["calm", "hope", "ties"]


def people(seed: int = 1, n: int = 90, holes: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = 0.7 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 3)) * [1.0, 2.0, 5.0] + [3.0, 0.0, 40.0]
    d = pd.DataFrame(x, columns=NAMES).assign(arm=np.where(np.arange(n) % 3 == 0, "peer", "solo"), w=1.0)
    if holes:
        d.loc[d.index % 7 == 0, "calm"] = np.nan
        d.loc[d.index % 11 == 0, "ties"] = np.nan
        d.loc[5, NAMES] = np.nan
    return d


def trial(d: pd.DataFrame, **roles) -> tk.Trial:
    return tk.Trial(d, arm="arm", control="solo", **roles)


def z_scores(d: pd.DataFrame) -> np.ndarray:
    control = d.loc[d["arm"] == "solo", NAMES]
    return ((d[NAMES] - control.mean()) / control.std()).to_numpy()


def test_icw_is_andersons_definition():
    d = people()
    found = index(trial(d), NAMES)
    z = z_scores(d)
    w = np.linalg.inv(np.cov(z, rowvar=False)).sum(axis=1)
    assert list(found.attrs["weights"].values()) == pytest.approx(w.tolist())
    np.testing.assert_allclose(found, z @ w / w.sum())
    assert abs(found[d["arm"] == "solo"].mean()) < 1e-12 and found.index.equals(trial(d).data.index)


def test_patterns_have_weights_of_everyone_with_these_components():
    d = people(holes=True)
    found = index(trial(d), NAMES)
    z = z_scores(d)
    row = int(np.flatnonzero(np.isnan(z[:, 0]) & np.isfinite(z[:, 1:]).all(axis=1))[0])
    both = z[np.isfinite(z[:, 1:]).all(axis=1)][:, 1:]
    w = np.linalg.inv(np.cov(both, rowvar=False)).sum(axis=1)
    assert found[row] == pytest.approx(z[row, 1:] @ w / w.sum())
    assert sum(p["n"] for p in found.attrs["patterns"]) == 89 and np.isnan(found[5])
    one_set = index(trial(d), NAMES, missing="renormalize")
    whole = np.array(list(one_set.attrs["weights"].values()))
    assert one_set[row] == pytest.approx(z[row, 1:] @ whole[1:] / whole[1:].sum())
    codes = [n["code"] for n in found.attrs["notes"]]
    assert codes == ["components_missing", "index_missing"]


def test_klk_fills_in_the_mean_of_the_persons_arm():
    d = people(holes=True)
    found = index(trial(d), NAMES, kind="klk")
    z = pd.DataFrame(z_scores(d), columns=NAMES)
    filled = z.fillna(z.groupby(d["arm"]).transform("mean")).mean(axis=1)
    filled[5] = np.nan
    np.testing.assert_allclose(found, filled)


@pytest.mark.parametrize("kind", ["icw", "klk"])
def test_units_of_measurement_row_order_and_direction_change_nothing(kind):
    d = people(holes=True)
    plain = index(trial(d), NAMES, kind=kind)
    scaled = d.assign(calm=1000 * d["calm"] - 7, hope=d["hope"] / 1e6)
    np.testing.assert_allclose(index(trial(scaled), NAMES, kind=kind), plain, rtol=1e-8)
    turned = index(trial(d.assign(ties=-d["ties"])), NAMES, kind=kind, better={"ties": "lower"})
    np.testing.assert_allclose(turned, plain, rtol=1e-9)
    assert turned.attrs["components"]["ties"]["better"] == "lower"
    mixed = d.sample(frac=1, random_state=np.random.RandomState(3))
    np.testing.assert_allclose(index(trial(mixed), NAMES, kind=kind), plain[mixed.index], rtol=1e-9)
    all_lower = index(trial(d), NAMES, kind=kind, better="lower")
    np.testing.assert_allclose(all_lower, -plain, rtol=1e-9)


def test_a_weight_of_zero_is_a_row_that_is_not_there():
    d = people()
    d.loc[80:, "w"] = 0.0
    found = index(trial(d, weights="w"), NAMES)
    np.testing.assert_allclose(found[:80], index(trial(d[:80]), NAMES))
    assert found[80:].isna().all()


def test_the_index_is_an_outcome_like_any_other():
    t = trial(people())
    with_index = trial(t.data.assign(wellbeing=index(t, NAMES)))
    e = tk.itt(with_index, "wellbeing").estimates[0]
    values = with_index.data.groupby("arm")["wellbeing"].mean()
    assert e.estimate == pytest.approx(values["peer"] - values["solo"])


def test_negative_weights_are_said_aloud():
    d = people()
    d["hope"] = d["calm"] + 0.3 * np.random.default_rng(4).normal(size=len(d))
    d["ties"] = d["calm"] * 3 + np.random.default_rng(5).normal(size=len(d))
    with pytest.warns(UserWarning, match="negative weight"):
        found = index(trial(d), NAMES)
    assert min(found.attrs["weights"].values()) < 0
    assert "negative_weight" in [n["code"] for n in found.attrs["notes"]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(index(trial(d), NAMES, kind="klk").attrs["weights"].values()) == {1 / 3}


def test_attributes_are_plain_values(tmp_path):
    found = index(trial(people(holes=True)), NAMES)
    found.to_frame().to_parquet(tmp_path / "index.parquet")
    again = pd.read_parquet(tmp_path / "index.parquet")
    np.testing.assert_allclose(again["icw_index"], found)


@pytest.mark.parametrize(
    ("change", "arguments", "error", "words"),
    [
        ({}, {"outcomes": "calm"}, UsageError, r"write \['calm'"),
        ({}, {"outcomes": ["calm"]}, UsageError, "two or more"),
        ({}, {"outcomes": ["calm", "calm"]}, UsageError, "twice"),
        ({}, {"outcomes": ["calm", "hop"]}, ColumnNotFoundError, "Did you mean 'hope'"),
        ({}, {"kind": "mean"}, UsageError, "'icw' or 'klk'"),
        ({}, {"missing": "drop"}, UsageError, "'pattern' or 'renormalize'"),
        ({}, {"better": "up"}, UsageError, "'higher' or 'lower'"),
        ({}, {"better": {"tie": "lower"}}, UsageError, "not among the outcomes"),
        ({"ties": 1.0}, {}, EstimationError, "the same"),
        ({"ties": np.nan}, {}, MissingDataError, "known for 0 people"),
        ({"ties": "copy"}, {}, NotIdentifiedError, "copy, a sum or a part"),
    ],
)
def test_components_that_make_no_index_are_refused(change, arguments, error, words):
    d = people()
    for name, value in change.items():
        d[name] = d["calm"] + 2 * d["hope"] if isinstance(value, str) else value
    with pytest.raises(error, match=words):
        index(trial(d), **{"outcomes": NAMES, **arguments})


def test_klk_needs_every_component_in_every_arm():
    d = people()
    d.loc[d["arm"] == "peer", "ties"] = np.nan
    with pytest.raises(MissingDataError, match="everyone in arm 'peer'"):
        index(trial(d), NAMES, kind="klk")
