"""Disclosure control: which counts of people a report withholds, and its content without them."""
