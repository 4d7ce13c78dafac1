"""Commands on an analysis: run it, draw, verify and correct its report, write the documents after it. Each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trialkit.cli.commands.options import DataFile, Json, Languages, PlanFile, Quiet
from trialkit.cli.show import Progress, out, out_json, write_json


def run(
    plan: PlanFile,
    data: DataFile,
    target: Annotated[Path, typer.Option("--out", help="folder of the report")] = Path("report"),
    lock: Annotated[Path | None, typer.Option(help="the lock; if left out, the one beside the plan, if any")] = None,
    language: Languages = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run every planned analysis and write the report."""
    from trialkit.plan.on_record import run_on_record
    from trialkit.plan.plan import Plan
    from trialkit.report.words.languages import asked_languages

    read = Plan.load(plan)
    languages = asked_languages(language or None, read.spec.trial.report_languages)
    with Progress(quiet) as progress:
        content = run_on_record(read, data, lock=lock, fingerprint=True, progress=progress)
        page = content.save(target, language=languages, progress=progress)
    if json:
        # as it was written: where the plan names a minimum cell, without the small counts
        out_json((page.parent / "results.json").read_text(encoding="utf-8").rstrip())
        return
    from trialkit.report.writing.bundle import read_bundle

    out(
        f"{content}\nreport: {page}\nbundle hash: {read_bundle(page.parent)[0]['bundle_hash']} (note it; trialkit verify {target} --noted HASH)"
    )


def report(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="results.json of a run")],
    target: Annotated[Path, typer.Option("--out", help="folder of the report")] = Path("report"),
    language: Languages = None,
) -> None:
    """Draw a report again from results.json; nothing is computed."""
    from trialkit.cli.stored import drawn_from
    from trialkit.report.save import load_content

    with drawn_from(results):
        page = load_content(results).save(target, language=language or None)
    out(f"report: {page}")


def verify(
    lock: Annotated[
        Path,
        typer.Argument(metavar="WHAT", help="the lock of a plan, the folder of a report, or the certificate of an allocation"),
    ],
    plan: Annotated[
        Path | None, typer.Option(help="a plan to hold against the lock; if left out, the one beside it, if any")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="data to hold against the lock or report, or the people of an allocation")
    ] = None,
    noted: Annotated[
        str | None, typer.Option(help="a hash that you noted: of a report's bundle, a lock's manifest or a plan")
    ] = None,
    json: Json = False,
) -> None:
    """Say what a lock, a report or a certificate proves, and whether everything still belongs to it. Works offline."""
    from trialkit.cli.verify import verified

    verified(lock, plan=plan, data=data, noted=noted, json=json)


def erratum(
    earlier: Annotated[Path, typer.Argument(metavar="REPORT", help="folder of the earlier report; it stays as it is")],
    plan: PlanFile,
    data: DataFile,
    reason: Annotated[str | None, typer.Option(help="what was wrong in the software")] = None,
    by: Annotated[str | None, typer.Option(help="who says so")] = None,
    severity: Annotated[str | None, typer.Option(help="as in deviate; if left out, unclear")] = None,
    validity: Annotated[str | None, typer.Option(help="as in deviate; if left out, unclear")] = None,
    target: Annotated[Path, typer.Option("--out", help="folder of the corrected report")] = Path("report_corrected"),
    lock: Annotated[Path | None, typer.Option(help="the lock; if left out, the one beside the plan")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """After a bug: run the locked plan again, hold every number against an earlier report, and show both."""
    from trialkit.cli.deviate import corrected

    given = {"reason": reason, "by": by, "severity": severity, "validity": validity}
    with Progress(quiet) as progress:
        told = corrected(earlier, plan, data, target, given, lock=lock, progress=progress)
    write_json(told.content) if json else out(told.text)


def export(
    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLAN|RESULTS|DATA", help="the plan, a TOML file; or a report, its folder or results.json; or a data file"
        ),
    ],
    kinds: Annotated[
        list[str],
        typer.Option(
            "--as",
            help="sap, spirit, tidier, methods, aea, osf, aspredicted, r, stata; of a report consort, pap, wwc, eef, movisie; or all; of a data file dictionary, sav, dta, csv, xlsx; several with commas or again",
        ),
    ],
    target: Annotated[Path, typer.Option("--out", help="folder of the documents")] = Path("documents"),
    language: Annotated[str, typer.Option(help="language of the documents: en or nl")] = "en",
    json: Json = False,
) -> None:
    """Write documents from a plan: analysis plan, registry texts, protocol skeleton, methods, the lines for R and Stata; from a report: checklist, populated plan, verdicts; from data: a dictionary, and files for SPSS, Stata and Excel with their labels."""
    from trialkit.cli.export import exported_from

    told = exported_from(plan, kinds, target, language)
    write_json(told.content) if json else out(told.text)
