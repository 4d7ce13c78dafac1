"""How far the lost must differ from what the data say before the conclusion changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.design.stream import Seed
from trialkit.errors import UsageError, nearest, shown
from trialkit.estimate.itt import itt
from trialkit.estimate.measures import is_ratio
from trialkit.missing.delta import in_arms
from trialkit.missing.imputations import Imputations, Progress
from trialkit.missing.impute import impute
from trialkit.missing.shared_design import PooledAt
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note, Result, TableResult
from trialkit.trial import Trial

_STEPS = 30


@dataclass(frozen=True)
class TippingPoint(TableResult):
    """A row for each delta: estimate, std_error, df, conf_low, conf_high, p_value. `.tipping` is where the interval reaches no effect.

    NaN, with a note, when the conclusion is the same over all deltas.
    """

    kind = "tipping_point"

    @property
    def tipping(self) -> float:
        """The delta nearest to 0 at which the interval begins or ceases to hold no effect."""
        value = self.details["tipping"]
        return math.nan if value is None else float(value)

    @property
    def in_sd(self) -> float:
        """The tipping point in standard deviations of the observed outcome of the control arm."""
        return self.tipping / float(self.details["sd_control"])

    def plot(self, *, ax: Any = None) -> Any:
        """The curve of estimate and interval over delta; returns matplotlib Axes."""
        from trialkit.missing.tipping_chart import tipping_chart

        return tipping_chart(self, ax=ax)

    def _title(self) -> str:
        d = self.details
        at = (
            "none within the deltas"
            if math.isnan(self.tipping)
            else f"{number(self.tipping)} ({number(self.in_sd)} SD of control)"
        )
        return f"Tipping point of {d['outcome']}, {d['contrast']}: {at}"


@explained
def tipping_point(
    data: Trial | Imputations,
    outcome: str,
    *,
    deltas: Sequence[float] | None = None,
    arms: Sequence[Hashable] | None = None,
    analyse: Callable[[Trial], Result] | None = None,
    contrast: str | None = None,
    adjust: Sequence[str] = (),
    predictors: Sequence[str] = (),
    n_imputations: int = 50,
    seed: Seed | None = None,
    progress: Progress | None = None,
) -> TippingPoint:
    """Add delta to everything imputed of the outcome, over a range, and find where the conclusion tips.

    Parameters
    ----------
    data : a trial, which is then imputed as missing at random, or imputations of one's own.
    outcome : the column.
    deltas : amounts in units of the outcome; 0 is added if it is not among them. By default from 0 to two standard deviations of the observed control arm in
        steps of a quarter, against the estimate.
    arms : arms whose imputed values are moved; by default all but the control arm.
    analyse : takes a completed trial and returns a result; by default `tk.itt(t, outcome, adjust=adjust)`.
    contrast : the row of the analysis, when it has several.
    adjust : baseline columns of the default analysis. predictors : further predictors of the imputation.
    n_imputations, seed : of the imputation; the same imputations serve all deltas, so that the curve is smooth. A seed is needed for a trial.
    progress : called with ('delta', done, of).

    Returns
    -------
    TippingPoint
        `.tipping`, `.in_sd`, `.tidy()` (the curve), `.plot()`.

    Raises
    ------
    UsageError
        No seed, deltas that are no numbers, an outcome that was not imputed or holds 0 and 1 only (see `tk.missing.what_if`), a row that is not there.

    References
    ----------
    Yan, Lee & Li (2009), Journal of Biopharmaceutical Statistics 19, 1085-1098; Cro, Morris, Kenward & Carpenter (2020), Statistics in Medicine 39, 2815-2842.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["peer", "solo"] * 60, "y0": rng.normal(size=120)})
    >>> d["y1"] = d["y0"] + 0.7 * (d["arm"] == "peer") + rng.normal(size=120)
    >>> d.loc[:29, "y1"] = np.nan
    >>> trial = tk.Trial(d, arm="arm", control="solo")
    >>> found = tk.missing.tipping_point(trial, "y1", deltas=[-3, -2, -1, 0], adjust=["y0"], n_imputations=5, seed=1)
    >>> bool(-3 < found.tipping < 0), len(found.tidy())
    (True, 4)
    """
    steps = None if deltas is None else _steps(deltas)
    imputed = _imputed(data, outcome, adjust, predictors, n_imputations, seed)
    trial = imputed.trial
    chosen = in_arms(trial, arms)
    rows = imputed.missing[outcome]
    moved = chosen[rows].astype(float)
    if not moved.any():
        raise UsageError(f"nobody in the arms chosen lacks '{outcome}': there is nothing to move.")
    known = trial.values(outcome)
    if np.isin(known[np.isfinite(known)], (0.0, 1.0)).all():
        raise UsageError(f"'{outcome}' holds 0 and 1: adding an amount would leave them. Use tk.missing.what_if.")
    run = analyse or (lambda t: itt(t, outcome, adjust=adjust))

    at = PooledAt(imputed, outcome, moved, run, contrast)
    control = known[(trial.arm_codes == 0) & np.isfinite(known)]
    sd = float(control.std(ddof=1))
    if steps is None:
        start = at(0.0)
        against = -1.0 if start["estimate"] > (1.0 if is_ratio(str(start["measure"])) else 0.0) else 1.0
        # moving the control arm alone works the other way round
        against = against if (chosen & (trial.arm_codes > 0)).any() else -against
        steps = sorted(against * sd * k / 4 + 0.0 for k in range(9))
    table = []
    for i, d in enumerate(steps):
        table.append(at(float(d)))
        if progress is not None:
            progress("delta", i + 1, len(steps))
    none = 1.0 if is_ratio(str(table[0]["measure"])) else 0.0
    tipping = _tipping(table, at, none)
    if at.disagreed:  # rows from before the disagreement are taken again, trial by trial
        table = [at(float(d)) for d in steps]
        tipping = _tipping(table, at, none)
    details = {
        "outcome": outcome, "contrast": table[0]["contrast"], "tipping": tipping, "none": none, "conf_level": table[0]["conf_level"],
        "sd_control": sd, "n_moved": int(moved.sum()), "strategy": imputed.strategy, "n_imputations": len(imputed),
        "arms": [str(trial.arms[c]) for c in np.unique(trial.arm_codes[chosen])],
    }  # fmt: skip
    drop = ("contrast", "conf_level", "measure")
    return TippingPoint(
        (),
        (*imputed.notes, *_notes(tipping, table)),
        details,
        tuple({k: v for k, v in r.items() if k not in drop} for r in table),
    )


def _steps(deltas: Sequence[float]) -> list[float]:
    try:
        values = np.asarray(list(deltas), dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError("deltas is a list of amounts, as deltas=[-2, -1.5, -1, -0.5, 0].") from error
    if not len(values) or not np.isfinite(values).all() or not values.any():
        raise UsageError("deltas needs at least one amount other than 0, and numbers only.")
    return [float(v) for v in np.unique(np.append(values, 0.0))]


def _imputed(
    data: Trial | Imputations,
    outcome: str,
    adjust: Sequence[str],
    predictors: Sequence[str],
    n_imputations: int,
    seed: Seed | None,
) -> Imputations:
    if isinstance(data, Imputations):
        if outcome not in data.missing:
            near = nearest(outcome, data.missing)
            raise UsageError(
                f"'{outcome}' is not among the imputed columns {shown(data.missing)}.{f' Did you mean {near!r}?' if near else ''}"
            )
        return data
    if seed is None:
        raise UsageError("imputing needs a seed: say seed=4711 (any number you choose).")
    extra = list(dict.fromkeys((*adjust, *predictors)))
    return impute(data, [outcome], predictors=[p for p in extra if p not in data.strata], n_imputations=n_imputations, seed=seed)


def _away(row: dict[str, Any], none: float) -> float:
    """Positive while the interval leaves out no effect: its nearer end measured from there."""
    return max(row["conf_low"] - none, none - row["conf_high"])


def _tipping(table: list[dict[str, Any]], at: Callable[[float], dict[str, Any]], none: float) -> float:
    """The change of conclusion nearest to delta 0, by bisection between two deltas on the same imputations."""
    start = next(i for i, r in enumerate(table) if r["delta"] == 0)
    claims = [_away(r, none) > 0 for r in table]
    crossings = [(abs(table[i]["delta"]), i, i + 1) for i in range(start, len(table) - 1) if claims[i] != claims[i + 1]][:1]
    crossings += [(abs(table[i]["delta"]), i, i - 1) for i in range(start, 0, -1) if claims[i] != claims[i - 1]][:1]
    found = []
    for _, i, j in sorted(crossings):
        near, far = float(table[i]["delta"]), float(table[j]["delta"])
        f_near, f_far = _away(table[i], none), _away(table[j], none)
        for _ in range(_STEPS):
            if abs(far - near) < 1e-4 * max(1.0, abs(far), abs(near)):
                break
            # the secant, kept off the ends so that both of them close in
            share = min(max(f_near / (f_near - f_far), 0.05), 0.95)
            middle = near + share * (far - near)
            f_middle = _away(at(middle), none)
            if (f_middle > 0) == (f_near > 0):
                near, f_near = middle, f_middle
            else:
                far, f_far = middle, f_middle
        found.append((near + far) / 2)
    return min(found, key=abs) if found else math.nan


def _notes(tipping: float, table: list[dict[str, Any]]) -> tuple[Note, ...]:
    if not math.isnan(tipping):
        return ()
    return (
        Note(
            "no_tipping",
            f"the conclusion is the same for every delta from {table[0]['delta']:g} to {table[-1]['delta']:g}: there is no tipping point among them.",
        ),
    )
