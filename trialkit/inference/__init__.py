"""Numbers: arrays in, frozen results out. No data frames, no files, no names of columns."""
