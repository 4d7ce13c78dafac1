"""The commands of `trialkit` in the order of its help."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from trialkit.cli.blind import blind
from trialkit.cli.commands.plans import check, deviate, init, lock, schema
from trialkit.cli.commands.runs import erratum, export, report, run, verify
from trialkit.cli.commands.trials import demo, power, randomize, release, scales, simulate
from trialkit.cli.help import helped
from trialkit.cli.show import out

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Randomized field trials of group-based social programmes: plan, lock, analyse, report.",
)  # fmt: skip
COMMANDS = (
    init, check, lock, run, report, verify, deviate, erratum, randomize, release, power, simulate, demo, scales, export, schema,
)  # fmt: skip
for does in COMMANDS:
    app.command()(does)
app.add_typer(blind, name="blind")


def command(application: typer.Typer) -> Any:
    return helped(typer.main.get_command(application))


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
