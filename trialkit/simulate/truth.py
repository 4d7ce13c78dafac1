"""What is true in a scenario: effects from the potential outcomes of a large simulated population.

The same parts that make the data are run once an arm with the same random numbers: with everybody in the control arm, and with
everybody in the treated arm, or in each of them; every treated arm is compared with control. The intention-to-treat effect is the mean difference over people and over draws of the groups;
the complier effect that among people who attend when offered (left out where no part makes 'attended'). Scores come from the item answers (none missing), so the truth
stands on the scale that an analysis sees. Standardized effects are divided by the control SD of the score in the whole
population. The Monte Carlo error is the spread over batches, groups included, divided by the root of their number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import NotReproducibleError, UsageError, nearest, shown
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.misuse import explained
from trialkit.simulate.people import People
from trialkit.simulate.runner import simulate_people
from trialkit.simulate.spec import OutcomeSpec, ScenarioSpec, load_scenario, scenario_text

__all__ = ["METRICS", "Truth", "compute_truth", "stored_truth", "truth_table", "truth_text"]

SCHEMA_VERSION = 1
# Batches of this size keep all arrays of a batch in the processor's cache.
BATCH = 50_000
TRUTH_SEED = 20_190_001
TO_D = math.sqrt(3) / math.pi

Moments = dict[str, float]
ESTIMANDS = {"ITT": "", "complier": "_complier"}


def _difference(m: Moments, group: str) -> float:
    return m[f"treated{group}"] - m[f"control{group}"]


def _log_odds_ratio(m: Moments, group: str) -> float:
    p1, p0 = m[f"treated{group}"], m[f"control{group}"]
    return math.log(p1 / (1 - p1)) - math.log(p0 / (1 - p0))


METRICS: dict[str, tuple[str, Callable[[Moments, str], float]]] = {
    "difference": ("both", _difference),
    "standardized": ("score", lambda m, g: _difference(m, g) / _sd(m, "control")),
    "mean_ratio": ("number", lambda m, g: m[f"treated{g}"] / m[f"control{g}"]),
    "odds_ratio": ("binary", lambda m, g: math.exp(_log_odds_ratio(m, g))),
    "log_odds_ratio": ("binary", _log_odds_ratio),
    "log_odds_d": ("binary", lambda m, g: _log_odds_ratio(m, g) * TO_D),
}
HOW = {
    "difference": "mean of treated minus control potential outcome",
    "standardized": "difference divided by the SD of the control potential outcome, all people",
    "mean_ratio": "mean of the treated potential outcome over that of the control potential outcome",
    "odds_ratio": "odds when treated over odds when not (marginal)",
    "log_odds_ratio": "natural logarithm of the marginal odds ratio",
    "log_odds_d": "log odds ratio times root 3 over pi",
}


@dataclass(frozen=True, slots=True)
class Truth:
    """Truth of a scenario: `rows` (outcome, metric, estimand, arm when there are several, value, mc_error) and `context` (what the arms
    look like)."""

    rows: tuple[Mapping[str, Any], ...]
    context: Mapping[str, Mapping[str, float]]
    people: int
    seed: int

    def value(self, outcome: str, metric: str, estimand: str = "ITT", arm: str | None = None) -> float:
        """One truth; with several arms `arm` says which of them is compared with control."""
        arms = list(dict.fromkeys(str(r["arm"]) for r in self.rows if "arm" in r))
        if arms and arm not in arms:
            needed = "has several arms" if arm is None else f"has no arm '{arm}' to compare with control"
            raise UsageError(f"the scenario {needed}: say arm= with one of {shown(arms)}.")
        if arm is not None and not arms:
            raise UsageError(f"arm='{arm}': the scenario has one arm besides control, so leave arm= out.")
        for row in self.rows:
            if (row["outcome"], row["metric"], row["estimand"], row.get("arm")) == (outcome, metric, estimand, arm):
                return float(row["value"])
        known = sorted({str(r["outcome"]) for r in self.rows})
        near = nearest(outcome, known)
        raise UsageError(
            f"there is no truth for outcome '{outcome}', metric '{metric}', estimand '{estimand}'."
            + (
                f" Did you mean '{near}'?"
                if near and near != outcome
                else f" Outcomes: {shown(known, 20)}; metrics: {shown(METRICS, 20)}."
            )
        )


@explained
def compute_truth(spec: ScenarioSpec, *, people: int, seed: int, batch: int = BATCH) -> Truth:
    """Truth from `people` simulated people (rounded up to whole batches).

    Examples
    --------
    >>> from trialkit.simulate import load_scenario
    >>> truth = compute_truth(load_scenario("klier_2019"), people=20_000, seed=1, batch=10_000)
    >>> 0.3 < truth.value("self_efficacy", "standardized") < 0.6
    True
    """
    batches = max(2, -(-people // batch))
    found = [_batch(spec, batch, (seed, b)) for b in range(batches)]
    rows: list[dict[str, Any]] = []
    context: dict[str, dict[str, float]] = {}
    names = spec.arms[1:] if spec.several_arms else ("",)
    for outcome in spec.outcomes:
        context[outcome.name] = {}
        for arm in names:
            each = [f[outcome.name, arm] for f in found]
            pooled = {k: float(np.mean([m[k] for m in each])) for k in each[0]}
            rows += _rows(outcome, arm, pooled, each)
            context[outcome.name] |= _context(pooled, arm or "treated")
    for arm in names:
        if ("people", arm) in found[0]:
            share = float(np.mean([f["people", arm]["take_up"] for f in found]))
            context.setdefault("people", {})[f"{arm}_take_up" if arm else "take_up"] = share
    return Truth(tuple(rows), context, batches * batch, seed)


def _batch(spec: ScenarioSpec, n: int, entropy: tuple[int, int]) -> dict[tuple[str, str], Moments]:
    """Moments by outcome and arm, the arm being '' when there is one besides control."""
    measured = frozenset(o.score for o in spec.outcomes)
    control, *treated = (
        simulate_people(spec, n=n, entropy=entropy, everyone=arm, measured=measured) for arm in range(len(spec.arms))
    )
    found: dict[tuple[str, str], Moments] = {}
    for name, world in zip(spec.arms[1:], treated):
        arm = name if spec.several_arms else ""
        attended = world.values.get("attended")
        complier = None if attended is None else attended == 1
        for outcome in spec.outcomes:
            untreated, values = _values(spec, outcome, control), _values(spec, outcome, world)
            found[outcome.name, arm] = _moments(untreated, values, complier, world.values.get("group"))
        if complier is not None:
            found["people", arm] = {"take_up": float(complier.mean())}
    return found


def _values(spec: ScenarioSpec, outcome: OutcomeSpec, people: People) -> FloatArray:
    return people[outcome.column] if outcome.column else spec.items_part(outcome.score).score(people)


def _moments(control: FloatArray, treated: FloatArray, complier: BoolArray | None, group: FloatArray | None) -> Moments:
    found = {
        "control": float(control.mean()),
        "treated": float(treated.mean()),
        "control_square": float((control**2).mean()),
        "treated_square": float((treated**2).mean()),
    }
    if complier is not None:
        found |= {"control_complier": float(control[complier].mean()), "treated_complier": float(treated[complier].mean())}
    inside = None if group is None else ~np.isnan(group)
    if group is not None and inside is not None and inside.any():
        between, pairs = _pairs_within(treated[inside], group[inside])
        found["between"] = between / pairs
    return found


def _pairs_within(values: FloatArray, group: FloatArray) -> tuple[float, float]:
    """Sum of products of deviations over all pairs of members of a group, and the number of pairs."""
    codes, deviations = group.astype(np.int64), values - values.mean()
    sizes, sums = np.bincount(codes), np.bincount(codes, weights=deviations)
    return float((sums**2).sum() - (deviations**2).sum()), float((sizes * (sizes - 1)).sum())


def _sd(m: Moments, arm: str) -> float:
    return math.sqrt(m[f"{arm}_square"] - m[arm] ** 2)


def _context(m: Moments, arm: str) -> dict[str, float]:
    sd = _sd(m, "treated")
    found = {"control_mean": m["control"], "control_sd": _sd(m, "control"), f"{arm}_mean": m["treated"], f"{arm}_sd": sd}
    if "between" in m:
        found[f"{arm}_icc"] = m["between"] / sd**2
    return {k: round(v, 6) for k, v in found.items()}


def _rows(outcome: OutcomeSpec, arm: str, pooled: Moments, each: list[Moments]) -> list[dict[str, Any]]:
    rows = []
    for metric, (kind, value) in METRICS.items():
        if kind not in _kinds(outcome):
            continue
        for estimand, group in ESTIMANDS.items():
            if f"treated{group}" not in pooled:
                continue
            spread = float(np.std([value(m, group) for m in each], ddof=1)) / math.sqrt(len(each))
            rows.append(
                {
                    "outcome": outcome.name,
                    "metric": metric,
                    "estimand": estimand,
                    **({"arm": arm} if arm else {}),
                    "value": round(value(pooled, group), 6),
                    "mc_error": round(spread, 6),
                }
            )
    return rows


def _kinds(outcome: OutcomeSpec) -> tuple[str, ...]:
    if outcome.binary:
        return ("both", "binary")
    if outcome.kind == "effect":
        return ("both",)
    return ("both", "score", "number") if outcome.kind == "number" else ("both", "score")


def truth_text(spec: ScenarioSpec, truth: Truth) -> str:
    """The truth as it is stored beside the scenario."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "scenario": spec.key,
        "version": spec.version,
        "world_sha256": spec.world_sha256,
        "people": truth.people,
        "seed": truth.seed,
        "how": "potential outcomes of the same simulated people under control and under treatment, averaged over people and groups",
        "truth": [dict(r) for r in truth.rows],
        "context": {k: dict(v) for k, v in truth.context.items()},
    }
    return json.dumps(content, indent=1) + "\n"


@cache
def stored_truth(key: str) -> Truth:
    """The truth stored with a scenario; refused when the scenario was changed since."""
    spec, content = load_scenario(key), json.loads(scenario_text(f"{key}.truth.json"))
    if content["world_sha256"] != spec.world_sha256:
        raise NotReproducibleError(
            f"the stored truth of '{key}' belongs to other parameters: compute it again with `python -m trialkit.simulate truth {key}`."
        )
    return Truth(tuple(content["truth"]), content["context"], content["people"], content["seed"])


def truth_table(truth: Truth) -> pd.DataFrame:
    """Rows of the truth with the way each was computed."""
    table = pd.DataFrame([dict(r) for r in truth.rows])
    table["computed"] = [f"{HOW[m]}; Monte Carlo, {truth.people} people, seed {truth.seed}" for m in table["metric"]]
    return table
