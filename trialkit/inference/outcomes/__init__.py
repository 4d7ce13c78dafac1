"""Shares, counts, ordered outcomes and quantiles."""
