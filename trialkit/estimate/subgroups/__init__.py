"""Does the effect differ between people? One file a step: the moderator, the estimates, the result."""
