"""The result of `subgroups`: interactions first, effects in the subgroups second, and what a reader weighs them by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialkit.errors import UsageError
from trialkit.printed import interval_text, p_text, test_text
from trialkit.results import Estimate, Result

INTERACTION = "interaction"


@dataclass(frozen=True)
class SubgroupsResult(Result):
    """Effects by subgroup.

    `.tidy()` has, for each moderator, the interaction rows (`subgroup` is 'interaction') and then the effects. Beside the usual columns:
    `moderator`, `subgroup`, `comparison` (what an interaction row compares), `df_num` (above 1 for a joint test, which has a statistic and no
    estimate), `planned`, and `p_adjusted` with a correction.
    """

    kind = "subgroups"

    @property
    def interactions(self) -> pd.DataFrame:
        """The interaction rows: read these first."""
        return self._table(True)

    @property
    def effects(self) -> pd.DataFrame:
        """The effects in the subgroups, or at values of a continuous moderator."""
        return self._table(False)

    @property
    def overall(self) -> pd.DataFrame:
        """The effects in everybody together, by the same estimator."""
        return pd.DataFrame(self.details["overall"])

    @property
    def credibility(self) -> pd.DataFrame:
        """One row an item that a reader weighs: moderator, item, question, answer."""
        return pd.DataFrame([row for m in self.details["moderators"] for row in m["credibility"]])

    def curve(self, moderator: str | None = None, contrast: str | None = None) -> pd.DataFrame:
        """The effect over a continuous moderator: value, estimate, pointwise limits (conf_low, conf_high) and the band for the whole line
        (band_low, band_high)."""
        curves = self.of(moderator, continuous=True)["curves"]
        name = contrast if contrast is not None else next(iter(curves))
        if name not in curves:
            raise UsageError(f"there is no contrast '{name}'; there are {', '.join(repr(k) for k in curves)}.")
        columns = ("value", "estimate", "std_error", "df", "conf_low", "conf_high", "band_low", "band_high")
        return pd.DataFrame({c: [math.inf if v == "inf" else v for v in curves[name][c]] for c in columns})

    def of(self, moderator: str | None = None, *, continuous: bool = False) -> Mapping[str, Any]:
        """Details of a moderator, by default the first (or the first continuous one)."""
        for m in self.details["moderators"]:
            if moderator == m["name"] or (moderator is None and (not continuous or m["kind"] == "continuous")):
                if continuous and m["kind"] != "continuous":
                    raise UsageError(f"'{moderator}' is {m['kind']}: a line over the moderator exists for continuous ones.")
                found: Mapping[str, Any] = m
                return found
        names = [m["name"] for m in self.details["moderators"] if not continuous or m["kind"] == "continuous"]
        if moderator is None:
            raise UsageError("there is no continuous moderator in this result.")
        raise UsageError(f"there is no moderator '{moderator}'; there are {', '.join(repr(n) for n in names) or 'none'}.")

    def rows(self, moderator: str, contrast: str | None = None, *, interaction: bool = False) -> Iterator[Estimate]:
        """Rows of a moderator: its interactions, or its effects."""
        for e in self.estimates:
            mine = e.extra["moderator"] == moderator and (e.extra["subgroup"] == INTERACTION) == interaction
            if mine and contrast in (None, e.contrast):
                yield e

    def _table(self, interaction: bool) -> pd.DataFrame:
        table = self.tidy()
        chosen = table[(table["subgroup"] == INTERACTION) == interaction].reset_index(drop=True)
        return chosen if interaction else chosen.drop(columns=["comparison", "df_num", "p_adjusted"], errors="ignore")

    def _title(self) -> str:
        tests, planned = self.details["tests"], self.details["tests_planned"]
        correction = self.details["correction"]
        return (
            f"Subgroups of {self.estimates[0].outcome}: {tests} interaction test{'' if tests == 1 else 's'} ({planned} planned), "
            f"{f'corrected by {correction}' if correction else 'not corrected'}"
        )

    def __str__(self) -> str:
        lines = [self._title()]
        for m in self.details["moderators"]:
            lines.append(f"  by {m['name']} ({m['kind']}, {'planned' if m['planned'] else 'not planned: exploratory'})")
            contrasts = dict.fromkeys(e.contrast for e in self.rows(m["name"]))
            for contrast in contrasts:
                lines += [f"    {contrast}", *self._block(m["name"], contrast)]
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])

    def _block(self, moderator: str, contrast: str) -> list[str]:
        lines = []
        for e in self.rows(moderator, contrast, interaction=True):
            adjusted = e.extra.get("p_adjusted")
            more = "" if adjusted is None or math.isnan(adjusted) else f"; corrected p {p_text(adjusted)}"
            if e.extra["df_num"] == 1:
                lines.append(f"      interaction, {e.extra['comparison']}: {interval_text(e)}; {test_text(e)}{more}")
            else:
                lines.append(f"      interaction, {e.extra['comparison']}: {joint_text(e)}{more}")
        for e in self.rows(moderator, contrast):
            groups = f", {e.n_groups} groups" if e.n_groups else ""
            lines.append(f"      {e.extra['subgroup']}: {interval_text(e)}; n = {e.n}{groups}")
        return lines


def joint_text(e: Estimate) -> str:
    """'F(2, 14.3) = 1.20, p = .330' of a joint test."""
    if math.isnan(e.p_value):
        return "joint test not defined"
    name = f"chi-square({e.extra['df_num']}) / {e.extra['df_num']}" if math.isinf(e.df) else f"F({e.extra['df_num']}, {e.df:.1f})"
    return f"{name} = {e.statistic:.2f}, p {p_text(e.p_value)}"
