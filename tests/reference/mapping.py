"""How each reference case is called through the public surface."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pandas as pd

import trialkit as tk

HERE = Path(__file__).parent
ADJUST = ["y0", "age", "female"]


FOLDER: ContextVar[Path] = ContextVar("folder", default=HERE / "data")


def data(name: str) -> pd.DataFrame:
    """An input of the cases, from the folder that the caller of `MAP` named."""
    return pd.read_csv(FOLDER.get() / name)


def individual(**roles: Any) -> tk.Trial:
    d = data("individual.csv")
    d["site"] = d["site"].astype(str)
    return tk.Trial(d, **({"arm": "arm", "control": "control", "unit": "id"} | roles))


def cluster(**roles: Any) -> tk.Trial:
    d = data("cluster.csv")
    d["block"] = "b" + d["block"].astype(str)
    return tk.Trial(d, **({"arm": "z", "control": 0, "cluster": "cluster"} | roles))


def grouped(**roles: Any) -> tk.Trial:
    return tk.Trial(data("grouped.csv"), **({"arm": "arm", "control": "individual", "unit": "id", "group": "group"} | roles))


def grouped_outcomes() -> tk.Trial:
    return tk.Trial(data("grouped_outcomes.csv"), arm="arm", control="individual", unit="id", group="group")


def row(result: Any, contrast: str | None = None) -> dict[str, Any]:
    table = result.tidy()
    if contrast is not None:
        table = table[table["contrast"].str.startswith(contrast)]
    assert len(table) == 1
    return table.iloc[0].to_dict()


def itt(trial: tk.Trial, outcome: str = "y1", contrast: str | None = None, **options: Any) -> dict[str, Any]:
    return row(tk.itt(trial, outcome, **options), contrast)


def blocks(file: str) -> dict[str, Any]:
    result = tk.itt(tk.Trial(data(file), arm="z", control=0, strata=["block"]), "y", estimator="difference_in_means")
    return row(result) | {f"std_error_{k}": v for k, v in result.variance_parts.items()}


def hedges(trial: tk.Trial, **options: Any) -> dict[str, Any]:
    found = row(tk.itt(trial, "y1", estimator="difference_in_means").standardized("hedges_g", **options))
    return found | {"variance": None}


def tiny() -> tk.Trial:
    d = data("tiny.csv")
    return tk.Trial(d, arm="z", control=0, design=tk.design.complete(d, arms={0: 6, 1: 6}))


def few_clusters(design: bool = True) -> tk.Trial:
    d = data("few_clusters.csv")
    drawn = tk.design.clustered(d, cluster="cluster", arms={0: 1, 1: 1}) if design else None
    return tk.Trial(d, arm="z", control=0, cluster="cluster", design=drawn)


def strata_tiny() -> tk.Trial:
    d = data("strata_tiny.csv")
    counts = {"a": {0: 3, 1: 3}, "b": {0: 3, 1: 2}}
    return tk.Trial(
        d,
        arm="z",
        control=0,
        strata=["stratum"],
        design=tk.design.stratified(d, strata=["stratum"], arms={0: 1, 1: 1}, counts=counts),
    )


def listed_assignments() -> tk.Trial:
    listed, d = data("custom_assignments.csv"), data("custom_trial.csv")
    design = tk.design.custom(d, assignments=listed.filter(like="u").to_numpy(), probabilities=listed["probability"])
    return tk.Trial(d, arm="z", control=0, unit="unit", design=design)


def weighted_by_design(design: tk.design.Design, d: pd.DataFrame, **roles: Any) -> dict[str, Any]:
    return itt(tk.Trial(d, arm="z", control=0, design=design, **roles), "y1", estimator="horvitz_thompson")


def individual_data() -> pd.DataFrame:
    d = data("individual.csv")
    d["site"] = d["site"].astype(str)
    return d


def wild(**options: Any) -> dict[str, Any]:
    r = tk.wild_bootstrap(few_clusters(False), "y", adjust=["x"], n_draws="all", **options)
    return {"t": r.statistic, "p_value": r.p_value, "p_with_ties": r.p_value, "conf_low": r.conf_low, "conf_high": r.conf_high}


def attended(**options: Any) -> Any:
    return tk.cace(individual(), "y1", uptake="attended", **({"adjust": ["y0"], "covariance": "HC2"} | options))


def set_of(found: Any) -> dict[str, Any]:
    return {k: getattr(found, k) for k in ("conf_low", "conf_high", "statistic", "p_value")}


def wald(test: Any) -> dict[str, Any]:
    return {"F": test.statistic, "df_num": test.df_num, "df_denom": test.df_denom, "p_value": test.p_value}


def three_arms() -> tk.Trial:
    return tk.Trial(data("three_arms.csv"), arm="arm", control="control")


def dunnett() -> dict[str, Any]:
    table = tk.itt(three_arms(), "y", adjust=["x"], covariance="classical", correction="dunnett").tidy()
    return {f"p_{a}": table.loc[table["contrast"].str.startswith(a), "p_adjusted"].iloc[0] for a in ("coach", "peer")}


def randomization(trial: tk.Trial, **options: Any) -> dict[str, Any]:
    r = tk.randomization_test(trial, "y", n_draws="all", **options)
    return {"statistic": r.statistic, "p_value": r.p_value, "conf_low": r.conf_low, "conf_high": r.conf_high}


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    **{
        f"ancova_{k}": (lambda k=k: itt(individual(), adjust=ADJUST, covariance=k))
        for k in ("classical", "HC0", "HC1", "HC2", "HC3")
    },
    "ancova_weighted_HC2": lambda: itt(individual(weights="weight"), adjust=["y0"], covariance="HC2"),
    "ancova_missing_HC2": lambda: itt(individual(), "y1_obs", adjust=["y0"]),
    "ancova_site_fe_HC2": lambda: itt(individual(), adjust=["y0", "site"]),
    "lin_HC2": lambda: itt(individual(), adjust=ADJUST, estimator="lin"),
    "lin_site_HC2": lambda: itt(individual(), adjust=["site", "y0"], estimator="lin"),
    **{
        f"cluster_ols_{name}": (lambda k=k: itt(cluster(), "y", adjust=["x"], covariance=k))
        for name, k in (("CR0", "CR0"), ("stata", "CR1"), ("CR2", "CR2"), ("CR3", "CR3"))
    },
    **{
        f"cluster_ols_block_{name}": (lambda k=k: itt(cluster(), "y", adjust=["x", "block"], covariance=k))
        for name, k in (("CR0", "CR0"), ("stata", "CR1"), ("CR2", "CR2"))
    },
    "grouped_ols_CR2": lambda: itt(grouped(), adjust=["y0"], df="independence"),
    "grouped_ols_unadj_CR2": lambda: itt(grouped(), df="independence"),
    "grouped_cr2_working_df_ancova": lambda: itt(grouped(), adjust=["y0"]),
    "grouped_cr2_working_df": lambda: itt(grouped()),
    "grouped_dim": lambda: itt(grouped_outcomes(), estimator="difference_in_means"),
    "grouped_risk_difference": lambda: itt(grouped_outcomes(), "job", measure="risk_difference", estimator="difference_in_means"),
    "grouped_hedges_g": lambda: hedges(grouped_outcomes()),
    "hedges_g": lambda: hedges(individual(), interval="noncentral"),
    "smd_exact_j": lambda: hedges(individual()),
    "dim_standard": lambda: itt(individual(), estimator="difference_in_means"),
    "dim_blocked": lambda: itt(individual(strata=["site"]), estimator="difference_in_means"),
    "dim_clustered": lambda: itt(cluster(), "y", estimator="difference_in_means"),
    "dim_block_clustered": lambda: itt(cluster(strata=["block"]), "y", estimator="difference_in_means"),
    "dim_pairs": lambda: itt(
        tk.Trial(data("pairs.csv"), arm="z", control=0, strata=["pair"]), "y", estimator="difference_in_means"
    ),
    "dim_pair_clusters": lambda: itt(
        tk.Trial(data("pair_clusters.csv"), arm="z", control=0, strata=["pair"], cluster="cluster"),
        "y",
        estimator="difference_in_means",
    ),
    "binary_unadjusted_rd": lambda: itt(individual(), "job", measure="risk_difference", estimator="difference_in_means"),
    **{
        f"three_arms_{a}": (lambda a=a: itt(tk.Trial(data("three_arms.csv"), arm="arm", control="control"), "y", a, adjust=["x"]))
        for a in ("coach", "peer")
    },
    "p_adjust": lambda: {
        k: list(tk.adjust_p([0.001, 0.008, 0.012, 0.03, 0.04, 0.2, 0.5], method=k)) for k in ("holm", "hochberg", "bh")
    },
    "cluster_wald_HTZ": lambda: wald(
        tk.itt(cluster(), "y", adjust=["x", "female"], covariance="CR2").joint_test(["x", "female"])
    ),
    "three_arms_dunnett": dunnett,
    "wild_cluster_wcr11_enumerated": lambda: wild(),
    "wild_cluster_wcr11_one_sided": lambda: wild() | {f"p_{a}": wild(alternative=a)["p_value"] for a in ("greater", "less")},
    "wild_cluster_wcu11": lambda: (
        wild(kind="WCU11") | {f"p_{a}": wild(kind="WCU11", alternative=a)["p_value"] for a in ("greater", "less")}
    ),
    "wild_cluster_wcr11_interval": lambda: wild(),
    "cace_HC2": lambda: row(attended()),
    "cace_site_HC1": lambda: row(attended(adjust=["y0", "site"], covariance="HC1")),
    "first_stage_F": lambda: {"F": attended().effective_f},
    "anderson_rubin_HC2": lambda: set_of(attended().anderson_rubin),
    "anderson_rubin_classical": lambda: set_of(attended(covariance="classical").anderson_rubin),
    "aipw_linear": lambda: itt(individual(), adjust=["y0", "age"], estimator="aipw"),
    "aipw_linear_strata": lambda: itt(individual(strata=["site"]), adjust=["y0"], estimator="aipw"),
    "gcomp_linear_strata": lambda: itt(
        individual(strata=["site"]), adjust=["y0", "age"], estimator="g_computation", strata_effects="none"
    ),
    "horvitz_thompson_complete": lambda: itt(tiny(), "y", estimator="horvitz_thompson"),
    "ht_bernoulli": lambda: weighted_by_design(
        tk.design.simple(individual_data(), arms={0: 1, 1: 1}, probability="prob"), individual_data()
    ),
    "ht_blocked": lambda: weighted_by_design(
        tk.design.stratified(individual_data(), strata=["site"], arms={0: 1, 1: 1}, counts="observed"), individual_data()
    ),
    "ht_clustered": lambda: itt(few_clusters(), "y", estimator="horvitz_thompson"),
    "ri_exact": lambda: randomization(tiny()),
    "ri_cluster_exact": lambda: randomization(few_clusters(), adjust=["x"]),
    "ri_strata_exact": lambda: randomization(strata_tiny()),
    "ri_strata_studentized": lambda: randomization(strata_tiny(), statistic="studentized"),
    "ri_strata_adjusted": lambda: randomization(strata_tiny(), adjust=["x"]),
    "ri_listed_assignments": lambda: randomization(listed_assignments()),
    "small_blocks": lambda: blocks("small_blocks.csv"),
    "hybrid_blocks": lambda: blocks("hybrid_blocks.csv"),
    "sharpened_q": lambda: {
        s: list(tk.adjust_p(data("p_values.csv").query("family == @f")["p"], method="sharpened_q"))
        for s, f in (("first", "sharpened_a"), ("second", "sharpened_b"))
    },
}


def p_values(family: str) -> list[float]:
    d = data("p_values.csv")
    return d.loc[d["family"] == family, "p"].tolist()


def null_draws(file: str) -> tuple[Any, Any]:
    x = data(file).sort_values("draw").filter(regex=r"^h\d").to_numpy()
    return x[0], x[1:]


def gatekept(family: str, weights: list[float], transitions: list[list[float]]) -> dict[str, Any]:
    return {"p_adjusted": tk.gatekeeping(p_values(family), weights=weights, transitions=transitions).p_adjusted}


def indexed(outcomes: list[str], **options: Any) -> dict[str, Any]:
    trial = individual()
    index = tk.index(trial, outcomes, **options)
    found = tk.Trial(trial.data.assign(index=index), arm="arm", control="control", unit="id")
    means = index.groupby(trial.data["arm"]).mean()
    return itt(found, "index", estimator="difference_in_means") | {
        "weights": list(index.attrs["weights"].values()),
        "first_five": index.head().tolist(),
        "mean_control": means["control"],
        "mean_treated": means["peer"],
    }


def meta(method: str) -> dict[str, Any]:
    d = data("meta.csv")
    plain = tk.meta(d["yi"], d["vi"], method=method, hartung_knapp=False)
    hk = tk.meta(d["yi"], d["vi"], method=method)
    found = {"estimate": plain.estimate, "std_error": plain.std_error, "tau2": plain.tau2, "I2": plain.i2, "Q": plain.q}
    return found | {"hk_se": hk.std_error, "hk_low": hk.conf_low, "hk_high": hk.conf_high}


def meta_prediction() -> dict[str, Any]:
    d = data("meta_hetero.csv")
    out: dict[str, Any] = {}
    for suffix, prediction in (("", "hts"), ("_z", "normal"), ("_hk", "hk")):
        r = tk.meta(d["yi"], d["vi"], prediction=prediction, tolerance=1e-10)
        out |= {
            f"pi_low{suffix}": r.prediction_low,
            f"pi_high{suffix}": r.prediction_high,
            "estimate": r.estimate,
            "tau2": r.tau2,
        }
    return out


def wald_counts() -> Any:
    d = data("individual.csv").groupby("z")["job"].agg(["sum", "count"])
    return tk.effect_size.from_counts(
        events_1=d.loc[1, "sum"], n_1=d.loc[1, "count"], events_0=d.loc[0, "sum"], n_0=d.loc[0, "count"]
    )


def wald_ratios() -> dict[str, Any]:
    rows = wald_counts().tidy().set_index("estimand")
    out = {
        "risk_difference": rows.loc["risk difference", "estimate"],
        "se_risk_difference": rows.loc["risk difference", "std_error"],
    }
    for name in ("risk ratio", "odds ratio"):
        key, found = name.replace(" ", "_"), rows.loc[name]
        out |= {f"log_{key}": math.log(found["estimate"]), f"se_log_{key}": found["std_error"]}
        out |= {f"{key}_low": found["conf_low"], f"{key}_high": found["conf_high"]}
    return out


def needed() -> dict[str, Any]:
    found = tk.effect_size.number_needed_to_treat(wald_counts())
    return {"nnt": found.estimate, "nnt_at_conf_high": found.at_conf_high, "nnt_at_conf_low": found.at_conf_low}


def logit_d() -> dict[str, Any]:
    odds = wald_counts().tidy().set_index("estimand").loc["odds ratio"]
    found = tk.effect_size.convert(odds["estimate"], source="odds_ratio", target="d", std_error=odds["std_error"])
    return {"estimate": found.estimate, "variance": found.std_error**2}


def clustered(found: Any) -> dict[str, Any]:
    return {
        "d": found.d,
        "variance_d": found.variance,
        "df_h": found.df,
        "hedges_g": found.g,
        "variance_d_printed": found.variance_printed,
    }


def summary(label: str) -> Any:
    return data("effect_summaries.csv").set_index("label").loc[label]


def clustered_summary() -> dict[str, Any]:
    s = summary("clustered")
    sizes = {f"sizes_{a}": [int(s[f"size_{a}"])] * int(s[f"clusters_{a}"]) for a in (0, 1)}
    return clustered(
        tk.effect_size.clustered_g(mean_1=s["mean_1"], sd_1=s["sd_1"], mean_0=s["mean_0"], sd_0=s["sd_0"], icc=s["icc"], **sizes)
    )


def one_arm_summary() -> dict[str, Any]:
    s = summary("one_arm")
    found = tk.effect_size.one_arm_grouped_g(
        mean_1=s["mean_1"], sd_1=s["sd_1"], sizes_1=[int(s["size_1"])] * int(s["clusters_1"]),
        mean_0=s["mean_0"], sd_0=s["sd_0"], n_0=int(s["clusters_0"]), icc=s["icc"],
    )  # fmt: skip
    return clustered(found)


def dppc2() -> dict[str, Any]:
    found = tk.itt(individual(), "y1").standardized("dppc2", baseline="y0")
    return {"estimate": found.estimate, "variance": found.variance, "correlation": found.correlation}


CASES |= {
    "romano_wolf_matrix": lambda: (
        lambda t, null: {"p_adjusted": tk.adjust_p(statistics=t, null=null, method="romano_wolf").tolist()}
    )(*null_draws("null_statistics.csv")),
    "westfall_young_matrix": lambda: (
        lambda p, null: {
            "p_adjusted": tk.adjust_p(p, null=null, method="westfall_young").tolist(),
            "p_adjusted_plain": tk.adjust_p(p, null=null, method="westfall_young", plus_one=False).tolist(),
        }
    )(*null_draws("null_p.csv")),
    "gatekeeping_parallel": lambda: gatekept(
        "parallel", [0.5, 0.5, 0, 0], [[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0, 1, 0, 0], [1, 0, 0, 0]]
    ),
    "gatekeeping_fallback": lambda: gatekept("fallback", [0.5, 0.3, 0.2], [[0, 1, 0], [0, 0, 1], [0.5, 0.5, 0]]),
    "gatekeeping_families": lambda: gatekept(
        "families",
        [0.4, 0.4, 0.2, 0, 0],
        [[0, 0.25, 0.25, 0.5, 0], [0.25, 0, 0.25, 0.25, 0.25], [0.3, 0.3, 0, 0, 0.4], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]],
    ),
    "icw_complete": lambda: indexed(["y1", "m1", "contacts"]),
    "icw_missing_pattern": lambda: indexed(["y1_obs", "m1", "contacts"], missing="pattern"),
    "icw_missing_renormalize": lambda: indexed(["y1_obs", "m1", "contacts"], missing="renormalize"),
    "klk_missing": lambda: indexed(["y1_obs", "m1", "contacts"], kind="klk"),
    **{f"meta_{m}": (lambda m=m: meta(m)) for m in ("DL", "REML", "PM")},
    "meta_prediction_interval": meta_prediction,
    "ratios_wald": wald_ratios,
    "nnt": needed,
    "logit_d": logit_d,
    "hedges_g_cluster_equal": clustered_summary,
    "hedges_g_cluster_unequal": lambda: clustered(
        tk.itt(cluster(), "y", estimator="difference_in_means").standardized("hedges_g", icc=0.12)
    ),
    "hedges_g_one_arm_grouped": one_arm_summary,
    "dppc2": dppc2,
}


def against_margin(which: str, **margin: Any) -> dict[str, Any]:
    found = tk.itt(individual(), "y1", adjust=["y0"], covariance="HC2", **margin)
    test = getattr(found, which)
    keys = ("p_value", "conf_low_90", "conf_high_90", *(("p_lower", "p_upper") if which == "equivalence" else ()))
    return row(found) | {k: getattr(test, k) for k in keys}


CASES |= {
    "equivalence_ancova": lambda: against_margin("equivalence", equivalence=(-0.6, 0.6)),
    "noninferiority_ancova": lambda: against_margin("noninferiority", noninferiority=-0.2),
}


def on_log_scale(result: Any) -> dict[str, Any]:
    """A ratio as its log; limits stay ratios, as in `.tidy()`."""
    found = row(result)
    return found | {"estimate": math.log(found["estimate"])}


def win_odds() -> dict[str, Any]:
    result = tk.itt(individual(), "rating", measure="win_odds")
    found = {"win_probability": result.win_probability, "se_win_probability": result.se_win_probability}
    return on_log_scale(result) | found | {"win_odds": row(result)["estimate"]}


def quantiles(*levels: float, **options: Any) -> dict[str, Any]:
    return {f"estimate_{100 * q:.0f}": itt(individual(), measure="quantile", q=q, **options)["estimate"] for q in levels}


def savings_margins() -> dict[str, Any]:
    capped = tk.itt(individual(), "savings", estimator="difference_in_means", cap=0.99)
    found = {"capped": row(capped), "any": itt(individual(), "savings", estimator="difference_in_means", margin="any")}
    return {"cap": capped.cap} | {f"{k}_{s}": v[k] for s, v in found.items() for k in ("estimate", "std_error", "df")}


CASES |= {
    "win_odds": win_odds,
    "win_odds_se": win_odds,
    "proportional_odds": lambda: on_log_scale(tk.itt(individual(), "rating", measure="proportional_odds", adjust=["y0"])),
    "quantile_difference": lambda: quantiles(0.25, 0.5, 0.75),
    "quantile_regression": lambda: quantiles(0.33, 0.57, adjust=["y0"]),
    "savings_margins": savings_margins,
}


def mixed(trial: tk.Trial, outcome: str, **options: Any) -> dict[str, Any]:
    result = tk.itt(trial, outcome, estimator="mixed", **options)
    fit = {"deviance": result.deviance, "minus2_reml": result.deviance, "reml_criterion": result.deviance}
    return row(result) | result.variance_components | fit | {"loglik_reml": -result.deviance / 2}


def mixed_blocks() -> dict[str, Any]:
    plain, kr = (mixed(cluster(strata=["block"]), "y", adjust=["x"], df=df) for df in ("satterthwaite", "kenward_roger"))
    return plain | {"std_error_kr": kr["std_error"], "df_kr": kr["df"]}


CASES |= {
    "grouped_reml_homoscedastic_satterthwaite": lambda: mixed(
        grouped(), "y1", adjust=["y0"], residual_by_arm=False, df="satterthwaite"
    ),
    "grouped_reml_homoscedastic_kr": lambda: mixed(grouped(), "y1", adjust=["y0"], residual_by_arm=False, df="kenward_roger"),
    "grouped_reml_heteroscedastic": lambda: mixed(grouped(), "y1", adjust=["y0"]),
    "grouped_reml_heteroscedastic_satterthwaite": lambda: mixed(grouped(), "y1", adjust=["y0"]),
    "cluster_mixed_satterthwaite": lambda: mixed(cluster(), "y", adjust=["x"], df="satterthwaite"),
    "cluster_mixed_kr": lambda: mixed(cluster(), "y", adjust=["x"], df="kenward_roger"),
    "cluster_mixed_blocks": mixed_blocks,
}


def log_scale(found: dict[str, Any]) -> dict[str, Any]:
    """Numbers of a ratio on the log scale."""
    return found | {"estimate": math.log(found["estimate"]), "log_estimate": math.log(found["estimate"])}


def risks(measure: str, **options: Any) -> dict[str, Any]:
    found = itt(individual(**options.pop("roles", {})), "job", measure=measure, **options)
    return found if measure == "risk_difference" else log_scale(found)


def wald_of_trial() -> dict[str, Any]:
    """Wald's errors through `itt`, under the names of the case."""
    found = {m: itt(individual(), "job", measure=m, covariance="wald") for m in ("risk_difference", "risk_ratio", "odds_ratio")}
    out = {"risk_difference": found["risk_difference"]["estimate"], "se_risk_difference": found["risk_difference"]["std_error"]}
    for m in ("risk_ratio", "odds_ratio"):
        out |= {f"log_{m}": math.log(found[m]["estimate"]), f"se_log_{m}": found[m]["std_error"]}
        out |= {f"{m}_low": found[m]["conf_low"], f"{m}_high": found[m]["conf_high"]}
    return out


