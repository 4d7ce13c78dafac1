"""Designs in which the mediator too is randomized: set by the experimenter (parallel) or encouraged (parallel encouragement).

Nothing need be assumed of unmeasured causes of mediator and outcome. Setting (or encouraging) the mediator must move the outcome only through its value.
Source: Imai, Tingley & Yamamoto (2013), Journal of the Royal Statistical Society A 176(1), 5-51, sections 3.2 and 4.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialkit.errors import ArmError, ColumnNotFoundError, CombinationError, NotIdentifiedError, UsageError, ValueTypeError
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.mediation import checks
from trialkit.estimate.mediation.evidence import arms_text
from trialkit.estimate.parts import kept_rows
from trialkit.estimate.request import checked_level
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import shares_differ
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.inference.distributions import t_quantile, t_test
from trialkit.inference.mediation.type_bounds import ENCOURAGEMENT, PARALLEL, type_bounds
from trialkit.misuse import explained
from trialkit.results import Estimate, Note, Result
from trialkit.trial import Trial

_NAN = float("nan")
_ROUNDING = 1e-9
LIMITS = {"acme_control": "control", "acme_treated": "treated"}


@dataclass(frozen=True)
class ManipulatedMediatorResult(Result):
    """Indirect effects from a design that manipulates the mediator; `.bounds` has what holds without further assumptions."""

    kind = "manipulated_mediator"

    @property
    def bounds(self) -> pd.DataFrame:
        """By estimand lower and upper, the sharp bounds, and conf_low and conf_high, which cover both at the level; empty where mediator or outcome is not 0 and 1."""
        rows = {e.estimand: e for e in self.estimates}
        table = [
            {
                "estimand": n, "lower": rows[f"{n}, lower bound"].estimate, "upper": rows[f"{n}, upper bound"].estimate,
                "conf_low": rows[f"{n}, lower bound"].conf_low, "conf_high": rows[f"{n}, upper bound"].conf_high,
            }
            for n in LIMITS if f"{n}, lower bound" in rows
        ]  # fmt: skip
        return pd.DataFrame(table, columns=["estimand", "lower", "upper", "conf_low", "conf_high"]).set_index("estimand")

    def _title(self) -> str:
        return f"Mediation of '{self.estimates[0].outcome}' through '{self.details['mediator']}', {self.details['design']} design"


@explained
def parallel_design(
    trial: Trial, outcome: str, *, mediator: str, manipulated: str, conf_level: float = 0.95
) -> ManipulatedMediatorResult:
    """Indirect effect where a random part of the people had the mediator set by the experimenter.

    Parameters
    ----------
    trial : two arms. outcome : numeric column. mediator : column; of those manipulated the value it was set to (at random), of the others the value they had.
    manipulated : column, 1 where the mediator was set and 0 where it was left alone, randomized apart from the arm. conf_level : of the intervals.

    Returns
    -------
    ManipulatedMediatorResult
        'acme, no interaction' = total less direct effect, a point under the assumption that nobody's direct effect depends on the mediator's value; 'direct, no interaction' (mediator
        held, over the values set), 'total' (mediator left alone) and 'interaction' (direct effect at the highest less the lowest value set; away from 0 it refutes that assumption, near 0 it
        does not prove it for each person). With mediator and outcome 0 and 1 also sharp bounds of acme_control and acme_treated without the assumption, see `.bounds`.

    Raises
    ------
    UsageError, ColumnNotFoundError, ValueTypeError, NotIdentifiedError, ArmError, CombinationError
        A column that is unknown or holds other values, a value never set in one arm, more than two arms, strata with different shares of the arms.

    Notes
    -----
    Standard errors are CR2 with groups or clusters and working df, else HC2. Limits of the bounds: every share that enters lies in its interval at once (Bonferroni; exact binomial for
    independent people; with groups or clusters CR2, and never narrower than the exact one), and the bounds are taken over all such shares. They cover the whole set with at least the level, usually more.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 400, "set": np.repeat([0, 1], 400), "m1": rng.integers(0, 2, 800)})
    >>> d["y1"] = (rng.random(800) < 0.3 + 0.3 * d["m1"]).astype(int)
    >>> tk.mediation.parallel_design(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", manipulated="set").bounds.index.tolist()
    ['acme_control', 'acme_treated']
    """
    s, m, how, notes = _people(trial, outcome, mediator, manipulated, (0.0, 1.0), conf_level)
    levels = np.unique(m[how == 1])
    if len(levels) < 2:
        raise NotIdentifiedError(f"'{mediator}' was set to one value only: the design sets it to two or more.")
    cell = np.where(how == 1, 1 + np.searchsorted(levels, m), 0).astype(np.int64)
    names = ["left alone", *(f"set to {v:g}" for v in levels)]
    _check_cells(s, cell, names)
    share = np.array([float((cell == j + 1).sum()) for j in range(len(levels))])
    share /= share.sum()
    vectors = {
        "acme, no interaction": np.concatenate([[-1.0], share, [1.0], -share]),
        "direct, no interaction": np.concatenate([[0.0], -share, [0.0], share]),
        "total": np.concatenate([[-1.0], 0 * share, [1.0], 0 * share]),
    }
    last, width = len(levels), len(names)
    differing = np.zeros(2 * width)
    differing[[last, 1, width + last, width + 1]] = [-1.0, 1.0, 1.0, -1.0]
    vectors["interaction"] = differing
    rows, told = _contrasts(s, cell, names, vectors, conf_level)
    if set(np.unique(s.y)) <= {0.0, 1.0} and set(np.unique(m)) <= {0.0, 1.0}:
        of_arm = {}
        for t in (0, 1):
            parts = _joint_shares(s.y, m, (s.arm == t) & (cell == 0))
            parts += [(m, (s.arm == 1 - t) & (cell == 0))]
            of_arm[t] = [*parts, (s.y, (s.arm == t) & (cell == 2)), (s.y, (s.arm == t) & (cell == 1))]
        more, said = _bounds(s, cell, names, of_arm, PARALLEL, conf_level)
        rows += more
        told += said
    else:
        told.append(Note("no_bounds", "bounds without the assumption of no interaction need mediator and outcome of 0 and 1."))
    told.append(
        Note(
            "manipulation",
            f"that setting '{mediator}' moves '{outcome}' only through its value, as the same value would had it come about by itself, is assumed, and for the point that nobody's direct "
            "effect depends on the mediator.",
        )
    )
    details = {"mediator": mediator, "manipulated": manipulated, "design": PARALLEL, "levels": levels.tolist()}
    return ManipulatedMediatorResult(tuple(rows), tuple(dict.fromkeys([*notes, *told])), details)


@explained
def encouragement_design(
    trial: Trial, outcome: str, *, mediator: str, encouragement: str, conf_level: float = 0.95
) -> ManipulatedMediatorResult:
    """Bounds of the indirect effects where the mediator was encouraged, discouraged or left alone at random.

    Parameters
    ----------
    trial : two arms. outcome, mediator : columns of 0 and 1.
    encouragement : column, 1 encouraged to have the mediator, -1 discouraged, 0 neither, randomized apart from the arm. conf_level : of the intervals.

    Returns
    -------
    ManipulatedMediatorResult
        'total' (of those with neither) and sharp bounds of acme_control and acme_treated, see `.bounds`.

    Raises
    ------
    As `parallel_design`; ValueTypeError where mediator or outcome is not 0 and 1.

    Notes
    -----
    Assumed: encouragement moves the outcome only through the mediator, and moves nobody's mediator the other way. The data can contradict both: bounds are then NaN with a note. Effects
    are those of all people, not of those whom encouragement moves.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 600, "push": rng.integers(-1, 2, 1200)})
    >>> d["m1"] = (rng.random(1200) < 0.5 + 0.4 * d["push"]).astype(int)
    >>> d["y1"] = (rng.random(1200) < 0.3 + 0.3 * d["m1"]).astype(int)
    >>> tk.mediation.encouragement_design(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", encouragement="push").bounds.shape
    (2, 4)
    """
    s, m, how, notes = _people(trial, outcome, mediator, encouragement, (-1.0, 0.0, 1.0), conf_level)
    for name, values in ((outcome, s.y), (mediator, m)):
        if not set(np.unique(values)) <= {0.0, 1.0}:
            raise ValueTypeError(f"'{name}' holds values other than 0 and 1: bounds of this design need both to be 0 and 1.")
    cell = (how + 1).astype(np.int64)
    names = ["discouraged", "neither", "encouraged"]
    _check_cells(s, cell, names)
    total = np.array([0.0, -1.0, 0.0, 0.0, 1.0, 0.0])
    rows, told = _contrasts(s, cell, names, {"total": total}, conf_level)
    of_arm = {
        t: [
            *(part for z in range(3) for part in _joint_shares(s.y, m, (s.arm == t) & (cell == z))),
            (m, (s.arm == 1 - t) & (cell == 1)),
        ]
        for t in (0, 1)
    }
    more, said = _bounds(s, cell, names, of_arm, ENCOURAGEMENT, conf_level)
    told += said
    told.append(
        Note(
            "encouragement",
            f"that encouragement moves '{outcome}' only through '{mediator}' and moves nobody's '{mediator}' against its direction is assumed.",
        )
    )
    details = {"mediator": mediator, "encouragement": encouragement, "design": ENCOURAGEMENT}
    return ManipulatedMediatorResult(tuple(rows + more), tuple(dict.fromkeys([*notes, *told])), details)


def _people(
    trial: Trial, outcome: str, mediator: str, column: str, allowed: tuple[float, ...], conf_level: float
) -> tuple[Sample, FloatArray, FloatArray, list[Note]]:
    """People with outcome, mediator and what was done to it."""
    if not isinstance(trial, Trial) or not isinstance(outcome, str):
        raise UsageError("the first two are a Trial and the outcome, a column: tk.Trial(data, arm=..., control=...), 'outcome'.")
    checked_level(conf_level)
    checks.check_roles(trial, outcome, mediator, ())
    if column not in trial.data.columns:
        raise ColumnNotFoundError(column, trial.data.columns)
    if column in (outcome, mediator, trial.arm):
        raise UsageError(
            f"'{column}' already is outcome, mediator or arm: name the column that says what was done to the mediator."
        )
    if len(trial.arms) > 2:
        raise ArmError(f"the trial has {len(trial.arms)} arms: make a Trial of the two that are compared.")
    if trial.strata and shares_differ(trial):
        raise CombinationError(
            "shares of the arms differ by stratum: plain shares of cells would mix strata. Ask within each stratum."
        )
    base = sample(trial, outcome, (), "impute")
    m, how = trial.values(mediator), trial.values(column)
    whole = np.isfinite(m[base.rows]) & np.isfinite(how[base.rows])
    s = kept_rows(base, whole)
    notes = [*base.notes]
    if s.n < base.n:
        notes.append(
            Note("mediator_missing", f"{base.n - s.n} of {base.n} people have no '{mediator}' or '{column}' and are left out.")
        )
    m, how = m[s.rows], how[s.rows]
    if not set(np.unique(how)) <= set(allowed):
        raise ValueTypeError(
            f"'{column}' holds values other than {', '.join(f'{v:g}' for v in allowed)}: code what was done to the mediator."
        )
    return s, m, how, notes


def _check_cells(s: Sample, cell: IntArray, names: list[str]) -> None:
    for t, label in enumerate(s.arms):
        for j, name in enumerate(names):
            count = int(((s.arm == t) & (cell == j)).sum())
            if count < 2:
                raise NotIdentifiedError(
                    f"arm {label!r} has {count} people with the mediator {name}: each arm needs some with each."
                )


def _cells(s: Sample, cell: IntArray, width: int) -> FloatArray:
    return np.asarray(np.eye(2 * width)[s.arm * width + cell])


def _contrasts(
    s: Sample, cell: IntArray, names: list[str], vectors: dict[str, FloatArray], level: float
) -> tuple[list[Estimate], list[Note]]:
    """Contrasts of the cells' means, cells of control first."""
    model = fit_linear(s, _cells(s, cell, len(names)), [f"{a}, {n}" for a in s.arms for n in names], kind="auto", df="auto")
    rows = []
    for name, vector in vectors.items():
        value, se, df = model.contrast(vector)
        test = t_test(value, se, df, level)
        rows.append(
            Estimate(
                s.outcome, name, arms_text(s.arms), value, se, df, test.statistic, test.p_value, test.conf_low, test.conf_high, level,
                s.n, s.n_clusters, s.groups_in(s.arm >= 0), "means of cells", model.cov.kind,
            )
        )  # fmt: skip
    return rows, list(model.notes)


def _joint_shares(y: FloatArray, m: FloatArray, inside: BoolArray) -> list[tuple[FloatArray, BoolArray]]:
    return [(y * m, inside), (y * (1 - m), inside), ((1 - y) * m, inside)]


def _bounds(
    s: Sample, cell: IntArray, names: list[str], of_arm: dict[int, list[tuple[FloatArray, BoolArray]]], design: str, level: float
) -> tuple[list[Estimate], list[Note]]:
    rows: list[Estimate] = []
    notes = [
        Note(
            "bounds",
            "each bound's row has the limits that cover the whole set at the level at once; bounds have no standard error or p. Averages over what nobody can see: they are often wide.",
        )
    ]
    method, kind = "linear programme", "CR2" if s.clustered else "exact binomial" if s.weights is None else "HC2"
    for t, name in enumerate(LIMITS):
        shares = np.array([_box(s, cell, len(names), z, inside, (1 - level) / len(of_arm[t])) for z, inside in of_arm[t]])
        lower, upper = type_bounds(design=design, low=shares[:, 0] - _ROUNDING, high=shares[:, 0] + _ROUNDING)
        low, high = type_bounds(design=design, low=shares[:, 1], high=shares[:, 2])
        if t == 0:
            lower, upper, low, high = -upper, -lower, -high, -low
        if math.isnan(lower):
            beyond = math.isnan(low)
            notes.append(
                Note(
                    "contradicted",
                    f"{name}: no population that the assumptions allow has the shares seen, "
                    + (
                        "by more than chance explains: an assumption fails."
                        if beyond
                        else "which chance can explain: only the limits are given."
                    ),
                )
            )
        for side, value in (("lower", lower), ("upper", upper)):
            rows.append(
                Estimate(
                    s.outcome, f"{name}, {side} bound", arms_text(s.arms), value, _NAN, _NAN, _NAN, _NAN, low, high, level,
                    s.n, s.n_clusters, s.groups_in(s.arm >= 0), method, kind,
                )
            )  # fmt: skip
    return rows, notes


def _box(s: Sample, cell: IntArray, width: int, z: FloatArray, inside: BoolArray, alpha: float) -> tuple[float, float, float]:
    """A cell's share with an interval of level 1 - alpha."""
    part = z[inside]
    units = len(np.unique(s.unit_of_variance[inside]))
    alone = (0.0, 1.0) if s.weights is not None else _exact(int(part.sum()), len(part), alpha)
    if s.weights is None and units == len(part):
        return float(part.mean()), *alone
    if part.min() == part.max():
        # a share of p in the population is at most the share of units with anyone of the kind
        low, high = _exact(0, units, alpha)
        return (0.0, low, high) if part[0] == 0 else (1.0, 1 - high, 1 - low)
    vector = np.zeros(2 * width)
    vector[s.arm[inside][0] * width + cell[inside][0]] = 1.0
    model = fit_linear(replace(s, y=z), _cells(s, cell, width), [str(j) for j in range(2 * width)], kind="auto", df="auto")
    value, se, df = model.contrast(vector)
    half = t_quantile(1 - alpha / 2, max(min(df, units - 1.0), 1.0)) * se
    low, high = max(value - half, 0.0), min(value + half, 1.0)
    if s.weights is not None:
        return value, low, high
    # never narrower than with independent people: t intervals of rare things are too short
    return value, min(low, alone[0]), max(high, alone[1])


def _exact(count: int, n: int, alpha: float) -> tuple[float, float]:
    """Clopper and Pearson's interval."""
    from scipy import stats  # slow to import, and most calls of the package do without it

    low = 0.0 if count == 0 else float(stats.beta.ppf(alpha / 2, count, n - count + 1))
    high = 1.0 if count == n else float(stats.beta.ppf(1 - alpha / 2, count + 1, n - count))
    return low, high
