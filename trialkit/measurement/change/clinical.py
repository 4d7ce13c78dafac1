"""Clinically significant change: reliable, and across the line between the clinical and the functional side.

Cut-offs of Jacobson & Truax (1991), from the mean and SD of a clinical population (M_c, s_c) and of a functional one (M_f, s_f):
a = two SDs from M_c towards the better end; b = two SDs from M_f towards the worse end; c = (s_f M_c + s_c M_f) / (s_f + s_c), where both
populations, taken as normal, are as many SDs away. c is used when both are given, a or b when one is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trialkit.errors import TrialkitError, UsageError
from trialkit.inference.arrays import BoolArray
from trialkit.measurement.change.by_arm import difference, restricted
from trialkit.measurement.change.inputs import Better, Scores, checked_level, scores
from trialkit.measurement.change.reliable_change import (
    arm_rows,
    check_adjust,
    compared,
    error_details,
    error_words,
    people,
    reliable,
)
from trialkit.measurement.change.result import ClinicalChange
from trialkit.measurement.questionnaires.parts import CutOff
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.scoring.score_result import ScoreResult
from trialkit.misuse import explained
from trialkit.printed import number
from trialkit.results import Note
from trialkit.trial import Trial

VERDICTS = ("recovered", "improved", "unchanged", "deteriorated")


@explained
def clinical_change(
    pre: Any,
    post: Any,
    *,
    cutoff: float | CutOff | None = None,
    clinical: tuple[float, float] | None = None,
    functional: tuple[float, float] | None = None,
    reliability: float = 0.85,
    sd: float | None = None,
    better: Better | None = None,
    scale: Scale | None = None,
    subscale: str | None = None,
    trial: Trial | None = None,
    adjust: Sequence[str] = (),
    conf_level: float = 0.95,
) -> ClinicalChange:
    """Who improved reliably and crossed the cut-off: recovered, improved, unchanged or deteriorated.

    Parameters
    ----------
    pre, post, reliability, sd, better, scale, subscale, trial, adjust, conf_level : as in `reliable_change`.
    cutoff : the score between the clinical and the functional side. A score equal to a plain number is on the clinical side; a `CutOff` of the
        registry says itself which side it is on. By default the scale's own cut-off, where it has one only.
    clinical, functional : (mean, SD) of a clinical and of a functional population, for the cut-offs c (both), a or b (one).

    Returns
    -------
    ClinicalChange
        `.tidy()`, `.people`, `.differences()`, `.cutoff`, `.recovered`, `.improved`, `.unchanged`, `.deteriorated`. With a trial: the difference between
        arms in the share recovered, of everyone and of those who began on the clinical side, and in the share reliably deteriorated.

    Raises
    ------
    UsageError, DataError, MissingDataError
        As `reliable_change`; no cut-off, or several to choose from.

    Notes
    -----
    Who begins on the functional side cannot recover, whatever the programme does: read the share among those who began on the clinical side, which
    was known before randomization and so compares like with like. Source: Jacobson & Truax (1991).

    Examples
    --------
    >>> import pandas as pd, trialkit as tk
    >>> pre, post = pd.Series([10.0, 12, 14, 16, 18]), pd.Series([16.0, 13, 14, 15, 13])
    >>> found = tk.measurement.clinical_change(pre, post, clinical=(11, 2), functional=(17, 4), reliability=0.8)
    >>> found.cutoff, found.recovered, found.unchanged, found.deteriorated
    (13.0, 1, 3, 1)
    """
    check_adjust(adjust, trial)
    checked_level(conf_level)
    s = scores(pre, post, trial=trial, scale=scale, subscale=subscale, better=better)
    own = scale or next((g.scale for g in (pre, post) if isinstance(g, ScoreResult)), None)
    part = subscale or next((g.subscale for g in (pre, post) if isinstance(g, ScoreResult)), None)
    form = next((g.form for g in (pre, post) if isinstance(g, ScoreResult)), None if own is None else own.form)
    line, inclusive, words = _line(s, cutoff, clinical, functional, own, part, form)
    r = reliable(s, reliability, sd, conf_level, trial)
    began, ended = _clinical(s.pre, line, inclusive, s), _clinical(s.post, line, inclusive, s)
    recovered = r.up & began & ~ended
    flags = {
        "began_clinical": began, "recovered": recovered, "improved": r.up & ~recovered, "unchanged": r.known & ~r.up & ~r.down,
        "deteriorated": r.down,
    }  # fmt: skip
    verdict = np.select([flags[v] for v in VERDICTS], list(VERDICTS), default="unknown")
    rows = arm_rows(trial, r.known, flags, ("recovered", "deteriorated"))
    of_clinical = arm_rows(trial, r.known & began, {"recovered": recovered}, ("recovered",))
    for row, only in zip(rows, of_clinical):
        row["share_recovered_of_clinical"] = only["share_recovered"]
    estimates, notes = compared(trial, s, r.known, {"recovered": recovered, "reliably deteriorated": r.down}, adjust, conf_level)
    if trial is not None and not began.all():
        among, told = _among_clinical(trial, s, r.known, began, recovered, adjust, conf_level)
        estimates, notes = (*estimates, *among), (*notes, *told)
    details = {
        "title": f"Clinically significant change from {s.names[0]} to {s.names[1]}", **error_details(r, s, conf_level), "cutoff": line,
        "equal_is_clinical": inclusive, "words": [words, error_words(r, conf_level), _counted(rows[0])],
    }  # fmt: skip
    if rows[0]["began_clinical"] == 0:
        notes = (
            *notes,
            Note(
                "none_clinical",
                "nobody began on the clinical side, so nobody could recover: check the cut-off and the direction.",
            ),
        )
    return ClinicalChange(estimates, tuple(dict.fromkeys((*s.notes, *notes))), details, tuple(rows), people(s, r, verdict))


def _clinical(values: np.ndarray, line: float, inclusive: bool, s: Scores) -> BoolArray:
    """Who is on the clinical side; people without a score are not."""
    short = s.sign * (np.where(np.isfinite(values), values, math.inf * s.sign) - line)
    return np.asarray(short <= 0 if inclusive else short < 0)


def _line(
    s: Scores,
    cutoff: float | CutOff | None,
    clinical: tuple[float, float] | None,
    functional: tuple[float, float] | None,
    scale: Scale | None,
    subscale: str | None,
    form: str | None,
) -> tuple[float, bool, str]:
    """The cut-off, whether a score equal to it is clinical, and where it comes from."""
    if cutoff is not None and (clinical is not None or functional is not None):
        raise UsageError("give a cutoff, or the populations it is worked out from (clinical=, functional=), not both.")
    if clinical is not None or functional is not None:
        return _from_populations(s, clinical, functional)
    if cutoff is None:
        cutoff = _registered(scale, subscale, form)
    if isinstance(cutoff, CutOff):
        side = _inclusive(cutoff, s.better)
        return cutoff.value, side, _line_words(cutoff.value, side, s, f"'{cutoff.meaning}', {cutoff.source}")
    if isinstance(cutoff, bool) or not math.isfinite(cutoff):
        raise UsageError(f"cutoff={cutoff!r} is no score.")
    return float(cutoff), True, _line_words(float(cutoff), True, s, "given")


def _inclusive(cutoff: CutOff, better: Better) -> bool:
    """Whether the score at the cut-off is on the clinical side: when the side named is the worse one and holds it, or is the better one without it."""
    worse = ("at_or_below", "below") if better == "higher" else ("at_or_above", "above")
    return cutoff.side.startswith("at_or") == (cutoff.side in worse)


def _registered(scale: Scale | None, subscale: str | None, form: str | None) -> CutOff:
    if scale is None:
        raise UsageError(
            "clinical_change needs a line: cutoff=, or clinical=(mean, sd) and functional=(mean, sd), or a scale= with a cut-off."
        )
    found = [c for c in scale.cut_offs if c.subscale == subscale and c.form in (None, form)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"the scale '{scale.key}' has no published cut-off for this score: give cutoff=, or clinical= and functional=."
        )
    choices = "; ".join(f"{c.value:g} ({c.side.replace('_', ' ')}: {c.meaning})" for c in found)
    raise UsageError(
        f"the scale '{scale.key}' has {len(found)} cut-offs: {choices}. Say which: cutoff={found[0].value:g}, or one of scale.cut_offs."
    )


def _from_populations(
    s: Scores, clinical: tuple[float, float] | None, functional: tuple[float, float] | None
) -> tuple[float, bool, str]:
    for name, given in (("clinical", clinical), ("functional", functional)):
        if given is not None and not (len(given) == 2 and all(math.isfinite(v) for v in given) and given[1] > 0):
            raise UsageError(
                f"{name}={given!r}: give the population's mean and its standard deviation above zero, as {name}=(14.2, 5.1)."
            )
    if clinical is not None and functional is not None:
        (mc, sc), (mf, sf) = clinical, functional
        if s.sign * (mf - mc) <= 0:
            raise UsageError(
                f"the functional mean ({mf:g}) is not better than the clinical one ({mc:g}), where {s.better} is better: check the order and better=."
            )
        value, how = (sf * mc + sc * mf) / (sf + sc), "c of Jacobson & Truax, between both populations"
    elif clinical is not None:
        value, how = clinical[0] + s.sign * 2 * clinical[1], "a of Jacobson & Truax, two SDs from the clinical mean"
    else:
        assert functional is not None
        value, how = functional[0] - s.sign * 2 * functional[1], "b of Jacobson & Truax, two SDs from the functional mean"
    return value, True, _line_words(value, True, s, how)


def _line_words(value: float, inclusive: bool, s: Scores, source: str) -> str:
    side = "below" if s.better == "higher" else "above"
    return f"Clinical side: {'at or ' if inclusive else ''}{side} {number(float(value))} ({source}); {s.better} is better."


def _among_clinical(
    trial: Trial, s: Scores, known: BoolArray, began: BoolArray, recovered: BoolArray, adjust: Sequence[str], conf_level: float
) -> tuple[tuple[Any, ...], tuple[Note, ...]]:
    """The difference in recovery among people who began on the clinical side."""
    name = f"{s.names[1]} recovered, of those who began on the clinical side"
    if not began.any():
        return (), ()
    try:
        part = restricted(trial, began)
    except TrialkitError as error:
        return (), (Note("no_difference", f"{name}: no difference between arms is given: {error}"),)
    values = np.where(known, recovered.astype(float), np.nan)[began]
    return difference(part, name, values, measure="risk_difference", adjust=adjust, conf_level=conf_level)


def _counted(row: dict[str, Any]) -> str:
    return (
        f"Of {row['n']} people {row['began_clinical']} began on the clinical side, of whom {row['recovered']} recovered; of everyone {row['improved']} "
        f"improved without recovering, {row['unchanged']} did not change reliably and {row['deteriorated']} deteriorated."
    )
