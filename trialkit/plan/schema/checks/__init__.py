"""What must hold between parts of a plan, one part a file."""
