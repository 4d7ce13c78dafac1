"""Commands around a trial: allocate, size, simulate, and the scales to measure with. Each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trialkit.cli.commands.options import Force, Json, PlanFile, Quiet
from trialkit.cli.show import Progress, out, write_json
from trialkit.errors import UnblindingError, UsageError


def randomize(
    plan: PlanFile,
    people: Annotated[Path, typer.Argument(metavar="PEOPLE", help="the people to allocate: .csv .sav .dta .xlsx or .parquet")],
    target: Annotated[Path, typer.Option("--out", help="folder of the allocation; the same one for later batches")] = Path(
        "allocation"
    ),
    seed: Annotated[
        int | None, typer.Option(help="seed; if left out, 128 bits of the system's entropy, kept apart from the list")
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


def release(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="folder of the allocation")],
    enrolment_closed: Annotated[
        bool, typer.Option("--enrolment-closed", help="say so: the seed gives every assignment away")
    ] = False,
    by: Annotated[str | None, typer.Option(help="who releases, for the log")] = None,
) -> None:
    """Publish the seeds of an allocation once enrolment has closed, so that anyone can draw it again."""
    from trialkit.design.record.seed_release import release as release_seeds

    if not enrolment_closed:
        raise UnblindingError(
            "the seed gives every assignment away: release it when enrolment has closed, and say so with --enrolment-closed."
        )
    out(f"released: {release_seeds(folder, enrolment_closed=enrolment_closed, by=by)}")


def power(
    plan: PlanFile,
    simulate: Annotated[int | None, typer.Option(help="also run the planned analysis on this many simulated trials")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the simulation (needed with --simulate)")] = None,
    effects: Annotated[str | None, typer.Option(help="true effects to simulate, as in 0,0.2,0.4")] = None,
    outcome: Annotated[str | None, typer.Option(help="outcome to simulate; if left out, the first primary one")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes; the numbers do not depend on it")] = 1,
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


def simulate(
    scenario: Annotated[str | None, typer.Argument(metavar="SCENARIO", help="a scenario; if left out, they are listed")] = None,
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
    from trialkit.simulate import load_scenario, scenarios, write_scenario

    if scenario is None:
        out(scenarios().to_string(index=False))
        return
    load_scenario(scenario)
    if seed is None:
        raise UsageError("a simulation needs a seed: say, for instance, --seed 1.")
    for path in write_scenario(scenario, target, seed):
        out(str(path))


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


def scales(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="a scale, or the .toml file of one of your own; if left out, all are listed"),
    ] = None,
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
