"""Commands on a plan: write it, explain it, lock it, log what departs from it. Each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trialkit.cli.commands.options import Force, Json, PlanFile
from trialkit.cli.show import out, write_json
from trialkit.errors import UsageError


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


def check(
    plan: PlanFile,
    data: Annotated[Path | None, typer.Argument(metavar="[DATA]", help="data to hold against the plan")] = None,
    language: Annotated[
        str | None, typer.Option("--language", "--lang", help="en or nl; if left out, en. what is said of DATA is in English")
    ] = None,
    json: Json = False,
) -> None:
    """Explain a plan back in words, with what deserves a second look; with DATA, say whether they fit."""
    from trialkit.cli.check import explained, fitting
    from trialkit.plan.plan import Plan

    read = Plan.load(plan)
    told = explained(read, language or "en") if data is None else fitting(read, data, plan.name, language)
    write_json(told.content) if json else out(told.text)


def lock(
    plan: PlanFile,
    target: Annotated[Path | None, typer.Option("--out", help="where to write the lock; if left out, beside the plan")] = None,
    amend: Annotated[str | None, typer.Option(help="reason for a change after an earlier lock")] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(
            help="attach a file to the lock: a timestamp, the stored text of a registration, a statement, a certificate"
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="of the evidence: timestamp, registry, custody or allocation; if left out, by its ending")
    ] = None,
    id: Annotated[str | None, typer.Option(help="number of the registration; if left out, the one in the plan")] = None,
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


def deviate(
    plan: PlanFile,
    path: Annotated[
        str | None, typer.Option(help="the key of the plan; if left out, every change that the ledger does not tell")
    ] = None,
    type: Annotated[
        str | None,
        typer.Option(help="hypothesis, sample, measure, exclusion, model, multiplicity or software; if left out, by the key"),
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
    lock: Annotated[Path | None, typer.Option(help="the lock; if left out, the one beside the plan")] = None,
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


def schema() -> None:
    """Print the JSON Schema of plan.toml, for completion in an editor."""
    from trialkit.plan.schema.json_schema import json_schema

    write_json(json_schema())
