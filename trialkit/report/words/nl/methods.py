"""Names of methods and standard errors in Dutch: each part of a name that a result holds has its own."""

from __future__ import annotations

import re

from trialkit.report.document import Passage

__all__ = ["dutch_method"]

_PARTS = (
    ("ANCOVA (linear probability)", "ANCOVA (lineair kansmodel)"),
    ("ANCOVA", "ANCOVA"),
    ("Lin regression", "regressie volgens Lin"),
    ("least squares without covariates", "kleinste kwadraten zonder covariaten"),
    ("difference in means", "verschil in gemiddelden"),
    ("groups in one arm", "groepen in één arm"),
    ("g-computation", "g-berekening"),
    ("no covariates", "zonder covariaten"),
    ("Hedges g", "Hedges' g"),
    ("Lee's bounds", "grenzen van Lee"),
    ("analytic standard errors", "analytische standaardfouten"),
    ("bootstrap of groups", "bootstrap van groepen"),
    ("bootstrap of clusters", "bootstrap van clusters"),
    ("bootstrap of people", "bootstrap van mensen"),
    ("percentile", "percentielen"),
    ("two-stage least squares", "kleinste kwadraten in twee stappen"),
    ("restricted mean time to", "gemiddelde tijd tot"),
    ("pseudo-values adjusted", "gecorrigeerde pseudowaarden"),
    ("pseudo-values", "pseudowaarden"),
    ("strata effects", "stratumeffecten"),
    ("strata interacted", "strata per arm"),
    ("arms by moderator", "arm maal kenmerk"),
    ("Poisson quasi-likelihood", "quasi-likelihood van Poisson"),
    ("randomization test", "randomisatietoets"),
    ("wild bootstrap", "wilde bootstrap"),
    ("matched pairs", "paren"),
    ("clustered", "geclusterd"),
    ("resampling", "hertrekking"),
    ("models", "modellen"),
    ("influence values", "invloedswaarden"),
    ("df under the grouped working covariance", "df bij de werkcovariantie met groepen"),
    ("logistic regression", "logistische regressie"),
    ("proportional odds", "proportionele odds"),
    ("Cox regression", "Coxregressie"),
    ("quasi-Bayesian draws", "quasi-bayesiaanse trekkingen"),
    ("multiple imputation", "meervoudige imputatie"), ("Rubin", "Rubin"),
    ("respondents weighted by 1/probability of responding", "respondenten gewogen met 1/kans op respons"),
    ("sandwich of the response and the outcome model", "sandwich van respons- en uitkomstmodel"),
    ("CR2 of the response and the outcome model", "CR2 van respons- en uitkomstmodel"),
    ("linear working models by arm", "lineaire werkmodellen per arm"),
    ("linear working model", "lineair werkmodel"),
    ("logistic working model", "logistisch werkmodel"),
    ("poisson working model", "Poissonwerkmodel"),
    ("Firth's penalty", "straf van Firth"),
    ("folds of whole groups", "delen van hele groepen"),
    ("folds of whole clusters", "delen van hele clusters"),
    ("folds of whole people", "delen van mensen"),
    ("draws", "trekkingen"),
    ("weights by person", "gewichten per mens"),
    ("cluster jackknife", "jackknife van clusters"),
    ("randomization distribution", "verdeling over indelingen"),
    ("delta method", "deltamethode"),
    ("normal distribution", "normale verdeling"),
    ("win odds", "win odds"),
    ("rademacher", "rademacher"),
    ("webb", "webb"),
    ("residual", "residuen"),
    ("classical", "klassiek"),
    ("AIPW", "AIPW"), ("REML", "REML"), ("MMRM", "MMRM"), ("CACE", "CACE"),
    ("Kenward-Roger", "Kenward-Roger"), ("Satterthwaite", "Satterthwaite"),
    ("Holm", "Holm"), ("holm", "Holm"),
)  # fmt: skip
_KNOWN = dict(_PARTS)
_FIND = re.compile("|".join(re.escape(english) for english, _ in sorted(_PARTS, key=lambda part: -len(part[0]))))
_CODE = re.compile(r"HC[0-3]|CR[0-3]S?|df|SE|[\d.,;:()\[\] /+-]+")


def dutch_method(name: str) -> str:
    """The name of a method in Dutch; a name with a part that is not known stays English, marked as such."""
    rest = _CODE.sub("", _FIND.sub("", name))
    return Passage(name, "en") if rest else _FIND.sub(lambda found: _KNOWN[found[0]], name)
