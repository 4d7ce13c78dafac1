"""Notes of analyses in Dutch, by the sentences in which results hold them."""

from __future__ import annotations

from trialkit.report.words.nl.locks import LOCKS
from trialkit.report.words.nl.multiverse import CURVE_NOTES
from trialkit.report.words.nl.notes_effects import EFFECTS
from trialkit.report.words.nl.notes_missing import MISSING
from trialkit.report.words.nl.phrases import translator

__all__ = ["CATALOGUE", "dutch_note"]

_PEOPLE = {
    "{n} of {n1} people have no {q} and are left out ({l}).": "Van {n} van de {n1} mensen ontbreekt {q}; zij doen niet mee ({l}).",
    "{n} of {n1} people have none of {l} and are not in the analysis ({l1}).": "Van {n} van de {n1} mensen ontbreekt alles van {l}; zij doen niet mee in de analyse ({l1}).",
    "{n} people miss a wave and are used with the waves they have; missing by wave: {l}. This holds when what is missing depends only on what was observed (missing at random).": (
        "{n} mensen missen een meting en doen mee met de metingen die er zijn; ontbrekend per meting: {l}. Dit geldt als wat ontbreekt alleen samenhangt met wat is waargenomen (MAR)."
    ),
    "{n} people have no {q} and are not in its tests.": "Van {n} mensen ontbreekt {q}; zij doen niet mee in de toetsen daarvan.",
    "{n} people have no {q} and are left out.": "Van {n} mensen ontbreekt {q}; zij doen niet mee.",
    "{n} people have weight zero and are not in the analysis.": "{n} mensen hebben gewicht nul en doen niet mee in de analyse.",
    "{n} people with a missing covariate are left out (covariate_missing='drop').": "{n} mensen met een ontbrekende covariaat doen niet mee (covariate_missing='drop').",
    "{q} holds numbers and words, such as {q1}: it is taken as a category. Mend the cells, or name it under categorical in [data].": (
        "{q} bevat getallen en woorden, zoals {q1}: de kolom geldt als categorie. Verbeter de cellen, of noem de kolom bij categorical in [data]."
    ),
    "{q} is missing for {n} people: missing is a category of its own.": "Van {n} mensen ontbreekt {q}: ontbrekend is een eigen categorie.",
    "{q} is missing for {n} people: the mean over both arms was filled in and an indicator added.": (
        "Van {n} mensen ontbreekt {q}: het gemiddelde over de armen samen is ingevuld, met een indicator erbij."
    ),
    "the baseline {q} is missing for {n} people: the mean over both arms was filled in and an indicator added.": (
        "Van {n} mensen ontbreekt de voormeting {q}: het gemiddelde over de armen samen is ingevuld, met een indicator erbij."
    ),
    "{p} without any answer left out{w}.": "{p} zonder enig antwoord{w} niet meegenomen.",
    "{p} with missing answers used as far as they go (full-information maximum likelihood: answers missing at random given the others).": (
        "{p} met ontbrekende antwoorden doen mee met de antwoorden die er zijn (full-information maximum likelihood: wat ontbreekt is toevallig, gegeven de andere antwoorden)."
    ),
    "{p} with missing answers{w} count in the covariances of the items that they answered; every two items were answered together by at least {p1}, which is the n of Feldt's interval.": (
        "{p} met ontbrekende antwoorden{w} tellen mee in de covarianties van de items die zij beantwoordden; elke twee items zijn samen beantwoord door ten minste {p1}, de n van het "
        "interval van Feldt."
    ),
}
_TESTS = {
    "The corrected p is that within the family {q}.": "De gecorrigeerde p is die binnen de familie {q}.",
    "The corrected p is that along the plan's graph.": "De gecorrigeerde p is die langs het schema van het plan.",
    "standardized by the square root of the mean of the two arms' variances.": "Gestandaardiseerd op de wortel van het gemiddelde van de varianties van de twee armen.",
    "{x}: not run by this version, and counted in the graph as not rejected.": "{x}: niet uitgevoerd door deze versie; telt in het schema als niet verworpen.",
    "few people with the event, or without it ({l}): read the interval beside a randomization test.": (
        "Weinig mensen met de gebeurtenis, of zonder ({l}): lees het interval naast een randomisatietoets."
    ),
    "few events in all ({x}): the interval leans on a normal approximation that needs more.": (
        "Weinig gebeurtenissen in totaal ({x}): het interval leunt op een normale benadering, en die vraagt er meer."
    ),
    "group size goes with the outcome: the effect averaged over participants is {n} and over groups {n1}. This row is the participant average; say which you mean.": (
        "De groepsgrootte hangt samen met de uitkomst: het effect gemiddeld over mensen is {n} en gemiddeld over groepen {n1}. Hier staat het gemiddelde over mensen."
    ),
    "group size goes with the outcome: the effect averaged over participants is {n} and over groups {n1}. This row is the group average; say which you mean.": (
        "De groepsgrootte hangt samen met de uitkomst: het effect gemiddeld over mensen is {n} en gemiddeld over groepen {n1}. Hier staat het gemiddelde over groepen."
    ),
    "cluster size goes with the outcome: the effect averaged over participants is {n} and over clusters {n1}. This row is the participant average; say which you mean.": (
        "De clustergrootte hangt samen met de uitkomst: het effect gemiddeld over mensen is {n} en gemiddeld over clusters {n1}. Hier staat het gemiddelde over mensen."
    ),
    "shares of the arms differ by stratum: the effect is averaged over strata by their size in the sample.": (
        "De verdeling over de armen verschilt per stratum: het effect is gemiddeld over de strata naar hun grootte in de steekproef."
    ),
    "shares of the arms differ by stratum: people count by the share of their arm in their stratum.": (
        "De verdeling over de armen verschilt per stratum: mensen tellen mee naar het aandeel van hun arm in hun stratum."
    ),
    "shares of the arms differ by stratum and stratum effects are additive: strata count by size times p(1-p).": (
        "De verdeling over de armen verschilt per stratum en stratumeffecten zijn additief: strata tellen mee naar grootte maal p(1-p)."
    ),
    "the group variance could not be fitted; the degrees of freedom are the number of groups minus one.": (
        "De variantie tussen groepen was niet te schatten; de vrijheidsgraden zijn het aantal groepen min één."
    ),
    "{l} is a combination of other terms and left out.": "{l} is een combinatie van andere termen en weggelaten.",
    "{l} are a combination of other terms and left out.": "{l} zijn een combinatie van andere termen en weggelaten.",
    "covariance={q} ignores the groups: its standard error is too small when they matter.": (
        "covariance={q} houdt geen rekening met de groepen: de standaardfout is te klein als die ertoe doen."
    ),
    "covariance={q} ignores the clusters: its standard error is too small when they matter.": (
        "covariance={q} houdt geen rekening met de clusters: de standaardfout is te klein als die ertoe doen."
    ),
    "p and interval come from the bootstrap draws; no t distribution and so no degrees of freedom are used.": (
        "p en interval komen uit de trekkingen van de bootstrap; er is geen t-verdeling gebruikt, en dus zijn er geen vrijheidsgraden."
    ),
    "with Trial(design=...) the randomization test would stand here too.": "Met de opzet van de loting erbij zou hier ook de randomisatietoets staan.",
    "iv_p of all baselines is not defined: too few groups or clusters for {n} comparisons at once.": (
        "De toets of degenen die bleven ook op degenen die wegvielen lijken, is voor alle kenmerken samen niet bepaald: te weinig groepen of clusters voor {n} vergelijkingen tegelijk."
    ),
    "iv_r of all baselines is not defined: too few groups or clusters for {n} comparisons at once.": (
        "De toets of degenen die bleven tussen de armen verschillen, is voor alle kenmerken samen niet bepaald: te weinig groepen of clusters voor {n} vergelijkingen tegelijk."
    ),
    "read the interaction: that one subgroup's effect is significant and another's is not does not make the two different.": (
        "Lees de interactie: dat het effect in de ene subgroep significant is en in de andere niet, maakt de twee nog niet verschillend."
    ),
    "the counts vary {n} times as much as Poisson counts; the robust standard error counts that.": (
        "De aantallen variëren {n} keer zo sterk als aantallen volgens Poisson; de robuuste standaardfout telt dat mee."
    ),
    "the shares observed differ by less than {n} standard errors: which arm to trim is not sure, and neither are these standard errors.": (
        "De aandelen met een bekende uitkomst verschillen minder dan {n} standaardfouten: welke arm moet worden ingekort is niet zeker, en deze standaardfouten evenmin."
    ),
    "the arms keep equal shares, so nothing is trimmed: the bounds are a point, the effect on those observed, if the arm moves nobody in or out.": (
        "De armen houden gelijke aandelen over, dus er wordt niets ingekort: de grenzen zijn één punt, het effect op degenen die zijn waargenomen, als de arm niemand doet wegvallen of "
        "blijven."
    ),
    "no one in {q} had {q1}: no difference is estimated; limits of the share, one-sided at {n} %: {x}: at most {n1} %.": (
        "Niemand in {q} had {q1}: er is geen verschil geschat; eenzijdige {n}%-grens van het aandeel: {x}: hoogstens {n1}%."
    ),
}
_FEW_UNITS = {
    english.format(unit): dutch.format(several)
    for unit, several in (("groups", "groepen"), ("clusters", "clusters"))
    for english, dutch in (
        (
            "few {} ({{l}}): the interval rests on its small-sample correction; read it beside a randomization test.",
            "Weinig {} ({{l}}): het interval leunt op zijn correctie voor kleine aantallen; lees het naast een randomisatietoets.",
        ),
        (
            "few {} ({{l}}): the interval rests on its small-sample correction.",
            "Weinig {} ({{l}}): het interval leunt op zijn correctie voor kleine aantallen.",
        ),
        (
            "few {} ({{l}}): the degrees of freedom rest on a rough estimate of their variance; read this beside tk.itt at each wave.",
            "Weinig {} ({{l}}): de vrijheidsgraden berusten op een grove schatting van hun variantie; lees dit naast de analyse van elke meting apart.",
        ),
    )
}
_TAKE_UP = {
    "the effect rests on assignment acting through {q} alone, and on nobody doing the opposite of what was assigned.": (
        "Het effect berust erop dat de indeling alleen via {q} werkt, en dat niemand het tegenovergestelde deed van waarbij hij was ingedeeld."
    ),
    "assignment hardly moves uptake: effective F = {n}, below 10. Read the Anderson-Rubin set, not the t interval.": (
        "De indeling verandert deelname nauwelijks: effectieve F = {n}, onder 10. Lees de verzameling van Anderson en Rubin, niet het t-interval."
    ),
    "effective F = {n} is below 104.7: the t interval may be too narrow; the Anderson-Rubin set and the tF interval are not.": (
        "De effectieve F = {n} ligt onder 104,7: het t-interval kan te smal zijn; de verzameling van Anderson en Rubin en het tF-interval zijn dat niet."
    ),
    "{n} people in {x} took it up: some would have in any arm, and the effect says nothing of them.": (
        "{n} mensen in {x} namen ook deel: sommigen zouden dat in elke arm hebben gedaan, en over hen zegt het effect niets."
    ),
}
_SCALES = {
    "these details of the scale have not been compared with a publication: {f}.": "Deze gegevens van de schaal zijn niet met een publicatie vergeleken: {f}.",
    "{p} left up to {n} of {n1} items unanswered and got the mean of their other answers in place of them, by the rule of the scale.": (
        "{p} lieten tot {n} van de {n1} items open en kregen daarvoor het gemiddelde van hun andere antwoorden, volgens de regel van de schaal."
    ),
    "{p} without a score, because an answer is missing ({l}).": "{p} zonder score, omdat een antwoord ontbreekt ({l}).",
    "{p} without a score, because an answer is missing; {n} of them answered none of the items ({l}).": (
        "{p} zonder score, omdat een antwoord ontbreekt; van hen beantwoordden er {n} geen enkel item ({l})."
    ),
    "{p} without a score, because more than {n} of {n1} answers are missing ({l}).": "{p} zonder score, omdat meer dan {n} van de {n1} antwoorden ontbreken ({l}).",
    "{p} without a score, because more than {n} of {n1} answers are missing; {n2} of them answered none of the items ({l}).": (
        "{p} zonder score, omdat meer dan {n} van de {n1} antwoorden ontbreken; van hen beantwoordden er {n2} geen enkel item ({l})."
    ),
    "{p} gave every item the same code although {n} of {n1} items are reversed: they may not have read the questions. Their scores are kept.": (
        "{p} met bij elk item hetzelfde antwoord, hoewel {n} van de {n1} items omgekeerd zijn: misschien zijn de vragen niet gelezen. De scores blijven staan."
    ),
    "latent effect on {q}: no few items explain the difference, so there is no factor that means the same throughout.": (
        "Latent effect op {q}: het verschil ligt niet aan een paar items, dus er is geen factor die steeds hetzelfde betekent."
    ),
    "robust CFI and RMSEA are not defined with missing answers; the scaled ones are used.": (
        "Robuuste CFI en RMSEA zijn met ontbrekende antwoorden niet bepaald; de geschaalde zijn gebruikt."
    ),
    "items with fewer than {n} different answers: {l}. They are treated as continuous, which makes loadings too small and differences between skewed items look like non-invariance "
    "(Rhemtulla, Brosseau-Liard & Savalei 2012).": (
        "Items met minder dan {n} verschillende antwoorden: {l}. Zij zijn als continu behandeld; dat maakt ladingen te klein en laat verschillen tussen scheve items op non-invariantie lijken "
        "(Rhemtulla, Brosseau-Liard & Savalei 2012)."
    ),
    "{n} clusters have more than one person; below about {n1} the robust tests reject too often.": (
        "{n} clusters hebben meer dan één mens; onder ongeveer {n1} verwerpen de robuuste toetsen te vaak."
    ),
    "only {n} groups of more than one person{w}: the intervals are approximate.": "Maar {n} groepen van meer dan één mens{w}: de intervallen zijn bij benadering.",
    "one factor describes these items badly{w} (RMSEA {n}): alpha and omega are then no measure of how well one thing is measured; see tk.measurement.cfa.": (
        "Eén factor beschrijft deze items slecht{w} (RMSEA {n}): alfa en omega zeggen dan niet hoe goed één ding wordt gemeten."
    ),
    "{l} hardly goes with the other items{w} (below .20).": "{l} gaat nauwelijks samen met de andere items{w} (onder 0,20).",
    "{l} hardly go with the other items{w} (below .20).": "{l} gaan nauwelijks samen met de andere items{w} (onder 0,20).",
    "fewer than {n} people in {l}: the convention asks for {n1} or more.": "Minder dan {n} mensen in {l}: gebruikelijk is {n1} of meer.",
    "the halves have {n} and {n1} items: Spearman-Brown is Horst's form of it for unequal halves.": (
        "De helften hebben {n} en {n1} items: Spearman-Brown is de vorm van Horst voor ongelijke helften."
    ),
}


