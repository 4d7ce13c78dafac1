"""Times to an event: hazard ratios, restricted means, shares with the event, log-rank tests."""
