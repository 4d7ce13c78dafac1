"""Difference in means, with the variance and df of the design that was randomized.

The design is read from everyone randomized, never from the complete cases: pairs stay pairs when a member is lost (the pair
is left out, and said so). Designs and formulas: inference/linear/difference_in_means.py. With groups in one arm, with weights and
for clusters without blocks it is the least-squares difference (strata interacted) with CR2 (HC2) and its df.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialkit.errors import CombinationError, EstimationError, shown
from trialkit.estimate.analysis import Analysis, Contrast
from trialkit.estimate.averages import apply_average, estimand_name, size_note
from trialkit.estimate.linear.ancova import arm_contrasts, describe
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.parts import kept_rows, two_arms
from trialkit.estimate.request import Request, arm_pairs
from trialkit.estimate.sample import Sample, sample
from trialkit.estimate.strata import centred_indicators, check_cells, strata_codes, strata_names
from trialkit.inference.arrays import IntArray
from trialkit.inference.linear import difference_in_means as designs
from trialkit.inference.linear.difference_in_means import MeanDifference
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

FEWER_DF = 0.8


def run(trial: Trial, request: Request) -> Analysis:
    """Every contrast of a request, each from the people of its two arms."""
    if request.adjust:
        raise CombinationError(
            "estimator='difference_in_means' takes no adjust: use estimator='ancova' or 'lin' with covariates."
        )
    base = sample(trial, request.outcome, (), request.covariate_missing)
    pairs = arm_pairs(len(base.arms), request.contrasts)
    contrasts, notes, methods, covariances, parts = [], [], [], [], {}
    for arm, reference in pairs:
        found, label, cov, said = arm_contrast(trial, base, request, arm, reference)
        contrasts.append(Contrast(arm, reference, found.estimate, found.std_error, found.df))
        notes += said
        methods.append(label)
        covariances.append(cov)
        parts.update(found.parts)
    method = " / ".join(dict.fromkeys(methods))
    return Analysis(
        base, tuple(contrasts), estimand_name(request.average), method, " / ".join(dict.fromkeys(covariances)), tuple(notes),
        {"variance_parts": parts} if parts else {},
    )  # fmt: skip


def arm_contrast(
    trial: Trial, base: Sample, request: Request, arm: int, reference: int
) -> tuple[MeanDifference, str, str, list[Note]]:
    """The difference between two arms with the variance of the design, its words, those for the covariance, and notes."""
    s = two_arms(base, arm, reference)
    grouped = bool((s.group != ALONE).any()) and s.cluster is None
    if grouped or s.weights is not None or request.average == "group" or request.df == "independence":
        return _by_least_squares(trial, s, request, grouped)
    if not trial.strata:
        if s.cluster is None:
            found = designs.standard(y=s.y, treated=s.arm)
            if not found.std_error > 0:
                raise EstimationError(f"'{s.outcome}' does not vary within the arms: there is no standard error.")
            return found, "difference in means", "Neyman", []
        return _by_least_squares(trial, s, request, grouped)
    return _stratified(trial, s, request, arm, reference)


def _by_least_squares(trial: Trial, s: Sample, request: Request, grouped: bool) -> tuple[MeanDifference, str, str, list[Note]]:
    analysed = apply_average(s, request.average)
    treated = analysed.arm[:, None].astype(float)
    parts, names = [np.ones((s.n, 1)), treated], ["constant", f"arm {s.arms[1]}"]
    if trial.strata:
        labels = strata_names(trial)
        check_cells(analysed, labels, "Merge small strata, or use estimator='ancova' with strata_effects='additive'.")
        indicators, used = centred_indicators(analysed, labels)
        parts += [indicators, indicators * treated]
        names += [f"stratum {u}" for u in used] + [f"arm x stratum {u}" for u in used]
    columns = np.concatenate(parts, axis=1)
    model = fit_linear(analysed, columns, names, kind="auto", df=request.df)
    found, _ = arm_contrasts(model, replace(request, contrasts="control"), range(1, 2))[0]
    notes = [*size_note(s, columns, request), *model.notes]
    what = "groups in one arm" if grouped else "clustered" if s.cluster is not None else "weighted"
    label = f"difference in means ({what}{', strata interacted' if trial.strata else ''})"
    return MeanDifference(found.estimate, found.std_error, found.df, what), label, describe(model), notes


def _stratified(
    trial: Trial, s: Sample, request: Request, arm: int, reference: int
) -> tuple[MeanDifference, str, str, list[Note]]:
    assert s.stratum is not None
    notes: list[Note] = []
    if randomized_in_pairs(trial, arm, reference):
        s, notes = complete_pairs(s)
        assert s.stratum is not None
        if s.cluster is None:
            found = designs.matched_pairs(y=s.y, treated=s.arm, pair=s.stratum)
        else:
            found = designs.matched_pair_clusters(y=s.y, treated=s.arm, pair=s.stratum)
        return found, f"difference in means ({found.design})", "matched pairs", notes
    _refuse_one_arm_strata(trial, s)
    assert s.stratum is not None
    try:
        if s.cluster is None:
            found = designs.blocked(y=s.y, treated=s.arm, block=s.stratum)
        else:
            found = designs.block_clustered(y=s.y, treated=s.arm, block=s.stratum, cluster=s.cluster)
            notes += _df_note(trial, s, request, found)
    except ValueError as error:
        raise EstimationError(
            f"no variance for this blocked design: {error}. Merge strata, or use estimator='ancova' with strata_effects='additive'."
        ) from error
    return (
        found,
        f"difference in means ({found.design})",
        "Neyman within blocks" if s.cluster is None else "CR2 within blocks",
        notes,
    )


def _df_note(trial: Trial, s: Sample, request: Request, found: MeanDifference) -> list[Note]:
    """Counting clusters overstates the degrees of freedom where shares or sizes differ: up to 10 % of true nulls were rejected (docs/calibration.md)."""
    moments, *_ = _by_least_squares(trial, s, replace(request, df="independence"), False)
    if moments.df >= FEWER_DF * found.df:
        return []
    text = f"the degrees of freedom, {found.df:g}, count clusters; Satterthwaite's are {moments.df:.1f}, and the interval is too narrow: say df='independence'."
    return [Note("df_by_count", text)]


def randomized_in_pairs(trial: Trial, arm: int, reference: int) -> bool:
    """Every stratum of the randomized people holds one unit of each arm."""
    counts = _unit_counts(trial, arm, reference)
    return bool((counts == 1).all())


def _unit_counts(trial: Trial, arm: int, reference: int) -> IntArray:
    stratum, codes = strata_codes(trial), trial.arm_codes
    if trial.cluster is not None:
        _, first = np.unique(trial.codes(trial.cluster), return_index=True)
        stratum, codes = stratum[first], codes[first]
    counts = np.zeros((int(stratum.max()) + 1, 2), dtype=np.int64)
    for column, code in enumerate((reference, arm)):
        np.add.at(counts[:, column], stratum[codes == code], 1)
    return counts


def complete_pairs(s: Sample) -> tuple[Sample, list[Note]]:
    """The people of pairs with both arms, and a note on the pairs that lost a member."""
    assert s.stratum is not None
    whole = np.array([len(np.unique(s.arm[s.stratum == p])) == 2 for p in s.stratum])
    lost = len(np.unique(s.stratum[~whole]))
    left = len(np.unique(s.stratum[whole]))
    if left < 2:
        raise EstimationError(f"{left} complete pair is left with '{s.outcome}': two are the least for a variance between pairs.")
    if not lost:
        return s, []
    return kept_rows(s, whole), [
        Note(
            "pairs_incomplete",
            f"{lost} of {lost + left} pairs lost a member and are left out whole: the remaining pairs stay comparable.",
        )
    ]


def _refuse_one_arm_strata(trial: Trial, s: Sample) -> None:
    assert s.stratum is not None
    alone = [int(j) for j in np.unique(s.stratum) if len(np.unique(s.arm[s.stratum == j])) < 2]
    if alone:
        names = strata_names(trial)
        raise EstimationError(
            f"stratum {shown([names[j] for j in alone])} has people of one arm only with '{s.outcome}': there is no difference in it. Merge it with a "
            "like stratum, or use estimator='ancova' with strata_effects='additive'."
        )
