"""A report as files: page, Word file, bundle."""
