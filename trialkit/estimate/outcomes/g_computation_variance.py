"""Standard errors and df of contrasts of arm means, by the design: what stands behind g-computation.

- Independent people with one allocation share an arm: Ye et al.'s variance, less its stratum term where the randomization was stratified
  (inference/linear/influence.py), and normal intervals.
- Groups, clusters, weights, or df='independence': the linearized outcome (inference/linear/influence.py) is regressed on the arms, its CR2 (HC2)
  variance and df are those of the contrast; with groups in one arm df under the grouped working covariance. Strata are interacted, as in
  the difference in means of that design, and residuals then count by the share of their arm in the stratum.
- Strata of fewer than 40 people on average, or with unequal shares: the same regression, or for pairs and blocks with a single unit of an arm the
  design's own variance (inference/linear/difference_in_means.py) of the linearized outcome. Ye et al.'s stratum term would take J/n of the
  variance away with J strata: half of it in matched pairs.
- Probabilities that differ between people otherwise: the squares of the influence values.

Without covariates every route gives the difference in means with its own standard error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from trialkit.errors import CombinationError, EstimationError
from trialkit.estimate.linear.difference_in_means import arm_contrast, complete_pairs, randomized_in_pairs
from trialkit.estimate.linear.linear_model import LinearModel, fit_linear
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.estimate.strata import centred_indicators, check_cells, shares_differ, strata_names
from trialkit.inference.arrays import FloatArray, IntArray
from trialkit.inference.linear.influence import NOTHING, influence_values, influence_variance, linearized_outcome, ye_covariance
from trialkit.results import Note
from trialkit.trial import ALONE, Trial

SMALL_STRATA = 40
Route = Literal["ye", "known", "regression", "design"]
Found = tuple[float, float, FloatArray]


@dataclass(frozen=True, slots=True)
class Spread:
    """How the variance of a contrast of arm means is found.

    Attributes
    ----------
    sample : the people analysed; without incomplete pairs, when `whole` is False.
    probabilities : (n, A) with which residuals count. by_stratum : whether strata enter the regression of the linearized outcome.
    said : notes that the regressions add while contrasts are computed.
    predictions, values : (n, A) of the working model and the influence values that follow. matrix : (A, A) Ye et al.'s covariance.
    """

    trial: Trial
    request: Request
    sample: Sample
    route: Route
    probabilities: FloatArray
    by_stratum: bool
    whole: bool
    covariance: str
    notes: tuple[Note, ...]
    said: list[Note]
    predictions: FloatArray | None = None
    values: FloatArray | None = None
    matrix: FloatArray | None = None

    @property
    def by_arm(self) -> bool:
        """Whether single arms have a standard error: designs of pairs know only differences."""
        return self.route != "design"

    def with_predictions(self, predictions: FloatArray) -> Spread:
        s = self.sample
        values = influence_values(y=s.y, arm=s.arm, predictions=predictions, probabilities=self.probabilities, weights=s.weights)
        matrix = None
        if self.route == "ye":
            stratum = s.stratum if _balanced(self.trial) else None
            matrix = ye_covariance(y=s.y, arm=s.arm, predictions=predictions, stratum=stratum)
        return replace(self, predictions=predictions, values=values, matrix=matrix)

    def of(self, gradient: FloatArray) -> Found:
        """Standard error, df and (n,) influence values of the contrast with this derivative (A,) in the arms' means."""
        found = {"ye": self._ye, "known": self._known, "regression": self._regression, "design": self._design}[self.route](
            gradient
        )
        se, df, values = found
        norm = math.sqrt(self._squares(values))
        return se, df, values * (se / norm) if norm > 0 else values

    def _squares(self, values: FloatArray) -> float:
        sums = np.bincount(self.sample.unit_of_variance, weights=values) if self.sample.clustered else values
        return float(sums @ sums)

    def _influence(self, gradient: FloatArray) -> FloatArray:
        assert self.values is not None
        return np.asarray(self.values @ gradient)

    def _linearized(self, gradient: FloatArray) -> FloatArray:
        s = self.sample
        assert self.predictions is not None
        return linearized_outcome(y=s.y, arm=s.arm, predictions=self.predictions, gradient=gradient, weights=s.weights)

    def _ye(self, gradient: FloatArray) -> Found:
        assert self.matrix is not None
        variance = max(float(gradient @ self.matrix @ gradient), 0.0)
        return math.sqrt(variance), math.inf, self._influence(gradient)

    def _known(self, gradient: FloatArray) -> Found:
        s, values = self.sample, self._influence(gradient)
        if not s.clustered and self.request.df == "auto":
            return math.sqrt(float(values @ values) * s.n / (s.n - 1)), math.inf, values
        grouped = s.cluster is None and s.clustered and self.request.df != "independence"
        found = influence_variance(values=values, arm=s.arm, unit=s.unit_of_variance, group=s.group if grouped else None)
        if not found.converged:
            text = "the group variance could not be fitted; the degrees of freedom are the number of groups minus one."
            self.said.append(Note("working_df_failed", text))
        return math.sqrt(found.variance), found.df, values

    def _regression(self, gradient: FloatArray) -> Found:
        outcome = self._linearized(gradient)
        arms = [
            a for a in range(len(self.sample.arms)) if np.ptp(outcome[self.sample.arm == a]) > NOTHING * np.abs(outcome).max()
        ]
        if not arms:
            return 0.0, math.nan, np.zeros(self.sample.n)
        model, vector, rows = _regressed(self.trial, self.sample, outcome, arms, self.by_stratum, self.request.df)
        _, se, df = model.contrast(vector)
        self.said.extend(n for n in model.notes if n.code != "collinear")
        values = np.zeros(self.sample.n)
        values[rows] = _by_person(model, vector)
        return se, df, values

    def _design(self, gradient: FloatArray) -> Found:
        arm, reference = (int(a) for a in np.flatnonzero(gradient)[::-1])
        # the design's estimators subtract the reference arm, where the linearized outcome is to be added
        outcome = self._linearized(gradient) * np.sign(gradient)[self.sample.arm]
        asked = replace(self.request, df="auto", average="participant")
        found, _, _, said = arm_contrast(self.trial, replace(self.sample, y=outcome), asked, arm, reference)
        self.said.extend(said)
        return found.std_error, found.df, self._influence(gradient)


