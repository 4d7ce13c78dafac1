"""Texts to paste into three registries: the AEA RCT Registry, OSF Preregistration and AsPredicted. Their forms are in English, and so are the texts.

Fields by the stored forms of the Center for Open Science (aea-prereg 2, osf-preregistration 3, aspredicted 3) and the AEA registry's page on versions; a live form may differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.plan.documents.form import Form
from trialkit.plan.documents.made import Item, form_of
from trialkit.plan.documents.told import Told

if TYPE_CHECKING:
    from trialkit.plan.record import PlanRecord

__all__ = ["AEA", "ASPREDICTED", "OSF", "aea", "aspredicted", "osf"]


def _i(number: str, title: str, ask: str = "", *answers: str) -> Item:
    return Item(number, title, title, ask, ask, answers)


AEA: tuple[tuple[str, str, tuple[Item, ...]], ...] = (
    ("Trial information", "", (
        _i("1", "Title", "", "title"), _i("2", "Country and region", "where the trial is held"), _i("3", "Primary investigator", "name, affiliation, e-mail"),
        _i("4", "Other investigators", "name, affiliation, e-mail of each"), _i("5", "Status", "in development, on going, completed or withdrawn"),
        _i("6", "Keywords and JEL codes", "keywords of the registry, your own, and JEL codes"), _i("7", "Secondary registrations", "", "registration"), _i("8", "Prior work", "whether this trial builds on an earlier one"),
        _i("9", "Abstract", "why the question matters, in a few sentences for a general reader", "abstract"), _i("10", "External links", "pages on the trial"),
    )),
    ("Dates", "", (
        _i("11", "Trial start", "date"), _i("12", "Intervention start", "date"), _i("13", "Intervention end", "date"), _i("14", "Trial end", "date; fields marked hidden open when the planned end has passed"),
    )),
    ("Sponsors and partners", "", (_i("15", "Sponsors", "name, location, address on the web"), _i("16", "Partners", "name, type (government, municipality, NGO, company), address on the web"))),
    ("Interventions", "", (_i("17", "Interventions (public)", "what people in each arm are offered", "arm_points"), _i("18", "Interventions (hidden)", "details that would give the design away, if any"))),
    ("Outcomes", "", (
        _i("19", "Primary outcomes (end points)", "", "primary_outcomes"), _i("20", "Primary outcomes (explanation)", "", "primary_measurements", "primary_calculations"),
        _i("21", "Secondary outcomes (end points)", "", "secondary_outcomes"), _i("22", "Secondary outcomes (explanation)", "", "secondary_measurements", "secondary_calculations"),
    )),
    ("Experimental design", "", (
        _i("23", "Experimental design (public)", "", "design_line"), _i("24", "Experimental design details (hidden)", "", "method", "multiplicity", "missing"), _i("25", "Randomization method", "who draws, where, and with what", "randomization"),
        _i("26", "Randomization unit", "", "randomization_unit"), _i("27", "Was the treatment clustered?", "", "clustered"),
    )),
    ("Size", "", (
        _i("28", "Planned number of clusters", "", "cluster_count"), _i("29", "Planned number of observations", "", "planned_size"), _i("30", "Size by treatment arm", "", "size_by_arm"),
        _i("31", "Minimum detectable effect for main outcomes", "", "power"),
    )),
    ("Ethics and documents", "", (
        _i("32", "IRB approval", "obtained or not; name of the board, date, number"), _i("33", "Supporting documents", "IRB protocol, proposal, survey instruments: public or private"),
        _i("34", "Analysis plan file", "upload the analysis plan and the plan file; public or private", "hash_said"),
    )),
)  # fmt: skip
OSF: tuple[tuple[str, str, tuple[Item, ...]], ...] = (
    ("Study information", "", (_i("q2", "Hypotheses", "the direction of each, where you predict one", "objectives", "framework"),)),
    ("Design plan", "", (
        _i("q3", "Study type", "", "experiment"), _i("q4", "Blinding", "who does not know the arm: nobody, people in the trial, staff who deal with them, analysts"), _i("q5", "Other blinding", "anything to add"),
        _i("q6", "Study design", "", "design"), _i("q7", "Randomization", "", "randomization"),
    )),
    ("Sampling plan", "", (
        _i("q8", "Existing data", "one of five: before the data are created; before anyone has seen them; before you have access; before you analyse them; after analysis"), _i("q9", "Explanation of existing data", "what is known already, and to whom"),
        _i("q10", "Data collection procedures", "recruitment, eligibility, payment, dates", "population", "waves"), _i("q11", "Sample size", "", "planned_size"), _i("q12", "Sample size rationale", "", "power"), _i("q13", "Stopping rule", "when recruitment ends", "interim"),
    )),
    ("Variables", "", (_i("q14", "Manipulated variables", "", "arm_points"), _i("q15", "Measured variables", "", "outcomes", "measurements"), _i("q16", "Indices", "", "calculations"))),
    ("Analysis plan", "", (
        _i("q17", "Statistical models", "", "method", "covariates"), _i("q18", "Transformations", "centring, coding or transformations beyond those of the scales", "codes"), _i("q19", "Inference criteria", "", "level", "multiplicity", "intervals"),
        _i("q20", "Data exclusion", "exclusions other than people without an outcome, if any", "populations"), _i("q21", "Missing data", "", "missing"), _i("q22", "Exploratory analysis", "", "subgroups", "companions", "further"),
    )),
    ("Other", "", (_i("q23", "Other", "anything else", "hash_said", "software"),)),
)  # fmt: skip
ASPREDICTED: tuple[tuple[str, str, tuple[Item, ...]], ...] = (
    ("Questions", "", (
        _i("1", "Have any data been collected for this study already?", "no, or it is complicated (and how); the form discourages a plain yes"), _i("2", "What is the main question or hypothesis?", "the direction you predict", "primary_objectives"),
        _i("3", "Key dependent variables, and how they are measured", "", "primary_outcomes", "primary_measurements"), _i("4", "How many and which conditions?", "", "design_line", "arm_points"), _i("5", "Which analyses exactly?", "", "primary_method", "level", "multiplicity"),
        _i("6", "Outliers and exclusions", "rules for outliers, if any", "populations", "missing_rule"), _i("7", "How many observations, or what rule fixes the number?", "the rule that ends recruitment", "planned_size"),
        _i("8", "Anything else?", "", "secondary_outcomes", "subgroups", "hash_said"), _i("9", "Name of the project", "", "title"),
    )),
    ("Kind of study", "", (_i("10", "Type of study", "", "experiment"),)),
)  # fmt: skip

NOTICE = "The registry's form is in English, and so is this text. A field says whether the plan fills it; what stands in brackets is left to you. The live form may differ."
_SILENT = {
    "7": "other registrations, if any", "21": "none are planned; say so", "22": "none are planned; say so", "28": "number of clusters", "29": "number of people", "30": "people (and groups) by arm",
    "31": "smallest effect the trial can detect, with unit, SD and %", "q16": "none are planned; say so", "q11": "number of people and groups",
}  # fmt: skip


def aea(plan: PlanRecord) -> Form:
    """Fields of the AEA RCT Registry."""
    return _form(plan, "aea", "AEA RCT Registry", AEA)


def osf(plan: PlanRecord) -> Form:
    """The 22 questions (q2 to q23) of OSF Preregistration."""
    return _form(plan, "osf", "OSF Preregistration", OSF)


def aspredicted(plan: PlanRecord) -> Form:
    """The nine questions of AsPredicted and the type of study."""
    return _form(plan, "aspredicted", "AsPredicted", ASPREDICTED)


def _form(plan: PlanRecord, key: str, kicker: str, parts: tuple[tuple[str, str, tuple[Item, ...]], ...]) -> Form:
    told = Told(plan.spec, "en", plan.folder, plan.hash)
    return form_of(plan, told, key, {"en": kicker}, parts, notices=(NOTICE,), fallback=_SILENT, cites=False)
