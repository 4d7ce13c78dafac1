"""Kernels of reach: who is like whom, and averages carried from a trial to other people."""
