"""Reliability of scales: arrays in, frozen results out."""
