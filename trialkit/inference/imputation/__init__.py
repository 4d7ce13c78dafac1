"""Draws for missing values, and the pooling of what the completed data sets give."""
