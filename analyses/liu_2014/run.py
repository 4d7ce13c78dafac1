"""A meta-analysis of published studies: pooled, by what the programmes hold, and with the file drawer open, beside the truth.

From the top of the repository: `python analyses/liu_2014/run.py`; with `coverage` the figures over many simulated literatures.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk

DATA = Path(__file__).resolve().parents[2] / "simulated_data"
REPLICATIONS = 400
# Odds of work are 2.67 times as high over all programmes: nothing where a component lacks, log 2.67 / .75 where both are there.
OVERALL = math.log(2.67)


def main(arguments: list[str]) -> int:
    """Load, compare, print."""
    if arguments == ["coverage"]:
        print(coverage(REPLICATIONS).to_string(index=False))
        return 0
    if arguments:
        print("run.py takes no arguments but coverage", file=sys.stderr)
        return 2
    print(table(tk.read(DATA / "liu_2014.csv"), tk.read(DATA / "liu_2014.file_drawer.csv")).to_string(index=False))
    return 0


def log_odds_ratios(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Log odds ratio and variance of each study; half a person is added to every cell of a table with an empty one."""
    a, c = data["treated_employed"].to_numpy(dtype=float), data["control_employed"].to_numpy(dtype=float)
    cells = np.stack([a, data["treated_n"].to_numpy() - a, c, data["control_n"].to_numpy() - c])
    cells += 0.5 * (cells == 0).any(axis=0)
    return np.log(cells[0] * cells[3] / (cells[1] * cells[2])), (1 / cells).sum(axis=0)


def table(data: pd.DataFrame, drawer: pd.DataFrame) -> pd.DataFrame:
    """Odds ratios with their truths."""
    y, v = log_odds_ratios(data)
    truth = tk.simulate.scenario("liu_2014", seed=1).value("log_odds_ratio", "difference")
    by_kind = tk.meta(y, v, moderators=kinds(data["components"]))
    opened = everything(data, drawer)
    rows = [
        row("published studies, one common effect", tk.meta(y, v, method="FE"), OVERALL),
        row("published studies, random effects", tk.meta(y, v), OVERALL),
    ]
    for name, model in (("published studies", by_kind), ("file drawer open", opened)):
        partial, both = (model.predict({"components": k}) for k in ("partial", "both"))
        rows += [
            shown(f"{name}, part of the components", partial["estimate"], partial["conf_low"], partial["conf_high"], 0.0),
            shown(f"{name}, both components", both["estimate"], both["conf_low"], both["conf_high"], truth),
            row(f"{name}, both against part", model.term("components: both"), truth),
        ]
    return pd.DataFrame(rows)


def everything(data: pd.DataFrame, drawer: pd.DataFrame) -> tk.results.Result:
    """The meta-regression of all studies, published or not."""
    both = pd.concat([data, drawer.rename(columns={"kind": "components"})])
    return tk.meta(*log_odds_ratios(both), moderators=kinds(both["components"]))


def kinds(components: pd.Series) -> dict[str, pd.Categorical]:
    """The moderator, compared with programmes that hold a part."""
    return {"components": pd.Categorical(components, categories=["partial", "both"])}


def row(what: str, found: tk.results.Estimate | tk.results.Result, truth: float) -> dict[str, str]:
    """One line from a result or one of its rows."""
    return shown(what, found.estimate, found.conf_low, found.conf_high, truth)


def shown(what: str, estimate: float, low: float, high: float, truth: float) -> dict[str, str]:
    """One line, as odds ratios."""
    return {
        "analysis": what,
        "odds ratio": f"{math.exp(estimate):.2f}",
        "95 % interval": f"{math.exp(low):.2f} to {math.exp(high):.2f}",
        "truth": f"{math.exp(truth):.2f}",
    }


def coverage(n: int) -> pd.DataFrame:
    """Over n simulated literatures: what each analysis finds on average, and how often its interval has the truth."""
    sets = tk.simulate.many("liu_2014", n=n, seed=1)
    truth = sets.value("log_odds_ratio", "difference")
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for r in range(n):
        data = sets.data(r)
        y, v = log_odds_ratios(data)
        common, random = tk.meta(y, v, method="FE"), tk.meta(y, v)
        plain = tk.meta(y, v, moderators=kinds(data["components"]), method="FE").term("components: both")
        model = tk.meta(y, v, moderators=kinds(data["components"]))
        opened = everything(data, sets.lists(r)["file_drawer"])
        partial, both = (model.predict({"components": k}) for k in ("partial", "both"))
        for name, e, aim in (
            ("pooled, one common effect", common, OVERALL),
            ("pooled, random effects", random, OVERALL),
            ("both against part, common effect", plain, truth),
            ("both against part, random effects", model.term("components: both"), truth),
            ("both against part, file drawer open", opened.term("components: both"), truth),
        ):
            found.setdefault(name, []).append((e.estimate, e.conf_low, e.conf_high, aim))
        for name, p, aim in (("part of the components", partial, 0.0), ("both components", both, truth)):
            found.setdefault(name, []).append((p["estimate"], p["conf_low"], p["conf_high"], aim))
    rows = []
    for name, values in found.items():
        estimate, low, high, aim = np.array(values).T
        rows.append(
            {
                "analysis": name,
                "truth": f"{math.exp(aim[0]):.2f}",
                "mean odds ratio": f"{math.exp(estimate.mean()):.2f}",
                "95 % interval has it": f"{100 * ((low <= aim) & (aim <= high)).mean():.0f} %",
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
