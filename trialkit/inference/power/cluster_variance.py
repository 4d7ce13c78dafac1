"""Variance of a cluster's mean: levels, covariates, a baseline on the same people, sizes that vary.

With the variance of a person as unit, m people in each of k subclusters:

    DE = k m icc (1-R2_c) + [m icc_2 + 1 - icc - icc_2](1-R2_i),      Var(mean) = DE / (k m).

Sizes with coefficient of variation cv multiply it by 1/(1 - cv^2 L(1-L)), L the share of the first term (van Breukelen, Candel &
Berger 2007, mixed model; the unweighted analysis of people would cost more). A baseline on the same people multiplies it by
1 - r^2, r = [m icc rho_c + (1-icc) rho_i]/[m icc + 1 - icc] the correlation of cluster means (Teerenstra et al. 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Levels:
    """Shares of the variance by level and what is explained of each.

    Attributes
    ----------
    icc, middle : shares of the cluster and of the subcluster level.
    subclusters : subclusters per cluster, 1 without a middle level.
    cluster_r2, individual_r2 : explained shares, the second of everything below the clusters.
    autocorrelation : (cluster, individual) correlation with a baseline on the same people, or None.
    size_cv : SD / mean of cluster sizes.
    """

    icc: float
    middle: float = 0.0
    subclusters: float = 1.0
    cluster_r2: float = 0.0
    individual_r2: float = 0.0
    autocorrelation: tuple[float, float] | None = None
    size_cv: float = 0.0

    def mean_variance(self, m: Any) -> Any:
        """Variance of a cluster mean over that of a person; m people per (sub)cluster, a number or an array."""
        return self.design_effect(m) / (m * self.subclusters)

    def design_effect(self, m: Any) -> Any:
        """Variance relative to as many independent people, less what covariates and a baseline take away."""
        top = m * self.subclusters * self.icc * (1 - self.cluster_r2)
        rest = (m * self.middle + 1 - self.icc - self.middle) * (1 - self.individual_r2)
        share = top / (top + rest)
        unequal = 1 / (1 - self.size_cv**2 * share * (1 - share))
        return (top + rest) * unequal * (1 - self.correlation_of_means(m) ** 2)

    def correlation_of_means(self, m: Any) -> Any:
        """Correlation of cluster means before and after; 0 without a baseline on the same people."""
        if self.autocorrelation is None:
            return 0.0
        between, within = self.autocorrelation
        return (m * self.icc * between + (1 - self.icc) * within) / (m * self.icc + 1 - self.icc)
