"""The commands of `trialkit`; each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trialkit.cli.blind import blind
from trialkit.cli.show import Progress, out, write_json
from trialkit.errors import UsageError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Randomized field trials of group-based social programmes: plan, lock, analyse, report.",
)  # fmt: skip
app.add_typer(blind, name="blind")

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="the plan, a TOML file")]
DataFile = Annotated[Path, typer.Argument(metavar="DATA", help=".csv .sav .dta .xlsx or .parquet")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]
Force = Annotated[bool, typer.Option("--force", help="replace a file that is already there")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress")]
Languages = Annotated[
    list[str] | None,
    typer.Option("--language", "--lang", help="en or nl; twice for both, the first on index.html; unsaid: those of the plan"),
]


def command(application: typer.Typer) -> Any:
    return typer.main.get_command(application)


def _version(asked: bool) -> None:
    if asked:
        from trialkit import __version__

        out(f"trialkit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")] = False,
) -> None:
    """Options of the whole command."""


@app.command()
def init(
    target: Annotated[Path, typer.Argument(metavar="PLAN", help="where to write the plan")] = Path("plan.toml"),
    title: Annotated[str | None, typer.Option(help="title of the trial")] = None,
    population: Annotated[str | None, typer.Option(help="who is randomized, in words")] = None,
    control: Annotated[str | None, typer.Option(help='the control arm, as in solo="Individual support"')] = None,
    treatment: Annotated[str | None, typer.Option(help='the other arm, as in peer="A peer group"')] = None,
    grouped: Annotated[
        bool | None, typer.Option("--grouped/--individual", help="does the new programme put people in groups?")
    ] = None,
    group_size: Annotated[str | None, typer.Option(help="smallest and largest group, as in 10-15")] = None,
    people: Annotated[str | None, typer.Option(help="planned number of people")] = None,
    waves: Annotated[str | None, typer.Option(help='times of measurement, as in "t0=before, t1=after six months"')] = None,
    scale: Annotated[
        str | None, typer.Option(help="key of the scale that is the primary outcome; trialkit scales lists them")
    ] = None,
    form: Annotated[str | None, typer.Option(help="form of the scale, where it has several")] = None,
    subscale: Annotated[str | None, typer.Option(help="part of the scale")] = None,
    code_range: Annotated[str | None, typer.Option(help="lowest and highest code of its answers, as in 1-7")] = None,
    items: Annotated[str | None, typer.Option(help='columns of its answers, as in "gse_{wave}_{item}"')] = None,
    outcome: Annotated[str | None, typer.Option(help="name of the primary outcome")] = None,
    label: Annotated[str | None, typer.Option(help="the outcome in words")] = None,
    column: Annotated[str | None, typer.Option(help="column that holds it")] = None,
    kind: Annotated[str | None, typer.Option(help="of the column: binary or number")] = None,
    baseline: Annotated[str | None, typer.Option(help="column of the same measurement before randomization")] = None,
    better: Annotated[str | None, typer.Option(help="higher or lower")] = None,
    worthwhile: Annotated[
        str | None, typer.Option(help="smallest worthwhile effect, in units of the outcome (a share as 0.05); of a scale in SDs")
    ] = None,
    strata: Annotated[str | None, typer.Option(help="columns used in the randomization, with commas")] = None,
    adjust: Annotated[str | None, typer.Option(help="baseline covariates, with commas")] = None,
    languages: Annotated[str | None, typer.Option("--language", "--lang", help="of the report: en, nl or en,nl")] = None,
    seed: Annotated[int, typer.Option(help="seed of the simulated data")] = 1,
    simulated: Annotated[
        bool, typer.Option("--simulated/--no-simulated", help="also write made-up data that fit the plan")
    ] = True,
    defaults: Annotated[bool, typer.Option("--defaults", help="ask nothing: what no flag says takes its default")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the plan; nothing is written")] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Write a commented plan, and made-up data on which it runs at once; on a terminal, what no flag says is asked for."""
    from trialkit.cli.init import on_a_terminal, start

    given = {
        "title": title, "population": population, "control": control, "treatment": treatment, "grouped": grouped, "group_size": group_size,
        "people": people, "waves": waves, "scale": scale, "form": form, "subscale": subscale, "code_range": code_range, "items": items, "outcome": outcome,
        "label": label, "column": column, "kind": kind, "baseline": baseline, "better": better, "worthwhile": worthwhile, "strata": strata,
        "adjust": adjust, "languages": languages,
    }  # fmt: skip
    asks = on_a_terminal() and not defaults
    told = start(target, given, seed=seed, asks=asks, force=force, simulate=simulated, dry_run=dry_run)
    write_json(told.content) if json else out(told.text)


