# %% [markdown]
# # Your own file, your first answer
#
# You have a file with one row a person: who was in which arm, who was put in which group, and a number before and after. A dozen lines
# lead from there to an estimate with an honest interval.
#
# The first cell makes a file to practise on: 180 invented people with debts, half of them in savings circles of 9, who said before and
# after how stressed they were (0 to 10). **Skip it when you have a file of your own**, and give its name to `tk.read`: .csv, .xlsx, .sav,
# .dta and .parquet are all read.

# %%
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk

rng = np.random.default_rng(3)
invented = pd.DataFrame({"id": range(1, 181), "arm": ["circle"] * 90 + ["letter"] * 90})
invented["circle"] = [f"circle {1 + i // 9}" if i < 90 else None for i in range(180)]
invented["stress_before"] = rng.normal(6, 1.5, 180).round(1)
shared = np.r_[np.repeat(rng.normal(0, 0.5, 10), 9), np.zeros(90)]  # what the members of a circle have in common
effect = np.where(invented["arm"] == "circle", -0.8, 0.0)
invented["stress_after"] = (2.8 + 0.5 * invented["stress_before"] + effect + shared + rng.normal(0, 1.3, 180)).round(1)
invented.loc[rng.random(180) < 0.08, "stress_after"] = -99  # did not answer

temporary = tempfile.TemporaryDirectory()
file = Path(temporary.name) / "my_trial.csv"
invented.to_csv(file, index=False)

# %% [markdown]
# ## Read it, and look at what was read

# %%
people = tk.read(file)
print(tk.receipt(people))

# %% [markdown]
# The warning is right: -99 is no stress, it means that somebody did not answer. Say so once, when the file is read.

# %%
people = tk.read(file, missing_codes={-99: "did not answer"})

# %% [markdown]
# ## Say what the columns mean
#
# The arm, which of the arms is the comparison, the person, and the group that a person was *assigned* to (empty for people without one).
# Contradictions, such as a person who is there twice or a group in both arms, are refused here, before there is a result to be fond of.

# %%
trial = tk.Trial(people, arm="arm", control="letter", unit="id", group="circle")
print(trial)

# %% [markdown]
# ## The effect

# %%
effect = tk.itt(trial, "stress_after", adjust=["stress_before"])
print(effect)

# %% [markdown]
# Read it as: *being offered a circle changed stress by so much, compared with a letter; the data fit well with anything in the interval.*
# Everybody counts in the arm they were assigned to, whether or not they came. `adjust` names what was measured before the trial began; it
# makes the answer more precise, and it must never be something that came after.
#
# The ten circles are in the interval: their members influence each other, so the 90 people in them tell less than 90 people on their own.

# %%
tk.plot.interval(effect, worthwhile=0.5, better="lower", labels={"circle - letter": "savings circle compared with a letter"})

# %% [markdown]
# The grey zone is half a point either way: less than that, we said beforehand, would not matter. The interval runs from a fall of more
# than a point to no change at all. So ten circles are too few to tell, which is not the same as "circles do not work". (We made these
# data, and know what the trial cannot: circles lowered stress by 0.8.)
#
# ## In standard deviations, and as a table

# %%
print(effect.standardized("hedges_g"))

# %%
table = effect.tidy()  # one row an estimate; table.to_csv("effect.csv") keeps it
print(table.T.to_string(header=False))

# %%
temporary.cleanup()

# %% [markdown]
# ## And now?
#
# | you want to | see |
# |---|---|
# | write down the analysis before the data, and get a report | [from_plan_to_report](from_plan_to_report.ipynb) |
# | know how many groups to form | [how_many_groups_do_i_need](how_many_groups_do_i_need.ipynb) |
# | understand what the groups do to the standard error | [groups_in_one_arm](groups_in_one_arm.ipynb), [few_groups](few_groups.ipynb) |
# | score a questionnaire | [measure_before_and_after](measure_before_and_after.ipynb) |
# | ask who came and who stayed | [who_came_who_stayed](who_came_who_stayed.ipynb) |
# | have somebody else read your report | [reading_a_report](reading_a_report.ipynb) |
