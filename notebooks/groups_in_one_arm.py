# %% [markdown]
# # Groups in one arm
#
# Half of the people in a trial meet in groups of 12. The others are on their own. That is the natural trial of a savings circle, a job
# club or a peer group, and it has a name: *partially nested*. This page shows
#
# 1. why the members of a group tell less than as many people on their own,
# 2. what common ways to analyse such a trial do to the false alarms,
# 3. that more people do not mend it, and
# 4. what trialkit does instead.
#
# All data are invented and, until section 4, **there is no effect at all**: whoever finds one has a false alarm. Five in a hundred are
# agreed upon.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.special import ndtr, stdtr

import trialkit as tk
from trialkit.inference.arrays import Clusters
from trialkit.inference.linear.covariance import covariance
from trialkit.inference.mixed.grouped_reml import grouped_strata, reml
from trialkit.inference.linear.least_squares import least_squares
from trialkit.inference.linear.small_sample import WorkingCovariance, satterthwaite

GROUPS, MEMBERS = 10, 12

# %% [markdown]
# ## 1. One trial without an effect
#
# Somebody in the group finds a job and tells the others where to look; a facilitator is good, or often ill. Whatever it is, the members
# share it. The *intracluster correlation* (ICC) is the share of their variance that they have in common. Here it is .15.


# %%
def one_trial(seed, icc=0.15, effect=0.0):
    rng = np.random.default_rng(seed)
    n = GROUPS * MEMBERS
    before = rng.normal(size=2 * n)
    shared = np.repeat(rng.normal(0, np.sqrt(icc), GROUPS), MEMBERS)
    own = rng.normal(size=2 * n)
    own[:n] = shared + np.sqrt(1 - icc) * own[:n]
    return pd.DataFrame(
        {
            "id": range(2 * n),
            "arm": ["peer"] * n + ["alone"] * n,
            "group": [f"g{1 + i // MEMBERS:02d}" if i < n else None for i in range(2 * n)],
            "before": before,
            "after": 0.5 * before + own + effect * (np.arange(2 * n) < n),
        }
    )


data = one_trial(seed=1)
means = data.groupby("group")["after"].mean().sort_values()

figure, axes = plt.subplots(figsize=(6.2, 2.9), layout="constrained")
for place, name in enumerate(means.index):
    axes.scatter(data.loc[data["group"] == name, "after"], [place] * MEMBERS, s=10, color="#9db8c8")
axes.scatter(means, range(GROUPS), s=45, color="#1f5a7a", zorder=3, label="mean of a group")
axes.axvline(data.loc[data["arm"] == "alone", "after"].mean(), color="#b04a2f", linewidth=1.2, label="mean of all controls")
axes.set_yticks(range(GROUPS), means.index)
axes.set(xlabel="score after (dots: members)")
axes.legend(frameon=False, fontsize=8, loc="lower right")
axes.spines[["top", "right"]].set_visible(False)

spread = means.std()
print(
    f"group means spread with an SD of {spread:.2f}; if members had nothing in common it would be about {np.sqrt(1.25 / MEMBERS):.2f}"
)

# %% [markdown]
# Shared luck does not average out within a group. The mean of 120 members rests on ten such lucks and varies more than the mean of 120
# people on their own: by a factor of 1 + (12 - 1) x .15 = 2.65 in variance. The estimate is still right on average. What goes wrong is
# what is said about its uncertainty.
#
# ## 2. Five ways to analyse it
#
# | | way | who does it |
# |---|---|---|
# | 1 | forget the groups: everybody is independent | whoever does not think of it |
# | 2 | errors "clustered by group", all controls given one group number, 0 | a common remedy for the empty cells |
# | 3 | clustered by group, each control a cluster, normal distribution | the default of statsmodels |
# | 4 | the same with t and (number of clusters - 1) degrees of freedom | `use_t=True`, and common elsewhere: 129 here, as if there were 130 groups |
# | 5 | CR2 errors, degrees of freedom fitted to groups in one arm | trialkit's default |
#
# First in the one trial, with the software that people use:

