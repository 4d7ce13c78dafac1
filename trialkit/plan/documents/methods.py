"""The methods paragraph of a paper, from the plan: what will be done, in sentences, with the works cited. Authors set the tense when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.plan.documents.form import Form, Paragraph
from trialkit.plan.documents.made import Item as I
from trialkit.plan.documents.made import form_of
from trialkit.plan.documents.told import Told
from trialkit.plan.words.vocabulary import Language

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord
    from trialkit.plan.schema.outcomes import Outcome

__all__ = ["methods"]

_PARTS = (
    ("Methods", "Methode", (
        I("1", "Design and randomization", "Ontwerp en randomisatie"),
        I("2", "Outcomes and estimands", "Uitkomsten en wat wordt geschat"),
        I("3", "Sample size", "Steekproefgrootte", "", "", ("planned_size", "power_line")),
        I("4", "Statistical analysis", "Statistische analyse"),
    )),
)  # fmt: skip
_KICKER = {"en": "Methods paragraph", "nl": "Methodeparagraaf"}


def methods(plan: PlanRecord, language: Language = "en") -> Form:
    """The methods paragraph of a plan: running text, no lists, only what the plan holds."""
    told = Told(plan.spec, language, plan.folder, plan.hash)
    said = {
        "1": (_running(told, "population", "design_line", "scheme_line", "groups"),),
        "2": (_running(told, "primary_objectives"), _read(told)),
        "4": (
            " ".join([*_by_estimator(told), told.standard_errors(), told.strata(), *_by_covariates(told)]), _running(told, "contrasts_line", "level", "multiplicity", "intervals"),
            _running(told, "populations", "missing_sensitivity"), _running(told, "companions", "subgroups", "further"), _running(told, "harms", "run_with"),
        ),
    }  # fmt: skip
    kept: dict[str, tuple[Paragraph, ...]] = {k: tuple(p for p in v if p) for k, v in said.items()}
    return form_of(plan, told, "methods", _KICKER, _PARTS, said=kept)


def _running(told: Told, *subjects: str) -> str:
    """Subjects as running text, lists included, each sentence once."""
    sentences = []
    for name in subjects:
        for p in getattr(told, name)():
            sentences += [p] if isinstance(p, str) else list(p)
    ended = [s if s.endswith((".", ":")) else f"{s}." for s in dict.fromkeys(sentences)]
    return " ".join(ended)


def _by_estimator(told: Told) -> list[str]:
    return [told.w("m_estimated", labels=told.labels(members), estimator=name) for name, members in told.by_estimator().items()]


def _by_covariates(told: Told) -> list[str]:
    """A sentence for outcomes with the same covariates; own baselines are said once."""
    by: dict[tuple[str, ...], list[Outcome]] = {}
    for o in told.spec.outcomes:
        by.setdefault(tuple(c for c in told.covariates_of(o) if c != told.spec.baseline_column(o)), []).append(o)
    said = [
        told.w("m_adjusted", labels=told.labels(members), columns=told.columns(names)) for names, members in by.items() if names
    ]
    own = [o for o in told.spec.outcomes if told.spec.baseline_column(o) in told.covariates_of(o)]
    said += [told.w("m_own", labels=told.labels(own))] if own else []
    return [*said, told.w(told.spec.analysis.covariate_missing)] if said else []


def _read(told: Told) -> str:
    rows = told.measurements()
    return told.w("m_read", rows="; ".join(r.rstrip(".") for r in rows[0])) if rows else ""
