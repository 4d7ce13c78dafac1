"""The result of `cace`: rows, first stage, the Anderson-Rubin set, the tF interval and who complied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trialkit.errors import UsageError
from trialkit.estimate.margins.equivalence import WithMargins
from trialkit.estimate.request import Request
from trialkit.estimate.sample import Sample
from trialkit.inference.arrays import FloatArray
from trialkit.inference.distributions import t_quantile, t_test
from trialkit.inference.take_up.instruments import T_VALID_F, WEAK_F, AndersonRubinSet, ReducedForm, tf_critical
from trialkit.printed import interval_text, number, p_text, test_text
from trialkit.results import Estimate, Note


@dataclass(frozen=True, slots=True)
class AndersonRubin:
    """The Anderson-Rubin test of no effect and the set of effects that it does not reject.

    Attributes
    ----------
    statistic, p_value, df_num, df_denom : F test of no effect; with one instrument that of the intention-to-treat effect.
    kind : 'interval', 'disjoint' (everything outside an interval), 'everything', 'half-line' or 'empty'.
    intervals : the parts of the set. conf_low, conf_high : its outermost ends, infinite where it does not end.
    """

    statistic: float
    p_value: float
    df_num: int
    df_denom: float
    kind: str
    intervals: tuple[tuple[float, float], ...]
    conf_low: float
    conf_high: float
    conf_level: float

    def __str__(self) -> str:
        level = f"{100 * self.conf_level:g}%"
        if self.kind == "empty":
            return f"Anderson-Rubin {level} set: empty"
        parts = " and ".join(f"{number(low)} to {number(high)}" for low, high in self.intervals)
        return f"Anderson-Rubin {level} set: {parts} ({self.kind}); F({self.df_num}, {self.df_denom:.1f}) = {self.statistic:.2f}, p {p_text(self.p_value)}"


@dataclass(frozen=True, slots=True)
class TF:
    """The tF interval: estimate +- critical x t quantile / 1.96 x standard error; infinite where F is below 4."""

    critical: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class Compliance:
    """Shares of people, from the uptake in each arm, covariates and strata adjusted: the first stage."""

    compliers: float
    always_takers: float
    never_takers: float


@dataclass(frozen=True)
class CaceResult(WithMargins):
    """Complier average effects, one contrast a row.

    `.effective_f`, `.anderson_rubin`, `.tf`, `.compliance` and `.overidentification` are those of the first contrast; `.of(contrast)` gives
    the details of another.
    """

    kind = "cace"

    @property
    def effective_f(self) -> float:
        """Strength of the first stage: the squared robust t of one instrument, Montiel Olea and Pflueger's F of several."""
        return _float(self.of()["effective_f"])

    @property
    def anderson_rubin(self) -> AndersonRubin:
        """Test and set that hold whatever the strength of the first stage."""
        return anderson_rubin_of(self.of()["anderson_rubin"])

    @property
    def tf(self) -> TF:
        """Interval with a critical value that depends on F (one instrument, 95 %)."""
        found = self.of()["tf"]
        return TF(*(_float(found[k]) for k in ("critical", "conf_low", "conf_high")))

    @property
    def compliance(self) -> Compliance:
        """Shares of compliers, always-takers and never-takers; NaN where they are not defined."""
        found = self.of()["compliance"]
        return Compliance(*(_float(found[k]) for k in ("compliers", "always_takers", "never_takers")))

    @property
    def first_stage(self) -> dict[str, float]:
        """Effect of assignment on uptake (one instrument): estimate and std_error."""
        return {k: _float(v) for k, v in self.of()["first_stage"].items()}

    @property
    def overidentification(self) -> dict[str, Any] | None:
        """Test that several instruments agree: statistic, df, p_value and its name; None with one instrument."""
        found = self.of().get("overidentification")
        return None if found is None else {k: v if k == "test" else _float(v) for k, v in found.items()}

    def of(self, contrast: str | None = None) -> Mapping[str, Any]:
        """Details of a contrast, by default the first."""
        found: Mapping[str, Any] = self.details["contrasts"]
        name = self.estimates[0].contrast if contrast is None else contrast
        if name not in found:
            raise UsageError(f"there is no contrast '{name}'; there are {', '.join(repr(k) for k in found)}.")
        details: Mapping[str, Any] = found[name]
        return details

    def _title(self) -> str:
        return f"Complier average effect of {self.details['uptake']} on {self.estimates[0].outcome}"

    def __str__(self) -> str:
        lines = [self._title()]
        for e in self.estimates:
            details = self.of(e.contrast)
            lines.append(f"  {e.contrast}: {interval_text(e)}")
            size = f"n = {e.n}" + (
                f", {e.n_groups} groups" if e.n_groups else f", {e.n_clusters} clusters" if e.n_clusters != e.n else ""
            )
            lines.append(f"    {test_text(e)}; {size}; {e.method}, {e.covariance}")
            lines.append(
                f"    effective F {number(_float(details['effective_f']))}; {anderson_rubin_of(details['anderson_rubin'])}"
            )
        return "\n".join([*lines, *(f"  note: {n.text}" for n in self.notes)])


