"""The primary model in R (estimatr), to be run by someone who does not have this software.

The lines were run on simulated trials with estimatr 1.0.0: estimates and standard errors agree within 1e-8 (`tests/plan/data/r_lines.json`, made by
`tests/plan/r_lines_numbers.py`); degrees of freedom agree where people or clusters are randomized and nothing else is grouped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trialkit.plan.documents.primary_model import Model, comment, made_columns, model_of, no_lines

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["r_lines"]

_SE = {
    "classical": "classical",
    "HC0": "HC0",
    "HC1": "HC1",
    "HC2": "HC2",
    "HC3": "HC3",
    "CR0": "CR0",
    "CR1": "stata",
    "CR2": "CR2",
}
_HELP = """\
# a covariate as columns: categories as indicators, a missing number as the mean over all arms with an indicator
covariate <- function(x, category = FALSE) {
  if (category || !(is.numeric(x) || is.logical(x))) {
    x <- as.character(x); gone <- is.na(x); x[gone] <- "missing"
    levels <- c(sort(unique(x[!gone])), if (any(gone)) "missing")
    return(vapply(levels[-1], function(l) as.numeric(x == l), numeric(length(x))))
  }
  x <- as.numeric(x); gone <- is.na(x)
  if (any(gone)) cbind(ifelse(gone, mean(x, na.rm = TRUE), x), as.numeric(gone)) else cbind(x)
}
# whether the arms' shares differ by stratum: not when every count is within 1 of its share, or chi-square has p >= .01
shares_differ <- function(stratum, arm) {
  counts <- table(stratum, arm)
  expected <- outer(rowSums(counts), colSums(counts)) / sum(counts)
  if (all(abs(counts - expected) <= 1 + 1e-9)) return(FALSE)
  chisq <- sum((counts - expected)^2 / expected)
  pchisq(chisq, (nrow(counts) - 1) * (ncol(counts) - 1), lower.tail = FALSE) < 0.01
}"""


def r_lines(plan: PlanRecord) -> str:
    """An R script of the primary outcomes; an outcome whose analysis has no counterpart is told as such in a comment."""
    return "\n".join([*_head(plan), *_data(plan.spec), *(line for o in plan.spec.primary for line in _outcome(plan.spec, o.name))]) + "\n"  # fmt: skip


def _head(plan: PlanRecord) -> Iterator[str]:
    yield comment(f"Primary model of: {plan.spec.trial.title}", "#")
    yield f"# plan (SHA-256): {plan.hash}"
    yield "# needs the package estimatr; a second opinion on the numbers, not the registered analysis"
    made = made_columns(plan.spec)
    if made:
        yield comment(f"made by trialkit, not in the data file: {', '.join(made)}. Write them first, in Python:", "#")
        yield "#   from trialkit.plan.planned.prepare import prepare; import trialkit as tk"
        yield '#   plan = tk.Plan.load("plan.toml")'
        yield '#   tk.io.write_csv(prepare(plan.spec, "data.csv", folder=plan.folder).trial.data, "scored.csv")'
    yield "library(estimatr)"
    yield ""


def _data(spec: PlanSpec) -> Iterator[str]:
    file = "scored.csv" if made_columns(spec) else spec.data.file or "data.csv"
    yield f'd <- read.csv({_r(file)}, na.strings = c("", "NA"), check.names = FALSE, stringsAsFactors = FALSE)'
    if spec.data.missing_codes:
        codes = ", ".join(_r(c) for c in spec.data.missing_codes)
        yield f"for (v in names(d)) d[[v]][as.character(d[[v]]) %in% c({codes})] <- NA"
    yield _HELP
    levels = ", ".join(_r(a) for a in (spec.control, *(a for a in spec.arm_names if a != spec.control)))
    yield f"arm <- factor(as.character(d[[{_r(spec.data.arm)}]]), levels = c({levels}))"
    if spec.data.strata:
        yield f"stratum <- interaction({', '.join(f'd[[{_r(c)}]]' for c in spec.data.strata)}, drop = TRUE)"
    yield ""


def _outcome(spec: PlanSpec, name: str) -> Iterator[str]:
    outcome = spec.outcome(name)
    yield comment(f"{outcome.label} ({outcome.measure.replace('_', ' ')})", "#")
    why = no_lines(spec, outcome)
    if why:
        yield comment(f"{why}.", "#")
        yield ""
        return
    m = model_of(spec, outcome)
    yield f"y <- as.numeric(d[[{_r(m.column)}]])"
    for column, value in m.composite:
        yield f"y[d[[{_r(column)}]] %in% 1] <- {value!r}"
    if m.covariates:
        yield "X <- cbind("
        yield ",\n".join(f"  covariate(d[[{_r(c)}]]{', category = TRUE' if c in m.categories else ''})" for c in m.covariates)
        yield ")"
    yield from _rows(spec, m)
    yield from _fit(spec, m)
    yield ""


def _rows(spec: PlanSpec, m: Model) -> Iterator[str]:
    yield "keep <- !is.na(y) & !is.na(arm)"
    if m.covariates and spec.analysis.covariate_missing != "impute":
        given = f"complete.cases(d[, c({', '.join(_r(c) for c in m.covariates)})])"
        if spec.analysis.covariate_missing == "error":
            yield f"stopifnot(all({given}))"
        else:
            yield f"keep <- keep & {given}"
    if m.weights is not None:
        yield f"w <- as.numeric(d[[{_r(m.weights)}]]); keep <- keep & w > 0"
    if m.unit is not None:
        yield f"unit <- as.character(d[[{_r(m.unit)}]])"
        if m.alone:
            yield 'unit <- ifelse(is.na(unit), paste("alone", seq_along(unit)), unit)  # people without a group stand alone'
    fields = ["y = y[keep]", "arm = arm[keep]"]
    fields += ["stratum = stratum[keep]"] if m.strata else []
    fields += ["unit = unit[keep]"] if m.unit is not None else []
    fields += ["w = w[keep]"] if m.weights is not None else []
    yield f"a <- droplevels(data.frame({', '.join(fields)}))"
    if m.covariates:
        yield "a$X <- X[keep, , drop = FALSE]"


def _fit(spec: PlanSpec, m: Model) -> Iterator[str]:
    robust = m.covariance if m.covariance == "classical" or m.covariance[:2] == "HC" else ""
    more = f'se_type = "{_SE[m.covariance]}"'
    more += ", clusters = unit" if m.unit is not None and not robust else ""
    more += ", weights = w" if m.weights is not None else ""
    covariates = " + X" if m.covariates else ""
    stratified = bool(m.strata) and m.strata_effects != "none"
    if stratified and (m.estimator == "lin" or m.strata_effects != "additive"):
        mean = "colMeans(Z)" if m.weights is None else "colSums(Z * a$w) / sum(a$w)"
        yield "Z <- model.matrix(~ stratum, a)[, -1, drop = FALSE]"
        yield f"a$Z <- sweep(Z, 2, {mean})"
    if m.estimator == "lin":
        if m.covariates:
            yield f"a$X <- sweep(a$X, 2, {'colMeans(a$X)' if m.weights is None else 'colSums(a$X * a$w) / sum(a$w)'})"
        inner = " + ".join([*(["X"] if m.covariates else []), *(["Z"] if stratified else [])])
        yield f"fit <- lm_robust(y ~ arm{f' * ({inner})' if inner else ''}, data = a, {more})"
    elif not stratified or m.strata_effects == "additive":
        yield f"fit <- lm_robust(y ~ arm{covariates}{' + stratum' if stratified else ''}, data = a, {more})"
    elif m.strata_effects == "interacted":
        yield f"fit <- lm_robust(y ~ arm * Z{covariates}, data = a, {more})"
    else:
        every = "!duplicated(unit)" if m.unit is not None and not m.alone else "!is.na(arm)"
        yield f"one <- {every}"
        yield "fit <- if (shares_differ(stratum[one], arm[one])) {"
        yield f"  lm_robust(y ~ arm * Z{covariates}, data = a, {more})"
        yield "} else {"
        yield f"  lm_robust(y ~ arm{covariates} + stratum, data = a, {more})"
        yield "}"
    yield 'effects <- grep("^arm[^:]*$", names(coef(fit)), value = TRUE)'
    yield "print(data.frame(estimate = coef(fit)[effects], std_error = fit$std.error[effects], df = fit$df[effects]), digits = 10)"
    yield from _remarks(spec, m)


def _remarks(spec: PlanSpec, m: Model) -> Iterator[str]:
    partly = bool(spec.grouped_arms) and len(spec.grouped_arms) < len(spec.arms) and spec.data.cluster is None
    if partly and m.covariance == "CR2" and m.df in ("auto", "working"):
        yield "# estimate and standard error are trialkit's; its df are others: they take the fitted covariance of groups that exist in"
        yield '# some arms only, where estimatr takes everyone as independent. df = "independence" in the plan gives estimatr\'s.'
    elif m.unit is not None and m.covariance == "CR2":
        yield "# where a stratum has one cluster of an arm, trialkit adds the variance that CR2 cannot see; estimatr does not"
    if m.estimator == "difference_in_means" and m.unit is None:
        yield "# df: trialkit's are Welch's"
    if spec.analysis.contrasts == "all":
        yield "# arms against each other: the same lines with another first level of arm"


def _r(text: str) -> str:
    """A text as R writes it."""
    return json.dumps(str(text), ensure_ascii=True)
