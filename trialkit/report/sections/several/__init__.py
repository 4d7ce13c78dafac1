"""Sections on several tests of one trial: corrections, methods for few groups, specifications."""
