"""The table of pooled effects."""

from __future__ import annotations

from dataclasses import dataclass

from trialkit.results import FirstRow


@dataclass(frozen=True)
class PooledResult(FirstRow):
    """Effects pooled over completed data sets, one a row; the properties are those of the first row, `.df` being the degrees of freedom of Barnard and Rubin.

    Behind the usual columns stand within and between (variances within and between imputations), riv (relative increase in variance), fmi
    (fraction of missing information), df_complete (degrees of freedom with complete data), mc_error (Monte Carlo standard error of
    the estimate) and n_imputations. Of a ratio, estimate and interval are the ratio; std_error, within, between and mc_error are of its log.
    """

    kind = "pooled"

    @property
    def within(self) -> float:
        """Mean variance within the completed data sets."""
        return self._extra("within")

    @property
    def between(self) -> float:
        """Variance of the estimates between the completed data sets."""
        return self._extra("between")

    @property
    def riv(self) -> float:
        """Relative increase in variance due to the missing values."""
        return self._extra("riv")

    @property
    def fmi(self) -> float:
        """Fraction of missing information."""
        return self._extra("fmi")

    @property
    def df_complete(self) -> float:
        """Degrees of freedom that the analysis would have with complete data."""
        return self._extra("df_complete")

    @property
    def mc_error(self) -> float:
        """Monte Carlo standard error of the estimate: what another seed may change."""
        return self._extra("mc_error")

    def _title(self) -> str:
        return f"Pooled over {self.details['n_imputations']} imputations: {self.estimates[0].outcome}"
