"""The plan and its answers in words."""
