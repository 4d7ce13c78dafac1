"""The result of the mixed model: rows, variances, and what to read beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import EstimationError, UsageError, shown
from trialkit.estimate.itt_result import IttResult
from trialkit.estimate.mixed.mixed_model import MixedModel
from trialkit.estimate.several.joint import fitted, term_columns
from trialkit.inference.arrays import FloatArray
from trialkit.inference.linear.wald import WaldTest
from trialkit.inference.mixed.kenward_roger import kenward_roger_joint
from trialkit.inference.mixed.satterthwaite import satterthwaite_joint
from trialkit.printed import number
from trialkit.results import Estimate, Note, Result


@dataclass(frozen=True)
class Companions(Result):
    """Rows to read beside a mixed model: the design-based effect, and tests of the variances."""

    kind = "mixed_companions"

    def _title(self) -> str:
        return f"Beside the mixed model of {self.estimates[0].outcome}"


@dataclass(frozen=True)
class MixedResult(IttResult):
    """Intention-to-treat effects from a linear mixed model.

    `.variance_components` has the variances and the icc, `.icc` their intervals, `.deviance` -2 restricted log likelihood, `.companions()` the
    design-based rows and the tests of the variances.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> group = np.repeat(np.arange(8), 10)
    >>> d = pd.DataFrame({"arm": ["peer"] * 80 + ["solo"] * 80, "group": [f"g{g}" for g in group] + [None] * 80})
    >>> d["y"] = rng.normal(size=160) + np.r_[rng.normal(size=8)[group] * 0.5, np.zeros(80)]
    >>> r = tk.itt(tk.Trial(d, arm="arm", control="solo", group="group"), "y", estimator="mixed")
    >>> list(r.variance_components)
    ['var_group', 'var_resid_solo', 'var_resid_peer', 'icc']
    >>> r.companions().tidy()["contrast"].tolist()
    ['peer - solo', 'var_group']
    """

    kind = "itt_mixed"

    @property
    def variance_components(self) -> dict[str, float]:
        """var_group (var_group_<arm> with several grouped arms), var_cluster, var_<column>; var_resid or var_resid_<arm>; icc.

        Variances between groups may be below 0 and are shown as they are; an icc is cut off at 0.
        """
        return {k: _float(v) for k, v in self.details["variance_components"].items()}

    @property
    def deviance(self) -> float:
        """-2 restricted log likelihood, with the constant (n - k) log(2 pi); of use between models with the same terms."""
        return _float(self.details["deviance"])

    @property
    def icc(self) -> pd.DataFrame:
        """Intraclass correlations, one a random effect and residual variance, with exact intervals and F tests where these exist."""
        return pd.DataFrame(self.details["icc"])

    def companions(self) -> Companions:
        """The same contrasts from the regression with CR2 standard errors, and for each variance the restricted likelihood-ratio test that it is 0.

        The design-based rows hold whatever the covariance of the outcomes; a mixed model that says something else than they do needs an
        explanation. Rows of variances have no interval; that of the icc is in `.icc`.
        """
        found: Mapping[str, Any] = self.details["companions"]
        rows = [_estimate(r) for r in found["rows"]]
        notes = tuple(Note(n["code"], n["text"]) for n in found["notes"])
        return Companions(tuple(rows), notes, {"of": self.estimates[0].method})

    def joint_test(self, terms: Sequence[str]) -> WaldTest:
        """Test that several terms of the model are zero together, by the small-sample method of the rows.

        Satterthwaite: Fai & Cornelius' F; Kenward-Roger: the scaled F. `terms` are covariates (a category stands for all its levels) or arms.
        """
        if isinstance(terms, str) or not terms:
            raise UsageError(f"terms is a list of at least one term: write joint_test(['{terms or 'y0'}']).")
        model = fitted(self)
        assert isinstance(model, MixedModel)
        contrasts = _contrasts(model, terms)
        test = kenward_roger_joint if model.df_rule == "kenward_roger" else satterthwaite_joint
        try:
            return test(model.mixed, contrasts)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise EstimationError(f"there is no joint test of {', '.join(terms)}: {error}.") from error

    def __str__(self) -> str:
        parts = ", ".join(f"{k} {number(v)}" for k, v in self.variance_components.items())
        head, *rest = super().__str__().split("\n  note: ")
        return "\n  note: ".join([f"{head}\n  variances: {parts}", *rest])


def _contrasts(model: MixedModel, terms: Sequence[str]) -> FloatArray:
    """(q, r) one row a coefficient of the terms, in the columns kept."""
    columns = [j for term in terms for j in term_columns(model, term)]
    left_out = [model.names[j] for j in columns if model.fit.collinear[j]]
    if left_out:
        raise EstimationError(f"{shown(left_out)} was left out as a combination of other terms, so it cannot be tested.")
    return (np.array(columns)[:, None] == model.fit.kept).astype(float)


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)


def _estimate(row: Mapping[str, Any]) -> Estimate:
    numbers = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "conf_level")
    restored: dict[str, Any] = {k: _float(v) if k in numbers else v for k, v in row.items()}
    return Estimate(**restored)
