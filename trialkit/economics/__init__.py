"""What an effect costs, and what is left of earnings."""

from trialkit.economics.cost_effectiveness import icer
from trialkit.economics.net_income import Benefit, Schedule, net_income

__all__ = ["Benefit", "Schedule", "icer", "net_income"]