def needed_of_trial() -> dict[str, Any]:
    found = tk.itt(individual(), "job", measure="risk_difference", covariance="wald").number_needed_to_treat()
    return {"nnt": found.estimate, "nnt_at_conf_high": found.at_conf_high, "nnt_at_conf_low": found.at_conf_low}


def cluster_outcomes() -> tk.Trial:
    return tk.Trial(data("cluster_outcomes.csv"), arm="z", control=0, cluster="cluster")


RISKS = {"diff": "risk_difference", "logrr": "risk_ratio", "logor": "odds_ratio"}
CASES |= {
    **{f"binary_{k}_Ye": (lambda m=m: risks(m, adjust=["y0", "age"])) for k, m in RISKS.items()},
    **{
        f"gcomp_binary_strata_{k}": (lambda m=m: risks(m, roles={"strata": ["site"]}, adjust=["y0", "age"], strata_effects=False))
        for k, m in RISKS.items()
    },
    "gcomp_poisson_strata": lambda: log_scale(
        itt(
            individual(strata=["site"]),
            "contacts",
            adjust=["y0"],
            measure="mean_ratio",
            estimator="g_computation",
            working_model="poisson",
            strata_effects=False,
        )
    ),
    "grouped_log_risk_ratio": lambda: log_scale(
        itt(grouped_outcomes(), "job", measure="risk_ratio", estimator="difference_in_means")
    ),
    "poisson_qmle_HC0": lambda: log_scale(itt(individual(), "contacts", measure="rate_ratio", adjust=["y0"], covariance="HC0")),
    "mean_ratio_savings_HC0": lambda: log_scale(
        itt(individual(), "savings", measure="mean_ratio", adjust=["y0"], covariance="HC0")
    ),
    "logit_CR2": lambda: log_scale(
        itt(cluster_outcomes(), "job", measure="odds_ratio", estimator="logit", adjust=["x"], covariance="CR2")
    ),
    "ratios_wald": wald_of_trial,
    "nnt": needed_of_trial,
}


