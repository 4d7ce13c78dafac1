# %% [markdown]
# # From a plan to a report
#
# A municipality wants to know whether savings circles help people with debts: do they feel less stress after half a year, and are fewer
# behind with the rent? This page takes that trial the whole way, with commands that are typed in a terminal:
#
# | before | when people are known | afterwards |
# |---|---|---|
# | write the plan, `check`, `power`, `lock` | `randomize` | `check` the data, `run`, `verify` |
#
# There is no Python to write. Here each line is run by a small function so that the page can show what it answers; in a terminal you
# would type what stands behind the dollar sign. People and answers are invented; everything is written into a temporary folder.

# %%
import contextlib
import io
import shlex
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk
from trialkit.cli import run

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name).resolve()


def terminal(line, most=60):
    """What a line answers when it is typed in the trial's folder: at most so many lines of it."""
    answer = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(answer), contextlib.redirect_stderr(answer):
        code = run(shlex.split(line)[1:])
    said = answer.getvalue().replace(f"{folder}/", "").rstrip().splitlines()
    more = [f"... ({len(said) - most} lines more)"] if len(said) > most else []
    failed = [f"(exit code {code})"] if code else []
    print("\n".join([f"$ {line}", *said[:most], *more, *failed]))


# %% [markdown]
# ## 1. The plan
#
# `trialkit init plan.toml` writes a commented plan to adapt. This is ours. It is short because everything that is not said has a default,
# and the next command says them all.

# %%
PLAN = """\
schema_version = 1

[trial]
title = "Savings circles for people with debts (invented data)"
population = "people who asked one of three municipalities for help with debts"

[arms]
letter = { label = "Letter with advice", control = true }
circle = { label = "Letter and savings circle", grouped = true }   # these people meet in groups, the others do not

[data]
unit = "id"
arm = "arm"
group = "group"
strata = ["municipality"]
waves = { t0 = "before the draw", t1 = "after six months" }
missing_codes = { -99 = "did not answer" }

[design]
scheme = "stratified"
allocation = { letter = 1, circle = 1 }
units = 288
groups = { size = [8, 13], within = ["municipality"] }
assumptions = { icc = 0.05, attrition = 0.10, baseline_correlation = 0.5 }

[[outcomes]]
name = "stress"
label = "Financial stress after six months (0 to 10)"
column = "stress_t1"
baseline = "stress_t0"
role = "primary"
measure = "mean_difference"
better = "lower"
smallest_worthwhile = 0.5
assume = { sd = 1.6, effect = -0.8 }

[outcomes.intercurrent]
never_attended = { strategy = "treatment_policy" }

[[outcomes]]
name = "arrears"
label = "Behind with the rent after six months"
column = "arrears_t1"
role = "secondary"
measure = "risk_difference"
better = "lower"
smallest_worthwhile = 0.10

[outcomes.intercurrent]
never_attended = { strategy = "treatment_policy" }

[analysis]
estimator = "ancova"
adjust = ["age"]

[selection]
balance = ["age", "stress_t0"]
attrition = true
"""
_ = (folder / "plan.toml").write_text(PLAN)

# %% [markdown]
# ## 2. What did I write? `check`
#
# The plan back in plain words. Read it to a colleague who knows the programme: this is the cheapest moment to find a mistake.

# %%
terminal("trialkit check plan.toml", most=75)

# %% [markdown]
# ## 3. Is it large enough? `power`
#
# First the formula, at once. It counts the groups in one arm, and says which of the plan's guesses it used.

# %%
terminal("trialkit power plan.toml")

# %% [markdown]
# Then the planned analysis itself, on made trials: with the effect of the plan, and with none at all. In the row without an effect, power
# is the share of false alarms and should be 5 %.

# %%
terminal("trialkit power plan.toml --simulate 1000 --effects 0,-0.8 --seed 1")

# %% [markdown]
# The same can be drawn. A plan is also an object, for those who do write Python:

# %%
plan = tk.Plan.load(folder / "plan.toml")
simulated = tk.power.simulate(plan, effects=[0, -0.2, -0.4, -0.6, -0.8, -1.0], n_draws=300, seed=2)
tk.plot.simulated_power(simulated)

# %% [markdown]
# ## 4. Before anybody is drawn: `lock`
#
# The lock holds the plan's fingerprint and the columns that the data will have. From now on a change of the plan shows. It does not prove
# *when* it was made: send the manifest hash to somebody who keeps it.

# %%
terminal("trialkit lock plan.toml")

