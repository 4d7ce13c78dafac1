"""The Dutch of the section on selection: who came, who took part, who stayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from trialkit.report.words.en.selection import SelectionWords


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} en {parts[-1]}"


def _quoted(parts: Sequence[str]) -> str:
    return _listed([f"‘{p}’" for p in parts])


def _p(p: str) -> str:
    return f"p {p}" if p[:1] in "<>" else f"p = {p}"


class DutchSelection(SelectionWords):
    """Words on reach, take-up, losses and groups."""

    selection_intro = "Vraag voor vraag, met eerst het antwoord van dit onderzoek en daaronder, ingeklapt, de onderbouwing."
    selection_evidence = "Onderbouwing"
    selection_left_out = "Niet te analyseren"

    # --- a primary analysis that fills in or weights
    imputed_header = "Ingevuld"
    raw_of_known = (
        "Gemiddelden en aandelen zijn van de mensen van wie de uitkomst bekend is; wat is ingevuld, verschilt per imputatie."
    )
    missing_information_row = "Informatie die door ontbrekende uitkomsten verloren ging"
    companions_of_available = (
        "De primaire analyse geldt voor iedereen die heeft meegeloot, ook voor mensen van wie de uitkomst niet bekend is. De andere analyses berusten op de "
        "uitkomsten die zijn waargenomen."
    )
    selection_questions: ClassVar[Mapping[str, str]] = {
        "reach": "Wie zijn er bereikt?",
        "balance": "Leken de armen op elkaar?",
        "take_up": "Wie deden er mee?",
        "losses": "Wie bleven er?",
        "missing": "Wat kunnen degenen die ontbreken aan het antwoord veranderen?",
        "formed": "Vormde toeval of keuze de groepen?",
    }

    # --- reach
    reach_unknown = "Niet bekend: het plan noemt geen telling van de mensen vóór de loting, dus hier staat niet wie het onderzoek heeft gemist."
    stages_of_reach: ClassVar[Mapping[str, str]] = {
        "eligible": "kwamen in aanmerking", "approached": "zijn benaderd", "consented": "stemden toe", "randomized": "zijn gerandomiseerd",
        "offered": "kregen het programma aangeboden", "attended": "namen deel", "followed_up": "zijn gevolgd",
    }  # fmt: skip
    clauses_of_reach: ClassVar[Mapping[str, str]] = {
        "eligible": "in aanmerking kwamen", "approached": "zijn benaderd", "consented": "toestemden", "randomized": "zijn gerandomiseerd",
        "offered": "het programma kregen aangeboden", "attended": "deelnamen", "followed_up": "zijn gevolgd",
    }  # fmt: skip
    reach_caption = "Van wie in aanmerking kwamen tot wie zijn gevolgd"
    reach_stage_header = "Stap"
    retention_header, reach_header, reach_ratio_header = "Behouden", "Bereik", "Bereik, ten opzichte van de anderen"
    reach_note = (
        "Behouden: het aandeel van de mensen in de stap waarvan wordt gerekend. Bereik: het aandeel van de mensen in de eerste stap. De verhouding vergelijkt het bereik van "
        "een soort mensen met dat van de anderen; onder 1 zijn zij minder bereikt."
    )

    def _clause(self, key: str) -> str:
        return self.clauses_of_reach.get(key, f"de stap ‘{key.replace('_', ' ')}’ bereikten")

    def reach_of(self, key: str) -> str:
        return f"van wie {self._clause(key)}"

    def reach_found(self, first: str, first_stage: str, last: str, last_stage: str, share: str) -> str:
        return f"Van de {first} mensen die {self._clause(first_stage)}, waren er {last} ({share}) die {self._clause(last_stage)}."

    def reached_less(self, who: str, ratio: str, interval: str, stage: str) -> str:
        lost = f"; de meeste gingen verloren bij de stap ‘{self.reach_stage(stage)}’" if stage else ""
        return f"‘{who}’ zijn {ratio} keer zo vaak bereikt als de anderen ({interval}){lost}."

    reached_alike = "Van de soorten mensen die zijn vergeleken, is er geen duidelijk minder bereikt dan de anderen."
    reached_not_compared = "De telling maakt geen onderscheid tussen soorten mensen."

    # --- balance
    balance_not_planned = "Niet te zien: het plan noemt geen kenmerken van de voormeting ([selection] balance)."

    @staticmethod
    def balance_alike(p: str) -> str:
        return f"Zo gelijk als toeval ze maakt: alle kenmerken samen laten niet meer verschil zien dan dat ({_p(p)})."

    @staticmethod
    def balance_unlike(arm: str, p: str) -> str:
        return f"Minder dan toeval zou doen: over alle kenmerken samen verschilt ‘{arm}’ van de controlegroep ({_p(p)})."

    @staticmethod
    def balance_largest(size: str, name: str) -> str:
        return f"Het grootste verschil is {size} standaarddeviatie ({name})."

    balance_where = "De kenmerken staan één voor één onder ‘De armen bij het begin’."

    # --- take-up
    take_up_unknown = "Niet bekend: het plan noemt geen kolom die zegt wie deelnam ([data] uptake)."

    @staticmethod
    def took_part_share(share: str, arm: str) -> str:
        return f"Van wie was ingedeeld bij ‘{arm}’ nam {share} deel."

    @staticmethod
    def took_part_control(share: str) -> str:
        return f"Van de controlegroep nam {share} ook deel, zonder daarbij te zijn ingedeeld."

    take_up_not_asked = "Het plan vroeg niet wie dat waren ([selection] take_up)."

    @staticmethod
    def take_up_differs(trait: str, who: str, side: str, interval: str) -> str:
        return f"{trait}: ‘{who}’ namen {side} deel dan de anderen (verschil {interval} procentpunt)."

    take_up_less, take_up_more = "minder vaak", "vaker"
    take_up_alike = "Geen van de bekeken kenmerken hangt duidelijk samen met deelnemen."
    take_up_caption = "Wie deelnemen als het wordt aangeboden"
    take_up_header, who_header = "Zou deelnemen", "Kenmerk"
    take_up_people_header = "Ingedeeld"
    take_up_note = (
        "Aandeel van de mensen die deelnemen omdat het hun wordt aangeboden (compliers); de intervallen gelden voor alle waarden van een kenmerk samen. Een waarde waarbij iedereen "
        "hetzelfde deed, heeft geen interval."
    )
    take_up_everyone = "Iedereen"

    # --- losses
    losses_unknown = "Niet bekend: het plan vroeg er niet naar ([selection] attrition = false)."

    @staticmethod
    def losses_none(outcome: str) -> str:
        return f"Iedereen: bij niemand ontbreekt ‘{outcome}’."

    @staticmethod
    def losses_found(outcome: str, share: str) -> str:
        return f"Bij {share} van alle gerandomiseerde mensen ontbreekt ‘{outcome}’."

    @staticmethod
    def losses_gap(arm: str, points: str, interval: str) -> str:
        return f"‘{arm}’ tegenover controle: {points} procentpunt{f' ({interval})' if interval else ''}."

    def losses_verdict(self, verdicts: Mapping[str, str]) -> str:
        """What the Clearinghouse's table says under either assumption."""
        said = {k: {"low": "lage", "high": "hoge"}.get(v, v) for k, v in verdicts.items()}
        values = list(said.values())
        if len(set(values)) == 1:
            return f"Volgens de tabel van het What Works Clearinghouse is dat {values[0]} uitval, zowel bij de voorzichtige als bij de optimistische aanname."
        named = {"cautious": "voorzichtige", "optimistic": "optimistische"}
        parts = [f"{v} uitval bij de {named.get(k, k)} aanname" for k, v in said.items()]
        return f"Volgens de tabel van het What Works Clearinghouse is dat {' en '.join(parts)}."

    @staticmethod
    def losses_selective(respondents: str, everyone: str) -> str:
        return f"Op de kenmerken die vooraf zijn gemeten: {respondents}; {everyone}."

    @staticmethod
    def selective(test: str, found: bool, p: str) -> str:
        who = (
            "degenen die bleven verschillen tussen de armen"
            if test == "iv_r"
            else "degenen die bleven verschillen van degenen die wegvielen, of tussen de armen"
        )
        not_found = (
            "het is niet aangetoond dat degenen die bleven tussen de armen verschillen"
            if test == "iv_r"
            else "het is niet aangetoond dat degenen die bleven verschillen van degenen die wegvielen, of tussen de armen"
        )
        return f"{who if found else not_found} ({_p(p)})"

    wwc_caption = "Uitval tegenover de tabel van het What Works Clearinghouse"
    wwc_header: ClassVar[tuple[str, ...]] = (
        "Aanname", "Totale uitval", "Verschil, procentpunten", "Grens, procentpunten", "Uitval",
    )  # fmt: skip
    wwc_assumptions: ClassVar[Mapping[str, str]] = {
        "cautious": "Voorzichtig: het programma kan beïnvloeden wie wegvallen",
        "optimistic": "Optimistisch: dat kan het nauwelijks",
    }
    wwc_levels: ClassVar[Mapping[str, str]] = {"low": "laag", "high": "hoog"}
    wwc_of: ClassVar[Mapping[str, str]] = {"people": "", "clusters": "hele clusters"}
    selective_caption = "Toetsen van selectieve uitval"
    selective_header: ClassVar[tuple[str, ...]] = ("Vooraf gemeten", "Wie bleven: p", "Iedereen: p")
    selective_all = "Alles samen"
    selective_note = (
        "Eerste toets: of de armen verschillen onder degenen die bleven (zijn zij te vergelijken?). Tweede: of dezen ook lijken op degenen die wegvielen (zegt het resultaat iets over "
        "iedereen?). Een toets die niets vindt, is geen bewijs: bij weinig uitval ziet hij veel over het hoofd."
    )
    lost_by_trait_caption = "Uitval naar kenmerk"
    lost_by_trait_note = "Aandeel zonder de uitkomst. Verschil: arm min controle, in procentpunten."

    # --- what the missing could do
    missing_rules: ClassVar[Mapping[str, str]] = {
        "primary": "Geplande analyse",
        "available_cases": "Beschikbare waarnemingen",
        "multiple_imputation": "Meervoudige imputatie, toevallig ontbrekend gegeven wat bekend is (MAR)",
        "jump_to_reference": "Ontbrekende mensen van de arm zoals de controlegroep (jump to reference)",
        "copy_reference": "Ontbrekende mensen steeds zoals de controlegroep (copy reference)",
        "copy_increments_in_reference": "Ontbrekende mensen veranderen zoals de controlegroep (copy increments)",
        "last_mean_carried_forward": "Ontbrekende mensen blijven op het laatste gemiddelde",
        "inverse_probability_weights": "Wie bleven, gewogen voor wie wegvielen",
        "lee_bounds": "Grenzen van Lee",
        "manski_bounds": "Uiterste gevallen: elke waarde van de uitkomst",
        "kling_liebman": "Ontbrekende mensen tot {sd} SD van het gemiddelde van hun arm",
        "tipping_point": "Omslagpunt",
    }
    missing_scenarios: ClassVar[Mapping[str, str]] = {
        "as observed": "Zoals waargenomen",
        "all lost failed": "Bij iedereen die ontbreekt lukte het niet",
        "all lost succeeded": "Bij iedereen die ontbreekt lukte het",
        "worst for the programme": "Ongunstigst voor het programma",
        "best for the programme": "Gunstigst voor het programma",
    }
    missing_caption = "Het primaire effect bij andere aannames over wie ontbreken"
    missing_header, bounds_or_estimate_header, missing_reading_header = "Aanname", "Schatting of grenzen", "Zegt"
    missing_readings: ClassVar[Mapping[int, str]] = {1: "hoger", -1: "lager", 0: "geen duidelijk verschil"}

    @staticmethod
    def missing_note(level: str) -> str:
        return (
            f"{level}-intervallen; bij grenzen dekken zij het effect, niet het hele bereik. De grenzen van Lee gaan over mensen die in beide armen gemeten zouden worden; zij vragen geen "
            "keuze en geen startgetal, en staan hier ook als het plan ze niet noemt. Grenzen vergelijken de armen zonder correctie voor het begin; een gecorrigeerde "
            "schatting kan erbuiten liggen."
        )

    @staticmethod
    def missing_none(outcome: str) -> str:
        return f"Niets: bij niemand ontbreekt ‘{outcome}’."

    @staticmethod
    def missing_unplanned(outcome: str) -> str:
        return f"Niet bekend voor ‘{outcome}’: het plan vroeg er geen analyse van ([missing] sensitivity)."

    @staticmethod
    def missing_of(outcome: str, contrast: str | None) -> str:
        return f"‘{outcome}’{f', {contrast}' if contrast else ''}:"

    @staticmethod
    def missing_holds(n: int) -> str:
        return (
            "de conclusie is dezelfde in de andere analyse."
            if n == 1
            else f"de conclusie is dezelfde in alle {n} andere analyses."
        )

    @staticmethod
    def missing_fails(names: Sequence[str], n: int) -> str:
        return f"de conclusie is niet dezelfde in {len(names)} van {n} andere analyses: {'; '.join(names)}."

    @staticmethod
    def missing_extreme(holds: bool) -> str:
        return (
            "Zij geldt zelfs als de ontbrekende mensen de meest uiterste waarden hadden."
            if holds
            else "Zij zou niet gelden als de ontbrekende mensen de meest uiterste waarden hadden gehad."
        )

    missing_no_claim = "de geplande analyse laat geen duidelijk verschil zien,"
    missing_nor = "en geen andere analyse doet dat wel."

    @staticmethod
    def missing_but(names: Sequence[str]) -> str:
        return f"maar deze wel: {'; '.join(names)}."

    @staticmethod
    def tips_at(amount: str, sds: str, side: str) -> str:
        return f"De conclusie verandert zodra de ontbrekende mensen van de arm {amount} ({sds} SD) {side} liggen dan de waargenomen mensen doen vermoeden."

    @staticmethod
    def tips_never(amount: str, side: str) -> str:
        return f"De conclusie blijft dezelfde, zelfs als de ontbrekende mensen van de arm {amount} {side} liggen dan de waargenomen mensen doen vermoeden."

    # --- groups
    no_groups = "Geen van de armen heeft groepen."
    formed_unplanned = "Niet bekend: het plan zegt niet hoe de groepen zijn gevormd."

    @staticmethod
    def formed_planned(alike: Sequence[str], mixed: Sequence[str]) -> str:
        how = [f"gelijk in {_quoted(alike)}"] if alike else []
        how += [f"gemengd in {_quoted(mixed)}"] if mixed else []
        return (
            f"Volgens plan moesten groepen {' en '.join(how)} zijn."
            if how
            else "Volgens plan bepaalde alleen toeval wie in welke groep kwam."
        )

    formed_not_tested = "Het plan vroeg er geen toets van ([selection] groups_by_chance)."

    @staticmethod
    def formed_chance(traits: Sequence[str]) -> str:
        return f"Naar {_quoted(traits)} is niet aangetoond dat er meer dan toeval aan het werk was binnen de verzamelingen mensen waaruit de groepen zijn gevuld."

    @staticmethod
    def formed_choice(traits: Sequence[str], level: str) -> str:
        return f"Leden van een groep lijken in {_quoted(traits)} meer op elkaar, of verschillen daarin meer, dan toeval hen maakt (op niveau {level})."

    @staticmethod
    def formed_because(traits: Sequence[str]) -> str:
        return f"Wat met {_quoted(traits)} samengaat, is alleen al daarom gedeeld of gespreid."

    formed_caption = "Of toeval mensen in hun groep bracht"
    formed_header: ClassVar[tuple[str, ...]] = (
        "Kenmerk", "Helling op de groepsgenoten", "Verwacht door toeval", "p", "Groepen", "Verzamelingen",
    )  # fmt: skip
    formed_note = (
        "Helling van de waarde van een mens op het gemiddelde van de anderen in de groep. Niemand is zijn eigen groepsgenoot, dus toeval alleen maakt de helling negatief. p door mensen "
        "binnen hun verzameling te schudden."
    )