def over_waves(structure: str = "us", **options: Any) -> dict[str, Any]:
    """Effects at waves 1 and 2 of the grouped trial, its groups ignored."""
    trial = tk.Trial(data("grouped.csv"), arm="arm", control="individual", unit="id")
    return waves_found(tk.longitudinal(trial, waves={0: "y0", 1: "y1", 2: "y2"}, covariance_structure=structure, **options))


def waves_found(result: Any) -> dict[str, Any]:
    out = {"deviance": result.deviance, **result.variance_components}
    for r in result.tidy().dropna(subset="wave").to_dict("records"):
        out |= {f"{k}_{r['wave']:g}": r[k] for k in ("estimate", "std_error", "df")}
    return out


CASES |= {
    **{f"clda_{s}_satterthwaite": (lambda s=s: over_waves(s)) for s in ("us", "cs", "ar1", "toep")},
    "clda_us_kr_linear": lambda: over_waves(df="kenward_roger"),
    "clda_us_cr2": lambda: over_waves(covariance="CR2"),
    "clda_us_by_arm": lambda: over_waves(covariance_by_arm=True),
    "clda_grouped_satterthwaite": lambda: waves_found(tk.longitudinal(grouped(), waves={0: "y0", 1: "y1", 2: "y2"})),
}


TIME = tk.Time("weeks", "event")


