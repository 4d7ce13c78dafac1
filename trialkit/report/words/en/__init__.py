"""The English of a report, a file a subject."""
