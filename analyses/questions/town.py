"""The town: simulated people, groups and outcomes for all the questions, with a truth that is known because it was put in.

Two latent traits make the baseline hang together: resources (schooling, income, debts) and drive (motivation, self-efficacy).
Every draw comes from a stream of its own, out of the seed and a name, so that one more outcome changes none of the others.
All shares, means and correlations are assumed: they are of a plausible size and describe no existing town.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.economics import Benefit, Schedule
from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray
from trialkit.simulate.people import random_order, stream

DISTRICTS = ("Harbour", "Mills", "Orchard", "Station")
Effect = float | FloatArray
# Monthly amounts in euros, assumed: assistance is withdrawn in full above a small disregard, child support at a slow taper.
TAX = ((0.0, 0.09), (3_200.0, 0.37))
ASSISTANCE = Benefit(1_280.0, taper=1.0, disregard=150.0)
RENT_ALLOWANCE = Benefit(300.0, taper=0.27, disregard=1_500.0)
CHILD_SUPPORT = Benefit(420.0, taper=0.0675, disregard=2_300.0)


def people(n: int, *, seed: int) -> pd.DataFrame:
    """People at baseline, one row each.

    Parameters
    ----------
    n : number of people.
    seed : whole number; the same seed gives the same people.

    Returns
    -------
    DataFrame with id, district, age, female, lone_parent, education (1 to 3), distance_km, online_skill (1 to 5), motivation
    (1 to 7), self_efficacy_t0 (1 to 4), social_t0 and institutional_t0 (0 to 10), debt_t0, debt_amount_t0 (euros), income_t0
    and benefit_t0 (net euros a month), poorest (the lowest fifth of income) and would_enrol.

    Examples
    --------
    >>> people(100, seed=1)["poorest"].mean()
    np.float64(0.2)
    """
    if n < 5:
        raise UsageError(f"people(n={n}): a town of at least 5 people, such as people(400, seed=1).")

    def normal(name: str) -> FloatArray:
        return stream(seed, f"town baseline {name}").standard_normal(n)

    def uniform(name: str) -> FloatArray:
        return stream(seed, f"town baseline {name}").random(n)

    resources, drive = normal("resources"), normal("drive")
    drive = 0.3 * resources + np.sqrt(1 - 0.3**2) * drive
    age = np.floor(20 + 44 * uniform("age"))
    female = uniform("female") < 0.55
    lone_parent = uniform("lone parent") < np.where(female, 0.28, 0.06)
    schooling = 0.6 * resources + 0.8 * normal("education")
    in_debt = uniform("debt") < _expit(-0.5 - 0.9 * resources)
    income = np.exp(7.25 + 0.22 * resources + 0.12 * normal("income"))
    motivation = np.clip(np.round(4.6 + 0.9 * drive + 0.8 * normal("motivation")), 1, 7)
    poorest = np.argsort(np.argsort(income, kind="stable"), kind="stable") < round(0.2 * n)
    would_enrol = uniform("enrol") < _expit(-0.4 + 0.6 * (motivation - 4.6) - 1.2 * poorest)
    skill = 3.2 - 0.045 * (age - 42) + 0.5 * resources + 0.7 * normal("online skill")
    return pd.DataFrame(
        {
            "id": [f"p{i:05d}" for i in range(1, n + 1)],
            "district": np.array(DISTRICTS)[np.minimum((4 * uniform("district")).astype(int), 3)],
            "age": age.astype(int),
            "female": female.astype(int),
            "lone_parent": lone_parent.astype(int),
            "education": (1 + (schooling > -0.4) + (schooling > 0.7)).astype(int),
            "distance_km": np.round(0.3 + 7 * uniform("distance") ** 2, 1),
            "online_skill": np.clip(np.round(skill), 1, 5).astype(int),
            "motivation": motivation.astype(int),
            "self_efficacy_t0": _within(2.6 + 0.35 * drive + 0.3 * normal("self-efficacy"), 1, 4),
            "social_t0": _within(5 + 0.8 * drive + 0.8 * resources + 1.2 * normal("social"), 0, 10),
            "institutional_t0": _within(4 + 1.1 * resources + 1.3 * normal("institutional"), 0, 10),
            "debt_t0": in_debt.astype(int),
            "debt_amount_t0": np.round(np.where(in_debt, np.exp(8.4 - 0.3 * resources + 0.8 * normal("debt amount")), 0.0)),
            "income_t0": np.round(income),
            "benefit_t0": np.round(np.clip(1_900 - income, 0, 1_280)),
            "poorest": poorest.astype(int),
            "would_enrol": would_enrol.astype(int),
        }
    )


def groups(
    frame: pd.DataFrame,
    treated: Any,
    *,
    seed: int,
    size: tuple[int, int] = (8, 12),
    by: str | None = "district",
    alike: str | None = None,
    name: str = "groups",
) -> Any:
    """Groups among the treated, formed after the allocation; people who are not treated stay alone.

    Parameters
    ----------
    frame : the people.
    treated : True for those who get a group.
    size : smallest and largest group; when a block does not divide, the last members join its other groups.
    by : column within whose values groups are formed; None forms them over the whole town.
    alike : column by which members of one group resemble each other; None mixes them at random.

    Returns
    -------
    Array of labels, None for people alone.
    """
    members = np.asarray(treated, dtype=bool)
    if members.shape != (len(frame),) or not 2 <= size[0] <= size[1]:
        raise UsageError("groups(): treated= is True or False for each row, and size= two whole numbers from 2, such as (8, 12).")
    rng = stream(seed, f"town {name}")
    labels = np.full(len(frame), None, dtype=object)
    blocks = pd.Series("town", index=range(len(frame))) if by is None else frame[by].reset_index(drop=True)
    for block in sorted(blocks[members].unique()):
        rows = np.flatnonzero(members & (blocks == block).to_numpy())
        if len(rows) < size[0]:
            raise UsageError(
                f"'{block}' has {len(rows)} treated people, too few for a group of {size[0]}: take more people or by=None."
            )
        rows = rows[random_order(rng, len(rows))]
        if alike is not None:
            rows = rows[np.argsort(frame[alike].to_numpy()[rows], kind="stable")]
        for number, part in enumerate(_parts(rng, rows, size), start=1):
            labels[part] = f"{block} {number:02d}"
    return labels


def scores(
    frame: pd.DataFrame,
    name: str,
    *,
    seed: int,
    effect: Effect = 0.0,
    group: Any = None,
    group_sd: float = 0.0,
    baseline: str | None = None,
    persistence: float = 0.6,
    sd: float = 1.0,
    mean: float = 0.0,
) -> FloatArray:
    """A score at follow-up: mean + sd * (persistence * standardized baseline + effect + group + noise).

    Parameters
    ----------
    name : the outcome; it names the stream of random numbers.
    effect : in standard deviations of people alone, one number or one a person (0 for those who get nothing).
    group : labels of groups, None or "" for people alone; `group_sd` is the spread of the groups in the same unit, so that the
        intraclass correlation is group_sd**2 / (1 + group_sd**2) among the grouped.
    baseline, persistence : column that carries on, and how strongly (a correlation).
    """
    noise = stream(seed, f"town {name}").standard_normal(len(frame))
    carried = np.zeros(len(frame))
    if baseline is not None:
        carried = persistence * _z(frame[baseline])
        noise = noise * np.sqrt(1 - persistence**2)
    return mean + sd * (carried + effect + _of_groups(group, group_sd, seed=seed, name=name, n=len(frame)) + noise)


def binary(
    frame: pd.DataFrame,
    name: str,
    *,
    seed: int,
    share: float,
    effect: Effect = 0.0,
    group: Any = None,
    group_sd: float = 0.0,
    on: str | None = None,
    slope: float = 0.5,
) -> Any:
    """A 0/1 outcome with `share` ones expected without effect; effect and groups act on the log odds, `on` with `slope` per SD."""
    chance = chances(frame, name, seed=seed, share=share, effect=effect, group=group, group_sd=group_sd, on=on, slope=slope)
    return (stream(seed, f"town {name}").random(len(frame)) < chance).astype(int)


def chances(
    frame: pd.DataFrame,
    name: str,
    *,
    seed: int,
    share: float,
    effect: Effect = 0.0,
    group: Any = None,
    group_sd: float = 0.0,
    on: str | None = None,
    slope: float = 0.5,
) -> FloatArray:
    """The probabilities behind `binary`, from which a true difference of shares is the mean difference of two calls."""
    if not 0 < share < 1:
        raise UsageError(f"share={share} lies between 0 and 1, such as share=0.3.")
    line = slope * _z(frame[on]) if on is not None else np.zeros(len(frame))
    return _expit(_intercept(share, line) + line + effect + _of_groups(group, group_sd, seed=seed, name=name, n=len(frame)))


def expected_chances(
    frame: pd.DataFrame,
    name: str,
    *,
    seed: int,
    share: float,
    effect: Effect = 0.0,
    group_sd: float = 0.0,
    on: str | None = None,
    slope: float = 0.5,
) -> FloatArray:
    """`chances` averaged over all groups that could have been: the truth that an estimate over the groups at hand aims at."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    return sum(
        w / np.sqrt(2 * np.pi) * chances(frame, name, seed=seed, share=share, effect=effect + group_sd * z, on=on, slope=slope)
        for z, w in zip(nodes, weights, strict=True)
    )


