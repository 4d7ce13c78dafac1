"""Kernels of mediation analysis: nested means, resampled paths, draws and their intervals, sensitivity."""
