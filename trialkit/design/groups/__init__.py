"""Forming groups of the people of an arm: the rules, who sits where, the search, and what was reached."""
