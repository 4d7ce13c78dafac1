"""The result of tests of invariance."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

import pandas as pd

from trialkit.printed import p_text
from trialkit.results import TableResult

_TEXTS = ("model", "against", "holds", "freed")


@dataclass(frozen=True)
class InvarianceResult(TableResult):
    """Levels of invariance, each against the one before.

    `.tidy()` has one row a model: model ("configural", "metric", "scalar", "strict", and "partial ..." where a level failed and a few
    free numbers mend it), against (the freer model compared with), chisq, df, p_value, cfi, rmsea, srmr; chisq_scaled, p_scaled,
    cfi_corrected, rmsea_corrected (with robust or cluster; else NaN); chisq_change, df_change, p_change (likelihood ratio test, scaled
    where the tests are); cfi_change (a fall is negative), rmsea_change, srmr_change (of the corrected indices, where there are);
    holds (True, False, or None where it is not judged); freed (numbers let go, in words).

    Attributes
    ----------
    verdict : what holds and what it means for effects, in a sentence or two.
    level : the highest level that holds: "none", "configural", "metric", "scalar", "strict", or their partial forms.
    freed : numbers that differ between waves or groups, as the partial models name them.
    scalar : "full", "partial", "fails", "not judged" (the configural model does not fit) or "not tested".
    """

    kind = "invariance"

    @property
    def verdict(self) -> str:
        return str(self.details["verdict"])

    @property
    def level(self) -> str:
        return str(self.details["level"])

    @property
    def freed(self) -> tuple[str, ...]:
        return tuple(self.details["freed"])

    @property
    def scalar(self) -> str:
        return str(self.details["scalar"])

    @property
    def over(self) -> str:
        """What was compared: "waves", "groups" or "waves and groups"."""
        return str(self.details["over"])

    @property
    def n(self) -> int:
        return int(self.details["n"])

    def tidy(self) -> pd.DataFrame:
        table = pd.DataFrame([dict(r) for r in self.table])
        numbers = [c for c in table if c not in (*_TEXTS, "df")]
        table[numbers] = table[numbers].astype(float)
        table["holds"] = table["holds"].astype(object)
        table["freed"] = table["freed"].astype(object)
        return table

    def _title(self) -> str:
        names = self.details["waves"] if self.over == "waves" else self.details["groups"]
        if self.over == "waves and groups":
            names = [*self.details["waves"], *self.details["groups"]]
        return f"Invariance over {self.over} ({', '.join(names)}): {len(self.details['items'])} items, n = {self.n}"

    def __str__(self) -> str:
        shown = self._shown().to_string(index=False, float_format=short, na_rep="")
        return "\n".join([self._title(), f"  {self.verdict}", shown, *(f"  note: {n.text}" for n in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(n.text)}</li>" for n in self.notes)
        table = self._shown().to_html(index=False, border=0, float_format=short, escape=True, na_rep="")
        head = f"<strong>{html.escape(self._title())}</strong><p>{html.escape(self.verdict)}</p>"
        return f"<div>{head}{table}{f'<ul>{notes}</ul>' if notes else ''}</div>"

    def _shown(self) -> pd.DataFrame:
        """The columns a reader compares."""
        table = self.tidy()
        robust = table["chisq_scaled"].notna().any()
        fit = ["chisq_scaled", "df", "cfi_corrected", "rmsea_corrected"] if robust else ["chisq", "df", "cfi", "rmsea"]
        out = table[["model", *fit, "srmr", "cfi_change", "rmsea_change", "srmr_change", "p_change", "holds"]].copy()
        out["df"] = ["" if math.isnan(v) else str(int(v)) for v in out["df"]]
        out["p_change"] = ["" if math.isnan(p) else p_text(p).removeprefix("= ") for p in out["p_change"]]
        out["holds"] = [{True: "yes", False: "no"}.get(v, "") for v in out["holds"]]
        return out


def short(value: float) -> str:
    """'.931', '-.014', '85.306'."""
    if math.isnan(value):
        return ""
    text = f"{value:.3f}".replace("-0.000", "0.000")
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text
