"""Tests whose reference comes from draws: the design's own, or random signs."""
