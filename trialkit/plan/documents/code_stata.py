"""The primary model in Stata. The lines were written by its manual and not run: Stata is not at hand where this software is tested."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trialkit.plan.documents.primary_model import Model, comment, made_columns, model_of, no_lines

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord
    from trialkit.plan.schema.outcomes import Outcome
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["stata_lines"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
# of those, what Stata keeps for itself
_RESERVED = frozenset(
    {"_all", "_b", "_coef", "_cons", "_n", "_N", "_pi", "_pred", "_rc", "_skip", "byte", "double", "float", "if", "in", "int", "long", "strL", "using", "with"}
)  # fmt: skip
_VCE = {"classical": "", "HC1": "vce(robust)", "HC2": "vce(hc2)", "HC3": "vce(hc3)", "CR1": "vce(cluster tk_unit)"}


def stata_lines(plan: PlanRecord) -> str:
    """A do-file of the primary outcomes; what has no counterpart is told as such in a comment."""
    lines = [*_head(plan), *(line for o in plan.spec.primary for line in _outcome(plan.spec, o))]
    return "\n".join(lines) + "\n"


def _head(plan: PlanRecord) -> Iterator[str]:
    spec = plan.spec
    yield _comment(f"Primary model of: {spec.trial.title}")
    yield f"// plan (SHA-256): {plan.hash}"
    yield "// These lines were not run by the makers of trialkit: hold their numbers against the R lines or the report."
    yield "version 18  // vce(hc2 cluster) needs Stata 18; before it: ssc install reg_sandwich"
    made = made_columns(spec)
    if made:
        yield _comment(f"made by trialkit, not in the data file: {', '.join(made)}; write scored.csv as the R lines say")
    yield f'import delimited using "{_file(spec)}", case(preserve) clear'


def _comment(text: str) -> str:
    """A comment that cannot run on into the next line: /// and /* mean something to Stata."""
    return comment(re.sub(r"/(?=[/*])|\*(?=/)", lambda found: f"{found[0]} ", text), "//")


def _file(spec: PlanSpec) -> str:
    name = "scored.csv" if made_columns(spec) else spec.data.file or "data.csv"
    return name if re.fullmatch(r"[\w .\-/]+", name) else "data.csv"


def _outcome(spec: PlanSpec, outcome: Outcome) -> Iterator[str]:
    yield ""
    yield _comment(f"{outcome.label} ({outcome.measure.replace('_', ' ')})")
    why = no_lines(spec, outcome) or _not_in_stata(spec, outcome)
    if why:
        yield _comment(f"{why}.")
        return
    m = model_of(spec, outcome)
    yield "preserve"
    yield from _prepared(spec, m)
    yield from _fit(spec, m)
    yield "restore"


def _not_in_stata(spec: PlanSpec, outcome: Outcome) -> str:
    m = model_of(spec, outcome)
    names = [
        spec.data.arm,
        m.column,
        *m.covariates,
        *m.strata,
        *(c for c, _ in m.composite),
        *([m.unit] if m.unit else []),
        *([m.weights] if m.weights else []),
    ]
    bad = [n for n in names if not _NAME.fullmatch(n) or n in _RESERVED]
    if bad:
        return f"column '{bad[0]}' is no name in Stata: rename it"
    if any(not re.fullmatch(r"-?\d+(\.\d+)?", c) for c in spec.data.missing_codes):
        return "missing codes that are not numbers have no lines here: blank them in the data first"
    if m.weights is not None and m.covariance in ("HC2", "HC3", "CR2"):
        return f"weights with {m.covariance} have no lines here: use those for R"
    if m.covariance not in (*_VCE, "CR2"):
        return f"{m.covariance} has no option in Stata's regress"
    return ""


def _prepared(spec: PlanSpec, m: Model) -> Iterator[str]:
    codes = " ".join(spec.data.missing_codes)
    numbers = [m.column, *(c for c in m.covariates if c not in m.categories)]
    if codes:
        yield f"foreach v of varlist {' '.join(dict.fromkeys(numbers))} {{"
        yield "    capture confirm numeric variable `v'"
        yield f"    if !_rc mvdecode `v', mv({' '.join(codes.split())})"
        yield "}"
    for column, value in m.composite:
        yield f"replace {m.column} = {value!r} if {column} == 1"
    yield "generate byte tk_arm = ."
    for code, arm in enumerate((spec.control, *(a for a in spec.arm_names if a != spec.control))):
        yield f"replace tk_arm = {code} if {_equals(spec.data.arm, arm)}"
    if m.unit is not None:
        yield f"egen tk_unit = group({m.unit})"
        if m.alone:
            yield "quietly summarize tk_unit"
            yield "replace tk_unit = r(max) + _n if missing(tk_unit)  // people without a group stand alone"
    if m.strata:
        yield f"egen tk_stratum = group({' '.join(m.strata)})"
    terms = []
    for i, c in enumerate(m.covariates, start=1):
        if c in m.categories:
            yield f"egen tk_c{i} = group({c}), missing"
            terms.append(f"i.tk_c{i}")
        elif spec.analysis.covariate_missing == "impute":
            yield f"quietly summarize {c}"
            yield f"generate double tk_x{i} = cond(missing({c}), r(mean), {c})"
            yield f"generate byte tk_m{i} = missing({c})"
            terms.append(f"tk_x{i} tk_m{i}")
        else:
            terms.append(c)
    yield f"local covariates {' '.join(terms)}".rstrip()
    yield f"keep if !missing({m.column}, tk_arm)"


def _equals(column: str, arm: str) -> str:
    """The arm by its text, whether the column holds text or numbers."""
    text = arm.replace("`", "").replace('"', "").replace("$", "").replace("'", "")
    return f'strtrim(string({column})) == "{text}"' if re.fullmatch(r"-?\d+(\.\d+)?", arm) else f'strtrim({column}) == "{text}"'


def _fit(spec: PlanSpec, m: Model) -> Iterator[str]:
    vce = _VCE.get(m.covariance) if m.covariance != "CR2" else "vce(hc2 tk_unit, dfadjust)"
    weights = f" [pweight = {m.weights}]" if m.weights is not None else ""
    ending = f"{weights}, {vce}".rstrip(", ") if vce else weights
    stratified = bool(m.strata) and m.strata_effects != "none"
    if m.estimator == "lin" or (stratified and m.strata_effects == "interacted"):
        yield "// arms interacted with centred covariates and strata: xi, centre and interact by hand, or use the R lines"
        return
    strata = " i.tk_stratum" if stratified else ""
    yield f"regress {m.column} i.tk_arm `covariates'{strata}{ending}"
    if stratified and m.strata_effects == "auto":
        yield "// where the arms' shares differ by stratum, trialkit interacts arm with centred strata; these lines do not: see the R lines"
    partly = bool(spec.grouped_arms) and len(spec.grouped_arms) < len(spec.arms) and spec.data.cluster is None
    if partly and m.covariance == "CR2" and m.df in ("auto", "working"):
        yield "// trialkit's df are others: they take the fitted covariance of groups that exist in some arms only"
