# %% [markdown]
# # From the first Monday to the list of groups
#
# Four agencies invite young people without work to a savings circle. Half of them will meet in a **peer** group of 10 to 15, half will
# save on their own (**individual**). Everyone who enrols is given one of the two by chance, the groups are formed of people of about the
# same age, and later anyone must be able to check that nobody bent the draw.
#
# This page walks through that, from planning to test, with 312 invented people. Three things are drawn by chance:
#
# | what | when | by which rule |
# |---|---|---|
# | the arm of each person | the Monday that they enrol | permuted blocks of 4, 6 or 8 in each agency |
# | the groups of the peer arm | once, after the last person has enrolled | alike in age, within an agency |
# | both again, a thousand times | at the analysis | both rules above |
#
# Arms and groups follow from **one secret number**, the seed. It is fixed before the first person enrols, and published after the last.

# %%
import json
import shutil
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd

import trialkit as tk

ARMS = {"individual": 1, "peer": 1}
work = Path(tempfile.mkdtemp())  # everything below is written here and nowhere else

# %% [markdown]
# ## 1. How many groups?
#
# The budget allows 12 groups. With 13 members each that is 156 people in groups, and 156 without. What effect would we find?

# %%
assumed = {"controls": 156, "icc": 0.05, "baseline_correlation": 0.5, "attrition": 0.10}
print(tk.power.grouped(groups=12, group_size=13, power=0.80, **assumed))

# %% [markdown]
# So 312 people in all, if an effect of about a third of a standard deviation is worth finding. The curve shows what more groups would
# buy. It flattens, because the number of controls stays as it is.

# %%
curve = tk.power.curve(tk.power.grouped, effect=[0.3, 0.4, 0.5], groups=range(4, 31, 2), group_size=13, **assumed)
tk.plot.power_curve(curve, labels={"effect": "effect (SD)"})

# %% [markdown]
# ## 2. What can chance do? Look before anything is fixed
#
# Last year's applicants stand in for the people who will come. Drawing arms for them a thousand times shows how far apart the two arms
# would be at the start: by a coin for each person, and by blocks within each agency.


# %%
def invented_people(seed, sizes, prefix):
    """People in the order in which they come."""
    rng = np.random.default_rng(seed)
    agency = rng.permutation(np.repeat(list(sizes), list(sizes.values())))
    n = len(agency)
    return pd.DataFrame(
        {
            "id": [f"{prefix}{i:03d}" for i in rng.permutation(np.arange(1, n + 1))],
            "agency": agency,
            "age": np.clip(np.round(18 + rng.gamma(2.2, 4.0, n)), 18, 45).astype(int),
            "sex": rng.choice(["woman", "man"], n),
            "before": np.round(rng.normal(30, 5, n), 1),
        }
    )


last_year = invented_people(2025, {"north": 90, "east": 80, "south": 80, "west": 50}, "y")
looked_at = ["agency", "age", "sex", "before"]
coin = tk.design.simple(last_year, unit="id", arms=ARMS)
blocks = tk.design.permuted_blocks(last_year, unit="id", arms=ARMS, strata=["agency"], sizes=[4, 6, 8])

expected = {}
for name, drawn in {"a coin": coin, "blocks": blocks}.items():
    found = drawn.balance(looked_at, n_draws=1000, seed=1).tidy()
    found.index = found["covariate"] + " " + found["level"].fillna("")
    expected[name] = [f"{low:+.2f} to {high:+.2f}" for low, high in zip(found["range_low"], found["range_high"])]
print(pd.DataFrame(expected, index=found.index).to_string())

# %% [markdown]
# The numbers are differences between the arms in standard deviations; 95 % of draws lie between them. Blocks hold the agencies almost equal. Age, sex and the score
# before the study stay as chance leaves them, up to about a quarter of a standard deviation: enough to adjust for the score before in
# the analysis, not enough for a heavier scheme.
#
# ## 3. Six Mondays
#
# The enrolment is a file that can only grow. It begins before anybody has enrolled, with a commitment to the seed: a fingerprint that
# gives nothing away, but that no other seed fits. The seed itself is in another file that only its owner can read.
#
# *Here the seed is a fixed number, so that this page shows the same people each time. In a real trial leave `seed=` out, and it is drawn
# from the computer's entropy: a seed that can be guessed gives the list away.*

