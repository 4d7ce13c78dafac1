"""The same effect by every declared way of analysing it."""