# %%
X = sm.add_constant(pd.DataFrame({"peer": (data["arm"] == "peer").astype(float), "before": data["before"]}))
own_cluster = data["group"].fillna(data["id"].astype(str))
zero = data["group"].fillna("0")
model = sm.OLS(data["after"], X)
fits = {
    "1 groups forgotten": model.fit(cov_type="HC2", use_t=True),
    "2 controls as one group": model.fit(cov_type="cluster", cov_kwds={"groups": zero.astype("category").cat.codes}, use_t=True),
    "3 clustered, normal": model.fit(cov_type="cluster", cov_kwds={"groups": own_cluster.astype("category").cat.codes}),
    "4 clustered, t": model.fit(cov_type="cluster", cov_kwds={"groups": own_cluster.astype("category").cat.codes}, use_t=True),
}
rows = {name: [f.params["peer"], f.bse["peer"], f.pvalues["peer"]] for name, f in fits.items()}
trial = tk.Trial(data, arm="arm", control="alone", unit="id", group="group")
ours = tk.itt(trial, "after", adjust=["before"])
rows["5 trialkit"] = ours.tidy()[["estimate", "std_error", "p_value"]].iloc[0].tolist()
print(pd.DataFrame(rows, index=["estimate", "std_error", "p_value"]).T.astype(float).round(3).to_string())

# %% [markdown]
# One estimate, five opinions of it. The second way looks careful and does harm: residuals of all controls add up to zero, so a cluster of
# all controls seems to have no variance at all.
#
# One trial proves nothing. So the same for 1,000 trials at each of five ICCs; what is counted is how often p is below .05. (For speed the
# cell uses the parts that `tk.itt` is made of; it is checked against the table above.)

# %%
TRIALS = 1_000


def p_values(y, X, member):
    """p of the arm in each trial (a row of y) by the five ways; member: group, or -1 for a control."""
    n, k = X.shape
    part = (member >= 0).astype(int)
    groups = member.max() + 1
    single = np.where(part == 1, member, groups + np.arange(n))
    fits, one = least_squares(y=y, X=X), least_squares(y=y[0], X=X)
    by_person = Clusters.from_labels(single)

    def t_of(kind, clusters=None):
        return fits.coef[:, 1] / np.sqrt(covariance(fits, kind, clusters).matrix[:, 1, 1])

    t_zero = t_of("CR1", Clusters.from_labels(np.where(part == 1, member, groups)))
    t_single, t_ours = t_of("CR1", by_person), t_of("CR2", by_person)
    cr2 = covariance(one, "CR2", by_person)
    df = []
    for outcome in y:
        found = reml(grouped_strata(y=outcome, X=X, part=part, group=member))
        working = WorkingCovariance(found.theta[part], np.where(part == 1, found.theta[2], 0.0))
        df.append(satterthwaite(one, cr2, np.array([0, 1.0, 0]), working).df if found.converged else groups - 1)
    return np.array(
        [
            2 * stdtr(n - k, -abs(t_of("HC2"))),
            2 * stdtr(groups, -abs(t_zero)),
            2 * ndtr(-abs(t_single)),
            2 * stdtr(by_person.count - 1, -abs(t_single)),
            2 * stdtr(np.array(df), -abs(t_ours)),
        ]
    )


member = np.r_[np.repeat(np.arange(GROUPS), MEMBERS), np.full(GROUPS * MEMBERS, -1)]
check = p_values(data["after"].to_numpy()[None, :], X[["const", "peer", "before"]].to_numpy(), member)[:, 0]
print(
    pd.DataFrame({"p above": [r[2] for r in rows.values()], "p here": check}, index=list(rows)).astype(float).round(4).to_string()
)


# %%
def false_alarms(icc, groups=GROUPS, members=MEMBERS, trials=TRIALS):
    """Share of trials without an effect in which p is below .05, by each way."""
    rng = np.random.default_rng([2026, round(100 * icc), groups, members])
    n = groups * members
    who = np.r_[np.repeat(np.arange(groups), members), np.full(n, -1)]
    before = rng.normal(size=2 * n)
    own = rng.normal(size=(trials, 2 * n))
    shared = np.repeat(rng.normal(0, np.sqrt(icc), (trials, groups)), members, axis=1)
    own[:, :n] = shared + np.sqrt(1 - icc) * own[:, :n]
    design = np.column_stack([np.ones(2 * n), np.arange(2 * n) < n, before])
    return (p_values(0.5 * before + own, design, who) < 0.05).mean(axis=1)


