"""Reference-based analysis without draws: conditional means and a jackknife over independent units."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from trialkit.errors import EstimationError, GroupError, UsageError, nearest, shown
from trialkit.estimate.sample import units_of_variance
from trialkit.estimate.strata import shares_differ
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.distributions import t_test
from trialkit.inference.imputation.conditional_mean import conditional_mean, jackknife_variance
from trialkit.inference.imputation.reference import Rule
from trialkit.missing.columns import Prepared, prepared
from trialkit.missing.joint import RULES, check_waves, design_matrix, reference_code, wave_names
from trialkit.misuse import explained
from trialkit.results import Estimate, Note, Result
from trialkit.trial import Trial

_UNSETTLED = "the model of the waves cannot be fitted without some unit: a covariate rests on one person or group, or there are too many. Name fewer covariates or waves."


@dataclass(frozen=True)
class ReferenceBasedResult(Result):
    """Effects at one wave, the drop-outs imputed by a reference-based rule."""

    kind = "reference_based"

    def _title(self) -> str:
        return (
            f"{self.details['strategy']} at {self.estimates[0].outcome}: drop-outs imputed {RULES[str(self.details['strategy'])]}"
        )


@explained
def reference_based(
    trial: Trial,
    waves: Sequence[str] | Mapping[float, str],
    *,
    strategy: Rule,
    adjust: Sequence[str] = (),
    outcome: str | None = None,
    reference: Hashable | None = None,
    interval: Literal["t", "normal"] = "t",
    conf_level: float = 0.95,
) -> ReferenceBasedResult:
    """Effect at a wave when those lost are imputed by their expectation under a rule; no draws, so no seed.

    Each arm has a joint normal model of the waves given `adjust` and the strata, fitted by maximum likelihood to everything observed. The completed wave
    is compared between arms by ANCOVA on the same covariates. Everything is fitted again without each independent unit: a person, or a whole group.

    Parameters
    ----------
    trial : everyone randomized. waves : columns in order of time, or a mapping of times to columns; baseline measurements belong in `adjust`.
    strategy : 'mar', 'cr' (copy reference), 'j2r' (jump to reference), 'cir' (copy increments in reference), 'lmcf' (last mean carried forward).
        Missing waves before the last observed one are filled in as missing at random.
    adjust : baseline columns, for the imputation and the analysis; missing values get the mean over both arms and an indicator.
    outcome : the wave to analyse; by default the last.
    reference : the arm whose means the rule borrows; by default the control arm. The control arm and the reference arm are missing at random.
    interval : 't' (default; with groups the df are Satterthwaite's of the jackknife by arm, so that few groups count as few) or 'normal', as in rbmi.
    conf_level : of the interval.

    Returns
    -------
    ReferenceBasedResult
        A row for each arm against control. `details['completed_mean']` has the mean of the completed wave by arm.

    Raises
    ------
    UsageError, ArmError
        An unknown strategy, arm or wave, waves out of order, sampling weights, strata in which the arms' shares differ.
    GroupError, EstimationError
        Fewer than two groups in an arm; too few people for the model.

    Notes
    -----
    The standard error is that over repeated trials under the rule, which for 'j2r' and 'cr' can be smaller than with complete data; `tk.missing.impute` with
    the same strategy gives Rubin's, which keeps the information of the trial as it is under missing at random (Cro, Carpenter & Kenward 2019).
    The conditional means follow the arm's mean, not the group's: the model is marginal, and the jackknife carries the groups.

    References
    ----------
    Wolbers, Noci, Delmar, Gower-Page, Yiu & Bartlett (2022), Pharmaceutical Statistics 21, 1246-1257; Carpenter, Roger & Kenward (2013).

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["peer", "solo"] * 60, "y0": rng.normal(size=120)})
    >>> d["y1"] = d["y0"] + 0.5 * (d["arm"] == "peer") + rng.normal(size=120)
    >>> d["y2"] = d["y1"] + 0.5 * (d["arm"] == "peer") + rng.normal(size=120)
    >>> d.loc[:29, "y2"] = np.nan
    >>> trial = tk.Trial(d, arm="arm", control="solo")
    >>> rules = ["mar", "cir", "j2r"]
    >>> found = [tk.missing.reference_based(trial, ["y1", "y2"], strategy=s, adjust=["y0"]).estimates[0].estimate for s in rules]
    >>> found == sorted(found, reverse=True)
    True
    """
    if strategy not in get_args(Rule):
        near = nearest(str(strategy), get_args(Rule))
        raise UsageError(
            f"strategy={strategy!r} is unknown: say one of {shown(get_args(Rule))}.{f' Did you mean {near!r}?' if near else ''}"
        )
    if interval not in ("t", "normal"):
        raise UsageError(f"interval={interval!r} is unknown: say 't' or 'normal'.")
    if trial.weights is not None:
        raise UsageError(
            "reference_based takes no sampling weights. Use impute(strategy=...).analyse(...), whose analyses may be weighted."
        )
    if trial.strata and shares_differ(trial):
        raise UsageError(
            "the shares of the arms differ by stratum, and the analysis here has additive strata. Use impute(strategy=...).analyse(lambda t: tk.itt(t, ...)), which "
            "interacts them."
        )
    names = wave_names(waves)
    p = prepared(trial, names, adjust, {})
    check_waves(p)
    if outcome is not None and outcome not in names:
        near = nearest(outcome, names)
        raise UsageError(
            f"outcome '{outcome}' is not among the waves {shown(names)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    code = reference_code(trial, reference)
    unit, block = _units(trial, p)
    inside = [np.flatnonzero(p.arm == a) for a in range(len(trial.arms))]
    design, n_terms = _analysis_design(trial, p)
    try:
        found = conditional_mean(
            y=p.values, X=[design_matrix(p, r) for r in inside], arm=p.arm, unit=unit, design=design, arms=np.arange(1, len(trial.arms)),
            rule=strategy, reference=code, wave=names.index(outcome or names[-1]),
        )  # fmt: skip
    except np.linalg.LinAlgError as error:
        raise EstimationError(_UNSETTLED) from error
    if not (found.converged and np.isfinite(found.replicates).all()):
        raise EstimationError(_UNSETTLED)
    variance, df = jackknife_variance(replicates=found.replicates, block=block)
    if block.max() == 0:
        df = np.full(len(df), float(p.values.shape[0] - n_terms))
    return _result(
        trial, p, strategy, code, outcome or names[-1], found.estimate, variance, df, interval, conf_level, found.completed, unit
    )


def _units(trial: Trial, p: Prepared) -> tuple[IntArray, IntArray]:
    """Unit of each row, and the block of each unit: its arm where some unit holds several people, else one for all."""
    cluster = None if trial.cluster is None else trial.codes(trial.cluster)[p.rows]
    _, unit = np.unique(units_of_variance(trial, cluster, trial.group_codes[p.rows]), return_inverse=True)
    unit = unit.reshape(-1).astype(np.int64)
    arm_of = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    arm_of[unit] = p.arm
    if len(arm_of) == len(unit):
        return unit, np.zeros(len(unit), dtype=np.int64)
    counts = np.bincount(arm_of, minlength=len(trial.arms))
    if counts.min() < 2:
        label = trial.arms[int(counts.argmin())]
        raise GroupError(f"arm {label!r} has one group or cluster: the variance between groups cannot be estimated from one.")
    return unit, arm_of


def _analysis_design(trial: Trial, p: Prepared) -> tuple[FloatArray, int]:
    arms = (p.arm[:, None] == np.arange(1, len(trial.arms))).astype(float)
    base = design_matrix(p, np.arange(len(p.arm)))
    return np.column_stack([base[:, :1], arms, base[:, 1:]]), base.shape[1] + arms.shape[1]


def _result(
    trial: Trial,
    p: Prepared,
    strategy: Rule,
    code: int,
    outcome: str,
    estimate: FloatArray,
    variance: FloatArray,
    df: FloatArray,
    interval: str,
    conf_level: float,
    completed: FloatArray,
    unit: IntArray,
) -> ReferenceBasedResult:
    rows = []
    grouped = len(np.unique(p.group[p.group >= 0])) if trial.cluster is None else 0
    for i, label in enumerate(trial.arms[1:]):
        error, freedom = math.sqrt(variance[i]), math.inf if interval == "normal" else float(df[i])
        test = t_test(float(estimate[i]), error, freedom, conf_level)
        rows.append(
            Estimate(
                outcome=outcome, estimand=f"participant-average ITT, drop-outs by {strategy}", contrast=f"{label} - {trial.arms[0]}", estimate=float(estimate[i]),
                std_error=error, df=freedom, statistic=test.statistic, p_value=test.p_value, conf_low=test.conf_low, conf_high=test.conf_high,
                conf_level=conf_level, n=len(p.arm), n_clusters=int(unit.max()) + 1, n_groups=grouped, method="conditional-mean imputation, ANCOVA",
                covariance="jackknife over groups" if len(np.unique(unit)) < len(unit) else "jackknife",
            )
        )  # fmt: skip
    last = p.columns.index(outcome)
    lost = np.isnan(p.values[:, last])
    note = Note(
        "reference_based",
        f"'{outcome}' is missing for {int(lost.sum())} of {len(lost)} people ("
        + ", ".join(f"{a}: {int(lost[p.arm == c].sum())}" for c, a in enumerate(trial.arms))
        + f"), imputed {RULES[strategy]}"
        + ("." if strategy in ("mar", "lmcf") else f" (reference {trial.arms[code]!r})."),
    )
    means = {str(a): float(completed[p.arm == c, last].mean()) for c, a in enumerate(trial.arms)}
    return ReferenceBasedResult(tuple(rows), (*p.notes, note), {"strategy": strategy, "completed_mean": means})
