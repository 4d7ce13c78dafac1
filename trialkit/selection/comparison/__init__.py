"""Comparisons that nobody randomized: how much selection it takes to explain them, and what it did where a trial tells."""
