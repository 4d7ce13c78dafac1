"""A work sheet per effect study for the Dutch recognition of interventions, filled in as far as the report knows; in Dutch, as the procedure is.

The level 'Effectief' takes two effect studies or more and has three sub-levels (page of the Kenniscentrum Sport & Bewegen on the shared levels, read); what each
sub-level asks and the headings of the sheet were not checked against the source, so the sheet of the committee itself decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from trialkit.report.checklists.consort import design, harms, missing, restrictions
from trialkit.report.checklists.consort import methods as methods_of
from trialkit.report.document import Column, Row, Section, Table, Text
from trialkit.report.format import UNDEFINED
from trialkit.report.view import Line, View

INTRO = "Dit werkblad beschrijft één effectonderzoek voor de erkenning van een interventie. De kolom ‘Uit het rapport’ komt uit de gegevens; de kolom ‘Te schrijven’ is aan de indiener."
ONE_TRIAL = (
    "Eén onderzoek is niet genoeg voor het niveau Effectief: dat vraagt ten minste twee effectonderzoeken. Dit onderzoek kan er een van zijn. De commissie beoordeelt ook de beschrijving, de "
    "onderbouwing en de uitvoering, die in dit rapport niet staan."
)
SOURCE = "De koppen en de eisen per deelniveau (eerste, goede en sterke aanwijzingen) zijn uit het geheugen weergegeven; het werkblad en de handleiding van de erkenningscommissie gaan voor."
VERDICTS = {
    "worthwhile_benefit": "beter, en het hele interval is groot genoeg om de moeite waard te zijn",
    "benefit_size_uncertain": "beter, maar hoe groot is onzeker",
    "benefit_too_small": "beter, maar te klein om de moeite waard te zijn",
    "no_worthwhile_difference": "geen verschil dat de moeite waard is",
    "inconclusive": "onbeslist: het interval laat te veel open",
    "harm": "slechter",
}


def sheet(view: View) -> Section:
    """The sheet as a section; `view` is a Dutch one."""
    header = (Column("Onderwerp", "text"), Column("Uit het rapport", "text"), Column("Te schrijven", "text"))
    rows = tuple(Row((topic, said or UNDEFINED, ask or UNDEFINED)) for topic, said, ask in _rows(view))
    table = Table("Werkblad voor een effectonderzoek", header, rows, SOURCE)
    return Section("movisie", view.words.movisie_title, "Movisie", (Text(INTRO), Text(ONE_TRIAL, "lead"), table))


def _rows(view: View) -> Iterator[tuple[str, str, str]]:
    """(topic, what the report says, what the author writes)."""
    content = view.content
    yield (
        "Titel en bron",
        content.title,
        "Auteurs, jaar, vindplaats en of het onderzoek door anderen dan de ontwikkelaar is gedaan.",
    )
    yield (
        "Onderzochte interventie",
        "; ".join(view.arm(a.name) for a in view.treated),
        "Naam van de interventie zoals zij is aangemeld, en of zij volgens de handleiding is uitgevoerd.",
    )
    yield "Vergelijking", view.arm(view.control.name), "Wat de controlegroep kreeg."
    yield "Onderzoeksopzet", design(view).fact, ""
    yield "Loting", restrictions(view).fact, "Wie lootte, en hoe de uitslag verborgen bleef tot de toewijzing."
    yield (
        "Doelgroep en plaats",
        content.population,
        "Of dit de doelgroep van de interventie is, en waar en wanneer het onderzoek plaatsvond.",
    )
    yield "Aantal deelnemers", _people(view), ""
    yield "Vergelijkbaarheid bij de voormeting", _baseline(view), ""
    yield "Uitval", _losses(view), "Redenen van uitval."
    yield "Ontbrekende gegevens", missing(view).fact, ""
    yield (
        "Meetinstrumenten",
        "; ".join(s for s in _instruments(view)),
        "Waarom deze instrumenten bij de doelen van de interventie passen, en bronnen over hun betrouwbaarheid in Nederland.",
    )
    yield (
        "Meetmomenten",
        "; ".join(content.after.plan.get("waves", {}).values()),
        "Hoe lang na het einde van de interventie het laatst is gemeten; de commissie let op effecten op langere termijn.",
    )
    yield "Analyse", methods_of(view).fact, ""
    for o in content.outcomes:
        for line in view.lines(o):
            yield f"Resultaat: {o.label or o.name} ({view.words.roles[o.role].lower()})", _effect(view, o.measure, line), ""
    yield "Ongewenste gebeurtenissen", "staan in het rapport" if content.harms is not None else harms(view).fact, ""
    yield "Vooraf vastgelegd", str(view.words.said(content.lock.sentence)), ""
    yield "Afwijkingen van het plan", view.numbers.count(len(content.deviations)), "Wat zij voor de conclusie betekenen."
    yield "Conclusie", "", "In hoeverre de doelen van de interventie zijn bereikt, en voor wie."


def _people(view: View) -> str:
    rows = [(a, view.flow_row(a.name, "randomized")) for a in view.content.arms]
    said = [f"{view.arm(a.name)}: {view.numbers.count(r['people'])}" for a, r in rows if r is not None]
    return "; ".join(said)


def _baseline(view: View) -> str:
    table = view.content.balance
    if table is None:
        return ""
    sizes = [abs(float(r["standardized_difference"])) for r in table.table if r.get("standardized_difference") is not None]
    known = [s for s in sizes if s == s]
    return f"grootste gestandaardiseerde verschil {view.numbers.fixed(max(known))}" if known else ""


def _losses(view: View) -> str:
    first = view.primary[0].attrition
    if first is None:
        return ""
    by_arm = "; ".join(f"{view.arm(r['arm'])}: {view.numbers.percent(r['rate'])}" for r in first.table)
    return f"{view.numbers.percent(first.details.get('overall'))} zonder de primaire uitkomst ({by_arm})"


def _instruments(view: View) -> Iterator[str]:
    yield from dict.fromkeys(s.label or s.name for s in view.content.scales)


def _effect(view: View, measure: str, line: Line) -> str:
    if not line.defined:
        return view.words.not_estimated
    unit = f" {view.words.units['share']}" if line.unit.kind == "share" else ""
    e, d, f = line.estimate, line.unit.difference, view.numbers.fixed
    said = f"{view.words.checklist_measures.get(measure, measure)} {d(e.estimate)}{unit} ({view.level}-interval {d(e.conf_low)} tot {d(e.conf_high)}), p {view.numbers.p(e.p_value)}"
    if line.size is not None:
        said += f"; g {f(line.size.estimate)} ({f(line.size.conf_low)} tot {f(line.size.conf_high)})"
    return f"{said}: {VERDICTS[line.verdict]}"
