"""Deviations from a locked plan: the ledger, what the plan's own difference says, both plans side by side, and errata."""
