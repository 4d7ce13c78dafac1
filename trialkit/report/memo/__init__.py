"""The design memo: one page of a proposal on sample size and power."""