def anderson_rubin_of(found: Mapping[str, Any]) -> AndersonRubin:
    """The object of a stored Anderson-Rubin set, in which infinities may be text."""
    return AndersonRubin(
        statistic=_float(found["statistic"]), p_value=_float(found["p_value"]), df_num=int(found["df_num"]), df_denom=_float(found["df_denom"]),
        kind=str(found["kind"]), intervals=tuple((_float(a), _float(b)) for a, b in found["intervals"]), conf_low=_float(found["conf_low"]),
        conf_high=_float(found["conf_high"]), conf_level=_float(found["conf_level"]),
    )  # fmt: skip


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


@dataclass(frozen=True, slots=True)
class ComplierAnalysis:
    """One contrast, before it becomes a row.

    `uptake` (n,) is what was received, `form` the effects of the instruments, `several` whether there is more than one of them.
    """

    sample: Sample
    uptake: FloatArray
    form: ReducedForm
    covariance: str
    estimate: float
    std_error: float
    df: float
    effective_f: float
    anderson_rubin: AndersonRubinSet
    overidentification: dict[str, Any] | None
    estimand: str
    several: bool


def cace_row(a: ComplierAnalysis, request: Request, label: str) -> Estimate:
    test = t_test(a.estimate, a.std_error, a.df, request.conf_level)
    s = a.sample
    return Estimate(
        request.outcome, a.estimand, label, a.estimate, a.std_error, a.df, test.statistic, test.p_value, test.conf_low, test.conf_high,
        request.conf_level, s.n, s.n_clusters, s.groups_in(s.arm >= 0), "two-stage least squares", a.covariance,
        {"effective_f": a.effective_f, "ar_conf_low": a.anderson_rubin.conf_low, "ar_conf_high": a.anderson_rubin.conf_high},
    )  # fmt: skip


def cace_details(a: ComplierAnalysis, request: Request) -> dict[str, Any]:
    effect = a.form.effect[1, 0]
    first = {"estimate": effect, "std_error": np.sqrt(a.form.cov_d[0, 0])}
    nothing = dict.fromkeys(first, float("nan"))
    return {
        "effective_f": a.effective_f,
        "first_stage": nothing if a.several else {k: float(v) for k, v in first.items()},
        "anderson_rubin": asdict(a.anderson_rubin) | {"conf_level": request.conf_level},
        "tf": _tf(a, request.conf_level),
        "compliance": _compliance(a),
        "overidentification": a.overidentification,
    }


