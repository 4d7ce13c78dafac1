"""Equivalence and non-inferiority."""
