"""Power of a plan's mediation question by simulation: its world, and `tk.mediate` for thousands of replicates at once."""
