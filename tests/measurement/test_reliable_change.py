from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialkit as tk
from tests.measurement.change_cases import people, trial
from trialkit.errors import DataError, MissingDataError, TrialkitError, UsageError
from trialkit.measurement.questionnaires.parts import CutOff

reliable, clinical = tk.measurement.reliable_change, tk.measurement.clinical_change
finite = st.integers(0, 40).map(float)


def test_published_example():
    """Jacobson & Truax (1991): SD 7.5, reliability .80, a rise from 32.5 to 47.5 is an RCI of 3.16. Cut-offs a, b and c by hand."""
    r = reliable([32.5, 32.5], [47.5, 40.0], reliability=0.80, sd=7.5)
    assert r.se_difference == pytest.approx(4.74, abs=0.005)
    assert r.people["rci"].tolist() == pytest.approx([3.16, 1.58], abs=0.005)
    assert (r.improved, r.unchanged) == (1, 1)
    c = clinical([32.5, 32.5], [47.5, 52.5], clinical=(40, 7.5), functional=(60, 7.5), reliability=0.80, sd=7.5)
    assert c.cutoff == 50.0 and c.people["verdict"].tolist() == ["improved", "recovered"]
    assert clinical([32.0], [60.0], clinical=(40, 7.5), sd=7.5).cutoff == 55.0
    assert clinical([32.0], [60.0], functional=(60, 7.5), sd=7.5).cutoff == 45.0
    unequal = clinical([32.0], [60.0], clinical=(40, 5), functional=(60, 10), sd=7.5)
    assert unequal.cutoff == pytest.approx((10 * 40 + 5 * 60) / 15) and (unequal.cutoff - 40) / 5 == pytest.approx(
        (60 - unequal.cutoff) / 10
    )


def test_reference_case():
    """Case test_retest of more_cases.json: R and Python agree on its numbers."""
    folder = Path(__file__).parents[1] / "reference"
    case = next(c for c in json.loads((folder / "more_cases.json").read_text()) if c["id"] == "test_retest")
    items = pd.read_csv(folder / "data" / case["data"])
    waves = []
    for wave in ("t0", "t1"):
        x = items[[f"{wave}_i{j}" for j in range(1, 9)]]
        waves.append(x.assign(**{f"{wave}_i{j}": 6 - x[f"{wave}_i{j}"] for j in (3, 7)}).mean(axis=1))
    own, given_85 = (reliable(*waves, reliability=r) for r in (case["expected"]["correlation"], 0.85))
    names = ("sem", "improved", "deteriorated", "unchanged")
    found = {k: getattr(own, k) for k in (*names, "se_difference")} | {f"{k}_85": getattr(given_85, k) for k in names}
    assert found == pytest.approx({k: v for k, v in case["expected"].items() if k != "correlation"}, abs=case["tol"])


def test_sd_is_that_of_everyone_with_a_first_score():
    pre, post = pd.Series([1.0, 2, 3, 10]), pd.Series([2.0, 3, np.nan, 11])
    r = reliable(pre, post, reliability=0.75)
    assert r.sem == pytest.approx(pre.std() / 2)
    assert (r.n, r.tidy()["n_missing"][0]) == (3, 1)
    assert r.people["verdict"].isna().tolist() == [False, False, True, False]
    assert r.smallest_reliable_change == pytest.approx(1.959963984540054 * r.se_difference)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(finite, finite), min_size=3, max_size=30).filter(lambda rows: len({a for a, _ in rows}) > 1),
    st.sampled_from([0.5, 2.0, 8.0]),
    st.sampled_from([-64.0, 0.0, 32.0]),
    st.randoms(use_true_random=False),
)
def test_order_and_units_do_not_matter(rows, factor, shift, random):
    pre, post = (pd.Series(v) for v in zip(*rows))
    found = reliable(pre, post)
    scaled = reliable(pre * factor + shift, post * factor + shift)
    turned = reliable(-pre, -post, better="lower")
    order = list(pre.index)
    random.shuffle(order)
    mixed = reliable(pre[order], post)
    for other in (scaled, turned, mixed):
        assert (other.improved, other.unchanged, other.deteriorated) == (found.improved, found.unchanged, found.deteriorated)
    assert found.improved + found.unchanged + found.deteriorated == found.n == len(rows)
    assert scaled.sem == pytest.approx(factor * found.sem)
    assert mixed.people["rci"][pre.index].tolist() == pytest.approx(found.people["rci"].tolist())


