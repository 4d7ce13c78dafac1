# %% [markdown]
# # How to read a report
#
# This page is for people who get a report of a trial on their desk and have to decide something: whether to go on with a programme, pay
# for it or stop it. You need neither statistics nor code. The grey boxes make the figures; **pass over them**.
#
# The example is a trial of 1,400 young people without work. By lot, half got counselling one on one; the other half got the same
# counselling plus a peer group of 10 to 15 people, moderated, on their telephones. *The data are simulated; the design is that of a
# published study.* This is how the first page of such a report looks:
#
# ![The first page of the report](../docs/pictures/report.png)

# %%
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt

import trialkit as tk
from trialkit.report.words.english import ENGLISH

warnings.simplefilter("ignore", tk.measurement.UnverifiedScaleWarning)  # of interest to whoever publishes, not here
with tempfile.TemporaryDirectory() as folder:
    tk.simulate.scenario("klier_2019", seed=1).write(folder)
    plan = tk.Plan.load(Path(folder) / "klier_2019.plan.toml")
    plan.lock()
    report = plan.run(Path(folder) / "klier_2019.csv")
primary = report.outcomes[0]
names = {
    "peer": "Counselling and a peer group",
    "individual": "Counselling",
    "peer - individual": "peer group, compared with counselling alone",
}

# %% [markdown]
# ## 1. The question, before the answer
#
# A good report says what was asked before it says what came out. Look for four things in one sentence: *who*, *what was compared*, *which
# result*, and *when*. Here:

# %%
print(primary.estimand)

# %% [markdown]
# "Offered" and "whatever happened to them afterwards" are worth a second look. About one in four of those who were offered a group never
# took part. They are counted with those who did. This is on purpose: it answers what happens when you *offer* a programme, which is all
# that a municipality can do, and it is the only comparison that the lot keeps fair. Those who came anyway are different people.
#
# ## 2. Who is in it
#
# The next thing to look at is a figure without results: how many began, and of how many do we know the outcome?

# %%
tk.plot.flow(report.flow, labels={**names, "employed_t2": "work or education"})

# %% [markdown]
# From one to the next box people get lost. Two questions:
#
# - **How many?** Here about 16 of 100 have no known outcome.
# - **As many on both sides?** Here more were lost without a group (18 %) than with one (13 %). If those with bad news stay away, and more of them on one side, the comparison
#   tilts. Reports of this kind therefore also say what the worst plausible case does to the answer (section 6).
#
# ## 3. The answer is an interval
#
# What was observed, without any arithmetic:

# %%
tk.plot.means(primary.result, labels=names)

# %% [markdown]
# And the difference that the offer of a group made:

# %%
e = primary.result.estimates[0]
print(
    f"{100 * e.estimate:.1f} percentage points more in work or education; interval {100 * e.conf_low:.1f} to {100 * e.conf_high:.1f}"
)
tk.plot.interval(primary.result, worthwhile=primary.worthwhile, better=primary.better, labels=names)

# %% [markdown]
# The dot is the best single guess: of every 100 people, 15 or 16 more have work or education. **Read the line, not the dot.** Another
# lot, with other people on either side, would have given another dot. The line holds the differences that fit well with what was seen:
# from 9 more in a hundred to 22 more. Lines drawn in this way miss the truth in 5 of 100 trials. Whether this trial is one of the five,
# nobody can see.
#
# A line that is short says much; a line that is long says little, whatever the dot.
#
# ## 4. Is it enough to matter?
#
# The grey zone is the most useful thing in the figure. Before the trial, the researchers had to write down **the smallest difference that
# would be worthwhile**: here 5 in a hundred. Less than that would not be worth the money and trouble. Whatever lies in the zone is "too
# small to matter", on either side of nothing.
#
# There are six ways in which the line can lie, and the report has words for each:

# %%
lines = [(9, 22), (2, 14), (1, 4), (-3, 4), (-6, 13), (-14, -2)]
readings = dict(ENGLISH.readings)  # the words of the report
figure, axes = plt.subplots(figsize=(7, 2.9), layout="constrained")
axes.axvspan(-5, 5, color="#e9e9e9")
axes.axvline(0, color="black", linewidth=1)
for place, (low, high) in enumerate(lines):
    axes.plot([low, high], [-place, -place], color="#1f5a7a", linewidth=2.4)
    axes.plot((low + high) / 2, -place, "o", color="#1f5a7a", markersize=6)
axes.set_yticks([-i for i in range(6)], list(readings.values()))
axes.set(xlabel="more (or fewer) of every 100 people; grey: too small to matter", xlim=(-18, 26))
axes.spines[["top", "right", "left"]].set_visible(False)
axes.tick_params(axis="y", length=0)

