"""Moderated mediation: effects through the mediator for people at different values of a baseline covariate.

Mediator M ~ 1 + t + X + t W and outcome Y ~ 1 + t + X + t W + M + M W (+ t M + t M W), W one of the covariates X. At W = w both are models without W again, whose paths
a(w), b_t(w), c(w) make the effects of `mediate`; other covariates are held at their means. The difference of the ACME between two values is the index of moderated mediation.
Source: Muller, Judd & Yzerbyt (2005), JPSP 89(6); Preacher, Rucker & Hayes (2007), Multivariate Behavioral Research 42(1); Hayes (2015), ibid. 50(1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trialkit.errors import NotIdentifiedError, UsageError
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.mediation.evidence import MediationEvidence, arms_text
from trialkit.estimate.mediation.linear_parameters import combined_df, linear_evidence
from trialkit.estimate.mediation.models import Contrasts, joined, linear_regression
from trialkit.estimate.mediation.result import MediationResult
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.least_squares import independent_columns
from trialkit.inference.mediation.effects import EFFECTS, effects_of_means, linear_means
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note, Result

SHOWN = EFFECTS[:7]


@dataclass(frozen=True)
class ModeratedResult(Result):
    """Effects at each value of the moderator (column `at`), and differences of the last value from the first (`at` 'difference')."""

    kind = "moderated_mediation"

    def effect(self, name: str, at: float | str) -> Estimate:
        """The row of an effect at a value of the moderator, or 'difference'."""
        for e in self.estimates:
            if e.estimand == name and e.extra["at"] == at:
                return e
        raise UsageError(
            f"there is no {name!r} at {at!r} here: at is one of {sorted({str(e.extra['at']) for e in self.estimates})}."
        )

    def _title(self) -> str:
        return f"Mediation of {self.estimates[0].outcome} through {self.details['mediator']}, by {self.details['by']}"


@explained
def moderated(
    result: MediationResult, by: str, *, at: Sequence[float] | None = None, conf_level: float | None = None
) -> ModeratedResult:
    """Direct and indirect effects at values of a baseline covariate, such as motivation, and how they differ.

    Parameters
    ----------
    result : of `mediate` with two linear models; covariates, interaction, covariance and people are taken over.
    by : a numeric covariate of `adjust`, measured before the arm.
    at : values of it, by default 0 and 1 of a binary one, else its mean less and plus one standard deviation.
    conf_level : by default that of the result.

    Returns
    -------
    ModeratedResult
        Rows of the effects of `mediate` for each value, then differences between the last and the first value. Standard errors by the delta method with the result's
        covariance (CR2 with groups or clusters) and Satterthwaite df.

    Raises
    ------
    UsageError, NotIdentifiedError, CombinationError
        A moderator that was not adjusted for or is not numeric, one value only, too few people for the interactions, models that are not linear.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100, "drive": rng.normal(size=200)})
    >>> d["m1"] = (0.5 + 0.3 * d["drive"]) * (d["arm"] == "peer") + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + rng.normal(size=200)
    >>> m = tk.mediate(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1", adjust=["drive"], inference="delta")
    >>> by = tk.mediation.moderated(m, "drive", at=[-1, 1])
    >>> by.effect("acme", 1).estimate > by.effect("acme", -1).estimate
    True
    """
    e = linear_evidence(result, "moderated mediation")
    level = result.level(conf_level)
    if by not in e.adjust:
        raise UsageError(
            f"'{by}' was not adjusted for: name it in tk.mediate(..., adjust=[...]), which moderation needs as well."
        )
    if by not in e.terms:
        raise UsageError(
            f"'{by}' is not one numeric column: make an indicator of the category that matters, or use tk.subgroups."
        )
    W = e.X[:, e.terms.index(by)]
    values = _values(W, at, by)
    both, kind = _parameters(e, W, values, e.terms.index(by))
    count = len(values)
    own = both.estimate

    def effects(p: FloatArray) -> FloatArray:
        """(B, (count + 1) 7) effects at every value and the differences."""
        parts = [
            effects_of_means(
                linear_means(np.column_stack([p[:, 2 * i : 2 * i + 2], p[:, 2 * count + 3 * i : 2 * count + 3 * i + 3]]))
            )[:, :7]
            for i in range(count)
        ]
        return np.concatenate([*parts, parts[-1] - parts[0]], axis=1)

    se = np.sqrt(np.diag(both.cov))
    step = 1e-4 * se
    shifts = np.diag(step)
    gradient = ((effects(own + shifts) - effects(own - shifts)) / (2 * step[:, None])).T
    estimate = effects(own[None, :])[0]
    variance = np.einsum("ep,pq,eq->e", gradient, both.cov, gradient)
    df = combined_df(gradient, both.cov, both.df)
    s = e.sample
    rows = []
    for j, value in enumerate(estimate):
        std_error = float(np.sqrt(max(variance[j], 0.0)))
        test = t_test(float(value), std_error, float(df[j]), level)
        place: float | str = "difference" if j >= 7 * count else values[j // 7]
        rows.append(
            Estimate(
                str(e.outcome), SHOWN[j % 7], arms_text(s.arms), float(value), std_error, float(df[j]), test.statistic, test.p_value, test.conf_low, test.conf_high,
                level, s.n, s.n_clusters, s.groups_in(s.arm >= 0), "delta method", kind, {"by": by, "at": place},
            )
        )  # fmt: skip
    notes = [
        Note(
            "sequential_ignorability",
            f"that nothing unmeasured moves both '{e.mediator}' and '{e.outcome}' is assumed at every value of '{by}'; what differs with '{by}' need not be its doing.",
        )
    ]
    beyond = [number(float(v)) for v in values if not W.min() <= v <= W.max()]
    if beyond:
        notes.append(
            Note(
                "beyond_the_data",
                f"'{by}' was seen from {W.min():g} to {W.max():g}; at {', '.join(beyond)} straight lines are prolonged.",
            )
        )
    return ModeratedResult(tuple(rows), tuple(notes), {"mediator": e.mediator, "by": by, "at": values})


def _values(W: FloatArray, at: Sequence[float] | None, by: str) -> list[float]:
    if at is None:
        if np.isin(W, (0.0, 1.0)).all():
            return [0.0, 1.0]
        return [float(W.mean() - W.std(ddof=1)), float(W.mean() + W.std(ddof=1))]
    values = [float(v) for v in at]
    if len(values) < 2 or len(set(values)) < len(values) or not np.isfinite(values).all():
        raise UsageError(f"at holds two or more different values of '{by}', such as [2, 4].")
    return values


def _parameters(e: MediationEvidence, W: FloatArray, values: list[float], place: int) -> tuple[Contrasts, str]:
    """m0(w) and a(w) of every value, then b0(w), b1(w) and c(w) of every value, with their joint covariance and its kind."""
    s, kind = e.sample, e.outcome_model.covariance_kind
    centre = float(np.average(W, weights=e.weights))
    origin = float(np.average(e.m, weights=e.weights))
    w, m = W - centre, e.m - origin
    base = np.column_stack([np.ones(s.n), e.t, e.X])
    labels = ["constant", f"arm {s.arms[1]}", *e.terms]
    by = e.terms[place]
    design_m = np.column_stack([base, e.t * w])
    design_y = np.column_stack([design_m, m, m * w, *([e.t * m, e.t * m * w] if e.interaction else [])])
    names_m = [*labels, f"arm x {by}"]
    names_y = [*names_m, e.mediator, f"{e.mediator} x {by}", f"arm x {e.mediator}", f"arm x {e.mediator} x {by}"][
        : design_y.shape[1]
    ]
    norm = np.linalg.norm(design_y, axis=0)
    if len(independent_columns(design_y / np.where(norm > 0, norm, 1.0))) < design_y.shape[1]:
        raise NotIdentifiedError(
            f"the interactions with '{by}' cannot be told apart from other terms: it has too few values in an arm. Leave covariates out or take another moderator."
        )
    mediator = linear_regression(
        fit_linear(replace(s, y=m, outcome=e.mediator), design_m, names_m, kind=kind, df="auto"), e.mediator
    )
    outcome = linear_regression(fit_linear(s, design_y, names_y, kind=kind, df="auto"), str(e.outcome))
    k = base.shape[1]
    of_mediator = np.zeros((2 * len(values), k + 1))
    of_outcome = np.zeros((3 * len(values), design_y.shape[1]))
    means = np.array([np.average(x, weights=e.weights) for x in e.X.T])
    for i, value in enumerate(values):
        here = means.copy()
        here[place] = value
        gap = value - centre
        of_mediator[2 * i, :k] = [1.0, 0.0, *here]
        of_mediator[2 * i + 1, [1, k]] = [1.0, gap]
        of_outcome[3 * i : 3 * i + 2, k + 1] = 1.0
        of_outcome[3 * i : 3 * i + 2, k + 2] = gap
        if e.interaction:
            of_outcome[3 * i + 1, k + 3 : k + 5] = [1.0, gap]
        of_outcome[3 * i + 2, [1, k]] = [1.0, gap]
    return joined(mediator.contrasts(of_mediator), outcome.contrasts(of_outcome)), kind
