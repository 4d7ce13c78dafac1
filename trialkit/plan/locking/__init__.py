"""Locking a plan and verifying the lock."""
