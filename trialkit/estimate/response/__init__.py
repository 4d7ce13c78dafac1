"""Respondents weighted by the inverse of their estimated probability of responding."""
