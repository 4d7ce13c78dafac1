"""Few groups: the same effect by the methods that could be trusted, side by side, with what the number of groups allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.errors import CombinationError, TrialkitError, UsageError
from trialkit.estimate.covariates import CovariateMissing
from trialkit.estimate.draws.randomization import randomization_test
from trialkit.estimate.draws.wild_bootstrap import wild_bootstrap
from trialkit.estimate.itt import itt
from trialkit.misuse import explained
from trialkit.results import Estimate, Note, TableResult
from trialkit.trial import ALONE, Trial

FEWEST, FEW = 6, 10


@dataclass(frozen=True)
class FewGroupsResult(TableResult):
    """One row a method. `.advice` says what to report; `.groups` the groups (clusters) per arm and how many equal ones they are worth."""

    kind = "few_groups"

    @property
    def advice(self) -> str:
        return str(self.details["advice"])

    @property
    def groups(self) -> Mapping[str, Mapping[str, float]]:
        found: Mapping[str, Mapping[str, float]] = self.details["groups"]
        return found

    def _title(self) -> str:
        return f"{self.details['outcome']} with few {self.details['what']}: {self.advice}"


@explained
def few_groups(
    trial: Trial,
    outcome: str,
    *,
    adjust: Sequence[str] = (),
    n_draws: int = 1999,
    seed: int | np.random.Generator | None = None,
    covariate_missing: CovariateMissing = "impute",
    conf_level: float = 0.95,
) -> FewGroupsResult:
    """CR2, CR3, wild bootstrap and (with a design) the randomization test of one effect, and advice.

    Parameters
    ----------
    adjust, covariate_missing, conf_level : as in `itt`.
    n_draws, seed : of the bootstrap and the randomization test; there is no default seed.

    Returns
    -------
    FewGroupsResult
        Rows: method, estimate, std_error, df, p_value, conf_low, conf_high, remark. A method that does not exist here says why.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> group = [f"g{i // 6}" for i in range(48)] + [None] * 48
    >>> d = pd.DataFrame({"arm": ["peer"] * 48 + ["solo"] * 48, "group": group, "y": rng.normal(size=96)})
    >>> found = tk.few_groups(tk.Trial(d, arm="arm", control="solo", group="group"), "y", n_draws=199, seed=1)
    >>> found.groups["peer"]["count"]
    8
    """
    if seed is None:
        raise UsageError("two of the methods draw, so a seed is needed: say seed=4711 (any number you choose).")
    if trial.cluster is None and not (trial.group_codes != ALONE).any():
        raise CombinationError("the trial has neither groups nor clusters: tk.itt with its HC2 standard error is enough.")
    if len(trial.arms) > 2:
        raise CombinationError("give the people of two arms: with several arms look at one contrast at a time.")
    what = "clusters" if trial.cluster is not None else "groups"
    counts = counted(trial)
    asked: dict[str, Any] = {"adjust": adjust, "covariate_missing": covariate_missing, "conf_level": conf_level}
    drawing = asked | {"n_draws": n_draws, "seed": seed}
    rows = [
        _row("CR2, Satterthwaite", itt(trial, outcome, covariance="CR2", **asked).estimates[0]),
        _row("CR3, Satterthwaite", itt(trial, outcome, covariance="CR3", **asked).estimates[0]),
        _attempt("wild bootstrap", lambda: wild_bootstrap(trial, outcome, **drawing).estimates[0]),
    ]
    if trial.design is not None:
        rows.append(_attempt("randomization test", lambda: randomization_test(trial, outcome, **drawing).estimates[0]))
    smallest = min(c["effective"] for c in counts.values())
    notes = (
        ()
        if trial.design is not None
        else (Note("no_design", "with Trial(design=...) the randomization test would stand here too."),)
    )
    details = {
        "outcome": outcome, "what": what, "groups": counts, "advice": _advice(smallest, what), "conf_level": conf_level, "n_draws": n_draws,
    }  # fmt: skip
    return FewGroupsResult((), notes, details, tuple(rows))


def counted(trial: Trial) -> dict[str, dict[str, float]]:
    """Groups of each arm, and the number of equal groups they are worth: (sum n)^2 / sum n^2."""
    label = trial.codes(trial.cluster) if trial.cluster is not None else trial.group_codes
    out = {}
    for code, arm in enumerate(trial.arms):
        inside = label[(trial.arm_codes == code) & (label != ALONE)]
        if len(inside):
            _, sizes = np.unique(inside, return_counts=True)
            out[str(arm)] = {"count": len(sizes), "effective": float(sizes.sum() ** 2 / (sizes**2).sum())}
    return out


def _row(method: str, e: Estimate) -> dict[str, Any]:
    return {
        "method": method, "estimate": e.estimate, "std_error": e.std_error, "df": e.df, "p_value": e.p_value,
        "conf_low": e.conf_low, "conf_high": e.conf_high, "remark": "",
    }  # fmt: skip


def _attempt(method: str, run: Any) -> dict[str, Any]:
    """A method's row, or the reason why it does not exist for this trial."""
    try:
        return _row(method, run())
    except TrialkitError as reason:
        nothing = dict.fromkeys(("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"), float("nan"))
        return {"method": method, **nothing, "remark": str(reason)}


def _advice(effective: float, what: str) -> str:
    worth = f"worth {effective:.1f} equal {what} in the smaller arm"
    if effective < FEWEST:
        return f"{worth}: no interval is dependable below {FEWEST}; report the {what} one by one, and the randomization test if there is a design."
    if effective < FEW:
        return f"{worth}: CR2 with its df rejects a true null in up to 6.5 % of trials; report it beside the randomization test or the wild bootstrap."
    return f"{worth}: CR2 with its df keeps its level; the others are a check."
