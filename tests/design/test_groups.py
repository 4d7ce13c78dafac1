"""Group formation as part of the design: the law on cases small enough to list, constraints, and refusals."""

from __future__ import annotations

import hashlib
import itertools
import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare

import trialkit as tk
from trialkit import design as schemes
from trialkit.design.base import Design
from trialkit.design.groups.traits import trait
from trialkit.design.people import People
from trialkit.errors import ColumnNotFoundError, DesignError, UsageError
from trialkit.report.figures.group_quality_chart import group_quality
from trialkit.results import Result

ARMS = {"individual": 1, "peer": 1}


class Everyone(Design):
    """Everyone in the second arm, so that only groups are random."""

    scheme = "everyone"

    def _draw(self, streams):
        return np.ones((len(streams), self.n), dtype=np.int16)


def everyone(**columns) -> Design:
    n = len(next(iter(columns.values())))
    people = pd.DataFrame({"id": [f"p{i:03d}" for i in range(n)], **columns})
    return Everyone(People.of(people, "id"), ("individual", "peer"), {})


def recruits(n: int = 200, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"p{i:03d}" for i in range(n)],
            "agency": rng.choice(["east", "north"], n),
            "sex": rng.choice(["f", "m"], n),
            "age": rng.integers(16, 64, n),
            "income": np.rint(rng.lognormal(7, 0.5, n)),
            "couple": [i // 2 if i < 20 else None for i in range(n)],
            "mon": rng.integers(0, 2, n),
            "tue": 1,
        }
    )


def half(people: pd.DataFrame) -> Design:
    return schemes.complete(people, unit="id", arms=ARMS)