iccs = (0.0, 0.05, 0.1, 0.2, 0.3)
size = pd.DataFrame({icc: false_alarms(icc) for icc in iccs}, index=list(rows)).rename_axis(columns="ICC")
print(f"false alarms, percent of {TRIALS} trials (Monte Carlo error {100 * np.sqrt(0.05 * 0.95 / TRIALS):.1f} where 5 is true)")
print((100 * size).round(1).to_string())

# %%
figure, axes = plt.subplots(figsize=(6.2, 3.3), layout="constrained")
for (name, values), color in zip(size.iterrows(), ["#b04a2f", "#7d4f8a", "#c79a3a", "#5f9e6e", "#1f5a7a"]):
    axes.plot(iccs, 100 * values, marker="o", markersize=4, color=color, label=name)
axes.axhline(5, color="grey", linewidth=0.8)
axes.set(xlabel="ICC of the groups", ylabel="false alarms (%)", ylim=(0, None))
axes.legend(frameon=False, fontsize=8)
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## 3. More people do not mend it
#
# Ten groups again, ICC .10, but with 6, 12, 24 or 48 members each. The larger the groups, the worse the first way: the standard error
# that forgets them shrinks with every person, and the luck of ten groups does not. For equal arms theory says that the variance is 1 + (m
# - 1) ICC / 2 times what the first way believes.

# %%
sizes = (6, 12, 24, 48)
simulated = [false_alarms(0.1, members=m, trials=300)[[0, 4]] for m in sizes]
theory = [2 * ndtr(-1.96 / np.sqrt(1 + (m - 1) * 0.1 / 2)) for m in sizes]
told = pd.DataFrame(simulated, columns=["groups forgotten", "trialkit"], index=sizes).rename_axis("members")
told.insert(0, "theory, forgotten", theory)
print((100 * told).round(1).to_string())

# %% [markdown]
# (300 trials a row: a Monte Carlo error of 1.3 where 5 is true, and of 2.6 where 30 is.)
#
# ## 4. What trialkit does
#
# `tk.Trial(..., group="group")` is told which group a person was assigned to; controls have none. From then on every analysis knows:
#
# - **the variance**: members of a group may resemble each other, controls do not (CR2);
# - **the degrees of freedom**: with 10 groups the uncertainty is itself uncertain. The df are those under the dependence that is found in the data, between
#   (groups - 1) and those of independent people;
# - **what it refuses**: a group in both arms, a group of one, a treated person without a group.
#
# Here is a trial with an effect of 0.4 SD, with the groups and without:

# %%
data = one_trial(seed=2, effect=0.4)
grouped = tk.itt(tk.Trial(data, arm="arm", control="alone", unit="id", group="group"), "after", adjust=["before"])
forgotten = tk.itt(tk.Trial(data.drop(columns="group"), arm="arm", control="alone", unit="id"), "after", adjust=["before"])
columns = ["estimate", "std_error", "df", "p_value", "conf_low", "conf_high"]
print(
    pd.concat([grouped.tidy()[columns], forgotten.tidy()[columns]], keys=["with groups", "forgotten"])
    .droplevel(1)
    .round(3)
    .to_string()
)

# %% [markdown]
# The same question asked in another way, by a mixed model with a variance between groups in one arm only. It agrees closely, and gives
# the ICC that was found:

# %%
mixed = tk.itt(
    tk.Trial(data, arm="arm", control="alone", unit="id", group="group"), "after", adjust=["before"], estimator="mixed"
)
print(mixed)
print(f"ICC {mixed.variance_components['icc']:.2f} (true: 0.15; ten groups tell it badly)")

# %% [markdown]
# And what it refuses. A group number that turns up among the controls as well is a mistake in the file:

# %%
data.loc[200, "group"] = "g03"
try:
    tk.Trial(data, arm="arm", control="alone", unit="id", group="group")
except tk.errors.TrialkitError as problem:
    print(problem)

# %% [markdown]
# ## 5. What to take along
#
# - Ask of every study of groups: *were the groups in the analysis?* If not, its intervals are too narrow; with ten groups of 12 and a modest ICC of .10, false
#   alarms are more than twice as many as stated.
# - It is the number of groups that counts, so plan for groups: see [how_many_groups_do_i_need](how_many_groups_do_i_need.ipynb). With fewer than ten, see [few_groups](few_groups.ipynb).
# - A tiny ICC that is "not significant" is no reason to leave the groups out: ten groups would often not show it if it were there.
# - Keep the column with the group that was *assigned* in the data file. Without it none of this can be done afterwards.
