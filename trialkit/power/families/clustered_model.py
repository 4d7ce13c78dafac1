"""Whole clusters randomized in both arms: variances, df, tails.

The variance of a cluster mean is that of inference/power/cluster_variance.py. Listed sizes enter exactly: an arm's precision is the sum
over its clusters (GLS), with the intracluster correlation taken as known. df = clusters - 2 - covariates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialkit.inference.power.cluster_variance import Levels
from trialkit.inference.power.grouped_power import satterthwaite_df
from trialkit.inference.power.noncentral import Tails, t_tails
from trialkit.power.arguments import Test
from trialkit.power.families.ratio_scales import RatioScale
from trialkit.power.model import Precision, Sizes
from trialkit.power.people import rounded_up
from trialkit.power.words import plural, size

ARMS = ("treated_clusters", "control_clusters")


@dataclass(frozen=True, slots=True)
class Clustered:
    """All but effect, power and sizes. `listed` holds the sizes of every cluster by arm when they were given."""

    levels: Levels
    sd: tuple[float, float]
    satterthwaite: bool
    control_rate: float | None
    covariates: int
    attrition: tuple[float, float]
    listed: tuple[tuple[float, ...], tuple[float, ...]] | None
    test: Test
    scale: RatioScale | None = None

    def parts(self, effect: Any, sizes: Sizes) -> tuple[Any, Any, Any]:
        """Variances of the two arms' means and the df of their sum."""
        treated, control = self._person_variances(effect, sizes)
        n, m = (np.asarray(sizes[k]) for k in ARMS)
        if self.listed is not None:
            vt, vc = (v * self._listed_variance(arm) for arm, v in enumerate((treated, control)))
        else:
            each = (self.levels.mean_variance(np.asarray(sizes["cluster_size"]) * (1 - lost)) for lost in self.attrition)
            vt, vc = (v * unit / k for v, unit, k in zip((treated, control), each, (n, m)))
        if self.test.reference == "z":
            return vt, vc, math.inf
        df = satterthwaite_df(treated=vt, control=vc, df_treated=n - 1, df_control=m - 1) if self.satterthwaite else n + m - 2
        return vt, vc, df - self.covariates

    def _person_variances(self, effect: Any, sizes: Sizes) -> tuple[Any, Any]:
        if self.scale is not None:
            return self.scale.variances(effect, self._share(sizes))
        if self.control_rate is None:
            return self.sd[0] ** 2, self.sd[1] ** 2
        p = self.control_rate + effect
        return p * (1 - p), self.control_rate * (1 - self.control_rate)

    def _share(self, sizes: Sizes) -> Any:
        """Share of the treated among the people analysed."""
        people = [np.asarray(sizes[k]) for k in ARMS] if self.listed is None else [sum(arm) for arm in self.listed]
        treated, control = (n * (1 - lost) for n, lost in zip(people, self.attrition))
        return treated / (treated + control)

    def _listed_variance(self, arm: int) -> float:
        assert self.listed is not None
        m = np.asarray(self.listed[arm]) * (1 - self.attrition[arm])
        return float(1 / np.sum(1 / self.levels.mean_variance(m)))

    def tails(self, effect: Any, sizes: Sizes) -> Tails:
        vt, vc, df = self.parts(effect, sizes)
        return t_tails(ncp=effect / np.sqrt(vt + vc), df=df, critical=self.test.critical(df), alternative=self.test.alternative)

    def precision(self, effect: float, sizes: Sizes) -> Precision:
        vt, vc, df = self.parts(effect, sizes)
        return Precision(math.sqrt(vt + vc), float(df))

    def effect_limit(self, direction: int) -> float:
        if self.control_rate is None:
            return math.inf
        return 1 - self.control_rate if direction > 0 else self.control_rate

    def whole(self, sizes: Sizes) -> Sizes:
        return sizes if self.listed is not None else {k: rounded_up(v) for k, v in sizes.items()}

    def arguments(self, sizes: Sizes) -> dict[str, Any]:
        if self.listed is not None:
            return {"cluster_size": self.listed}
        arms = tuple(sizes[k] for k in ARMS)
        return {"clusters": sum(arms), "cluster_size": sizes["cluster_size"], "allocation": arms}

    def fields(self, sizes: Sizes) -> dict[str, Any]:
        arms = [float(sizes[k]) for k in ARMS]
        if self.listed is not None:
            people = [sum(arm) for arm in self.listed]
            return {
                "clusters": sum(arms),
                "cluster_size": self.listed,
                "n": sum(people),
                "treated": people[0],
                "controls": people[1],
            }
        m = float(sizes["cluster_size"])
        people = [k * m * self.levels.subclusters for k in arms]
        left = m * (1 - sum(self.attrition) / 2)
        found = {"clusters": sum(arms), "cluster_size": m, "n": sum(people), "treated": people[0], "controls": people[1]}
        found["design_effect"] = float(self.levels.design_effect(left))
        if self.levels.autocorrelation is not None:
            found["correlation_of_means"] = float(self.levels.correlation_of_means(left))
        return found

    def words(self, sizes: Sizes) -> str:
        arms = f"{size(sizes['treated_clusters'])} treated and {size(sizes['control_clusters'])} control clusters"
        if self.listed is not None:
            return f"{arms} of {sum(map(sum, self.listed)):,.0f} people together"
        per = plural(sizes["cluster_size"], "person", "people")
        return (
            f"{arms} of {size(self.levels.subclusters)} subclusters of {per}"
            if self.levels.subclusters > 1
            else f"{arms} of {per}"
        )
