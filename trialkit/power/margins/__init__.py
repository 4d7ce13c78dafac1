"""What power against a margin is made of: rates, the scales of ratios, and the two one-sided tests."""
