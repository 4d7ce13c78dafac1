"""Notes of imputation and of weights by response in Dutch, by the sentences in which results hold them."""

from __future__ import annotations

__all__ = ["MISSING"]

_UNFIT = {
    "times are analysed as censored": "tijden als gecensureerd worden geanalyseerd",
    "weights by response are for differences of means and shares, not for measure {q2}": (
        "wegen naar respons voor verschillen van gemiddelden en aandelen is, niet voor de maat {q2}"
    ),
    "weights by response go with ANCOVA, not with estimator {q2}": "wegen naar respons bij ANCOVA hoort, niet bij de schatter {q2}",
    "weights by response stand for people, not for groups": "gewichten naar respons voor mensen staan, niet voor groepen",
    "weights by response have no contrasts of the plan's own": "wegen naar respons geen eigen vergelijkingen van het plan kent",
    "weights by response need baseline covariates": "wegen naar respons kenmerken van de voormeting vraagt",
}

MISSING = {
    **{
        f"outcome {{q}}: [missing] primary {{q1}}, because {english}; its primary analysis is that of the people with the outcome": (
            f"uitkomst {{q}}: [missing] primary {{q1}}, omdat {dutch}; de primaire analyse is die van de mensen met de uitkomst"
        )
        for english, dutch in _UNFIT.items()
    },
    "[multiplicity] method {q} of effects pooled over imputations, which have no joint distribution here: 'holm' has no need of one": (
        "[multiplicity] methode {q} van effecten die over imputaties zijn samengenomen; die hebben hier geen gezamenlijke verdeling, en 'holm' heeft die niet nodig"
    ),
    "missing values were imputed {n} times in each arm apart (strategy {q}): {l} of {n1} people.": (
        "Ontbrekende waarden zijn {n} keer ingevuld, in elke arm apart (regel {q}): {l} van {n1} mensen."
    ),
    "with a fraction of missing information of {n} another set of {n1} imputations may move the standard error by more than 5 per cent: {n2} imputations hold it within that.": (
        "Van de informatie ontbreekt een deel van {n}; met {n1} andere imputaties kan de standaardfout daardoor meer dan 5 procent anders uitvallen. Met {n2} imputaties blijft dat daaronder."
    ),
    "the chains of {l} still differ after {n} iterations (R-hat {n1}): ask for more n_iterations.": (
        "De ketens van {l} verschillen na {n} stappen nog (R-hat {n1}): vraag om meer stappen."
    ),
    "arm {q} has {n} groups: the variance between them is drawn with much uncertainty, and the imputations spread accordingly.": (
        "Arm {q} heeft {n} groepen: de variantie daartussen is met veel onzekerheid getrokken, en de imputaties lopen daardoor uiteen."
    ),
    "arm {q} has {n} clusters: the variance between them is drawn with much uncertainty, and the imputations spread accordingly.": (
        "Arm {q} heeft {n} clusters: de variantie daartussen is met veel onzekerheid getrokken, en de imputaties lopen daardoor uiteen."
    ),
    "{q} is missing for everyone in {n} of the {n1} groups of arm {q1}: their effect is drawn from the distribution of the others.": (
        "{q} ontbreekt voor iedereen in {n} van de {n1} groepen van arm {q1}: hun effect is getrokken uit de verdeling van de andere."
    ),
    "{q} is missing for everyone in {n} of the {n1} clusters of arm {q1}: their effect is drawn from the distribution of the others.": (
        "{q} ontbreekt voor iedereen in {n} van de {n1} clusters van arm {q1}: hun effect is getrokken uit de verdeling van de andere."
    ),
    "{q}, risk ratio: weights by response give differences only.": "{q}, risicoverhouding: wegen naar respons geeft alleen verschillen.",
    "this analysis rests on the outcomes that were observed; nothing is filled in or weighted here.": (
        "Deze analyse berust op de uitkomsten die zijn waargenomen; hier is niets ingevuld of gewogen."
    ),
    "respondents stand for those lost with the same arm and {l}: the effect is that on everyone randomized if nothing else links responding to the outcome.": (
        "Respondenten staan voor wie uitviel met dezelfde arm en {l}: het effect is dat op iedereen die meelootte, als verder niets respons aan de uitkomst verbindt."
    ),
    "nobody is lost in {l}: its people count 1 and are not in the response model.": (
        "In {l} viel niemand uit: die mensen tellen voor 1 en staan niet in het responsmodel."
    ),
    "{n} people lie in levels in which everyone responds: they count 1.": "{n} mensen vallen in een groep kenmerken waarin iedereen respondeert: zij tellen voor 1.",
    "the least probability of responding is {n}, a weight of {n1}: a few people carry the estimate. Read it beside the bounds.": (
        "De kleinste kans op respons is {n}, een gewicht van {n1}: een paar mensen dragen de schatting. Lees haar naast de grenzen."
    ),
}
