"""A small trial with repeated measures, groups and missing waves, and its model in dense matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from trialkit.inference.repeated.covariance_structures import structure
from trialkit.inference.repeated.data import repeated_data
from trialkit.inference.repeated.fit import fit_repeated
from trialkit.inference.repeated.likelihood import CovarianceModel

DATA = Path(__file__).parents[1] / "reference" / "data"
AFTER = np.array([False, True, True])


def small_trial(seed: int = 1, people: int = 60, waves: int = 3):
    """y (n, T), X (n, T, T + 2 + 1), arm and group: six groups of five in the treated arm."""
    rng = np.random.default_rng(seed)
    group = np.r_[np.repeat(np.arange(6), 5), -np.ones(people - 30)].astype(int)
    arm = (group >= 0).astype(int)
    y = rng.normal(size=(people, waves)) + rng.normal(size=(people, 1))
    y[:30, 1:] += 1.3 * rng.normal(size=(6, waves - 1))[group[:30]]
    y[rng.random((people, waves)) < 0.25] = np.nan
    y[np.isnan(y).all(axis=1), 0] = 0.3
    X = np.zeros((people, waves, waves + 3))
    X[:, np.arange(waves), np.arange(waves)] = 1
    X[:, 1, waves] = X[:, 2, waves + 1] = arm
    X[:, :, waves + 2] = rng.normal(size=(people, 1))
    return y, X, arm, group


def dense(y, X, sigma, gamma, part, group):
    """V (N, N), X (N, K) and y (N,) of the rows seen; gamma for all groups."""
    n, waves = y.shape
    V = np.zeros((n * waves, n * waves))
    for i in range(n):
        for j in range(n):
            block = (sigma[part[i]] if i == j else 0) + (gamma if group[i] >= 0 and group[i] == group[j] else 0)
            V[i * waves : (i + 1) * waves, j * waves : (j + 1) * waves] += block
    seen = np.isfinite(y).ravel()
    return V[np.ix_(seen, seen)], X.reshape(n * waves, -1)[seen], y.ravel()[seen]


def dense_minus2(V, X, y, reml=True):
    """-2 log (restricted) likelihood, with its constant."""
    Vi = np.linalg.inv(V)
    A = X.T @ Vi @ X
    r = y - X @ np.linalg.solve(A, X.T @ Vi @ y)
    n, k = X.shape
    value = np.linalg.slogdet(V)[1] + r @ Vi @ r
    return value + (np.linalg.slogdet(A)[1] + (n - k) * np.log(2 * np.pi) if reml else n * np.log(2 * np.pi))


def fit(y, X, names=("us", None), *, part=None, group=None, reml=True, inside=None, times=None):
    """A fit with structures for people and for groups."""
    waves = y.shape[1]
    parts = 1 if part is None else int(part.max()) + 1
    people = (structure(names[0], waves, times=times),) * parts
    groups = () if names[1] is None else (structure(names[1], waves, inside=AFTER if inside is None else inside),)
    data = repeated_data(y=y, X=X, part=part, group=group if groups else None)
    return fit_repeated(data, CovarianceModel(people, groups), reml=reml)


def fev(terms: str):
    """FEV1 of fev_data (n, 4) with the design '1', 'arm', 'arm + sex' or 'race + sex + arm * visit', one row a person with a value."""
    d = pd.read_csv(DATA / "fev_data.csv")
    wide = d.pivot(index="USUBJID", columns="AVISIT", values="FEV1")
    people = d.drop_duplicates("USUBJID").set_index("USUBJID").loc[wide.index]
    y = wide.to_numpy()
    n, waves = y.shape
    treated, female = (people["ARMCD"] == "TRT").to_numpy(float), (people["SEX"] == "Female").to_numpy(float)
    race = pd.get_dummies(people["RACE"], drop_first=True).to_numpy(float)

    def constant(v):
        return np.broadcast_to(v[:, None, None], (n, waves, 1))

    visits = np.broadcast_to(np.eye(waves), (n, waves, waves))
    columns = {
        "1": [constant(np.ones(n))],
        "arm": [constant(np.ones(n)), constant(treated)],
        "arm + sex": [constant(np.ones(n)), constant(treated), constant(female)],
        "race + sex + arm * visit": [
            visits, visits * treated[:, None, None], constant(race[:, 0]), constant(race[:, 1]), constant(female),
        ],
    }[terms]  # fmt: skip
    seen = np.isfinite(y).any(axis=1)
    return y[seen], np.concatenate(columns, axis=2)[seen]