@app.command()
def check(
    plan: PlanFile,
    data: Annotated[Path | None, typer.Argument(metavar="[DATA]", help="data to hold against the plan")] = None,
    language: Annotated[
        str | None, typer.Option("--language", "--lang", help="en or nl; unsaid: en. With DATA always English")
    ] = None,
    json: Json = False,
) -> None:
    """Explain a plan back in words, with what deserves a second look; with DATA, say whether they fit."""
    from trialkit.cli.check import explained, fitting
    from trialkit.plan.plan import Plan

    read = Plan.load(plan)
    told = explained(read, language or "en") if data is None else fitting(read, data, plan.name)
    write_json(told.content) if json else out(told.text)


@app.command()
def lock(
    plan: PlanFile,
    target: Annotated[Path | None, typer.Option("--out", help="where to write the lock; unsaid: beside the plan")] = None,
    amend: Annotated[str | None, typer.Option(help="reason for a change after an earlier lock")] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(
            help="attach a file to the lock: a timestamp, the stored text of a registration, a statement, a certificate"
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="of the evidence: timestamp, registry, custody or allocation; unsaid: by its ending")
    ] = None,
    id: Annotated[str | None, typer.Option(help="number of the registration; unsaid: the one in the plan")] = None,
    by: Annotated[str | None, typer.Option(help="who attaches the evidence")] = None,
    json: Json = False,
) -> None:
    """Lock a plan: its hash, the data it expects, the software. With --evidence, attach what others hold of it."""
    from trialkit.plan.plan import Plan

    if evidence is not None:
        from trialkit.cli.lock import attach_evidence

        told = attach_evidence(plan, target, evidence, amend=amend, kind=kind, id=id, by=by)
        write_json(told.content) if json else out(told.text)
        return
    if kind is not None or id is not None or by is not None:
        raise UsageError(
            "--kind, --id and --by say what a file of evidence is: give the file too, as in --evidence registry.txt."
        )
    made = Plan.load(plan).lock(target, amend=amend)
    if json:
        write_json(
            {"path": str(made.path), "plan_hash": made.plan_hash, "manifest_hash": made.manifest_hash, "level": made.level}
        )
        return
    out(str(made))


