"""A large plan and its simulated data: 20 outcomes, three waves, mediation, selection and 50 imputations for 1,400 people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SCALES = {"self_efficacy": ("gse", "gse", 10, 4), "confidence": ("jobs_search_self_efficacy", "jss", 6, 5)}
SCORES = [f"score_{i:02d}" for i in range(10)]
SHARES = [f"share_{i:02d}" for i in range(6)]
ADJUST = ["age", "female", "education"]


def people(n: int = 1400, seed: int = 4) -> pd.DataFrame:
    """One row a person; groups of about fourteen in the treated arm, waves t0, t1 and t2, and 15 percent lost at each later wave."""
    rng = np.random.default_rng(seed)
    treated = rng.permutation(np.repeat([0, 1], n // 2))
    group = np.full(n, None, dtype=object)
    members = rng.permutation(np.flatnonzero(treated))
    for i, who in enumerate(np.array_split(members, 50)):
        group[who] = f"g{i:02d}"
    codes, names = pd.factorize(pd.Series(group))
    pull = np.append(rng.normal(size=len(names)), 0.0)[codes]
    d = pd.DataFrame({"id": np.arange(n), "arm": np.where(treated == 1, "peer", "alone"), "group": group})
    d["age"], d["female"] = rng.integers(18, 60, n).astype(float), rng.binomial(1, 0.5, n).astype(float)
    d["education"] = rng.choice(["low", "middle", "high"], n)
    d["attended"] = np.where(treated == 1, rng.binomial(1, 0.75, n), 0)
    trait = rng.normal(size=n)
    seen = {"t0": np.ones(n, bool), "t1": rng.random(n) > 0.15, "t2": rng.random(n) > 0.15}
    for key, items, count, most in ((k, v[1], v[2], v[3]) for k, v in SCALES.items()):
        loading = 0.7 if key == "self_efficacy" else 0.65
        for k, wave in enumerate(seen):
            level = trait + 0.25 * treated * (k > 0) + 0.2 * pull * (k > 0) + 0.5 * rng.normal(size=n)
            for j in range(1, count + 1):
                answer = np.clip(np.round((most + 1) / 2 + loading * level + 0.6 * rng.normal(size=n)), 1, most)
                d[f"{items}_{wave}_{j}"] = np.where(seen[wave], answer, np.nan)
    for i, name in enumerate(SCORES):
        before = 0.6 * trait + 0.8 * rng.normal(size=n)
        d[f"{name}_t0"] = np.round(20 + 5 * before, 1)
        value = 20 + 5 * (0.6 * before + 0.03 * i * treated + 0.2 * pull + 0.7 * rng.normal(size=n))
        d[f"{name}_t2"] = np.where(seen["t2"], np.round(value, 1), np.nan)
    for i, name in enumerate(SHARES):
        chance = 0.3 + 0.02 * i + 0.05 * treated + 0.04 * pull
        d[f"{name}_t2"] = np.where(seen["t2"], (rng.random(n) < chance).astype(float), np.nan)
    return d


def plan_text() -> str:
    """The plan, as a file."""
    blocks = [_HEAD]
    for name, (scale, items, _, _) in SCALES.items():
        blocks.append(f'[[scales]]\nname = "{name}"\nscale = "{scale}"\nitems = "{items}_{{wave}}_{{item}}"\n')
    for name in SCALES:
        for wave in ("t1", "t2"):
            role = "primary" if (name, wave) == ("self_efficacy", "t2") else "secondary"
            blocks.append(_outcome(f"{name}_{wave}", f'scale = "{name}"\nwave = "{wave}"', role, "scales"))
    for i, name in enumerate(SCORES):
        said = f'column = "{name}_t2"\nbaseline = "{name}_t0"\nbetter = "higher"'
        blocks.append(_outcome(name, said, "secondary", f"scores {i // 5}"))
    for name in SHARES:
        blocks.append(
            _outcome(name, f'column = "{name}_t2"\nmeasure = "risk_difference"\nbetter = "higher"', "exploratory", "shares")
        )
    return "\n".join([*blocks, _TAIL])


def written(folder: Path) -> tuple[Path, Path]:
    """The plan and the data as files."""
    plan, data = folder / "plan.toml", folder / "data.csv"
    plan.write_text(plan_text(), encoding="utf-8")
    people().to_csv(data, index=False)
    return plan, data


def _outcome(name: str, said: str, role: str, family: str) -> str:
    label = name.replace("_", " ").capitalize()
    return f'[[outcomes]]\nname = "{name}"\nlabel = "{label}"\n{said}\nrole = "{role}"\nfamily = "{family}"\n'


_HEAD = """schema_version = 1

[trial]
title = "A large trial (simulated data)"
population = "people who look for work"

[arms]
alone = { label = "Counselling", control = true }
peer = { label = "Counselling and a peer group", grouped = true }

[data]
unit = "id"
arm = "arm"
group = "group"
uptake = "attended"
waves = { t0 = "before randomization", t1 = "after three months", t2 = "after nine months" }

[design]
scheme = "simple"
allocation = { alone = 1, peer = 1 }
units = 1400
groups = { size = [10, 18] }
assumptions = { icc = 0.05, attrition = 0.15, take_up = 0.75 }
"""

_TAIL = f"""[analysis]
adjust = {ADJUST}
companions = ["lin", "difference_in_means", "cace", "longitudinal", "randomization_test"]
draws = 2000
seed = 11

[multiplicity]
method = "romano_wolf"
draws = 2000
seed = 12

[missing]
primary = "available_cases"
sensitivity = ["multiple_imputation", "jump_to_reference", "lee_bounds", "tipping_point"]
imputations = 50
seed = 13

[[mediation]]
outcome = "self_efficacy_t2"
mediator = {{ scale = "confidence", wave = "t1" }}
draws = 1000
seed = 14

[selection]
balance = {[*ADJUST, *(f"{s}_t0" for s in SCORES)]}
attrition = true
take_up = true
vulnerability = ["age", "education"]
groups_by_chance = ["age", "female"]

[[subgroups]]
by = "female"
kind = "categorical"
""".replace("'", '"')
