"""Moderated mediation: saturated by a binary moderator it is two separate analyses; slopes by hand; groups; bad requests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from tests.estimate.mediation.core_trials import grouped, people, trial
from trialkit.errors import UsageError
from trialkit.results import Result


def varied(seed: int, n: int = 300, groups: int = 0) -> pd.DataFrame:
    d = people(seed, n=n, groups=groups)
    arm = (d["arm"] == "peer").to_numpy(float)
    rng = np.random.default_rng(seed + 50)
    drive = rng.normal(size=n)
    m1 = d["m1"] + 0.4 * drive * arm
    return d.assign(drive=drive, keen0=(drive > 0).astype(int), m1=m1, y1=d["y1"] + 0.3 * drive * m1)


def mediated(d, t=trial, **kw):
    return tk.mediate(t(d), "y1", mediator="m1", **({"adjust": ["drive", "m0"], "inference": "delta"} | kw))


def test_a_binary_moderator_gives_the_two_analyses_of_its_halves():
    d = varied(1)
    whole = tk.mediation.moderated(mediated(d, adjust=["keen0"]), "keen0")
    for value in (0, 1):
        part = mediated(d[d["keen0"] == value], adjust=[])
        for name in ("acme_control", "acme_treated", "ade_control", "ade", "total"):
            row = whole.effect(name, value)
            assert row.estimate == pytest.approx(part.effect(name).estimate, abs=1e-9)
            assert row.std_error == pytest.approx(part.effect(name).std_error, rel=1e-4)
    gap = whole.effect("acme", "difference")
    ends = [whole.effect("acme", v) for v in (1, 0)]
    assert gap.estimate == pytest.approx(ends[0].estimate - ends[1].estimate, abs=1e-12)
    assert gap.std_error == pytest.approx(np.hypot(ends[0].std_error, ends[1].std_error), rel=1e-4)


@pytest.mark.parametrize("interaction", [False, True])
def test_paths_by_hand(interaction):
    d = varied(2)
    t, w, m = (d["arm"] == "peer").to_numpy(float), d["drive"].to_numpy(), d["m1"].to_numpy()
    base = np.column_stack([np.ones(len(d)), t, w, d["m0"], t * w])
    a = np.linalg.lstsq(base, m, rcond=None)[0]
    extra = [m, m * w, t * m, t * m * w][: 2 + 2 * interaction]
    b = np.linalg.lstsq(np.column_stack([base, *extra]), d["y1"].to_numpy(), rcond=None)[0]
    r = tk.mediation.moderated(mediated(d, interaction=interaction), "drive", at=[-0.5, 1.5])
    for value in (-0.5, 1.5):
        slope = b[5] + value * b[6] + (b[7] + value * b[8] if interaction else 0.0)
        assert r.effect("acme_treated", value).estimate == pytest.approx((a[1] + a[4] * value) * slope, rel=1e-9)
        m0 = a[0] + a[2] * value + a[3] * d["m0"].mean()
        direct = b[1] + b[4] * value + ((b[7] + value * b[8]) * m0 if interaction else 0.0)
        assert r.effect("ade_control", value).estimate == pytest.approx(direct, rel=1e-8)


def test_groups_units_and_row_order():
    d = varied(3, n=320, groups=8)
    r = tk.mediation.moderated(mediated(d, grouped), "drive", at=[0, 1])
    assert {e.covariance for e in r.estimates} == {"CR2"}
    assert r.effect("total", 0).df < 40
    moved = d.assign(drive=100 + 10 * d["drive"], m1=2 - 3 * d["m1"]).sample(frac=1, random_state=1).reset_index(drop=True)
    s = tk.mediation.moderated(mediated(moved, grouped), "drive", at=[100, 110])
    for a, b in zip(r.estimates, s.estimates, strict=True):
        assert (b.estimate, b.std_error, b.df) == pytest.approx((a.estimate, a.std_error, a.df), rel=1e-5, abs=1e-9)


def test_defaults_storage_and_bad_requests():
    d = varied(4)
    m = mediated(d)
    r = tk.mediation.moderated(m, "drive")
    assert r.details["at"] == pytest.approx([d["drive"].mean() - d["drive"].std(), d["drive"].mean() + d["drive"].std()])
    assert str(Result.from_dict(r.to_dict())) == str(r)
    assert "beyond_the_data" in {n.code for n in tk.mediation.moderated(m, "drive", at=[0, 50]).notes}
    for call, says in (
        (lambda: tk.mediation.moderated(m, "y0"), "adjusted for"),
        (lambda: tk.mediation.moderated(mediated(d, adjust=["site"]), "site"), "numeric"),
        (lambda: tk.mediation.moderated(m, "drive", at=[1]), "two or more"),
        (lambda: r.effect("acme", 7.0), "is one of"),
    ):
        with pytest.raises(UsageError, match=says):
            call()
