"""Who was reached, how like the population they are, and what the trial says about the others."""
