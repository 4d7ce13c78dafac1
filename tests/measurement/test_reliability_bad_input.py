"""Bad days of reliability, icc and test-retest: an error or a note with the item's name and the remedy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit import errors

ITEMS = ["calm", "glad", "rested", "keen"]


def people(n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(np.clip(np.round(3 + rng.normal(size=(n, 1)) + rng.normal(size=(n, 4))), 1, 5), columns=ITEMS)


BAD = {
    "no variance": (
        lambda d: d.assign(glad=3),
        {},
        errors.DataError,
        r"'glad' has the same answer \(3\) from everyone.*Leave it out",
    ),
    "text": (lambda d: d.assign(glad="often"), {}, errors.ValueTypeError, "column 'glad' holds text"),
    "missing code": (
        lambda d: d.assign(keen=d["keen"].where(d.index > 2, -99)),
        {},
        errors.ValueTypeError,
        r"'keen' holds -99 \(3 times\).*missing_codes=\[-99\]",
    ),
    "infinite": (
        lambda d: d.assign(keen=d["keen"].where(d.index > 2, np.inf)),
        {},
        errors.ValueTypeError,
        "'keen' holds infinite",
    ),
    "one item": (lambda d: d[["calm"]], {}, errors.NotIdentifiedError, "single item 'calm'.*test_retest"),
    "few people": (lambda d: d.head(4), {}, errors.EstimationError, "4 people and 4 items"),
    "empty item": (lambda d: d.assign(glad=np.nan), {}, errors.MissingDataError, "'glad' has 0 answers"),
    "nobody": (lambda d: d * np.nan, {}, errors.MissingDataError, "no person is left"),
    "never together": (
        lambda d: d.assign(calm=d["calm"].where(d.index < 40), glad=d["glad"].where(d.index >= 40)),
        {},
        errors.MissingDataError,
        "'calm' and 'glad' are answered together by 0 people",
    ),
    "no such by": (lambda d: d, {"by": "arms"}, errors.ColumnNotFoundError, "arms"),
    "no such cluster": (lambda d: d.assign(group=1), {"cluster": "groep"}, errors.ColumnNotFoundError, "Did you mean 'group'"),
    "by of groups": (lambda d: d.assign(g=np.arange(80)), {"by": "g"}, errors.UsageError, "cluster=, not by="),
    "by too short": (lambda d: d, {"by": [1, 0]}, errors.UsageError, "2 values and the items have 80 rows"),
    "no variance in an arm": (
        lambda d: d.assign(arm=np.arange(80) % 2, glad=d["glad"].where(np.arange(80) % 2 == 0, 2)),
        {"by": "arm"},
        errors.DataError,
        "'glad' has the same answer .* in '1'",
    ),
    "reverse without codes": (lambda d: d, {"reverse": ["calm"]}, errors.UsageError, "codes=.*never on those that occur"),
    "reverse of no item": (
        lambda d: d,
        {"reverse": ["clam"], "codes": (1, 5)},
        errors.ColumnNotFoundError,
        "Did you mean 'calm'",
    ),
    "reverse as text": (lambda d: d, {"reverse": "calm", "codes": (1, 5)}, errors.UsageError, r"reverse=\['calm'\]"),
    "codes": (lambda d: d, {"codes": (5, 1)}, errors.UsageError, "lowest and the highest"),
    "scale and reverse": (lambda d: d, {"scale": "who5", "reverse": ["calm"]}, errors.UsageError, "says itself"),
    "scale of other length": (lambda d: d, {"scale": "who5"}, errors.UsageError, "5 items"),
    "form without scale": (lambda d: d, {"form": "short"}, errors.UsageError, "give scale= too"),
    "form": (lambda d: d, {"scale": "rosenberg"}, errors.ScaleError, "form must be named"),
    "no total": (lambda d: d, {"scale": "ie_4"}, errors.ScaleError, "Name a subscale: 'internal'"),
    "no seed": (lambda d: d, {"n_draws": 1000}, errors.UsageError, "give a seed"),
    "few draws": (lambda d: d, {"n_draws": 10, "seed": 1}, errors.UsageError, "at least 100"),
    "missing": (lambda d: d, {"missing": "pairs"}, errors.UsageError, "'pairwise' or 'listwise'"),
    "conf_level": (lambda d: d, {"conf_level": 95}, errors.UsageError, "0.95"),
    "waves": (lambda d: d, {"waves": {"t0": ["calm", "glad"], "t1": ["keen"]}}, errors.UsageError, "different numbers of items"),
    "wave column": (lambda d: d, {"waves": {"t0": ["calm", "gald"]}}, errors.ColumnNotFoundError, "Did you mean 'glad'"),
    "item twice": (lambda d: d, {"waves": {"t0": ["calm", "calm"]}}, errors.DataError, "more than once"),
    "split": (lambda d: d, {"split": ["clam"]}, errors.ColumnNotFoundError, "Did you mean 'calm'"),
    "split of all": (lambda d: d, {"split": ITEMS}, errors.UsageError, "leave some"),
    "ordinal": (
        lambda d: d.assign(calm=np.arange(80.0)),
        {"ordinal": True},
        errors.UsageError,
        "'calm' has 80 different answers",
    ),
    "no frame": (lambda d: [1, 2], {}, errors.UsageError, "data frame"),
    "no rows": (lambda d: d.head(0), {}, errors.DataError, "no rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name):
    change, options, error, words = BAD[name]
    with pytest.raises(error, match=words):
        tk.measurement.reliability(change(people()), **options)


def note(result, code):
    return next(n.text for n in result.notes if n.code == code)


def test_missing_codes_are_taken_out():
    data = people()
    coded = data.assign(keen=data["keen"].where(data.index > 2, -99))
    blank = data.assign(keen=data["keen"].where(data.index > 2))
    assert tk.measurement.reliability(coded, missing_codes=[-99]).alpha == tk.measurement.reliability(blank).alpha


def test_an_item_keyed_the_other_way_is_named():
    data = people()
    found = tk.measurement.reliability(data.assign(rested=6 - data["rested"]))
    assert "'rested' runs against the other items" in note(found, "keyed_the_other_way")
    assert "reverse=['rested']" in note(found, "keyed_the_other_way")
    assert found.items.set_index("item").loc["rested", "item_rest"] < 0
    two = tk.measurement.reliability(data[["calm", "glad"]].assign(glad=6 - data["glad"]))
    assert two.alpha < 0 and math.isnan(two.sem) and "'glad'" in note(two, "keyed_the_other_way")
    assert "negative" in note(two, "negative_alpha")


def test_unrelated_items_get_a_note_and_no_blame():
    noise = pd.DataFrame(np.random.default_rng(3).normal(size=(300, 4)), columns=ITEMS)
    found = tk.measurement.reliability(noise)
    assert abs(found.alpha) < 0.3 and "keyed_the_other_way" not in {n.code for n in found.notes}


def test_a_total_beside_its_parts_has_no_omega():
    data = people()
    found = tk.measurement.reliability(data.assign(total=data.sum(axis=1)))
    assert math.isnan(found.omega) and "determine each other" in note(found, "omega_undefined")


def test_a_number_of_the_person_among_the_items_is_noticed():
    found = tk.measurement.reliability(people().assign(id=np.arange(1000, 1080)))
    assert "'id' has" in note(found, "unequal_spread") and "'id'" in note(found, "weak_items")


def test_one_group_has_no_interval():
    found = tk.measurement.reliability(people(), cluster=np.ones(80))
    assert math.isnan(found.alpha_low) and "too few" in note(found, "interval_undefined")
    few = tk.measurement.reliability(people(), cluster=np.arange(80) % 4)
    assert few.alpha_low < few.alpha and "only 4 groups" in note(few, "few_groups")


def test_people_without_answers_and_without_an_arm():
    data = people().assign(arm=[0.0, 1.0] * 39 + [np.nan] * 2)
    data.loc[0, ITEMS] = np.nan
    found = tk.measurement.reliability(data, by="arm")
    assert found.tidy()["n"].tolist() == [38, 39] and "1 person without any answer" in note(found, "no_answers")
    assert "2 people without a value of by" in note(found, "no_level")


RATINGS = {
    "one column": (lambda x: x[["a"]], {}, errors.UsageError, "one column a rater.*pivot"),
    "text": (lambda x: x.assign(a="good"), {}, errors.ValueTypeError, "column 'a' holds text"),
    "few": (lambda x: x.head(2), {}, errors.EstimationError, "at least 3"),
    "constant": (lambda x: x * 0 + 4, {}, errors.DataError, "same rating"),
    "code": (lambda x: x.assign(a=[-99, *x["a"][1:]]), {}, errors.ValueTypeError, r"missing_codes=\[-99\]"),
    "cluster": (lambda x: x, {"cluster": "groep"}, errors.ColumnNotFoundError, "groep"),
    "cluster length": (lambda x: x, {"cluster": [1, 2]}, errors.UsageError, "2 values and the table has 30 rows"),
    "level": (lambda x: x, {"conf_level": 2}, errors.UsageError, "0.95"),
    "two of a name": (lambda x: pd.concat([x, x], axis=1), {}, errors.DataError, "more than one column named"),
}


@pytest.mark.parametrize("name", RATINGS)
def test_ratings_refused(name):
    change, options, error, words = RATINGS[name]
    x = pd.DataFrame(np.random.default_rng(4).integers(1, 9, size=(30, 3)), columns=list("abc")).astype(float)
    with pytest.raises(error, match=words):
        tk.measurement.icc(change(x), **options)


def test_retest_refused():
    x = np.arange(20.0)
    with pytest.raises(errors.UsageError, match="20 scores and post 19"):
        tk.measurement.test_retest(x, x[1:])
    with pytest.raises(errors.DataError, match="post has the same score"):
        tk.measurement.test_retest(x, np.ones(20))
    with pytest.raises(errors.UsageError, match="between 0 and 1"):
        tk.measurement.test_retest(x, x, reliability=85)
    with pytest.raises(errors.EstimationError, match="at least 4"):
        tk.measurement.test_retest(x, np.r_[1, 2, np.full(18, np.nan)])
