"""Agents paid by fees or by a donor: the plan, equivalence of the groups, what members alone seem to show, and what it costs.

From the top of the repository: `python analyses/greaney_2016/run.py [folder for the report]`, or with `coverage` as the only argument the
last table (half a minute).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.results import Estimate

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import planned  # noqa: E402  (the folder above is not a package)

KEY = HERE.name
CONTROL, FEE = "donor_paid", "fee_paid"
# What the donor would pay for one more dollar invested in the village: declared before, for the net benefit only.
WORTH = 0.25


def main(arguments: list[str]) -> int:
    """The plan and the tables beside it; or, with `coverage`, replicated data."""
    if arguments == ["coverage"]:
        print(coverage().to_string(index=False))
        return 0
    planned.main(KEY, arguments)
    data = tk.read(planned.data(KEY))
    print("\nEquivalence:", equivalence().to_string(index=False), sep="\n")
    print("\nMembers and villages:", members(data).to_string(index=False), sep="\n")
    print("\nCosts:", costs(data).to_string(index=False), sep="\n")
    return 0


def trial(data: pd.DataFrame) -> tk.Trial:
    """Households; the villages were randomized."""
    return tk.Trial(data.reset_index(drop=True), arm="arm", control=CONTROL, unit="id", cluster="village")


def equivalence() -> pd.DataFrame:
    """Outcomes with a margin in the plan: the 90 % interval and the two one-sided tests."""
    plan = planned.load(KEY)
    truth = tk.simulate.scenario(KEY, seed=1).value
    rows = []
    for outcome, found in zip(plan.spec.outcomes, plan.run(planned.data(KEY)).outcomes):
        if outcome.equivalence is not None:
            test = found.result.equivalence
            rows.append(
                {
                    "outcome": outcome.name,
                    "truth": f"{round(truth(outcome.name, 'difference'), 3) + 0.0:.3f}",
                    "difference": f"{found.result.estimates[0].estimate:.3f}",
                    "90 % interval": f"{test.conf_low:.3f} to {test.conf_high:.3f}",
                    "margin": f"{outcome.equivalence:g}",
                    "p not equivalent": f"{test.p_value:.3f}",
                }
            )
    return pd.DataFrame(rows)


def members(data: pd.DataFrame) -> pd.DataFrame:
    """Ratios of mean amounts: of all households, of members only, and of members to others in villages with fees."""
    truth = tk.simulate.scenario(KEY, seed=1).value
    rows = []
    for outcome in ("borrowed", "invested", "invested_t0"):
        right = 1.0 if outcome == "invested_t0" else truth(outcome, "mean_ratio")
        for who, some in (("all households", data), ("members only", data[data["joined"] == 1])):
            rows.append(_line(outcome, f"fees against donor, {who}", f"{right:.3f}", _ratio(trial(some), outcome)))
    under_fees = data[data["arm"] == FEE].reset_index(drop=True)
    people = tk.Trial(under_fees, arm="joined", control=0, unit="id")
    rows.append(_line("invested", "members against others, fees", "1.000", _ratio(people, "invested")))
    return pd.DataFrame(rows)


def _ratio(people: tk.Trial, outcome: str) -> Estimate:
    return tk.itt(people, outcome, measure="mean_ratio").estimates[0]


def _line(outcome: str, comparison: str, truth: str, e: Estimate) -> dict[str, str]:
    return {
        "outcome": outcome,
        "comparison": comparison,
        "truth": truth,
        "ratio of means": f"{e.estimate:.3f}",
        "interval": f"{e.conf_low:.3f} to {e.conf_high:.3f}",
    }


def costs(data: pd.DataFrame) -> pd.DataFrame:
    """Dollars a household: difference in cost with both intervals, difference in investment, net benefit."""
    truth = tk.simulate.scenario(KEY, seed=1).value
    cost_truth, gain_truth = truth("cost", "difference") / 100, truth("invested", "difference")
    money = data.assign(dollars=data["cost"] / 100)
    cost, gain = (tk.itt(trial(money), y, estimator="difference_in_means").estimates[0] for y in ("dollars", "invested"))
    drawn = village_bootstrap(money, ["dollars", "invested"], seed=1)
    low, high = np.quantile(drawn[:, 0], [0.025, 0.975])
    found = tk.economics.icer(
        delta_cost=cost.estimate,
        se_cost=cost.std_error,
        delta_effect=gain.estimate,
        se_effect=gain.std_error,
        correlation=float(np.corrcoef(drawn.T)[0, 1]),
        threshold=WORTH,
        df=min(cost.df, gain.df),
    )
    benefit = drawn @ np.array([-1.0, WORTH])
    net_low, net_high = np.quantile(benefit, [0.025, 0.975])
    rows = [
        ("cost to the donor, CR2 by village", cost_truth, cost.estimate, cost.conf_low, cost.conf_high),
        ("cost to the donor, villages resampled", cost_truth, cost.estimate, low, high),
        ("invested, CR2 by village", gain_truth, gain.estimate, gain.conf_low, gain.conf_high),
        (
            f"net benefit at {WORTH:g} a dollar, villages resampled",
            WORTH * gain_truth - cost_truth,
            found.inmb,
            net_low,
            net_high,
        ),
    ]
    return pd.DataFrame(
        [
            {"dollars a household": name, "truth": f"{t:.2f}", "fees less donor": f"{e:.2f}", "interval": f"{a:.2f} to {b:.2f}"}
            for name, t, e, a, b in rows
        ]
    )


def village_bootstrap(data: pd.DataFrame, columns: Sequence[str], *, seed: int, draws: int = 4000) -> np.ndarray:
    """(draws, columns) differences in means when whole villages are drawn again within each arm."""
    rng = np.random.default_rng(seed)
    means = []
    for arm in (FEE, CONTROL):
        villages = data[data["arm"] == arm].groupby("village")
        sums, sizes = villages[list(columns)].sum().to_numpy(dtype=float), villages.size().to_numpy(dtype=float)
        again = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=draws)
        means.append((again @ sums) / (again @ sizes)[:, None])
    return np.asarray(means[0] - means[1])


def coverage(n: int = 300) -> pd.DataFrame:
    """How often 95 % intervals hold the truth of all households, over replicated data."""
    sets = tk.simulate.many(KEY, n=n, seed=1)
    found: dict[tuple[str, str], list[tuple[float, bool]]] = {}
    for r in range(n):
        data = sets.data(r)
        for who, some in (("all households", data), ("members only", data[data["joined"] == 1])):
            for outcome in ("borrowed", "invested"):
                truth = sets.value(outcome, "mean_ratio")
                e = _ratio(trial(some), outcome)
                found.setdefault((outcome, who), []).append((e.estimate, e.conf_low <= truth <= e.conf_high))
        truth = sets.value("cost", "difference")
        for who, cluster in (("all households", "village"), ("all households, villages ignored", None)):
            people = tk.Trial(data, arm="arm", control=CONTROL, unit="id", cluster=cluster)
            e = tk.itt(people, "cost", estimator="difference_in_means").estimates[0]
            found.setdefault(("cost", who), []).append((e.estimate, e.conf_low <= truth <= e.conf_high))
    rows = []
    for (outcome, who), each in found.items():
        truth = sets.value(outcome, "difference" if outcome == "cost" else "mean_ratio")
        rows.append(
            {
                "outcome": outcome,
                "households": who,
                "truth": f"{truth:.3f}",
                "median estimate": f"{np.median([e for e, _ in each]):.3f}",
                "coverage of 95 %": f"{100 * np.mean([c for _, c in each]):.1f}",
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
