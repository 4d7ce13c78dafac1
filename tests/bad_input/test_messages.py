"""Ordinary mistakes at every public door: each ends in an error of ours that names the thing and says what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit import errors
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.report.words.nl.notes import dutch_note

N = 48


def people(**other: Any) -> pd.DataFrame:
    """Two arms, six groups of four in 'peer'."""
    rng = np.random.default_rng(7)
    peer = np.arange(N) % 2 == 1
    frame = pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(N)],
            "arm": np.where(peer, "peer", "solo"),
            "group": [f"g{i // 8}" if i % 2 else None for i in range(N)],
            "agency": ["north", "south"] * (N // 4) + ["south", "north"] * (N // 4),
            "age": rng.integers(18, 60, N),
            "stress_before": rng.normal(20, 4, N).round(2),
            "stress": rng.normal(20, 4, N).round(2),
            "support": rng.normal(3, 1, N).round(2),
            "job": rng.integers(0, 2, N),
            "came": np.where(peer, rng.integers(0, 2, N), 0),
            "weeks": rng.integers(1, 30, N),
            "found": rng.integers(0, 2, N),
        }
    )
    return frame.assign(**other)


def trial(frame: pd.DataFrame | None = None, **roles: Any) -> tk.Trial:
    return tk.Trial(people() if frame is None else frame, **{"arm": "arm", "control": "solo", **roles})


@functools.cache
def whole() -> tk.Trial:
    return trial()


def value_at(column: str, row: int, value: Any) -> pd.DataFrame:
    frame = people()
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    return frame


LATE = pd.Series([20.0] * N)
MISTAKES: dict[str, tuple[Callable[[], Any], type[Exception], tuple[str, ...]]] = {
    # who and what: the columns and the arms
    "a column that is not there": (lambda: trial(arm="treatment"), errors.ColumnNotFoundError, ("'treatment'", "The columns are")),
    "a column misspelt": (lambda: tk.itt(whole(), "stres"), errors.ColumnNotFoundError, ("'stres'", "Did you mean 'stress'?")),
    "a column in other capitals": (lambda: tk.itt(whole(), "Stress"), errors.ColumnNotFoundError, ("'Stress'", "Did you mean 'stress'?")),
    "a covariate misspelt": (lambda: tk.itt(whole(), "stress", adjust=["agee"]), errors.ColumnNotFoundError, ("'agee'", "'age'")),
    "one arm": (lambda: trial(people(arm="solo")), errors.ArmError, ("'arm'", "'solo'", "in one table")),
    "a control arm misspelt": (lambda: trial(control="Solo"), errors.ArmError, ("'Solo'", "Did you mean 'solo'?")),
    "three arms where two are needed": (
        lambda: tk.mediate(trial(people(arm=["solo", "peer", "coach"] * 16)), "stress", mediator="support", inference="delta"),
        errors.ArmError, ("3 arms", "arm='coach'"),
    ),
    "arms that are people": (lambda: trial(arm="id", control="p0"), errors.ArmError, ("'id'", "48 different values")),
    "a repeated identifier": (lambda: trial(value_at("id", 3, "p0"), unit="id"), errors.IdentifierError, ("'p0'", "rows 1 and 4", "remove the copies")),
    "an identifier missing": (lambda: trial(value_at("id", 3, None), unit="id"), errors.IdentifierError, ("'id'", "row 4")),
    "no rows": (lambda: trial(people().iloc[:0]), errors.DataError, ("no rows",)),
    "a file name for data": (lambda: tk.Trial("data.csv", arm="arm", control="solo"), errors.UsageError, ("tk.read('data.csv')",)),
    # groups
    "a group of one": (lambda: trial(value_at("group", 1, "alone"), group="group"), errors.GroupError, ("'alone'", "ungrouped='singleton'")),
    "a group across arms": (lambda: trial(value_at("group", 0, "g0"), group="group"), errors.GroupError, ("'g0'", "more than one arm", "assigned")),
    "a member without a group": (lambda: trial(value_at("group", 1, None), group="group"), errors.GroupError, ("row 2", "singleton")),
    "one group": (
        lambda: tk.itt(trial(people(group=["g0" if i % 2 else None for i in range(N)]), group="group"), "stress"),
        errors.GroupError, ("'peer'", "one group", "More groups are needed"),
    ),
    # values
    "nobody at follow-up": (lambda: tk.itt(trial(people(stress=np.nan)), "stress"), errors.MissingDataError, ("'stress'", "missing for everyone", "check the column")),
    "an arm lost at follow-up": (
        lambda: tk.itt(trial(people(stress=LATE.where(np.arange(N) % 2 == 0))), "stress"), errors.TrialkitError, ("'peer'", "all 24 people"),
    ),
    "everyone the same": (lambda: tk.itt(trial(people(stress=20.0)), "stress"), errors.EstimationError, ("'stress'", "the same (20)")),
    "text where numbers belong": (lambda: tk.itt(trial(value_at("stress", 2, "high")), "stress"), errors.ValueTypeError, ("'stress'", "'high'", "row 3")),
    "an infinite value": (lambda: tk.itt(trial(value_at("stress", 2, np.inf)), "stress"), errors.ValueTypeError, ("'stress'", "row 3", "set them to missing")),
    "a mediator with -99": (
        lambda: tk.mediate(trial(value_at("support", 4, -99)), "stress", mediator="support", inference="delta"),
        errors.ValueTypeError, ("'support'", "-99", "row 5", "missing_codes="),
    ),
    "2 in an outcome of 0 and 1": (
        lambda: tk.itt(trial(value_at("job", 4, 2)), "job", measure="risk_ratio"), errors.ValueTypeError, ("'job'", "is 2", "row 5", "recode"),
    ),
    "a weight below zero": (lambda: trial(value_at("age", 4, -1), weights="age"), errors.DataError, ("'age'", "row 5", "zero or positive")),
    # options
    "an estimator misspelt": (lambda: tk.itt(whole(), "stress", estimator="ancove"), errors.CombinationError, ("'ancove'", "'ancova'")),
    "a measure that is none": (lambda: tk.itt(whole(), "stress", measure="mean"), errors.CombinationError, ("'mean'", "'mean_difference'")),
    "a rule that is none": (lambda: tk.itt(whole(), "stress", strata_effects="fixed"), errors.UsageError, ("'fixed'", "'additive'", "'interacted'")),
    "an argument misspelt": (lambda: tk.cace(whole(), "stress", uptak="came"), errors.ArgumentError, ("'uptak'", "Did you mean uptake=?")),
    "an option misspelt": (lambda: tk.itt(whole(), "stress", adjus=["age"]), errors.UsageError, ("'adjus'", "Did you mean 'adjust'?")),
    "an argument forgotten": (lambda: tk.cace(whole(), "stress"), errors.ArgumentError, ("'uptake'", "uptake=...")),
    "too many in a row": (lambda: tk.itt(whole(), "stress", ["age"]), errors.ArgumentError, ("3 values in a row", "adjust=...")),
    "a level in percent": (lambda: tk.itt(whole(), "stress", conf_level=95), errors.UsageError, ("conf_level=95", "0.95")),
    "a level in percent that passed": (
        lambda: tk.effect_size.from_counts(events_1=3, n_1=10, events_0=2, n_0=10, conf_level=95), errors.ArgumentError, ("conf_level=95", "0.95"),
    ),
    "an alternative that passed": (
        lambda: tk.power.optimal_allocation(sd=(1, 1), cost=(2, 1), alternative="twosided"), errors.ArgumentError, ("'twosided'", "Did you mean 'two-sided'?"),
    ),
    "yes for True": (lambda: tk.meta([0.1, 0.3, 0.2], [0.1, 0.2, 0.1], hartung_knapp="yes"), errors.ArgumentError, ("hartung_knapp", "'yes'", "True or False")),
    # kinds
    "a list for a name": (lambda: tk.itt(whole(), ["stress"]), errors.ArgumentError, ("outcome", "outcome='stress'")),
    "a name for a list": (lambda: tk.itt(whole(), "stress", adjust="age"), errors.UsageError, ("adjust=['age']",)),
    "a column for its name": (lambda: tk.itt(whole(), people()["stress"]), errors.ArgumentError, ("outcome", "a column of values", "one name in quotes")),
    "None for a list": (lambda: tk.itt(whole(), "stress", adjust=None), errors.ArgumentError, ("adjust", "adjust=[]")),
    "a number for a list": (lambda: tk.harms(whole(), columns=5), errors.ArgumentError, ("columns", "a list of names")),
    "a table for a trial": (lambda: tk.itt(people(), "stress"), errors.UsageError, ("Trial first", "tk.Trial(data")),
    "a table for a trial elsewhere": (lambda: tk.selection.lee_bounds(people(), "stress"), errors.ArgumentError, ("trial of lee_bounds", "tk.Trial(data")),
    "a text for a number": (lambda: tk.power.optimal_grouped(budget="much", cost_group=9, cost_member=1, cost_control=1, icc=0.1), errors.UsageError, ("budget", "'much'")),
    "text for p-values": (lambda: tk.adjust_p("0.04", method="holm"), errors.ArgumentError, ("p of adjust_p", "a list of numbers")),
    "a result for a family": (lambda: tk.family("stress"), errors.ArgumentError, ("results of family", "a list")),
    # numbers
    "no seed": (lambda: tk.wild_bootstrap(trial(group="group"), "stress", n_draws=500), errors.UsageError, ("seed=4711",)),
    "no seed of a scenario": (lambda: tk.simulate.scenario("klier_2019"), errors.ArgumentError, ("scenario", "seed=4711")),
    "a negative seed": (lambda: tk.simulate.scenario("klier_2019", seed=-1), errors.UsageError, ("seed=-1", "seed=1")),
    "no draws": (
        lambda: tk.family([tk.itt(whole(), "stress"), tk.itt(whole(), "support")], correction="romano_wolf", n_draws=0, seed=1),
        errors.UsageError, ("n_draws=0", "5000"),
    ),
    "p above one": (lambda: tk.adjust_p([0.2, 1.4], method="holm"), errors.DataError, ("1.4", "between 0 and 1")),
    "NaN among p-values": (lambda: tk.adjust_p([0.2, np.nan], method="holm"), errors.DataError, ("nan", "none may be missing")),
    "power above one": (lambda: tk.power.individual(effect=0.3, power=80), errors.UsageError, ("power", "80")),
    "a negative size": (lambda: tk.power.individual(effect=0.3, n_per_arm=-5), errors.UsageError, ("n_per_arm", "-5")),
    "an icc above one": (lambda: tk.power.grouped(effect=0.3, groups=10, group_size=8, controls=80, icc=5), errors.UsageError, ("icc", "5")),
    "an equivalence margin below zero": (lambda: tk.itt(whole(), "stress", equivalence=-1), errors.UsageError, ("equivalence=-1", "a distance above 0")),
    "no margin": (lambda: tk.itt(whole(), "stress", noninferiority=0), errors.UsageError, ("noninferiority=0", "must be")),
    "one value for a moderator": (
        lambda: tk.meta([0.1, 0.3, 0.2], [0.1, 0.2, 0.1], moderators={"training": 1}), errors.UsageError, ("'training'", "one an estimate"),
    ),
    "a study for all": (lambda: tk.meta([0.1, 0.3], [0.1, 0.2], study=1), errors.UsageError, ("study=1", "2 estimates")),
    "no name for a covariance": (
        lambda: tk.mediation.several_mediators(whole(), "stress", mediators=["support", "age"], inference="delta", covariance="HC9"),
        errors.CombinationError, ("'HC9'", "'HC2'"),
    ),
    "a gamma below one": (lambda: tk.selection.rosenbaum_bounds([1.0, 2.0, -0.5], gamma=0.5), errors.UsageError, ("gamma=0.5", "[1, 1.5, 2]")),
    "a covariate twice": (lambda: tk.itt(whole(), "stress", adjust=["age", "age"]), errors.UsageError, ("'age'", "once is enough")),
    # designs
    "an allocation weight in words": (lambda: tk.design.complete(people(), arms={"solo": "half", "peer": 1}), errors.DesignError, ("'solo'", "such as 1")),
    "one arm to draw": (lambda: tk.design.complete(people(), arms={"solo": 1}), errors.DesignError, ("two arms or more",)),
    "levels of a factor": (lambda: tk.design.factorial(people(), factors={"coach": 2}), errors.UsageError, ("'coach'", "['no', 'yes']")),
    "a stratum misspelt": (
        lambda: tk.design.stratified(people(), unit="id", strata=["agensy"], arms={"solo": 1, "peer": 1}), errors.ColumnNotFoundError, ("'agensy'", "'agency'"),
    ),
    "a scale misspelt": (lambda: tk.measurement.scale("gsee"), errors.ScaleError, ("'gsee'", "'gse'")),
    "no corners": (
        lambda: tk.power.maximin(tk.power.grouped, ranges={}, designs=[{"groups": 8}]), errors.UsageError, ("ranges is empty", "'icc'"),
    ),
    "a cost that is none": (
        lambda: tk.economics.icer(delta_cost=1, se_cost=-1, delta_effect=1, se_effect=1, correlation=0, threshold=1), errors.UsageError, ("se_cost=-1", "above zero"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_a_mistake_is_named_with_its_remedy(mistake: str) -> None:
    wrong, kind, said = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        wrong()
    text = str(caught.value)
    missing = [part for part in said if part not in text]
    assert not missing, text
    assert isinstance(caught.value, errors.TrialkitError)
    assert not [word for word in ("NoneType", "DataFrame", "<class", "object at 0x", "ndarray", "dtype") if word in text], text


def test_a_fault_of_our_own_is_not_blamed_on_the_call() -> None:
    @explained
    def broken(outcome: str, *, conf_level: float = 0.95) -> float:
        return {"x": conf_level}[outcome]

    with pytest.raises(KeyError):
        broken("y")
    with pytest.raises(errors.ArgumentError, match="conf_level of broken is 'high', where a number is needed"):
        broken("y", conf_level="high")
    assert broken("x") == 0.95


def test_an_answer_to_an_impossible_call_is_withheld() -> None:
    @explained
    def careless(side: Literal["low", "high"] = "low", *, level: float = 0.5, both: bool = False, limit: float = 1.0) -> str:
        return f"{side} {level} {both} {limit}"

    assert careless("high", level=2, both=1, limit=np.inf) == "high 2 1 inf"
    for call in (lambda: careless("hihg"), lambda: careless(level=np.nan), lambda: careless(both="no")):
        with pytest.raises(errors.ArgumentError, match="of careless is"):
            call()


@pytest.mark.parametrize(
    ("told", "english", "dutch"),
    [
        ("have no 'are' and are left out.", "1 person has no 'are' and is left out.", "Van 1 mens ontbreekt 'are'; die doet niet mee."),
        ("have weight zero and are not in the analysis.", "1 person has weight zero and is not in the analysis.", "1 mens heeft gewicht nul en doet niet mee in de analyse."),
        ("lie in levels in which everyone responds: they count 1.", "1 person lies in levels in which everyone responds: they count 1.", "1 mens valt in een groep kenmerken waarin iedereen respondeert: die telt voor 1."),
    ],
)  # fmt: skip
def test_one_person_is_told_of_as_one(told: str, english: str, dutch: str) -> None:
    assert counted_people(1, told) == english
    assert counted_people(3, told) == f"3 people {told}"
    assert dutch_note(english) == dutch


def test_a_note_on_one_person() -> None:
    frame = people()
    frame.loc[4, "age"] = np.nan
    notes = [n.text for n in tk.itt(trial(frame), "stress", adjust=["age"]).notes]
    assert "'age' is missing for 1 person: the mean over both arms was filled in and an indicator added." in notes
    said = dutch_note(next(n for n in notes if "for 1 person" in n))
    assert "1 person is fitted exactly by a term of their own and adds nothing to the variance." in notes
    assert said == "Van 1 mens ontbreekt 'age': het gemiddelde over de armen samen is ingevuld, met een indicator erbij."
