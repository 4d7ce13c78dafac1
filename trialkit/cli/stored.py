"""Drawing what stands in a file that may have been changed: what goes wrong on the way is said of the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trialkit.errors import FileReadError, TrialkitError

TRACE = "TRIALKIT_TRACEBACK"


@contextmanager
def drawn_from(results: Path) -> Iterator[None]:
    """Turn a failure to draw stored results into a sentence about the file, which is where a wrong kind of value comes from."""
    try:
        yield
    except TrialkitError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError) as error:
        if os.environ.get(TRACE):
            raise
        from trialkit.report.save import lacking

        folder = results if results.is_dir() else results.parent
        raise FileReadError(
            f"'{results}' cannot be drawn{lacking(error)}: a value in it is not of the kind that trialkit writes. `trialkit verify {folder}` says "
            f"whether it was changed; `trialkit run` makes it anew. If it was not changed, please report this, with the trace that {TRACE}=1 prints."
        ) from error
