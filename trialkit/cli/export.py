"""`trialkit export`: the documents of a plan, each with what it leaves to the authors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialkit.cli.show import Told
from trialkit.errors import FileReadError, UsageError
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

    if not what.exists() and what.suffix != ".toml":
        raise FileReadError(f"there is no file or folder '{what}': name a plan, the folder of a report, or a data file.")
    _of_its_kind(what, kinds, data=what.suffix.lower() in ENDINGS)
    if what.suffix.lower() in ENDINGS:
        return exported_data(what, kinds, target)
    if what.is_dir() or what.suffix == ".json":
        with drawn_from(what):
            return export_results(what, kinds, target, language)
    return exported(what, kinds, target, language)


def _of_its_kind(what: Path, kinds: Sequence[str], *, data: bool) -> None:
    """Refuse a document that is made from something else, and say from what."""
    from trialkit.cli.export_data import FORMS
    from trialkit.plan.documents.export import DOCUMENTS
    from trialkit.report.export import KINDS

    sources = {
        **dict.fromkeys(FORMS, ("data", "data.csv")),
        **dict.fromkeys(KINDS, ("a report", "report")),
        **dict.fromkeys(DOCUMENTS, ("a plan", "plan.toml")),
    }
    present = "data" if data else "a report" if what.is_dir() or what.suffix == ".json" else "a plan"
    for kind in (k.strip() for given in kinds for k in given.split(",")):
        source, example = sources.get(kind, (present, ""))
        if source != present:
            raise UsageError(
                f"'{kind}' is made from {source}, and '{what.name}' is {present}: trialkit export {example} --as {kind}"
            )
