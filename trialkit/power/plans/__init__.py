"""Power of what a plan says: its outcomes on a scale, its sizes, and the answer in words."""
