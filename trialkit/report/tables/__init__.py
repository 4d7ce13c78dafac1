"""The tables of a report as data frames, unrounded, as they go to CSV."""