# %%
people = invented_people(2026, {"north": 96, "east": 84, "south": 72, "west": 60}, "p")
mondays = [datetime(2026, 9, 7, 9, tzinfo=timezone.utc) + timedelta(weeks=w) for w in range(6)]
weeks = [people.iloc[52 * w : 52 * (w + 1)] for w in range(6)]

rule = tk.design.permuted_blocks(
    None, unit="id", arms=ARMS, strata={"agency": ["north", "east", "south", "west"]}, sizes=[4, 6, 8]
)
roll, secret = work / "enrolment.jsonl", work / "enrolment.seed.json"

for monday, newcomers in zip(mondays, weeks):
    with tk.design.Enrolment.open(roll, rule, seed_file=secret, seed=20260907, conceal=True, by="trial office", at=monday) as sitting:
        sitting.add(newcomers, at=monday)
        for person, agency in zip(newcomers["id"], newcomers["agency"]):
            sitting.reveal(person, by=f"intake {agency}", at=monday)
        print(f"{monday:%d %B}: {len(newcomers)} people more, {sitting.n} in all; last hash {sitting.head[:12]}")
        enrolled = sitting.allocation

# %% [markdown]
# Each Monday went on where the last had stopped. Nobody saw an arm in advance: it was shown to the intake worker of the agency, one
# person at a time, and the file says who saw it. Sending the last hash to a colleague each week costs one line of mail; after that not
# even the owner of the file can rewrite the past unnoticed.

# %%
people = people.merge(enrolled[["id", "place", "arm"]], on="id")
print(pd.crosstab(people["agency"], people["arm"], margins=True))
print()
print(tk.design.check_enrolment(roll))

# %% [markdown]
# ## 4. The groups
#
# Only now is the peer arm complete, and only now can groups be formed. The design object says both rules: who got which arm, in the order
# of arrival (`place`), and how groups are made of the peer arm. It draws with the seed that the enrolment committed to in September. The
# arms therefore come out as they were given on the six Mondays, which we check, and nobody could pick a seed that gives agreeable groups.
# (Arms are not drawn a second time: the same seed, rule and order of arrival can only give the same arms.)

# %%
register = people.drop(columns="arm")
design = tk.design.permuted_blocks(
    register, unit="id", arms=ARMS, strata=["agency"], sizes=[4, 6, 8], arrival="place"
).with_groups("peer", size=(10, 15), alike=["age"], within=["agency"])
print(design.describe())

seed = int(json.loads(secret.read_text())["seed"], 16)
october = datetime(2026, 10, 14, 10, tzinfo=timezone.utc)
made = tk.design.allocate(
    design, folder=work / "allocation", seed=seed, balance=["age", "sex", "before"], show=["agency", "age"], by="trial office", at=october
)
allocation = made.table

together = people.merge(allocation, on="id", suffixes=("_monday", ""))
print("same arm as on their Monday:", int((together["arm"] == together["arm_monday"]).sum()), "of", len(together))

# %%
groups = together.dropna(subset="group").groupby("group")["age"].agg(["size", "min", "median", "max"])
groups.columns = ["members", "youngest", "median age", "oldest"]
print(groups.astype(int).to_string())

# %% [markdown]
# How alike is that? The figure holds the groups against random groups of the same sizes in the same agencies. Age was aimed at. The score
# before was not, and should be where chance puts it.

# %%
quality = design.quality(allocation, seed=3, traits=["before"])
tk.plot.group_quality(quality, labels={"before": "score before"})

# %% [markdown]
# Groups are not the single best division: they are drawn from several good ones, so that chance has a say in who meets whom. How often
# would two people have met, over other draws of arms and groups?

