"""Parts on their own, and the errors of scenario files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialkit.errors import DesignError, PlanError
from trialkit.simulate import read_scenario
from trialkit.simulate.components.answers import Items, Unanswered
from trialkit.simulate.components.grouped_trial import Assignment, Groups, group_sizes
from trialkit.simulate.components.traits import Discrete, Lognormal, Ordinal, Strata, Trait
from trialkit.simulate.parts import PARTS, group_effect_name
from trialkit.simulate.people import People, stream
from trialkit.simulate.runner import simulate_people


def people(n: int = 20_000) -> People:
    return People(n, ("solo", "peer"))


def drawn(*parts, n: int = 20_000) -> People:
    made = people(n)
    for part in parts:
        part.draw(made, stream(1, part.name))
    return made


SITE = Strata(part="strata", name="site", labels=("N", "S"), shares=(0.7, 0.3))


@given(members=st.integers(2, 400), low=st.integers(2, 12), extra=st.integers(0, 8), seed=st.integers(0, 2**32))
def test_group_sizes_add_up_and_fit_where_they_can(members, low, extra, seed):
    high = low + extra
    sizes = group_sizes(members, (low, high), np.random.default_rng(seed))
    assert sizes.sum() == members and sizes.min() >= 2
    if -(-members // high) <= members // low:
        assert sizes.min() >= low and sizes.max() <= high
    else:
        assert sizes.max() - sizes.min() <= 1


def test_no_group_of_one():
    with pytest.raises(DesignError, match="1 person"):
        group_sizes(1, (10, 15), np.random.default_rng(1))


@given(n=st.integers(4, 300), share=st.floats(0.1, 0.9))
def test_strata_sizes_by_largest_remainder(n, share):
    made = people(n)
    part = Strata(part="strata", name="site", labels=("N", "S"), shares=(share, 1 - share))
    part.draw(made, stream(1, "site"))
    counts = np.bincount(made.codes("site"), minlength=2)
    assert counts.sum() == n and abs(counts[0] - share * n) < 1


@given(n=st.integers(4, 300), seed=st.integers(0, 1000))
def test_assignment_halves_each_stratum(n, seed):
    made = people(n)
    SITE.draw(made, stream(seed, "site"))
    Assignment(part="assignment", name="arm", within="site").draw(made, stream(seed, "arm"))
    for code in (0, 1):
        arm = made["arm"][made["site"] == code]
        assert abs(2 * arm.sum() - len(arm)) <= 1


def test_assignment_is_random_and_the_odd_person_goes_by_a_coin():
    treated, first = [], []
    for seed in range(2000):
        made = people(5)
        Strata(part="strata", name="site", labels=("N",), shares=(1.0,)).draw(made, stream(seed, "site"))
        Assignment(part="assignment", name="arm", within="site").draw(made, stream(seed, "arm"))
        treated.append(made["arm"].sum())
        first.append(made["arm"][0])
    assert set(treated) == {2.0, 3.0}
    assert np.mean(treated) == pytest.approx(2.5, abs=0.05)
    assert np.mean(first) == pytest.approx(0.5, abs=0.05)


def test_groups_have_effects_of_the_given_size_shared_as_said():
    made = drawn(
        SITE,
        Discrete(part="discrete", name="age", outcomes=(20, 30), weights=(1, 3)),
        Assignment(part="assignment", name="arm", within="site"),
        Groups(part="groups", name="group", within="site", alike="age", size=(4, 6), effects={"a": 0.5, "b": 2.0}, shared=0.3),
    )
    assert made["age"].mean() == pytest.approx(27.5, abs=0.2)
    inside = made["arm"] == 1
    codes = made["group"][inside].astype(int)
    _, first = np.unique(codes, return_index=True)
    a, b = (made[group_effect_name(t)] for t in ("a", "b"))
    assert (a[~inside] == 0).all() and (b[~inside] == 0).all()
    assert all(np.ptp(a[inside][codes == g]) == 0 for g in range(20))
    a, b = a[inside][first], b[inside][first]
    assert a.std() == pytest.approx(0.5, rel=0.06) and b.std() == pytest.approx(2.0, rel=0.06)
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(0.3, abs=0.07)
    assert np.isnan(made["group"][~inside]).all()


def test_covariates_have_the_stated_distribution():
    made = drawn(
        Trait(part="trait", name="drive"),
        Trait(part="trait", name="mood", on={"drive": 0.6}, residual=0.8),
        Ordinal(part="ordinal", name="rating", on={"drive": 0.6}, residual=0.8, thresholds=(-1.0, 0.0, 1.0), lowest=1),
        Lognormal(part="lognormal", name="months", log_mean=2.0, log_sd=0.5, maximum=12),
    )
    assert made["mood"].std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(made["drive"], made["mood"])[0, 1] == pytest.approx(0.6, abs=0.02)
    shares = np.bincount(made["rating"].astype(int), minlength=5)[1:] / made.n
    np.testing.assert_allclose(shares, [0.159, 0.341, 0.341, 0.159], atol=0.015)
    assert made["months"].max() == 12 and np.median(made["months"]) == pytest.approx(np.exp(2), abs=0.6)
    assert (made["months"] == np.floor(made["months"])).all()


def test_unanswered_shares():
    made = drawn(
        Discrete(part="discrete", name="x_1", outcomes=(1, 2), weights=(1, 1)),
        Unanswered(part="unanswered", name="holes", columns=("x_*",), shares={"-99": 0.1, "blank": 0.2}),
    )
    assert (made["x_1"] == -99).mean() == pytest.approx(0.1, abs=0.01)
    assert np.isnan(made["x_1"]).mean() == pytest.approx(0.2, abs=0.012)


def test_a_part_more_leaves_the_other_draws_alone(small, small_text):
    extra = '\n[[parts]]\npart = "trait"\nname = "luck"\n'
    more = read_scenario(small_text + extra, "small.toml")
    before, after = (simulate_people(s, n=200, entropy=3) for s in (small, more))
    assert "luck" in after.values and "luck" not in before.values
    for name in before.values:
        np.testing.assert_array_equal(before[name], after[name])


def test_parts_are_known_by_name():
    expected = "assignment attendance attrition binary discrete groups items lognormal ordinal strata trait unanswered"
    assert set(PARTS) >= set(expected.split())


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ('part = "trait"', 'part = "trai"', PlanError, "did you mean 'trait'"),
        (
            'intercept = { value = 0.0, status = "assumed" }',
            "intercept = 0.0",
            PlanError,
            "attended.intercept = 0.0 has no origin",
        ),
        ('value = [4, 6], status = "assumed"', 'value = [6, 4], status = "assumed"', PlanError, "smallest, largest"),
        ("value = [0.5, 0.5]", "value = [0.5, 0.6]", PlanError, "add up to 1"),
        ('name = "drive"', 'name = "site"', PlanError, "two parts are called 'site'"),
        ('name = "drive"', 'name = "drive"\nresidal = { value = 1, status = "assumed" }', PlanError, "residal"),
        ('status = "assumed" }\neffect', 'status = "guessed" }\neffect', PlanError, "status"),
        ('column = "work"', 'score = "work"', PlanError, "is a 'binary', not items"),
        ('column = "work"', 'score = "wrk"', PlanError, "Did you mean 'work'"),
        ("[[parts]]", "[[parts]", PlanError, "not valid TOML"),
    ],
)
def test_mistakes_in_a_scenario_file_are_named(small_text, old, new, error, words):
    text = small_text.replace(old, new, 1)
    assert text != small_text
    with pytest.raises(error, match=words):
        read_scenario(text, "small.toml")


def test_a_value_that_no_part_made(small_text):
    spec = read_scenario(small_text.replace("{ drive = 0.5 }", "{ driv = 0.5 }"), "small.toml")
    with pytest.raises(PlanError, match="Did you mean 'drive'"):
        simulate_people(spec, n=50, entropy=1)


def test_items_need_thresholds_that_fit_the_scale():
    entry = {"part": "items", "name": "w", "scale": "who5", "items": "w_{item}", "trait": "t", "loading": 0.7}
    with pytest.raises(ValueError, match="needs 5 increasing thresholds"):
        PARTS["items"].model_validate(entry | {"thresholds": (0.0, 1.0)})
    with pytest.raises(ValueError, match=r"no scale 'scales/none\.toml'"):
        PARTS["items"].model_validate(entry | {"thresholds": (0.0, 1.0), "scale": "scales/none.toml"})


def test_patterns_that_match_nothing_are_errors():
    part = Unanswered(part="unanswered", name="holes", columns=("y_*",), shares={"-99": 0.1})
    with pytest.raises(PlanError, match="no column matches 'y_\\*'"):
        drawn(Discrete(part="discrete", name="x", outcomes=(1,), weights=(1,)), part, n=10)


@pytest.mark.parametrize(("key", "steps"), [("k6", 4), ("swemwbs", 4)])
def test_items_of_scales_with_a_score_rule_that_cannot_be_drawn_are_refused(key, steps):
    given = dict(part="items", name="s", scale=key, items="s_{item}", trait="t", loading=0.7, thresholds=tuple(range(steps)))
    if key == "k6":
        assert Items(**given).columns[0] == "s_1"
    else:
        with pytest.raises(ValueError, match=r"'swemwbs' is scored by points, a table"):
            Items(**given)
