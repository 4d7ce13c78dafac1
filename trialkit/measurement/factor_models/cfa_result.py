"""The result of a confirmatory factor analysis and the sentence on its fit."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from scipy import special

from trialkit.errors import UsageError
from trialkit.printed import number, p_text
from trialkit.results import TableResult

CFI_BOUND, RMSEA_BOUND, SRMR_BOUND = 0.95, 0.06, 0.08
BOUNDS = "CFI at least .95, RMSEA at most .06, SRMR at most .08 (Hu & Bentler 1999)"


@dataclass(frozen=True)
class CfaResult(TableResult):
    """A fitted factor model.

    `.tidy()` has one row a parameter: group, parameter ("loading", "residual variance", "residual covariance", "factor variance",
    "factor covariance", "intercept", "factor mean"), factor and item (of covariances: the two factors or items), estimate,
    std_error, z, p_value, conf_low, conf_high (95%), standardized. A fixed number has std_error NaN.

    Attributes
    ----------
    chisq, df, p_value : likelihood ratio against the unrestricted means and covariances.
    cfi, tli, rmsea, rmsea_low, rmsea_high, p_close, srmr : fit indices; the interval is the usual 90% one. Without degrees of
        freedom they are NaN, because nothing was tested.
    aic, bic, log_likelihood : of the model; comparable between models of the same items with means in both or in neither.
    chisq_scaled, p_scaled, scaling_factor, cfi_robust, tli_robust, rmsea_robust, cfi_scaled, rmsea_scaled : with robust="mlr" or
        cluster, else NaN. The robust indices are defined for complete data.
    verdict : one sentence: fits, does not fit, cannot be tested, or improper.
    converged : always True: a fit that does not converge is an error.
    """

    scores: pd.DataFrame | None = field(default=None, repr=False, compare=False)

    kind = "cfa"

    def _number(self, name: str) -> float:
        value = self.details[name]
        return math.nan if value is None else float(value)

    @property
    def chisq(self) -> float:
        return self._number("chisq")

    @property
    def df(self) -> int:
        return int(self.details["df"])

    @property
    def p_value(self) -> float:
        return self._number("p_value")

    @property
    def cfi(self) -> float:
        return self._number("cfi")

    @property
    def tli(self) -> float:
        return self._number("tli")

    @property
    def rmsea(self) -> float:
        return self._number("rmsea")

    @property
    def rmsea_low(self) -> float:
        return self._number("rmsea_low")

    @property
    def rmsea_high(self) -> float:
        return self._number("rmsea_high")

    @property
    def p_close(self) -> float:
        """Test that the RMSEA is at most .05."""
        return self._number("p_close")

    @property
    def srmr(self) -> float:
        return self._number("srmr")

    @property
    def aic(self) -> float:
        return self._number("aic")

    @property
    def bic(self) -> float:
        return self._number("bic")

    @property
    def log_likelihood(self) -> float:
        return self._number("log_likelihood")

    @property
    def chisq_scaled(self) -> float:
        return self._number("chisq_scaled")

    @property
    def p_scaled(self) -> float:
        return self._number("p_scaled")

    @property
    def scaling_factor(self) -> float:
        return self._number("scaling_factor")

    @property
    def cfi_robust(self) -> float:
        return self._number("cfi_robust")

    @property
    def tli_robust(self) -> float:
        return self._number("tli_robust")

    @property
    def rmsea_robust(self) -> float:
        return self._number("rmsea_robust")

    @property
    def cfi_scaled(self) -> float:
        return self._number("cfi_scaled")

    @property
    def rmsea_scaled(self) -> float:
        return self._number("rmsea_scaled")

    @property
    def n(self) -> int:
        return int(self.details["n"])

    @property
    def converged(self) -> bool:
        return bool(self.details["converged"])

    @property
    def verdict(self) -> str:
        return str(self.details["verdict"])

    @property
    def fits(self) -> bool | None:
        """Whether all three bounds hold; None when fit cannot be tested or the solution is improper."""
        value = self.details["fits"]
        return None if value is None else bool(value)

    @property
    def loadings(self) -> pd.DataFrame:
        """Items by factors; 0 where the model has no loading. With groups the rows are (group, item)."""
        return self._items_by_factors("estimate", 0.0)

    @property
    def se_loadings(self) -> pd.DataFrame:
        """Standard errors in the shape of `loadings`; NaN where nothing was estimated."""
        return self._items_by_factors("std_error", math.nan)

    @property
    def standardized_loadings(self) -> pd.DataFrame:
        """Loadings with items and factors in standard deviations."""
        return self._items_by_factors("standardized", 0.0)

    @property
    def loadings_table(self) -> pd.DataFrame:
        """One row a loading: factor, item, estimate, std_error, z, p_value, conf_low, conf_high, standardized."""
        return self._part("loading").rename(columns={"left": "factor", "right": "item"})

    @property
    def intercepts(self) -> pd.DataFrame:
        """One row an item; empty without a mean structure."""
        return self._part("intercept").rename(columns={"left": "item"}).drop(columns="right")

    @property
    def residual_variances(self) -> pd.DataFrame:
        """One row an item; `standardized` is the share of the item's variance that the factors leave."""
        return self._part("residual variance").rename(columns={"left": "item"}).drop(columns="right")

    @property
    def factor_means(self) -> pd.DataFrame:
        """Factor means of the groups after the first, against a mean of 0 there; empty when they are not in the model."""
        return self._part("factor mean").rename(columns={"left": "factor"}).drop(columns="right")

    @property
    def factor_covariances(self) -> pd.DataFrame:
        """Factors by factors; with groups the rows are (group, factor)."""
        return self._factors_by_factors("estimate")

    @property
    def factor_correlations(self) -> pd.DataFrame:
        """Factors by factors; with groups the rows are (group, factor)."""
        return self._factors_by_factors("standardized")

    @property
    def factor_scores(self) -> pd.DataFrame:
        """Regression scores E[factor | answers], rows as in the items given, NaN for people left out.

        Their variance is below that of the factor, and differences between arms in them are shrunken: they are no outcome.
        """
        if self.scores is None:
            raise UsageError("a stored result has no factor scores, which are people's data. Run tk.measurement.cfa again.")
        return self.scores.copy()

    def modification_indices(self, least: float = 0.0) -> pd.DataFrame:
        """What freeing a number would take off the chi-square (1 df each), largest first.

        Columns: group, parameter ("loading", "residual covariance", "equal loading" and the like: an equality let go in that group),
        left, right, index, expected_change, standardized_change. `least` leaves out smaller indices (3.84 is the 5% point). Many
        indices are looked at together: a change needs a reason in the items, and a fresh sample to stand on.
        """
        names = ["group", "parameter", "left", "right", "index", "expected_change", "standardized_change"]
        table = pd.DataFrame(list(self.details["modification_indices"]), columns=names)
        table = table.astype(dict.fromkeys(names[4:], float))
        found = table[table["index"] >= least]
        return found.sort_values("index", ascending=False, kind="stable").reset_index(drop=True)

    def tidy(self) -> pd.DataFrame:
        table = pd.DataFrame([dict(r) for r in self.table])
        numbers = ["estimate", "std_error", "z", "p_value", "conf_low", "conf_high", "standardized"]
        table[numbers] = table[numbers].astype(float)
        return table

    def _part(self, parameter: str) -> pd.DataFrame:
        table = self.tidy()
        found = table[table["parameter"] == parameter].drop(columns="parameter").reset_index(drop=True)
        return found if len(self._groups) > 1 else found.drop(columns="group")

    @property
    def _groups(self) -> list[str]:
        return list(self.details["groups"])

    def _items_by_factors(self, column: str, absent: float) -> pd.DataFrame:
        table = self.tidy()
        table = table[table["parameter"] == "loading"]
        items, factors = list(self.details["items"]), list(self.details["factors"])
        rows = [(g, i) for g in self._groups for i in items]
        values = {(r["group"], r["right"], r["left"]): r[column] for r in table.to_dict("records")}
        cells = [[values.get((g, i, f), absent) for f in factors] for g, i in rows]
        return pd.DataFrame(cells, index=self._index(rows, items, "item"), columns=pd.Index(factors, name="factor"))

    def _factors_by_factors(self, column: str) -> pd.DataFrame:
        table = self.tidy()
        table = table[table["parameter"].isin(["factor variance", "factor covariance"])]
        factors = list(self.details["factors"])
        values: dict[tuple[str, str, str], float] = {}
        for r in table.to_dict("records"):
            values[r["group"], r["left"], r["right"]] = values[r["group"], r["right"], r["left"]] = r[column]
        rows = [(g, f) for g in self._groups for f in factors]
        cells = [[values[g, a, b] for b in factors] for g, a in rows]
        return pd.DataFrame(cells, index=self._index(rows, factors, "factor"), columns=pd.Index(factors, name="factor"))

    def _index(self, rows: list[tuple[str, str]], names: list[str], what: str) -> pd.Index:
        return pd.MultiIndex.from_tuples(rows, names=["group", what]) if len(self._groups) > 1 else pd.Index(names, name=what)

    def _title(self) -> str:
        factors, items = len(self.details["factors"]), len(self.details["items"])
        size = f"{factors} factor{'s' if factors > 1 else ''}, {items} items, n = {self.n}"
        groups = f", groups {', '.join(self._groups)}" if len(self._groups) > 1 else ""
        return f"Confirmatory factor analysis: {size}{groups}"

    def __str__(self) -> str:
        shown = self.loadings_table[[*self._shown_columns()]].rename(columns={"p_value": "p"})
        shown["p"] = ["" if math.isnan(p) else p_text(p).removeprefix("= ") for p in shown["p"]]
        lines = [self._title(), f"  {self.verdict}", *self._fit_lines()]
        lines += [shown.to_string(index=False, float_format=number, na_rep="")]
        return "\n".join(lines + [f"  note: {n.text}" for n in self.notes])

    def _repr_html_(self) -> str:
        return super()._repr_html_().replace("</strong>", f"</strong><p>{html.escape(self.verdict)}</p>", 1)

    def _shown_columns(self) -> list[str]:
        group = ["group"] if len(self._groups) > 1 else []
        return [*group, "factor", "item", "estimate", "std_error", "z", "p_value", "standardized"]

    def _fit_lines(self) -> list[str]:
        lines = [f"  chi-square({self.df}) = {self.chisq:.3f}" + (f", p {p_text(self.p_value)}" if self.df > 0 else "")]
        if self.df > 0:
            interval = f"{_short(self.rmsea)} (90% interval {_short(self.rmsea_low)} to {_short(self.rmsea_high)})"
            lines.append(f"  CFI {_short(self.cfi)}, TLI {_short(self.tli)}, RMSEA {interval}, SRMR {_short(self.srmr)}")
        if math.isfinite(self.chisq_scaled):
            lines.append(
                f"  scaled chi-square({self.df}) = {self.chisq_scaled:.3f}, p {p_text(self.p_scaled)}; {self.details['covariance']}"
            )
        return lines