def time_to(
    frame: pd.DataFrame,
    name: str,
    *,
    seed: int,
    median_days: float,
    hazard_ratio: Effect = 1.0,
    group: Any = None,
    group_sd: float = 0.0,
    horizon: float,
) -> tuple[FloatArray, Any]:
    """Days until an event and whether it was seen before the horizon; the hazard is constant, groups act on its logarithm."""
    rate = np.log(2) / median_days * np.asarray(hazard_ratio)
    rate = rate * np.exp(_of_groups(group, group_sd, seed=seed, name=name, n=len(frame)))
    days = np.ceil(-np.log1p(-stream(seed, f"town {name}").random(len(frame))) / rate)
    days = np.maximum(days, 1.0)
    return np.minimum(days, horizon), (days <= horizon).astype(int)


def lost(frame: pd.DataFrame, *, seed: int, share: float, on: str | None = None, slope: float = 0.5, name: str = "lost") -> Any:
    """Who is not found at follow-up: `share` expected, more often (slope above 0) among people high on column `on`."""
    return binary(frame, name, seed=seed, share=share, on=on, slope=slope).astype(bool)


def net_income(gross: Any, *, lone_parent: Any, childcare: Any = 0.0) -> FloatArray:
    """Net euros a month out of gross earnings after tax, withdrawal of benefits and, for those who work, childcare.

    Parameters
    ----------
    gross : gross earnings a month, 0 without work.
    lone_parent : 1 for those who get child support too.
    childcare : what they pay for childcare a month when they work, after the allowance for it; one number or one a person.
    """
    earned, alone = np.asarray(gross, dtype=float), np.asarray(lone_parent, dtype=bool)
    couple = Schedule(tax=TAX, benefits=(ASSISTANCE, RENT_ALLOWANCE))
    parent = Schedule(tax=TAX, benefits=(ASSISTANCE, RENT_ALLOWANCE, CHILD_SUPPORT))
    net = np.where(alone, tk.economics.net_income(earned, parent), tk.economics.net_income(earned, couple))
    return np.asarray(net - np.asarray(childcare, dtype=float) * (earned > 0), dtype=float)


