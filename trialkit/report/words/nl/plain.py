"""The Dutch of the plain-language box and the status strip: fixed sentences, keyed by codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.document import Passage
from trialkit.report.words.en.plain import PlainWords
from trialkit.report.words.nl.phrases import translator

_LEVELS = translator(
    {
        "per unit": "per eenheid",
        "{x} = {n} ({n1}th percentile)": "{x} = {n} ({n1}e percentiel)",
        "{x} = {n} (median)": "{x} = {n} (mediaan)",
        "missing": "ontbreekt",
    }
)


class DutchPlain(PlainWords):
    """Sentences for readers without training in statistics: short, and without terms of the trade."""

    # --- status of the plan
    locked_title = "Het plan stond vast voordat deze analyse is uitgevoerd"
    unlocked_title = "Het plan stond niet vast"
    unlocked_advice = "Lees de resultaten zoals die van een onderzoek zonder vooraf vastgelegd plan."
    locked_meaning = (
        "Een vastgelegd plan laat zien dat het plan en dit rapport bij elkaar horen. Het bewijst op zichzelf niet wanneer het plan is vastgelegd, "
        "en ook niet dat er geen ander plan was."
    )

    # --- what was found
    how_sure, not_shown = "Hoe zeker is dit?", "Wat dit niet laat zien"

    def outcome_is(self, label: str) -> str:
        return f"De uitkomst: {label}."

    def observed_shares(self, arm: str, control: str, share_arm: str, share_control: str) -> str:
        return (
            f"Van elke 100 mensen die waren ingedeeld bij ‘{arm}’ gold dit voor ongeveer {share_arm}; "
            f"van elke 100 die waren ingedeeld bij ‘{control}’ voor ongeveer {share_control}."
        )

    def observed_means(self, arm: str, control: str, mean_arm: str, mean_control: str) -> str:
        return f"Het gemiddelde was {mean_arm} bij mensen die waren ingedeeld bij ‘{arm}’ en {mean_control} bij mensen die waren ingedeeld bij ‘{control}’."

    def headline(self, verdict: str, arm: str, control: str, worthwhile: str | None, better: str | None) -> str:
        verb, up, down = ("deden het", "beter", "slechter") if better else ("scoorden", "hoger", "lager")
        than = f"dan mensen die waren ingedeeld bij ‘{control}’"
        more = f"Mensen die waren ingedeeld bij ‘{arm}’ {verb} op deze uitkomst {up} {than}"
        if verdict == "worthwhile_benefit":
            return (
                f"{more}. Elk verschil dat goed bij deze gegevens past, is minstens zo groot als het kleinste verschil dat "
                f"volgens het plan de moeite waard is ({worthwhile})."
            )
        if verdict == "benefit_size_uncertain" and worthwhile:
            return (
                f"{more}. Of het verschil groot genoeg is om de moeite waard te zijn (volgens het plan {worthwhile} of meer), maken deze "
                "gegevens niet duidelijk: kleinere en grotere verschillen passen er allebei bij."
            )
        if verdict == "benefit_size_uncertain":
            return f"{more}. Het plan zegt niet hoe groot een verschil moet zijn om de moeite waard te zijn."
        if verdict == "benefit_too_small":
            return (
                f"{more}, maar het verschil is kleiner dan wat volgens het plan de moeite waard is ({worthwhile}): dat geldt voor elk verschil "
                "dat goed bij deze gegevens past."
            )
        if verdict == "no_worthwhile_difference":
            return (
                f"Tussen ‘{arm}’ en ‘{control}’ is er geen verschil dat volgens het plan groot genoeg is om de moeite waard te zijn ({worthwhile}), "
                "naar geen van beide kanten. Een kleiner verschil is niet uitgesloten."
            )
        if verdict == "harm":
            return f"Mensen die waren ingedeeld bij ‘{arm}’ {verb} op deze uitkomst {down} {than}."
        differ = f"het op deze uitkomst {up} of {down} deden" if better else f"op deze uitkomst {up} of {down} scoorden"
        return (
            f"Deze vergelijking is onbeslist. De gegevens maken niet duidelijk of mensen die waren ingedeeld bij ‘{arm}’ {differ} {than}: beide passen bij de "
            "gegevens. Dat is iets anders dan aantonen dat er geen verschil is."
        )

    def not_after_correction(self, p: str) -> str:
        return (
            "Dit was een van meerdere toetsen die volgens het plan samen worden gecorrigeerd, en na die correctie staat het verschil niet vast "
            f"(p, na correctie: {p}): bij meerdere toetsen laat alleen het toeval al vaker zo'n verschil zien. Het interval is dat van deze toets alleen."
        )

    def not_estimable(self, arm: str, control: str) -> str:
        return (
            f"Het verschil tussen ‘{arm}’ en ‘{control}’ op deze uitkomst was niet te schatten. Daarom staat er hier niets over."
        )

    def difference_share(self, adjusted: bool, arm: str, points: str, people: str, direction: str) -> str:
        if direction == self.same:
            return self._telling(adjusted, "is", "het aandeel", "bij beide gelijk, afgerond op één decimaal")
        return self._telling(adjusted, "is", "het aandeel", f"bij ‘{arm}’ {points} procentpunt {direction}: {people}")

    def people_of_hundred(self, people: str, direction: str) -> str:
        if people == "0":
            return "minder dan 1 op elke 100 mensen"
        return f"ongeveer {people} {'meer' if direction == self.higher else 'minder'} op elke 100 mensen"

    def difference_ratio(self, adjusted: bool, arm: str, control: str, value: str, what: str) -> str:
        times = f"bij ‘{arm}’ {value} keer dat bij ‘{control}’"
        those = f"bij ‘{arm}’ {value} keer die bij ‘{control}’"
        verb, subject, rest = {
            "risk_ratio": ("is", "het aandeel", times),
            "odds_ratio": ("is", "de verhouding van mensen met de uitkomst tot mensen zonder", those),
            "rate_ratio": ("is", "het gemiddelde aantal", times),
            "mean_ratio": ("is", "het gemiddelde", times),
            "win_odds": (
                "doet",
                f"van twee mensen, één ingedeeld bij ‘{arm}’ en één bij ‘{control}’, de eerste",
                f"het {value} keer zo vaak beter als de tweede (een gelijke stand telt half)",
            ),
            "proportional_odds": ("is", "de verhouding van mensen in een betere categorie tot mensen in een slechtere", those),
            "hazard_ratio": (
                "is",
                "de kans dat het op een willekeurig moment gebeurt, bij mensen bij wie het nog niet was gebeurd,",
                those,
            ),
            "rmst_ratio": ("is", "de gemiddelde tijd tot de grens van de meting", those),
        }.get(what, ("is", f"de verhouding van ‘{arm}’ tot ‘{control}’", value))
        if what == "win_odds" and not adjusted:
            return (
                f"Van twee mensen, één ingedeeld bij ‘{arm}’ en één bij ‘{control}’, doet de eerste "
                f"het {value} keer zo vaak beter als de tweede (een gelijke stand telt half)."
            )
        return self._telling(adjusted, verb, subject, rest)

    measured: ClassVar[Mapping[str, str]] = {
        "quantile": "het gevraagde kwantiel (de mediaan, tenzij anders vermeld)",
        "rmst_difference": "de gemiddelde tijd tot de grens van de meting",
        "rmtl_difference": "de gemiddelde verloren tijd tot de grens van de meting",
    }

    def ratio_of(self, value: str) -> str:
        return f"een verhouding van {value}"

    def fits_ratio(self, level: str, low: str, high: str) -> str:
        return (
            f"De gegevens passen goed bij elke werkelijke verhouding tussen {low} en {high} (het {level}-betrouwbaarheidsinterval; 1 is geen verschil), "
            "en minder goed bij waarden daarbuiten."
        )

    def difference_mean(self, adjusted: bool, arm: str, value: str, g: str | None, direction: str, what: str = "") -> str:
        subject = self.measured.get(what, "het gemiddelde")
        if direction == self.same:
            return self._telling(adjusted, "is", subject, "bij beide gelijk, afgerond op de laatste decimaal")
        size = f" ({g} standaarddeviatie)" if g else ""
        return self._telling(adjusted, "is", subject, f"bij ‘{arm}’ {value} {self.points_unit} {direction}{size}")

    def _telling(self, adjusted: bool, verb: str, subject: str, rest: str) -> str:
        """A sentence that begins with what was allowed for, or with its subject."""
        if adjusted:
            return f"Als we rekening houden met verschillen tussen mensen aan het begin, {verb} {subject} {rest}."
        return f"{subject[:1].upper()}{subject[1:]} {verb} {rest}."

    # --- subgroups
    subgroups_intro = (
        "Of het effect verschilt tussen soorten mensen, blijkt uit de toets van het verschil (de interactie). Het blijkt nooit uit één subgroep "
        "die significant is en een andere die dat niet is. Deze subgroepen staan in het plan."
    )
    subgroups_note = "p is die van de interactie. Effecten in subgroepen berusten op minder mensen dan het geheel; lees ze samen met het geheel."

    def subgroup_title(self, outcome: str, trait: str) -> str:
        return f"{outcome}, naar {trait}"

    def subgroups_caption(self, label: str) -> str:
        return f"Het effect per subgroep: {label}"

    def interaction_row(self, comparison: str) -> str:
        return f"Verschillen de effecten? ({comparison})" if comparison else "Verschillen de effecten?"

    def level(self, name: str) -> str:
        said = _LEVELS(name)
        return name if isinstance(said, Passage) else said

    def alt_subgroups(self, label: str) -> str:
        return f"Het effect in elke subgroep met zijn interval: {label}. De getallen staan in de tabel."

    # --- how sure
    def fits(self, level: str, low: str, high: str, low_side: str, high_side: str, unit: str) -> str:
        if low_side == high_side:
            between = f"tussen {low} en {high} {unit} {low_side}"
        else:
            between = f"tussen {low} {unit} {low_side} en {high} {unit} {high_side}"
        return (
            f"De gegevens passen goed bij elk werkelijk verschil {between} (het {level}-betrouwbaarheidsinterval), en minder goed bij waarden "
            "daarbuiten."
        )

    def interval_means(self, level_number: str) -> str:
        return (
            f"Intervallen die zo zijn berekend, bevatten in {level_number} van de 100 zulke onderzoeken het werkelijke verschil. "
            "Of dit onderzoek daarbij hoort, is niet te zien."
        )

    def groups_counted(self, arms: str, groups: str) -> str:
        return (
            f"Mensen in {arms} zaten samen in {groups} groepen. Leden van een groep kunnen elkaar beïnvloeden. Dan geven zij minder informatie dan "
            "evenveel losse mensen. Het interval houdt daar rekening mee."
        )

    few_counted = "Het zijn er weinig. Hoe zeker het resultaat is, is dan zelf ook onzeker: lees het interval voorzichtig."

    def clusters_counted(self, clusters: str) -> str:
        return (
            f"De loting ging over hele groepen ({clusters} in totaal). Mensen uit één groep lijken op elkaar. Daarom geven zij minder informatie dan "
            "evenveel losse mensen. Het interval houdt daar rekening mee."
        )

    groups_ignored = "De analyse houdt er geen rekening mee dat mensen samen in groepen zaten. De werkelijke onzekerheid is waarschijnlijk groter dan hier staat."

    # --- what it does not show
    def about_assignment(self, taken: str) -> str:
        lead = "Dit is het effect van de indeling door loting. Ook wie daarna niet deelnam, telt mee"
        return f"{lead} ({taken})." if taken else f"{lead}. Het is niet het effect van deelnemen."

    def took_part(self, share: str, arm: str) -> str:
        return f"van wie was ingedeeld bij ‘{arm}’ nam {share} deel"

    def about_filled(self, overall: str, outcome: str = "") -> str:
        return (
            f"{self._unknown(overall, outcome)} Anderen uit dezelfde arm die op hen lijken, tellen in hun plaats mee. Het resultaat "
            "kan anders zijn als zij verschillen op punten die niet zijn gemeten."
        )

    def about_missing(self, overall: str, outcome: str = "") -> str:
        return (
            f"{self._unknown(overall, outcome)} Het resultaat berust op de anderen. Het kan anders zijn als deze mensen op "
            "punten die niet zijn gemeten van de anderen verschillen."
        )

    def _unknown(self, overall: str, outcome: str) -> str:
        return f"Van {overall} van de mensen is {f'‘{outcome}’' if outcome else 'de uitkomst'} niet bekend."

    about_average = (
        "Het is een gemiddelde. Het zegt niet voor wie het verschil groter of kleiner is, en ook niet waardoor het komt."
    )

    def about_population(self, population: str) -> str:
        return f"Het gaat over deze mensen: {population.rstrip('.')}. Ergens anders, of later, kan het anders zijn."

    about_unlocked = "Het plan stond niet vast. Keuzes in de analyse kunnen dus zijn gemaakt nadat de gegevens waren bekeken."

    def about_deviations(self, n: int) -> str:
        return f"Het onderzoek week op {n} punt{'' if n == 1 else 'en'} af van het plan; zie ‘Afwijkingen van het plan’."

    def joined(self, parts: list[str]) -> str:
        return ", ".join(parts[:-1]) + " en " + parts[-1] if len(parts) > 1 else "".join(parts)

    def quoted(self, label: str) -> str:
        return f"‘{label}’"

    higher, lower, same = "hoger", "lager", "gelijk"
    points_unit, percentage_points = "punten", "procentpunt"
