"""Scales: the registry, files of one's own, and what is known of each."""
