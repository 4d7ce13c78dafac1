"""Tests and intervals by draws: assignments, resampled units, signs."""
