"""A trait from before randomization is as common in one arm as in the other: where it is not, it was perhaps measured later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialkit.errors import TrialkitError
from trialkit.estimate.linear.ancova import design_columns, many_strata, strata_rule
from trialkit.estimate.linear.linear_model import fit_linear
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.estimate.subgroups.moderators import Moderator
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.results import Note
from trialkit.trial import Trial

_SUSPECT = 0.001


def balance_notes(trial: Trial, s: Sample, m: Moderator, request: Request) -> list[Note]:
    """A note when the arms differ in the moderator with p < .001, given the strata and with the trial's units of variance."""
    if m.name in trial.strata:
        return []
    if m.continuous:
        columns = m.values[s.rows][:, None]
    else:
        columns = (m.codes[s.rows][:, None] == np.unique(m.codes[s.rows])[1:]).astype(float)
    p = [_difference_p(trial, s, column, request) for column in columns.T]
    tests = sum(len(values) for values in p)
    smallest = min((v for values in p for v in values), default=1.0)
    if smallest * tests >= _SUSPECT:
        return []
    return [
        Note(
            "moderator_differs_by_arm",
            f"'{m.name}' differs between the arms by more than chance explains (p < .001): was it measured before randomization? Subgroups by a trait "
            "that the programme may have changed compare unlike people.",
        )
    ]


def _difference_p(trial: Trial, s: Sample, column: FloatArray, request: Request) -> list[float]:
    """p of each arm against control; nothing where the trait leaves no test."""
    if np.ptp(column) == 0:
        return []
    plain = replace(s, y=column, X=np.empty((s.n, 0)), terms=())
    try:
        strata, unequal = strata_rule(trial, replace(request, strata_effects="auto"))
        strata = "additive" if strata == "interacted" else strata
        absorb = many_strata(plain, strata)
        design, names = design_columns(trial, plain, "none" if absorb else strata, [], unequal)
        first = 0 if absorb else 1
        model = fit_linear(
            plain, design[:, 1:] if absorb else design, names[1:] if absorb else names, kind="auto", df="auto", absorb=absorb
        )
        found = []
        for a in range(len(s.arms) - 1):
            vector = np.zeros(model.design.shape[1])
            vector[first + a] = 1.0
            found.append(t_test(*model.contrast(vector), 0.95).p_value)
    except TrialkitError:  # the trait is determined by the strata or has no variance: there is nothing to compare
        return []
    return [p for p in found if np.isfinite(p)]
