"""Reliable change: whose score moved by more than measurement error explains.

    SEM = SD sqrt(1 - r),  SE of a difference = SEM sqrt(2),  RCI = (post - pre) / SE of a difference,

reliable beyond the normal quantile (1.96 at 95 %). Source: Jacobson & Truax (1991), Journal of Consulting and Clinical Psychology 59, with
Christensen & Mendoza's (1986) standard error. Without any true change (1 - conf_level)/2 of people still seem to improve and as many to deteriorate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from trialkit.errors import UsageError
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.measurement.change.by_arm import difference, parts_of, share, weights_of
from trialkit.measurement.change.inputs import Better, Scores, checked_level, checked_reliability, scores, spread
from trialkit.measurement.change.result import ReliableChange
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Estimate, Note
from trialkit.trial import Trial

VERDICTS = ("improved", "deteriorated", "unchanged")


@dataclass(frozen=True, slots=True)
class Reliable:
    """The measurement error of a scale and each person's change against it."""

    sd: float
    sd_of: str
    reliability: float
    sem: float
    se_difference: float
    threshold: float
    rci: FloatArray
    known: BoolArray
    up: BoolArray
    down: BoolArray


@explained
def reliable_change(
    pre: Any,
    post: Any,
    *,
    reliability: float = 0.85,
    sd: float | None = None,
    better: Better | None = None,
    scale: Scale | None = None,
    subscale: str | None = None,
    trial: Trial | None = None,
    adjust: Sequence[str] = (),
    conf_level: float = 0.95,
) -> ReliableChange:
    """Whose score changed by more than measurement error, and with a trial how many more in one arm than in the other.

    Parameters
    ----------
    pre, post : scores of the same people before and after (Series, array or `ScoreResult`), missing as NaN; with `trial` two column names.
    reliability : of the scale in people like these, between 0 and 1; the default .85 is a usual value of a ten-item scale, not a fact about
        yours: give the coefficient of your own baseline (`tk.measurement.reliability`) or of the manual.
    sd : standard deviation that goes with the reliability, in points; by default that of `pre`, of everyone who has it. A sample selected on
        its score has too small a one: give that of a norm group, together with the norm group's reliability.
    better : which scores are better; by default what the scale says, else 'higher'.
    scale, subscale : scores outside the scale's range are refused, and its direction is used. A `ScoreResult` brings both.
    trial : compares the arms: shares by arm and their difference by `tk.itt`, with groups, clusters, strata and weights.
    adjust : baseline columns for that comparison.
    conf_level : 0.95 calls a change reliable beyond 1.96 standard errors; also of the intervals.

    Returns
    -------
    ReliableChange
        `.tidy()`, `.people`, `.differences()`, `.sem`, `.se_difference`, `.smallest_reliable_change`, `.improved`, `.unchanged`, `.deteriorated`.

    Raises
    ------
    UsageError, DataError, MissingDataError
        A reliability that is none, waves of other people, scores off the scale, a constant first wave.

    Notes
    -----
    A count of reliable change is no effect: measurement error puts (1 - conf_level)/2 of people on either side, and regression to the mean and time move
    everyone. Both happen in the control arm too, so the difference between arms is what can be read as an effect. Dichotomizing costs power: the
    mean difference stays the main analysis. Source: Jacobson & Truax (1991).

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> pre, post = pd.Series([10.0, 12, 14, 16, 18]), pd.Series([16.0, 13, 14, 15, 13])
    >>> found = tk.measurement.reliable_change(pre, post, reliability=0.8)
    >>> round(found.se_difference, 3), found.improved, found.unchanged, found.deteriorated
    (2.0, 1, 3, 1)
    >>> found.people["verdict"].tolist()
    ['improved', 'unchanged', 'unchanged', 'unchanged', 'deteriorated']
    """
    check_adjust(adjust, trial)
    checked_level(conf_level)
    s = scores(pre, post, trial=trial, scale=scale, subscale=subscale, better=better)
    r = reliable(s, reliability, sd, conf_level, trial)
    verdict = np.select([r.up, r.down, r.known], list(VERDICTS), default="unknown")
    flags = {"improved": r.up, "unchanged": r.known & ~r.up & ~r.down, "deteriorated": r.down}
    rows = arm_rows(trial, r.known, flags, ("improved", "deteriorated"))
    estimates, notes = compared(
        trial, s, r.known, {"reliably improved": r.up, "reliably deteriorated": r.down}, adjust, conf_level
    )
    details = {"title": f"Reliable change from {s.names[0]} to {s.names[1]}", **error_details(r, s, conf_level)}
    details["words"] = [error_words(r, conf_level), _counted(rows[0], conf_level)]
    return ReliableChange(estimates, (*s.notes, *notes), details, tuple(rows), people(s, r, verdict))


