"""Reporting checklists and work sheets, answered from the content of a report."""
