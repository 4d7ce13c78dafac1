"""How long do groups last, and what happens when the key person leaves? A register of groups, with late entry, and a trial inside it.

From the top of the repository: `python analyses/questions/group_survival/run.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.simulate.people import stream

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import lines  # noqa: E402
import telling  # noqa: E402
import town  # noqa: E402

FOUNDED, SEED = 1600, 1
OPENS, CLOSES = 9.0, 15.0
CLOSING, LEADER_LEAVES = 0.10, 0.20
AFTER, AFTER_TRAINED = 2.5, 1.3
TAU = 4.0


def main(arguments: list[str]) -> int:
    """Print the answer."""
    telling.show(answer())
    return 0


def lives(n: int, *, seed: int, after: float) -> pd.DataFrame:
    """Founding dates, ages at which the key person would leave, and ages at closing; all in years.

    The hazard of closing is constant until the key person leaves and `after` times as high from then on (from registration on
    for groups whose second key person was trained). Untrained until the register opens.
    """
    founded = CLOSES * stream(seed, "founded").random(n)
    leaves = -np.log1p(-stream(seed, "key person leaves").random(n)) / LEADER_LEAVES
    budget = -np.log1p(-stream(seed, "closes").random(n)) / CLOSING
    entry = np.maximum(OPENS - founded, 0.0)
    early = _spent(entry, leaves, AFTER)
    age = np.where(budget < early, _age(budget, leaves, AFTER), np.nan)
    later = _continue(budget - early, entry, leaves, after)
    return pd.DataFrame({"founded": founded, "entry": entry, "leaves": leaves, "age": np.where(np.isnan(age), later, age)})


def _spent(age: Any, leaves: Any, times: float) -> Any:
    """Years of ordinary hazard used up at an age."""
    return np.minimum(age, leaves) + times * np.maximum(age - leaves, 0.0)


def _age(budget: Any, leaves: Any, times: float) -> Any:
    """The age at which the budget of hazard is used up."""
    return np.where(budget <= leaves, budget, leaves + (budget - leaves) / times)


def _continue(left: Any, start: Any, leaves: Any, times: float) -> Any:
    """The same from an age on."""
    return start + _age(left, np.maximum(leaves - start, 0.0), times)


def register() -> pd.DataFrame:
    """What the register sees: groups that still met when it opened, or were founded later; lots decide on training at registration."""
    usual, trained = lives(FOUNDED, seed=SEED, after=AFTER), lives(FOUNDED, seed=SEED, after=AFTER_TRAINED)
    seen = usual["age"] > usual["entry"]
    frame = usual[seen].reset_index(drop=True)
    frame["id"] = [f"g{i:04d}" for i in range(1, len(frame) + 1)]
    frame["older"] = np.where(frame["founded"] < OPENS, "before", "after")
    frame["arm"] = town.allocate(frame, seed=SEED, arms=("one", "two"), by="older")
    age = np.where(frame["arm"] == "two", trained.loc[seen, "age"], frame["age"])
    frame["until"] = np.minimum(age, CLOSES - frame["founded"])
    frame["closed"] = (age <= CLOSES - frame["founded"]).astype(int)
    frame["years_since_entry"] = frame["until"] - frame["entry"]
    frame["left"] = (frame["leaves"] < frame["until"]).astype(int)
    return frame


def split(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for the time with the key person and a row for the time without: nobody counts as leaderless before the key person left."""
    cut = frame["leaves"].clip(lower=frame["entry"], upper=frame["until"])
    first = frame.assign(stop=cut, closed=np.where(frame["left"] == 1, 0, frame["closed"]), leader="there")
    second = frame.assign(entry=cut, stop=frame["until"], leader="left")
    both = pd.concat([first, second], ignore_index=True)
    return both[both["stop"] > both["entry"]]