def test_without_true_change_errors_are_two_and_a_half_percent_on_either_side():
    rng = np.random.default_rng(11)
    true = rng.normal(0, math.sqrt(0.8), 200_000)
    pre, post = (true + rng.normal(0, math.sqrt(0.2), len(true)) for _ in range(2))
    r = reliable(pre, post, reliability=0.8)
    assert r.improved / r.n == pytest.approx(0.025, abs=0.002) and r.deteriorated / r.n == pytest.approx(0.025, abs=0.002)


def test_arms_are_compared_as_by_itt():
    t = trial()
    r = reliable("y0", "y1", trial=t, adjust=["md"])
    alone = reliable(t.data["y0"], t.data["y1"])
    assert (r.improved, r.deteriorated, r.sem) == (alone.improved, alone.deteriorated, alone.sem)
    flag = (r.people["verdict"] == "improved").astype(float).where(r.people["verdict"].notna())
    by_hand = tk.itt(t.with_columns({"flag": flag.to_numpy()}), "flag", measure="risk_difference", adjust=["md"]).estimates[0]
    row = r.estimates[0]
    assert (row.estimate, row.std_error, row.df) == (by_hand.estimate, by_hand.std_error, by_hand.df)
    assert row.outcome == "y1 reliably improved"
    raw = reliable("y0", "y1", trial=t)
    shares = raw.tidy().set_index("arm")["share_improved"]
    assert raw.estimates[0].estimate == pytest.approx(shares["peer"] - shares["solo"])
    assert raw.tidy()["n"].tolist()[0] == raw.tidy()["n"][1:].sum()


def test_other_names_of_the_arms_turn_the_difference():
    d = people().drop(columns="group")
    a = reliable("y0", "y1", trial=tk.Trial(d, arm="arm", control="solo")).estimates
    b = reliable("y0", "y1", trial=tk.Trial(d, arm="arm", control="peer")).estimates
    assert [e.estimate for e in a] == pytest.approx([-e.estimate for e in b])
    assert [e.std_error for e in a] == pytest.approx([e.std_error for e in b])


def test_weight_zero_is_a_row_that_is_not_there():
    d = people()
    d.loc[d.index[5:9], "w"] = 0.0
    kept = d[d["w"] > 0]
    for call in (
        lambda t: reliable("y0", "y1", trial=t),
        lambda t: clinical("y0", "y1", cutoff=40, trial=t),
        lambda t: tk.measurement.regression_to_mean("y0", "y1", cutoff=35, correlation=0.6, trial=t),
        lambda t: tk.measurement.floor_ceiling("y0", range=(-20, 100), trial=t),
        lambda t: tk.measurement.desirability_correlation(t, "y1", desirability="md"),
        lambda t: tk.measurement.minimal_difference("y0", "y1", trial=t, seed=1, n_draws=100),
    ):
        a, b = call(trial(d, weights="w")), call(trial(kept, weights="w"))
        pd.testing.assert_frame_equal(a.tidy(), b.tidy())
        assert [e.estimate for e in a.estimates] == pytest.approx([e.estimate for e in b.estimates])