def hazard(trial: tk.Trial, **options: Any) -> dict[str, Any]:
    found = row(tk.itt(trial, TIME, measure="hazard_ratio", **options))
    return found | {"estimate": math.log(found["estimate"])}


def cluster_hazard() -> dict[str, Any]:
    trial = tk.Trial(data("cluster_outcomes.csv"), arm="z", control=0, cluster="cluster")
    model = hazard(trial, adjust=["x"], covariance="classical")["std_error"]
    return hazard(trial, adjust=["x"], covariance="CR0") | {"std_error_model": model}


def stratified_logrank() -> dict[str, Any]:
    r = tk.logrank(individual(strata=["site"]), TIME)
    return {"chisq": r.statistic, "p_value": r.p_value, "observed_1": r.observed[1], "expected_1": r.expected[1]}


def restricted_means() -> dict[str, Any]:
    r = tk.itt(individual(), TIME, measure="rmst_difference", tau=20)
    arms = {
        f"{a}_{k}": r.by_arm.loc[v, c]
        for k, v in ((0, "control"), (1, "peer"))
        for a, c in (("rmst", "rmst"), ("se", "std_error"))
    }
    return row(r) | arms | {"difference": r.estimates[0].estimate}


CASES |= {
    "cox_efron": lambda: hazard(individual(), adjust=["y0"], covariance="classical"),
    "cox_stratified": lambda: hazard(individual(strata=["site"]), adjust=["y0"], covariance="classical"),
    "cox_cluster_robust": cluster_hazard,
    "logrank": lambda: {"chisq": tk.itt(individual(), TIME, measure="hazard_ratio").logrank.statistic},
    "logrank_stratified": stratified_logrank,
    "rmst_20": restricted_means,
    "rmst_difference_20": restricted_means,
}


