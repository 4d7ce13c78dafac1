"""The Dutch of the sections on several tests, few groups and indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from trialkit.report.words.en.tests import TestWords


class DutchTests(TestWords):
    """Words on corrections for several tests, on methods for few groups, and on how indices were made."""

    __test__ = False  # a test runner would take it for a test by its name

    # --- families
    corrections: ClassVar[Mapping[str, str]] = {
        "holm": "Holm",
        "hochberg": "Hochberg",
        "bh": "Benjamini-Hochberg",
        "sharpened_q": "aangescherpte q",
        "romano_wolf": "Romano-Wolf",
        "westfall_young": "Westfall-Young",
        "dunnett": "Dunnett",
        "gatekeeping": "gatekeeping",
        "none": "geen",
    }
    families_intro = (
        "Van veel toetsen hebben er enkele alleen al door toeval een kleine p. Het plan zegt welke toetsen een familie vormen; daarbinnen "
        "worden de p-waarden samen gecorrigeerd, en elke vergelijking van armen telt als een toets."
    )
    correction_meanings: ClassVar[Mapping[str, str]] = {
        "holm": "Holm: de kans op ook maar één onterechte bevinding in een familie blijft op het niveau van de toetsen, hoe de uitkomsten ook "
        "met elkaar samenhangen.",
        "hochberg": "Hochberg: de kans op ook maar één onterechte bevinding in een familie blijft op het niveau van de toetsen, voor uitkomsten "
        "die met elkaar meegaan of onafhankelijk zijn.",
        "bh": "Benjamini-Hochberg: van de bevindingen in een familie blijft het verwachte aandeel dat onterecht is op het niveau. Dat laat meer "
        "onterechte bevindingen toe dan een correctie voor ook maar één.",
        "sharpened_q": "Aangescherpte q (Anderson 2008): van de bevindingen in een familie blijft het verwachte aandeel dat onterecht is op het "
        "niveau; een gecorrigeerde waarde kan onder de p-waarde liggen die zij corrigeert. Dat laat meer onterechte bevindingen toe dan een correctie "
        "voor ook maar één.",
        "romano_wolf": "Romano-Wolf: de kans op ook maar één onterechte bevinding in een familie blijft op het niveau van de toetsen. Trekkingen "
        "laten zien hoe de toetsen van een familie samenhangen, zodat er minder verloren gaat dan door ze alleen te tellen.",
        "westfall_young": "Westfall-Young: de kans op ook maar één onterechte bevinding in een familie blijft op het niveau van de toetsen. "
        "Trekkingen laten zien hoe de toetsen van een familie samenhangen, zodat er minder verloren gaat dan door ze alleen te tellen.",
        "dunnett": "Dunnett: per uitkomst blijft de kans op ook maar één onterechte bevinding bij de vergelijkingen met de controlegroep op het "
        "niveau van de toetsen. Voor het aantal uitkomsten wordt niet gecorrigeerd.",
    }
    families_caption = "De families en hun toetsen"
    families_note = "p: van de toets op zichzelf. p, na correctie: binnen de familie."
    test_header = "Toets"
    graph_intro = (
        "Het plan legt een volgorde van de hypothesen vast (gatekeeping). Elke hypothese heeft een deel van één niveau; wordt zij verworpen, dan "
        "gaat haar deel door. De kans op ook maar één onterechte verwerping blijft in het hele schema op dat niveau, hoe de uitkomsten ook "
        "met elkaar samenhangen."
    )
    graph_caption = "Het schema, vastgelegd in het plan"
    order_caption = "De volgorde van de families, vastgelegd in het plan"
    steps_note = (
        "Deel: het deel van het niveau dat de hypothese heeft zodra die erboven zijn verworpen. p, na correctie: het kleinste niveau waarop "
        "het schema haar verwerpt."
    )
    hypothesis_header, starts_header, passes_header = "Hypothese", "Begint met", "Gaat bij verwerping naar"
    share_held_header, rejected_header = "Deel", "Verworpen"
    family_header, members_header, opens_header = "Familie", "Toetsen", "Wordt getoetst"
    opens_first = "vanaf het begin"
    outside_graph = "Buiten het schema, verkennend en niet gecorrigeerd:"

    def steps_caption(self, level: str) -> str:
        return f"De hypothesen in de volgorde waarin het schema ze nam, op niveau {level}"

    def correction_meaning(self, method: str) -> str:
        return self.correction_meanings.get(method, f"De methode is {self.correction(method)}.")

    def opens_after(self, family: str, share: bool) -> str:
        return f"met het deel van elke verworpen toets van ‘{family}’" if share else f"als elke toets van ‘{family}’ is verworpen"

    def alone(self, tests: Sequence[str]) -> str:
        return f"Alleen in een familie, zodat er niets te corrigeren is: {'; '.join(tests)}."

    # --- few groups
    few_groups_intro = (
        "Bij weinig groepen staat geen enkele methode buiten twijfel. Daarom zet het plan er meerdere naast elkaar. Zij schatten hetzelfde effect; "
        "wat verschilt, is hoe zeker elke methode daarvan is. De primaire analyse blijft de primaire analyse."
    )
    few_methods_caption = "Eén effect met verschillende methoden"
    few_counts_caption: ClassVar[Mapping[str, str]] = {
        "groups": "Groepen van mensen met een bekende uitkomst, en hoeveel even grote groepen die waard zijn",
        "clusters": "Clusters van mensen met een bekende uitkomst, en hoeveel even grote clusters die waard zijn",
    }
    worth_header = "Waard, in even grote"
    method_header = "Methode"
    few_methods: ClassVar[Mapping[str, str]] = {
        "CR2, Satterthwaite": "CR2-standaardfout",
        "CR3, Satterthwaite": "CR3-standaardfout",
        "wild bootstrap": "Wilde bootstrap",
        "randomization test": "Randomisatietoets",
    }

    def few_note(self, draws: str) -> str:
        return (
            "CR2 en CR3 met vrijheidsgraden (df) volgens Satterthwaite. "
            f"Bootstrap en randomisatietoets met {draws} trekkingen; zij gebruiken geen t-verdeling en hebben dus geen df."
        )

    # --- indices
    indices_caption = "Onderdelen van elke index"
    part_header, control_mean_header, control_sd_header = "Onderdeel", "Gemiddelde, controlegroep", "SD, controlegroep"
    weight_header, turned = "Gewicht", "lager is beter, omgekeerd"
    index_kinds: ClassVar[Mapping[str, str]] = {
        "icw": "gewogen met de inverse covariantie",
        "klk": "gewoon gemiddelde",
    }
    indices_note = (
        "Onderdelen zijn gestandaardiseerd op de controlegroep voordat ze zijn samengevoegd. Gewichten zijn relatief; die van mensen bij wie een onderdeel "
        "ontbreekt, staan in results.json."
    )
