"""`trialkit blind`: the plan on simulated data, on real data with made-up arms, data to clean without arms, and the unblinding, logged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trialkit.cli.show import Progress, in_flags, out, write_json
from trialkit.errors import UsageError

blind = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Run the plan without seeing its answer; unblind, logged.",
)  # fmt: skip

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="the plan, a TOML file")]
DataFile = Annotated[Path, typer.Argument(metavar="DATA", help=".csv .sav .dta .xlsx or .parquet")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress")]
Seed = Annotated[int | None, typer.Option(help="seed of everything that is made up (needed)")]
Icc = Annotated[float | None, typer.Option(help="intraclass correlation of made-up groups; if left out, the plan's")]


def _seeded(seed: int | None) -> int:
    if seed is None:
        raise UsageError("what is made up needs a seed: say, for instance, --seed 1.")
    return seed


@blind.command()
def simulated(
    plan: PlanFile,
    seed: Seed = None,
    truth: Annotated[str, typer.Option(help="null: no effect; target: the effects that the plan assumes")] = "target",
    target: Annotated[Path, typer.Option("--out", help="folder of the report")] = Path("simulated"),
    data: Annotated[Path | None, typer.Option(help="also write the simulated data to this .csv file")] = None,
    people: Annotated[int | None, typer.Option(help="people; if left out, [design] units")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The whole plan on simulated data, before there are any: does it run, and what will the report look like?"""
    from trialkit.io import write_csv
    from trialkit.plan.blinding.simulated import run_simulated, simulated_data
    from trialkit.plan.plan import Plan

    read, number = Plan.load(plan), _seeded(seed)
    with in_flags(truth="truth", people="people", seed="seed"), Progress(quiet) as progress:
        content = run_simulated(read, seed=number, truth=truth, people=people, progress=progress)  # type: ignore[arg-type]
        page = content.save(target, progress=progress)
    if data is not None:
        write_csv(simulated_data(read, seed=number, truth=truth, people=people), data)  # type: ignore[arg-type]
    write_json(content.to_dict()) if json else out(f"{content}\nreport: {page}")


@blind.command()
def rerandomized(
    plan: PlanFile,
    data: DataFile,
    seed: Seed = None,
    target: Annotated[Path, typer.Option("--out", help="folder of the report")] = Path("blinded"),
    repeat: Annotated[int | None, typer.Option(help="no report: how often is p below alpha in this many made-up trials?")] = None,
    icc: Icc = None,
    workers: Annotated[int, typer.Option(min=1, help="processes; the numbers do not depend on it")] = 1,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The whole plan on the real data with arms drawn anew by the plan's design; --repeat 500: its false positives."""
    from trialkit.plan.plan import Plan

    read, number = Plan.load(plan), _seeded(seed)
    if repeat is not None:
        _repeated(read, data, number, repeat, icc, workers, json, quiet)
        return
    from trialkit.plan.blinding.rerandomized import run_rerandomized

    with Progress(quiet) as progress:
        content = run_rerandomized(read, data, seed=number, icc=icc, progress=progress)
        page = content.save(target, progress=progress)
    write_json(content.to_dict()) if json else out(f"{content}\nreport: {page}")


def _repeated(plan: object, data: Path, seed: int, repeat: int, icc: float | None, workers: int, json: bool, quiet: bool) -> None:
    from trialkit.plan.blinding.false_positives import false_positives

    with Progress(quiet) as bar:
        found = false_positives(
            plan, data, repeats=repeat, seed=seed, icc=icc, workers=workers,  # type: ignore[arg-type]
            told=None if quiet else lambda text: print(text, file=sys.stderr), progress=lambda done, of: bar("made-up trials", done, of),
        )  # fmt: skip
    write_json(found.to_dict()) if json else out(str(found))


@blind.command()
def masked(
    plan: PlanFile,
    data: DataFile,
    key: Annotated[
        Path | None, typer.Option(help="file that leads back to people and arms, for someone who does not clean (needed)")
    ] = None,
    target: Annotated[Path, typer.Option("--out", help="folder of the masked data")] = Path("cleaning"),
    json: Json = False,
) -> None:
    """Data to clean: no arm, no groups, nothing that tells them, in random order."""
    from trialkit.plan.blinding.masked import mask
    from trialkit.plan.plan import Plan

    if key is None:
        raise UsageError(
            "the masked data need a key that leads back, kept elsewhere: say, for instance, --key ../kept/masked.key.json."
        )
    made = mask(Plan.load(plan), data)
    path = made.save(target, key=key)
    write_json(made.to_dict()) if json else out(
        f"{made}\ndata: {path}\nkey: {key} (give it to someone who does not clean, and keep no copy)"
    )


@blind.command()
def unblind(
    plan: PlanFile,
    data: DataFile,
    by: Annotated[str | None, typer.Option(help="who unblinds (needed)")] = None,
    reason: Annotated[str | None, typer.Option(help="why now, as in 'cleaning is done'")] = None,
    lock: Annotated[Path | None, typer.Option(help="the lock; if left out, the one beside the plan")] = None,
    json: Json = False,
) -> None:
    """Write down who sees the real arms, when and on which data; only after the plan was locked."""
    from trialkit.plan.blinding.unblinding import unblind as write_line
    from trialkit.plan.plan import Plan

    with in_flags(by="by"):
        made = write_line(Plan.load(plan), data, by=by or "", reason=reason, lock=lock)
    write_json(made.to_dict()) if json else out(str(made))
