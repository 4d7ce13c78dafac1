"""Delta adjustment: an amount added to what was imputed after drop-out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from trialkit.errors import ArmError, UsageError, nearest, shown
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.imputation.reference import delta_adjustment, last_observed
from trialkit.missing.imputations import Imputations
from trialkit.misuse import explained
from trialkit.trial import Trial


@explained
def delta(
    imputations: Imputations,
    delta: Sequence[float],
    *,
    dlag: Sequence[float] | None = None,
    arms: Sequence[Hashable] | None = None,
) -> Imputations:
    """The same imputations with the waves after drop-out moved away from the rule they were drawn by.

    The amount at a wave is the sum of the increments delta_j x dlag_k since drop-out, k counting the waves from it: with delta 5, 6, 7, 8 and dlag 1, 2, 3, 4 a person
    lost from wave 2 on gets 0, 6, 20, 44. For the same amount at every wave say delta=[d, d, d] and dlag=[1, 0, 0].

    Parameters
    ----------
    imputations : of waves, `columns` in order of time.
    delta : an increment a wave, in units of the outcome.
    dlag : weights by the number of waves since drop-out; by default 1 each.
    arms : arms to which it applies; by default all but the control arm.

    Returns
    -------
    Imputations
        Gaps before the last observed wave stay as they are.

    Raises
    ------
    UsageError, ArmError
        Lists of another length than the waves, an unknown arm.

    References
    ----------
    Roger (2017), in O'Kelly & Ratitch; Gower-Page, Noci & Wolbers (2022), the R package rbmi, `delta_template`.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> d = pd.DataFrame(np.random.default_rng(1).normal(size=(60, 2)), columns=["y1", "y2"]).assign(arm=["peer", "solo"] * 30)
    >>> d.loc[:11, "y2"] = np.nan
    >>> found = tk.missing.impute(tk.Trial(d, arm="arm", control="solo"), ["y1", "y2"], strategy="j2r", n_imputations=3, seed=1)
    >>> moved = tk.missing.delta(found, [0, -0.5])
    >>> (moved.completed(0).values("y2") - found.completed(0).values("y2"))[:4].round(3).tolist()
    [-0.5, 0.0, -0.5, 0.0]
    """
    trial, names = imputations.trial, imputations.columns
    steps, weights = (
        _numbers(delta, len(names), "delta"),
        _numbers([1.0] * len(names) if dlag is None else dlag, len(names), "dlag"),
    )
    observed = np.column_stack([np.isfinite(trial.values(n)) for n in names])
    amounts = np.array([delta_adjustment(delta=steps, dlag=weights, event=e) for e in range(1, len(names) + 2)])
    amount = amounts[last_observed(observed)] * in_arms(trial, arms)[:, None]
    shifts = {}
    for name, rows in imputations.missing.items():
        j = names.index(name)
        after = last_observed(observed)[rows] <= j
        shifts[name] = np.where(after, amount[rows, j], 0.0)
    return imputations.shifted(shifts)


def in_arms(trial: Trial, arms: Sequence[Hashable] | None) -> BoolArray:
    """(n,) people of the arms named; by default of all but the control arm."""
    if arms is None:
        return trial.arm_codes > 0
    if isinstance(arms, str):
        raise UsageError(f"arms takes a list of arms: write arms=['{arms}'].")
    for a in arms:
        if a not in trial.arms:
            near = nearest(str(a), trial.arms)
            raise ArmError(
                f"arms names {a!r}, which is not an arm; the arms are {shown(trial.arms)}.{f' Did you mean {near!r}?' if near else ''}"
            )
    return np.isin(trial.arm_codes, [trial.arms.index(a) for a in arms])


def _numbers(values: Sequence[float], count: int, what: str) -> FloatArray:
    out = np.asarray(values, dtype=float)
    if out.shape != (count,) or not np.isfinite(out).all():
        raise UsageError(f"{what} needs a number for each of the {count} waves.")
    return out
