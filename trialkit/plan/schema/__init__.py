"""The plan as data: sections, their defaults and what must hold between them."""
