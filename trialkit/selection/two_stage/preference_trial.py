"""Doubly randomized preference trials: effects of the treatment, of choosing it, and of being someone who would choose it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import ArmError, ColumnNotFoundError, EstimationError, MissingDataError, UsageError, shown
from trialkit.inference.distributions import t_test
from trialkit.inference.two_stage.preference import EFFECTS, preference_effects, preference_effects_stratified
from trialkit.io.frames import numeric, to_pandas
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.results import Estimate, Note, Result
from trialkit.trial import rows_text

ESTIMANDS = {
    "preference": "preference effect: having the treatment one prefers instead of the other, both kinds of people counting the same",
    "selection": "selection effect: people who prefer the one treatment against those who prefer the other, both treatments counting the same",
    "treatment": "average treatment effect among people randomized to a treatment",
}


@dataclass(frozen=True)
class PreferenceResult(Result):
    """Three rows, told apart by the column `effect`: 'preference', 'selection', 'treatment'."""

    kind = "preference_trial"

    def _title(self) -> str:
        d = self.details
        chosen = ", ".join(f"{k}: {v}" for k, v in d["chosen"].items())
        return f"Preference trial on {d['outcome']} (chose {chosen})"


@explained
def preference_trial(
    data: Any, outcome: str, *, arm: str = "arm", treatment: str = "treatment", choice: Hashable = "choice", reference: Hashable = None,
    strata: Sequence[str] | None = None, conf_level: float = 0.95,
) -> PreferenceResult:  # fmt: skip
    """Preference, selection and treatment effects of a trial in which people are first randomized to choose or to have their treatment drawn.

    Parameters
    ----------
    data : table of people. outcome : numeric column.
    arm : column with two values, one of which is `choice`: the people who chose; the others had their treatment drawn.
    treatment : column with the treatment chosen or drawn, two values.
    reference : the treatment that effects are counted from; by default the last in sorted order, so that rows read first minus last.
    strata : columns; effects are taken within each stratum and averaged by its share of people.
    conf_level : of the t intervals, with Satterthwaite's df.

    Returns
    -------
    PreferenceResult
        `.tidy()` with the column `effect`. Positive preference: people do better with what they prefer. Positive selection: those who prefer the first treatment do
        better on average than those who prefer the other.

    Raises
    ------
    ColumnNotFoundError, ArmError, EstimationError, MissingDataError
        Absent columns, arms or treatments that are not two, cells (in a stratum) with fewer than two people.

    Notes
    -----
    Selection and preference effects are estimated far less precisely than the treatment effect; a trial planned for the latter rarely tells much of the former.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": ["choice", "random"] * 60, "treatment": (["group"] * 2 + ["alone"] * 2) * 30, "y": rng.normal(size=120)})
    >>> tk.selection.preference_trial(d, "y").tidy()["effect"].tolist()
    ['preference', 'selection', 'treatment']
    """
    frame = to_pandas(data).reset_index(drop=True)
    if isinstance(strata, str):
        raise UsageError(f"strata takes a list of columns: write strata=['{strata}'].")
    for name in (outcome, arm, treatment, *(strata or ())):
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns)
    for name in (arm, treatment, *(strata or ())):
        if frame[name].isna().any():
            raise MissingDataError(
                f"'{name}' is missing in {rows_text(frame[name].isna())}: fill it in from the allocation list."
            )
    chose = _choosers(frame, arm, choice)
    labels = _treatments(frame, treatment, reference)
    y = numeric(frame[outcome], outcome)
    known = np.isfinite(y)
    notes = []
    if not known.all():
        notes.append(Note("outcome_missing", counted_people(int((~known).sum()), f"have no '{outcome}' and are left out.")))
    if not strata:
        stratum, names = np.zeros(len(frame), dtype=np.int64), ["the trial"]
    else:
        joined = [", ".join(map(str, v)) for v in frame[list(strata)].itertuples(index=False)]
        codes, found = pd.factorize(np.array(joined), sort=True)
        stratum, names = codes.astype(np.int64), [str(v) for v in found]
    first = (frame[treatment] == labels[0]).to_numpy()
    _check_cells(stratum[known], names, chose[known], first[known], [str(v) for v in labels])
    if np.ptp(y[known]) == 0:
        raise EstimationError(
            f"the outcome '{outcome}' is the same ({y[known][0]:g}) for everyone: there is no variation to analyse."
        )
    arrays = {"y": y[known], "chose": chose[known], "first": first[known]}
    effects = preference_effects_stratified(**arrays, stratum=stratum[known]) if strata else preference_effects(**arrays)
    n = int(known.sum())
    rows = []
    for name, estimate, se, df in zip(EFFECTS, effects.estimates.tolist(), effects.std_errors.tolist(), effects.dfs.tolist()):
        test = t_test(estimate, se, df, conf_level)
        rows.append(
            Estimate(
                outcome=outcome, estimand=ESTIMANDS[name], contrast=f"{labels[0]} - {labels[1]}", estimate=estimate, std_error=se, df=df,
                statistic=test.statistic, p_value=test.p_value, conf_low=test.conf_low, conf_high=test.conf_high, conf_level=conf_level, n=n, n_clusters=n, n_groups=0,
                method="doubly randomized preference trial" + (", strata averaged by their shares" if strata else ""), covariance="unequal variances by cell",
                extra={"effect": name},
            )
        )  # fmt: skip
    chosen = {
        str(v): float(first[chose & known].mean() if i == 0 else 1 - first[chose & known].mean()) for i, v in enumerate(labels)
    }
    text = "preference and selection effects say nothing where nobody would choose otherwise; they are far less precise than the treatment effect."
    return PreferenceResult(
        tuple(rows),
        (*notes, Note("precision", text)),
        {"outcome": outcome, "chosen": {k: round(v, 4) for k, v in chosen.items()}},
    )


def _choosers(frame: pd.DataFrame, arm: str, choice: Hashable) -> Any:
    found = sorted(frame[arm].unique().tolist(), key=str)
    if len(found) != 2 or choice not in found:
        raise ArmError(f"'{arm}' must have two values, one of them choice={choice!r}, but it holds {shown(found)}.")
    return (frame[arm] == choice).to_numpy()


def _treatments(frame: pd.DataFrame, treatment: str, reference: Hashable) -> list[Any]:
    found = sorted(frame[treatment].unique().tolist())
    if len(found) != 2:
        raise ArmError(
            f"'{treatment}' must have two values, but it holds {shown(found)}: a preference trial offers two treatments."
        )
    if reference is not None and reference not in found:
        raise ArmError(f"reference={reference!r} does not occur in '{treatment}', which holds {shown(found)}.")
    return found if reference in (None, found[1]) else found[::-1]


def _check_cells(stratum: Any, names: list[str], chose: Any, first: Any, labels: list[str]) -> None:
    for code, name in enumerate(names):
        for who, mask in (("choice", chose), ("random", ~chose)):
            for label, had in ((labels[0], first), (labels[1], ~first)):
                count = int(((stratum == code) & mask & had).sum())
                if count < 2:
                    raise EstimationError(
                        f"{count} people of the {who} arm have treatment '{label}' in {name if name == 'the trial' else f'stratum {name!r}'}: each cell needs two or more. "
                        "Merge strata; where nobody chooses a treatment the effects are not defined."
                    )
