"""The command line. Results go to standard output, progress and errors to standard error.

Exit codes: 0 done, 1 a mistake of the program itself, 2 usage, 3 plan invalid, 4 data do not match, 5 lock mismatch, 6 would unblind, 7 estimation failed,
8 not reproducible. A p-value never changes the exit code.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from trialkit.cli.show import harmless
from trialkit.cli.stored import TRACE
from trialkit.errors import TrialkitError, UsageError

MOST = 300  # letters of a name or a message from elsewhere that are shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    # matrices of a few columns: threads of the linear algebra library wait for each other, and take twice the time of one
    if "OMP_NUM_THREADS" not in os.environ:
        for library in ("OPENBLAS", "MKL"):
            os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """The exit code of a command; every error becomes one sentence on standard error."""
    import typer

    from trialkit.cli.app import app, command

    # the base of all complaints about usage has moved between versions of typer; its name has not
    complaint: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            result = command(app)(list(arguments), standalone_mode=False, prog_name="trialkit")
        return int(result) if isinstance(result, int) else 0
    except TrialkitError as error:
        _say(str(error))
        return error.exit_code
    except typer.Exit as stop:
        return int(stop.exit_code)
    except complaint as error:
        return _usage(error)
    except (typer.Abort, KeyboardInterrupt):
        _say("stopped; nothing half written was left behind.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (FileExistsError, NotADirectoryError) as error:
        _say(f"{_short(error.filename)} is a file where a folder is to be written. Choose another name, or remove the file.")
        return UsageError.exit_code
    except OSError as error:
        _say(f"{error.strerror or error}: {_short(error.filename)}. Check that the place exists and may be written to.")
        return 2
    except Exception as error:
        return _own_mistake(error)


def _own_mistake(error: Exception) -> int:
    """What nobody foresaw: where it happened, in one sentence; the whole trace for who asks for it."""
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):
        _say(f"{error}. Check the path.")
        return UsageError.exit_code
    if os.environ.get(TRACE):
        raise error
    last = traceback.extract_tb(error.__traceback__)[-1]
    _say(
        f"trialkit itself failed ({type(error).__name__}: {_short(error)}; {Path(last.filename).name}, line {last.lineno}). "
        f"This is a mistake of the program: please report it with the command and, set {TRACE}=1, the trace that it then prints."
    )
    return 1


def _short(said: object) -> str:
    text = "" if said is None else str(said)
    return text if len(text) <= MOST else f"{text[:MOST]} ..."


def _usage(error: Exception) -> int:
    """A complaint about the arguments; with none at all, the help."""
    from trialkit.cli.help import in_words

    message = getattr(error, "format_message", lambda: str(error))()
    if type(error).__name__ == "NoArgsIsHelpError":
        print(harmless(message), file=sys.stderr)
    else:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "trialkit"
        _say(f"{in_words(_short(message))} `{command} --help` shows how it is used.")
    return UsageError.exit_code


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as a sentence: the line of code it came from tells a reader nothing."""
    print(f"warning: {harmless(str(message))}", file=sys.stderr)


def _say(message: str) -> None:
    print(f"error: {harmless(message)}", file=sys.stderr)
