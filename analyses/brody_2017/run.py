"""A meta-analysis in which studies report several effects: taken as independent, and by study, beside the truth.

From the top of the repository: `python analyses/brody_2017/run.py`; with `coverage` the figures over many simulated literatures.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk

DATA = Path(__file__).resolve().parents[2] / "simulated_data" / "brody_2017.csv"
DOMAINS = ["economic", "political", "social"]
REPLICATIONS = 300
# Every fifth woman of the population is from its poorest fifth; the log odds of the scenario are -2.2.
POOREST = 1 / (1 + math.exp(2.2))


def main(arguments: list[str]) -> int:
    """Load, compare, print."""
    if arguments == ["coverage"]:
        print(coverage(REPLICATIONS).to_string(index=False))
        return 0
    if arguments:
        print("run.py takes no arguments but coverage", file=sys.stderr)
        return 2
    print(table(tk.read(DATA)).to_string(index=False))
    return 0


def table(data: pd.DataFrame) -> pd.DataFrame:
    """Mean effects by domain and training, the psychological ones, and whom the groups reach."""
    truth = tk.simulate.load_scenario("brody_2017").part("effect")
    alone, together = models(data)
    rows = []
    for domain in DOMAINS:
        for training in (0, 1):
            at = {"domain": domain, "training": training}
            name = f"{domain}, {'with' if training else 'no'} training"
            rows.append(
                shown(name, alone.predict(at), together.predict(at), truth.means[domain] + training * truth.added[domain])
            )
    rows.append(shown("training adds", line(alone, "training"), line(together, "training"), truth.added["economic"]))
    none, by_study = psychological(data)
    rows.append(shown("psychological", line(none), line(by_study), truth.means["psychological"]))
    low, mean, high = reached(data)
    rows.append(
        {
            "what": "share of the poorest fifth",
            "as independent": "",
            "by study": f"{mean:.2f} ({low:.2f} to {high:.2f})",
            "df": f"{data['study'].nunique() - 1}.0",
            "truth": f"{POOREST:.2f}",
        }
    )
    return pd.DataFrame(rows)


def effects(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Effects and variances in SDs."""
    return data["smd"].to_numpy(dtype=float) / 1000, (data["smd_se"].to_numpy(dtype=float) / 1000) ** 2


def models(data: pd.DataFrame) -> tuple[tk.results.Result, tk.results.Result]:
    """Domain and training, effects as independent and by study; psychological effects are looked at apart."""
    some = data[data["domain"] != "psychological"]
    y, v = effects(some)
    moderators = {"domain": pd.Categorical(some["domain"], categories=DOMAINS), "training": some["training"].tolist()}
    return tk.meta(y, v, moderators=moderators), tk.meta(y, v, moderators=moderators, study=some["study"].tolist())


def psychological(data: pd.DataFrame) -> tuple[tk.results.Result, tk.results.Result]:
    """The mean psychological effect, effects as independent and by study."""
    some = data[data["domain"] == "psychological"]
    y, v = effects(some)
    return tk.meta(y, v), tk.meta(y, v, study=some["study"].tolist())


def reached(data: pd.DataFrame) -> tuple[float, float, float]:
    """The share of women from the poorest fifth in a middling study: log odds, one a study."""
    studies = data.drop_duplicates("study")
    some = studies["poorest"].to_numpy(dtype=float) + 0.5
    others = studies["n"].to_numpy(dtype=float) - some + 1
    found = tk.meta(np.log(some / others), 1 / some + 1 / others)
    low, mean, high = (1 / (1 + math.exp(-x)) for x in (found.conf_low, found.estimate, found.conf_high))
    return low, mean, high


def line(found: tk.results.Result, term: str = "") -> dict[str, float]:
    """A coefficient (the first without a name) in the shape of a prediction."""
    e = found.term(term) if term else found.estimates[0]
    return {"estimate": e.estimate, "conf_low": e.conf_low, "conf_high": e.conf_high, "df": e.df}


def shown(what: str, alone: dict[str, float], together: dict[str, float], truth: float) -> dict[str, str]:
    """One line of the table."""
    return {
        "what": what,
        "as independent": interval(alone),
        "by study": interval(together),
        "df": f"{together['df']:.1f}",
        "truth": f"{truth:.2f}",
    }


def interval(found: dict[str, float]) -> str:
    """'0.31 (0.20 to 0.42)'."""
    # a zero is added so that nothing prints as -0.00
    estimate, low, high = (round(found[k], 2) + 0.0 for k in ("estimate", "conf_low", "conf_high"))
    return f"{estimate:.2f} ({low:.2f} to {high:.2f})"


def coverage(n: int) -> pd.DataFrame:
    """Over n simulated literatures: how often each interval has the truth."""
    sets = tk.simulate.many("brody_2017", n=n, seed=1)
    truth = sets.scenario.part("effect")
    names = {"economic, no training": truth.means["economic"], "training adds": truth.added["economic"]}
    hits: dict[tuple[str, str], list[bool]] = {}
    for r in range(n):
        for way, model in zip(("as independent", "by study"), models(sets.data(r))):
            for name, value in names.items():
                found = line(model, "training" if name == "training adds" else "intercept")
                hits.setdefault((name, way), []).append(found["conf_low"] <= value <= found["conf_high"])
    share = {k: f"{100 * np.mean(v):.0f} %" for k, v in hits.items()}
    return pd.DataFrame([{"what": m, **{way: share[m, way] for way in ("as independent", "by study")}} for m in names])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
