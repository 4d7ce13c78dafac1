"""The English of a report: every word that a reader sees and that is not a label of the study.

Another language is a class with the same names. Sentences are fixed and take finished numbers; none of them claims more than its
arguments say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from trialkit.report.document import among
from trialkit.report.format import MINUS, Numbers
from trialkit.report.words.en.blinding import BlindingWords
from trialkit.report.words.en.checklists import ChecklistWords
from trialkit.report.words.en.deviations import DeviationWords
from trialkit.report.words.en.disclosure import DisclosureWords
from trialkit.report.words.en.figures import FigureWords
from trialkit.report.words.en.harms import HarmWords
from trialkit.report.words.en.measurement import MeasurementWords
from trialkit.report.words.en.mediation import MediationWords
from trialkit.report.words.en.multiverse import MultiverseWords
from trialkit.report.words.en.over_time import OverTimeWords
from trialkit.report.words.en.plain import PlainWords
from trialkit.report.words.en.selection import SelectionWords
from trialkit.report.words.en.tests import TestWords


class English(
    PlainWords, FigureWords, TestWords, HarmWords, MeasurementWords, SelectionWords, OverTimeWords, MediationWords, BlindingWords, DeviationWords,
    MultiverseWords,
    DisclosureWords,
    ChecklistWords,
):  # fmt: skip
    """Headings, captions, column headers and the sentences around the numbers."""

    language = "en"
    numbers = Numbers(decimal=".", thousands=",")

    months = (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    )  # fmt: skip
    kicker = "Report of a randomized trial"
    skip = "Skip to the report"
    contents = "Contents"
    this_language, other_languages = "English", "This report in another language"
    figure_word, table_word = "Figure", "Table"
    none, yes, no = "none", "yes", "no"

    titles: ClassVar[Mapping[str, tuple[str, str]]] = {
        "summary": ("In plain words", "In plain words"),
        "primary": ("Primary outcome", "Primary outcome"),
        "flow": ("People and groups in the trial", "Flow"),
        "baseline": ("The arms at the start", "Baseline"),
        "outcomes": ("All outcomes", "All outcomes"),
        "over_time": ("The effect over time", "Over time"),
        "subgroups": ("Does the effect differ between kinds of people?", "Subgroups"),
        "mediation": ("Effects through an intermediate step", "Mediation"),
        "families": ("Correction for several tests", "Several tests"),
        "few_groups": ("The same effect by the methods for few groups", "Few groups"),
        "selection": ("Who came, who took part and who stayed", "Who came and stayed"),
        "attrition": ("People without a measured outcome", "Missing outcomes"),
        "multiverse": ("The same effect by other analyses", "Other analyses"),
        "harms": ("Unwanted events", "Unwanted events"),
        "measurement": ("How well the scales measured", "Measurement"),
        "next": ("Achieved and assumed: for the next study", "Next study"),
        "scales": ("How the scales were scored", "Scales"),
        "indices": ("How the indices were made", "Indices"),
        "unplanned": ("Analyses that were not planned", "Not planned"),
        "erratum": ("Erratum: this report replaces an earlier one", "Erratum"),
        "deviations": ("Deviations from the plan", "Deviations"),
        "not_run": ("Planned, and not run by this version", "Not run"),
        "analysed": ("The people behind each result", "People analysed"),
        "tests": ("The plan, test by test", "Planned tests"),
        "standards": ("Standards of evidence", "Standards"),
        "checklists": ("Reporting checklists", "Checklists"),
        "notes": ("Notes on the analyses", "Notes"),
        "manifest": ("How to check and repeat this report", "Check and repeat"),
        "plan": ("The plan", "The plan"),
    }

    # --- primary outcome
    raw_caption = "What was observed in each arm, before any adjustment"
    companions_title = "The same outcome by other methods"
    companions_intro = "Planned beside the primary analysis, never instead of it. The first row is the primary analysis."
    companions_caption = "Other planned analyses of this outcome"
    notes_title = "Notes on this analysis"
    arm_header, randomized_header, analysed_header = "Arm", "Randomized", "Analysed"
    groups_header, clusters_header = "Groups", "Clusters"
    mean_header, share_header = "Mean (SD)", "Share"
    se_row, test_row, p_row = "Standard error", "t (degrees of freedom)", "p"
    effect_header = "Effect"
    se_log_row = "Standard error of the log"
    g_header = "g"
    g_row, method_row, people_row = "Hedges g (standard deviations)", "Method", "People analysed"
    groups_row, clusters_row, worthwhile_row = "Groups", "Independent units", "Smallest worthwhile difference in the plan"
    analysis_header, outcome_header, p_header, df_header = "Analysis", "Outcome", "p", "df"
    p_adjusted_header, se_header = "p, corrected", "SE"
    reading_header = "Outcome and reading"
    n_header = "n"
    methods: ClassVar[Mapping[str, str]] = {
        "ancova": "Regression adjusted for baseline (ANCOVA)",
        "lin": "Regression with adjustment by arm (Lin)",
        "difference_in_means": "Difference in means",
        "randomization_test": "Randomization test",
        "wild_bootstrap": "Wild bootstrap",
        "cace": "Effect among those who took it up (CACE)",
        "longitudinal": "All waves in one model",
        "available_cases": "The primary analysis of people with the outcome",
    }
    primary_analysis = "Primary analysis"
    roles: ClassVar[Mapping[str, str]] = {"primary": "Primary", "secondary": "Secondary", "exploratory": "Exploratory"}
    units: ClassVar[Mapping[str, str]] = {
        "share": "percentage points",
        "sd": "standard deviations",
        "raw": "units of the measure",
        "ratio": "ratio",
    }

    def contrast(self, arm: str, control: str) -> str:
        return f"{arm} {MINUS} {control}"

    def above_one_is_better(self, label: str) -> str:
        return f"{label} (above 1 is better)"

    def outcome_label(self, label: str, better: str | None) -> str:
        return f"{label} (lower is better)" if better == "lower" else label

    def estimate_caption(self, control: str | None) -> str:
        caption = "The estimated effect of assignment"
        return f"{caption}, each arm against {control}" if control else caption

    def estimand(self, sentence: str) -> str:
        return among("What is estimated. ", sentence)

    def difference_header(self, unit: str, adjusted: bool) -> str:
        name = {"share": "difference (percentage points)", "sd": "difference (SD)", "raw": "difference", "ratio": "ratio"}[unit]
        return f"Adjusted {name}" if adjusted else name.capitalize()

    def interval_header(self, level: str) -> str:
        return f"{level} interval" if level else "Interval"

    def interval(self, low: str, high: str) -> str:
        return f"{low} to {high}"

    def test(self, statistic: str, df: str | None) -> str:
        return f"{statistic} ({df})" if df else f"{statistic} (normal)"

    def method(self, method: str, covariance: str) -> str:
        return f"{method}; {covariance}" if covariance else method

    def p_adjusted_row(self, method: str) -> str:
        if method == "gatekeeping":
            return "p, corrected along the plan's graph (gatekeeping)"
        return f"p, corrected within its family ({self.correction(method)})" if method else "p, corrected within its family"

    def raw_note(self, unit: str) -> str:
        return "" if unit == "share" else "SD: standard deviation between people."

    # --- flow
    flow_intro = (
        "Counted from the data, so that every number here agrees with the analyses. Groups are the groups to which people were "
        "assigned, also when they never came."
    )
    flow_caption = "People and groups at each stage, by arm"
    stage_header, people_header, share_of_randomized = "Stage", "People", "Of those randomized"
    group_size_header = "Group size, smallest to largest (mean)"
    stages: ClassVar[Mapping[str, str]] = {"randomized": "Randomized", "took_up": "Took part", "outcome": "Outcome known"}

    def outcome_known(self, label: str) -> str:
        return f"Outcome known: {label}"

    def group_size(self, low: str, high: str, mean: str) -> str:
        return f"{low} to {high} ({mean})"

    # --- baseline
    baseline_caption = "Baseline characteristics of everyone randomized"
    characteristic_header, difference_short = "Characteristic", "Std. difference"
    baseline_intro = (
        "In a randomized trial differences at the start are due to chance, so no p-values are given; what counts is their size. "
        "Differences up to 0.05 standard deviations are negligible; between 0.05 and 0.25 an analysis should adjust for them; "
        "beyond 0.25 adjustment may not be enough."
    )
    baseline_note = "Numbers are mean (SD) or percentage. Standardized differences are unadjusted: arm minus control."
    baseline_note_arms = "Each standardized difference is that of the arm to its left, minus control."
    missing_level = "missing"

    def arm_with_n(self, label: str, n: str | None) -> str:
        return f"{label} (n\u00a0=\u00a0{n})" if n else label

    # --- outcomes
    readings: ClassVar[Mapping[str, str]] = {
        "worthwhile_benefit": "better, at least the worthwhile amount",
        "benefit_size_uncertain": "better, size uncertain",
        "benefit_too_small": "better, less than worthwhile",
        "no_worthwhile_difference": "no worthwhile difference",
        "inconclusive": "inconclusive",
        "harm": "worse",
    }
    readings_neutral: ClassVar[Mapping[str, str]] = {
        **readings,
        "worthwhile_benefit": "higher, at least the worthwhile amount",
        "benefit_size_uncertain": "higher, size uncertain",
        "benefit_too_small": "higher, less than worthwhile",
        "harm": "lower",
    }
    not_estimated = "not estimated"
    effects_caption = "Effects on all outcomes"

    def reading(self, verdict: str, better: str | None, defined: bool) -> str:
        if not defined:
            return self.not_estimated
        return (self.readings if better else self.readings_neutral).get(verdict, verdict)

    def role_and_unit(self, role: str, unit: str) -> str:
        return f"{self.roles.get(role, role).lower()}; {self.units[unit]}"

    def outcomes_intro(self, contrast: str | None, control: str | None) -> str:
        which = f"Every difference is {contrast}. " if contrast else f"Every difference is with “{control}”. " if control else ""
        return (
            which + "Outcomes in different units are drawn on axes of their own, and are not to be compared by eye across axes."
        )

    def effects_note(self, level: str, method: str, families: bool) -> str:
        if not families or method in ("", "none"):
            correct = "p-values are not corrected for the number of outcomes. "
        elif method == "gatekeeping":
            correct = "p, corrected: along the plan's graph of hypotheses (gatekeeping); outcomes outside the graph have none. "
        else:
            correct = f"p, corrected: within the family of outcomes, by the method of {self.correction(method)}. "
        return correct + f"Readings follow the uncorrected {level} intervals. g: Hedges g, the difference in standard deviations."

    # --- attrition
    attrition_caption = "People without a measured outcome, by arm"
    attrition_intro = (
        "Losses can bias a comparison when they are many, and more so when the arms lose different numbers or different people."
    )
    overall_header = "Overall"

    def attrition_note(self, counts: bool) -> str:
        first = "Number without the outcome, of the number randomized. " if counts else ""
        return f"{first}Differential: arm minus control, in percentage points."

    def differential_header(self, arm: str | None) -> str:
        return f"Differential: {arm}" if arm else "Differential"

    def lost(self, lost: str, randomized: str) -> str:
        return f" ({lost} of {randomized})"

    # --- next study
    next_intro = "What the plan assumed, beside what this trial found. These numbers can be used to plan the next study."
    assumed_caption = "Assumed in the plan and achieved in this trial"
    icc_caption = "How alike the members of a group are on each outcome"
    icc_note = (
        "ICC: the share of the variance that lies between groups, given the arm (estimated by REML; never below 0). "
        "With few groups it is uncertain."
    )
    quantity_header, plan_header, trial_header = "Quantity", "Plan", "This trial"
    where_header, icc_header, units_header = "Groups of", "ICC", "Groups"
    size_header, range_header = "Mean size", "Smallest to largest"
    quantities: ClassVar[Mapping[str, str]] = {
        "icc": "Intraclass correlation (ICC), primary outcome",
        "attrition": "People without the primary outcome",
        "take_up": "Took part",
        "group_size": "People in a group",
        "groups": "Groups",
        "units": "People randomized",
        "baseline_correlation": "Correlation of outcome and baseline",
    }

    def quantity(self, key: str, where: str = "") -> str:
        name = self.quantities.get(key, key.replace("_", " ").capitalize())
        return f"{name}: {where}" if where else name

    # --- scales
    scales_caption = "Answers and scores"
    scale_header, wave_header = "Scale", "Wave"
    scale_columns: ClassVar[Mapping[str, str]] = {
        "scored": "Scored",
        "no_score": "No score",
        "prorated": "Missing rule used",
        "items_reversed": "Items reversed",
        "answers_reversed": "Answers reversed",
        "out_of_range": "Answers out of range",
    }
    possible_header = "Possible score"
    scales_note = "Missing rule: people whose score was made from part of the items, as the scale allows. Answers out of range were set missing."

    # --- deviations, not run, notes
    deviations_none = "No deviations were recorded."
    deviations_none_detail = "The record holds what the researchers entered; a deviation that nobody entered is not in it."
    not_run_intro = (
        "These parts of the plan are outside what this version of the software can do. They are not part of this report:"
    )
    deviation_names: ClassVar[Mapping[str, str]] = {
        "id": "Number",
        "plan_path": "Where in the plan",
        "original": "Planned",
        "new": "Done instead",
        "type": "Kind",
        "reason": "Reason",
        "timing": "When",
        "by": "Entered by",
        "approved": "Approved by",
        "date": "Date",
        "severity": "Severity",
        "validity": "What it means for the result",
        "planned_estimate": "Estimate as planned",
        "changed_estimate": "Estimate as changed",
    }

    def deviation_title(self, number: str, what: str) -> str:
        return f"Deviation {number}: {what}" if what else f"Deviation {number}"

    def field(self, key: str) -> str:
        return self.deviation_names.get(key, key.replace("_", " ").capitalize())

    def note_for(self, text: str, outcomes: Sequence[str]) -> str:
        return among("", text, f" [{'; '.join(outcomes)}]") if outcomes else text

    def said(self, text: str) -> str:
        """A sentence that a result holds in English."""
        return text

    # --- manifest, plan
    manifest_intro = "With the plan, the data file and the software named here the same numbers come out again:"
    manifest_files = (
        "Beside this page: results.json holds every number in it, unrounded; tables/ holds the tables as CSV; figures/ holds the "
        "figures as PNG and SVG; plan/ holds the plan, its lock and what belongs to them; bundle.json holds the SHA-256 of every file, "
        "which `trialkit verify` holds them against. The page can be drawn again from results.json alone."
    )
    manifest_names: ClassVar[Mapping[str, str]] = {
        "plan_hash": "Plan, SHA-256",
        "manifest_hash": "Lock manifest, SHA-256",
        "level": "Level of the lock",
        "locked_at": "Locked at",
        "evidence": "Evidence for the lock, SHA-256",
        "fingerprint_sha256": "Data fingerprint, SHA-256",
        "file": "Data file",
        "sha256": "Data file, SHA-256 of its bytes",
        "bytes_sha256": "Data file, SHA-256 of its bytes",
        "content_sha256": "Data, SHA-256 of the content",
        "rows": "Rows in the data",
        "columns": "Columns in the data",
        "created": "Report made at",
        "software": "Software",
    }
    plan_fold = "Read the plan as it was understood"
    plan_intro = "The plan in words, with every default written out."

    def manifest_name(self, key: str) -> str:
        return self.manifest_names.get(key, key.replace("_", " ").capitalize())

    def moment(self, iso: str) -> str:
        """'22 November 2026, 10:15 UTC' of an ISO time; other text stays as it is."""
        try:
            at = datetime.fromisoformat(iso)
        except ValueError:
            return iso
        if at.tzinfo is not None:
            at = at.astimezone(UTC)
        day = f"{at.day} {self.months[at.month - 1]} {at.year}"
        if len(iso) <= 10:
            return day
        return f"{day}, {at:%H:%M}{' UTC' if at.tzinfo is not None else ''}"

    # --- status, figures and folds
    status_plan, status_hash, status_deviations, status_made = "Plan", "Plan hash", "Deviations", "Made"
    data_behind = "Numbers behind this figure"
    file_note = "Unrounded:"

    def deviations_count(self, n: int) -> str:
        return "none recorded" if n == 0 else f"{n} recorded"

    def outcome_heading(self, label: str) -> str:
        return label


ENGLISH = English()