def profile(**roles: Any) -> dict[str, Any]:
    r = tk.selection.complier_profile(individual(**roles), uptake="attended", covariates=["age", "y0", "motivation", "female"])
    out = {"share_complier": r.share_complier, "share_never": r.share_never}
    for row in r.table:
        out |= {f"{row['covariate']}_complier": row["complier"], f"{row['covariate']}_never": row["never_taker"]}
    return out


CASES |= {"complier_profile": profile, "complier_profile_strata": lambda: profile(strata=["site"])}


def recoded_items(wave: str) -> pd.DataFrame:
    x = data("items.csv")[[f"{wave}_i{j}" for j in range(1, 9)]]
    return x.assign(**{f"{wave}_i{j}": 6 - x[f"{wave}_i{j}"] for j in (3, 7)})


def one_factor(x: pd.DataFrame) -> dict[str, Any]:
    r = tk.measurement.cfa(x, {"f": list(x.columns)})
    common, rest = r.loadings["f"].sum() ** 2, r.residual_variances["estimate"].sum()
    out = {k: getattr(r, k) for k in ("chisq", "df", "cfi", "tli", "rmsea", "srmr")}
    out |= {"omega_model": common / (common + rest), "omega_observed": common / x.cov(ddof=0).to_numpy().sum()}
    return out | {f"loading_{j}": v for j, v in enumerate(r.loadings["f"], 1)}


def misfit_items(wave: str) -> pd.DataFrame:
    return data("items_misfit.csv")[[f"{wave}_i{j}" for j in range(1, 7)]]


def two_wave_factors() -> dict[str, Any]:
    r = tk.measurement.cfa(data("items_misfit.csv"), {w: list(misfit_items(w).columns) for w in ("t0", "t1")})
    fit = {k: getattr(r, k) for k in ("chisq", "df", "cfi", "rmsea", "srmr")}
    return fit | {"factor_correlation": r.factor_correlations.iloc[0, 1]}


def robust_factor() -> dict[str, Any]:
    x = recoded_items("t1")
    r = tk.measurement.cfa(x, {"f": list(x.columns)}, robust="mlr")
    names = ("chisq_scaled", "df", "p_scaled", "scaling_factor", "cfi_robust", "rmsea_robust", "srmr")
    return {k: getattr(r, k) for k in names} | {"loadings": r.loadings["f"].tolist(), "se_loadings": r.se_loadings["f"].tolist()}


