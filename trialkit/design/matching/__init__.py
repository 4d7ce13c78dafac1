"""Alike units in pairs or larger tuples."""
