"""Designs that randomize twice: who may choose, and how many of a place are treated."""
