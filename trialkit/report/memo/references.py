"""What the memo cites, by what it uses."""

from __future__ import annotations

from trialkit.report.memo.answers import Answers
from trialkit.report.memo.questions import Question

WORKS = {
    "roberts": "Roberts C, Roberts SA (2005). Design and analysis of clinical trials with clustering effects due to treatment. Clinical Trials 2: 152-162.",
    "satterthwaite": "Satterthwaite FE (1946). An approximate distribution of estimates of variance components. Biometrics Bulletin 2: 110-114.",
    "baldwin": "Baldwin SA, Stice E, Rohde P (2008). Statistical analysis of group-administered intervention data: reanalysis of two randomized trials. Psychotherapy Research. PMC2797475.",
    "donner": "Donner A, Klar N (2000). Design and Analysis of Cluster Randomization Trials in Health Research. London: Arnold.",
    "cohen": "Cohen J (1988). Statistical Power Analysis for the Behavioral Sciences, 2nd ed. Hillsdale: Erlbaum.",
    "gelman": "Gelman A, Carlin J (2014). Beyond power calculations: assessing type S and type M errors. Perspectives on Psychological Science 9: 641-651.",
    "ohagan": "O'Hagan A, Stevens JW, Campbell MJ (2005). Assurance in clinical trial design. Pharmaceutical Statistics 4: 187-201.",
}
_BY_FUNCTION = {"grouped": ("roberts", "satterthwaite"), "clustered": ("donner",), "individual": ("cohen",), "binary": ("cohen",)}


def references(asked: list[tuple[Question, Answers]], assurance: bool) -> tuple[str, ...]:
    """The works behind the numbers of these questions, each once."""
    keys: list[str] = []
    for question, found in asked:
        keys += _BY_FUNCTION[question.result.function]
        keys += ["baldwin"] if found.published is not None else []
        keys += ["gelman"] if question.result.type_m is not None else []
    keys += ["ohagan"] if assurance else []
    return tuple(WORKS[k] for k in dict.fromkeys(keys))