def _same_measure() -> dict[str, str]:
    """Every sentence on a scale that did not stay the same measure, over waves or in the arms."""
    overs = (
        (
            "from {q1} to {q2}",
            "van {q1} tot {q2}",
            "een verandering in wat wordt gemeten met een verandering in hoe de vragen worden beantwoord (response shift)",
        ),
        ("in every arm, {q1}", "in elke arm, {q1}", "wat wordt gemeten met hoe de vragen in elke arm worden beantwoord"),
        ("in every arm", "in elke arm", "wat wordt gemeten met hoe de vragen in elke arm worden beantwoord"),
    )
    mixes = (
        "a change in what is measured with a change in how the questions are answered (response shift)",
        "what is measured with how the questions are answered in each arm",
        "what is measured with how the questions are answered in each arm",
    )
    alike = {
        "": "",
        " In the arms it is the same measure: what moved alike in both cancels in the difference between them.": (
            " In de armen meet zij wel hetzelfde: wat in beide gelijk verschoof, valt in het verschil weg."
        ),
    }
    found: dict[str, str] = {}
    for (over, dutch_over, mixed), mix in zip(overs, mixes):
        for end, slot in alike.items():
            found |= {
                f"{{q}}: whether it is the same measure {over} is not known, because the indices of fit are not defined.{end}": (
                    f"{{q}}: of zij hetzelfde meet {dutch_over}, is niet bekend, omdat de maten van passing niet zijn bepaald.{slot}"
                ),
                f"{{q}} may not be the same measure {over}: a model with one factor does not fit the answers of the {{n}} people there, so it is not known whether the items measure one thing.{end}": (
                    f"{{q}} meet misschien niet hetzelfde {dutch_over}: een model met één factor past niet bij de antwoorden van de {{n}} mensen daar, zodat niet bekend is of de items één ding meten.{slot}"
                ),
                f"{{q}} is not the same measure {over} (scalar invariance fails): the effect mixes {mix}. These differ: {{l}}.{end}": (
                    f"{{q}} meet niet hetzelfde {dutch_over} (geen scalaire invariantie): het effect vermengt {mixed}. Deze verschillen: {{l}}.{slot}"
                ),
                f"{{q}} is not the same measure {over} (scalar invariance fails): the effect mixes {mix}. No few items explain it.{end}": (
                    f"{{q}} meet niet hetzelfde {dutch_over} (geen scalaire invariantie): het effect vermengt {mixed}. Het ligt niet aan een paar items.{slot}"
                ),
            }
    return found