def _tf(a: ComplierAnalysis, conf_level: float) -> dict[str, float]:
    """Defined for one instrument and 95 %; scaled by the t quantile, so that it equals the t interval where F is above 104.7."""
    if a.several or abs(conf_level - 0.95) > 1e-9:
        return dict.fromkeys(("critical", "conf_low", "conf_high"), float("nan"))
    critical = tf_critical(a.effective_f)
    half = critical / 1.96 * t_quantile(0.975, a.df) * a.std_error
    return {"critical": critical, "conf_low": a.estimate - half, "conf_high": a.estimate + half}


def _compliance(a: ComplierAnalysis) -> dict[str, float]:
    s = a.sample
    if a.several or not set(np.unique(a.uptake)) <= {0.0, 1.0}:
        return dict.fromkeys(("compliers", "always_takers", "never_takers"), float("nan"))
    share = float(a.form.effect[1, 0])
    control = float(np.average(a.uptake[s.arm == 0], weights=None if s.weights is None else s.weights[s.arm == 0]))
    return {"compliers": share, "always_takers": control, "never_takers": 1 - share - control}


def contrast_notes(a: ComplierAnalysis, request: Request, label: str, several: bool) -> list[Note]:
    """What a reader of one contrast must know; it names the contrast when there are several."""
    where = f" ({label})" if several else ""
    notes = [*_strength_notes(a, where), *_compliance_notes(a, where)]
    if not a.several and abs(request.conf_level - 0.95) > 1e-9:
        notes.append(
            Note("tf_undefined", "the tF critical values are tabulated for 95 % intervals: there is none at this level.")
        )
    if a.estimand.startswith("overlap"):
        text = "shares of the arms differ by stratum and stratum effects are additive: compliers count by stratum as p(1-p)."
        notes.append(Note("overlap_weighted", text))
    return notes


def _strength_notes(a: ComplierAnalysis, where: str) -> list[Note]:
    f, notes = a.effective_f, []
    if f < WEAK_F:
        text = f"assignment hardly moves uptake{where}: effective F = {f:.1f}, below 10. Read the Anderson-Rubin set, not the t interval."
        notes.append(Note("weak_instrument", text))
    elif f < T_VALID_F and not a.several:
        text = f"effective F = {f:.1f}{where} is below 104.7: the t interval may be too narrow; the Anderson-Rubin set and the tF interval are not."
        notes.append(Note("t_interval_narrow", text))
    if a.anderson_rubin.kind != "interval":
        words = {
            "disjoint": "everything outside an interval", "everything": "the whole line", "half-line": "a half-line",
            "empty": "empty: the instruments contradict each other at every effect",
        }[a.anderson_rubin.kind]  # fmt: skip
        notes.append(Note("anderson_rubin_unbounded", f"the Anderson-Rubin set is {words}{where}."))
    return notes


def _compliance_notes(a: ComplierAnalysis, where: str) -> list[Note]:
    if a.several or not set(np.unique(a.uptake)) <= {0.0, 1.0}:
        return []
    notes = []
    if a.form.effect[1, 0] < 0:
        notes.append(
            Note("first_stage_negative", f"assignment lowers uptake{where}: the effect is that on people whom it kept away.")
        )
    elsewhere = int((a.uptake[a.sample.arm == 0] > 0).sum())
    if elsewhere:
        text = f"{elsewhere} people in {a.sample.arms[0]} took it up{where}: some would have in any arm, and the effect says nothing of them."
        notes.append(Note("two_sided_noncompliance", text))
    return notes


def assumption_notes(received: FloatArray, uptake: str) -> list[Note]:
    notes = [
        Note(
            "exclusion_restriction",
            f"the effect rests on assignment acting through '{uptake}' alone, and on nobody doing the opposite of what was assigned.",
        )
    ]
    if not set(np.unique(received)) <= {0.0, 1.0}:
        notes.append(
            Note(
                "uptake_not_binary",
                f"'{uptake}' has more values than 0 and 1: the effect is a weighted average of one unit more, not a dose-response.",
            )
        )
    return notes
