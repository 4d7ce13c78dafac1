"""How much of an effect goes through an intermediate step, and what that rests on."""
