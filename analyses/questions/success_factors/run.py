"""Which ingredients of a circle matter: small, simple, long, active learning? Four components crossed in one trial.

From the top of the repository: `python analyses/questions/success_factors/run.py`.
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
import lines  # noqa: E402
import telling  # noqa: E402
import town  # noqa: E402

N, SEED = 1280, 1
FACTORS = {
    "size": ["large", "small"],
    "content": ["broad", "simple"],
    "length": ["short", "long"],
    "learning": ["lecture", "active"],
}
EFFECTS = {"small": 0.05, "simple": 0.05, "long": 0.15, "active": 0.25}
SMALL, LARGE = (6, 8), (12, 15)
ICC, R, ANYWAY = 0.05, 0.6, 0.25
LEARNING = "active learning"


def main(arguments: list[str]) -> int:
    """Print the answer."""
    telling.show(answer())
    return 0


def simulate(*, chosen: bool = False) -> pd.DataFrame:
    """The trial; or, with `chosen`, the same town where nobody drew lots and the motivated took the long and active circles."""
    frame = town.people(N, seed=SEED)
    drawn = tk.design.factorial(frame, unit="id", factors=FACTORS).assign(seed=SEED)
    frame = frame.merge(drawn, on="id", validate="one_to_one")
    if chosen:
        for factor in ("length", "learning"):
            eager = town.binary(frame, f"takes {factor}", seed=SEED, share=0.5, on="motivation", slope=1.0)
            frame[factor] = np.array(FACTORS[factor])[eager]
        frame["arm"] = frame[list(FACTORS)].agg("/".join, axis=1)
    small = (frame["size"] == "small").to_numpy()
    of_small = town.groups(frame, small, seed=SEED, size=SMALL, by="arm", name="small circles")
    of_large = town.groups(frame, ~small, seed=SEED, size=LARGE, by="arm", name="large circles")
    frame["circle_id"] = np.where(small, of_small, of_large)
    effect = sum(size * (frame[factor] == level) for (level, size), factor in zip(EFFECTS.items(), FACTORS))
    motivated = (frame["motivation"] - frame["motivation"].mean()) / frame["motivation"].std()
    frame["self_efficacy_t1"] = town.scores(
        frame, "self-efficacy after six months", seed=SEED, effect=np.asarray(effect + ANYWAY * motivated), group=frame["circle_id"],
        group_sd=np.sqrt(ICC / (1 - ICC)), baseline="self_efficacy_t0", persistence=R,
    )  # fmt: skip
    return frame


def as_chosen(chosen: pd.DataFrame, factor: str, level: str) -> float:
    """What a comparison of existing circles gives: those with the component against those without it."""
    existing = chosen.assign(arm=np.where(chosen[factor] == level, "with", "without"))
    trial = tk.Trial(existing, unit="id", arm="arm", control="without", group="circle_id")
    return float(tk.itt(trial, "self_efficacy_t1").estimates[0].estimate)


def circles_needed(effect: float) -> tuple[int, float]:
    """Circles with the component (and as many without) for 80 % power. One component and all others together: two factors."""
    for circles in range(4, 400, 2):
        cell = {"groups": circles / 2, "group_size": 10, "icc": ICC / (1 - R**2)}
        found = tk.power.factorial(effect=effect, cells=[cell] * 4, sd=float(np.sqrt(1 - R**2)))
        if found.power >= 0.8:
            break
    return circles, found.power


def answer() -> dict[str, Any]:
    """Size, simulation, plan; the same components where people chose their circle."""
    frame, chosen = simulate(), simulate(chosen=True)
    result = tk.Plan.load(HERE / "plan.toml").run(frame).outcomes[0].result
    told = [
        lines.line(f"{what} against {other}", found, truth=EFFECTS[level], naive=as_chosen(chosen, factor, level))
        for (factor, (other, level)), found, what in zip(FACTORS.items(), result.estimates, ("small circles", "simple content", "long", LEARNING))
    ]  # fmt: skip
    told = [told[3], *told[:3]]
    circles, power = circles_needed(0.15)
    return {
        "question": "Which ingredients of a circle matter: small, simple, long, active learning?",
        "design": "everyone gets a circle; lots decide on its size, content, length and way of learning, all 16 combinations; each component is tested on all people",
        "size": f"{N:,} people in {frame['circle_id'].nunique()} circles; {circles} circles of 10 with a component and {circles} without give {100 * power:.0f} % power for 0.15 SD of that "
        "component, before the correction for four",
        "estimand": "main effect of active learning on self-efficacy, averaged over the other three components, in SD",
        **told[0].headline,
        "rows": lines.table(told),
        "conclusion": conclusion(told, [e.extra.get("p_adjusted", np.nan) for e in result.estimates]),
        "missing": "tk.power.factorial knows two factors: the other components are counted as one, right for main effects but not for interactions of three or more; "
        "a plan can name the factorial scheme but not run it, so that this one lists the 16 arms with four contrasts; nobody is without a circle here, so that the trial does not say whether circles help.",
    }  # fmt: skip


def conclusion(told: list[lines.Line], adjusted: list[float]) -> str:
    """One sentence, from the intervals."""
    above = [f"{t.what} ({t.span(' SD')})" for t in told if t.low > 0]
    below = [f"{t.what} ({t.span(' SD')})" for t in told if t.high < 0]
    neither = [f"{t.what} ({t.span(' SD')})" for t in told if t.low <= 0 <= t.high]
    parts = [
        f"{', '.join(above)}: better" if above else "", f"{', '.join(below)}: worse" if below else "",
        f"not settled: {', '.join(neither)}" if neither else "",
    ]  # fmt: skip
    held = sum(p < 0.05 for p in adjusted)
    return f"{'; '.join(p for p in parts if p)}; after Holm's correction for four components {held} of them still {'stands' if held == 1 else 'stand'}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
