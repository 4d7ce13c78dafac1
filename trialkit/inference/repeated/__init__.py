"""Repeated measures: covariance structures, likelihood, fit and tests."""
