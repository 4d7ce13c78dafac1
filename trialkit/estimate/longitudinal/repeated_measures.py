"""tk.longitudinal: effects over waves from one model of all of them, with groups in the treated arm.

One likelihood for everything that was observed: y_ij = mean of the arm at the wave + u_g(i)j + e_ij. e_i has a covariance matrix over waves of a chosen
structure. Where groups exist in some arms only, u is the effect of the group at the waves after it was formed, zero at the baseline and in the
other arms, with a covariance matrix over waves of its own; where clusters were randomized, u is the effect of the cluster at every wave in every arm.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

from trialkit.errors import CombinationError, EstimationError, UsageError, nearest
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.linear.ancova import strata_rule
from trialkit.estimate.longitudinal.effects_over_waves import Weighted, weighted_effects
from trialkit.estimate.longitudinal.longitudinal_result import LongitudinalResult
from trialkit.estimate.longitudinal.wave_checks import baseline_note, constant_notes, size_notes
from trialkit.estimate.longitudinal.wave_design import wave_design
from trialkit.estimate.longitudinal.wave_details import details
from trialkit.estimate.longitudinal.wave_model import WaveModel, fit_waves
from trialkit.estimate.longitudinal.wave_sample import WaveSample, ordered_waves, wave_sample
from trialkit.estimate.request import Contrasts, Request, StrataEffects, arm_pairs
from trialkit.estimate.strata import strata_names
from trialkit.inference.distributions import t_test
from trialkit.inference.repeated.contrasts import RepeatedContrasts
from trialkit.inference.repeated.covariance_structures import STRUCTURES
from trialkit.misuse import explained
from trialkit.results import Estimate, Note
from trialkit.trial import Trial

COVARIANCES = ("auto", "model", "kenward_roger_linear", "kenward_roger", "CR0", "CR2", "CR3")
DF_RULES = ("satterthwaite", "kenward_roger", "residual")
SMALL_DF = 4


@explained
def longitudinal(
    trial: Trial,
    waves: Mapping[Hashable, str],
    *,
    model: Literal["clda", "mmrm"] = "clda",
    covariance_structure: str = "us",
    covariance_by_arm: bool = False,
    group_structure: str = "auto",
    df: str = "satterthwaite",
    covariance: str = "auto",
    reml: bool = True,
    baseline: Literal["first"] | None = "first",
    adjust: Sequence[str] = (),
    adjust_by_wave: bool = True,
    strata_effects: StrataEffects = "auto",
    covariate_missing: CovariateMissing = "impute",
    contrasts: Contrasts = "control",
    over_waves: Literal["auto"] | Sequence[str] | Mapping[str, Mapping[Hashable, float]] = "auto",
    conf_level: float = 0.95,
) -> LongitudinalResult:
    """Effects at every wave after the start, and over the waves, from one model of all waves.

    Estimates what the assignment changed in the mean at each follow-up. People who miss a wave stay in with the waves they have: the estimates hold
    when what is missing depends only on what was observed (missing at random), where an analysis of each wave by itself needs more.

    Parameters
    ----------
    trial : one row a person, drop-outs included. Groups (`Trial(group=)`) and clusters (`Trial(cluster=)`) enter the model by themselves.
    waves : column of each wave, baseline first: {0: "y0", 1: "y1", 2: "y2"}. Numbers are put in order; they are the times for 'sp_exp' and slopes.
    model : 'clda' (default): the baseline is an outcome, with one mean for all arms because it precedes randomization; people without a baseline or
        without follow-up add what they have. 'mmrm': the baseline is a covariate with an effect at each wave, and only follow-ups are outcomes.
    covariance_structure : of a person's waves: 'us' (default: free, so that nothing rests on it), 'cs', 'csh', 'ar1', 'ar1h', 'toep', 'toeph', 'ad',
        'adh', 'sp_exp' (by distance in time).
    covariance_by_arm : a covariance matrix for each arm. One for all is the default; a note says when the arms differ, and with drop-out the effects then depend on it.
    group_structure : of a group's effects over waves. 'auto' is 'us' up to three waves, else 'cs' (also with fewer groups than waves plus three); or 'us', 'cs', 'ar1'.
    df : 'satterthwaite', 'kenward_roger' (with its covariance; REML only), or 'residual' (measurements less terms; refused with groups or clusters).
    covariance : 'auto': that of the model, or with df='kenward_roger' the linear Kenward-Roger one, which does not depend on how the covariance is
        parameterized. 'kenward_roger' adds the terms of second order. 'CR0', 'CR2', 'CR3': empirical, by person, group or cluster.
    reml : restricted likelihood; False for maximum likelihood.
    baseline : 'first': the first wave was measured before randomization. None (MMRM only): every wave is a follow-up, and there is no baseline.
    adjust : covariates, with an effect at each wave, or with adjust_by_wave=False one for all.
    strata_effects, covariate_missing : as in `itt`.
    contrasts : 'control' compares each arm with control, 'all' also the others with each other.
    over_waves : weighted sums of the effects: 'average', 'fade_out' (last less first follow-up), 'slope' per unit of the label. 'auto' gives the first two with two
        follow-ups, and the slope with three. Weights of one's own: {"late": {1: -1, 3: 1}}.

    Returns
    -------
    LongitudinalResult
        `.tidy()` with `wave` and `over_waves`; `.means`, `.joint_test()`, `.variance_components`, `.deviance`, `.aic`, `.bic`, `.observed`,
        `.covariance_matrix()`; with groups or clusters `.companions()`, the same contrasts with CR2.

    Raises
    ------
    UsageError, CombinationError
        Waves that are no mapping, fewer than two, two with one column; options that do not go together.
    MissingDataError
        A wave that nobody, or nobody in an arm, has.
    EstimationError
        No variation, waves that determine each other, or a likelihood without a maximum that can be trusted: never a number in its place.

    Notes
    -----
    cLDA: Liang & Zeger (2000); Liu et al. (2009). Groups in one arm: Roberts & Roberts (2005); Bauer, Sterba & Hallfors (2008). Degrees of freedom:
    Satterthwaite (1946); Kenward & Roger (1997). The covariance of groups may be negative, down to where the mean of the largest group would vary half as much as that of
    as many people alone; the reported `icc_` is truncated at zero.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> from trialkit.estimate.longitudinal.repeated_measures import longitudinal
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame(rng.normal(size=(120, 3)) + rng.normal(size=(120, 1)), columns=["y0", "y1", "y2"])
    >>> d["arm"] = ["solo", "peer"] * 60
    >>> r = longitudinal(tk.Trial(d, arm="arm", control="solo"), waves={0: "y0", 1: "y1", 2: "y2"})
    >>> [e.extra["over_waves"] or e.extra["wave"] for e in r.estimates]
    [1, 2, 'average', 'fade_out']
    """
    ordered = ordered_waves(waves)
    request = _request(trial, ordered, adjust, strata_effects, covariate_missing, contrasts, conf_level)
    _check_model(model, covariance_structure, baseline)
    s = wave_sample(
        trial, ordered, model=model, baseline=baseline == "first", adjust=request.adjust, missing=request.covariate_missing
    )
    resolved = _covariance(covariance, df, reml, s)
    strata, unequal = strata_rule(trial, request)
    design = wave_design(s, strata=strata, stratum_names=strata_names(trial) if trial.strata else (), by_wave=adjust_by_wave)
    fitted = fit_waves(s, design, name=covariance_structure, by_arm=covariance_by_arm, group_name=group_structure, reml=reml)
    tests = fitted.contrasts(resolved, df)
    overlap = strata == "additive" and unequal
    estimand = "overlap-weighted ITT" if overlap else "precision-weighted ITT" if s.grouped else "participant-average ITT"
    wanted = weighted_effects(s.labels, s.follow_ups, over_waves, estimand)
    labels = _labels(fitted, model, resolved, df, strata)
    pairs = {f"{s.arms[a]} - {s.arms[b]}": (a, b) for a, b in arm_pairs(len(s.arms), contrasts)}
    rows = [_row(fitted, tests, request, w, pair, name, labels) for name, pair in pairs.items() for w in wanted]
    notes = [*s.notes, *fitted.notes, *baseline_note(s), *constant_notes(s), *size_notes(trial, s, request), *_df_notes(rows)]
    if strata == "interacted" and unequal:
        notes.append(
            Note(
                "strata_interacted",
                "shares of the arms differ by stratum: the effect is averaged over strata by their size in the sample.",
            )
        )
    if overlap:
        notes.append(
            Note(
                "overlap_weighted",
                "shares of the arms differ by stratum and stratum effects are additive: strata count by size times p(1-p).",
            )
        )
    beside = (
        [e for name, pair in pairs.items() for e in _companions(fitted, request, wanted, pair, name, labels[0])]
        if s.grouped
        else []
    )
    found = details(trial, fitted, tests, request, pairs) | {"companions": [e.row() for e in beside]}
    return LongitudinalResult(
        tuple(rows), tuple(dict.fromkeys(notes)), {"model": model, "df": df, "covariance": resolved, "reml": reml} | found
    )


def _request(
    trial: Any, waves: Mapping[Hashable, str], adjust: Any, strata: Any, missing: Any, contrasts: Any, level: float
) -> Request:
    if not isinstance(trial, Trial):
        raise UsageError(
            "longitudinal takes a Trial first: tk.longitudinal(tk.Trial(data, arm=..., control=...), waves={0: 'y0', 1: 'y1'})."
        )
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    if contrasts not in ("control", "all"):
        raise CombinationError("longitudinal compares arms by contrasts='control' or 'all'; weights over waves go in over_waves.")
    return Request(
        outcome=next(iter(waves.values())), adjust=tuple(a for a in adjust if a not in trial.strata), estimator="longitudinal", measure="mean_difference",
        covariance="auto", df="auto", strata_effects=strata, average="participant", contrasts=contrasts, covariate_missing=missing,
        conf_level=float(level),
    )  # fmt: skip


def _check_model(model: str, name: str, baseline: Any) -> None:
    if model not in ("clda", "mmrm"):
        raise UsageError(
            f"model={model!r} is unknown: it is 'clda' (the baseline is an outcome) or 'mmrm' (the baseline is a covariate)."
        )
    if name not in STRUCTURES:
        near = nearest(name, STRUCTURES)
        raise UsageError(
            f"covariance_structure={name!r} is unknown: it is one of {', '.join(STRUCTURES)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    if baseline not in ("first", None):
        raise UsageError(
            f"baseline={baseline!r} is unknown: 'first' says that the first wave is the baseline, None that there is none."
        )
    if baseline is None and model == "clda":
        raise CombinationError(
            "model='clda' constrains the arms to one mean at the baseline, so it needs one: use model='mmrm' with baseline=None."
        )


def _covariance(covariance: str, df: str, reml: bool, s: WaveSample) -> str:
    """The covariance that 'auto' stands for, and a refusal of what does not go together."""
    if covariance not in COVARIANCES:
        raise CombinationError(f"covariance='{covariance}' is unknown: it is one of {', '.join(COVARIANCES)}.")
    if df not in DF_RULES:
        raise CombinationError(f"df='{df}' is unknown: it is one of {', '.join(DF_RULES)}.")
    kenward = df == "kenward_roger"
    if kenward and not reml:
        raise CombinationError("df='kenward_roger' is derived for REML: leave reml out, or use df='satterthwaite'.")
    if kenward and covariance.startswith("CR"):
        raise CombinationError(f"df='kenward_roger' does not go with covariance='{covariance}': use df='satterthwaite'.")
    if covariance.startswith("kenward") and not kenward:
        raise CombinationError(f"covariance='{covariance}' goes with df='kenward_roger'.")
    if kenward and covariance == "model":
        raise CombinationError("df='kenward_roger' has a covariance of its own: leave covariance out, or use df='satterthwaite'.")
    if df == "residual" and s.grouped:
        what = "clusters" if s.cluster is not None else "groups"
        raise CombinationError(
            f"df='residual' counts people as if there were no {what}: use df='satterthwaite' or 'kenward_roger'."
        )
    if covariance == "auto":
        return "kenward_roger_linear" if kenward else "model"
    return covariance


def _labels(m: WaveModel, model: str, covariance: str, df: str, strata: str) -> tuple[str, str]:
    """What stands in the columns method and covariance."""
    name = "constrained longitudinal model (cLDA)" if model == "clda" else "mixed model for repeated measures (MMRM)"
    by_arm = " by arm" if len(m.people_arms) > 1 else ""
    what = "cluster" if m.sample.cluster is not None else "group"
    groups = f", {what} effects {m.group_structure}" if m.group_structure else ""
    method = f"{name}, {m.structure} covariance{by_arm}{groups}, {'REML' if m.fit.reml else 'ML'}"
    kind = "model-based" if covariance == "model" else covariance
    rule = "Satterthwaite" if df == "satterthwaite" else df
    named = {"kenward_roger_linear": "Kenward-Roger (linear)", "kenward_roger": "Kenward-Roger"}.get(
        covariance, f"{kind} ({rule} df)"
    )
    return method + (", strata interacted" if strata == "interacted" else ""), named


def _companions(
    m: WaveModel, request: Request, wanted: Sequence[Weighted], pair: tuple[int, int], name: str, method: str
) -> list[Estimate]:
    """The rows of one contrast with CR2 by group or cluster and single people, df under the fitted model."""
    tests = m.contrasts("CR2", "satterthwaite")
    return [_row(m, tests, request, w, pair, name, (method, "CR2 (Satterthwaite df)")) for w in wanted]


def _row(
    m: WaveModel,
    tests: RepeatedContrasts,
    request: Request,
    w: Weighted,
    pair: tuple[int, int],
    name: str,
    labels: tuple[str, str],
) -> Estimate:
    s = m.sample
    estimate, std_error, df = tests.test(m.kept(m.design.difference(*pair, w.weights)))
    if not std_error > 0:
        raise EstimationError(
            "the adjusted covariance is not positive: the data hold too little for it. Use df='satterthwaite', or a covariance with fewer parameters."
        )
    test = t_test(estimate, std_error, df, request.conf_level)
    positions = sorted(w.weights)
    return Estimate(
        ", ".join(s.columns[j] for j in positions), w.estimand, name, estimate, std_error, df, test.statistic, test.p_value, test.conf_low, test.conf_high,
        request.conf_level, s.n, s.n_clusters, s.n_groups, *labels,
        {"wave": w.wave, "over_waves": w.name, "n_observed": int(s.seen[:, positions].any(axis=1).sum())},
    )  # fmt: skip


def _df_notes(rows: Sequence[Estimate]) -> list[Note]:
    least = min(e.df for e in rows)
    if least >= SMALL_DF:
        return []
    return [
        Note(
            "few_degrees_of_freedom",
            f"some tests have only {least:.1f} degrees of freedom: their intervals are wide and depend on normal group means.",
        )
    ]
