"""Files and data frames: reading them with their labels, and writing results safely.

`read` reads a data file; `to_pandas` and `numeric` take any frame and any column; `labels` and `receipt` say what a file told
about itself; `write` writes folders, texts and tables whole or not at all.
"""
