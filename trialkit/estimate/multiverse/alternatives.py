"""Declared alternatives and the specifications that they combine to; the first of every kind is the registered one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, Protocol

from trialkit.errors import CombinationError, UsageError, shown
from trialkit.estimate.outcomes.money import Cap
from trialkit.estimate.registry import ESTIMATORS, find
from trialkit.results import Note, Result
from trialkit.trial import Trial

Combine = Literal["all", "one_at_a_time"]
AVAILABLE = "available cases"
NOT_ADJUSTED = "not adjusted"
OWN_ERRORS = "the estimator's own"
WEIGHTED = "ancova"


class Completed(Protocol):
    """Completed trials whose analyses can be pooled, as `tk.missing.impute` gives them."""

    def analyse(self, analysis: Callable[[Trial], Result]) -> Result: ...


# None: people with the outcome; columns: respondents weighted by them; a function of a trial and the outcome: completed trials
Rule = None | Sequence[str] | Callable[[Trial, str], Completed]


@dataclass(frozen=True, slots=True)
class Specification:
    """One way of analysing the outcome. `choices` has the option of every kind that has alternatives."""

    choices: Mapping[str, str]
    column: str
    adjust: tuple[str, ...]
    estimator: str
    covariance: str
    missing: str
    cap: Cap | None

    @property
    def name(self) -> str:
        return "; ".join(self.choices.values()) or self.estimator

    @property
    def same(self) -> tuple[Any, ...]:
        """What makes two specifications one analysis."""
        return (self.column, self.adjust, self.estimator, self.covariance, self.missing, self.cap)


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Options by label, for every kind of choice; the first of each is registered.

    `instead` has, by label of a scoring, the covariates that take the place of others (the baseline scored in the same way).
    """

    measure: str
    scoring: Mapping[str, str]
    instead: Mapping[str, Mapping[str, str]]
    adjusted_for: Mapping[str, tuple[str, ...]]
    estimator: tuple[str, ...]
    standard_errors: tuple[str, ...]
    missing_outcomes: Mapping[str, Rule]
    extremes: Mapping[str, Cap | None]

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Labels of the options, of every kind that has more than one."""
        found = {
            "scoring": list(self.scoring), "adjusted_for": list(self.adjusted_for), "estimator": list(self.estimator),
            "standard_errors": list(self.standard_errors), "missing_outcomes": list(self.missing_outcomes), "extremes": list(self.extremes),
        }  # fmt: skip
        return {k: v for k, v in found.items() if len(v) > 1}

    def specifications(self, combine: Combine) -> tuple[list[Specification], list[Note]]:
        """All that exist, the registered one first, and what was left out."""
        options = (
            tuple(self.scoring), tuple(self.adjusted_for), self.estimator, self.standard_errors, tuple(self.missing_outcomes), tuple(self.extremes),
        )  # fmt: skip
        picked = list(product(*options)) if combine == "all" else list(_one_at_a_time(options))
        made: dict[tuple[Any, ...], Specification] = {}
        absent = 0
        for choice in picked:
            one = self._specification(choice)
            if one is None:
                absent += 1
            else:
                made.setdefault(one.same, one)
        if self._specification(picked[0]) is None:
            raise CombinationError(
                f"the registered specification does not exist: weights by response go with estimator='{WEIGHTED}'."
            )
        notes = []
        if absent:
            notes.append(
                Note(
                    "no_such_specification",
                    f"{absent} combinations do not exist and are not counted: weights by response go with estimator='{WEIGHTED}' only.",
                )
            )
        return list(made.values()), notes

    def _specification(self, choice: tuple[str, ...]) -> Specification | None:
        scoring, adjusted, estimator, errors, missing, extreme = choice
        known, rule = ESTIMATORS[estimator], self.missing_outcomes[missing]
        weighted = rule is not None and not callable(rule)
        if weighted and estimator != WEIGHTED:
            return None
        adjust = tuple(self.instead.get(scoring, {}).get(c, c) for c in self.adjusted_for[adjusted])
        if not known.adjusts and adjust:
            adjust, adjusted = (), next((k for k, v in self.adjusted_for.items() if not v), NOT_ADJUSTED)
        if weighted or errors not in known.covariances:
            errors = "auto"
        shown_errors = errors if errors in self.standard_errors else OWN_ERRORS
        labels = dict(zip(("scoring", "adjusted_for", "estimator", "standard_errors", "missing_outcomes", "extremes"),
                          (scoring, adjusted, estimator, shown_errors, missing, extreme)))  # fmt: skip
        chosen = {k: labels[k] for k in self.kinds}
        return Specification(chosen, self.scoring[scoring], adjust, estimator, errors, missing, self.extremes[extreme])


def _one_at_a_time(options: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, ...]]:
    """The registered choice, then each alternative with everything else as registered."""
    registered = tuple(o[0] for o in options)
    yield registered
    for place, labels in enumerate(options):
        for label in labels[1:]:
            yield (*registered[:place], label, *registered[place + 1 :])


def alternatives(
    *,
    outcome: str,
    measure: str,
    adjust: Any,
    estimators: Sequence[str],
    covariances: Sequence[str],
    missing: Mapping[str, Rule] | None,
    caps: Sequence[Cap | None] | Mapping[str, Cap | None],
    scoring: Mapping[str, str] | None,
    instead: Mapping[str, Mapping[str, str]] | None,
) -> Alternatives:
    """Checked, with labels for options that have none."""
    for name, value in (("estimators", estimators), ("covariances", covariances)):
        if isinstance(value, str) or not len(value):
            raise UsageError(f"{name} takes a list, the registered one first: write {name}=['{value or 'ancova'}', ...].")
        if len(set(value)) < len(value):
            raise UsageError(f"{name} names {shown(list(value))}: each of them once.")
    for name in estimators:
        find(name, measure, "auto", "auto")
        if name == "response_weighting":
            raise UsageError("weights by response are a rule for missing outcomes: missing={'weighted': ['y0']}.")
    find(estimators[0], measure, covariances[0], "auto")
    for kind in covariances:
        if not any(kind in ESTIMATORS[e].covariances for e in estimators):
            raise CombinationError(f"covariance '{kind}' goes with none of the estimators {shown(list(estimators))}.")
    rules = {AVAILABLE: None} if missing is None else dict(missing)
    if not rules:
        raise UsageError("missing= is empty: the registered rule stands first, as in {'available cases': None, ...}.")
    for label, rule in rules.items():
        if isinstance(rule, str):
            raise UsageError(f"missing={{'{label}': {rule!r}}}: weights by response take a list of columns, ['{rule}'].")
    columns = {outcome: outcome} if scoring is None else dict(scoring)
    if next(iter(columns.values()), None) != outcome:
        raise UsageError(f"scoring= starts with the registered outcome: {{'registered': '{outcome}', ...}}.")
    return Alternatives(
        measure, columns, instead or {}, _adjustments(adjust), tuple(estimators), tuple(covariances), rules, _caps(caps),
    )  # fmt: skip


def _adjustments(adjust: Any) -> dict[str, tuple[str, ...]]:
    """One set of covariates, several, or several by label."""
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes lists of columns: write adjust=[['{adjust}'], []].")
    if isinstance(adjust, Mapping):
        named = {str(k): v for k, v in adjust.items()}
    else:
        sets = [adjust] if all(isinstance(a, str) for a in adjust) else list(adjust)
        named = {}
        for one in sets:
            label = one if isinstance(one, str) else ", ".join(one) or NOT_ADJUSTED
            named[label] = one
    for label, one in named.items():
        if isinstance(one, str):
            raise UsageError(f"adjust: the set '{label}' is a list of columns: write ['{one}'].")
    if not named:
        raise UsageError("adjust= is empty: the registered set stands first, [] for none.")
    return {k: tuple(v) for k, v in named.items()}


def _caps(caps: Sequence[Cap | None] | Mapping[str, Cap | None]) -> dict[str, Cap | None]:
    if isinstance(caps, Mapping):
        return dict(caps)
    return {_cap_text(c): c for c in caps} or {_cap_text(None): None}


def _cap_text(cap: Cap | None) -> str:
    if cap is None:
        return "as measured"
    return "winsorized at " + " and ".join(f"{100 * c:g}%" for c in (cap if isinstance(cap, tuple) else (cap,)))
