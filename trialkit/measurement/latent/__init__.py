"""Effects on what a scale measures, its items measured with error."""
