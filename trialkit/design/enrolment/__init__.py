"""Rolling enrolment: people allocated as they come, in a file that can only grow."""
