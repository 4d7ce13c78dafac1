"""The plan on simulated data, on real data with made-up arms, data without arms, and the log of who saw the real ones."""
