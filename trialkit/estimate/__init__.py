"""Effects: each estimator is a file and a line in the registry."""
