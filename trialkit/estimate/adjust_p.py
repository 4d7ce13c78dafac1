"""Adjusted p-values of a family of tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialkit.errors import CombinationError, DataError, nearest, shown
from trialkit.inference import multiplicity
from trialkit.inference.arrays import FloatArray

METHODS = {
    "holm": multiplicity.holm,
    "hochberg": multiplicity.hochberg,
    "bh": multiplicity.benjamini_hochberg,
    "sharpened_q": multiplicity.sharpened_q,
}


def adjust_p(p: Sequence[float], *, method: str) -> FloatArray:
    """Adjust a list of p-values, in their order.

    Parameters
    ----------
    p : p-values of one family, each in [0, 1]; a missing one is an error, because it would make the others smaller.
    method : 'holm' and 'hochberg' (family-wise error), 'bh' (false discovery rate), 'sharpened_q' (Anderson 2008).

    Examples
    --------
    >>> import trialkit as tk
    >>> tk.adjust_p([0.01, 0.04], method="holm").tolist()
    [0.02, 0.04]
    """
    values = np.asarray(list(p), dtype=float)
    if not len(values):
        return values
    valid = (values >= 0) & (values <= 1)
    if not valid.all():
        raise DataError(f"p-values lie between 0 and 1 and none may be missing; got {shown(values[~valid].tolist())}.")
    if method not in METHODS:
        near = nearest(method, METHODS)
        raise CombinationError(
            f"there is no correction '{method}'; there are {shown(METHODS, 10)}.{f' Did you mean {near!r}?' if near else ''}"
        )
    return METHODS[method](values)
