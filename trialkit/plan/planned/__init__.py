"""The planned analyses, one a file: what the plan asks for, done with the data."""