def truths() -> dict[str, float]:
    """Restricted means of all groups registered, followed to the end, and the median, from 400,000 groups."""
    n = 400_000
    usual, trained = lives(n, seed=SEED + 1, after=AFTER), lives(n, seed=SEED + 1, after=AFTER_TRAINED)
    seen = usual["age"] > usual["entry"]
    met = [(w.loc[seen, "age"] - w.loc[seen, "entry"]).clip(upper=TAU).mean() for w in (usual, trained)]
    return {"years": float(met[1] - met[0]), "median": float(usual["age"].median())}


def answer() -> dict[str, Any]:
    """The hazard after the key person left, the trial by plan, and the median life with and without late entry."""
    frame, true = register(), truths()
    planned = tk.Plan.load(HERE / "plan.toml").run(frame).outcomes[0].result.estimates[0]
    usual = frame[frame["arm"] == "one"]
    exit_ = _hazards(split(usual), "leader", "there", tk.Time("stop", "closed", entry="entry")).estimates[0]
    ever = _hazards(
        usual.assign(ever=np.where(usual["left"] == 1, "left", "there")), "ever", "there", tk.Time("until", "closed")
    ).estimates[0]
    told = [
        lines.line("hazard of closing after the key person left, ratio", exit_, truth=AFTER, naive=ever.estimate),
        lines.line("years met of the next four, second key person trained", planned, truth=true["years"]),
        median(frame, true["median"]),
    ]  # fmt: skip
    share = float((usual["leaves"] < usual["until"]).mean())
    size = tk.power.time_to_event(hazard_ratio=2.0, power=0.9, allocation=(share, 1 - share))
    return {
        "question": "How long do groups last, and what happens when the key person leaves?",
        "design": "a register that opens when many groups have met for years and others have closed unseen; each group counts from the age at which it entered; the key person's "
        "leaving changes over time; lots decide which groups train a second key person",
        "size": f"{len(frame)} groups, {int(frame['closed'].sum())} of which closed; {int(np.ceil(size.events))} closings show a doubled hazard at 90 % power when the key person is gone in "
        f"{100 * share:.0f} % of the groups",
        "estimand": "hazard ratio of closing, after against before the key person left, at the same age of the group, among groups without training",
        **told[0].headline,
        "rows": lines.table(told),
        "conclusion": conclusion(told),
        "missing": "a leader's exit is not drawn by lot: groups in trouble may lose leaders, and then the ratio is not the effect of leaving. A role that changes over time has no word in a "
        "plan or a Trial: rows are split at the exit, and the standard error is the model's, because one group stands under both states. No closed form gives the power for years met.",
    }  # fmt: skip


def _hazards(frame: pd.DataFrame, arm: str, control: str, time: tk.Time) -> Any:
    return tk.itt(tk.Trial(frame, arm=arm, control=control), time, measure="hazard_ratio", covariance="classical")


def median(frame: pd.DataFrame, true: float) -> lines.Line:
    """Median life of groups with one key person; the careless one counts every group from its founding."""
    right, careless = (
        _hazards(frame, "arm", "one", time).by_arm.loc["one"] for time in (tk.Time("until", "closed", entry="entry"), tk.Time("until", "closed"))
    )  # fmt: skip
    low, high = (float(right[k]) for k in ("median_low", "median_high"))
    return lines.Line("median life in years, one key person", true, float(careless["median"]), float(right["median"]), low, high)


def conclusion(told: list[lines.Line]) -> str:
    """One sentence, from the intervals."""
    exit_, trained, _ = told
    first = exit_.says(
        null=1.0, above=f"Groups close sooner once their key person has left (hazard times {exit_.span()})", below=f"Groups close later once their key person has left (hazard times {exit_.span()})",
        unsure=f"Whether groups close sooner once their key person has left is open (hazard times {exit_.span()})",
    )  # fmt: skip
    years = trained.span(" years of four")
    second = trained.says(
        above=f"and training a second one keeps them going longer ({years}).", below=f"and training a second one shortens their life ({years}).",
        unsure=f"and whether training a second one keeps them going is not settled ({years}).",
    )  # fmt: skip
    return f"{first}, {second}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
