"""Data out: a data dictionary, and files for SPSS, Stata and spreadsheets with the labels in them."""
