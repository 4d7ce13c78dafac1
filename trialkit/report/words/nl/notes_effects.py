"""Notes of estimators, tests against a margin and subgroups in Dutch, by the sentences in which results hold them."""

from __future__ import annotations

__all__ = ["EFFECTS"]

_INTERVAL = ("The {n}% interval ({n1} to {n2})", "Het {n}%-interval ({n1} tot {n2})")
_WITHIN = ("within {n3} to {n4}", "binnen {n3} tot {n4}")
_TWO = ("(two one-sided tests, p {v})", "(twee eenzijdige toetsen, p {v})")
_ONE = ("(one-sided p {v})", "(eenzijdige p {v})")
_NULLS = (("zero", "nul"), ("a ratio of 1", "een verhouding van 1"))


def _equivalence() -> dict[str, str]:
    """Every ending of a test of equivalence."""
    found = {
        f"{{x}}: equivalent {_WITHIN[0]}. {_INTERVAL[0]} lies inside the margins {_TWO[0]}.": (
            f"{{x}}: gelijkwaardig {_WITHIN[1]}. {_INTERVAL[1]} ligt binnen de marges {_TWO[1]}."
        ),
        f"{{x}}: equivalence {_WITHIN[0]} is not shown. {_INTERVAL[0]} lies outside the margins: the difference is larger than they allow {_TWO[0]}.": (
            f"{{x}}: gelijkwaardigheid {_WITHIN[1]} is niet aangetoond. {_INTERVAL[1]} ligt buiten de marges: het verschil is groter dan zij toelaten {_TWO[1]}."
        ),
        "{x}: equivalence within {n} to {n1} cannot be tested, because the effect has no standard error.": (
            "{x}: gelijkwaardigheid binnen {n} tot {n1} is niet te toetsen, omdat het effect geen standaardfout heeft."
        ),
    }
    for null, nul in _NULLS:
        found[
            f"{{x}}: equivalent {_WITHIN[0]}. {_INTERVAL[0]} lies inside the margins {_TWO[0]}. The effect differs from {null}, by less than the margin."
        ] = f"{{x}}: gelijkwaardig {_WITHIN[1]}. {_INTERVAL[1]} ligt binnen de marges {_TWO[1]}. Het effect verschilt van {nul}, met minder dan de marge."
    for crossed, over in (("{n5}", "{n5}"), ("{n5} and {n6}", "{n5} en {n6}")):
        english = f"{{x}}: equivalence {_WITHIN[0]} is not shown. {_INTERVAL[0]} reaches beyond {crossed} {_TWO[0]}."
        dutch = f"{{x}}: gelijkwaardigheid {_WITHIN[1]} is niet aangetoond. {_INTERVAL[1]} gaat voorbij {over} {_TWO[1]}."
        found[english] = dutch
        found[f"{english} No difference is shown either: the data do not decide, and that is not equality."] = (
            f"{dutch} Een verschil is ook niet aangetoond: de gegevens beslissen niet, en dat is geen gelijkheid."
        )
    return found