CASES |= {
    "cfa_t0": lambda: one_factor(recoded_items("t0")),
    "cfa_t1": lambda: one_factor(recoded_items("t1")),
    "misfit_cfa_t0": lambda: one_factor(misfit_items("t0")),
    "misfit_cfa_t1": lambda: one_factor(misfit_items("t1")),
    "misfit_two_factor": two_wave_factors,
    "cfa_mlr": robust_factor,
}


def pooled_imputations() -> dict[str, Any]:
    d = data("imputations.csv")
    trial = tk.Trial(d, arm="z", control=0, unit="id")
    rows = [itt(trial, f"imp{k}", adjust=["y0"], covariance="classical") for k in range(1, 9)]
    r = tk.missing.pool([e["estimate"] for e in rows], [e["std_error"] ** 2 for e in rows], df=147)
    return row(r) | {k: getattr(r, k) for k in ("within", "between", "riv", "fmi")}


def rubin() -> dict[str, Any]:
    r = tk.missing.pool([0.31, 0.28, 0.36, 0.33, 0.30], [0.010, 0.011, 0.0095, 0.0102, 0.0105], df=116)
    return {"estimate": r.estimate, "variance": r.std_error**2, "df": r.df, "fmi": r.fmi}


CASES |= {"imputations_pooled": pooled_imputations, "rubin": rubin}


def scale_mean(wave: str) -> pd.Series:
    return recoded_items(wave).mean(axis=1)


def reliability_of(wave: str) -> dict[str, Any]:
    r = tk.measurement.reliability(recoded_items(wave))
    return {"alpha": r.alpha, "std_alpha": r.alpha_standardized, "low": r.alpha_low, "high": r.alpha_high}


def reliability_by_arm() -> dict[str, Any]:
    r = tk.measurement.reliability(recoded_items("t1"), by=data("items.csv")["z"])
    return {f"{name}_{arm}": getattr(r[arm], name) for arm in "01" for name in ("alpha", "n")}


def reliability_items() -> dict[str, Any]:
    r = tk.measurement.reliability(recoded_items("t0"))
    columns = {"alpha_if_dropped": "alpha_if_dropped", "item_rest": "item_rest", "item_mean": "mean"}
    return {key: r.items[column].tolist() for key, column in columns.items()} | {"average_r": r.average_r}


def reliability_ordinal() -> dict[str, Any]:
    r = tk.measurement.reliability(recoded_items("t1"), ordinal=True)
    return {"ordinal_alpha": r.ordinal_alpha, "polychoric_12": r.polychoric.iloc[0, 1]}


def reliability_halves() -> dict[str, Any]:
    halves = tk.measurement.reliability(recoded_items("t1")).split_half
    return {name: getattr(halves, name) for name in ("correlation", "spearman_brown", "guttman")}


def icc_of_waves(*names: str) -> dict[str, Any]:
    r = tk.measurement.icc(pd.DataFrame({w: scale_mean(w) for w in ("t0", "t1")}))
    return {name: getattr(r, name) for name in names}


def stability() -> dict[str, Any]:
    pre, post = scale_mean("t0"), scale_mean("t1")
    out: dict[str, Any] = {}
    for reliability, end in ((None, ""), (0.85, "_85")):
        r = tk.measurement.test_retest(pre, post, reliability=reliability)
        change, reach = post - pre, r.smallest_detectable_change
        out |= {"correlation": r.correlation, f"sem{end}": r.sem}
        if not end:
            out["se_difference"] = r.se_difference
        counts = {"improved": change > reach, "deteriorated": change < -reach, "unchanged": change.abs() <= reach}
        out |= {f"{name}{end}": float(which.sum()) for name, which in counts.items()}
    return out


CASES |= {
    "alpha_t0": lambda: reliability_of("t0"),
    "alpha_t1": lambda: reliability_of("t1"),
    "alpha_by_arm": reliability_by_arm,
    "alpha_if_dropped": reliability_items,
    "ordinal_alpha": reliability_ordinal,
    "split_half": reliability_halves,
    "icc_waves": lambda: icc_of_waves("icc1", "icc2", "icc3"),
    "icc_waves_intervals": lambda: icc_of_waves(
        *(f"icc{i}_{end}" for i in "123" for end in ("low", "high")), "icc1k", "icc2k", "icc3k"
    ),
    "test_retest": stability,
}


def balance_of(trial: tk.Trial, covariates: list[str], **options: Any) -> dict[str, Any]:
    r = tk.selection.balance(trial, covariates, **options)
    return {"chisq": r.chisq, "df": r.df, "p_value": r.p_value}


def balance_by_totals(trial: tk.Trial) -> dict[str, Any]:
    totals = balance_of(trial, ["x", "female"], cluster_size=False)
    return balance_of(trial, ["x", "female"]) | {f"{k}_totals": v for k, v in totals.items()}


def balance_differences() -> dict[str, Any]:
    names = ["age", "y0", "motivation", "female"]
    # the case takes n - 1 for female too; a share of zeros and ones has p(1 - p), so it is coded as a number here
    trial = individual().with_columns({"female": data("individual.csv")["female"] + 1})
    rows = tk.selection.balance(trial, names).tidy().set_index("covariate")
    smd = {f"{n}_smd": rows.loc[n, "standardized_difference"] for n in names}
    return smd | {f"{n}_variance_ratio": rows.loc[n, "variance_ratio"] for n in names}


def robustness() -> dict[str, Any]:
    r = tk.selection.robustness_value(data("individual.csv"), "y1", treatment="attended", adjust=["y0", "age", "female"])
    return {"rv_q": r.rv_q, "rv_qa": r.rv_qa, "r2yd": r.partial_r2}


def stability() -> dict[str, Any]:
    r = tk.selection.oster(data("individual.csv"), "y1", treatment="attended", adjust=["y0", "motivation", "m1"], r2_max="1.3")
    return {"r2_max": r.r2_max, "delta": r.delta, "beta": r.beta}


def pair_bounds() -> dict[str, Any]:
    d = data("pairs.csv")
    r = tk.selection.rosenbaum_bounds(tk.Trial(d, arm="z", control=0, strata=["pair"]), outcome="y", gamma=[1, 1.5, 2, 3])
    return {"statistic": r.statistic, "p_upper": r.p_upper, "p_lower": r.p_lower}


