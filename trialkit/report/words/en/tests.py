"""The English of the sections on several tests, few groups and indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from trialkit.report.document import among


class TestWords:
    """Words on corrections for several tests, on methods for few groups, and on how indices were made."""

    __test__ = False  # a test runner would take it for a test by its name

    # --- families
    corrections: ClassVar[Mapping[str, str]] = {
        "holm": "Holm",
        "hochberg": "Hochberg",
        "bh": "Benjamini-Hochberg",
        "sharpened_q": "sharpened q",
        "romano_wolf": "Romano-Wolf",
        "westfall_young": "Westfall-Young",
        "dunnett": "Dunnett",
        "gatekeeping": "gatekeeping",
        "none": "none",
    }
    families_intro = (
        "Of many tests some have a small p by chance alone. The plan says which tests form a family; within it the p-values are "
        "corrected together, and every comparison of arms counts as a test."
    )
    correction_meanings: ClassVar[Mapping[str, str]] = {
        "holm": "Holm: the chance of even one false finding in a family stays at the level of the tests, whatever the outcomes have to "
        "do with each other.",
        "hochberg": "Hochberg: the chance of even one false finding in a family stays at the level of the tests, for outcomes that go "
        "together or are independent.",
        "bh": "Benjamini-Hochberg: of the findings in a family, the expected share that is false stays at the level. This allows more "
        "false findings than a correction for even one.",
        "sharpened_q": "Sharpened q (Anderson 2008): of the findings in a family, the expected share that is false stays at the level; "
        "a corrected value can be below the p-value it corrects. This allows more false findings than a correction for even one.",
        "romano_wolf": "Romano-Wolf: the chance of even one false finding in a family stays at the level of the tests. Draws show how the "
        "tests of a family go together, so that less is lost than by counting them.",
        "westfall_young": "Westfall-Young: the chance of even one false finding in a family stays at the level of the tests. Draws show how "
        "the tests of a family go together, so that less is lost than by counting them.",
        "dunnett": "Dunnett: for each outcome, the chance of even one false finding among the comparisons with the control arm stays at "
        "the level of the tests. Several outcomes are not corrected for.",
    }
    families_caption = "The families and their tests"
    families_note = "p: of the test alone. p, corrected: within its family."
    test_header = "Test"
    graph_intro = (
        "The plan lays down an order between the hypotheses (gatekeeping). Each holds a share of one level; when it is rejected its share "
        "passes on. The chance of even one false rejection stays at that level over the whole graph, whatever the outcomes have to do with "
        "each other."
    )
    graph_caption = "The graph, laid down in the plan"
    order_caption = "The order of the families, laid down in the plan"
    steps_note = (
        "Share: the part of the level that the hypothesis holds once those above it are rejected. p, corrected: the smallest level at "
        "which the graph rejects it."
    )
    hypothesis_header, starts_header, passes_header = "Hypothesis", "Starts with", "When rejected, passes to"
    share_held_header, rejected_header = "Share", "Rejected"
    family_header, members_header, opens_header = "Family", "Tests", "Is tested"
    opens_first = "from the start"
    outside_graph = "Outside the graph, exploratory and not corrected:"

    def steps_caption(self, level: str) -> str:
        return f"The hypotheses in the order in which the graph took them, at the level {level}"

    def correction(self, method: str) -> str:
        return self.corrections.get(method, method.replace("_", " "))

    def correction_meaning(self, method: str) -> str:
        return self.correction_meanings.get(method, f"The method is {self.correction(method)}.")

    def opens_after(self, family: str, share: bool) -> str:
        return f"with the share of every rejected test of “{family}”" if share else f"when every test of “{family}” is rejected"

    def alone(self, tests: Sequence[str]) -> str:
        return f"Alone in a family, with nothing to correct: {'; '.join(tests)}."

    def outside(self, tests: Sequence[str]) -> str:
        return f"{self.outside_graph} {'; '.join(tests)}."

    def in_family(self, family: str, text: str) -> str:
        return among(f"{family}: ", text)

    def test_of(self, outcome: str, contrast: str) -> str:
        return f"{outcome}, {contrast}" if contrast else outcome

    def arrow(self, hypothesis: str, share: str) -> str:
        return f"{hypothesis} ({share})"

    # --- few groups
    few_groups_intro = (
        "With few groups no method is beyond doubt, so the plan sets several beside each other. They estimate the same effect; what differs "
        "is how sure each is of it. The primary analysis stays the primary analysis."
    )
    few_methods_caption = "One effect by several methods"
    few_counts_caption: ClassVar[Mapping[str, str]] = {
        "groups": "Groups of people with the outcome, and how many of equal size they are worth",
        "clusters": "Clusters of people with the outcome, and how many of equal size they are worth",
    }
    worth_header = "Worth, in equal ones"
    method_header = "Method"
    few_methods: ClassVar[Mapping[str, str]] = {
        "CR2, Satterthwaite": "CR2 standard error",
        "CR3, Satterthwaite": "CR3 standard error",
        "wild bootstrap": "Wild bootstrap",
        "randomization test": "Randomization test",
    }

    def few_note(self, draws: str) -> str:
        return (
            "CR2 and CR3 with Satterthwaite degrees of freedom (df). "
            f"Bootstrap and randomization test by {draws} draws; they use no t distribution, and so have no df."
        )

    # --- indices
    indices_caption = "Parts of each index"
    part_header, control_mean_header, control_sd_header = "Part", "Mean, control arm", "SD, control arm"
    weight_header, turned = "Weight", "lower is better, turned"
    index_kinds: ClassVar[Mapping[str, str]] = {
        "icw": "weighted by the inverse covariance",
        "klk": "plain mean",
    }
    indices_note = (
        "Parts are standardized on the control arm before they are put together. Weights are relative; those of people who lack a part "
        "are in results.json."
    )