# %% [markdown]
# | the line lies | what it means | what it does **not** mean |
# |---|---|---|
# | right of the grey zone | it works, by enough | that it will work as well elsewhere |
# | from the grey zone to the right, beyond zero | it helps; perhaps by too little | "it works" without a "but" |
# | right of zero, inside the grey zone | it helps, too little to matter | that a small p-value makes it important |
# | across zero, inside the grey zone | there is no difference that would matter | nothing more: this is an answer too |
# | across zero and out of the grey zone | the trial cannot tell | **"it does not work"**, or "it is as good": the most common mistake |
# | left of zero | it does harm | that it does so to everybody |
#
# The trial of this page is the first. In the words of the report:

# %%
for o in report.outcomes:
    print(f"{o.role:10s} {o.label}: {readings[o.verdicts[0]]}")

# %% [markdown]
# ## 5. Main and other outcomes
#
# There is one **primary** outcome, named in advance. It carries the conclusion. The others are **secondary**: with enough of them
# something always turns up, so their tests are corrected for their number. They help to understand, they do not rescue a primary outcome
# that says no.

# %%
tk.plot.forest(
    [o.result for o in report.outcomes], labels={**names, **{o.name: o.label for o in report.outcomes}}, primary=["employed"]
)

# %% [markdown]
# Each panel has its own units, so compare a line with its own zero, never with the line in the next panel.
#
# Two more numbers stand in the tables. **p** says how surprising the data would be if there were no difference at all; below .05 is
# called significant. It says nothing about how large or important a difference is, and the line says all it says and more. **Groups**
# (here 56) is how many peer groups there were. People in a group influence each other, so 56 groups tell less than 700 separate people.
# If a report on groups does not say that this was taken into account, do not trust its lines: they are too short.
#
# ## 6. What could the missing people do?
#
# If the 220 people without a known outcome had all been special, would the conclusion stand? The bar shows how far the answer can move
# when those of whom more stayed because of the group are taken as the luckiest or the unluckiest.

# %%
missing = report.selection.missing["employed"]["lee_bounds"]
tk.plot.bounds(missing, labels={**names, "employed_t2": "work or education"})

# %% [markdown]
# (.13 is 13 in a hundred.) Even the lower end, with its own uncertainty, stays clear of zero: the conclusion does not hang on those who
# are missing. If the bar crossed zero, it would.
#
# ## 7. Was it written down beforehand?
#
# Who looks long enough finds something. So the plan (question, outcome, analysis, worthwhile difference) is written before the data, and
# *locked*: a fingerprint is taken of it, which no other plan has. The report says at its head how much that proves.

# %%
print(report.lock.state, report.lock.level)
print(report.lock.sentence)

# %% [markdown]
# | the report says | you can rely on | you cannot rely on |
# |---|---|---|
# | not locked | nothing: the plan may have been written after the results | |
# | locked, **level L0** (local) | the plan was not changed since the lock, *if* somebody outside kept the fingerprint | when it was locked; that no second plan lies in a drawer |
# | locked, **level L2** (claimed) | the same; and the plan names a public registration | that the register holds this fingerprint, until you look it up there |
# | the plan was **amended** | what was changed, and the reason given | that the reason is a good one: was it before or after the results were known? |
#
# So ask: *who outside the project has had the fingerprint, and since when?* It is the **manifest hash** in the chapter "How to check and
# repeat this report"; if theirs is the same, the plan is the same.
#
# ## 8. What went differently
#
# Every trial departs from its plan: a group that never met, a question that was asked too late. The report has a chapter **Deviations**.
# Read it for what was departed from, when, and whether the results were known by then. "None recorded" is not praise, since it holds only
# what somebody entered. There is also a list of what was planned and could not be run. Here:

# %%
print("deviations:", [dict(d) for d in report.deviations] or "none recorded")
print("planned but not run:", list(report.not_run) or "nothing")

# %% [markdown]
# ## 9. What no such report can say
#
# - **For whom** it works. An average hides those for whom it does not. Differences between subgroups count only if they were planned.
# - **Why** it works. "Self-efficacy rose, and so did work" does not say that one led to the other.
# - **Elsewhere or later.** It is about these people, these facilitators, these nine months. And about those who were *reached*: who never applied is not in it.
# - **Whether it is worth its price.** That takes costs, and your own judgement.
#
# ## 10. On one card
#
# 1. What was the one question, and was it written down first?
# 2. How many people began, and of how many is the outcome known, on either side?
# 3. Where does the *line* lie: beyond zero? beyond the grey zone?
# 4. Who chose the grey zone, and when?
# 5. How many groups, and are they in the analysis?
# 6. Would the answer stand with the missing people against it?
# 7. Who outside kept the fingerprint of the plan? What was changed, and when?
# 8. Which sentence in the summary says more than the line does? Strike it out.
