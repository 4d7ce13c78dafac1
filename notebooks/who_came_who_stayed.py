# %% [markdown]
# # Who came, who stayed?
#
# A municipality offers savings circles to people with low incomes. 1,400 people were eligible, 600 were randomized: half of them to a circle, half to
# a leaflet. A year later they are asked what they saved.
#
# The data are invented, so the truth is known: the circle adds **20 euros a month**. Two things are put in that a report often leaves out. People
# with debts are reached less and come less often. And in the leaflet arm those who saved little are hard to find again.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import trialkit as tk

rng = np.random.default_rng(12)
N, SIZE = 600, 10
circle = np.arange(N) % 2 == 0
debts = rng.random(N) < 0.4
number = np.where(circle, rng.permutation(N)[:N] % (N // 2 // SIZE), -1)
shared = np.append(rng.normal(0, 8, N // 2 // SIZE), 0)[number]
before = np.round(np.clip(rng.normal(60, 25, N) - 20 * debts, 0, None))
came = circle & (rng.random(N) < np.where(debts, 0.6, 0.9))
saved = np.round(20 + 0.6 * before + 20 * circle + shared + rng.normal(0, 22, N))
found_again = rng.random(N) < np.where(circle, 0.9, np.where(saved < np.median(saved), 0.5, 0.95))

people = pd.DataFrame(
    {
        "id": range(N),
        "arm": np.where(circle, "circle", "leaflet"),
        "group": [f"c{g:02d}" if g >= 0 else None for g in number],
        "debts": np.where(debts, "debts", "no debts"),
        "saved0": before,
        "came": came.astype(float),
        "saved12": np.where(found_again, saved, np.nan),
    }
)
trial = tk.Trial(people, arm="arm", control="leaflet", unit="id", group="group")

# %% [markdown]
# ## Who was reached?
#
# The people who never came are in no data file. A count at each stage is enough to see where they were lost.

# %%
counts = people["debts"].value_counts()
funnel = pd.DataFrame(
    {
        "debts": ["debts", "no debts"],
        "eligible": [750, 650],
        "approached": [620, 560],
        "consented": [290, 420],
        "randomized": [int(counts["debts"]), int(counts["no debts"])],
    }
)
reached = tk.selection.reach(funnel, by="debts")
print(reached.where_lost.round(2).to_string(index=False))

# %% [markdown]
# People with debts fell behind when they were asked to consent. That is where to look in the next round: at the letter, not at the circle.
#
# ## Who took it up?

# %%
took_up = tk.selection.take_up(trial, "came", by="debts")
shares = took_up.tidy().query("kind == 'complier'")[["stratum", "n_assigned", "share", "conf_low", "conf_high"]]
print(shares.round(2).to_string(index=False))

# %% [markdown]
# ## Who stayed?
#
# First whether it is much and whether it is selective.

# %%
lost = tk.selection.attrition(trial, "saved12", baseline="saved0", traits="debts")
print("\n".join(lost.verdicts))

# %% [markdown]
# ## What could those who are missing do to the answer?
#
# The usual analysis takes the people who were found. Multiple imputation fills in the others as if, given what they had saved before, they were like
# those found in their own arm. Lee's bounds ask less: only that the circle keeps people who would otherwise be lost, and loses nobody.

# %%
usual = tk.itt(trial, "saved12", adjust=["saved0"])
imputed = tk.missing.impute(trial, ["saved12"], predictors=["saved0", "debts"], n_imputations=20, seed=1)
pooled = imputed.analyse(lambda t: tk.itt(t, "saved12", adjust=["saved0"]))
lee = tk.selection.lee_bounds(trial, "saved12")
everyone = tk.itt(trial.with_columns({"saved12": saved}), "saved12", adjust=["saved0"])
rows = {
    "everyone (known here only)": everyone.estimates[0],
    "people who were found": usual.estimates[0],
    "multiple imputation": pooled.estimates[0],
}
for name, e in rows.items():
    print(f"{name:28s} {e.estimate:5.1f}   ({e.conf_low:.1f} to {e.conf_high:.1f})")
print(f"{'Lee bounds':28s} {lee.lower:5.1f} to {lee.upper:.1f}   ({lee.effect_conf_low:.1f} to {lee.effect_conf_high:.1f})")

# %% [markdown]
# The people who were found give too small an effect, and imputation does not mend it: what decided who was lost is not in the data. Lee's bounds
# hold the truth, at the price of being wide.
#
# How far off would the missing people have to be before the conclusion changed? Here those of the leaflet arm are moved, because most of the losses
# are theirs.

# %%
tipping = tk.missing.tipping_point(
    imputed,
    "saved12",
    arms=["leaflet"],
    deltas=[-30, -20, -10, 0, 10, 20, 30, 40],
    analyse=lambda t: tk.itt(t, "saved12", adjust=["saved0"]),
)
fig, ax = plt.subplots(figsize=(7, 4))
tipping.plot(ax=ax)
plt.show()
print(tipping.tidy()[["delta", "estimate", "conf_low", "conf_high"]].round(1).to_string(index=False))

# %% [markdown]
# The conclusion that circles help stands unless those missing from the leaflet arm saved well over 30 euros a month more than people like them who were found.
# They saved less. No table of losses shows this, since it depends on what was never seen; what a report can do is to say how far the answer depends
# on it, and it does so on one page. `docs/selection.md` has the lines of the plan.
