"""`trialkit export`: the documents of a plan, each with what it leaves to the authors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialkit.cli.show import Told
from trialkit.plan.documents.export import document, export
from trialkit.plan.plan import Plan


def exported(plan: Path, kinds: Sequence[str], target: Path, language: str) -> Told:
    """Write the documents and say which, and how much of each is left to write."""
    read = Plan.load(plan)
    wanted = [k.strip() for given in kinds for k in given.split(",") if k.strip()]
    written = export(read, wanted, target, language=language)
    lines, files = [], []
    for path in written:
        form = None if path.stem == "primary" else document(read, path.stem, language)
        counts = None if form is None else form.counts()
        files.append({"path": str(path), "items": counts})
        left = (
            "" if counts is None else f" ({counts['author'] + counts['part']} of {sum(counts.values())} items need the authors)"
        )
        lines.append(f"{path}{left}")
    return Told("\n".join(lines), {"plan_hash": read.hash, "language": language, "files": files})


def exported_from(what: Path, kinds: Sequence[str], target: Path, language: str) -> Told:
    """The documents of a plan, of a report (its folder or results.json), or of a data file, as the ending tells."""
    from trialkit.cli.export_data import ENDINGS, exported_data
    from trialkit.cli.export_results import export_results
    from trialkit.cli.stored import drawn_from

    if what.suffix.lower() in ENDINGS:
        return exported_data(what, kinds, target)
    if what.is_dir() or what.suffix == ".json":
        with drawn_from(what):
            return export_results(what, kinds, target, language)
    return exported(what, kinds, target, language)