def e_values() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for e in data("estimates.csv").to_dict("records"):
        conf = None if e["measure"] == "smd" else (e["conf_low"], e["conf_high"])
        measure = {"r": "risk_ratio", "o": "odds_ratio", "s": "smd"}[e["measure"][0]]
        common = True if measure == "odds_ratio" else None
        std_error = e["std_error"] if measure == "smd" else None
        r = tk.selection.evalue(e["estimate"], measure=measure, conf=conf, common=common, std_error=std_error)
        found |= {e["measure"]: r.estimate, f"{e['measure']}_limit": r.limit}
    return found


def cost_effect(label: str) -> dict[str, Any]:
    d = data("cost_effect.csv").set_index("label").loc[label]
    r = tk.economics.icer(**d.to_dict())
    found = {k: getattr(r, k) for k in ("icer", "inmb", "se_inmb")} | dict(zip(("root_low", "root_high"), r.roots))
    return found | {"bounded": float(r.bounded), "ceac": r.ceac([d["threshold"] / 3, d["threshold"], 2 * d["threshold"]])}


def peers(file: str) -> dict[str, Any]:
    r = tk.selection.peer_assignment_test(data(file), x="x", group="group", pool="pool")
    return {k: getattr(r, k) for k in ("statistic", "p_value", "slope", "slope_expected")}


CASES |= {
    "balance_omnibus": lambda: balance_of(individual(), ["age", "female", "y0", "motivation"]),
    "balance_omnibus_strata": lambda: balance_of(individual(strata=["site"]), ["age", "female", "y0", "motivation"]),
    "balance_omnibus_clustered": lambda: balance_by_totals(cluster()),
    "balance_omnibus_block_clustered": lambda: balance_by_totals(cluster(strata=["block"])),
    "balance_smd": balance_differences,
    "robustness_value": robustness,
    "oster": stability,
    "rosenbaum_bounds": pair_bounds,
    "evalue": e_values,
    "peer_assignment_test": lambda: peers("pools.csv"),
    "exclusion_bias": lambda: peers("pools_equal.csv"),
    "icer_fieller": lambda: cost_effect("bounded"),
    "icer_fieller_unbounded": lambda: cost_effect("unbounded"),
}


def mediation(outcome: str, keys: dict[str, str], **kw: Any) -> dict[str, Any]:
    r = tk.mediate(individual(), outcome, mediator="m1", adjust=["y0", "age"], n_draws=200, seed=1, **kw)
    return {k: r.effect(v).estimate for k, v in keys.items()}


NESTED = {"acme_0": "acme_control", "acme_1": "acme_treated", "ade_0": "ade_control", "ade_1": "ade_treated"}
CASES |= {
    "mediate_linear": lambda: mediation("y1", {n: n for n in ("acme", "ade", "total")}, interaction=False),
    "mediate_interaction": lambda: mediation("y1", NESTED),
    "mediate_binary_outcome": lambda: mediation("job", NESTED | {"total": "total"}, interaction=False, measure="risk_difference"),
}


def invariance_levels(r: Any, names: tuple[str, ...]) -> dict[str, Any]:
    table = r.tidy().set_index("model")
    return {f"{m}_{k}": table.loc[m, k] for m in names for k in ("chisq", "df", "cfi", "rmsea", "srmr")}


LEVELS = ("configural", "metric", "scalar", "strict")


def invariance_waves(items: Callable[[str], pd.DataFrame], last: int = 3) -> dict[str, Any]:
    lists = {w: list(items(w).columns) for w in ("t0", "t1")}
    r = tk.measurement.invariance(pd.concat([items(w) for w in lists], axis=1), waves=lists, levels=LEVELS[:last])
    return invariance_levels(r, LEVELS[3:] if last == 4 else LEVELS[:3])


def invariance_arms(items: Callable[[str], pd.DataFrame], file: str, last: int = 3) -> dict[str, Any]:
    x = items("t1")
    r = tk.measurement.invariance(x.assign(z=data(file)["z"]), items=list(x.columns), by="z", levels=LEVELS[:last])
    return invariance_levels(r, LEVELS[3:] if last == 4 else LEVELS[:3])


CASES |= {
    "invariance_waves": lambda: invariance_waves(recoded_items),
    "invariance_arms": lambda: invariance_arms(recoded_items, "items.csv"),
    "misfit_invariance_waves": lambda: invariance_waves(misfit_items),
    "misfit_invariance_arms": lambda: invariance_arms(misfit_items, "items_misfit.csv"),
    "invariance_waves_strict": lambda: invariance_waves(recoded_items, 4),
    "invariance_arms_strict": lambda: invariance_arms(recoded_items, "items.csv", 4),
}


def observed(column: str) -> tk.Trial:
    """Everyone's column, taken as missing for those who did not respond."""
    d = individual_data()
    return tk.Trial(d.assign(**{f"{column}_obs": d[column].where(d["responded"] == 1)}), arm="arm", control="control", unit="id")


