"""Kernels of designs that randomize twice: preference trials and saturation designs."""
