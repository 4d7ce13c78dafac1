"""Kernels of take-up."""
