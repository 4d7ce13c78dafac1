"""Power by simulation: a plan's own analysis on data made from its design section."""