def allocate(
    frame: pd.DataFrame, *, seed: int, arms: tuple[str, ...] = ("usual", "group"), by: str | None = "district", name: str = "arm"
) -> Any:
    """Arms in equal shares within each value of `by`, at random."""
    rng = stream(seed, f"town {name}")
    blocks = np.zeros(len(frame), dtype=int) if by is None else pd.factorize(frame[by], sort=True)[0]
    given = np.empty(len(frame), dtype=object)
    for block in np.unique(blocks):
        rows = np.flatnonzero(blocks == block)
        given[rows[random_order(rng, len(rows))]] = np.array(arms, dtype=object)[np.arange(len(rows)) % len(arms)]
    return given


def _of_groups(group: Any, group_sd: float, *, seed: int, name: str, n: int) -> FloatArray:
    """The effect of each person's group, 0 for people alone; a group keeps its draw when other groups come or go."""
    if group is None or group_sd == 0:
        return np.zeros(n)
    labels = pd.Series(np.asarray(group, dtype=object))
    named = labels.notna() & (labels != "")
    drawn = {g: stream(seed, f"town {name} group {g}").standard_normal() for g in sorted(labels[named].unique())}
    return group_sd * labels.where(named).map(drawn).fillna(0.0).to_numpy(dtype=float)


def _parts(rng: np.random.Generator, rows: Any, size: tuple[int, int]) -> list[Any]:
    """Consecutive parts of random size; what is left at the end goes one by one to the parts before."""
    sizes: list[int] = []
    left = len(rows)
    while left >= size[0]:
        sizes.append(min(left, size[0] + int(rng.random() * (size[1] - size[0] + 1))))
        left -= sizes[-1]
    for extra in range(left):
        sizes[extra % len(sizes)] += 1
    return np.split(rows, np.cumsum(sizes)[:-1])


def _intercept(share: float, line: FloatArray) -> float:
    """The log odds at which the mean probability is `share`."""
    low, high = -30.0, 30.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _expit(middle + line).mean() < share else (low, middle)
    return (low + high) / 2


def _expit(value: Any) -> FloatArray:
    return 1 / (1 + np.exp(-np.asarray(value, dtype=float)))


def _z(column: pd.Series) -> FloatArray:
    values = column.to_numpy(dtype=float)
    spread = values.std()
    if not spread > 0:
        raise UsageError(f"'{column.name}' has one value only, so that nothing can depend on it.")
    return (values - values.mean()) / spread


def _within(values: FloatArray, low: float, high: float) -> FloatArray:
    return np.round(np.clip(values, low, high), 1)
