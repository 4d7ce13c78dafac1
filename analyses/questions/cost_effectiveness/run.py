"""Is the group worth its price? Net benefit, cost per QALY and acceptability, for the municipality and for society.

From the top of the repository: `python analyses/questions/cost_effectiveness/run.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import telling  # noqa: E402  (the folder above is not a package)
import town  # noqa: E402

SEED, N, VALUE = 1, 1360, 20_000
THRESHOLDS = (0, 10_000, 20_000, 50_000)
GROUP_PRICE, COACH_PRICE = 9_500.0, 500.0
PERSPECTIVES = ("society", "municipality")


def main(arguments: list[str]) -> int:
    """Print the answer."""
    return telling.told(answer, arguments)


def answer() -> dict[str, Any]:
    """Simulate, run the plan, and add the ratio and the acceptability by perspective."""
    frame, true = data(), truths()
    planned = {o.name: o for o in tk.Plan.load(HERE / "plan.toml").run(frame).outcomes}
    main_result = planned["net_benefit_society"]
    found = {name: o.result.estimates[0] for name, o in planned.items()}
    society, municipality = found["net_benefit_society"], found["net_benefit_municipality"]
    drawn = main_result.companions["wild_bootstrap"].estimates[0]
    ratios = {who: ratio(found, who) for who in PERSPECTIVES}
    return {
        "question": "Is the group worth its price?",
        "design": "randomized to a group or to individual coaching, groups in one arm; costs counted per person for a year, and the group's own price shared by its members",
        "size": size(),
        "estimand": f"net benefit to society of group instead of individual coaching, euros a person in a year at {VALUE:,} euros a QALY",
        "truth": true["net_benefit_society"],
        "naive": naive(frame),
        "estimate": society.estimate,
        "low": society.conf_low,
        "high": society.conf_high,
        "rows": [
            telling.row(
                "net benefit to society, interval by drawing whole groups", found=drawn, truth=true["net_benefit_society"]
            ),
            telling.row("net benefit to society, groups ignored", found=ungrouped(frame), truth=true["net_benefit_society"]),
            telling.row("net benefit to the municipality", found=municipality, truth=true["net_benefit_municipality"]),
            telling.row("costs to society", found=found["cost_society"], truth=true["cost_society"]),
            telling.row("costs to the municipality", found=found["cost_municipality"], truth=true["cost_municipality"]),
            telling.row("QALYs", found=found["qaly"], truth=true["qaly"]),
            *(ratio_row(who, ratios[who], true) for who in PERSPECTIVES),
            *(acceptable_row(who, ratios[who]) for who in PERSPECTIVES),
        ],
        "conclusion": conclusion(society, municipality),
        "missing": "tk.economics.icer works from summary figures: their correlation is taken from three net-benefit regressions, and whole groups are drawn "
        "for a net benefit, not for costs and QALYs jointly. Costs that are missing would first have to be imputed.",
    }


def outcomes(frame: pd.DataFrame, offered: Any, group: Any) -> dict[str, Any]:
    """Costs and QALYs of a year; the same people fare differently in another arm with the same draws."""
    qaly = town.scores(
        frame, "qaly", seed=SEED, effect=0.15 * offered, group=group, group_sd=0.15, baseline="utility_t0", persistence=0.5, sd=0.2, mean=0.7
    )  # fmt: skip
    months = 8.0 + town.scores(frame, "months on benefit", seed=SEED, effect=-0.15 * offered, group=group, group_sd=0.15, sd=3.0)
    idle = 1_800.0 * np.exp(0.9 * town.scores(frame, "lost work", seed=SEED, effect=-0.30 * offered, group=group, group_sd=0.15))
    care = 2_200.0 * np.exp(0.8 * town.scores(frame, "care", seed=SEED) - 0.32) * (1 - 0.05 * offered)
    size = pd.Series(group, dtype=object).map(pd.Series(group, dtype=object).value_counts())
    programme = np.where(offered == 1, GROUP_PRICE / size.fillna(1).to_numpy(dtype=float), COACH_PRICE)
    paid = frame["benefit_t0"].to_numpy() * np.clip(months, 0, 12)
    costs = {"cost_society": programme + care + idle, "cost_municipality": programme + paid}
    value = {f"net_benefit_{who}": VALUE * qaly - costs[f"cost_{who}"] for who in PERSPECTIVES}
    return {"qaly": qaly, "programme": programme, **costs, **value}


def before(n: int, seed: int) -> pd.DataFrame:
    """People with their health before the lottery."""
    frame = town.people(n, seed=seed)
    return frame.assign(
        utility_t0=town.scores(frame, "utility before", seed=seed, baseline="self_efficacy_t0", persistence=0.3, sd=0.2, mean=0.7)
    )


def data() -> pd.DataFrame:
    """The trial."""
    frame = before(N, SEED)
    frame["arm"] = town.allocate(frame, seed=SEED, arms=("individual", "group"))
    offered = (frame["arm"] == "group").to_numpy(dtype=float)
    frame["group"] = town.groups(frame, offered, seed=SEED)
    return frame.assign(**outcomes(frame, offered, frame["group"].to_numpy(dtype=object)))


def truths() -> dict[str, float]:
    """Everyone in groups against nobody, in a town of 20,000."""
    frame = before(20_000, SEED + 1)
    everyone, nobody = np.ones(len(frame)), np.zeros(len(frame))
    there = outcomes(frame, everyone, town.groups(frame, everyone, seed=SEED + 1))
    alone = outcomes(frame, nobody, np.full(len(frame), None))
    return {k: float(there[k].mean() - alone[k].mean()) for k in there}


def naive(frame: pd.DataFrame) -> float:
    """The price list: what the QALYs are worth, less the price of the group and of nothing else."""
    means = frame.groupby("arm")[["qaly", "programme"]].mean()
    gap = means.loc["group"] - means.loc["individual"]
    return float(VALUE * gap["qaly"] - gap["programme"])


def ungrouped(frame: pd.DataFrame) -> Any:
    """The same regression as if nobody had met in a group."""
    trial = tk.Trial(frame, unit="id", arm="arm", control="individual", strata=["district"])
    return tk.itt(trial, "net_benefit_society", adjust=["utility_t0", "benefit_t0"]).estimates[0]


def ratio(found: dict[str, Any], who: str) -> Any:
    """Cost per QALY; the correlation of costs and QALYs follows from the variance of their net benefit."""
    cost, qaly, net = found[f"cost_{who}"], found["qaly"], found[f"net_benefit_{who}"]
    covariance = (VALUE**2 * qaly.std_error**2 + cost.std_error**2 - net.std_error**2) / (2 * VALUE)
    return tk.economics.icer(
        delta_cost=cost.estimate, se_cost=cost.std_error, delta_effect=qaly.estimate, se_effect=qaly.std_error,
        correlation=covariance / (cost.std_error * qaly.std_error), threshold=VALUE, df=min(cost.df, qaly.df, net.df),
    )  # fmt: skip


def ratio_row(who: str, found: Any, true: dict[str, float]) -> dict[str, str]:
    """The ratio with Fieller's set; a negative one is named for what it means."""
    low, high = (telling.number(r) for r in found.roots)
    text = f"{low} to {high}" if found.bounded else "unbounded" if np.isnan(found.roots[0]) else f"below {low} or above {high}"
    d = found.details
    said = (words(r, e) for r, e in ((true[f"cost_{who}"] / true["qaly"], true["qaly"]), (found.icer, d["delta_effect"])))
    return {
        "what": f"cost per QALY, {who}",
        **dict(zip(("truth", "estimate"), said)),
        "interval": text if found.icer >= 0 else "",
    }