@app.command()
def run(
    plan: PlanFile,
    data: DataFile,
    target: Annotated[Path, typer.Option("--out", help="folder of the report")] = Path("report"),
    lock: Annotated[Path | None, typer.Option(help="the lock; unsaid: the one beside the plan, if any")] = None,
    language: Languages = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run every planned analysis and write the report."""
    from trialkit.plan.plan import Plan
    from trialkit.report.languages import asked_languages

    read = Plan.load(plan)
    languages = asked_languages(language or None, read.spec.trial.report_languages)
    with Progress(quiet) as progress:
        read.fingerprint(data)
        content = read.run(data, lock=lock, progress=progress)
        page = content.save(target, language=languages, progress=progress)
    if json:
        # as it was written: where the plan names a minimum cell, without the small counts
        out((page.parent / "results.json").read_text(encoding="utf-8").rstrip())
        return
    from trialkit.report.bundle import read_bundle

    out(
        f"{content}\nreport: {page}\nbundle hash: {read_bundle(page.parent)[0]['bundle_hash']} (note it; trialkit verify {target} --noted HASH)"
    )


@app.command()
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


@app.command()
def verify(
    lock: Annotated[
        Path,
        typer.Argument(metavar="WHAT", help="the lock of a plan, the folder of a report, or the certificate of an allocation"),
    ],
    plan: Annotated[Path | None, typer.Option(help="a plan to hold against the lock; unsaid: the one beside it, if any")] = None,
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


@app.command()
def deviate(
    plan: PlanFile,
    path: Annotated[
        str | None, typer.Option(help="the key of the plan; unsaid: every change that the ledger does not tell")
    ] = None,
    type: Annotated[
        str | None,
        typer.Option(help="hypothesis, sample, measure, exclusion, model, multiplicity or software; unsaid: by the key"),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="why")] = None,
    timing: Annotated[str | None, typer.Option(help="before_data, blinded or after_unblinding")] = None,
    severity: Annotated[
        str | None, typer.Option(help="what becomes of the severity of the test: unchanged, reduced, increased or unclear")
    ] = None,
    validity: Annotated[str | None, typer.Option(help="and of the validity of the conclusion: the same words")] = None,
    by: Annotated[str | None, typer.Option(help="who logs it")] = None,
    approved: Annotated[str | None, typer.Option(help="who agreed, such as an ethics committee")] = None,
    original: Annotated[str | None, typer.Option(help="what was planned, for what stands in no key")] = None,
    new: Annotated[str | None, typer.Option(help="what was done instead, for what stands in no key")] = None,
    lock: Annotated[Path | None, typer.Option(help="the lock; unsaid: the one beside the plan")] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="show the ledger and what it does not tell; nothing is written")
    ] = False,
    json: Json = False,
) -> None:
    """Write deviations from a locked plan into its ledger; on a terminal, what is not said is asked for."""
    from trialkit.cli.deviate import deviate as log
    from trialkit.cli.deviate import listed

    given = {
        "type": type,
        "reason": reason,
        "timing": timing,
        "severity": severity,
        "validity": validity,
        "by": by,
        "approved": approved,
    }
    told = listed(plan, lock) if listing else log(plan, given, path=path, original=original, new=new, lock=lock)
    write_json(told.content) if json else out(told.text)


@app.command()
def erratum(
    earlier: Annotated[Path, typer.Argument(metavar="REPORT", help="folder of the earlier report; it stays as it is")],
    plan: PlanFile,
    data: DataFile,
    reason: Annotated[str | None, typer.Option(help="what was wrong in the software")] = None,
    by: Annotated[str | None, typer.Option(help="who says so")] = None,
    severity: Annotated[str | None, typer.Option(help="as in deviate; unsaid: unclear")] = None,
    validity: Annotated[str | None, typer.Option(help="as in deviate; unsaid: unclear")] = None,
    target: Annotated[Path, typer.Option("--out", help="folder of the corrected report")] = Path("report_corrected"),
    lock: Annotated[Path | None, typer.Option(help="the lock; unsaid: the one beside the plan")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """After a bug: run the locked plan again, hold every number against an earlier report, and show both."""
    from trialkit.cli.deviate import corrected

    given = {"reason": reason, "by": by, "severity": severity, "validity": validity}
    with Progress(quiet) as progress:
        told = corrected(earlier, plan, data, target, given, lock=lock, progress=progress)
    write_json(told.content) if json else out(told.text)


@app.command()
def randomize(
    plan: PlanFile,
    people: Annotated[Path, typer.Argument(metavar="PEOPLE", help="the people to allocate: .csv .sav .dta .xlsx or .parquet")],
    target: Annotated[Path, typer.Option("--out", help="folder of the allocation; the same one for later batches")] = Path(
        "allocation"
    ),
    seed: Annotated[
        int | None, typer.Option(help="seed; unsaid: 128 bits of the system's entropy, kept apart from the list")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="why the last batch is drawn again; it is logged")] = None,
    by: Annotated[str | None, typer.Option(help="who allocates, for the log")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be drawn; nothing is drawn or written")] = False,
    json: Json = False,
) -> None:
    """Draw the allocation of a plan: list, certificate, commitment to the seed."""
    from trialkit.cli.randomize import draw, rehearse

    told = rehearse(plan, people, target) if dry_run else draw(plan, people, target, seed=seed, reason=reason, by=by)
    write_json(told.content) if json else out(told.text)


@app.command()
def release(
    folder: Annotated[Path, typer.Argument(help="folder of the allocation")],
    enrolment_closed: Annotated[
        bool, typer.Option("--enrolment-closed", help="say so: the seed gives every assignment away")
    ] = False,
    by: Annotated[str | None, typer.Option(help="who releases, for the log")] = None,
) -> None:
    """Publish the seeds of an allocation once enrolment has closed, so that anyone can draw it again."""
    from trialkit.design.record import release as release_seeds

    out(f"released: {release_seeds(folder, enrolment_closed=enrolment_closed, by=by)}")


@app.command()
def power(
    plan: PlanFile,
    simulate: Annotated[int | None, typer.Option(help="also run the planned analysis on this many simulated trials")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the simulation (needed with --simulate)")] = None,
    effects: Annotated[str | None, typer.Option(help="true effects to simulate, as in 0,0.2,0.4")] = None,
    outcome: Annotated[str | None, typer.Option(help="outcome to simulate; unsaid: the first primary one")] = None,
    workers: Annotated[int, typer.Option(help="processes; the numbers do not depend on it")] = 1,
    search: Annotated[
        str | None,
        typer.Option(
            help="find by simulation how many groups, n (people) or clusters, or which effect, has the power of --target"
        ),
    ] = None,
    target: Annotated[float, typer.Option(help="power to reach, with --search")] = 0.8,
    memo: Annotated[Path | None, typer.Option(help="also write the page for a proposal: memo.html or memo.docx")] = None,
    language: Annotated[str, typer.Option(help="language of the memo: en or nl")] = "en",
    json: Json = False,
) -> None:
    """What the planned study can detect, and what more groups or people would buy; with --simulate or --search by the planned analysis itself."""
    from trialkit.cli.power import answered

    answered(
        plan, simulate=simulate, seed=seed, effects=effects, outcome=outcome, workers=workers, search_for=search, target=target,
        memo=memo, language=language, json=json,
    )  # fmt: skip


@app.command()
def simulate(
    scenario: Annotated[str | None, typer.Argument(help="a scenario; unsaid: list them")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the draw (needed)")] = None,
    plan: Annotated[Path | None, typer.Option(help="instead of a scenario: made-up data that fit this plan")] = None,
    target: Annotated[Path, typer.Option("--out", help="folder to write to")] = Path("."),
    force: Force = False,
) -> None:
    """Write a simulated trial with known truth: data, codebook, plan and manifest; with --plan, data that fit a plan of yours."""
    if plan is not None:
        from trialkit.cli.init import simulated_beside

        if scenario is not None:
            raise UsageError("a scenario has a plan of its own: give SCENARIO or --plan, not both.")
        out(str(simulated_beside(plan, target, seed=seed, force=force)))
        return
    from trialkit.simulate import scenarios, write_scenario

    if scenario is None:
        out(scenarios().to_string(index=False))
        return
    if seed is None:
        raise UsageError("a simulation needs a seed: say, for instance, --seed 1.")
    for path in write_scenario(scenario, target, seed):
        out(str(path))


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="where to put the demonstration")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="seed of the simulated trial")] = 1,
    quiet: Quiet = False,
) -> None:
    """The whole story on a simulated trial: plan, lock, data, analysis, report."""
    from trialkit.cli.demo import play

    with Progress(quiet) as progress:
        story = play(folder, seed, progress)
    out(story)


@app.command()
def scales(
    name: Annotated[str | None, typer.Argument(help="a scale, or the .toml file of one of your own; unsaid: list all")] = None,
    template: Annotated[str | None, typer.Option(help="print the template of a new scale, to complete yourself")] = None,
    json: Json = False,
) -> None:
    """List the registered scales, describe one with the source of each fact, or print a template for a new one."""
    from trialkit.cli.scales import described, listed, template_text

    if template is not None:
        if name is not None:
            raise UsageError("--template prints a template and NAME describes a scale: give one of the two.")
        out(template_text(template))
        return
    told = listed() if name is None else described(name)
    write_json(told.content) if json else out(told.text)


@app.command()
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


@app.command()
def schema() -> None:
    """Print the JSON Schema of plan.toml, for completion in an editor."""
    from trialkit.plan.schema.json_schema import json_schema

    write_json(json_schema())
