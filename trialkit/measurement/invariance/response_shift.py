"""The warning that an effect carries when its scale did not stay the same measure."""

from __future__ import annotations

from trialkit.errors import UsageError
from trialkit.measurement.invariance.result import InvarianceResult
from trialkit.misuse import explained
from trialkit.results import Note


@explained
def response_shift_note(result: InvarianceResult, outcome: str) -> Note | None:
    """What an effect on `outcome` must carry, given tests of invariance of its scale; None when scalar invariance holds.

    Parameters
    ----------
    result : of `tk.measurement.invariance` over waves, over arms or both, up to "scalar" at least.
    outcome : the outcome that is the sum or mean of the items.

    Returns
    -------
    Note or None
        Code "response_shift" when waves were compared, "arms_not_invariant" when only arms (or other groups) were. With partial scalar
        invariance the note names the items and, for waves, where the effect should be looked at: `tk.measurement.latent_effect`.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> mood = rng.multivariate_normal([0, 0.3], [[1, 0.6], [0.6, 1]], size=500)
    >>> data = pd.DataFrame({f"t{w}_i{j}": mood[:, w] + rng.normal(size=500) for w in (0, 1) for j in range(4)})
    >>> lists = {w: [c for c in data if c.startswith(w)] for w in ("t0", "t1")}
    >>> tk.measurement.response_shift_note(tk.measurement.invariance(data, waves=lists), "mood") is None
    True
    >>> data["t1_i2"] += 0.8
    >>> tk.measurement.response_shift_note(tk.measurement.invariance(data, waves=lists), "mood").code
    'response_shift'
    """
    if result.scalar == "not tested":
        raise UsageError("the scalar level was not tested. Run tk.measurement.invariance with levels up to 'scalar'.")
    if result.scalar == "full":
        return None
    code = "arms_not_invariant" if result.over == "groups" else "response_shift"
    if result.scalar == "not judged":
        why = result.verdict
        if result.level == "none":
            why = "its items do not measure one factor (the configural model does not fit), so it is not known what the effect is an effect on."
        return Note(code, f"'{outcome}' may not be the same measure over {result.over}: {why}")
    what = "the effect mixes a change in what is measured with a change in how the questions are answered (response shift)"
    if code == "arms_not_invariant":
        what = "the difference mixes what is measured with how the questions are answered in each group"
    if result.scalar == "partial":
        remedy = f"These differ: {'; '.join(result.freed)}."
        if result.over == "waves":
            remedy += " See the latent effect with those free: tk.measurement.latent_effect(trial, items, free=result)."
    else:
        remedy = "No few items explain it. Read the effect with that in mind, and look at the items one by one."
    return Note(code, f"'{outcome}' fails scalar invariance over {result.over}: {what}. {remedy}")
