"""Invariance of a scale over waves and arms."""
