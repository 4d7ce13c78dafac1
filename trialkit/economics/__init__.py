"""What an effect costs."""

from trialkit.economics.cost_effectiveness import icer

__all__ = ["icer"]
