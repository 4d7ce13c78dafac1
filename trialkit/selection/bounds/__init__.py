"""Bounds of an effect when outcomes are missing, from the weakest assumption to stronger ones."""

from trialkit.selection.bounds.assumed import kling_liebman
from trialkit.selection.bounds.result import BoundsResult
from trialkit.selection.bounds.trimmed import lee_bounds
from trialkit.selection.bounds.worst_case import manski_bounds

__all__ = ["BoundsResult", "kling_liebman", "lee_bounds", "manski_bounds"]