def test_clinical_verdicts_by_hand():
    pre = [10.0, 10, 10, 30, 30, 10, 20]
    post = [30.0, 18, 12, 45, 10, np.nan, 40]
    c = clinical(pre, post, cutoff=20, reliability=0.9, sd=6.0)
    assert c.people["verdict"].tolist()[:5] == ["recovered", "improved", "unchanged", "improved", "deteriorated"]
    assert c.people["verdict"][5] is None or pd.isna(c.people["verdict"][5])
    assert c.people["verdict"][6] == "recovered"
    row = c.tidy().iloc[0]
    assert (row["began_clinical"], row["recovered"], row["share_recovered_of_clinical"]) == (4, 2, 0.5)


def test_those_who_began_on_the_clinical_side_are_compared_on_their_own():
    t = trial()
    c = clinical("y0", "y1", cutoff=40, trial=t)
    among = next(e for e in c.estimates if "began" in e.outcome)
    shares = c.tidy().set_index("arm")["share_recovered_of_clinical"]
    assert among.estimate == pytest.approx(shares["peer"] - shares["solo"])
    assert among.n == c.tidy()["began_clinical"][0]


@pytest.mark.parametrize(
    ("side", "better", "equal_is_clinical"),
    [("at_or_below", "higher", True), ("below", "higher", False), ("at_or_above", "higher", False), ("above", "higher", True),
     ("at_or_above", "lower", True), ("above", "lower", False), ("at_or_below", "lower", False), ("below", "lower", True)],
)  # fmt: skip
def test_the_score_at_a_registered_cut_off(side, better, equal_is_clinical):
    line = CutOff(value=20, side=side, meaning="m", source="s")
    c = clinical([20.0, 20.0], [0.0, 40.0], cutoff=line, better=better, reliability=0.9, sd=3.0)
    assert c.details["equal_is_clinical"] is equal_is_clinical
    assert c.tidy()["began_clinical"][0] == (2 if equal_is_clinical else 0)
    assert c.recovered == (1 if equal_is_clinical else 0)


def test_the_scale_gives_direction_range_and_cut_off():
    ces_d, k6 = tk.measurement.scale("ces_d"), tk.measurement.scale("k6")
    assert len(ces_d.cut_offs) == 1
    c = clinical([30.0, 20, 5], [5.0, 19, 25], scale=ces_d, reliability=0.9, sd=5.0)
    assert c.cutoff == ces_d.cut_offs[0].value and c.people["verdict"].tolist() == ["recovered", "unchanged", "deteriorated"]
    with pytest.raises(UsageError, match=r"2 cut-offs.*cutoff="):
        clinical([20.0, 3], [3.0, 3], scale=k6)
    with pytest.raises(UsageError, match="no published cut-off"):
        clinical([20.0, 30], [25.0, 30], scale=tk.measurement.scale("gse"))
    with pytest.raises(DataError, match=r"1 value outside 0 to 24 .*-99.*missing"):
        reliable([20.0, -99], [3.0, 3], scale=k6)
    with pytest.raises(UsageError, match="better"):
        reliable([20.0, 3], [3.0, 3], scale=k6, better="higher")


def test_scored_answers_bring_their_scale():
    answers = pd.DataFrame(
        np.random.default_rng(2).integers(0, 6, (60, 10)), columns=[f"t{w}_{i}" for w in (0, 1) for i in range(1, 6)]
    )
    who5 = tk.measurement.scale("who5")
    pre, post = (tk.measurement.score(answers, who5, items=f"t{w}_{{item}}") for w in (0, 1))
    c = clinical(pre, post, cutoff=who5.cut_offs[0])
    plain = clinical(pre.values, post.values, cutoff=50, scale=who5)
    assert c.tidy().equals(plain.tidy()) and c.details["equal_is_clinical"] is True
    assert "who5 (pre) to who5 (post)" in str(c)
    assert tk.measurement.floor_ceiling(pre).details["high"] == 100
    waves = tk.measurement.score(answers, who5, items="{wave}_{item}", waves=["t0", "t1"])
    assert tk.measurement.floor_ceiling(waves).tidy()["wave"].tolist() == ["t0", "t1"]
    with pytest.raises(UsageError, match="2 cut-offs"):
        clinical(pre, post)
    with pytest.raises(UsageError, match="better"):
        reliable(pre, post, better="lower")