def partition_of(row: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(sorted(tuple(np.flatnonzero(row == g).tolist()) for g in np.unique(row[row >= 0])))


def listed_partitions(n: int, size: int) -> list[tuple[tuple[int, ...], ...]]:
    labels = itertools.repeat(range(n // size))
    found = {
        partition_of(np.array(c))
        for c in itertools.product(*itertools.islice(labels, n))
        if sorted(c) == sorted(np.repeat(range(n // size), size).tolist())
    }
    return sorted(found)


# --- the law


def test_without_traits_every_partition_is_equally_likely():
    drawn = everyone(x=range(6)).with_groups("peer", size=3).draw_many(4000, seed=1).groups
    counts = pd.Series([partition_of(row) for row in drawn]).value_counts()
    assert len(counts) == len(listed_partitions(6, 3)) == 10
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("way", ["alike", "mixed"])
def test_groups_are_drawn_uniformly_from_the_local_optima_within_the_tolerance(way):
    corners = [0.0, 0.2, 3.0, 3.1, 0.1, 0.3, 2.9, 3.3], [0.1, 3.0, 0.0, 3.3, 0.2, 2.8, 0.4, 2.9]
    x, y = corners if way == "alike" else ([-0.4, 0.3, 0.6, -1.0, 0.8, 0.3, 0.8, 0.3], [0.0] * 8)
    traits = ["x", "y"] if way == "alike" else ["x"]
    design = everyone(x=x, y=y).with_groups("peer", size=4, tolerance=0.4, restarts=60, partners=1, **{way: traits})
    made = [trait(design.people, t, np.zeros(8, dtype=np.int64)) for t in traits]
    columns = np.hstack([t.level if way == "alike" else np.hstack([t.level, t.spread]) for t in made])
    sign = -1 if way == "alike" else 1

    def value(partition):
        return sign * sum((columns[list(g)].sum(axis=0) ** 2).sum() / len(g) for g in partition)

    every = listed_partitions(8, 4)
    values = {p: value(p) for p in every}
    random = np.mean(list(values.values()))

    def neighbours(p):
        for i, j in itertools.product(*p):
            yield tuple(sorted(tuple(sorted((set(g) - {i, j}) | ({j} if i in g else {i}))) for g in p))

    optima = [p for p in every if all(values[q] > values[p] - 1 for q in neighbours(p))]
    best = min(values[p] for p in optima)
    accepted = {p for p in optima if values[p] <= best + 0.4 * (random - best)}
    assert len(accepted) > 1
    counts = pd.Series([partition_of(row) for row in design.draw_many(3000, seed=3).groups]).value_counts()
    assert set(counts.index) == accepted
    assert chisquare(counts).pvalue > 0.001


def test_partners_and_tolerance_decide_how_much_chance_is_left():
    x = np.random.default_rng(3).normal(size=24)

    def kinds(**law):
        drawn = everyone(x=x).with_groups("peer", size=4, alike=["x"], **law).draw_many(60, seed=1).groups
        return len({partition_of(row) for row in drawn})

    assert kinds(partners=1) == 1, "one trait has one optimum of all exchanges"
    assert kinds(tolerance=0) < kinds() < kinds(tolerance=0.3)


def test_arms_are_those_of_the_inner_design_and_probabilities_stay():
    inner = half(recruits(40))
    design = inner.with_groups("peer", size=(4, 6), alike=["age"])
    drawn, alone = design.draw_many(20, seed=4), inner.draw_many(20, seed=4)
    assert np.array_equal(drawn.arms, alone.arms)
    assert ((drawn.groups >= 0) == (drawn.arms == 1)).all()
    assert design.assign(seed=9)["arm"].tolist() == inner.assign(seed=9)["arm"].tolist()
    assert design.probabilities.equals(inner.probabilities) and design.count() == inner.count()
    assert design.probabilities_exact is True


def test_numbers_observed_later_reach_the_inner_design():
    inner = schemes.complete(recruits(40), unit="id", arms=ARMS, counts="observed")
    design = inner.with_groups("peer", size=(4, 6))
    assert not design.resolved
    filled = design.resolve(np.arange(40) % 4 // 3)
    assert filled.resolved and (filled.draw_many(3, seed=1).groups >= 0).sum(axis=1).tolist() == [10, 10, 10]


def test_a_draw_depends_on_the_seed_and_its_number_only():
    design = half(recruits(40)).with_groups("peer", size=(4, 6), mixed=["age"])
    many = design.draw_many(300, seed=2).groups
    assert np.array_equal(design.draw_many(5, seed=2).groups, many[:5])
    assert not np.array_equal(design.draw_many(5, seed=3).groups, many[:5])


def test_the_order_of_the_rows_does_not_matter():
    people = recruits(80)
    options = {"size": (5, 8), "alike": ["age"], "mixed": ["income"], "within": ["agency"], "keep_apart": "couple"}
    first = half(people).with_groups("peer", **options).assign(seed=8)
    other = half(people.sample(frac=1, random_state=1)).with_groups("peer", **options).assign(seed=8)
    assert first.equals(other)


def test_draws_are_frozen():
    design = everyone(age=[20 + (7 * i) % 41 for i in range(60)], town=["a", "b", "c"] * 20)
    design = design.with_groups(
        "peer", size=(4, 6), alike=["age"], mixed=["town"], keep_apart=[("p000", "p001"), ("p002", "p003")]
    )
    drawn = design.draw_many(50, seed=20).groups
    labels = "".join(design.assign(seed=20)["group"])
    assert hashlib.sha256(drawn.astype("<i8").tobytes()).hexdigest()[:16] == "6f23f55af4e4431f"
    assert hashlib.sha256(labels.encode()).hexdigest()[:16] == "43ccbaf0584d9a39"


# --- what is reached


def test_alike_groups_have_less_variance_within_and_mixed_groups_the_same_means_and_variances():
    design = half(recruits()).with_groups("peer", size=(10, 15), alike=["age"], mixed=["income", "sex"])
    table = design.quality(design.assign(seed=1), seed=2).tidy().set_index(["trait", "measure"])
    assert table.loc[("age", "level"), "within_share"] < 0.2 < table.loc[("age", "level"), "random_low"]
    for key in (("income", "level"), ("income", "spread"), ("sex", "level")):
        assert table.loc[key, "within_share"] > max(0.98, table.loc[key, "random_high"])
    assert table["random_as_good"].dropna().between(1 / 201, 3 / 201).all()
    assert table.loc[("age", "spread"), "aim"] == "" and table["groups"].unique().tolist() == [8]


def test_within_share_is_the_analysis_of_variance():
    design = half(recruits(60)).with_groups("peer", size=(5, 7))
    allocation = design.assign(seed=3).sample(frac=1, random_state=4)
    row = design.quality(allocation, seed=1, traits=["age"]).tidy().iloc[0]
    joined = allocation.merge(recruits(60), on="id").dropna(subset=["group"])
    within = (joined["age"] - joined.groupby("group")["age"].transform("mean")) ** 2
    total = (joined["age"] - joined["age"].mean()) ** 2
    assert row["within_share"] == pytest.approx(within.sum() / total.sum(), abs=2e-3)
    assert row["random_low"] < row["random_mean"] < row["random_high"]


def test_quality_survives_json_and_makes_a_picture():
    design = half(recruits(60)).with_groups("peer", size=(5, 7), alike=["age"])
    quality = design.quality(design.assign(seed=3), seed=1, traits=["income"])
    again = Result.from_dict(quality.to_dict())
    assert again.tidy()["trait"].tolist() == quality.tidy()["trait"].tolist()
    ax = group_quality(quality, labels={"age": "years of age"})
    texts = [t.get_text() for t in ax.texts]
    assert "Years of age" in texts and "Income" in texts and ax.get_xlabel() == "Share of the variance within groups"
    with pytest.raises(UsageError, match="no traits"):
        group_quality(half(recruits(60)).with_groups("peer", size=(5, 7)).quality(design.assign(seed=3), seed=1))


def test_composition_is_a_randomized_arm():
    design = schemes.complete(recruits(), unit="id", arms={"alone": 1, "same": 1, "different": 1, "any": 1})
    design = design.with_groups(
        size=(10, 15), alike=["age"], composition={"same": "alike", "different": "mixed", "any": "random"}
    )
    allocation = design.assign(seed=1)
    table = design.quality(allocation, seed=1).tidy()
    level = table[table["measure"] == "level"].set_index("arm")["within_share"]
    assert level["same"] < 0.2 < 0.7 < level["any"] < level["different"] and level["different"] > 0.99
    assert allocation.loc[allocation["arm"] == "alone", "group"].isna().all()


def test_co_membership_of_random_pairs_is_known():
    design = schemes.complete({"id": range(8)}, unit="id", arms=ARMS).with_groups("peer", size=2)
    found = design.co_membership(4000, seed=1)
    pairs = found.probability[np.triu_indices(8, 1)]
    expected = (4 * 3) / (8 * 7) / 3
    assert np.abs(pairs - expected).max() < 4.5 * np.sqrt(expected * (1 - expected) / 4000)
    np.testing.assert_allclose(np.diag(found.probability), 0.5, atol=0.04)
    assert found.std_error[0, 1] == pytest.approx(np.sqrt(pairs[0] * (1 - pairs[0]) / 4000))
    assert found.frame().shape == (8, 8) and "28 pairs" in str(found)


# --- sizes, links, sessions


@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [(120, (10, 15), [12] * 10), (100, (10, 15), [12, 12, 12, 12, 13, 13, 13, 13]), (30, (10, 15), [15, 15]), (22, (4, 6), [5, 5, 6, 6]), (9, 3, [3, 3, 3])],
)  # fmt: skip
def test_sizes_are_in_the_range_and_as_equal_as_can_be(n, size, sizes):
    found = everyone(x=range(n)).with_groups("peer", size=size).assign(seed=1)["group"].value_counts()
    assert sorted(found.tolist()) == sizes
    assert sorted(found.index) == [f"peer-{i + 1:02d}" for i in range(len(sizes))]


def test_numbers_that_cannot_be_divided_are_refused_or_wait():
    with pytest.raises(
        DesignError, match=r"17 people.*1 group of 15 leaves 2 over, and 2 groups of 10 need 3 more.*waiting_list=True"
    ):
        everyone(x=range(17)).with_groups("peer", size=(10, 15))
    design = everyone(x=range(17)).with_groups("peer", size=(10, 15), alike=["x"], waiting_list=True)
    allocation = design.assign(seed=1)
    assert allocation["group"].value_counts().tolist() == [15]
    assert allocation["waiting"].sum() == 2 and allocation["group"].isna().equals(allocation["waiting"])
    waits = (design.draw_many(1700, seed=2).groups < 0).sum(axis=0)
    assert chisquare(waits).pvalue > 0.001, "everyone waits as often, whatever their traits"
    with pytest.raises(DesignError, match=r"9 people are fewer than one group of 10. Make size= smaller"):
        everyone(x=range(9)).with_groups("peer", size=(10, 15))
    with pytest.raises(DesignError, match="9 people and no group of 10 to 15"):
        everyone(x=range(9)).with_groups("peer", size=(10, 15), waiting_list=True)


def test_groups_stay_within_strata_and_labels_are_unique_over_arms():
    design = half(recruits()).with_groups(["individual", "peer"], size=(8, 14), alike=["age"], within=["agency"])
    allocation = design.assign(seed=6).merge(recruits(), on="id")
    assert (allocation.groupby("group")[["arm", "agency"]].nunique() == 1).all(axis=None)
    assert allocation["group"].str.match(r"(individual|peer)-(east|north)-\d\d").all()
    trial = tk.Trial(allocation, arm="arm", control="individual", unit="id", group="group")
    assert trial.n_groups == allocation["group"].nunique() and trial.grouped_arms == ("individual", "peer")


def test_people_are_kept_together_and_apart():
    people = recruits(80)
    design = half(people).with_groups(
        "peer", size=(5, 8), alike=["age"], keep_together="couple", keep_apart=[("p030", "p031", "p032"), ("p040", "p041")]
    )
    drawn = design.draw_many(200, seed=1)
    arms, groups = drawn.arms, drawn.groups
    for i in range(0, 20, 2):
        both = (arms[:, i] == 1) & (arms[:, i + 1] == 1)
        assert both.any() and (groups[both, i] == groups[both, i + 1]).all()
    for i, j in [(30, 31), (30, 32), (31, 32), (40, 41)]:
        both = (arms[:, i] == 1) & (arms[:, j] == 1)
        assert both.any() and (groups[both, i] != groups[both, j]).all()
    assert all(5 <= c <= 8 for row in groups for c in np.bincount(row[row >= 0]))


def test_only_couples_get_group_sizes_that_couples_can_fill():
    design = everyone(x=range(30), couple=np.repeat(range(15), 2)).with_groups("peer", size=(10, 15), keep_together="couple")
    allocation = design.assign(seed=2)
    assert sorted(allocation["group"].value_counts().tolist()) == [10, 10, 10]
    assert (allocation["group"].to_numpy()[0::2] == allocation["group"].to_numpy()[1::2]).all()


def test_sessions_facilitators_and_availability_are_honoured():
    people = recruits()
    design = half(people).with_groups(
        "peer", size=(10, 15), alike=["age"], sessions={"mon": 40, "tue": 75}, availability={"mon": "mon", "tue": "tue"},
        facilitators={"ann": 2, "bob": 2, "cas": 1, "dee": 2, "eve": 2},
    )  # fmt: skip
    for seed in range(5):
        allocation = design.assign(seed=seed).merge(people, on="id").dropna(subset=["group"])
        assert (allocation.loc[allocation["session"] == "mon", "mon"] == 1).all()
        seated = allocation["session"].value_counts()
        assert seated["mon"] <= 40 and seated["tue"] <= 75
        groups = allocation.groupby("group").agg(
            session=("session", "nunique"), who=("facilitator", "first"), when=("session", "first"), n=("id", "size")
        )
        assert (groups["session"] == 1).all() and groups["n"].between(10, 15).all()
        assert not groups.duplicated(["who", "when"]).any(), "nobody leads two groups at once"
        assert groups["who"].value_counts().le(2).all() and (groups["who"] == "cas").sum() <= 1


def test_capacity_may_differ_by_stratum_and_makes_people_wait():
    design = half(recruits()).with_groups(
        "peer", size=(8, 12), within=["agency"], facilitators={"east": {"ann": 2}, "north": {"bob": 9}}, waiting_list=True
    )
    allocation = design.assign(seed=1).merge(recruits(), on="id")
    led = allocation.groupby("facilitator")["agency"].agg(["unique", "size"])
    assert led.loc["ann", "unique"].tolist() == ["east"] and led.loc["ann", "size"] == 24
    peers = allocation[allocation["arm"] == "peer"]
    assert peers["waiting"].sum() == (peers["agency"] == "east").sum() - 24
    with pytest.raises(DesignError, match="facilitators lead 2 groups"):
        half(recruits()).with_groups("peer", size=(8, 12), facilitators={"ann": 2})


# --- speed


def test_a_thousand_people_and_a_thousand_draws_are_soon_done():
    rng = np.random.default_rng(1)
    design = everyone(**{f"x{i}": rng.normal(size=1000) for i in range(5)})
    design = design.with_groups("peer", size=(10, 15), mixed=[f"x{i}" for i in range(5)])
    told: list[tuple[int, int]] = []
    start = time.process_time()
    allocation = design.assign(seed=1, progress=lambda done, total: told.append((done, total)))
    assert time.process_time() - start < 10 and allocation["group"].nunique() == 80
    assert told[-1] == (10, 10) and [t[0] for t in told] == sorted(t[0] for t in told)


def test_progress_on_standard_error(capsys):
    design = half(recruits(40)).with_groups("peer", size=(4, 6), alike=["age"])
    design.draw_many(3, seed=1)
    assert capsys.readouterr().err == "", "silent unless it is a terminal"
    design.draw_many(3, seed=1, progress=True)
    assert "forming groups: 3 of 3" in capsys.readouterr().err


# --- refusals

MANY = [f"p{i:03d}" for i in range(13)]
BAD = {
    "unknown arm": ({"arm": "pear"}, DesignError, "Did you mean 'peer'"),
    "no arm": ({"arm": None}, DesignError, "no arm is named"),
    "size of one": ({"size": (1, 5)}, DesignError, "two people or more"),
    "size reversed": ({"size": (12, 10)}, DesignError, "smallest comes first"),
    "size in words": ({"size": "ten"}, UsageError, "smallest and the largest"),
    "unknown trait": ({"alike": ["agee"]}, ColumnNotFoundError, "Did you mean 'age'"),
    "trait as text": ({"alike": "age"}, UsageError, r"alike=\['age'\]"),
    "missing trait": ({"mixed": ["couple"]}, DesignError, "the trait 'couple' is missing for 'p020'.*rows 21"),
    "constant trait": ({"mixed": ["tue"]}, DesignError, "'tue' is the same for everyone"),
    "many texts": ({"mixed": ["id"]}, DesignError, "200 different texts"),
    "alike and mixed": ({"alike": ["age"], "mixed": ["age"]}, DesignError, "both alike and mixed"),
    "missing stratum": ({"within": ["couple"]}, DesignError, "the stratum 'couple' is missing"),
    "block too large": ({"keep_together": [MANY]}, DesignError, r"'p000', .*\(rows 1, 2.*that is 13 people and a group has at most 12"),
    "unknown person": ({"keep_together": [("p001", "nobody")]}, DesignError, "'nobody', who is not among the people"),
    "no pair": ({"keep_apart": [("p001",)]}, DesignError, "no pair"),
    "ids without pairs": ({"keep_apart": ["p001", "p002"]}, UsageError, "list of pairs"),
    "across strata": ({"within": ["agency"], "keep_together": [("p000", "p001", "p002")]}, DesignError, "different strata of 'agency'"),
    "contradiction": ({"keep_together": [("p001", "p002"), ("p002", "p003")], "keep_apart": [("p001", "p003")]}, DesignError, r"'p001' and 'p003' \(rows 2 and 4\)"),
    "too few seats": ({"sessions": {"mon": 50}}, DesignError, "sessions seat 50"),
    "capacity in words": ({"facilitators": {"ann": "two"}}, DesignError, "'ann' has 'two'"),
    "stratum without capacity": ({"within": ["agency"], "sessions": {"east": {"mon": 99}}}, DesignError, "missing for 'north'"),
    "unknown session": ({"sessions": {"mon": 200}, "availability": {"wed": "mon"}}, DesignError, "'wed', which is no session"),
    "availability in years": ({"sessions": {"mon": 200}, "availability": {"mon": "age"}}, DesignError, "neither yes nor no"),
    "nobody can come": ({"sessions": {"mon": 200}, "availability": {"mon": "mon"}}, DesignError, "can come to no session"),
    "unknown composition": ({"arm": None, "alike": ["age"], "composition": {"peer": "equal"}}, DesignError, "'alike', 'mixed' or 'random'"),
    "composition without traits": ({"arm": None, "composition": {"peer": "alike"}}, DesignError, "needs the traits"),
    "composition of another arm": ({"alike": ["age"], "composition": {"individual": "alike"}}, DesignError, "do not name the same arms"),
    "tolerance": ({"alike": ["age"], "tolerance": 2}, UsageError, "from 0 to 1"),
    "restarts": ({"alike": ["age"], "restarts": 0}, UsageError, "one or more"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_who_and_what_to_do(case):
    options, error, message = BAD[case]
    with pytest.raises(error, match=message):
        half(recruits()).with_groups(**({"arm": "peer", "size": (8, 12)} | options))


def test_links_that_no_division_can_keep_are_named():
    apart = [f"p{i:03d}" for i in range(5)]
    with pytest.raises(
        DesignError, match=r"groups of 4 with what else is asked \('p000', .* and 5\) must all be in different groups\)"
    ):
        everyone(x=range(12)).with_groups("peer", size=4, keep_apart=[apart], waiting_list=True)
    pairs = list(itertools.combinations(apart, 2))
    design = everyone(x=range(12)).with_groups("peer", size=4, keep_apart=pairs)
    with pytest.raises(DesignError, match=r"has 3 groups.*'p00\d' and 'p00\d' \(rows \d and \d\) stay in one group"):
        design.assign(seed=1)


def test_people_kept_together_who_share_no_session_are_named():
    design = everyone(mon=[1] * 11 + [0], tue=[0] + [1] * 11)
    options = {"sessions": {"mon": 9, "tue": 9}, "availability": {"mon": "mon", "tue": "tue"}, "waiting_list": True}
    with pytest.raises(DesignError, match=r"'p000' and 'p011' \(rows 1 and 12\).*share no session"):
        design.with_groups("peer", size=(3, 4), keep_together=[("p000", "p011")], **options)
    allocation = design.with_groups("peer", size=(3, 4), keep_together=[("p000", "p001")], **options).assign(seed=1)
    assert allocation["session"].iloc[:2].tolist() == ["mon", "mon"] and not allocation["waiting"].any()


def test_labels_that_would_meet_are_refused():
    people = pd.DataFrame({"id": range(40), "town": ["b-c", "c"] * 20})
    design = schemes.complete(people, unit="id", arms={"a": 1, "a-b": 1})
    with pytest.raises(DesignError, match="'a-b-c-01'"):
        design.with_groups(["a", "a-b"], size=(3, 6), within=["town"])


def test_an_allocation_of_something_else_is_refused():
    design = half(recruits(40)).with_groups("peer", size=(4, 6), alike=["age"])
    wrong = design.assign(seed=1)
    wrong["group"] = "one"
    with pytest.raises(DesignError, match="'one' has members of more than one arm"):
        design.quality(wrong, seed=1)
    with pytest.raises(ColumnNotFoundError):
        design.quality(wrong.drop(columns="group"), seed=1)