def reliable(s: Scores, reliability: float, sd: float | None, conf_level: float, trial: Trial | None) -> Reliable:
    """SEM, standard error of a difference and RCI of each person, positive when better."""
    rel = checked_reliability(reliability)
    weights = None
    if trial is not None:
        weights = weights_of(trial)
    spread_sd, of = spread(s.pre, sd, s.names[0], weights)
    sem = spread_sd * float(np.sqrt(1 - rel))
    se = sem * float(np.sqrt(2))
    threshold = float(special.ndtri(1 - (1 - conf_level) / 2))
    rci = s.change / se
    known = np.isfinite(rci)
    gain = s.sign * np.where(known, rci, 0.0)
    return Reliable(spread_sd, of, rel, sem, se, threshold, rci, known, gain > threshold, gain < -threshold)


def people(s: Scores, r: Reliable, verdict: np.ndarray) -> pd.DataFrame:
    """One row a person; people without both scores have no verdict."""
    word = pd.Series(verdict, index=s.index, dtype=object).where(r.known, None)
    return pd.DataFrame({"pre": s.pre, "post": s.post, "change": s.change, "rci": r.rci, "verdict": word}, index=s.index)


def arm_rows(trial: Trial | None, known: BoolArray, flags: dict[str, BoolArray], shares: tuple[str, ...]) -> list[dict[str, Any]]:
    """Counts of people and (weighted) shares, for everyone and by arm."""
    weights = np.ones(len(known)) if trial is None else weights_of(trial)
    rows = []
    for label, inside in parts_of(trial, len(known)):
        here = inside & known
        row: dict[str, Any] = {"arm": label, "n": int(here.sum()), "n_missing": int((inside & ~known).sum())}
        row |= {name: int((here & flag).sum()) for name, flag in flags.items()}
        rows.append(row | {f"share_{name}": share(flags[name], here, weights) for name in shares})
    return rows


def compared(
    trial: Trial | None, s: Scores, known: BoolArray, flags: dict[str, BoolArray], adjust: Sequence[str], conf_level: float
) -> tuple[tuple[Estimate, ...], tuple[Note, ...]]:
    """Differences between arms in the shares of people flagged; nothing without a trial."""
    if trial is None:
        return (), ()
    estimates: list[Estimate] = []
    notes: list[Note] = []
    for name, flag in flags.items():
        values = np.where(known, flag.astype(float), np.nan)
        found, told = difference(
            trial, f"{s.names[1]} {name}", values, measure="risk_difference", adjust=adjust, conf_level=conf_level
        )
        estimates += found
        notes += told
    return tuple(estimates), tuple(dict.fromkeys(notes))


def error_details(r: Reliable, s: Scores, conf_level: float) -> dict[str, Any]:
    return {
        "sd": r.sd, "sd_of": r.sd_of, "reliability": r.reliability, "sem": r.sem, "se_difference": r.se_difference,
        "smallest_reliable_change": r.threshold * r.se_difference, "conf_level": conf_level, "better": s.better,
    }  # fmt: skip


def error_words(r: Reliable, conf_level: float) -> str:
    return (
        f"A change of more than {number(r.threshold * r.se_difference)} points is beyond measurement error ({100 * conf_level:g} %; reliability "
        f"{r.reliability:g}, {r.sd_of} {number(r.sd)}, SEM {number(r.sem)}, SE of a difference {number(r.se_difference)})."
    )


def _counted(row: dict[str, Any], conf_level: float) -> str:
    return (
        f"Of {row['n']} people {row['improved']} improved, {row['deteriorated']} deteriorated and {row['unchanged']} did not change reliably; "
        f"measurement error alone would show about {row['n'] * (1 - conf_level) / 2:.1f} on either side."
    )


def check_adjust(adjust: Sequence[str], trial: Trial | None) -> None:
    if isinstance(adjust, str):
        raise UsageError(f"adjust takes a list of columns: write adjust=['{adjust}'].")
    if adjust and trial is None:
        raise UsageError("adjust= is for the comparison of arms: say trial= too.")
