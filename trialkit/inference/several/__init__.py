"""Several tests, arms and trials."""
