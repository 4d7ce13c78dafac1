"""Who takes up the offer, how much of it, and what can be said of the effect on each kind of person."""