def _noninferiority() -> dict[str, str]:
    """Every ending of a test of non-inferiority."""
    found = {
        "{x}: non-inferiority with the bound {n} cannot be tested, because the effect has no standard error.": (
            "{x}: ‘niet slechter’ met de grens {n} is niet te toetsen, omdat het effect geen standaardfout heeft."
        ),
        f"{{x}}: non-inferiority (bound {{n3}}) is not shown. {_INTERVAL[0]} lies on the worse side of the bound: {{x1}} is worse than {{x2}} by more than the margin {_ONE[0]}.": (
            f"{{x}}: ‘niet slechter’ (grens {{n3}}) is niet aangetoond. {_INTERVAL[1]} ligt aan de slechte kant van de grens: {{x1}} is slechter dan {{x2}}, met meer dan de marge {_ONE[1]}."
        ),
    }
    for end, side, limit, kant in (("lower", "above", "ondergrens", "boven"), ("upper", "below", "bovengrens", "onder")):
        the_limit, de_grens = f"The {end} limit of the {{n}}% interval ({{n1}})", f"De {limit} van het {{n}}%-interval ({{n1}})"
        shown = f"{{x}}: {{x1}} is not inferior to {{x2}} (bound {{n2}}). {the_limit} lies {side} the bound {_ONE[0]}."
        getoond = f"{{x}}: {{x1}} is niet slechter dan {{x2}} (grens {{n2}}). {de_grens} ligt {kant} de grens {_ONE[1]}."
        found[shown] = getoond
        for null, nul in _NULLS:
            found[f"{shown} The effect differs from {null}: {{x3}} is better."] = (
                f"{getoond} Het effect verschilt van {nul}: {{x3}} is beter."
            )
            found[f"{shown} The effect differs from {null}: {{x3}} is worse, by less than the margin."] = (
                f"{getoond} Het effect verschilt van {nul}: {{x3}} is slechter, met minder dan de marge."
            )
        found[
            f"{{x}}: non-inferiority (bound {{n2}}) is not shown. {the_limit} does not lie {side} the bound {_ONE[0]}: a disadvantage as large as the margin is not ruled out."
        ] = f"{{x}}: ‘niet slechter’ (grens {{n2}}) is niet aangetoond. {de_grens} ligt niet {kant} de grens {_ONE[1]}: een nadeel zo groot als de marge is niet uitgesloten."
    return found