def spread_of(trial: Trial, s: Sample, request: Request) -> Spread:
    """The route that the design asks for, before any outcome is looked at."""
    careful = s.clustered or s.weights is not None or request.df != "auto"
    _check_df(s, request)
    if not trial.strata:
        known = _known_probabilities(trial, s)
        if known is not None:
            return _spread(trial, s, request, "known", known)
        return _spread(trial, s, request, "regression" if careful else "ye", _shares(s, None))
    assert s.stratum is not None
    unequal = shares_differ(trial)
    small = not s.clustered and s.n < SMALL_STRATA * len(np.unique(s.stratum))
    if not (careful or unequal or small):
        return _spread(trial, s, request, "ye", _shares(s, None))
    return _stratified(trial, s, request, unequal)


def _stratified(trial: Trial, s: Sample, request: Request, unequal: bool) -> Spread:
    assert s.stratum is not None
    notes: list[Note] = []
    if unequal:
        notes.append(
            Note(
                "shares_by_stratum",
                "shares of the arms differ by stratum: people count by the share of their arm in their stratum.",
            )
        )
    units = _units_per_cell(s)
    if units.min() >= 2:
        return _spread(trial, s, request, "regression", _shares(s, s.stratum), by_stratum=True, notes=notes)
    one_arm = s.cluster is None and s.clustered
    if len(s.arms) == 2 and not one_arm and s.weights is None and request.df == "auto":
        paired = randomized_in_pairs(trial, 1, 0)
        kept, said = complete_pairs(s) if paired else (s, [])
        if paired or (s.cluster is None and units.min() >= 1):
            return _spread(
                trial, kept, request, "design", _shares(kept, kept.stratum), whole=kept.n == s.n, notes=[*notes, *said]
            )
    if unequal:
        check_cells(s, strata_names(trial), "Merge small strata.")
        raise EstimationError(
            "some stratum has one cluster of an arm and the shares of the arms differ by stratum: merge strata."
        )
    notes.append(
        Note(
            "strata_left_out",
            "some stratum has fewer than two units of an arm: the standard error does not count the strata, which makes it too large where "
            "they matter.",
        )
    )
    return _spread(trial, s, request, "regression", _shares(s, None), notes=notes)


def _spread(
    trial: Trial, s: Sample, request: Request, route: Route, probabilities: FloatArray, *, by_stratum: bool = False, whole: bool = True,
    notes: list[Note] | None = None,
) -> Spread:  # fmt: skip
    words = {
        "ye": "Ye et al., stratified" if _balanced(trial) else "Ye et al.",
        "known": "influence values",
        "regression": f"{_kind(s, request)}, influence values{', strata interacted' if by_stratum else ''}",
        "design": "variance of the design, influence values",
    }
    return Spread(trial, request, s, route, probabilities, by_stratum, whole, words[route], tuple(notes or ()), [])


