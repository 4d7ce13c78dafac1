"""What a report says, as data: every number a reader sees stands here first, and so in results.json.

A run fills a `ReportContent`; the pages, figures and tables are drawn from it and from nothing else.
"""

from __future__ import annotations

from trialkit.report.content.measurement import MeasurementContent, ScaleContent
from trialkit.report.content.outcomes import ArmContent, OutcomeContent, Verdict
from trialkit.report.content.report_content import CONTENT_VERSION, LockContent, ReportContent

__all__ = [
    "CONTENT_VERSION",
    "ArmContent",
    "LockContent",
    "MeasurementContent",
    "OutcomeContent",
    "ReportContent",
    "ScaleContent",
    "Verdict",
]
