"""Multiple imputation of a trial's missing values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from trialkit.design.stream import Seed, Stream, checked_seed
from trialkit.errors import UsageError, nearest, shown
from trialkit.inference.arrays import BoolArray
from trialkit.inference.imputation.chained import chained
from trialkit.missing.columns import Prepared, prepared, uses_matrix
from trialkit.missing.imputations import Imputations, Progress, missing_of, r_hat
from trialkit.missing.joint import impute_waves, reference_code, wave_names
from trialkit.misuse import explained
from trialkit.results import Note
from trialkit.trial import Trial

Strategy = Literal["mar", "cr", "j2r", "cir", "lmcf"]
Model = Literal["auto", "chained", "joint"]
_UNMIXED = 1.2


@explained
def impute(
    trial: Trial,
    columns: Sequence[str] | Mapping[float, str],
    *,
    seed: Seed,
    predictors: Sequence[str] = (),
    strategy: Strategy = "mar",
    model: Model = "auto",
    reference: Hashable | None = None,
    n_imputations: int = 50,
    n_iterations: int | None = None,
    methods: Mapping[str, Literal["normal", "pmm", "logistic"]] | None = None,
    predicts: Mapping[str, Sequence[str]] | None = None,
    progress: Progress | None = None,
) -> Imputations:
    """Draw the missing values of several columns, the arms apart, with a group effect in the grouped arms only.

    Parameters
    ----------
    trial : everyone randomized, drop-outs included.
    columns : columns to complete, numbers only; they predict each other. Name every outcome and covariate of the analyses to come, and what
        predicts dropping out. With the joint model: the waves of one outcome in order of time, or a mapping of times to columns.
    seed : whole number or numpy Generator; required. Imputation m depends on the seed and m alone.
    predictors : further baseline columns that predict and are not imputed (their own missing values get the mean over both arms and an
        indicator); categories allowed. Strata always predict.
    strategy : what a missing value would have been. 'mar' (default): as people of the same arm with the same observed values, by chained equations.
        'j2r' (jump to reference), 'cir' (copy increments in reference), 'cr' (copy reference), 'lmcf' (last mean carried forward): after the last
        observed wave as that rule says, with joint normal waves. See `tk.missing.reference_based`.
    model : 'auto' (chained equations for 'mar', the joint normal model for the others), 'chained', or 'joint', which for several waves in groups lets
        the group effects of the waves go together.
    reference : the arm whose means a rule borrows; by default the control arm. The control arm and the reference arm are missing at random.
    n_imputations : 50 by default, so that the standard error hardly depends on the seed; a note says when more are needed.
    n_iterations : sweeps of the chained equations; by default 5 where less than 30 per cent of a column is missing, 10 up to half, else 20. A note
        says when the chains still differ. The joint model takes 300 sweeps to start and 25 between imputations.
    methods : per column 'normal', 'pmm' (predictive mean matching) or 'logistic'. By default 0/1 columns are logistic; ordered answers
        (12 values or fewer), skewed columns and those with a heap (10 per cent at one value, as money at zero) pmm; the others normal.
    predicts : per column the columns and predictors to use for it; by default all.
    progress : called with ('impute', done, of).

    Returns
    -------
    Imputations
        `.trials` (made one by one), `.completed(m)`, `.analyse(lambda t: tk.itt(t, "y1", adjust=["y0"]))`, `.diagnostics()`, `.trace()`.

    Raises
    ------
    ColumnNotFoundError, UsageError
        Columns that are unknown, have a role, stand twice or follow exactly from others; an unknown strategy or method.
    ValueTypeError
        Text, or codes such as -99 that were not declared as missing.
    MissingDataError, EstimationError, GroupError
        A column without values in an arm, too few people for the predictors, fewer than two groups.

    Notes
    -----
    Chained equations take the group effects of the columns as independent given the columns; with several waves of an outcome in groups, model='joint'
    lets them go together. In a grouped arm each model has a random intercept a group, drawn with the uncertainty of its variance (uniform prior on the group standard
    deviation, `inference/imputation/group_effects.py`); imputing as if people were independent would shrink the group variance, and with it the
    standard error. 0/1 columns have a probit model there. Interactions with arm are kept because the arms are imputed apart.

    References
    ----------
    van Buuren (2018), Flexible Imputation of Missing Data, chapters 3, 4, 7; Sullivan, White, Salter, Ryan & Lee (2018), SMMR 27, 2610-2626;
    Carpenter, Roger & Kenward (2013), Journal of Biopharmaceutical Statistics 23, 1352-1371.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"arm": np.repeat(["peer", "solo"], 60), "group": [*np.repeat(list("abcdef"), 10), *[None] * 60]})
    >>> d["y0"] = rng.normal(size=120)
    >>> d["y1"] = d["y0"] + 0.4 * (d["arm"] == "peer") + rng.normal(size=120)
    >>> d.loc[::5, "y1"] = np.nan
    >>> trial = tk.Trial(d, arm="arm", control="solo", group="group")
    >>> found = tk.missing.impute(trial, ["y1"], predictors=["y0"], n_imputations=5, seed=1)
    >>> pooled = found.analyse(lambda t: tk.itt(t, "y1", adjust=["y0"]))
    >>> pooled.tidy()["n"].tolist(), pooled.df < pooled.df_complete
    ([120], True)
    """
    if strategy not in get_args(Strategy):
        near = nearest(str(strategy), get_args(Strategy))
        remedy = f" Did you mean {near!r}?" if near else ""
        raise UsageError(f"strategy={strategy!r} is unknown: say one of {shown(get_args(Strategy))}.{remedy}")
    _whole(n_imputations, "n_imputations", 2)
    if n_iterations is not None:
        _whole(n_iterations, "n_iterations", 1)
    if model not in get_args(Model) or (strategy != "mar" and model == "chained"):
        raise UsageError(
            f"model={model!r} does not go with strategy={strategy!r}: leave it out ('chained' and 'joint' are for 'mar')."
        )
    used = checked_seed(seed)
    joint = model == "joint" or strategy != "mar"
    if joint and (methods or predicts or n_iterations is not None):
        raise UsageError("methods, predicts and n_iterations are for chained equations; the joint normal model has none of them.")
    if reference is not None and strategy == "mar":
        raise UsageError("reference= is for the reference-based strategies; 'mar' borrows from no other arm.")
    names = wave_names(columns) if joint else columns
    if isinstance(names, Mapping):
        raise UsageError("columns= is a list of columns; times are for the waves of the joint model.")
    p = prepared(trial, names, predictors, methods or {})
    if not np.isnan(p.values).any():
        raise UsageError(f"nothing is missing in {shown(p.columns)}: analyse the trial as it is.")
    if joint:
        return impute_waves(trial, p, strategy, reference_code(trial, reference), used, n_imputations, progress)
    return _chained(trial, p, predicts or {}, used, n_imputations, n_iterations, progress)


def _whole(value: int, name: str, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise UsageError(f"{name}={value!r} must be a whole number of {least} or more.")


def _chained(
    trial: Trial,
    p: Prepared,
    predicts: Mapping[str, Sequence[str]],
    seed: int,
    m: int,
    iterations: int | None,
    progress: Progress | None,
) -> Imputations:
    uses = uses_matrix(p, predicts, trial.strata)
    holes = np.isnan(p.values)
    steps = _sweeps(p, holes) if iterations is None else iterations
    missing = missing_of(p.rows, holes, p.columns)
    drawn = {n: np.empty((m, len(r))) for n, r in missing.items()}
    means, sds = np.empty((m, steps, len(p.columns))), np.empty((m, steps, len(p.columns)))
    for i in range(m):
        one = chained(
            values=p.values, fixed=p.fixed, arm=p.arm, group=p.group, methods=p.methods, uses=uses, iterations=steps,
            rng=Stream(seed, i).generator(),
        )  # fmt: skip
        for name in missing:
            j = p.columns.index(name)
            drawn[name][i] = one.values[holes[:, j], j]
        means[i], sds[i] = one.mean_trace, one.sd_trace
        if progress is not None:
            progress("impute", i + 1, m)
    unmixed = {n: r_hat(means[:, :, p.columns.index(n)]) for n in missing}
    notes = list(p.notes)
    slow = [n for n, r in unmixed.items() if r > _UNMIXED]
    if slow:
        notes.append(
            Note(
                "not_mixed",
                f"the chains of {shown(slow)} still differ after {steps} iterations (R-hat {max(unmixed[n] for n in slow):.2f}): ask for more n_iterations.",
            )
        )
    return Imputations(
        trial, p.columns, {n: _words(p, n) for n in p.columns}, missing, drawn, m, "mar", tuple(notes), means, sds
    )  # fmt: skip


def _sweeps(p: Prepared, holes: BoolArray) -> int:
    """One where a single column is incomplete and its draws are independent; else more the more is missing."""
    incomplete = np.asarray(holes.any(axis=0))
    chain = any(m == "logistic" for m, gaps in zip(p.methods, incomplete.tolist()) if gaps) and bool((p.group >= 0).any())
    if incomplete.sum() == 1 and not chain:
        return 1
    most = float(holes.mean(axis=0).max())
    return 5 if most < 0.3 else 10 if most <= 0.5 else 20


def _words(p: Prepared, name: str) -> str:
    method = p.methods[p.columns.index(name)]
    if not (p.group >= 0).any():
        return method
    return "logistic, with groups probit" if method == "logistic" else f"{method} with group effects"
