# %% [markdown]
# # Does self-efficacy carry the effect?
#
# Peer groups help young people into work, in this simulated trial. One idea of how: people come to believe in themselves, and people who believe in
# themselves look for work and find it. How much of the effect on work goes that way?
#
# The arm was randomized. Self-efficacy was not. So the page ends differently from a page on the effect itself: with what would have to be true. The data are
# of the scenario `klier_2019`, whose makings are known, and the last section compares.

# %%
import pandas as pd

import trialkit as tk

pd.options.display.width = 110
made = tk.simulate.scenario("klier_2019", seed=1)
people = made.data.copy()
scores = tk.measurement.score(people, "gse", "gse_{wave}_{item}", waves=["t0", "t1"], missing_codes=[-99, -98])
for wave in ("t0", "t1"):
    people[f"gse_{wave}"] = scores.values[f"gse_{wave}"].to_numpy(dtype=float, na_value=float("nan"))
    answers = people.filter(regex=f"^jsse_{wave}_").replace([-99, -98], float("nan"))
    people[f"jsse_{wave}"] = answers.mean(axis=1, skipna=False).astype(float)  # confidence in looking for work, used in section 4

trial = tk.Trial(people, arm="arm", control="individual", unit="id", group="group", strata=["agency"])
print(people.groupby("arm")[["gse_t0", "gse_t1", "employed_t2"]].mean().round(3).to_string())

# %% [markdown]
# ## 1. The effect, in its parts
#
# Self-efficacy is measured after three months, work after nine: the step comes before the outcome. Both regressions are adjusted for self-efficacy before
# the programme, because people who stood higher before also stand higher after, and find work more easily.

# %%
asked = {"adjust": ["age", "education", "months_unemployed"], "n_draws": 1000, "seed": 7}
found = tk.mediate(trial, "employed_t2", mediator="gse_t1", mediator_baseline="gse_t0", **asked)
columns = ["estimand", "estimate", "conf_low", "conf_high", "p_value"]
print(found.tidy()[columns].round(3).to_string(index=False))

# %%
names = {"gse_t1": "Self-efficacy after three months", "employed_t2": "In work after nine months", "peer": "Peer group"}
tk.plot.mediation(found, labels=names)

# %% [markdown]
# `acme` is the part through self-efficacy, `ade` all the rest, in shares of people; they add up to `total`. The share `proportion` is there because the interval of
# the total stays away from zero. Where it does not, a report leaves the share out: it could be any number.

# %%
tk.plot.mediation_effects(found, labels=names)

# %% [markdown]
# ## 2. Or is it the group?
#
# A good group raises its members' self-efficacy *and* helps them into work, by a tip about a vacancy for instance. Then members with more self-efficacy find more
# work even if the one does nothing for the other. Within groups that cannot be the reason:

# %%
print(found.group_slopes.round(4).to_string(index=False))

# %% [markdown]
# The slope within groups is a little below the pooled one, and the slope between groups far above. Some of the pooled slope is the group's.
#
# ## 3. What nobody measured
#
# Somebody with supportive parents may have more self-efficacy and more offers of work. How strong would such a cause have to be, to be all there is? The curve
# needs linear models, so it is of the share in work, fitted by linear regression.

# %%
linear = {"measure": "mean_difference", "mediator_model": "linear", "inference": "delta", "adjust": asked["adjust"]}
shares = tk.mediate(trial, "employed_t2", mediator="gse_t1", mediator_baseline="gse_t0", **linear)
curve = shares.sensitivity()
print(
    f"nothing is left at a correlation of errors of {curve.breakpoint:.2f}; the interval holds zero from {curve.limit_breakpoint:.2f} on"
)
tk.plot.mediation_sensitivity(curve)

# %%
print(
    shares.benchmark(["gse_t0", "months_unemployed"], k=[1])
    .tidy()[["covariate", "k", "rho", "acme"]]
    .round(3)
    .to_string(index=False)
)

# %% [markdown]
# A cause as strong as self-efficacy before the programme, or as the months in unemployment, would change little. That says how strong a cause must be. It does not say that there is none.
#
# ## 4. What is so in this world
#
# The scenario is known. In it the programme moves three things: self-efficacy, confidence in looking for work, and how much people look for work. All three
# then help people into work, and self-efficacy by itself **least** of the three. The three go together in people. An analysis that looks at one of them alone gives
# it what belongs to the others, because the others are *consequences of the arm* that move the outcome too. No baseline covariate mends that.

# %%
alone = []
for step, label in {"gse": "self-efficacy", "jsse": "confidence in looking for work"}.items():
    one = tk.mediate(trial, "employed_t2", mediator=f"{step}_t1", mediator_baseline=f"{step}_t0", **asked).effect("acme")
    alone.append({"step, analysed alone": label, "indirect": one.estimate, "low": one.conf_low, "high": one.conf_high})
print(pd.DataFrame(alone).round(3).to_string(index=False))
print(f"total: {found.effect('total').estimate:.3f}")

# %% [markdown]
# Each step alone takes a good part of the total, and they overlap: added up they would count the same thing twice. The numbers answer "how much of the effect
# moves together with this step", and it takes the assumption of section 3 (nothing else that the programme moves) to read them as "through".
#
# ## What to write
#
# > Of the effect on work of 16 percentage points, 4 (2 to 6) go through self-efficacy if nothing else that moves both was left out. The programme also moved
# > confidence in looking for work, which was not separated from it, so part of this may be that. We do not conclude that self-efficacy is how the programme works.
#
# In a plan the same is three lines, `[[mediation]]` with `outcome`, `mediator` and `seed`, and the report writes the section: `docs/mediation.md`.
