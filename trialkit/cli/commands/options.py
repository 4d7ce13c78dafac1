"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="the plan, a TOML file")]
DataFile = Annotated[Path, typer.Argument(metavar="DATA", help=".csv .sav .dta .xlsx or .parquet")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]
Force = Annotated[bool, typer.Option("--force", help="replace a file that is already there")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress")]
Languages = Annotated[
    list[str] | None,
    typer.Option(
        "--language", "--lang", help="en or nl; twice for both, the first on index.html; if left out, those of the plan"
    ),
]
