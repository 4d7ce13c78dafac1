"""The plan in English: sentences by key, with holes that `plan_nl` has too."""

from __future__ import annotations

__all__ = ["SENTENCES", "marks", "note", "offer"]


def marks(number: str) -> str:
    """Numbers stand as they are."""
    return number


def offer(label: str) -> str:
    """A label inside a sentence: a capital that only opens it goes, an acronym stays."""
    return label[:1].lower() + label[1:] if label[1:2].islower() or label[:2] == "A " else label


def note(part: str) -> str:
    """Parts that cannot be run are named in English."""
    return part


SENTENCES: dict[str, str] = {
    "and": "and", "or": "or",
    "head_arms": "Arms", "head_data": "Data", "head_scales": "Scales", "head_outcomes": "Outcomes", "head_analysis": "Analysis", "head_further": "Also planned",
    "head_not_yet": "Planned, but not run by this version",
    # the trial and its arms
    "randomized": "Randomized: {population}.",
    "registered": "Registered as {id} (claimed in the plan, not looked up).",
    "unregistered": "No public registration is named in the plan: a lock of it is local (level L0) until evidence is attached.",
    "control": "the control", "in_groups": "people are put in groups", "weight": "allocation weight {weight}", "arm": "'{name}': {label} ({roles}).",
    "scheme_simple": "People were randomized one by one, each with the same chances", "scheme_complete": "People were randomized, with fixed numbers in each arm",
    "scheme_stratified": "People were randomized", "scheme_clustered": "Whole clusters were randomized", "scheme_stratified_clustered": "Whole clusters were randomized",
    "scheme_matched_pairs": "People were paired and randomized", "scheme_rerandomized": "People were randomized again until the arms were alike",
    "scheme_minimization": "People were assigned one by one so that the arms stay alike (minimization)",
    "scheme_permuted_blocks": "People were randomized in blocks as they came", "scheme_factorial": "People were randomized to combinations",
    "scheme_custom": "People were randomized by a procedure of the plan's own",
    "within": " within {columns}", "planned": "Planned: {n} people{clusters}.", "in_clusters": " in {n} clusters",
    "formed": "Groups of {low} to {high} people{within}{alike}{mixed}.", "alike": ", alike in {columns}", "mixed": ", mixed in {columns}",
    "keep_together": "People with the same '{column}' are put in the same group.", "keep_apart": "People with the same '{column}' are put in different groups.",
    "waiting_list": "People who do not fit in a group of the right size wait, drawn at random.",
    "some_groups": "Groups exist in some arms only, so the analysis lets people resemble each other there and nowhere else.",
    "assumed": "Assumed for planning, never used in the analysis: {numbers}.",
    # data and scales
    "columns": "Columns: {columns}.", "role_unit": "person", "role_arm": "arm", "role_group": "group assigned", "role_cluster": "cluster", "role_weights": "weight",
    "role_uptake": "took it up", "role_facilitator": "facilitator", "waves": "Waves: {waves}.",
    "codes": "Codes that are no values: {codes}.",
    "no_codes": "No codes are declared as missing: a code such as -99 in the data would be taken for a value, or stop the run.",
    "scale": "'{name}': {scale}{parts}{when}, from columns {items}.", "at": " at {waves}", "form": ", form '{form}'",
    "form_from": ", each person's form by {columns}", "subscale": ", subscale '{subscale}'",
    # outcomes
    "outcome": "'{name}' ({role}{family})", "family": ", family '{family}'",
    "composite_unread": "No column says to whom '{event}' happened, so the value {value} must stand in the data already.",
    "adjusted": ", adjusted for {columns}", "unadjusted": ", unadjusted", "from_time": "Read from '{time}' with '{event}'{adjusted}.",
    "from_index": "{index} of {parts}, each in SDs of the control arm{adjusted}.", "scored": "Scored as '{column}'{adjusted}.",
    "from_column": "Read from '{column}'{adjusted}.", "turned": " (turned: lower is better)",
    "index_icw": "An index weighted by the inverse covariance (Anderson 2008)", "index_klk": "The plain mean (Kling, Liebman & Katz 2007)",
    "side_higher": "Higher", "side_lower": "Lower", "better": "{side} is better.", "better_by_scale": "{side} is better (from the scale).",
    "better_as_scale": "Better: as the scale says.", "better_unsaid": "Which direction is better was not said, so the report calls neither better.",
    "worthwhile_sd": "An effect of {size} standard deviations or more would be worthwhile.", "worthwhile": "An effect of {size} or more would be worthwhile.",
    "worthwhile_unsaid": "No smallest worthwhile effect was said, so the report cannot say whether the effect is large enough.",
    "equivalence": "Equivalence within {margin}.", "noninferiority": "Non-inferiority within {margin}.",
    # analysis
    "estimated": "{estimator}{adjusted}{whose}.", "estimated_with": " with {columns}", "estimated_for": " (for {outcomes})",
    "estimator_ancova": "Least squares on arm and baseline (ANCOVA)", "estimator_lin": "Least squares with arm-by-covariate interactions (Lin)",
    "estimator_difference_in_means": "Difference in means", "estimator_horvitz_thompson": "Horvitz-Thompson, by the probabilities of the design",
    "estimator_hajek": "Hajek, by the probabilities of the design", "estimator_aipw": "Augmented inverse probability weighting with cross-fitting",
    "estimator_mixed": "Mixed model (REML) with groups in their arms and residual variance by arm",
    "estimator_g_computation": "G-computation from one working model", "estimator_logit": "Logistic regression",
    "estimator_poisson": "Poisson regression with robust standard errors", "estimator_win_odds": "Win odds, every person of one arm against every person of the other",
    "estimator_proportional_odds": "Proportional odds regression", "estimator_quantile": "Quantile regression", "estimator_cox": "Cox regression",
    "estimator_rmst": "Restricted mean time by pseudo-values",
    "errors": "Standard errors: {covariance}.", "hc2": "HC2, with t intervals (the default)",
    "cr2": "CR2 with the groups and single people as clusters, and Satterthwaite degrees of freedom (the default)",
    "intervals": "{level} % confidence intervals; {compared}.", "contrasts_control": "each arm is compared with the control", "contrasts_all": "every pair of arms is compared",
    "contrasts_own": "compared: {contrasts}", "contrast": "'{label}' with '{against}' ({text})",
    "covariate_missing": "People without a baseline covariate: {rule}.",
    "covariate_impute": "the mean is put in its place, blind to arm, with an indicator; nobody is dropped", "covariate_drop": "left out", "covariate_error": "the run stops",
    "strata": "Strata: {rule}.", "strata_auto": "a term for each, interacted with arm where the arms' shares differ by stratum (the default)", "strata_additive": "a term for each",
    "strata_interacted": "a term for each, interacted with arm", "strata_none": "not in the model",
    "no_correction": "No correction for several outcomes.", "nothing_to_correct": "No family has more than one test, so nothing is corrected.",
    "correction": "Correction within a family: {method}{drawn}, for {families}.", "drawn": " ({draws} draws, seed {seed})",
    "graph_families": "Gatekeeping: the families are tested in the order {families}, each by Holm.",
    "graph_any": "Every rejected hypothesis of a family passes its share of alpha on to the next.",
    "graph_all": "The next family is tested only when every hypothesis of the one before is rejected.",
    "graph_starts": "Gatekeeping: alpha starts as {shares}.", "graph_passes": "When '{name}' is rejected its share goes to {shares}.",
    "graph_ends": "The share of '{name}' goes nowhere.", "graph_outside": "Outside the graph, exploratory and not corrected: {names}.",
    "missing": "Outcomes that were not observed: {rule}{times}{beside}.", "times": ", {n} times (seed {seed})", "beside": "; the people with the outcome alone beside it",
    "missing_sensitivity": "How much the missing people could matter: {rules}.",
    "companions": "Shown beside the primary analysis, never instead of it: {names}.",
    "few_groups": "For the primary outcomes CR2, CR3, wild bootstrap and the randomization test side by side ({draws} draws, seed {seed}).",
    "few_groups_if": "For the primary outcomes CR2, CR3, wild bootstrap and the randomization test side by side, if an arm has fewer than {most} groups or clusters.",
    # also planned
    "measurement": "For every scale: reliability by wave and arm, people at the ends of the scale, reliable change. Invariance is not tested.",
    "measurement_invariance": "For every scale: reliability by wave and arm, people at the ends of the scale, reliable change, and whether it is the same measure over waves and arms; "
    "where it is not, its effects carry a warning and the latent effect.",
    "step": "'{name}'", "step_at": "'{name}' at {wave}",
    "mediation": "How much of the effect on '{outcome}' goes through {step}{before}; the slope of the step {slopes}. Sensitivity to an unmeasured cause is reported "
    "({draws} draws, seed {seed}).",
    "step_before": ", with '{column}' as the step before the programme", "step_before_none": ", without the step before the programme",
    "slopes_differ": "may differ by arm", "slopes_same": "is the same in both arms",
    "curve": "A specification curve of {names} beside the registered analysis, {how}: {choices}. Joint test by re-randomization: {statistic}, {draws} draws, seed {seed}.",
    "curve_all": "in all combinations", "curve_one_at_a_time": "one at a time", "curve_adjusted": "adjusted for {columns} ({label})", "curve_nothing": "nothing",
    "curve_estimator": "estimator {name}", "curve_covariance": "standard errors {name}", "curve_prorate": "{n} answers that may be missing",
    "curve_item": "without item {n}", "curve_subscale": "subscale {name}", "curve_winsorize": "winsorized at {percent} %",
    "subgroup": "Whether the effect on {outcomes} differs by '{by}' ({kind}, {side}).",
    "reach": "Who was reached, from '{file}'{by}.", "reach_by": ", by {columns}", "balance": "Balance at the start: {columns}.",
    "vulnerability": "Take-up and losses are shown by: {columns}.", "by_chance": "Whether chance put people in their groups is tested by: {columns}.",
    "described": "Described: {what}.", "losses": "losses by arm", "take_up": "take-up",
    "no_harms": "Harms: not planned; the report will say that they were not assessed.", "harms": "Harms by arm, from {sources}.",
    # estimands
    "estimand": "Among {population}, {compared}{averaging}{events}.",
    "offered": "those offered {offer}", "offered_any": "those offered {offers} ({counting})", "counting_same": "every arm counting the same", "counting": "{offer} counting {weight}",
    "everyone": "all randomized {population}", "compliers": "those of {everyone} who take up the offer when it is made to them",
    "what": "'{label}'{when}", "when": " {wave}", "between": "between {offered} and {others}", "ratio": "among {offered} to that among {others}",
    "measure_mean_difference": "the difference in the mean of {what} {between}", "measure_risk_difference": "the difference in the share {what} {between}",
    "measure_risk_ratio": "the ratio of the share {what} {ratio}", "measure_odds_ratio": "the ratio of the odds of {what} {ratio}",
    "measure_rate_ratio": "the ratio of the mean count {what} {ratio}", "measure_mean_ratio": "the ratio of the mean of {what} {ratio}",
    "measure_win_odds": "the odds that someone of {offered} does better on {what} than someone of {others}, ties counting half",
    "measure_proportional_odds": "the ratio of the odds of a {side} category of {what} {ratio}, taken as the same at every category",
    "category_higher": "higher", "category_lower": "lower",
    "measure_quantile": "the difference in the {quantile} of {what} {between}", "median": "median", "quantile": "{q} quantile",
    "measure_hazard_ratio": "the ratio of the hazard of {what} {ratio}",
    "measure_rmst_difference": "the difference in the mean of {what}, counted up to {tau}, {between}",
    "by_group": ", every group counting the same", "by_person": ", every person counting the same",
    "no_events": ", whatever happened to them afterwards (treatment policy; the plan names no events)", "events": ", {opening} ({events})",
    "whatever": "whatever happened to them afterwards", "minding": "with what happened to them afterwards",
    "strategy_treatment_policy": "treatment policy", "strategy_composite": "counted as {value}", "strategy_hypothetical": "as if {scenario}",
    "strategy_while_on_treatment": "only the time before it counts", "strategy_principal_stratum": "only people to whom it would not happen in either arm",
    "at_random_imputed": "Outcomes that were not observed are taken to be missing at random given arm{group}{also}: they are filled in by multiple imputation.",
    "and_group": " and group", "the_strata": "the strata", "and_earlier": " and earlier waves",
    "at_random_weighted": "Outcomes that were not observed are taken to be missing at random given arm, {given}: people with the outcome are weighted by the inverse of their "
    "probability of having it.",
}  # fmt: skip
