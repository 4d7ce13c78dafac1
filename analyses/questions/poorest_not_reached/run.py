"""Are the poorest reached, and does the trial's effect hold for the town? A funnel from screening to attendance, and the effect carried to those who stayed away.

From the top of the repository: `python analyses/questions/poorest_not_reached/run.py`.
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

ELIGIBLE, SEED = 6000, 1
EFFECT, LESS_IF_POOREST, MORE_IF_NEAR = 0.34, 0.24, 0.05
APPROACHED, ATTENDS = 0.85, 0.80
ICC, R = 0.05, 0.6
COVARIATES = ["poorest", "motivation", "distance_km", "social_t0", "age"]
STAGES = ["eligible", "approached", "consented", "randomized"]


def main(arguments: list[str]) -> int:
    """Print the answer."""
    telling.show(answer())
    return 0


def effect_of_offer(frame: pd.DataFrame) -> np.ndarray:
    """In SD: smaller for the poorest, who have less to bring in, and for those who live far off."""
    return (EFFECT - LESS_IF_POOREST * frame["poorest"] - MORE_IF_NEAR * (frame["distance_km"] - 2.6)).to_numpy(dtype=float)


def simulate() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everyone who is eligible with the stage they came to, and the people of the trial."""
    everyone = town.people(ELIGIBLE, seed=SEED)
    everyone["eligible"] = 1
    everyone["approached"] = town.binary(everyone, "approached", seed=SEED, share=APPROACHED, on="distance_km", slope=-0.3)
    everyone["consented"] = everyone["approached"] * everyone["would_enrol"]
    everyone["randomized"] = everyone["consented"]
    inside = everyone[everyone["randomized"] == 1].reset_index(drop=True)
    inside["arm"] = town.allocate(inside, seed=SEED, arms=("usual", "circle"))
    treated = (inside["arm"] == "circle").to_numpy()
    inside["circle_id"] = town.groups(inside, treated, seed=SEED)
    inside["attended"] = town.binary(inside, "attends", seed=SEED, share=ATTENDS, on="poorest", slope=-0.3) * treated
    inside["social_t1"] = town.scores(
        inside, "social capital after a year", seed=SEED, effect=effect_of_offer(inside) * treated, group=inside["circle_id"],
        group_sd=np.sqrt(ICC / (1 - ICC)), baseline="social_t0", persistence=R,
    )  # fmt: skip
    return everyone, inside


def answer() -> dict[str, Any]:
    """The funnel, the trial's own effect by plan, and the effect among all who were eligible."""
    everyone, inside = simulate()
    planned = tk.Plan.load(HERE / "plan.toml").run(inside).outcomes[0].result.estimates[0]
    trial = tk.Trial(inside, unit="id", arm="arm", control="usual", group="circle_id", strata=["district"])
    reach = tk.selection.reach(
        everyone.assign(people=np.where(everyone["poorest"] == 1, "poorest fifth", "others")), by="people", stages=STAGES
    )
    shares = reach.tidy().query("stage == 'randomized'").set_index("stratum")
    outside = everyone[everyone["randomized"] == 0]
    missed = outside[outside["poorest"] == 1]
    rest = tk.selection.transport(trial, "social_t1", missed, COVARIATES, method="outcome_model", census=True)
    town_wide = tk.selection.transport(trial, "social_t1", outside, COVARIATES, target="everyone", census=True)
    to_poor, to_all = ({e.extra["people"]: e for e in found.estimates} for found in (rest, town_wide))
    inside_true, poor = effect_of_offer(inside).mean(), (everyone["poorest"] == 1).to_numpy()
    poor_true = effect_of_offer(missed).mean()
    told = [
        lines.line("effect among the poorest who stayed away", to_poor["population"], truth=poor_true, naive=planned.estimate),
        lines.line("  the same, minus the effect in the trial", to_poor["difference"], truth=poor_true - inside_true, naive=0.0),
        lines.line("effect in the trial (planned)", planned, truth=inside_true),
        lines.line("effect among all who are eligible", to_all["population"], truth=effect_of_offer(everyone).mean(), naive=planned.estimate),
        *(
            lines.Line(f"share enrolled, {who}", enrolled(everyone, mine), np.nan, *shares.loc[who, ["reach", "reach_low", "reach_high"]].astype(float))
            for who, mine in (("poorest fifth", poor), ("others", ~poor))
        ),
    ]  # fmt: skip
    size = tk.power.grouped(effect=0.2, power=0.9, group_size=10, icc=ICC, allocation=(1, 1), baseline_correlation=R)
    per_kind = tk.power.interaction(
        effect=LESS_IF_POOREST, moderator_share=float(inside["poorest"].mean()), power=0.8, individual_r2=R**2
    )
    return {
        "question": "Are the poorest reached, and does the trial's effect hold for the whole town?",
        "design": "everyone eligible is listed with the stage they came to (approached, consented, randomized); a trial among those who enrolled, circles in one arm",
        "size": f"{ELIGIBLE:,} eligible, {len(inside):,} randomized, {int(inside['poorest'].sum())} of them of the poorest fifth; {int(np.ceil(size.groups))} circles of 10 and as many "
        f"controls give 90 % power for 0.20 SD among those who enrol, but {int(np.ceil(per_kind.n)):,} people would be needed to see at 80 % power that the effect is {LESS_IF_POOREST:.2f} SD "
        "smaller for the poorest, when so few of them enrol",
        "estimand": "average effect of being assigned to a circle on social capital among the poorest fifth of the eligible who did not enrol, in SD",
        **told[0].headline,
        "rows": lines.table(told),
        "conclusion": conclusion(told),
        "missing": "carrying the effect over rests on the measured traits only: what the poorest who stayed away have in common beyond those, no trial of the others can show. A plan takes the funnel as a file beside it; here the script makes it, and asks tk.selection.reach directly. Carrying an effect over has no word in a plan.",
    }  # fmt: skip


def enrolled(everyone: pd.DataFrame, mine: np.ndarray) -> float:
    """The chance of being approached and willing among these people."""
    near = town.chances(everyone, "approached", seed=SEED, share=APPROACHED, on="distance_km", slope=-0.3)
    return float((near * everyone["would_enrol"])[mine].mean())


def conclusion(told: list[lines.Line]) -> str:
    """One sentence, from the intervals."""
    missed, gap, _, _, poorest, others = told
    reached = f"{poorest.span(' %', 100, 0)} of the poorest fifth enrolled against {others.span(' %', 100, 0)} of the others"
    words, between = missed.span(" SD"), gap.span(" SD")
    effect = missed.says(
        above=f"the offer would do something for those of the poorest who stayed away ({words})", below=f"the offer would set back those of the poorest who stayed away ({words})",
        unsure=f"whether the offer would do anything for those of the poorest who stayed away is open ({words})",
    )  # fmt: skip
    differs = gap.says(
        above=f"and it would do more for them than it did in the trial ({between} more)", below=f"and it would do less for them than it did in the trial (difference {between})",
        unsure=f"and whether that is less than in the trial is open too (difference {between})",
    )  # fmt: skip
    return f"{reached}; if the measured traits tell all that matters, {effect}, {differs}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
