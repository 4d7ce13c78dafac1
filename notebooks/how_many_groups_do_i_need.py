# %% [markdown]
# # How many groups do I need?
#
# Half of the people will meet in peer groups; the others are on their own. The budget is for some 240 people. Is it better to have four
# large groups or twenty small ones? And what happens to the answer when a guess behind it is wrong?
#
# Everything here comes from formulas that answer at once; the last section lets the planned analysis itself have a word. Effects are in
# standard deviations (SD): 0.45 SD means that the average member does better than about two thirds of those without a group.

# %%
import pandas as pd

import trialkit as tk

EFFECT = 0.45  # the effect that must not be missed
ICC = 0.10  # how alike members of a group become: share of the variance that lies between groups
assumed = {"icc": ICC, "baseline_correlation": 0.5}  # a score before the study, correlated .5 with the one after

# %% [markdown]
# ## 1. What the usual formula forgets
#
# 120 people in groups and 120 without. The formula of the textbooks counts 240 people; members of a group, however, come to resemble each
# other.

# %%
people_only = tk.power.individual(effect=EFFECT, n_per_arm=120, baseline_correlation=0.5)
with_groups = {g: tk.power.grouped(effect=EFFECT, groups=g, group_size=120 // g, controls=120, **assumed) for g in (4, 12)}
print(f"240 people, groups forgotten:  {people_only.power:.0%}")
for g, answer in with_groups.items():
    print(f"the same people in {g:2d} groups: {answer.power:.0%}  ({answer.df:.0f} degrees of freedom, not 237)")

# %% [markdown]
# The formula that forgets the groups promises the same, whether the 120 people sit in four groups or in forty. The whole answer for 12
# groups:

# %%
print(with_groups[12])

# %% [markdown]
# ## 2. The curve
#
# Groups of 10, with as many controls as members. Each line is a true effect; where it crosses the dashed line, the groups are enough for
# 80 %.

# %%
curve = tk.power.curve(
    tk.power.grouped, effect=[0.3, 0.45, 0.6], groups=range(4, 31, 2), group_size=10, allocation=(1, 1), **assumed
)
tk.plot.power_curve(curve, labels={"effect": "effect (SD)", "groups": "Groups of 10, and as many controls"})

# %%
for effect in (0.3, 0.45, 0.6):
    design = tk.power.grouped(effect=effect, power=0.8, group_size=10, allocation=(1, 1), **assumed).design
    print(f"{effect} SD: {design['groups']:.0f} groups and {design['controls']:.0f} controls for 80 %")

# %% [markdown]
# ## 3. More groups, or larger ones?
#
# The same 120 members, divided in eight ways:

# %%
ways = [(4, 30), (6, 20), (8, 15), (10, 12), (12, 10), (15, 8), (20, 6), (24, 5)]
divided = {(g, m): tk.power.grouped(effect=EFFECT, groups=g, group_size=m, controls=120, **assumed) for g, m in ways}
print(
    pd.DataFrame(
        {
            f"{g} groups of {m}": {"power": f"{a.power:.0%}", "standard error": f"{a.std_error:.3f}", "df": f"{a.df:.1f}"}
            for (g, m), a in divided.items()
        }
    ).T.to_string()
)

# %% [markdown]
# The whole map: shades are power, dashed lines join designs with equally many people. Walk along a dashed line to the right, towards more
# and smaller groups, and power rises without a single person more.

# %%
grid = tk.power.curve(
    tk.power.grouped, groups=list(range(4, 25, 2)), group_size=list(range(4, 31, 2)), effect=EFFECT, controls=120, **assumed
)
tk.plot.power_contour(grid, design={"groups": 12, "group_size": 10})

# %% [markdown]
# Two things hold this back. A group of four is another programme than a group of twelve: the ICC and the effect need not stay what they
# are. And every group costs a room and a facilitator. With prices, say 600 a group, 120 a member and 80 a control, and 30,000 to spend:

# %%
best = tk.power.optimal_grouped(icc=ICC, cost_group=600, cost_member=120, cost_control=80, budget=30_000)
print(best)

# %% [markdown]
# ## 4. Groups in one arm are a design of their own
#
# Programs for "cluster randomized trials" assume groups in both arms. Here there are none among the controls, which is good news: only
# one arm pays for its groups. (Without the score before, which these programs treat in another way.)

# %%
both = tk.power.clustered(effect=EFFECT, clusters=24, cluster_size=10, icc=ICC)
one = tk.power.grouped(effect=EFFECT, groups=12, group_size=10, controls=120, icc=ICC)
none = tk.power.individual(effect=EFFECT, n_per_arm=120)
for name, answer in {"groups in both arms": both, "groups in one arm": one, "groups forgotten": none}.items():
    print(f"{name:20s} power {answer.power:.0%}, df {answer.df:.0f}")

# %% [markdown]
# And bad news: controls do not make up for groups. With four groups, more controls help up to a point; after it power *falls*, because
# the test has to rest more and more on the four.

# %%
few = [20, 40, 80, 120, 240, 480, 2000]
print(
    pd.DataFrame(
        {c: {"power (%)": 100 * tk.power.grouped(effect=0.6, groups=4, group_size=10, icc=0.05, controls=c).power} for c in few}
    )
    .round(1)
    .rename_axis(columns="controls")
    .to_string()
)

# %% [markdown]
# ## 5. Nobody knows the ICC
#
# How many groups of 10 for 80 %, if members resemble each other less or more than we think?

# %%
by_icc = {
    i: tk.power.grouped(effect=EFFECT, power=0.8, group_size=10, controls=120, icc=i, baseline_correlation=0.5)
    for i in (0, 0.02, 0.05, 0.1, 0.2)
}
print(pd.Series({i: f"{a.groups:.1f}" for i, a in by_icc.items()}, name="groups").rename_axis("ICC").to_string())

# %% [markdown]
# So one number that is hardly ever known moves the answer from 6 groups to 15. Published values are a start (`tk.power.icc_ranges()`
# lists them with their sources); better than picking one is to average over them. The effect, too, is only roughly known:

# %%
unsure = tk.power.assurance(
    tk.power.grouped,
    priors={"icc": "group_interventions", "effect": ("normal", EFFECT, 0.05)},
    groups=12,
    group_size=10,
    controls=120,
    baseline_correlation=0.5,
)
print(unsure)
tk.plot.assurance(unsure)

# %% [markdown]
# People leave, and some never come. Both belong in the sum; here 15 % are lost, and 80 % of those offered a group go (so that the effect
# on everyone who was offered one is smaller than the effect on those who go):

# %%
print(tk.power.grouped(effect=EFFECT, power=0.8, group_size=10, allocation=(1, 1), attrition=0.15, take_up=0.8, **assumed))

# %% [markdown]
# ## 6. The last word: the planned analysis itself
#
# A formula knows a t test. The plan has strata, covariates and losses. `trialkit power plan.toml --search groups` tries sizes with the
# analysis of the plan on made trials until it knows which is enough; here with few draws, for speed.

# %%
plan = tk.Plan.from_text("""
schema_version = 1
[trial]
title = "Peer groups"
population = "people looking for work"
[arms]
alone = { label = "On their own", control = true }
peer = { label = "In a peer group", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
[design]
units = 240
groups = { size = [9, 11] }
assumptions = { icc = 0.1, attrition = 0.15, baseline_correlation = 0.5 }
[[outcomes]]
name = "confidence"
label = "Confidence after half a year"
column = "confidence_t1"
baseline = "confidence_t0"
role = "primary"
measure = "mean_difference"
better = "higher"
assume = { sd = 1.0, effect = 0.45 }
""")
found = tk.power.search(plan, solve_for="groups", power=0.8, seed=1, n_draws=4_000)
print(found)

# %%
tk.plot.simulated_search(found)

# %% [markdown]
# ## 7. Words for the application
#
# > We randomize 240 people; those in the programme meet in 12 groups of about 10. Groups exist in this arm only, and the analysis accounts for
# > them (CR2 standard errors, Satterthwaite degrees of freedom). With an intracluster correlation of .10 and a correlation of .5 with the score before, an
# > effect of 0.45 SD is detected with a probability of 86 % if nobody is lost, and of 83 % with 15 % lost (the planned analysis, simulated; Monte Carlo error about
# > one point). Averaged over published intracluster correlations and our doubt about the effect, and before losses, it is 87 %; in the
# > worst corner of both 44 %.
#
# `tk.power.memo(plan)` writes such a page, in English or Dutch.
