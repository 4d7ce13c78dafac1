"""The parts of a report: each takes a `View` and returns a section, or None where there is nothing to say."""
