"""The mixed model's own options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialkit.errors import CombinationError, UsageError
from trialkit.estimate.request import Request
from trialkit.trial import Trial

OPTIONS = ("residual_by_arm", "random_by_arm", "random")


@dataclass(frozen=True, slots=True)
class MixedOptions:
    """Options of estimator='mixed'.

    Attributes
    ----------
    residual_by_arm : a residual variance for each arm. By default (None) yes with groups in some arms, where the arms differ in what happens to
        people, and no with randomized clusters or random sites alone.
    random_by_arm : with randomized clusters, a variance between clusters for each arm (default: one for all). Groups always have a variance for each
        grouped arm.
    random : further columns with a random intercept, such as ['site'], or ['facilitator'] for the column of that role; crossed with groups or not.
        A stratum named here has random instead of fixed effects.
    """

    residual_by_arm: bool | None = None
    random_by_arm: bool = False
    random: tuple[str, ...] = ()


def mixed_options(trial: Trial, request: Request) -> MixedOptions:
    """The options of a request, checked, and refusals of what the model cannot do."""
    if trial.weights is not None:
        raise CombinationError(
            "estimator='mixed' takes no weights, because a weighted likelihood is not the likelihood of a sample: use estimator='ancova', whose CR2 "
            "standard errors hold with weights."
        )
    if request.average != "participant":
        raise CombinationError(
            f"estimator='mixed' weights each group by its precision, so average='{request.average}' has no meaning: use estimator='ancova'."
        )
    given: Mapping[str, Any] = request.options
    for name in ("residual_by_arm", "random_by_arm"):
        if not isinstance(given.get(name), (bool, type(None))):
            raise UsageError(f"{name}={given[name]!r} is not True or False.")
    random = tuple(_resolved(trial, name) for name in _names(given.get("random", ())))
    if given.get("random_by_arm") and trial.cluster is None:
        raise CombinationError(
            "random_by_arm is for randomized clusters (Trial(cluster=...)): groups have a variance for each grouped arm already."
        )
    for name in random:
        _check_random(trial, request, name)
    return MixedOptions(given.get("residual_by_arm"), bool(given.get("random_by_arm")), random)


def _names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(value, str):
        raise UsageError(f"random takes a list of columns: write random=['{value}'].")
    names = tuple(value or ())
    if len(set(names)) < len(names):
        raise UsageError("random names a column twice.")
    return names


def _resolved(trial: Trial, name: str) -> str:
    """'facilitator' is the column of that role, unless a column has that name."""
    return trial.facilitator if name == "facilitator" and name not in trial.data.columns and trial.facilitator else name


def _check_random(trial: Trial, request: Request, name: str) -> None:
    trial.column(name)
    taken = {trial.arm: "the arm", request.outcome: "the outcome", trial.unit: "the identifier of people"}
    if name in taken:
        raise UsageError(f"random holds '{name}', which is {taken[name]}: name a column such as the site or the facilitator.")
    if name in request.adjust:
        raise UsageError(f"'{name}' stands in adjust and in random: its effects are fixed or random, not both.")
    if name in (trial.group, trial.cluster):
        raise UsageError(f"random holds '{name}', whose random intercept is in the model already: leave it out of random.")