def test_nobody_in_an_arm():
    d = people(n=80)
    d["y0"], d["y1"] = np.tile([10.0, 12.0], 40), np.tile([10.0, 12.0], 40)
    d.loc[[60, 61, 70], "y1"] = 40.0
    grouped = reliable("y0", "y1", trial=trial(d))
    assert not grouped.estimates and any("no difference is given" in n.text for n in grouped.notes)
    alone = reliable("y0", "y1", trial=tk.Trial(d, arm="arm", control="solo"))
    assert alone.estimates[0].estimate == pytest.approx(3 / 40) and alone.estimates[0].conf_low < 0 < alone.estimates[0].conf_high
    assert any(n.text.endswith("nobody in every arm; no difference is estimated.") for n in alone.notes)


def test_stored_results_hold_no_people():
    c = clinical("y0", "y1", cutoff=40, trial=trial())
    again = tk.Result.from_dict(json.loads(json.dumps(c.to_dict())))
    assert type(again) is type(c) and again.recovered == c.recovered and again.cutoff == 40
    assert str(again) == str(c)
    with pytest.raises(UsageError, match="no rows of people"):
        _ = again.people
    assert "recovered" in c._repr_html_() and "y1 recovered" in c.differences()["outcome"].tolist()


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"reliability": 1.0}, UsageError, "not between 0 and 1"),
        ({"reliability": math.nan}, UsageError, "not between 0 and 1"),
        ({"sd": 0.0}, UsageError, "standard deviation"),
        ({"conf_level": 95}, UsageError, "write 0.95"),
        ({"better": "up"}, UsageError, "'higher' or 'lower'"),
        ({"adjust": ["x"]}, UsageError, "trial="),
        ({"adjust": "x"}, UsageError, r"\['x'\]"),
        ({"post": [1.0, 2.0]}, UsageError, "3 people and post 2"),
        ({"post": pd.Series([1.0, 2, 3], index=[7, 8, 9])}, UsageError, "same people"),
        ({"post": [np.nan] * 3}, MissingDataError, "has no value"),
        ({"pre": [2.0, 2, 2]}, DataError, "2 for everyone"),
        ({"pre": ["a", "b", "c"]}, TrialkitError, "pre"),
        ({"pre": "y0"}, UsageError, "trial="),
        ({"pre": np.ones((3, 2))}, UsageError, "2 dimensions"),
    ],
)
def test_bad_input(arguments, error, said):
    given = {"pre": pd.Series([1.0, 2, 3]), "post": pd.Series([2.0, 2, 3])} | arguments
    with pytest.raises(error, match=said):
        reliable(given.pop("pre"), given.pop("post"), **given)


def test_bad_input_of_a_trial():
    t = trial()
    with pytest.raises(TrialkitError, match="no column 'y9'"):
        reliable("y0", "y9", trial=t)
    with pytest.raises(UsageError, match="name of a column"):
        reliable(t.data["y0"], "y1", trial=t)
    odd = trial(people().assign(y1=lambda d: d["y1"].fillna(-99)))
    assert any(n.code == "undeclared_code" for n in reliable("y0", "y1", trial=odd).notes)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "needs a line"),
        ({"cutoff": 3, "clinical": (1, 2)}, "not both"),
        ({"cutoff": math.nan}, "no score"),
        ({"clinical": (1, 0)}, "above zero"),
        ({"clinical": (9, 1), "functional": (3, 1)}, "not better"),
    ],
)
def test_bad_cut_offs(arguments, said):
    with pytest.raises(UsageError, match=said):
        clinical([1.0, 2, 3], [2.0, 2, 3], **arguments)


def test_nobody_began_on_the_clinical_side():
    assert any(n.code == "none_clinical" for n in clinical([5.0, 6, 7], [5.0, 6, 9], cutoff=1).notes)
