"""Run the plan of jobs_ii_2000 on the simulated data, then compliers, who gains, mediation, money and harms, each beside the truth.

From the top of the repository: `python analyses/jobs_ii_2000/run.py [folder for the report]`, or `... run.py coverage` for
replicated trials.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

import trialkit as tk
from trialkit.measurement import scale, score
from trialkit.results import Estimate

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import planned  # noqa: E402  (the folder above is not a package)
import worlds  # noqa: E402

KEY = HERE.name
ADJUST = ["age", "female", "motivation_t0", "strain_t0"]
# What a day of assistance costs the municipality: set before the data were made.
WORTH_OF_A_DAY = 36.0


def main(arguments: list[str]) -> int:
    """The plan with its report, and the tables that a plan does not carry."""
    if arguments == ["coverage"]:
        print(coverage().to_string(index=False))
        return 0
    if len(arguments) > 1:
        print("run.py takes one folder for the report, or 'coverage'", file=sys.stderr)
        return 2
    planned.main(KEY, arguments)
    for title, table in tables(trial()).items():
        print(f"\n{title}\n{table.to_string(index=False)}")
    return 0


def trial(data: pd.DataFrame | None = None) -> tk.Trial:
    """The people with their scores, and the days with work."""
    data = tk.read(planned.data(KEY)) if data is None else data
    for name, key, items, waves in (
        ("depression", "cesd_10", "ces", ("t0", "t2", "t3")),
        ("self_efficacy", "jobs_search_self_efficacy", "jss", ("t0", "t1")),
    ):
        for wave in waves:
            data[f"{name}_{wave}"] = score(data, scale(key), f"{items}_{wave}_{{item}}").values
    data["days_with_work"] = 730 - data["days_to_work"]
    return tk.Trial(data, arm="arm", control="booklet", unit="id", group="group", strata=["risk"])


def tables(people: tk.Trial) -> dict[str, pd.DataFrame]:
    """All tables by their title."""
    return {
        "Who came": compliers(people),
        "Who gains": moderation(people),
        "Depression through self-efficacy": mediation(people),
        "What is left of earnings, and what it costs": money(people),
        "Harms": harms(people),
    }


def compliers(people: tk.Trial) -> pd.DataFrame:
    """The effect on those who come when offered a place, beside the comparison of those who came with the control arm."""
    truth = tk.simulate.scenario(KEY, seed=1).value
    data = people.data
    came = tk.Trial(
        data[(data["arm"] == "booklet") | (data["attended"] == 1)], arm="arm", control="booklet", unit="id", group="group",
        strata=["risk"], ungrouped="singleton",
    )  # fmt: skip
    rows = []
    for outcome, column, adjust in (("depression", "depression_t2", ["depression_t0"]), ("employed", "employed_t2", [])):
        right = tk.cace(people, column, uptake="attended", adjust=[*adjust, *ADJUST]).estimates[0]
        naive = tk.itt(came, column, estimator="difference_in_means").estimates[0]
        rows.append(
            {
                "outcome": outcome,
                "truth": f"{truth(outcome, 'difference', 'complier'):.3f}",
                "complier effect": f"{right.estimate:.3f}",
                "interval": interval(right),
                "came against booklet": f"{naive.estimate:.3f}",
                "its interval": interval(naive),
            }
        )
    return pd.DataFrame(rows)


def moderation(people: tk.Trial) -> pd.DataFrame:
    """How much larger the effect is at high risk, and for one point more of motivation."""
    traits = (("risk", "high - low", None), ("motivation_t0", "a point of motivation", "continuous"))
    rows = []
    for outcome, column, adjust in (("depression", "depression_t2", ["depression_t0"]), ("employed", "employed_t2", [])):
        for by, words, kind in traits:
            data = people.with_columns({"risk_high": (people.data["risk"] == "high").astype(int)})
            name = "risk_high" if by == "risk" else by
            found = tk.subgroups(data, column, by=[name], adjust=[*adjust, *ADJUST], kind=kind, planned=True)
            e = next(e for e in found.estimates if e.extra["subgroup"] == "interaction")
            rows.append(
                {
                    "outcome": outcome,
                    "effect by": words,
                    "truth": f"{worlds.effects_by(KEY, outcome, by, worlds.slope):.3f}",
                    "interaction": f"{e.estimate:.3f}",
                    "interval": interval(e),
                    "p": f"{e.p_value:.3f}",
                }
            )
    return pd.DataFrame(rows)


def mediation(people: tk.Trial) -> pd.DataFrame:
    """The natural indirect effect, as planned and as it is often done: without anything from before."""
    true = worlds.natural_effects(KEY, "self_efficacy_t1", "depression")
    rows = []
    for name, before in (("planned", True), ("nothing from before", False)):
        found = tk.mediate(
            people, "depression_t2", mediator="self_efficacy_t1", adjust=ADJUST if before else [],
            mediator_baseline="self_efficacy_t0" if before else None, outcome_baseline="depression_t0" if before else None,
            inference="delta",
        )  # fmt: skip
        e = next(e for e in found.estimates if e.estimand == "acme")
        rows.append(
            {
                "analysis": name,
                "truth": f"{true['acme']:.3f}",
                "indirect effect": f"{e.estimate:.3f}",
                "interval": interval(e),
                "zero at a correlation of": f"{found.sensitivity().breakpoint:.2f}",
            }
        )
    return pd.DataFrame(rows)


def money(people: tk.Trial) -> pd.DataFrame:
    """Gross and net income, costs, and the cost of a day with work."""
    truth = tk.simulate.scenario(KEY, seed=1).value
    both = people.with_columns({"costs_and_days": people.values("costs") + people.values("days_with_work")})
    found = {
        c: tk.itt(both, c, adjust=ADJUST).estimates[0]
        for c in ("gross_t3", "net_t3", "costs", "days_with_work", "costs_and_days")
    }
    cost, days, total = found["costs"], found["days_with_work"], found["costs_and_days"]
    # The estimators are linear in the outcome, so the variance of the sum gives the covariance.
    covariance = (total.std_error**2 - cost.std_error**2 - days.std_error**2) / 2
    ratio = tk.economics.icer(
        delta_cost=cost.estimate, se_cost=cost.std_error, delta_effect=days.estimate, se_effect=days.std_error,
        correlation=covariance / (cost.std_error * days.std_error), threshold=WORTH_OF_A_DAY, df=min(cost.df, days.df),
    )  # fmt: skip
    true = {
        "gross_t3": truth("gross_earnings", "difference"), "net_t3": truth("net_income", "difference"),
        "costs": truth("costs", "difference"), "days_with_work": -truth("time_to_work", "difference"),
    }  # fmt: skip
    words = {
        "gross_t3": "gross earnings a month",
        "net_t3": "net income a month",
        "costs": "costs of help",
        "days_with_work": "days with work",
    }
    rows = [
        {"what": words[c], "truth": f"{true[c]:.1f}", "estimate": f"{found[c].estimate:.1f}", "interval": interval(found[c], 1)}
        for c in words
    ]
    low, high = ratio.roots
    span = f"{low:.1f} to {high:.1f}" if ratio.bounded else f"below {low:.1f} or above {high:.1f}"
    rows.append(
        {
            "what": "costs of a day with work",
            "truth": f"{true['costs'] / true['days_with_work']:.1f}",
            "estimate": f"{ratio.icer:.1f}",
            "interval": span,
        }
    )
    rows.append(
        {
            "what": f"net benefit at {WORTH_OF_A_DAY:g} a day",
            "truth": f"{WORTH_OF_A_DAY * true['days_with_work'] - true['costs']:.1f}",
            "estimate": f"{ratio.inmb:.1f}",
            "interval": t_interval(ratio.inmb, ratio.se_inmb, min(cost.df, days.df)),
        }
    )
    return pd.DataFrame(rows)


def harms(people: tk.Trial) -> pd.DataFrame:
    """People with events by arm, and how many there could be where none was seen."""
    found = tk.harms(people, columns=["serious_event"], events=pd.read_csv(planned.data(KEY).with_suffix(".adverse_events.csv")))
    table = found.tidy()
    return pd.DataFrame(
        {
            "event": table["event"],
            "arm": table["arm"],
            "people": table["people"],
            "with event": table["with_event"],
            "share": [f"{v:.4f}" for v in table["share"]],
            "at most": ["" if np.isnan(v) else f"{v:.4f}" for v in table["limit"].astype(float)],
        }
    )


def coverage(replications: int = 400) -> pd.DataFrame:
    """Coverage of the planned intervals over replicated trials, with the groups and without them."""
    sets = tk.simulate.many(KEY, n=replications, seed=2000)
    wanted = (("depression", "depression_t2", ["depression_t0"]), ("employed", "employed_t2", []), ("costs", "costs", []))
    hits = {(o, way): [] for o, _, _ in wanted for way in ("with groups", "without")}
    for r in range(replications):
        people = trial(sets.data(r))
        alone = tk.Trial(people.data, arm="arm", control="booklet", unit="id", strata=["risk"])
        for outcome, column, adjust in wanted:
            for way, those in (("with groups", people), ("without", alone)):
                e = tk.itt(those, column, adjust=[*adjust, *ADJUST]).estimates[0]
                hits[outcome, way].append(e.conf_low <= sets.value(outcome, "difference") <= e.conf_high)
    return pd.DataFrame([{"outcome": o, "interval": way, "coverage": f"{np.mean(v):.3f}"} for (o, way), v in hits.items()])


def interval(e: Estimate, digits: int = 3) -> str:
    """The limits of a row."""
    return f"{e.conf_low:.{digits}f} to {e.conf_high:.{digits}f}"


def t_interval(value: float, error: float, df: float) -> str:
    """The t interval of a number with its standard error."""
    half = t.ppf(0.975, df) * error
    return f"{value - half:.1f} to {value + half:.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
