"""The English of what follows an analysis: counts behind results, the populated plan, evidence standards and checklists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from trialkit.report.words.en.checklist_items import ITEMS


class ChecklistWords:
    """Words of the sections 'analysed', 'tests', 'standards' and 'checklists'."""

    missing_rules: ClassVar[Mapping[str, str]]
    checklist_texts: ClassVar[Mapping[str, tuple[str, str]]] = ITEMS

    def checklist_item(self, key: str) -> tuple[str, str]:
        return self.checklist_texts[key]

    # --- people behind each result
    analysed_intro = (
        "For every outcome and arm: people randomized, people whose outcome is known at that time, and people in the analysis."
    )
    analysed_counts_caption = "People randomized, measured and analysed"
    analysed_agree = "These counts agree with the flow, the table of the arms at the start, the losses and the effects; a report in which they contradict each other is not written."
    time_header, known_header = "Time", "Known"
    both_forms_caption = "The effect as a difference and as a ratio"
    both_forms_intro = "An effect on an outcome of yes or no reads differently as a difference and as a ratio, so both are here."
    absolute_header, relative_header = "Difference, percentage points", "Ratio"
    both_forms_note = "One of the two is the planned effect; the other is the same people and arms in the other form. Ratios are of shares, or of odds where the plan says so."

    # --- the populated plan
    tests_intro = "Every test of the plan, done or not, in its order. Nothing is left out because of what came of it."
    tests_caption = "The plan, filled in"
    planned_test_header, status_header, mark_header = "Test", "Status", "Deviation"
    tests_note = "p, corrected: by the plan's correction, which is for the effects alone. Deviation: the entry of the ledger that concerns the test."
    unlogged = "not logged"
    locked_rows = "By the locked plan, before its changes"
    unplanned_rows = "Not planned"
    described_rows = "Described, not tested"
    test_kinds: ClassVar[Mapping[str, str]] = {
        "effect": "Effect", "margin": "Margin", "companion": "Beside it", "over_time": "Over time", "missing": "Missing people", "subgroup": "Interaction with",
        "mediation": "Through", "description": "Description",
    }  # fmt: skip
    described: ClassVar[Mapping[str, str]] = {
        "balance": "The arms at the start", "attrition": "Losses by arm", "reach": "From eligible to followed up", "take_up": "Who took it up",
        "harms": "Unwanted events by arm",
    }  # fmt: skip
    test_methods: ClassVar[Mapping[str, str]] = {
        "equivalence": "equivalence", "noninferiority": "non-inferiority", "response_weighting": "weights for who responds",
        "horvitz_thompson": "weights of the design (Horvitz-Thompson)", "hajek": "weights of the design (Hájek)",
        "aipw": "weights and regression together (AIPW)", "g_computation": "standardized predictions (g-computation)", "logit": "logistic regression",
        "poisson": "Poisson regression", "exact": "exact", "mixed": "mixed model (REML)", "win_odds": "win odds", "quantile": "quantiles",
        "proportional_odds": "proportional odds", "cox": "Cox regression", "rmst": "average time up to the horizon",
        "aalen_johansen": "cumulative incidence (Aalen-Johansen)",
    }  # fmt: skip
    statuses: ClassVar[Mapping[str, str]] = {"done": "done", "not_estimable": "done, no estimate", "not_done": "not done"}
    reasons: ClassVar[Mapping[str, str]] = {
        "not_built": "this version cannot run it", "not_for_measure": "it is not for this measure",
        "nothing_missing": "nobody is missing", "left_out": "could not be done",
        "dropped": "in the locked plan only; the changed plan dropped it",
    }  # fmt: skip

    def tests_counts(self, done: str, planned: str) -> str:
        return f"{done} of {planned} planned analyses were done."

    # --- standards
    standards_intro = "What published standards of evidence make of this trial, as far as numbers decide. They also ask what no data show, such as whether one leader led all groups; that is for the reviewer."
    wwc_title, eef_title, movisie_title = (
        "What Works Clearinghouse",
        "Education Endowment Foundation",
        "Dutch recognition of interventions (Movisie)",
    )
    movisie_fold = "Work sheet for a study of effects"
    wwc_intro = (
        "The best rating that attrition and baseline leave open. Cautious: the programme can change who leaves; optimistic: it hardly can. The review protocol chooses between them. "
        "Margin: how far the result lies from the next worse verdict, below zero beyond it."
    )
    wwc_rating_caption = "Attrition, and the rating it leaves open"
    wwc_baseline_caption = "Differences at the start among those analysed"
    wwc_note = "Standards Handbook 4.1, table II.1; the overall rate is rounded to a whole percent, which is our reading of the table. That version 5.0 has the same boundary was not checked against the source."
    wwc_baseline_note = "|g| up to 0.05 is alike, up to 0.25 is alike once adjusted for, above that it is not. Shares: Cox's index. Margin: to the next boundary, in SD."
    rating_header, assumption_header, overall_lost, gap_header, boundary_header, margin_header = (
        "Rating",
        "Assumption",
        "Lost",
        "Difference",
        "Boundary",
        "Margin",
    )
    decided_header, variable_header, adjusted_header, verdict_header = "Decided by", "Variable", "Adjusted for", "Verdict"
    eef_intro = "Lines that evaluators are asked for, from memory of the statistical guidance of 2022: read the guidance before a report to the Foundation."
    eef_caption = "Effect sizes, intraclass correlations, missing people and compliers"
    eef_note = "g: on the total variance (pooled SD of people, within and between groups, unadjusted), with the interval of the effect, which knows the groups. n: people; groups for a correlation, those missing for a share missing."
    wwc_notes: ClassVar[Mapping[str, str]] = {
        "baseline_unknown": "For some of these no difference is defined: no variation, or a share of 0 or 1 in one arm.",
        "no_pretest": "Where an outcome was not measured before randomization, the largest difference at the start decides.",
    }  # fmt: skip
    line_header, eef_estimate_header = "Line", "Estimate"
    eef_lines: ClassVar[Mapping[str, str]] = {
        "hedges_g": "Hedges' g, total variance", "icc": "Intraclass correlation, outcome", "icc_pretest": "Intraclass correlation, pretest", "missing": "Missing",
        "cace": "Effect among those who took it up", "first_stage": "First stage, effective F",
    }  # fmt: skip
    assumptions_named: ClassVar[Mapping[str, str]] = {"cautious": "cautious", "optimistic": "optimistic"}
    attrition_word = "attrition"
    levels_named: ClassVar[Mapping[str, str]] = {"people": "people", "clusters": "clusters"}
    ratings: ClassVar[Mapping[str, str]] = {
        "without_reservations": "can meet the standards without reservations", "with_reservations": "can meet the standards with reservations",
        "does_not_meet": "does not meet the standards", "unknown": "cannot be told",
    }  # fmt: skip
    baseline_verdicts: ClassVar[Mapping[str, str]] = {
        "alike": "alike", "alike_adjusted": "alike once adjusted, which was done", "needs_adjustment": "must be adjusted for, and was not", "apart": "too far apart",
        "unknown": "not defined",
    }  # fmt: skip

    def rating_margin(self, margin: str, unit: str) -> str:
        return f"{margin} {'points' if unit == 'points' else 'SD'}" if unit else ""

    # --- checklists
    checklists_intro = "What reporting guidelines ask, and where it stands. 'In the report': it is here, with a link. 'Partly': the rest is for the author. 'Author': only the author can write it."
    checklist_titles: ClassVar[Mapping[str, str]] = {
        "consort": "CONSORT 2025", "cluster": "Extension for cluster trials, at its places in CONSORT 2025",
        "social": "Extension for social and psychological interventions, at its places in CONSORT 2025",
    }  # fmt: skip
    asks_header, answer_header, in_report_header = "Item", "What the report says", "Where"
    checklist_statuses: ClassVar[Mapping[str, str]] = {
        "auto": "In the report",
        "partly": "Partly",
        "author": "Author",
        "not_applicable": "Does not apply",
    }
    to_write = "To write"
    one_arm_statement = (
        "No extension of CONSORT covers trials with groups in one arm only. Of the items for cluster trials those that have a meaning there are answered for the groups of that arm, and the "
        "others do not apply because people were randomized; the nearest other extension is that for non-pharmacological treatments, on clustering by provider."
    )
    extension_note = "The extensions number their items by CONSORT 2010; the places in 2025 are ours. Not checked against the source: the items of clusters from 15 on, and of social programmes 12a, 13a, 15, 17a, 25 and 26."
    checklist_measures: ClassVar[Mapping[str, str]] = {
        "mean_difference": "difference of means", "risk_difference": "difference of shares", "risk_ratio": "ratio of shares", "odds_ratio": "odds ratio",
        "rate_ratio": "ratio of rates", "mean_ratio": "ratio of means", "win_odds": "win odds", "proportional_odds": "proportional odds",
        "quantile": "difference of quantiles", "hazard_ratio": "hazard ratio", "rmst_difference": "difference of restricted mean times",
        "cumulative_incidence_difference": "difference of cumulative incidence",
    }  # fmt: skip
    schemes: ClassVar[Mapping[str, str]] = {
        "simple": "simple randomization", "complete": "randomization to fixed numbers", "stratified": "randomization within strata",
        "clustered": "randomization of clusters", "stratified_clustered": "randomization of clusters within strata", "matched_pairs": "randomization within matched pairs",
        "rerandomized": "rerandomization", "minimization": "minimization", "permuted_blocks": "permuted blocks", "factorial": "a factorial design",
        "custom": "a scheme of the study's own",
    }  # fmt: skip
    frameworks: ClassVar[Mapping[str, str]] = {
        "superiority": "superiority",
        "equivalence": "equivalence",
        "noninferiority": "non-inferiority",
    }
    restricted_by: ClassVar[Mapping[str, str]] = {"strata": "strata", "match": "matched on", "balance_on": "balanced on"}
    covariates_missing: ClassVar[Mapping[str, str]] = {
        "impute": "filled in without regard to arm", "drop": "left out with the person", "error": "not allowed",
    }  # fmt: skip

    bounds_named: ClassVar[Mapping[str, str]] = {"kling_liebman": "Kling and Liebman's bounds"}

    fact_files = "results.json, tables and figures lie beside this page, and the plan in plan/; software and versions are named."
    fact_harms_counted = "Planned: unwanted events are counted by arm."
    fact_harms_not_planned = "Harms were not assessed: the plan has none."
    fact_no_interim = "The plan has no interim analysis."
    fact_as_randomized = (
        "Whoever is analysed counts in the arm they were assigned to; counts by outcome and arm are in the report."
    )
    fact_no_losses = "Nobody was lost on the primary outcome."
    fact_one_form = "The effects are here; an outcome of yes or no has one form only."
    fact_no_others = "No other analysis was planned, and none was added."
    fact_no_strata = "There were no strata or pairs."
    fact_no_groups = "There are no groups or clusters in this trial."
    fact_people_randomized = "People were randomized; groups exist in some arms only."
    fact_people_are_units = "People were randomized, not clusters."

    def fact_outcome_counts(self, counts: Sequence[tuple[str, int]]) -> str:
        return ", ".join(f"{n} {role}" for role, n in counts if n) + " outcomes."

    def fact_arms(self, arms: Sequence[str]) -> str:
        return f"{len(arms)} arms: {'; '.join(arms)}."

    def fact_design(self, arms: Sequence[str], shares: Sequence[str], scheme: str, frameworks: Sequence[str]) -> str:
        kinds = ", ".join(self.frameworks.get(k, k) for k in frameworks)
        return f"{len(arms)} arms ({'; '.join(arms)}), allocated {' : '.join(shares)}; {scheme}; {kinds}."

    def fact_changes(self, logged: int, keys: int, unplanned: int) -> str:
        changed = f", {keys} keys differ from the locked plan" if keys else ""
        return f"{logged or 'No'} deviation{'' if logged == 1 else 's'} logged{changed}; {unplanned or 'no'} analys{'is' if unplanned == 1 else 'es'} not planned."

    def fact_assumed_effect(self, label: str, value: str) -> str:
        return f"assumed effect on {label}: {value}"

    def fact_restrictions(self, scheme: str, named: Sequence[tuple[str, Sequence[str]]], blocks: Sequence[str]) -> str:
        parts = [scheme, *(f"{self.restricted_by[k]}: {', '.join(v)}" for k, v in named)]
        return "; ".join([*parts, *([f"blocks of {', '.join(blocks)}"] if blocks else [])]) + "."

    def fact_allocation_kept(self, files: Sequence[str]) -> str:
        return f"A certificate of the allocation was attached to the lock: {', '.join(files)}."

    def checklist_rule(self, rule: str) -> str:
        return self.bounds_named.get(rule) or self.missing_rules.get(rule, rule.replace("_", " "))

    def fact_missing(self, primary: str, others: Sequence[str], covariates: str) -> str:
        also = f"; beside it: {', '.join(others)}" if others else ""
        return f"Outcomes: {primary}{also}. Covariates: {self.covariates_missing.get(covariates, covariates)}."

    def fact_further(self, planned: int, unplanned: int) -> str:
        return f"{planned or 'No'} further planned test{'' if planned == 1 else 's'}; {unplanned or 'no'} analys{'is' if unplanned == 1 else 'es'} not planned, marked so."

    def fact_lost(self, share: str) -> str:
        return f"{share} have no primary outcome; counts by arm are in the report, reasons are not."

    def fact_both_forms(self, n: int) -> str:
        return f"Absolute and relative effects for {n} outcome{'' if n == 1 else 's'} of yes or no."

    def fact_notes(self, n: int) -> str:
        return f"{n or 'No'} note{'' if n == 1 else 's'} on the primary analyses."

    def fact_effect(self, label: str, contrast: str, value: str, low: str, high: str, level: str) -> str:
        return f"{label}: {contrast} {value} ({level} interval {low} to {high})."

    def fact_groups(self, arm: str, groups: str, people: str) -> str:
        return f"{arm}: {groups} groups of {people} people."

    def fact_icc(self, label: str, icc: str, units: str, arm: str) -> str:
        return f"{label}: {icc} ({units} groups{f' of {arm}' if arm else ''})."
