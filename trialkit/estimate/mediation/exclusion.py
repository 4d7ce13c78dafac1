"""Does the arm move the outcome with the mediator held? What exclusion would imply, and what the data can say of it.

An arm that is to serve as an instrument for the mediator must move the outcome through it alone. With nothing unmeasured behind mediator and outcome the regression of
the outcome on arm, covariates and mediator then has a coefficient of 0 for the arm.
Source: Angrist, Imbens & Rubin (1996), JASA 91(434), assumption 3; why a coefficient with the mediator held is no test by itself: Pearl (1995), UAI 11; Acharya, Blackwell & Sen (2016).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from trialkit.errors import UsageError
from trialkit.estimate.mediation.evidence import MediationEvidence, arms_text
from trialkit.estimate.mediation.mediate import mediate
from trialkit.estimate.mediation.models import Regression
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note, Result
from trialkit.trial import Trial


@dataclass(frozen=True)
class ExclusionResult(Result):
    """Rows 'arm, mediator held', 'mediator' (its slope) and 'arm on mediator'; `.verdict` says in words what the first may and may not tell."""

    kind = "exclusion_check"

    @property
    def verdict(self) -> str:
        """What the interval of the arm with the mediator held says, and what it cannot say."""
        row, d = self.estimates[0], self.details
        said = f"with '{d['mediator']}' held, the arm moves '{row.outcome}' by {number(row.estimate)} [{number(row.conf_low)}, {number(row.conf_high)}]"
        if row.conf_low > 0 or row.conf_high < 0:
            return (
                f"{said}: not by the mediator alone, unless something unmeasured moves both mediator and outcome. Either way the arm gives no instrument that can be "
                "trusted for the mediator as measured."
            )
        return (
            f"{said}: values up to the ends of the interval are not excluded. This does not show exclusion: a direct effect and an unmeasured cause of both mediator and "
            "outcome can cancel."
        )

    def _title(self) -> str:
        return f"Exclusion check: the arm's effect on '{self.estimates[0].outcome}' with '{self.details['mediator']}' held"

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.verdict}"


@explained
def exclusion_check(
    trial: Trial,
    outcome: str,
    *,
    mediator: str,
    adjust: Sequence[str] = (),
    mediator_baseline: str | None = None,
    outcome_baseline: str | None = None,
    arm: Hashable | None = None,
    covariance: str = "auto",
    conf_level: float = 0.95,
) -> ExclusionResult:
    """Whether the arm moves the outcome with the mediator held, in units of the outcome.

    Parameters
    ----------
    trial : the data and their roles. outcome : numeric column, of 0 and 1 the share (a linear model). mediator : column after the arm and before the outcome.
    adjust, mediator_baseline, outcome_baseline : baseline columns in both regressions; causes of mediator and outcome that are left out distort the check.
    arm : the arm compared with control, needed when there are several.
    covariance : 'auto' is CR2 with groups or clusters, on the df of the fitted working covariance, and HC2 without. conf_level : of the intervals.

    Returns
    -------
    ExclusionResult
        Rows 'arm, mediator held' (0 under exclusion without unmeasured causes), 'mediator' and 'arm on mediator'; `.verdict` in words.

    Raises
    ------
    UsageError and what `mediate` raises, among them GroupError for a mediator of groups.

    Notes
    -----
    The check cannot prove exclusion. Holding what the arm moved compares people who are no longer alike: an unmeasured cause of mediator and outcome makes the arm's coefficient
    differ from 0 although exclusion holds, or 0 although it fails. Only the interval is reported as evidence; a large p is none. One slope of the mediator in both arms is taken.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["solo", "peer"] * 100})
    >>> d["m1"] = 0.5 * (d["arm"] == "peer") + rng.normal(size=200)
    >>> d["y1"] = 0.6 * d["m1"] + rng.normal(size=200)
    >>> tk.mediation.exclusion_check(tk.Trial(d, arm="arm", control="solo"), "y1", mediator="m1").tidy()["estimand"].tolist()
    ['arm, mediator held', 'mediator', 'arm on mediator']
    """
    if not isinstance(outcome, str):
        raise UsageError("exclusion_check takes a column as outcome: the time to an event has no linear regression.")
    if covariance == "classical":
        raise UsageError("the classical covariance takes spreads as equal and people as independent: leave covariance='auto'.")
    found = mediate(
        trial, outcome, mediator=mediator, adjust=adjust, mediator_baseline=mediator_baseline, outcome_baseline=outcome_baseline, interaction=False,
        measure="mean_difference", mediator_model="linear", outcome_model="linear", arm=arm, inference="delta", covariance=covariance, conf_level=conf_level,
    )  # fmt: skip
    e = found.needed()
    width = e.outcome_model.design.shape[1]
    rows = (
        _row(e, e.outcome_model, outcome, "arm, mediator held", np.eye(width)[1], conf_level),
        _row(e, e.outcome_model, outcome, "mediator", np.eye(width)[-1], conf_level),
        _row(e, e.mediator_model, mediator, "arm on mediator", np.eye(e.mediator_model.design.shape[1])[1], conf_level),
    )
    told = {"sequential_ignorability", "proportion", "proportion_unstable"}
    notes = [n for n in found.notes if n.code not in told]
    moved = rows[2]
    if not (moved.conf_low > 0 or moved.conf_high < 0):
        notes.append(
            Note(
                "weak_first_stage",
                f"the interval of the arm's effect on '{mediator}' includes 0: with little moved, the arm could not serve as an instrument even where exclusion holds.",
            )
        )
    notes.append(
        Note(
            "not_a_proof",
            f"nothing unmeasured that moves both '{mediator}' and '{outcome}' is assumed; a coefficient near 0 does not prove exclusion, one far from 0 speaks against "
            "exclusion or against that assumption.",
        )
    )
    return ExclusionResult(rows, tuple(notes), {"mediator": mediator, "adjust": list(e.adjust)})


def _row(e: MediationEvidence, model: Regression, outcome: str, estimand: str, vector: FloatArray, level: float) -> Estimate:
    c = model.contrasts(vector[None, :])
    value, se, df = float(c.estimate[0]), float(c.std_error[0]), float(c.df[0])
    test, s = t_test(value, se, df, level), e.sample
    return Estimate(
        outcome, estimand, arms_text(s.arms), value, se, df, test.statistic, test.p_value, test.conf_low, test.conf_high, level,
        s.n, s.n_clusters, s.groups_in(s.arm >= 0), "least squares", model.covariance_kind,
    )  # fmt: skip
