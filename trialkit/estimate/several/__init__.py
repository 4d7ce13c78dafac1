"""Several outcomes, arms or trials at once."""
