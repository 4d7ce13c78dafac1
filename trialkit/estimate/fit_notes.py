"""What every estimator says in the same words of its fit."""

from __future__ import annotations

from collections.abc import Sequence

from trialkit.errors import shown
from trialkit.estimate.sample import Sample
from trialkit.results import Note

SMALL_ARM = 20


def collinear(left: Sequence[str]) -> Note:
    """Terms that were left out because others hold the same information."""
    return Note("collinear", f"{shown(left, 8)} {'is' if len(left) == 1 else 'are'} a combination of other terms and left out.")


def dependence_ignored(s: Sample, covariance: str) -> Note:
    """A covariance for people alone in a sample with groups or clusters."""
    text = f"covariance='{covariance}' ignores the {s.dependent}: its standard error is too small when they matter."
    return Note("dependence_ignored", text)


def normal_small_arm(s: Sample, remedy: str) -> list[Note]:
    """With a handful of people in an arm a normal interval on an estimated variance is too narrow: at 8 an arm it missed 11-12 times in 100."""
    counts = {label: int((s.arm == code).sum()) for code, label in enumerate(s.arms)}
    few = ", ".join(f"{n} in {label}" for label, n in counts.items() if n < SMALL_ARM)
    return (
        [Note("small_arm", f"few people ({few}): the interval is normal and too narrow for so few; better is {remedy}.")]
        if few
        else []
    )
