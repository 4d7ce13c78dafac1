# %% [markdown]
# # Measure before and after
#
# 960 people with debts are asked about their well-being before the programme and three months later, with the five items of the WHO-5. Half
# of them meet in a **peer** group. Did the programme make them feel better, or did it change how they answer?
#
# The data are invented, and both things are put in: a true effect of **0.35 standard deviations** on well-being, and one item that
# members of the groups come to answer higher for another reason (their meetings open with it).

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import trialkit as tk

rng = np.random.default_rng(2026)
GROUPS, SIZE = 40, 12
n = 2 * GROUPS * SIZE
peer = np.arange(n) < n // 2
group = np.where(peer, np.arange(n) % GROUPS, -1)

before = rng.normal(size=n)
shared = np.where(peer, rng.normal(0, 0.2, GROUPS)[group], 0)
after = 0.6 * before + 0.35 * peer + shared + 0.77 * rng.normal(size=n)

people = pd.DataFrame(
    {
        "id": [f"p{i:03d}" for i in range(n)],
        "arm": np.where(peer, "peer", "individual"),
        "group": [f"g{g:02d}" if g >= 0 else None for g in group],
    }
)
for wave, feeling in (("t0", before), ("t1", after)):
    for item in range(1, 6):
        answer = 2.4 + 0.85 * feeling + 0.75 * rng.normal(size=n)
        if wave == "t1" and item == 4:
            answer = answer + 0.9 * peer
        people[f"who5_{wave}_{item}"] = np.clip(np.round(answer), 0, 5)
lost = rng.random(n) < 0.1
people.loc[lost, [f"who5_t1_{i}" for i in range(1, 6)]] = -99
people.loc[rng.choice(n, 25, replace=False), "who5_t0_2"] = -98

# %% [markdown]
# ## 1. The score, and what was done to the answers
#
# The scale of the registry knows its codes, its direction and its missing rule. Codes that are no answers are said, never guessed.

# %%
scores = tk.measurement.score(people, "who5", "who5_{wave}_{item}", waves=["t0", "t1"], missing_codes=[-99, -98])
print(scores.counts[["n_people", "n_scored", "n_missing", "n_out_of_range"]].to_string())
for code, sentence in scores.notes:
    print(f"[{code}] {sentence}")

# %% [markdown]
# The 25 people without the second item have no score before: the rule of the WHO-5 asks for all five. Their other answers are not lost; the factor models
# below use every answer. `scores.answers` has what each item counts, and `scores.items` the columns of each wave.

# %%
items, waves = scores.answers, scores.items
error = tk.measurement.reliability(items, waves=waves, cluster=people["group"])
print(
    error.tidy()[["wave", "n", "alpha", "alpha_low", "alpha_high", "omega", "omega_low", "omega_high", "one_factor_rmsea"]]
    .round(3)
    .to_string(index=False)
)

# %% [markdown]
# About 15 % of the score's variance is error, in both waves. Reliability does not see the item that moved: the five still hang together
# within each wave. It is a matter of level, and shows in the means.

# %%
figure, axes = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
for place, (arm, color) in enumerate((("individual", "#7a7a7a"), ("peer", "#1f5a7a"))):
    mine = items[people["arm"] == arm]
    change = [mine[f"who5_t1_{i}"].mean() - mine[f"who5_t0_{i}"].mean() for i in range(1, 6)]
    axes.bar(np.arange(1, 6) + 0.36 * (place - 0.5), change, width=0.34, color=color, label=arm)
axes.axhline(0, color="black", linewidth=0.8)
axes.set(xlabel="item", ylabel="change of the mean answer", xticks=range(1, 6))
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)

# %% [markdown]
# ## 2. Is it the same measure?
#
# Over time, and in the two arms afterwards. Means can be compared when the items keep their unit (metric) and their zero point (scalar).

# %%
data = pd.concat([items, scores.values, people[["id", "arm", "group"]]], axis=1)
over_time = tk.measurement.invariance(data, waves=waves, cluster="group")
print(over_time)

# %%
in_the_arms = tk.measurement.invariance(data, waves["t1"], by="arm", cluster="group")
print(in_the_arms)

