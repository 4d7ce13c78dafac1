"""`trialkit export` of a report: checklist, populated plan, verdicts and work sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialkit.cli.show import Told
from trialkit.report.export import export_report
from trialkit.report.save import load_content


def export_results(results: Path, kinds: Sequence[str], target: Path, language: str) -> Told:
    """Write the documents of a report (its folder or results.json) and say which."""
    wanted = [k.strip() for given in kinds for k in given.split(",") if k.strip()]
    content = load_content(results)
    written = export_report(content, wanted, target, language=language)
    told = {"plan_hash": content.lock.plan_hash, "language": language, "files": [{"path": str(p)} for p in written]}
    return Told("\n".join(map(str, written)), told)
