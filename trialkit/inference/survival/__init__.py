"""Times to an event: curves, tests and regression."""