# %%
print(design.co_membership(300, seed=4))

# %% [markdown]
# Of the 48,516 pairs, 36,144 belong to different agencies and can never meet. Most of the others that never met differ much in age: that
# is the price of groups alike in age, and no pair was certain to meet.
#
# ## 5. The list and its certificate
#
# The list is for the agencies, as a text file and a workbook. The certificate is for everyone: it says what was declared, what was
# reached and which fingerprints list and seed have, but neither arm nor group of anybody. The file with the seed stays with the trial
# office for now.

# %%
print(", ".join(sorted(p.name for p in made.folder.iterdir() if not p.name.startswith("."))))
print()
print((made.folder / "allocation.csv").read_text()[:171], "...", sep="")
print()
print(made.certificate)

# %% [markdown]
# ## 6. Enrolment has closed: publish the seed, and let anyone check
#
# Until now the certificate is a promise. Publishing the seed redeems it, for the enrolment and for the list, and closes both.

# %%
november = datetime(2026, 11, 2, 9, tzinfo=timezone.utc)
released = tk.design.release(made.folder, enrolment_closed=True, by="trial office", at=november)
with tk.design.Enrolment.open(roll, seed_file=secret, by="trial office", at=november) as sitting:
    sitting.finish(enrolment_closed=True, at=november)
print("published:", released.name)
print()
print(tk.design.check_enrolment(roll))

# %% [markdown]
# A reviewer needs the folder, the register of people and this package; no connection. The draw is made again and compared.

# %%
print(tk.design.verify_certificate(made.folder / "certificate.json", register))

# %% [markdown]
# One published seed serves both files, as was said at the start:

# %%
of_list = json.loads(released.read_text())["batches"][0]["seed"]
of_enrolment = json.loads(roll.read_text().splitlines()[-1])["seed"]
print("the seed of the list is the one that the enrolment committed to:", of_list == of_enrolment)

# %% [markdown]
# And if somebody moves one person to another group, by changing a single character in a copy of the list?

# %%
shutil.copytree(made.folder, work / "copy")
listed = work / "copy" / "allocation.csv"
text = listed.read_text()
listed.write_text(text.replace("peer-north-01", "peer-north-02", 1))
print(tk.design.verify_certificate(work / "copy" / "certificate.json", register))

# %% [markdown]
# The same in the enrolment: the intake worker of one line gets another name.

# %%
edited = work / "edited.jsonl"
edited.write_text(roll.read_text().replace("intake north", "intake worth", 1))
try:
    tk.design.check_enrolment(edited)
except tk.errors.LockError as problem:
    print(problem)

# %% [markdown]
# What this does not show: that the register is true, that intake workers did not choose whom to invite, or that nobody read the seed file
# while people were enrolling. Those are matters of who holds which key.
#
# ## 7. The analysis draws from the same design
#
# A year later the scores are in. Here they are invented, with an effect of 2 points (0.4 standard deviations), something that members
# of a group share, and one person in ten who did not answer.

# %%
rng = np.random.default_rng(7)
data = register.merge(allocation, on="id")
shared = dict(zip(groups.index, rng.normal(0, 1.1, len(groups))))
noise = rng.normal(0, 4.2, len(data))
data["after"] = 15 + 0.5 * data["before"] + 2.0 * (data["arm"] == "peer") + data["group"].map(shared).fillna(0) + noise
data.loc[rng.random(len(data)) < 0.10, "after"] = np.nan

trial = tk.Trial(data, arm="arm", control="individual", unit="id", strata=["agency"], group="group", design=design)
print(tk.itt(trial, "after", adjust=["before"]))

# %% [markdown]
# The randomization test asks the design itself: in how many of the allocations that could have come out (arms by blocks, groups formed anew)
# would a difference this large appear, if it made no difference to anyone in which arm they are, or with whom?

# %%
print(tk.randomization_test(trial, "after", adjust=["before"], n_draws=999, seed=11))

# %%
shutil.rmtree(work)
