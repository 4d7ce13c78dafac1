"""Bounds of an effect when outcomes are missing: trimming with weights, and assumed means of those lost."""