_TRIAL = {
    "{n} people with {q} count as {n1} on {q1} (composite strategy).": "{n} mensen met {q} tellen als {n1} op {q1} (samengestelde strategie).",
    "the facilitator is recorded; standard errors follow the groups, not the facilitators.": "De begeleider is vastgelegd; standaardfouten volgen de groepen, niet de begeleiders.",
    "{n} people in grouped arms have no group or are alone in one: each counts as a cluster of one.": (
        "{n} mensen in armen met groepen hebben geen groep of zitten er alleen in: elk telt als een cluster van één."
    ),
    "the tests that respect groups are not defined here, so these are tests as if people were independent: p-values are too small.": (
        "De toetsen die rekening houden met groepen zijn hier niet bepaald; deze toetsen doen alsof mensen onafhankelijk zijn: p-waarden zijn te klein."
    ),
}
_MEDIATION = {
    "rho is the correlation between the errors of {q} and {q1} that an unmeasured cause of both leaves; positive where it moves both the same way. It bears on causes that were there "
    "before the arm; one that the arm brings about is another matter.": (
        "rho is de correlatie tussen de fouten van {q} en {q1} die een niet-gemeten oorzaak van beide overlaat; positief als die beide dezelfde kant op beweegt. Het gaat om oorzaken die er "
        "vóór de arm waren; een oorzaak die de arm zelf meebrengt, is een andere zaak."
    ),
    "a difference is divided by the SD of the outcome, {n} ({x}), and taken as the risk ratio exp(.91 d).": (
        "Een verschil is gedeeld door de SD van de uitkomst, {n} ({x}), en genomen als de risicoverhouding exp(0,91 d)."
    ),
}
_NOT_RUN = {
    "[analysis] estimator {q}": "[analysis] schatter {q}",
    "[analysis] companion {q}": "[analysis] nevenanalyse {q}",
    "[multiplicity] method {q}": "[multiplicity] methode {q}",
    "[missing] primary {q}": "[missing] primary {q}",
    "[missing] sensitivity {q}": "[missing] sensitivity {q}",
    "[design] scheme {q}": "[design] schema {q}",
    "[report] minimum_cell": "[report] minimum_cell",
    "outcome {q}: measure {q1}": "uitkomst {q}: maat {q1}",
    "outcome {q}: estimator {q1}": "uitkomst {q}: schatter {q1}",
    "outcome {q}: strategy {q1} for {q2}": "uitkomst {q}: strategie {q1} voor {q2}",
    "outcome {q}: companion {q1}, which is not for measure {q2}": "uitkomst {q}: nevenanalyse {q1}, die niet voor maat {q2} is",
    "outcome {q}: the effect among compliers": "uitkomst {q}: het effect onder wie deelnemen als het wordt aangeboden",
    "[[mediation]] of {q} through {x}": "[[mediation]] van {q} via {x}",
}
_FEW = {
    "worth {n} equal groups in the smaller arm: no interval is dependable below {n1}; report the groups one by one, and the randomization test if there is a design.": (
        "{n} even grote groepen waard in de kleinste arm: onder {n1} is geen interval betrouwbaar; meld de groepen één voor één, en de randomisatietoets als de loting bekend is."
    ),
    "worth {n} equal clusters in the smaller arm: no interval is dependable below {n1}; report the clusters one by one, and the randomization test if there is a design.": (
        "{n} even grote clusters waard in de kleinste arm: onder {n1} is geen interval betrouwbaar; meld de clusters één voor één, en de randomisatietoets als de loting bekend is."
    ),
    "worth {n} equal groups in the smaller arm: CR2 with its df rejects a true null in up to 6.5 % of trials; report it beside the randomization test or the wild bootstrap.": (
        "{n} even grote groepen waard in de kleinste arm: CR2 met zijn df verwerpt ten onrechte in tot 6,5% van de onderzoeken; meld het naast de randomisatietoets of de wilde bootstrap."
    ),
    "worth {n} equal clusters in the smaller arm: CR2 with its df rejects a true null in up to 6.5 % of trials; report it beside the randomization test or the wild bootstrap.": (
        "{n} even grote clusters waard in de kleinste arm: CR2 met zijn df verwerpt ten onrechte in tot 6,5% van de onderzoeken; meld het naast de randomisatietoets of de wilde bootstrap."
    ),
    "worth {n} equal groups in the smaller arm: CR2 with its df keeps its level; the others are a check.": (
        "{n} even grote groepen waard in de kleinste arm: CR2 met zijn df houdt zijn niveau; de andere zijn een controle."
    ),
    "worth {n} equal clusters in the smaller arm: CR2 with its df keeps its level; the others are a check.": (
        "{n} even grote clusters waard in de kleinste arm: CR2 met zijn df houdt zijn niveau; de andere zijn een controle."
    ),
}
CATALOGUE = {
    **_PEOPLE,
    **CURVE_NOTES,
    **_TESTS,
    **_FEW_UNITS,
    **_TAKE_UP,
    **_SCALES,
    **_same_measure(),
    **_TRIAL,
    **_MEDIATION,
    **_NOT_RUN,
    **_FEW,
    **EFFECTS,
    **MISSING,
    **LOCKS,
}

dutch_note = translator(CATALOGUE)