def _kind(s: Sample, request: Request) -> str:
    if not s.clustered:
        return "HC2"
    one_arm = s.cluster is None and request.df != "independence"
    return "CR2 (df under the grouped working covariance)" if one_arm else "CR2"


def _check_df(s: Sample, request: Request) -> None:
    if request.df == "working" and not (s.cluster is None and s.clustered):
        raise CombinationError("df='working' is for groups that exist in some arms only (group=): use df='independence'.")


def _balanced(trial: Trial) -> bool:
    """Whether the randomization held the strata in balance, which lowers the variance; simple randomization did not."""
    return bool(trial.strata) and getattr(trial.design, "scheme", "") != "simple"


def _known_probabilities(trial: Trial, s: Sample) -> FloatArray | None:
    """(n, A) probabilities of the design where they differ between people, else None."""
    if trial.design is None:
        return None
    by_label = {str(label): j for j, label in enumerate(trial.design.arms)}
    order = [by_label[str(label)] for label in s.arms]
    found: FloatArray = np.asarray(trial.design.probability_matrix[trial.places][s.rows][:, order], dtype=float)
    if np.ptp(found, axis=0).max() <= (1e-9 if trial.design.probabilities_exact else 0.05):
        return None
    return found


def _shares(s: Sample, stratum: IntArray | None) -> FloatArray:
    """(n, A) shares of the arms among the people analysed, by stratum if one is given."""
    weights = np.ones(s.n) if s.weights is None else s.weights
    codes = np.zeros(s.n, dtype=np.int64) if stratum is None else np.unique(stratum, return_inverse=True)[1].reshape(-1)
    table = np.zeros((int(codes.max()) + 1, len(s.arms)))
    np.add.at(table, (codes, s.arm), weights)
    return np.asarray((table / table.sum(axis=1, keepdims=True))[codes])


def _units_per_cell(s: Sample) -> IntArray:
    """(J, A) independent units of each arm in each stratum: clusters, or people (a lone group borrows the others' variance)."""
    assert s.stratum is not None
    stratum, arm = np.unique(s.stratum, return_inverse=True)[1].reshape(-1), s.arm
    if s.cluster is not None:
        first = np.unique(s.cluster, return_index=True)[1]
        stratum, arm = stratum[first], arm[first]
    counts = np.zeros((int(stratum.max()) + 1, len(s.arms)), dtype=np.int64)
    np.add.at(counts, (stratum, arm), 1)
    return counts


def _regressed(
    trial: Trial, s: Sample, outcome: FloatArray, arms: list[int], by_stratum: bool, df: str
) -> tuple[LinearModel, FloatArray, IntArray]:
    """The linearized outcome on an indicator of each arm in which it varies, the vector of the sum of arms, and the rows used."""
    rows = np.flatnonzero(np.isin(s.arm, arms))
    position = np.full(len(s.arms), -1)
    position[arms] = np.arange(len(arms))
    part = replace(
        s, y=outcome[rows], arm=position[s.arm[rows]], arms=tuple(s.arms[a] for a in arms), X=s.X[rows],
        stratum=None if s.stratum is None else s.stratum[rows], cluster=None if s.cluster is None else s.cluster[rows],
        group=s.group[rows], unit_of_variance=s.unit_of_variance[rows], weights=None if s.weights is None else s.weights[rows],
        rows=s.rows[rows],
    )  # fmt: skip
    own = (part.arm[:, None] == np.arange(len(arms))).astype(float)
    columns, names = [own], [f"arm {a}" for a in part.arms]
    if by_stratum:
        labels = strata_names(trial)
        indicators = centred_indicators(s, labels)[0][rows]
        columns += [own[:, [a]] * indicators for a in range(len(arms))]
        names += [f"arm {a} x stratum {j}" for a in part.arms for j in range(indicators.shape[1])]
    one_arm = part.cluster is None and bool((part.group != ALONE).any())
    # with everyone left alone (the grouped arm has no variation) there is no working covariance to take
    rule = df if one_arm or df != "working" else "auto"
    model = fit_linear(part, np.concatenate(columns, axis=1), names, kind="auto", df=rule)
    vector = np.zeros(model.design.shape[1])
    vector[: len(arms)] = 1.0
    return model, vector, rows


def _by_person(model: LinearModel, vector: FloatArray) -> FloatArray:
    """(n,) contributions of people to the contrast, adjusted as its variance is."""
    assert model.cov.influence is not None
    loads = model.cov.influence @ vector[model.fit.kept]
    if model.cov.clusters is None:
        return np.asarray(loads * model.fit.residuals)
    out = np.empty(len(loads))
    out[model.cov.clusters.order] = loads * model.fit.residuals[model.cov.clusters.order]
    return out