def attrition_tests(baseline: str | list[str] = "y0", roles: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    tests = tk.selection.attrition(individual(**(roles or {})), "y1_obs", baseline=baseline, **options).tests
    name, several = {"iv_r": "ivr", "iv_p": "ivp"}, not isinstance(baseline, str)
    out: dict[str, Any] = {}
    for r in tests[tests["baseline"] == ("all" if several else baseline)].to_dict("records"):
        keys = ("chisq", "df", "p_value") if several else ("F", "df_num", "p_value")
        out |= {f"{name[r['test']]}_{k}": r[c] for k, c in zip(keys, ("statistic", "df_num", "p_value"))}
        out[f"{name[r['test']]}_df_denom"] = r["df_denom"]
    return out


def attrition_wwc() -> dict[str, Any]:
    r = tk.selection.attrition(individual(), "y1_obs", baseline="y0")
    return {"overall": r.overall, "differential": r.differential, **{f"bias_{k}": v for k, v in r.bias.items()}}


def boundaries() -> dict[str, Any]:
    def at(assumption: str, tolerance: float) -> list[float]:
        found = tk.selection.attrition_boundary([0.1, 0.2, 0.3, 0.4], assumption=assumption, tolerance=tolerance)  # type: ignore[arg-type]
        return list(found.tolist())

    return {f"{a}{s}": at(a, t) for a in ("cautious", "optimistic") for s, t in (("", 0.05), ("_055", 0.055))}


def bounded(r: Any) -> dict[str, Any]:
    names = ("lower", "upper", "se_lower", "se_upper", "trim", "effect_conf_low", "effect_conf_high")
    return {k: getattr(r, k) for k in names}


def tight_bounds() -> dict[str, Any]:
    trial = individual()
    trial = trial.with_columns({"y0_high": trial.values("y0") >= 3})
    return bounded(tk.selection.lee_bounds(trial, "y1_obs", cells=["y0_high"]))


def assumed_bounds() -> dict[str, Any]:
    table = tk.selection.kling_liebman(individual(), "y1_obs", sd=[0.1, 0.25]).tidy()
    return {f"{side}_{r['sd']:g}": r[side] for r in table.to_dict("records") for side in ("lower", "upper")}


def response_weighted() -> dict[str, Any]:
    r = tk.itt(individual(), "y1_obs", adjust=["y0"], response_weights=["y0", "age", "female"])
    return row(r) | {"std_error_fixed": r.std_error_fixed}


CASES |= {
    "attrition_test_classical": lambda: attrition_tests(covariance="classical"),
    "attrition_test_HC1": lambda: attrition_tests(covariance="HC1"),
    "attrition_test_strata_HC1": lambda: attrition_tests(covariance="HC1", roles={"strata": ["site"]}),
    "attrition_test_strata_saturated_HC1": lambda: attrition_tests(covariance="HC1", roles={"strata": ["site"]}, saturated=True),
    "attrition_test_joint": lambda: attrition_tests(["y0", "age"]),
    "attrition_wwc": attrition_wwc,
    "wwc_boundary": boundaries,
    "lee_bounds": lambda: bounded(tk.selection.lee_bounds(individual(), "y1_obs")),
    "lee_bounds_ties": lambda: bounded(tk.selection.lee_bounds(observed("rating"), "rating_obs")),
    "lee_bounds_tight": tight_bounds,
    "manski_bounds_binary": lambda: bounded(tk.selection.manski_bounds(observed("job"), "job_obs", support=(0, 1))),
    "manski_bounds_rating": lambda: bounded(tk.selection.manski_bounds(observed("rating"), "rating_obs", support=(1, 4))),
    "kling_liebman": assumed_bounds,
    "ipw_response": response_weighted,
}


def tipton() -> dict[str, Any]:
    d = data("individual.csv")
    came = d["attended"] == 1
    r = tk.selection.generalizability(d[came], d[~came], ["age", "female", "y0", "motivation"])
    s, p = [0.2, 0.3, 0.4, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    vectors = {f"vectors_{k}": tk.selection.tipton_index(s, p, scale=k) for k in ("probability", "logit")}
    return {"index_probability": r.index_probability, "index_logit": r.index_logit} | vectors


def preference(**options: Any) -> dict[str, Any]:
    table = tk.selection.preference_trial(data("preference.csv"), "y", arm="arm", treatment="treatment", **options).tidy()
    rows = table.set_index("effect")
    return rows["estimate"].to_dict() | {f"se_{k}": v for k, v in rows["std_error"].items()}


def saturation() -> dict[str, Any]:
    r = tk.selection.saturation(data("saturation.csv"), "y", arm="z", cluster="cluster", saturation="saturation")
    rows = r.tidy().set_index("effect")
    spillovers = ["spillover_treated", "spillover_untreated"]
    return {
        "y1": r.means["y1"].tolist(), "y0": r.means["y0"].tolist(), "direct": rows.loc["direct", "estimate"].tolist(), "se_direct": rows.loc["direct", "std_error"].tolist(),
        "marginal_direct": rows.loc["marginal_direct", "estimate"], "se_marginal_direct": rows.loc["marginal_direct", "std_error"],
        "se_spillover": rows.loc[spillovers, "std_error"].tolist(),
    } | {k: rows.loc[k, "estimate"].tolist() for k in spillovers}  # fmt: skip


CASES |= {
    "tipton_index": tipton,
    "preference_trial": preference,
    "preference_trial_strata": lambda: preference(strata=["stratum"]),
    "saturation_design": saturation,
}


def rho_curve() -> dict[str, Any]:
    s = tk.mediate(individual(), "y1", mediator="m1", adjust=["y0", "age"], interaction=False, n_draws=200, seed=1).sensitivity()
    at = s.at(0.3)
    names = {"acme_at_0.3": "estimate", "low_at_0.3": "conf_low", "high_at_0.3": "conf_high"}
    return {k: at[v] for k, v in names.items()} | {"acme_at_m0.2": s.at(-0.2)["estimate"]}


def four_parts() -> dict[str, Any]:
    r = tk.mediate(individual(), "y1", mediator="m1", adjust=["y0", "age"], interaction=True, n_draws=200, seed=1).four_way(
        mediator_value=1.5
    )
    return {e.estimand: e.estimate for e in r.estimates} | {f"se_{e.estimand}": e.std_error for e in r.estimates}


CASES |= {"medsens_linear": rho_curve, "four_way_linear": four_parts}


# numbers that the result does not carry: other names of the same thing, or the inputs of another case
UNUSED = {"cohens_d", "d_low", "d_high", "variance", "p_strict", "conf_low_z", "conf_high_z"}


def _reading(case: Callable[[], dict[str, Any]]) -> Callable[[Path], dict[str, Any]]:
    def run(folder: Path) -> dict[str, Any]:
        token = FOLDER.set(Path(folder))
        try:
            return case()
        finally:
            FOLDER.reset(token)

    return run


# case id -> function of the folder that holds the inputs: another draw of the same cases is run by another folder
MAP: dict[str, Callable[[Path], dict[str, Any]]] = {name: _reading(case) for name, case in CASES.items()}


def load(suite: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((HERE / suite).read_text())
    return cases


def agrees(found: Any, expected: Any, tolerance: float) -> bool:
    """Within the tolerance absolutely or relatively."""
    if isinstance(expected, list):
        return len(found) == len(expected) and all(agrees(f, e, tolerance) for f, e in zip(found, expected))
    if found is None or (isinstance(found, float) and math.isnan(found)):
        return False
    return bool(abs(found - expected) <= tolerance or abs(found - expected) <= tolerance * abs(expected))