_MARGINS = {
    "a margin counts when it was set before the outcome was seen: it belongs in the plan, with its reason (equivalence= or noninferiority= under [[outcomes]]).": (
        "Een marge telt als zij is bepaald voordat de uitkomst was gezien: zij hoort in het plan, met haar reden (equivalence= of noninferiority= onder [[outcomes]])."
    ),
    "people who do not take part and people who are lost pull an intention-to-treat effect towards no difference, which helps here: read it beside the effect on those who take part (tk.cace with the "
    "same margin).": (
        "Mensen die niet deelnemen en mensen die wegvallen trekken het effect van de indeling naar geen verschil, en dat helpt hier: lees het naast het effect onder wie deelnemen, met dezelfde marge."
    ),
    "assignment hardly moves uptake, so the test by the standard error cannot be trusted: hold the Anderson-Rubin set against the margin.": (
        "De indeling verandert deelname nauwelijks, dus de toets met de standaardfout is niet te vertrouwen: houd de verzameling van Anderson en Rubin tegen de marge."
    ),
    "the tests against the margin use the estimate and its standard error; this estimator's own interval is made in another way.": (
        "De toetsen tegen de marge gebruiken de schatting en haar standaardfout; het eigen interval van deze schatter is anders gemaakt."
    ),
    "each contrast is held against the margin by itself: a claim that all of them pass needs no correction, a claim that some do does.": (
        "Elke vergelijking is op zichzelf tegen de marge gehouden: dat alle slagen vraagt geen correctie, dat er enkele slagen wel."
    ),
}
_DRAWS = {
    "the design cannot be drawn for two arms alone, so all arms are drawn, with the effects of the others taken out as estimated: p-values and intervals of single arms hold in large samples and are not "
    "exact.": (
        "De loting is niet voor twee armen alleen te herhalen; daarom zijn alle armen getrokken, met de geschatte effecten van de andere eruit: p-waarden en intervallen van losse armen gelden in grote "
        "steekproeven en zijn niet exact."
    ),
    "people of one stratum had different probabilities of the arms: the test holds, but means of the arms differ for that reason alone. weighting='inverse_probability' takes it out of the estimate and the "
    "interval.": (
        "Mensen in één stratum hadden verschillende kansen op de armen: de toets geldt, maar gemiddelden van de armen verschillen alleen daarom al. weighting='inverse_probability' haalt dat uit de schatting "
        "en het interval."
    ),
    "the plain difference rejects too often when groups differ, however many they are: statistic='studentized' divides by a standard error with groups.": (
        "Het gewone verschil verwerpt te vaak als groepen verschillen, hoeveel het er ook zijn: statistic='studentized' deelt door een standaardfout met groepen."
    ),
    "with {n} groups the test, whose null holds no group effects, rejects a little too often when groups differ much: read it beside the interval.": (
        "Met {n} groepen verwerpt de toets, die uitgaat van geen groepseffecten, iets te vaak als groepen veel verschillen: lees hem naast het interval."
    ),
    "sampling weights do not enter a randomization test; people of weight zero are left out.": (
        "Steekproefgewichten tellen niet in een randomisatietoets; mensen met gewicht nul doen niet mee."
    ),
    "the assignments are too few to bound the effect at this level: the interval has no end on one side or both.": (
        "Er zijn te weinig mogelijke indelingen om het effect op dit niveau te begrenzen: het interval heeft aan één kant of beide geen einde."
    ),
    "at this level the draws reject no effect on one side, however large: the interval has no end there.": (
        "Op dit niveau verwerpen de trekkingen aan één kant geen enkel effect, hoe groot ook: het interval heeft daar geen einde."
    ),
    "the design has {n} assignments: the smallest possible p is {n1}.": "De loting kent {n} mogelijke indelingen: de kleinst mogelijke p is {n1}.",
    "{n} weights give {n1} different draws: p moves in steps of {n2}. With multipliers='webb' or subcluster='unit' there are more.": (
        "{n} gewichten geven {n1} verschillende trekkingen: p gaat in stappen van {n2}. Met multipliers='webb' of subcluster='unit' zijn er meer."
    ),
    "some values inside the interval are rejected: it is the shortest interval around all that are not.": (
        "Sommige waarden in het interval zijn verworpen: het is het kortste interval om alle die dat niet zijn."
    ),
    "weights are drawn by person, so the draws hold no dependence within clusters; t keeps the clusters.": (
        "Gewichten zijn per mens getrokken, dus de trekkingen kennen geen samenhang binnen clusters; t houdt wel rekening met de clusters."
    ),
}
_MODELS = {
    "{n} of {n1} pairs lost a member and are left out whole: the remaining pairs stay comparable.": (
        "{n} van de {n1} paren verloren een lid en doen in hun geheel niet mee: de overige paren blijven vergelijkbaar."
    ),
    "{n} clusters are fitted exactly by terms of their own: the standard error leaves them out and is too small.": (
        "{n} clusters worden door eigen termen precies beschreven: de standaardfout laat ze buiten beschouwing en is te klein."
    ),
    "{n} people are fitted exactly by a term of their own and add nothing to the variance.": "{n} mensen worden door een eigen term precies beschreven en dragen niets bij aan de variantie.",
    "few people ({x}): normal limits on Greenwood's variance are a little too narrow; df='independence' keeps the level better.": (
        "Weinig mensen ({x}): normale grenzen bij de variantie van Greenwood zijn iets te nauw; df='independence' houdt het niveau beter."
    ),
    "few people ({x}): the interval is normal and too narrow for so few; better is {x1}.": (
        "Weinig mensen ({x}): het interval is normaal en te smal voor zo weinig mensen; beter is {x1}."
    ),
    "few people ({x}): df='independence' (Bell-McCaffrey) keeps the level better than n - k when variances differ.": (
        "Weinig mensen ({x}): df='independence' (Bell-McCaffrey) houdt het niveau beter dan n - k als varianties verschillen."
    ),
    "some tests have only {n} degrees of freedom: their intervals are wide and depend on normal group means.": (
        "Sommige toetsen hebben maar {n} vrijheidsgraden: hun intervallen zijn wijd en leunen op normaal verdeelde groepsgemiddelden."
    ),
    "clusters existed before randomization: they have effects at the baseline too, in every arm.": (
        "De clusters bestonden al vóór de loting: zij hebben ook bij de voormeting effecten, in elke arm."
    ),
    "the groups lie inside the randomized clusters: effects of clusters are modelled, those of groups are not.": (
        "De groepen liggen binnen de gelote clusters: effecten van clusters zitten in het model, die van groepen niet."
    ),
    "{n} people without the baseline {q} are left out (covariate_missing='drop').": "{n} mensen zonder de voormeting {q} doen niet mee (covariate_missing='drop').",
    "every group is a whole cluster: the clusters' variance holds that of the groups.": "Elke groep is een heel cluster: de variantie van de clusters omvat die van de groepen.",
    "exact tests here do not count the strata; tk.randomization_test does.": "Exacte toetsen tellen hier de strata niet mee; een randomisatietoets doet dat wel.",
    "an exact or score interval has no standard error; the statistic is that of the score test.": "Een exact interval of score-interval heeft geen standaardfout; de toetsgrootheid is die van de scoretoets.",
    "the odds ratio compares people alike in the covariates; that of the whole population is nearer to 1 (estimator='g_computation').": (
        "De odds ratio vergelijkt mensen met gelijke covariaten; die van de hele populatie ligt dichter bij 1 (estimator='g_computation')."
    ),
    "the odds ratio compares people with the same covariates and strata; as a rule it lies further from 1 than the unadjusted one even in balanced arms.": (
        "De odds ratio vergelijkt mensen met dezelfde covariaten en strata; zij ligt doorgaans verder van 1 dan de niet-gecorrigeerde, ook als de armen gelijk zijn."
    ),
    "shares of the arms differ by stratum: the effect is taken as the same in every stratum.": "De verdeling over de armen verschilt per stratum: het effect is in elk stratum gelijk genomen.",
    "shares of the arms differ by stratum: the odds ratio is taken as the same in every stratum.": "De verdeling over de armen verschilt per stratum: de odds ratio is in elk stratum gelijk genomen.",
    "shares of the arms differ by stratum and stratum effects are additive: compliers count by stratum as p(1-p).": (
        "De verdeling over de armen verschilt per stratum en stratumeffecten zijn additief: wie op het aanbod ingaan tellen per stratum als p(1-p)."
    ),
    "people are compared within strata, and each stratum counts by its share of the people.": "Mensen worden binnen strata vergeleken, en elk stratum telt naar zijn aandeel van de mensen.",
    "strata count by n1 n0/(n1 + n0), their people in either arm: an overlap-weighted effect.": "Strata tellen als n1 n0/(n1 + n0), hun mensen in elke arm: een effect gewogen naar overlap.",
    "{n} covariate terms for {n1} people with the rarer outcome: the standard error takes the working model as given and is too small with so many; adjust for fewer.": (
        "{n} covariaattermen voor {n1} mensen met de zeldzaamste uitkomst: de standaardfout neemt het werkmodel als gegeven en is bij zo veel termen te klein; corrigeer voor minder."
    ),
    "{n} covariate terms for {n1} people: the standard error takes the working model as given and is too small with so many; adjust for fewer.": (
        "{n} covariaattermen voor {n1} mensen: de standaardfout neemt het werkmodel als gegeven en is bij zo veel termen te klein; corrigeer voor minder."
    ),
    "few people with the event, or without it ({l}): read the interval beside estimator='exact' (without covariates).": (
        "Weinig mensen met de gebeurtenis, of zonder ({l}): lees het interval naast een exacte toets (zonder covariaten)."
    ),
    "tau = {n} is the smallest of the arms' largest times: it depends on the data. Say tau= in the plan.": (
        "tau = {n} is de kleinste van de grootste tijden per arm: zij hangt van de gegevens af. Noem tau= in het plan."
    ),
    "few people are still under observation at tau = {n} ({x}): the end of the curve is uncertain.": (
        "Weinig mensen worden bij tau = {n} nog gevolgd ({x}): het einde van de lijn is onzeker."
    ),
    "{n} people have time 0 without the event: they were never observed and are left out.": "{n} mensen hebben tijd 0 zonder de gebeurtenis: zij zijn nooit gevolgd en doen niet mee.",
    "{n} events for {n1} terms are few: hazard ratios are then pulled away from 1 and intervals rough; adjust for less.": (
        "{n} gebeurtenissen voor {n1} termen is weinig: hazard ratio's komen dan te ver van 1 en intervallen zijn grof; corrigeer voor minder."
    ),
    "hazards of {x} and {x1} are not proportional over time (p {v}): the hazard ratio is an average that depends on the censoring. Read measure='rmst_difference' beside it.": (
        "De hazards van {x} en {x1} zijn in de tijd niet proportioneel (p {v}): de hazard ratio is een gemiddelde dat van de duur van het volgen afhangt. Lees measure='rmst_difference' ernaast."
    ),
    "the tF critical values are tabulated for 95 % intervals: there is none at this level.": "De kritieke waarden van tF bestaan voor 95%-intervallen: op dit niveau is er geen.",
    "{q} has more values than 0 and 1: the effect is a weighted average of one unit more, not a dose-response.": (
        "{q} heeft meer waarden dan 0 en 1: het effect is een gewogen gemiddelde van één eenheid meer, en geen verband met de dosis."
    ),
    "assignment lowers uptake: the effect is that on people whom it kept away.": "De indeling verlaagt de deelname: het effect is dat op mensen die erdoor wegbleven.",
    "the Anderson-Rubin set is the whole line.": "De verzameling van Anderson en Rubin omvat elke waarde.",
    "the Anderson-Rubin set is a half-line.": "De verzameling van Anderson en Rubin is aan één kant onbegrensd.",
    "the Anderson-Rubin set is everything outside an interval.": "De verzameling van Anderson en Rubin is alles buiten een interval.",
}
_SUBGROUPS = {
    "in {q}: {n} of {n1} people have no {q1} and are left out ({l}).": "In {q}: van {n} van de {n1} mensen ontbreekt {q1}; zij doen niet mee ({l}).",
    "{q} differs between the arms by more than chance explains (p < .001): was it measured before randomization? Subgroups by a trait that the programme may have changed compare unlike people.": (
        "{q} verschilt tussen de armen meer dan toeval verklaart (p < 0,001): is het vóór de loting gemeten? Subgroepen naar een kenmerk dat het programma kan hebben veranderd, vergelijken ongelijke mensen."
    ),
    "with three or more unordered levels the interaction is a joint test: it has a statistic and p, and no one estimate.": (
        "Met drie of meer ongeordende categorieën is de interactie een gezamenlijke toets: die heeft een toetsgrootheid en p, en niet één schatting."
    ),
    "what was not planned before the outcome was seen raises questions for a next study and answers none.": (
        "Wat niet was gepland voordat de uitkomst was gezien, roept vragen op voor een volgend onderzoek en beantwoordt er geen."
    ),
    "subgroups of {q} are small ({x}): their intervals are wide and lean on corrections.": "Subgroepen van {q} zijn klein ({x}): hun intervallen zijn wijd en leunen op correcties.",
    "{q} was not assessed in {l}.": "{q} is niet onderzocht in {l}.",
}
_MEDIATORS = {
    "mediator and outcome were measured at the same time: that the mediator moved first is assumed, and the outcome moving the mediator would look the same.": (
        "Tussenstap en uitkomst zijn tegelijk gemeten: dat de tussenstap eerst veranderde is een aanname, en als de uitkomst de tussenstap verandert, ziet dat er hetzelfde uit."
    ),
    "{n} of {n1} draws have no effect and are left out.": "{n} van de {n1} trekkingen hebben geen effect en doen niet mee.",
    "an arm has {n} groups, fewer than {n1}: intervals come from Monte Carlo draws with the small-sample covariance and its degrees of freedom, because a bootstrap of few units is too narrow.": (
        "Een arm heeft {n} groepen, minder dan {n1}: de intervallen komen uit Monte-Carlotrekkingen met de covariantie voor kleine aantallen en haar vrijheidsgraden, omdat een bootstrap van weinig "
        "eenheden te smal is."
    ),
    "the slopes within and between groups are those of a linear regression of the outcome.": "De hellingen binnen en tussen groepen zijn die van een lineaire regressie van de uitkomst.",
}
EFFECTS = {**_equivalence(), **_noninferiority(), **_MARGINS, **_DRAWS, **_MODELS, **_SUBGROUPS, **_MEDIATORS}
