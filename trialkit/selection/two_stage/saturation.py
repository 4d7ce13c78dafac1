"""Two-stage saturation designs: the direct effect at each share treated, and spillovers on treated and untreated."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialkit.errors import ArmError, ColumnNotFoundError, EstimationError, GroupError, MissingDataError, shown
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_test
from trialkit.inference.two_stage.saturation import SaturationMeans, cluster_means, contrast
from trialkit.io.frames import numeric, to_pandas
from trialkit.misuse import explained
from trialkit.printed import counted_people
from trialkit.results import Estimate, Note, Result
from trialkit.trial import rows_text

ESTIMANDS = {
    "direct": "direct effect of treatment at one saturation, clusters counting the same",
    "marginal_direct": "direct effect averaged over the saturations, clusters counting the same",
    "spillover_treated": "effect of the lower instead of the higher saturation on treated people",
    "spillover_untreated": "effect of the lower instead of the higher saturation on untreated people",
}


@dataclass(frozen=True)
class SaturationResult(Result):
    """Rows told apart by the column `effect`: direct (one a saturation), marginal_direct, spillover_treated, spillover_untreated."""

    kind = "saturation"

    @property
    def means(self) -> pd.DataFrame:
        """Mean potential outcomes by saturation: clusters, y1 (treated), y0 (untreated)."""
        return pd.DataFrame(self.details["means"])

    def _title(self) -> str:
        return f"Saturation design on {self.details['outcome']}"


@explained
def saturation(
    data: Any, outcome: str, *, arm: str, cluster: str, saturation: str, control: Hashable = 0, conf_level: float = 0.95
) -> SaturationResult:
    """Direct and spillover effects of a design that randomized clusters to a share treated, and people within clusters to treatment.

    Parameters
    ----------
    data : table of people. outcome : numeric column. arm : column with two values, `control` the untreated.
    cluster : column of the clusters. saturation : column with the share (or its label) that the cluster was randomized to; a number sorts as a number.
    conf_level : of the t intervals; df from the clusters.

    Returns
    -------
    SaturationResult
        `.tidy()` with the column `effect` and, in `saturation`, the level ('0.25', '0.25 - 0.5'); spillovers are lower minus higher between neighbouring levels.
        `.means`.

    Raises
    ------
    ColumnNotFoundError, GroupError, ArmError, EstimationError, MissingDataError
        Absent columns, a cluster of two saturations or without treated or untreated people, one saturation only, fewer than two clusters at one.

    Notes
    -----
    People are assumed to affect each other within clusters only. Clusters without untreated people (saturation 1) or without treated ones (0) have no direct
    effect: leave them out.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"town": np.repeat(range(8), 10), "share": np.repeat([0.2, 0.6] * 4, 10), "z": [0, 0, 0, 0, 1] * 16, "y": rng.normal(size=80)})
    >>> d.loc[d["share"] == 0.6, "z"] = 1 - d["z"]
    >>> tk.selection.saturation(d, "y", arm="z", cluster="town", saturation="share").tidy()["effect"].tolist()
    ['direct', 'direct', 'marginal_direct', 'spillover_treated', 'spillover_untreated']
    """
    frame = to_pandas(data).reset_index(drop=True)
    for name in (outcome, arm, cluster, saturation):
        if name not in frame.columns:
            raise ColumnNotFoundError(name, frame.columns)
    for name in (arm, cluster, saturation):
        if frame[name].isna().any():
            raise MissingDataError(
                f"'{name}' is missing in {rows_text(frame[name].isna())}: fill it in from the allocation list."
            )
    arms = sorted(frame[arm].unique().tolist(), key=str)
    if len(arms) != 2 or control not in arms:
        raise ArmError(f"'{arm}' must have two values, one of them control={control!r}, but it holds {shown(arms)}.")
    y = numeric(frame[outcome], outcome)
    known = np.isfinite(y)
    notes = (
        [Note("outcome_missing", counted_people(int((~known).sum()), f"have no '{outcome}' and are left out."))]
        if not known.all()
        else []
    )
    kept = frame[known]
    levels, labels = pd.factorize(kept[saturation], sort=True)
    clusters, names = pd.factorize(kept[cluster], sort=True)
    treated = (kept[arm] != control).to_numpy().astype(np.int64)
    levels, clusters = levels.astype(np.int64), clusters.astype(np.int64)
    _check(levels, clusters, treated, labels, names, cluster, saturation)
    means = cluster_means(y=y[known], treated=treated, cluster=clusters, saturation=levels)
    level_names = [f"{v:g}" if isinstance(v, (int, float, np.number)) else str(v) for v in labels.tolist()]
    rows = _rows(means, level_names, outcome, f"{next(a for a in arms if a != control)} - {control}", conf_level, len(kept))
    details = {
        "outcome": outcome,
        "means": [
            {"saturation": s, "n_clusters": int(c), "y1": float(p[1]), "y0": float(p[0])}
            for s, c, p in zip(level_names, means.counts, means.potential)
        ],
    }
    return SaturationResult(tuple(rows), tuple(notes), details)


def _rows(means: SaturationMeans, names: list[str], outcome: str, treatment: str, conf_level: float, n: int) -> list[Estimate]:
    size = len(names)
    wanted: list[tuple[str, str, str, FloatArray]] = []
    for a, name in enumerate(names):
        wanted.append(("direct", name, treatment, _weights(size, {(a, 1): 1.0, (a, 0): -1.0})))
    shares = means.counts / means.counts.sum()
    marginal = np.column_stack([-shares, shares])
    wanted.append(("marginal_direct", "all", treatment, marginal))
    for kind, z in (("spillover_treated", 1), ("spillover_untreated", 0)):
        for a in range(size - 1):
            pair = f"{names[a]} - {names[a + 1]}"
            wanted.append((kind, pair, pair, _weights(size, {(a, z): 1.0, (a + 1, z): -1.0})))
    rows = []
    for effect, level, label, weights in wanted:
        c = contrast(means, weights)
        test = t_test(c.estimate, c.std_error, c.df, conf_level)
        rows.append(
            Estimate(
                outcome=outcome, estimand=ESTIMANDS[effect], contrast=label, estimate=c.estimate, std_error=c.std_error, df=c.df, statistic=test.statistic,
                p_value=test.p_value, conf_low=test.conf_low, conf_high=test.conf_high, conf_level=conf_level, n=n, n_clusters=len(means.saturation), n_groups=0,
                method="two-stage saturation design", covariance="between clusters", extra={"effect": effect, "saturation": level},
            )
        )  # fmt: skip
    return rows


def _weights(size: int, entries: dict[tuple[int, int], float]) -> FloatArray:
    weights = np.zeros((size, 2))
    for place, value in entries.items():
        weights[place] = value
    return weights


def _check(levels: Any, clusters: Any, treated: Any, labels: Any, names: Any, cluster: str, saturation: str) -> None:
    table = pd.DataFrame({"cluster": clusters, "level": levels, "treated": treated})
    per = table.groupby("cluster")
    mixed = per["level"].nunique()
    if (mixed > 1).any():
        raise GroupError(f"cluster {shown([names[i] for i in mixed.index[mixed > 1]])} of '{cluster}' has people of more than one '{saturation}': it is randomized by cluster.")  # fmt: skip
    one_kind = per["treated"].nunique()
    if (one_kind < 2).any():
        raise EstimationError(
            f"cluster {shown([names[i] for i in one_kind.index[one_kind < 2]])} of '{cluster}' has only treated or only untreated people with an outcome: direct effects need "
            "both. Leave such clusters out."
        )
    if len(labels) < 2:
        raise EstimationError(f"'{saturation}' has one value ({labels[0]}): spillovers need two or more.")
    counts = per["level"].first().value_counts()
    if (counts < 2).any():
        raise EstimationError(
            f"saturation {labels[counts.index[counts < 2][0]]} has one cluster: its variance cannot be estimated. Merge saturations."
        )
