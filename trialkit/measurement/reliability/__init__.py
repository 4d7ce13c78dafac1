"""Reliability of scales, of ratings and over time."""
