"""The keywords of `with_groups`, checked and worked out for everyone; what was declared, as plain values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np

from trialkit.design.groups.layout import MOST_SESSIONS
from trialkit.design.groups.links import links
from trialkit.design.groups.seating import Aim, Formation, check_layout
from trialkit.design.groups.traits import Trait, trait
from trialkit.design.mechanism import Mechanism
from trialkit.design.people import People, as_mapping
from trialkit.errors import DesignError, UsageError, nearest, shown
from trialkit.inference.arrays import IntArray
from trialkit.io.frames import numeric
from trialkit.results import plain

Composition: TypeAlias = Literal["alike", "mixed", "random"]
RESTARTS, TOLERANCE, PARTNERS = 10, 0.05, 0.4
MOST_TRIED = 20_000  # people for whom a draw is tried at once, to find numbers that cannot be divided before the allocation


class GroupOptions(TypedDict, total=False):
    """Keywords of `Design.with_groups`."""

    size: tuple[int, int] | int
    alike: Sequence[str]
    mixed: Sequence[str]
    within: Sequence[str]
    categorical: Sequence[str]
    composition: Mapping[Hashable, Composition] | None
    keep_together: str | Sequence[Sequence[Any]] | None
    keep_apart: str | Sequence[Sequence[Any]] | None
    sessions: Mapping[str, Any] | None
    availability: Mapping[str, str] | None
    facilitators: Mapping[str, Any] | None
    waiting_list: bool
    tolerance: float
    restarts: int
    partners: float


def formation_of(design: Mechanism, arm: Any, options: GroupOptions) -> tuple[Formation, dict[str, Any]]:
    """The formation of a design's groups, and its settings.

    Raises
    ------
    DesignError, UsageError
    """
    people, size = design.people, _size(options["size"])
    composition = as_mapping(options["composition"])
    arms = _grouped_arms(design, arm, composition)
    alike, mixed, within, categorical = (_columns(options[k], k) for k in ("alike", "mixed", "within", "categorical"))
    _check_disjoint(alike, mixed)
    strata, stratum_names = _strata(people, within)
    traits = {name: trait(people, name, strata, categorical=name in categorical) for name in (*alike, *mixed)}
    sessions = _capacities(options["sessions"], stratum_names, "sessions", "people that fit in it")
    leads = _capacities(options["facilitators"], stratum_names, "facilitators", "groups they can lead")
    formation = Formation(
        people=people,
        aims=_aims(design, arms, composition, alike, mixed, traits, people.n),
        arm_names=tuple(str(a) for a in design.arms),
        size=size,
        strata=strata,
        stratum_names=stratum_names,
        categorical=categorical,
        links=links(
            people, options["keep_together"], options["keep_apart"], largest=size[1], strata=strata, within=within
        ),
        availability=_availability(people, options["availability"], sessions),
        sessions=sessions,
        leads=leads,
        waiting=bool(options["waiting_list"]),
        tolerance=_share(options["tolerance"], "tolerance", "a share of the gain over random groups"),
        restarts=_restarts(options["restarts"]),
        partners=_share(options["partners"], "partners", "a share of the other people"),
    )  # fmt: skip
    _check_labels(formation)
    if design.n <= MOST_TRIED and design.resolved:
        check_layout(formation, design.draw_many(1, seed=0).arms[0].astype(np.int64))
    return formation, _declared(arms, size, {**options, "composition": composition})


def law_in_words(formation: Formation) -> str:
    """The law of the groups, for the settings of the design."""
    return (
        f"in every grouped arm and stratum: uniform over the different partitions among {formation.restarts} local optima of an exchange "
        f"search from independent random starts, with a random share {formation.partners:g} of the others as partners, whose criterion is at most {formation.tolerance:g} of the gain over random groups worse "
        "than the best of them"
    )


def _declared(arms: Sequence[Hashable], size: tuple[int, int], options: GroupOptions) -> dict[str, Any]:
    """What was said, such that it can be said again from JSON, whose keys are text."""
    given = {k: v for k, v in options.items() if v is not None and not (hasattr(v, "__len__") and not len(v))}
    if options["composition"]:
        given["composition"] = [list(pair) for pair in options["composition"].items()]
    out: dict[str, Any] = plain({"arm": list(arms), **given, "size": list(size)})
    return out


def _size(size: Any) -> tuple[int, int]:
    both = (size, size) if isinstance(size, (int, np.integer)) and not isinstance(size, bool) else size
    try:
        low, high = (int(v) for v in both)
        whole = all(float(v) == int(v) for v in both)
    except (TypeError, ValueError):
        raise UsageError(f"size={size!r}: say the smallest and the largest group, as in size=(10, 15).") from None
    if not whole or low < 2 or high < low:
        raise DesignError(
            f"size=({low}, {high}): a group has two people or more, and the smallest comes first, as in size=(10, 15)."
        )
    return low, high


def _grouped_arms(design: Mechanism, arm: Any, composition: Mapping[Hashable, str] | None) -> tuple[Hashable, ...]:
    if composition is not None and not isinstance(composition, Mapping):
        raise UsageError("composition says how each arm forms its groups, as in {'alike-arm': 'alike', 'mixed-arm': 'mixed'}.")
    named: list[Hashable]
    if arm is None:
        named = list(composition or ())
    elif isinstance(arm, Hashable) and arm in design.arms:
        named = [arm]
    else:
        named = list(arm) if isinstance(arm, (list, tuple, set, np.ndarray)) else [arm]
    if not named:
        raise DesignError(f"no arm is named: say in which arm groups are formed, as in with_groups('{design.arms[-1]}', ...).")
    for a in (*named, *(composition or ())):
        if a not in design.arms:
            near = nearest(str(a), design.arms)
            raise DesignError(
                f"{a!r} is not an arm of the design; the arms are {shown(design.arms)}.{f' Did you mean {near!r}?' if near else ''}"
            )
    if composition is not None and set(composition) != set(named):
        missing = [a for a in named if a not in composition] or [a for a in composition if a not in named]
        raise DesignError(f"composition and arm do not name the same arms: {shown(missing)} is in one of them only.")
    return tuple(a for a in design.arms if a in named)


def _columns(value: Any, what: str) -> tuple[str, ...]:
    if isinstance(value, str):
        raise UsageError(f"{what} takes a list of columns: write {what}=['{value}'].")
    return tuple(value or ())


def _check_disjoint(alike: Sequence[str], mixed: Sequence[str]) -> None:
    both = [name for name in alike if name in mixed]
    if both:
        raise DesignError(f"{shown(both)} is both alike and mixed: members of a group cannot be both, leave it in one.")


def _strata(people: People, within: Sequence[str]) -> tuple[IntArray, tuple[str, ...]]:
    if not within:
        return np.zeros(people.n, dtype=np.int64), ("",)
    columns = [people.complete(name, "stratum").astype(str).tolist() for name in within]
    values = list(zip(*columns))
    levels = sorted(set(values))
    place = {v: i for i, v in enumerate(levels)}
    return np.array([place[v] for v in values], dtype=np.int64), tuple("-".join(v) for v in levels)


def _aims(
    design: Mechanism,
    arms: Sequence[Hashable],
    composition: Mapping[Hashable, str] | None,
    alike: Sequence[str],
    mixed: Sequence[str],
    traits: Mapping[str, Trait],
    n: int,
) -> dict[int, Aim]:
    if composition is None:
        return {design.arms.index(a): _aim([traits[t] for t in alike], [traits[t] for t in mixed], n) for a in arms}
    about, others = (alike, mixed) if alike else (mixed, ())
    if not about and set(composition.values()) != {"random"}:
        raise DesignError("composition needs the traits in which groups are alike or mixed: name them, as in alike=['age'].")
    out = {}
    for a in arms:
        way = composition[a]
        if way not in ("alike", "mixed", "random"):
            raise DesignError(f"composition of arm {a!r} is {way!r}: say 'alike', 'mixed' or 'random'.")
        same = [traits[t] for t in about] if way == "alike" else []
        different = [] if way == "random" else [traits[t] for t in (*others, *(about if way == "mixed" else ()))]
        out[design.arms.index(a)] = _aim(same, different, n)
    return out


def _aim(alike: Sequence[Trait], mixed: Sequence[Trait], n: int) -> Aim:
    parts = [t.level for t in alike]
    close = sum(p.shape[1] for p in parts)
    parts += [p for t in mixed for p in (t.level, t.spread)]
    features = np.hstack([np.zeros((n, 0)), *parts])
    signs = np.where(np.arange(features.shape[1]) < close, -1.0, 1.0)
    return Aim(tuple(t.name for t in alike), tuple(t.name for t in mixed), features, signs)


def _capacities(given: Mapping[str, Any] | None, strata: tuple[str, ...], what: str, of: str) -> tuple[Mapping[str, int], ...]:
    """Capacities for each stratum; one mapping for all when they are shared."""
    if not given:
        return ({},) * len(strata)
    if not isinstance(given, Mapping):
        raise UsageError(f"{what} says for each of them the {of}, as in {{'a': 2}}.")
    nested = [isinstance(v, Mapping) for v in given.values()]
    if any(nested):
        absent = [s for s in strata if s not in given]
        if not all(nested) or absent:
            raise DesignError(
                f"{what} by stratum is missing for {shown(absent or list(given))}: the strata are {shown(strata, 12)}."
            )
        return tuple(_counts(given[s], what, of) for s in strata)
    return (_counts(given, what, of),) * len(strata)


def _counts(given: Mapping[str, Any], what: str, of: str) -> Mapping[str, int]:
    bad = [k for k, v in given.items() if isinstance(v, bool) or not isinstance(v, (int, np.integer)) or v < 0]
    if bad:
        raise DesignError(f"{what}: {shown(bad)} has {given[bad[0]]!r}, which is not a number of {of}.")
    if what == "sessions" and len(given) > MOST_SESSIONS:
        raise DesignError(f"{len(given)} sessions are more than {MOST_SESSIONS}: form groups within strata that share fewer.")
    return {str(k): int(v) for k, v in given.items()}


def _availability(people: People, given: Mapping[str, str] | None, sessions: tuple[Mapping[str, int], ...]) -> IntArray | None:
    if not given:
        return None
    names = list(sessions[0])
    if any(list(s) != names for s in sessions):
        raise DesignError("availability needs the same sessions in every stratum, in the same order.")
    unknown = [s for s in given if s not in names]
    if unknown or not names:
        raise DesignError(
            f"availability names {shown(unknown or list(given))}, which is no session: the sessions are {shown(names)}."
        )
    out = np.zeros(people.n, dtype=np.int64)
    for bit, name in enumerate(names):
        if name not in given:
            out |= 1 << bit
            continue
        values = numeric(people.complete(given[name], "availability"), given[name])
        odd = ~np.isin(values, [0, 1])
        if odd.any():
            raise DesignError(f"the availability '{given[name]}' of {people.named(odd)} is neither yes nor no: write 1 or 0.")
        out |= values.astype(np.int64) << bit
    return out


def _share(value: Any, name: str, of: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UsageError(f"{name}={value!r}: {of}, from 0 to 1.")
    return float(value)


def _restarts(restarts: Any) -> int:
    if isinstance(restarts, bool) or not isinstance(restarts, (int, np.integer)) or restarts < 1:
        raise UsageError(f"restarts={restarts!r}: a whole number of one or more.")
    return int(restarts)


def _check_labels(formation: Formation) -> None:
    """Labels are made of arm and stratum, and must stay unique."""
    made: dict[str, tuple[int, int]] = {}
    for arm, stratum in formation.cells:
        label = "-".join(p for p in (formation.arm_names[arm], formation.stratum_names[stratum]) if p)
        if label in made:
            raise DesignError(
                f"groups of {formation.named(arm, stratum)} and of {formation.named(*made[label])} would both be called '{label}-01': "
                "rename an arm or a stratum."
            )
        made[label] = (arm, stratum)
