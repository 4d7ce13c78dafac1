"""The report: takes results, computes nothing."""