# %% [markdown]
# ## 5. Who is in a circle? `randomize`
#
# The intake is closed; the register has one line a person. *The seed is fixed so that this page always shows the same people. In a real
# trial leave `--seed` out: it is then drawn from the computer's entropy and kept apart from the list.*

# %%
rng = np.random.default_rng(20261123)
n = 288
register = pd.DataFrame(
    {
        "id": [f"p{i:03d}" for i in range(1, n + 1)],
        "municipality": np.repeat(["Aldum", "Brede", "Corle"], [120, 96, 72]),
        "age": np.clip(rng.normal(41, 12, n).round(), 19, 75).astype(int),
        "stress_t0": np.clip(rng.normal(6.2, 1.6, n).round(1), 0, 10),
    }
)
register.to_csv(folder / "people.csv", index=False)
terminal("trialkit randomize plan.toml people.csv --seed 41 --by 'trial office'")

# %%
terminal("trialkit release allocation --enrolment-closed --by 'trial office'")
terminal("trialkit verify allocation/certificate.json --data people.csv")

# %% [markdown]
# Everybody who has the register can now draw the list again and will get the same one.
#
# ## 6. Half a year later
#
# The answers come in. We invent them, so we know the truth: circles lower stress by 0.8, and members of a circle share something. One
# person in ten did not answer, and the office typed -99.

# %%
allocation = pd.read_csv(folder / "allocation" / "allocation.csv")
data = register.merge(allocation[["id", "arm", "group"]], on="id")
shared = dict(zip(sorted(data["group"].dropna().unique()), rng.normal(0, 0.35, data["group"].nunique())))
lower = np.where(data["arm"] == "circle", 0.8, 0.0)
stress = 3.0 + 0.5 * data["stress_t0"] - lower + data["group"].map(shared).fillna(0) + rng.normal(0, 1.35, n)
data["stress_t1"] = np.clip(stress.round(1), 0, 10)
data["arrears_t1"] = (rng.random(n) < np.where(data["arm"] == "circle", 0.30, 0.40)).astype(int)
data.loc[rng.random(n) < 0.10, ["stress_t1", "arrears_t1"]] = -99
data.to_csv(folder / "wave1.csv", index=False)

terminal("trialkit check plan.toml wave1.csv")

# %% [markdown]
# `check` with data runs nothing: it says whether the file can be what the plan expects.
#
# ## 7. Every planned analysis: `run`

# %%
terminal("trialkit run plan.toml wave1.csv --quiet")
print()
print(*sorted(str(p.relative_to(folder)) for p in (folder / "report").iterdir() if p.name[0] != "."), sep="\n")

# %% [markdown]
# `report/index.html` is the report: one page that needs no connection. `results.json` has every number in it, and the page can be drawn
# again from it. The same in Python, with the figures one by one:

# %%
report = plan.run(folder / "wave1.csv")
primary, arrears = report.outcomes
tk.plot.flow(report.flow, labels={"letter": "Letter", "circle": "Letter and savings circle", "stress_t1": "stress"})

# %%
tk.plot.interval(
    primary.result,
    worthwhile=primary.worthwhile,
    better=primary.better,
    labels={"circle - letter": "stress, circle compared with letter"},
)

# %%
tk.plot.interval(
    arrears.result,
    worthwhile=arrears.worthwhile,
    better=arrears.better,
    labels={"circle - letter": "behind with the rent, circle compared with letter"},
)

# %% [markdown]
# [reading_a_report](reading_a_report.ipynb) says how to read such figures. Briefly: stress fell, and the interval holds the 0.8 that we
# put in. For the rent it says little: 288 people were planned for the primary outcome, and a share needs many more.
#
# ## 8. Does it all belong together? `verify`

# %%
terminal("trialkit verify plan.lock.json --data wave1.csv")

# %% [markdown]
# ## 9. The bad day
#
# The interval of stress reaches into the grey zone: stress fell, perhaps by less than the half point that was to matter. Somebody has an
# idea: "half a point was too strict, let us say 0.2". With that the whole interval would lie beyond, and it is one number in one line.

# %%
_ = (folder / "plan.toml").write_text(PLAN.replace("smallest_worthwhile = 0.5", "smallest_worthwhile = 0.2"))
terminal("trialkit run plan.toml wave1.csv --quiet")

# %% [markdown]
# Nothing ran, and the first report is still there. A change is not forbidden; a silent one is. With a reason, the new lock names the old
# one, and the report says at its head that the plan was amended, and why:

# %%
terminal("trialkit lock plan.toml --amend 'the steering group finds 0.2 worthwhile; decided after the data were seen'")
terminal("trialkit run plan.toml wave1.csv --quiet --out report_amended", most=2)

# %%
temporary.cleanup()
