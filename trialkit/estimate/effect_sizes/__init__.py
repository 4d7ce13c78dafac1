"""Standardized effects and conversions between them."""
