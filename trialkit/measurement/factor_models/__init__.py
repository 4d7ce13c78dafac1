"""Factor models by maximum likelihood."""
