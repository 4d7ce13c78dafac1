"""Factor models by maximum likelihood: arrays in, frozen results out."""
