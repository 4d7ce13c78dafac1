"""Differences of means and proportions by least squares and by weighting."""
