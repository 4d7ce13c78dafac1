"""What an analysis of one moderator hands back, before it becomes rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trialkit.estimate.subgroups.moderators import Moderator
from trialkit.inference.distributions import t_test
from trialkit.inference.linear.wald import WaldTest
from trialkit.results import Note


@dataclass(frozen=True, slots=True)
class Interaction:
    """Whether the effect of one contrast differs: a difference or slope (df_num 1), or a joint test without an estimate.

    Ratios are on the log scale throughout.
    """

    contrast: str
    comparison: str
    estimate: float
    std_error: float
    statistic: float
    df_num: int
    df: float
    p_value: float
    estimand: str


@dataclass(frozen=True, slots=True)
class SubgroupEffect:
    """The effect of one contrast in a subgroup, or at a value of a continuous moderator."""

    contrast: str
    subgroup: str
    estimate: float
    std_error: float
    df: float
    n: int
    n_clusters: int
    n_groups: int
    estimand: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Modification:
    """Interactions first, effects second; `n`, `n_clusters`, `n_groups` are those of the interaction test."""

    interactions: tuple[Interaction, ...]
    effects: tuple[SubgroupEffect, ...]
    n: int
    n_clusters: int
    n_groups: int
    method: str
    covariance: str
    notes: tuple[Note, ...]
    details: Mapping[str, Any] = field(default_factory=dict)


def single(
    contrast: str, comparison: str, found: tuple[float, float, float], base: str, m: Moderator, ratio: bool = False
) -> Interaction:
    """A difference, trend or slope, from its estimate, standard error and df."""
    estimate, se, df = found
    test = t_test(estimate, se, df, 0.95)
    kind = {
        "categorical": f"{'ratio' if ratio else 'difference'} between subgroups of the {base}", "ordinal": f"change in the {base} per step of the score",
        "continuous": f"change in the {base} per unit of the moderator",
    }[m.kind]  # fmt: skip
    return Interaction(contrast, comparison, estimate, se, test.statistic, 1, df, test.p_value, kind)


def any_difference(contrast: str, comparison: str, test: WaldTest, base: str) -> Interaction:
    """A joint test that all subgroups have one effect."""
    nan = float("nan")
    return Interaction(
        contrast,
        comparison,
        nan,
        nan,
        test.statistic,
        test.df_num,
        test.df_denom,
        test.p_value,
        f"differences between subgroups in the {base}",
    )


def words_of(m: Moderator, labels: Sequence[str], ratio: bool = False) -> str:
    """What is compared: 'female - male', 'per step of the score', 'any difference among 3'."""
    if m.kind == "ordinal":
        return "per step of the score"
    return f"{labels[1]} {'/' if ratio else '-'} {labels[0]}" if len(labels) == 2 else f"any difference among {len(labels)}"
