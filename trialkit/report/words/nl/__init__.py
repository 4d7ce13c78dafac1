"""The Dutch of a report, the twins of `en`, and of the notes that results hold in English."""
