"""The randomization schemes: each a subclass of `Design` with the function that makes it."""
