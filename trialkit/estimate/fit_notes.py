"""What every estimator says in the same words of its fit."""

from __future__ import annotations

from collections.abc import Sequence

from trialkit.errors import shown
from trialkit.estimate.sample import Sample
from trialkit.results import Note


def collinear(left: Sequence[str]) -> Note:
    """Terms that were left out because others hold the same information."""
    return Note("collinear", f"{shown(left, 8)} {'is' if len(left) == 1 else 'are'} a combination of other terms and left out.")


def dependence_ignored(s: Sample, covariance: str) -> Note:
    """A covariance for people alone in a sample with groups or clusters."""
    text = f"covariance='{covariance}' ignores the {s.dependent}: its standard error is too small when they matter."
    return Note("dependence_ignored", text)