def fit_verdict(found: Mapping[str, Any], improper: str) -> tuple[str, bool | None]:
    """The sentence on the fit and whether the bounds hold.

    Robust indices take the place of the plain ones where they are there, scaled ones where robust ones are not defined.
    """
    if improper:
        return f"improper solution: {improper}; its numbers should not be interpreted.", None
    df = int(found["df"])
    if df == 0:
        return "fit cannot be tested: the model has as many free numbers as there are variances, covariances and means.", None
    apart = float(special.chdtrc(found["baseline_df"], found["baseline_chisq"]))
    if apart > 0.05:
        empty = f"chi-square({found['baseline_df']}) = {found['baseline_chisq']:.2f}, p {p_text(apart)}"
        return f"fit says nothing: the items are not shown to correlate at all ({empty} for no correlations).", None
    robust = math.isfinite(found["chisq_scaled"])
    cfi, rmsea = found["cfi"], found["rmsea"]
    word = ""
    if robust:
        word = "robust " if math.isfinite(found["cfi_robust"]) else "scaled "
        cfi, rmsea = found[f"cfi_{word.strip()}"], found[f"rmsea_{word.strip()}"]
    chisq, p = (found["chisq_scaled"], found["p_scaled"]) if robust else (found["chisq"], found["p_value"])
    test = f"{'scaled ' if robust else ''}chi-square({df}) = {chisq:.2f}, p {p_text(p)}"
    off = []
    if not cfi >= CFI_BOUND:
        off.append(f"{word}CFI {_short(cfi)} is below .95")
    if not rmsea <= RMSEA_BOUND:
        off.append(f"{word}RMSEA {_short(rmsea)} is above .06")
    if not found["srmr"] <= SRMR_BOUND:
        off.append(f"SRMR {_short(found['srmr'])} is above .08")
    if off:
        return f"does not fit: {', '.join(off)}; {test}; the bounds are {BOUNDS}.", False
    if p < 0.05:
        return (
            f"fits approximately: {BOUNDS} hold, but exact fit is rejected, {test}; "
            "see .modification_indices() for where it is off.",
            True,
        )
    return f"fits: {BOUNDS}; {test}.", True


def _short(value: float) -> str:
    """'.931', '1.000'."""
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text
