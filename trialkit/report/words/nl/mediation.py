"""The Dutch of mediation: effects through an intermediate step. Nothing here says that a pathway is proven: the step was not randomized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.words.en.mediation import MediationWords


class DutchMediation(MediationWords):
    """Words on direct and indirect effects."""

    mediation_intro = (
        "Hoeveel van het effect naar schatting via een tussenstap loopt. Alleen de arm is door loting bepaald, niet de tussenstap: wat volgt, geldt als niets dat niet is gemeten zowel "
        "de tussenstap als de uitkomst verandert. Het is een schatting onder die aanname, en geen bewijs van hoe het programma werkt."
    )
    mediation_effects: ClassVar[Mapping[str, str]] = {
        "acme": "Indirect: via de tussenstap",
        "acme_control": "als de tussenstap werkt zoals in de controlegroep",
        "acme_treated": "als de tussenstap werkt zoals in de programma-arm",
        "ade": "Direct: alle andere wegen",
        "ade_control": "met de tussenstap zoals in de controlegroep",
        "ade_treated": "met de tussenstap zoals in de programma-arm",
        "total": "Totaal effect",
        "proportion": "Deel van het totaal dat indirect is",
    }
    mediation_effect_header = "Effect"
    mediation_paths_header, mediation_coefficient_header = "Pad", "Coëfficiënt"
    mediation_paths: ClassVar[Mapping[str, str]] = {
        "a": "Arm naar tussenstap",
        "b": "Tussenstap naar uitkomst",
        "b_control": "Tussenstap naar uitkomst, controlegroep",
        "b_treated": "Tussenstap naar uitkomst, programma-arm",
        "interaction": "Verschil tussen de armen in die helling",
        "direct": "Arm naar uitkomst, tussenstap op zijn gemiddelde",
        "total": "Arm naar uitkomst, zonder tussenstap",
    }
    mediation_slopes: ClassVar[Mapping[str, str]] = {
        "pooled": "Tussenstap naar uitkomst, onder leden van groepen",
        "within groups": "hetzelfde, binnen groepen",
        "between groups": "hetzelfde, tussen groepen",
    }
    mediation_models: ClassVar[Mapping[str, str]] = {
        "linear": "lineaire regressie",
        "logit": "logistische regressie",
        "poisson": "Poissonregressie",
        "ordered": "een model met proportionele odds",
        "piecewise_exponential": "stuksgewijs exponentiële regressie",
    }
    mediation_coefficients: ClassVar[Mapping[str, str]] = {
        "logit": "log odds",
        "poisson": "log aantal",
        "ordered": "log odds",
        "piecewise_exponential": "log hazard",
    }
    mediation_notes: ClassVar[Mapping[str, str]] = {
        "baseline_not_adjusted": (
            "De tussenstap of de uitkomst van vóór het programma staat niet bij de covariaten. Mensen die vooraf hoger stonden, staan na afloop op beide ook hoger, en dat zou meetellen "
            "als een effect via de tussenstap."
        ),
        "group_is_a_cause": (
            "Groepen ontstaan door de arm en veranderen zowel de tussenstap als de uitkomst: het indirecte effect neemt dan aan dat hun effecten op die twee onafhankelijk zijn, gegeven "
            "de covariaten. De helling van de tussenstap binnen groepen staat in de tabel van de regressies."
        ),
    }
    mediation_withheld = "Het deel van het totaal dat indirect is, staat hier niet: het interval van het totale effect bevat ook geen effect, zodat het deel elk getal kan zijn."
    mediation_sensitive_header = "Wat een niet-gemeten gemeenschappelijke oorzaak kan doen"
    mediation_rho = "Correlatie van de fouten door een niet-gemeten oorzaak"
    mediation_of_risk = "Deze lijn hoort bij lineaire modellen van tussenstap en uitkomst (verschillen van aandelen), omdat zij voor de modellen hierboven niet bestaat."
    mediation_of_ratio = "E-waarden zijn die van de risicoverhouding, met standaardfouten van de eerste orde."
    agrema_title = "De punten van de AGReMA-richtlijn (korte vorm; de negen namen zijn van ons, niet nagekeken in het formulier) en waar ze staan"
    agrema_names: ClassVar[Mapping[str, str]] = {
        "objectives": "Onderzochte effecten",
        "design": "Opzet en gegevens",
        "assumed": "Verondersteld oorzakelijk model",
        "assumptions": "Aannames",
        "measurement": "Meting van arm, tussenstap en uitkomst",
        "statistics": "Statistische methoden",
        "sensitivity": "Gevoeligheidsanalyse",
        "people": "Geanalyseerde mensen",
        "limits": "Grenzen van de uitleg",
    }

    def mediation_title(self, outcome: str, mediator: str) -> str:
        return f"{outcome}, via {mediator}"

    def mediation_caption(self, outcome: str, mediator: str) -> str:
        return f"Directe en indirecte effecten op {outcome}, via {mediator}"

    def mediation_paths_caption(self, mediator: str) -> str:
        return f"De regressies erachter; de tussenstap is {mediator}"

    def mediation_indirect(self, value: str) -> str:
        return f"Indirect effect: {value}"

    def mediation_direct(self, value: str) -> str:
        return f"Direct effect: {value}"

    def mediation_total(self, value: str) -> str:
        return f"Totaal effect: {value}"

    def mediation_coefficient(self, value: str, se: str, what: str) -> str:
        return f"{value} (SE {se}{f', {what}' if what else ''})"

    def mediation_breakpoint(self, rho: str) -> str:
        return f"Bij een correlatie van de fouten van {rho} blijft er geen indirect effect over"

    def mediation_cause(self) -> str:
        return "niet-gemeten oorzaak"

    def mediation_sensitive(self, rho: str, limit: str | None, products: str) -> str:
        first = (
            f"Het indirecte effect is nul als een niet-gemeten oorzaak de fouten van tussenstap en uitkomst {rho} laat correleren (een oorzaak die van beide, vermenigvuldigd, {products} "
            "van de variantie verklaart)."
        )
        if limit is None:
            return f"{first} Het interval van deze lijn (standaardfouten van de eerste orde, niet het interval in de tabel) bevat ook zonder zo'n oorzaak al nul."
        return f"{first} Het interval van deze lijn (standaardfouten van de eerste orde) bevat nul vanaf {limit}."

    def mediation_evalue(self, value: str, limit: str) -> str:
        return (
            f"E-waarde van het indirecte effect: {value}; van de grens van zijn interval die het dichtst bij geen effect ligt: {limit}. Een oorzaak moet, naast de covariaten, met zowel de "
            "tussenstap als de uitkomst samenhangen met een risicoverhouding die zo groot is."
        )

    def mediation_models_note(self, of_mediator: str, of_outcome: str) -> str:
        return f"Tussenstap met {of_mediator}, uitkomst met {of_outcome}; coëfficiënten op de schaal van hun model."

    def of_randomized(self, people: str, randomized: str) -> str:
        return f"{people} van {randomized} gerandomiseerd"

    def mediation_note(self, level: str, method: str, draws: str | None) -> str:
        return f"{level}-intervallen; {method}{f', {draws} trekkingen' if draws else ''}."

    def mediation_caption_paths(self, outcome: str, mediator: str, level: str, cause: bool) -> str:
        said = (
            f"{outcome}: de arm, de tussenstap ({mediator}) en de uitkomst, met coëfficiënten en effecten ({level}-intervallen)."
        )
        return f"{said} De streepjeslijnen zijn wat niet is gemeten." if cause else said

    def mediation_caption_effects(self, outcome: str, level: str) -> str:
        return f"{outcome}: indirect en direct effect, die samen het totaal zijn, met {level}-intervallen."

    def mediation_caption_rho(self, outcome: str, level: str) -> str:
        return (
            f"{outcome}: het indirecte effect als een niet-gemeten oorzaak de fouten van tussenstap en uitkomst laat correleren, met het {level}-interval; bij de streepjeslijn "
            "blijft er niets van over."
        )

    def mediation_alt_paths(self, indirect: str, direct: str, total: str) -> str:
        return f"Diagram van arm naar tussenstap naar uitkomst, en van arm naar uitkomst. Indirect effect {indirect}, direct effect {direct}, totaal effect {total}."

    def mediation_alt_effects(self, outcome: str) -> str:
        return f"Balken van het indirecte, directe en totale effect op {outcome}, met intervallen."

    def mediation_alt_rho(self, rho: str) -> str:
        return f"Lijn van het indirecte effect tegen de correlatie van de fouten; het is nul bij {rho}."

    def agrema_objectives(self, outcome: str, mediator: str, arm: str, control: str) -> str:
        return f"Natuurlijke indirecte en directe effecten van ‘{arm}’ tegenover ‘{control}’ op {outcome}, het indirecte via {mediator}; gepland."

    def agrema_design(self, n: str) -> str:
        return f"Gerandomiseerd onderzoek; de arm is door loting bepaald, de tussenstap niet. {n} mensen in de analyse."

    def agrema_assumed(self, mediator: str, outcome: str, interaction: bool) -> str:
        return f"De arm verandert {mediator}, en dat verandert {outcome}; de arm verandert {outcome} ook langs andere wegen." + (
            " De helling van de tussenstap mag per arm verschillen."
            if interaction
            else " De helling van de tussenstap is in beide armen gelijk genomen."
        )

    def agrema_assumptions(self, adjust: str, grouped: bool) -> str:
        first = (
            f"Gegeven {adjust} verandert niets zowel de tussenstap als de uitkomst, vóór de arm of als gevolg ervan."
            if adjust
            else "Niets verandert zowel de tussenstap als de uitkomst, vóór de arm of als gevolg ervan; er is voor geen covariaat gecorrigeerd."
        )
        return first + (
            " Groepen veranderen beide; hun effecten op die twee worden onafhankelijk verondersteld." if grouped else ""
        )

    def agrema_measurement(self, mediator: str, outcome: str, wave_m: str, wave_y: str) -> str:
        when = [f"{what} {wave}" for what, wave in (("de tussenstap", wave_m), ("de uitkomst", wave_y)) if wave]
        return f"{mediator}; {outcome}." + (
            f" Gemeten: {', '.join(when)}." if when else " Het plan zegt niet wanneer de tussenstap is gemeten."
        )

    def agrema_statistics(self, of_mediator: str, of_outcome: str, method: str) -> str:
        return f"Tussenstap met {of_mediator}, uitkomst met {of_outcome}; {method}."

    def agrema_people(self, counts: str) -> str:
        return f"{counts}; mensen zonder tussenstap of uitkomst doen niet mee."

    agrema_sensitivity_done = "Correlatie van de fouten waarbij het indirecte effect nul is, en E-waarden: hierboven."
    agrema_sensitivity_none = "Niet beschikbaar voor deze uitkomst; de redenen staan hierboven."
    agrema_limits = "De tussenstap is niet door loting bepaald. De schattingen horen bij de modellen en aannames die hier staan; andere oorzaken van beide zijn met deze gegevens niet uit te sluiten."
