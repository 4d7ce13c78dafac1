"""The Dutch of the section on the specification curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.words.en.multiverse import MultiverseWords


class DutchMultiverse(MultiverseWords):
    """Words on the same effect by every declared way of analysing it."""

    multiverse_intro = (
        "In een analyse zitten keuzes die met reden ook anders hadden gekund. Het plan noemt ze, en hier is het effect met elk ervan geschat. "
        "De geregistreerde analyse blijft de analyse van dit onderzoek: de andere laten zien hoezeer de uitkomst ervan van de keuzes afhangt, en geen ervan komt "
        "in haar plaats."
    )
    curve_registered_mark = "geregistreerd"
    curve_marks = "Gevuld: p onder de grens. Open: niet. Ruit: geregistreerd. Kruis: niet geschat."
    curve_kinds: ClassVar[Mapping[str, str]] = {
        "scoring": "Scoring",
        "adjusted_for": "Gecorrigeerd voor",
        "estimator": "Methode",
        "standard_errors": "Standaardfouten",
        "missing_outcomes": "Ontbrekende uitkomsten",
        "extremes": "Uitschieters",
    }
    curve_estimators: ClassVar[Mapping[str, str]] = {
        **MultiverseWords.curve_estimators,
        "difference_in_means": "Verschil in gemiddelden",
        "mixed": "Gemengd model",
        "g_computation": "G-berekening",
        "logit": "Logistische regressie",
    }
    curve_options: ClassVar[Mapping[str, str]] = {
        "auto": "zoals geregistreerd",
        "as registered": "zoals geregistreerd",
        "not adjusted": "niets",
        "available cases": "mensen met de uitkomst",
        "multiple imputation": "meervoudige imputatie",
        "weights by response": "gewogen naar respons",
        "as measured": "zoals gemeten",
        "the estimator's own": "die van de methode zelf",
    }
    curve_patterns: ClassVar[tuple[tuple[str, str], ...]] = (
        (r"without item (\d+)", r"zonder vraag \1"),
        (r"(\d+) answers may be missing", r"\1 antwoorden mogen ontbreken"),
        (r"subscale (.+)", r"subschaal \1"),
        (r"winsorized at ([\d.]+)%", r"afgekapt op \1%"),
        (r"winsorized at ([\d.]+)% and ([\d.]+)%", r"afgekapt op \1% en \2%"),
    )
    curve_statistics: ClassVar[Mapping[str, str]] = {
        "median_t": "Mediaan van schatting / standaardfout",
        "mean_abs_t": "Gemiddelde van |schatting / standaardfout|",
        "share_significant": "Aandeel met p onder de grens, in één richting",
        "median_estimate": "Mediaan van de schattingen, in SD's",
    }
    curve_option_header = "Mogelijkheid"
    curve_specifications_header, curve_median_header, curve_lowest_header, curve_highest_header = (
        "Analyses",
        "Mediaan",
        "Laagste",
        "Hoogste",
    )
    curve_statistic_header, curve_observed_header = "Toetsgrootheid", "Waargenomen"
    curve_joint_caption = "De hele curve naast andere indelingen van dezelfde opzet"
    multiverse_left_out = "Niet gedaan:"
    curve_failed = "Analyses die niet konden worden gedaan, en waarom:"

    def curve_option(self, kind: str, option: str, labels: Mapping[str, str]) -> str:
        """An option as a reader knows it."""
        found = super().curve_option(kind, option, labels)
        return found.replace(".", ",") if kind == "extremes" else found

    @staticmethod
    def curve_counts(estimated: str, specifications: str, low: str, high: str, median: str) -> str:
        """How many analyses, and from where to where."""
        how = (
            f"Alle {specifications} analyses" if estimated == specifications else f"{estimated} van de {specifications} analyses"
        )
        return f"{how} konden worden gedaan. De schattingen lopen van {low} tot {high}; de mediaan is {median}."

    @staticmethod
    def curve_place(own: str, place: str, estimated: str) -> str:
        """Where the registered estimate stands."""
        return f"De geregistreerde schatting is {own}, nummer {place} van {estimated} vanaf de laagste."

    @staticmethod
    def curve_directions(same: str, significant: str, both: str, estimated: str, alpha: str) -> str:
        """How many point the same way; counts of dependent analyses."""
        return (
            f"{same} van de {estimated} wijzen dezelfde kant op als de geregistreerde, {significant} hebben een p onder {alpha} (waarvan {both} dezelfde kant op). "
            "Dit zijn tellingen en geen toetsen: de analyses gaan over dezelfde mensen en hangen samen."
        )

    @staticmethod
    def curve_tested(unlikely: bool, statistic: str, p: str, draws: str, inside: str, estimated: str) -> str:
        """The joint test by the statistic chosen beforehand."""
        which = "alle analyses" if inside == estimated else f"{inside} van de {estimated} analyses"
        said = f"Toets van {which} samen met de toetsgrootheid die het plan koos ({statistic[:1].lower()}{statistic[1:]}), {draws} indelingen: p {p}."
        if unlikely:
            return (
                f"{said} Als het programma bij niemand iets zou veranderen, zou een curve zo ver van nul zelden voorkomen. Dat pleit ertegen dat er geen enkel effect is; het "
                "zegt niet hoe groot het effect is, en ook niet welke analyse de juiste is."
            )
        return f"{said} Zulke curves zijn niet zeldzaam als het programma bij niemand iets verandert. Dat laat niet zien dat het geen effect heeft."

    curve_not_tested = "Er is geen toets van de hele curve: die vraagt om een opzet waaruit andere indelingen, met hun groepen, te trekken zijn, en om lineaire analyses."

    @staticmethod
    def curve_joint_note(null: str) -> str:
        """What is tested."""
        return (
            "Tegen de hypothese dat indeling bij de andere arm bij niemand de uitkomst verandert, en ook niet of die bekend is"
            + (", en dat het niet uitmaakt met wie iemand in een groep zit." if "group" in null else ".")
        )

    @staticmethod
    def curve_table_caption(label: str) -> str:
        """Of the table of options."""
        return f"{label}: schattingen per keuze"

    curve_table_note = (
        "Mediaan, laagste en hoogste schatting van de analyses met deze mogelijkheid. In het bestand staat elke analyse."
    )

    @staticmethod
    def caption_curve(label: str, level: str) -> str:
        """Of the figure."""
        return (
            f"{label}: de schatting met elke genoemde analyse, van de laagste tot de hoogste, met {level}-intervallen; daaronder de keuzes van elk. "
            "De oranje ruit op de grijze kolom is de geregistreerde analyse."
        )

    @staticmethod
    def alt_curve(label: str, counts: str, place: str) -> str:
        """Text in place of the figure."""
        return f"Specificatiecurve van {label}. {counts} {place}".strip()


# by the sentences in which results hold them
CURVE_NOTES = {
    "{n} combinations do not exist and are not counted: weights by response go with estimator='ancova' only.": (
        "{n} combinaties bestaan niet en tellen niet mee: weging naar respons gaat alleen samen met ANCOVA."
    ),
    "{n} of {n1} specifications are not linear in the outcome and not in the joint test: {x}. refit=True runs them again for every draw.": (
        "{n} van de {n1} analyses zijn niet lineair in de uitkomst en staan buiten de toets van de hele curve: {x}. Met refit=True worden ze bij elke trekking opnieuw gedaan."
    ),
    "{n} of {n1} specifications could not be estimated; they stay in the table with their reasons.": (
        "{n} van de {n1} analyses konden niet worden geschat; ze blijven in de tabel staan, met de reden."
    ),
    "specifications rest on {n} to {n1} people: rules for missing values differ.": (
        "De analyses berusten op {n} tot {n1} mensen: de regels voor ontbrekende waarden verschillen."
    ),
    "with {n} groups the joint test, whose null holds no group effects, rejects too often when groups differ (docs/multiverse.md): read it with that in mind.": (
        "Met {n} groepen verwerpt de toets van de hele curve, waarvan de nulhypothese geen groepseffecten kent, te vaak als groepen verschillen (docs/multiverse.md)."
    ),
    "with Trial(design=...) the whole curve could be tested by draws of other assignments.": (
        "Met een opzet waaruit indelingen te trekken zijn, had de hele curve getoetst kunnen worden."
    ),
    "the design cannot be drawn for two arms alone, so all arms are drawn: the joint test holds when no arm changes anything.": (
        "De opzet is niet voor twee armen alleen te trekken, dus alle armen worden getrokken: de toets van de hele curve geldt als geen enkele arm iets verandert."
    ),
}