def words(ratio: float, effect: float) -> str:
    """A ratio below zero says whether the group is cheaper and better, or dearer and worse."""
    return telling.number(ratio) if ratio >= 0 else "cheaper and better" if effect > 0 else "dearer and worse"


def acceptable_row(who: str, found: Any) -> dict[str, str]:
    """Acceptability at several values of a QALY."""
    shares = ", ".join(">99 %" if p > 0.99 else "<1 %" if p < 0.01 else f"{100 * p:.0f} %" for p in found.ceac(THRESHOLDS))
    at = ", ".join(f"{t:,}" for t in THRESHOLDS)
    return {"what": f"acceptability at {at} euros a QALY, {who}", "truth": "", "estimate": shares, "interval": ""}


def size() -> str:
    """Groups for a net benefit of 1,000 euros a person."""
    wanted = tk.power.grouped(
        effect=1_000, sd=6_500, group_size=10, allocation=(1, 1), icc=0.03, baseline_correlation=0.3, power=0.8
    )
    return (
        f"{N} people, {round(N / 20)} groups of 10. Wanted for 80 % power for a net benefit of 1,000 euros (SD 6,500): "
        f"{wanted.design['groups']} groups of 10 and {wanted.design['controls']} people alone"
    )


def conclusion(society: Any, municipality: Any) -> str:
    """From the intervals alone."""
    parts = []
    for who, e in (("society", society), ("the municipality", municipality)):
        at = f"{telling.number(e.conf_low)} to {telling.number(e.conf_high)} euros a person"
        said = "pays" if e.conf_low > 0 else "does not pay" if e.conf_high < 0 else "may or may not pay"
        parts.append(f"for {who} the group {said} ({at})")
    joined = f"{parts[0]}, and {parts[1]}"
    return f"{joined[0].upper()}{joined[1:]}, at {VALUE:,} euros a QALY."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
