"""What a longitudinal result holds besides its rows: means, covariances, joint tests, what was observed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from trialkit.estimate.longitudinal.wave_model import WaveModel
from trialkit.estimate.longitudinal.wave_sample import WaveSample
from trialkit.estimate.request import Request
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.repeated.contrasts import RepeatedContrasts
from trialkit.trial import Trial


def details(
    trial: Trial,
    m: WaveModel,
    tests: RepeatedContrasts,
    request: Request,
    pairs: Mapping[str, tuple[int, int]],
) -> dict[str, Any]:
    s = m.sample
    return {
        "waves": list(s.labels), "columns": list(s.columns), "first_follow_up": s.first, "covariance_structure": m.structure,
        "group_structure": m.group_structure, "adjust": list(request.adjust), "deviance": m.fit.minus2, "aic": m.fit.aic, "bic": m.fit.bic,
        "n_parameters": m.fit.n_parameters, "iterations": m.fit.iterations, "variance_components": _components(m), "covariances": _covariances(m),
        "means": _means(m, tests, request.conf_level), "observed": _observed(trial, s),
        "joint": {name: _joint(m, tests, pair) for name, pair in pairs.items()},
    }  # fmt: skip


def _means(m: WaveModel, tests: RepeatedContrasts, level: float) -> list[dict[str, Any]]:
    s, out = m.sample, []
    for a, arm in enumerate(s.arms):
        for j, wave in enumerate(s.labels):
            estimate, std_error, df = tests.test(m.kept(m.design.mean(a, j)))
            test = t_test(estimate, std_error, df, level)
            out.append(
                {
                    "arm": arm, "wave": wave, "estimate": estimate, "std_error": std_error, "df": df, "conf_low": test.conf_low,
                    "conf_high": test.conf_high, "n": int((s.seen[:, j] & (s.arm == a)).sum()),
                }
            )  # fmt: skip
    return out


def _observed(trial: Trial, s: WaveSample) -> list[dict[str, Any]]:
    out = []
    for a, arm in enumerate(s.arms):
        for j, wave in enumerate(s.labels):
            y = s.y[s.seen[:, j] & (s.arm == a), j]
            row = {
                "arm": arm,
                "wave": wave,
                "column": s.columns[j],
                "n_randomized": int((trial.arm_codes == a).sum()),
                "n": len(y),
            }
            out.append(row | {"mean": float(y.mean()), "sd": float(y.std(ddof=1))})
    return out


def _joint(m: WaveModel, tests: RepeatedContrasts, pair: tuple[int, int]) -> dict[str, float]:
    C = np.array([m.kept(m.design.difference(*pair, {j: 1.0})) for j in m.sample.follow_ups])
    try:
        t = tests.joint(C)
    except ValueError:  # more follow-ups than the data can tell apart
        return {"statistic": math.nan, "df_num": len(C), "df_denom": math.nan, "p_value": math.nan}
    return {"statistic": t.statistic, "df_num": t.df_num, "df_denom": t.df_denom, "p_value": t.p_value}


def _covariances(m: WaveModel) -> dict[str, Any]:
    labels, fit = list(m.sample.labels), m.fit
    out = {"people": [{"arm": a, "waves": labels, "matrix": fit.sigma[i].tolist()} for i, a in enumerate(m.people_arms)]}
    if m.group_arms:
        what = "clusters" if m.sample.cluster is not None else "groups"
        out[what] = [{"arm": a, "waves": labels, "matrix": fit.gamma[i].tolist()} for i, a in enumerate(m.group_arms)]
    return out


def _components(m: WaveModel) -> dict[str, float]:
    """Flat names of variances and covariances, and the ICC of each wave, truncated at zero."""
    out: dict[str, float] = {}
    for sigma, arm in zip(m.fit.sigma, m.people_arms):
        out |= _entries(sigma, "resid", m.sample.labels, range(m.sample.waves), "" if arm is None else f"_{arm}")
    what = "cluster" if m.sample.cluster is not None else "group"
    for gamma, arm in zip(m.fit.gamma, m.group_arms):
        inside = range(0 if m.sample.cluster is not None else m.sample.first, m.sample.waves)
        behind = f"_{arm}" if len(m.group_arms) > 1 else ""
        out |= _entries(gamma, what, m.sample.labels, inside, behind)
        if arm is None and len(m.people_arms) > 1:  # clusters of all arms beside people by arm: an ICC in each
            for sigma, own in zip(m.fit.sigma, m.people_arms):
                out |= _iccs(gamma, sigma, m.sample.labels, inside, f"_{own}")
            continue
        sigma = m.fit.sigma[m.people_arms.index(arm) if arm in m.people_arms else 0]
        out |= _iccs(gamma, sigma, m.sample.labels, inside, behind)
    return out


def _entries(matrix: FloatArray, what: str, labels: Sequence[Hashable], inside: range, behind: str) -> dict[str, float]:
    out = {}
    for i in inside:
        out[f"var_{what}_{labels[i]}{behind}"] = float(matrix[i, i])
        for j in range(i + 1, inside.stop):
            out[f"cov_{what}_{_pair(labels[i], labels[j])}{behind}"] = float(matrix[i, j])
    return out


def _pair(a: Hashable, b: Hashable) -> str:
    return f"{a}{b}" if len(str(a)) == len(str(b)) == 1 else f"{a}_{b}"


def _iccs(gamma: FloatArray, sigma: FloatArray, labels: Sequence[Hashable], inside: range, behind: str) -> dict[str, float]:
    between = np.maximum(np.diag(gamma), 0.0)
    return {f"icc_{labels[j]}{behind}": float(between[j] / (between[j] + sigma[j, j])) for j in inside}