# %% [markdown]
# Both fail, and both name item 4. The test in the arms is the one that matters for the effect: had the item moved alike in both arms, that would cancel in the
# difference between them. What an effect on this score must carry:

# %%
print(tk.measurement.response_shift_note(in_the_arms, "well-being after three months").text)

# %% [markdown]
# ## 3. The effect, on the score and on what it measures
#
# First the usual analysis, which takes the score at its word.

# %%
trial = tk.Trial(data, arm="arm", control="individual", unit="id", group="group")
effect = tk.itt(trial, "who5_t1", adjust=["who5_t0"])
print(effect)

# %% [markdown]
# The latent effect is the effect on the factor behind the items, in its standard deviations before the programme. With all five items it is as wrong as the score;
# its score tests say which item an arm moves beside the factor. Without that item:

# %%
every = tk.measurement.latent_effect(trial, waves)
print(every.direct_effects.round(1).to_string(index=False))

kept = {wave: [c for c in columns if not c.endswith("_4")] for wave, columns in waves.items()}
clean = tk.measurement.latent_effect(trial, kept)
rows = {}
for name, found in (("all five items", every), ("without item 4", clean)):
    table = found.tidy().set_index(["level", "unit"])
    for level in ("observed", "latent"):
        rows[name, level] = table.loc[(level, "baseline SD"), ["estimate", "conf_low", "conf_high"]].astype(float)
print(pd.DataFrame(rows).T.round(2).to_string())

# %% [markdown]
# The truth is 0.35. With all five items the effect is overstated, and no larger sample would help. Without item 4 the interval of the latent effect holds the truth.
#
# Two limits. Which item to leave out was found in these data: it needs a reason that lies in the item, and better a second sample. And leaving
# it out answers a narrower question, because what the item alone covers is gone.
#
# ## 4. What a change means for a person
#
# Reliable change asks whose score moved by more than error explains. Item 4 inflates it too, so it is counted on the four other items, as a
# sum.

# %%
sums = {wave: items[columns].sum(axis=1, skipna=False) for wave, columns in kept.items()}
four = trial.with_columns(sums)
omega = tk.measurement.reliability(items, waves=kept)["t0"].omega
change = tk.measurement.reliable_change("t0", "t1", reliability=omega, trial=four, better="higher")
print(change)

# %%
ends = tk.measurement.floor_ceiling(["who5_t0", "who5_t1"], range=(0, 100), trial=trial)
print(ends.tidy()[["wave", "arm", "n", "share_floor", "share_ceiling", "verdict"]].round(3).to_string(index=False))

# %% [markdown]
# ## 5. In a plan
#
# A plan that names the scale gets all of this without asking. The effect carries the warning wherever it stands, and the report sets the latent effect beside it,
# without the item.

# %%
PLAN = """
schema_version = 1
[trial]
title = "Peer groups for people with debts (invented data)"
population = "people with debts at two credit counsellors"
[arms]
individual = { label = "Counselling", control = true }
peer = { label = "Counselling and a peer group", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
waves = { t0 = "before", t1 = "after three months" }
missing_codes = { -99 = "lost", -98 = "no answer" }
[[scales]]
name = "well_being"
scale = "who5"
items = "who5_{wave}_{item}"
[[outcomes]]
name = "well_being"
label = "Well-being"
scale = "well_being"
wave = "t1"
role = "primary"
smallest_worthwhile = 10
"""
report = tk.Plan.from_text(PLAN).run(people)
for note in report.outcomes[0].result.notes:
    if note.code in ("response_shift", "arms_not_invariant"):
        print(f"[{note.code}] {note.text}")
found = report.measurement[0].latent["well_being"].tidy()
print(
    found.loc[found["unit"].str.startswith("baseline SD"), ["level", "unit", "estimate", "conf_low", "conf_high"]]
    .round(2)
    .to_string(index=False)
)

# %% [markdown]
# What to write in a plan, before the data:
#
# > Well-being is the WHO-5, scored 0 to 100. Its reliability is reported by wave and arm. Scalar invariance over time and between the arms is tested by the bounds of Chen (2007),
# > with tests that respect the groups. If it fails, the planned effect is reported with that warning, and beside it the effect on the factor, with the items that
# > moved over time free and those that the arms answer differently left out. The conclusion rests on the planned effect only where both point the same way.
