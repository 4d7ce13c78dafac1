"""Results: immutable, one table shape for every analysis, a JSON round trip.

`Result.tidy()` gives one row an estimate with the columns of `COLUMNS`, always these and in this order; an analysis may add
columns behind them (`p_adjusted`, `wave`, `subgroup`).
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from typing import Any, ClassVar

import pandas as pd

from trialkit.errors import UsageError
from trialkit.printed import interval_text, marks, number, p_text, printable, test_text

SCHEMA_VERSION = 1
COLUMNS = [
    "outcome",
    "estimand",
    "contrast",
    "estimate",
    "std_error",
    "df",
    "statistic",
    "p_value",
    "conf_low",
    "conf_high",
    "conf_level",
    "n",
    "n_clusters",
    "n_groups",
    "method",
    "covariance",
]


@dataclass(frozen=True, slots=True)
class Note:
    """A coded sentence: `code` for machines, `text` for readers."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row of a result. Undefined numbers are NaN, and a note says why."""

    outcome: str
    estimand: str
    contrast: str
    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    conf_level: float
    n: int
    n_clusters: int
    n_groups: int
    method: str
    covariance: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        return {c: getattr(self, c) for c in COLUMNS} | dict(self.extra)


@dataclass(frozen=True)
class Result:
    """Base of all results.

    Attributes
    ----------
    estimates : rows of `.tidy()`.
    notes : what a reader must know: rows left out, imputed covariates, collinear terms, few groups.
    details : further numbers of the analysis, JSON-able.
    """

    estimates: tuple[Estimate, ...]
    notes: tuple[Note, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    kind: ClassVar[str] = "result"
    kinds: ClassVar[dict[str, type[Result]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__repr__" not in cls.__dict__:  # what a prompt shows: a result is read, its fields are in `to_dict`
            cls.__repr__ = Result.__repr__  # type: ignore[method-assign]
        if "kind" in cls.__dict__:  # a class that others are built on has no kind of its own
            Result.kinds[cls.kind] = cls

    def tidy(self) -> pd.DataFrame:
        """One row an estimate."""
        extra = [k for e in self.estimates for k in e.extra]
        return pd.DataFrame([e.row() for e in self.estimates], columns=[*COLUMNS, *dict.fromkeys(extra)])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text with a schema version; NaN and infinity become None and "inf"."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": self.kind,
            "estimates": [plain(e.row()) for e in self.estimates],
            "notes": [{"code": n.code, "text": n.text} for n in self.notes],
            "details": plain(self.details),
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> Result:
        """The result that `to_dict` wrote, of its own class."""
        version = content.get("schema_version")
        if version != SCHEMA_VERSION:
            raise UsageError(f"this result has schema_version {version!r}; this version of trialkit reads {SCHEMA_VERSION}.")
        cls = _class_of(str(content.get("kind")))
        known = {f.name for f in fields(Estimate)}
        estimates = []
        for row in content["estimates"]:
            restored = {k: _restored(k, v) for k, v in row.items()}
            extra = {k: v for k, v in restored.items() if k not in known}
            estimates.append(Estimate(**{k: v for k, v in restored.items() if k in known}, extra=extra))
        notes = tuple(Note(n["code"], n["text"]) for n in content["notes"])
        result = cls(tuple(estimates), notes, dict(content.get("details", {})))
        if isinstance(result, TableResult):
            return replace(result, table=tuple(dict(r) for r in content["table"]))
        return result

    def _title(self) -> str:
        return self.kind

    def __str__(self) -> str:
        lines = [self._title()]
        several, told = len({e.outcome for e in self.estimates}) > 1, marks(self.estimates)
        for e in self.estimates:
            named = [*([e.outcome] if several or not e.contrast else []), e.contrast, *(f"{m} {e.extra[m]}" for m in told)]
            lines.append(f"  {', '.join(name for name in named if name)}: {interval_text(e)}")
            size = f"n = {e.n}" + (f", {e.n_groups} groups" if e.n_groups else "")
            size += f", {e.n_clusters} clusters" if e.n_clusters not in (e.n, e.n_groups) and not e.n_groups else ""
            p = e.extra.get("p_adjusted", math.nan)
            adjusted = "" if p is None or math.isnan(p) else f", corrected p {p_text(p)}"
            parts = [test_text(e) + adjusted, size if e.n else "", e.estimand, f"{e.method}, {e.covariance}"]
            lines.append(f"    {'; '.join(part for part in parts if part)}")
        lines += [f"  note: {n.text}" for n in self.notes]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        shown = printable(self.tidy().drop(columns=["conf_level"]))
        notes = "".join(f"<li>{html.escape(n.text)}</li>" for n in self.notes)
        table = shown.to_html(index=False, border=0, float_format=number, escape=True, na_rep="")
        return f"<div><strong>{html.escape(self._title())}</strong>{table}{f'<ul>{notes}</ul>' if notes else ''}</div>"


@dataclass(frozen=True)
class TableResult(Result):
    """A result that is a table of its own shape (balance, attrition, fit indices) and holds no effect estimates."""

    table: tuple[Mapping[str, Any], ...] = ()

    kind = "table"

    def tidy(self) -> pd.DataFrame:
        return pd.DataFrame([dict(r) for r in self.table])

    def to_dict(self) -> dict[str, Any]:
        return super().to_dict() | {"table": plain(self.table)}

    def __str__(self) -> str:
        shown = printable(self.tidy()).to_string(index=False, float_format=number, na_rep="")
        return "\n".join([self._title(), shown, *(f"  note: {n.text}" for n in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(n.text)}</li>" for n in self.notes)
        table = printable(self.tidy()).to_html(index=False, border=0, float_format=number, escape=True, na_rep="")
        return f"<div><strong>{html.escape(self._title())}</strong>{table}{f'<ul>{notes}</ul>' if notes else ''}</div>"


# where the class of each kind is defined, so that a stored result finds it without its analysis having been imported
_HOMES = {
    "itt": "trialkit.estimate.itt_result",
    "randomization_test": "trialkit.estimate.draws.randomization_result",
    "family": "trialkit.estimate.several.family",
    "few_groups": "trialkit.estimate.draws.few_groups",
    "gatekeeping": "trialkit.estimate.several.gatekeeping",
    "meta": "trialkit.estimate.several.meta",
    "meta_regression": "trialkit.estimate.several.meta_regression",
    "conversion": "trialkit.estimate.effect_sizes.conversions",
    "effect_size_more": "trialkit.estimate.effect_sizes.results",
    "effect_measure": "trialkit.estimate.effect_sizes.results",
    "number_needed": "trialkit.estimate.effect_sizes.analyses",
    "wild_bootstrap": "trialkit.estimate.draws.wild_bootstrap",
    "win_odds": "trialkit.estimate.outcomes.win_odds",
    "money": "trialkit.estimate.outcomes.money",
    "proportional_odds": "trialkit.estimate.outcomes.proportional_odds",
    "marginal": "trialkit.estimate.outcomes.g_computation",
    "response_weighted": "trialkit.estimate.response.response_weights",
    "harms": "trialkit.estimate.outcomes.harms",
    "counts": "trialkit.estimate.outcomes.counts",
    "itt_time": "trialkit.estimate.survival.time_result",
    "logrank": "trialkit.estimate.survival.logrank",
    "cace": "trialkit.estimate.take_up.cace_result",
    "longitudinal": "trialkit.estimate.longitudinal.longitudinal_result",
    "mediation": "trialkit.estimate.mediation.result",
    "mediation_sensitivity": "trialkit.estimate.mediation.sensitivity",
    "mediation_evalue": "trialkit.estimate.mediation.evalues",
    "mediation_benchmark": "trialkit.estimate.mediation.benchmark",
    "mediation_disattenuated": "trialkit.estimate.mediation.unreliability",
    "four_way": "trialkit.estimate.mediation.four_way",
    "moderated_mediation": "trialkit.estimate.mediation.moderated",
    "several_mediators": "trialkit.estimate.mediation.several_mediators",
    "controlled_direct": "trialkit.estimate.mediation.controlled_direct",
    "exclusion_check": "trialkit.estimate.mediation.exclusion",
    "manipulated_mediator": "trialkit.estimate.mediation.manipulated",
    "longitudinal_companions": "trialkit.estimate.longitudinal.longitudinal_result",
    "specification_curve": "trialkit.estimate.multiverse.result",
    "subgroups": "trialkit.estimate.subgroups.subgroups_result",
    "effect_size": "trialkit.estimate.effect_sizes.effect_size",
    "itt_mixed": "trialkit.estimate.mixed.mixed_result",
    "mixed_companions": "trialkit.estimate.mixed.mixed_result",
    "power": "trialkit.power.result",
    "simulated_power": "trialkit.power.simulation.result",
    "simulated_search": "trialkit.power.simulation.search_result",
    "false_positives": "trialkit.plan.blinding.false_positives",
    "masked": "trialkit.plan.blinding.masked",
    "assurance": "trialkit.power.uncertain",
    "power_curve": "trialkit.power.curves",
    "power_several_arms": "trialkit.power.families.several_arms",
    "power_margin": "trialkit.power.margins.tests",
    "power_errors": "trialkit.power.families.type_s_m",
    "optimal_design": "trialkit.power.families.optimal",
    "design_cost": "trialkit.power.cost",
    "expected_balance": "trialkit.design.covariates.balance",
    "group_quality": "trialkit.design.groups.quality",
    "balance": "trialkit.selection.balance",
    "pooled": "trialkit.missing.pooled_result",
    "reference_based": "trialkit.missing.reference_based",
    "tipping_point": "trialkit.missing.tipping_point",
    "what_if": "trialkit.missing.what_if",
    "complier_profile": "trialkit.selection.complier_profile",
    "robustness": "trialkit.selection.comparison.robustness",
    "oster": "trialkit.selection.comparison.stability",
    "evalue": "trialkit.selection.comparison.e_values",
    "rosenbaum_bounds": "trialkit.selection.comparison.matched_pairs",
    "icer": "trialkit.economics.cost_effectiveness",
    "within_study": "trialkit.selection.comparison.within_study_comparison",
    "peer_composition": "trialkit.selection.peers.composition",
    "peer_assignment": "trialkit.selection.peers.assignment",
    "erratum": "trialkit.report.content.departures",
    "flow": "trialkit.selection.flow",
    "reach": "trialkit.selection.reach.funnel",
    "generalizability": "trialkit.selection.reach.generalizability",
    "transport": "trialkit.selection.reach.transport_result",
    "take_up": "trialkit.selection.take_up.shares",
    "dose": "trialkit.selection.take_up.dose",
    "principal_strata": "trialkit.selection.take_up.principal_strata",
    "preference_trial": "trialkit.selection.two_stage.preference_trial",
    "saturation": "trialkit.selection.two_stage.saturation",
    "attrition": "trialkit.selection.attrition.losses",
    "bounds": "trialkit.selection.bounds.result",
    "cfa": "trialkit.measurement.factor_models.cfa_result",
    "latent_effect": "trialkit.measurement.latent.latent_result",
    "change": "trialkit.measurement.change.result",
    "reliable_change": "trialkit.measurement.change.result",
    "clinical_change": "trialkit.measurement.change.result",
    "minimal_difference": "trialkit.measurement.change.result",
    "floor_ceiling": "trialkit.measurement.change.result",
    "regression_to_mean": "trialkit.measurement.change.result",
    "desirability": "trialkit.measurement.change.result",
    "desirability_bias": "trialkit.measurement.change.result",
    "invariance": "trialkit.measurement.invariance.result",
    "reliability": "trialkit.measurement.reliability.reliability_result",
    "icc": "trialkit.measurement.reliability.icc",
    "test_retest": "trialkit.measurement.reliability.retest",
}


def _class_of(kind: str) -> type[Result]:
    if kind not in Result.kinds and kind in _HOMES:
        import_module(_HOMES[kind])
    if kind not in Result.kinds and kind != Result.kind:
        raise UsageError(f"this result is of the kind {kind!r}, which this version of trialkit does not know.")
    return Result.kinds.get(kind, Result)


def chart_of(result: Result, **options: Any) -> Any:
    """The chart of a result: the function of `tk.plot` that bears the name of its kind. What every `.plot()` calls."""
    # the figures stand above all results, which name no figure: a chart is found when it is asked for
    return getattr(import_module("trialkit.report.figures"), result.kind)(result, **options)


@dataclass(frozen=True)
class FirstRow(Result):
    """A result with one row to look at first, often its only one: the properties are its numbers."""

    @property
    def estimate(self) -> float:
        return self.estimates[0].estimate

    @property
    def std_error(self) -> float:
        return self.estimates[0].std_error

    @property
    def df(self) -> float:
        return self.estimates[0].df

    @property
    def statistic(self) -> float:
        return self.estimates[0].statistic

    @property
    def p_value(self) -> float:
        return self.estimates[0].p_value

    @property
    def conf_low(self) -> float:
        return self.estimates[0].conf_low

    @property
    def conf_high(self) -> float:
        return self.estimates[0].conf_high

    def _extra(self, name: str) -> float:
        value = self.estimates[0].extra[name]
        # read back from JSON, an undefined number is None and an infinite one text
        return math.nan if value is None else float(value)


@dataclass(frozen=True)
class DrawnTest(FirstRow):
    """A test whose p-value comes from draws, one contrast a row; the properties are those of the first row."""

    kind = "drawn_test"

    @property
    def mc_error(self) -> float:
        """Monte Carlo standard error of the p-value; 0 when every draw was listed."""
        return float(self.details["mc_error"][0])


def plain(value: Any) -> Any:
    """JSON-able copy: numpy scalars become Python's, NaN None, infinities 'inf' and '-inf'."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist") and not isinstance(value, str):
        return plain(value.tolist())
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    return value


_INTEGERS = ("n", "n_clusters", "n_groups")
_TEXTS = ("outcome", "estimand", "contrast", "method", "covariance")


def _restored(name: str, value: Any) -> Any:
    if name in _INTEGERS:
        return value if isinstance(value, str) else int(value)  # a count that a report withholds is '<5' or '*'
    if name in COLUMNS and name not in _TEXTS:
        return math.nan if value is None else float(value)
    return value
