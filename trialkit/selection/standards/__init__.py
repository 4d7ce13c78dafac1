"""Verdicts by published evidence standards, with the margin to each boundary."""

from trialkit.selection.standards.attrition_room import attrition_room
from trialkit.selection.standards.wwc import wwc_rating

__all__ = ["attrition_room", "wwc_rating"]
