from __future__ import annotations

import pytest

import trialkit as tk
from trialkit.simulate import Simulated, read_scenario

# Everything normal, no items: the truth follows from the probit in closed form.
SMALL = """
schema_version = 1
key = "small"
version = "1"
title = "Small"
study = "none"
design = "individual"
unit = "id"
unit_prefix = "p"
arms = ["solo", "peer"]
people = { value = 120, status = "assumed" }

[[parts]]
part = "strata"
name = "site"
labels = ["N", "S"]
shares = { value = [0.5, 0.5], status = "assumed" }

[[parts]]
part = "discrete"
name = "age"
outcomes = { value = [20, 30], status = "assumed" }
weights = { value = [1, 1], status = "assumed" }

[[parts]]
part = "trait"
name = "drive"

[[parts]]
part = "assignment"
name = "arm"
within = "site"

[[parts]]
part = "groups"
name = "group"
within = "site"
alike = "age"
size = { value = [4, 6], status = "assumed" }
effects = { value = { work = 0.5 }, status = "assumed" }

[[parts]]
part = "attendance"
name = "attended"
intercept = { value = 0.0, status = "assumed" }

[[parts]]
part = "binary"
name = "work"
on = { value = { drive = 0.5 }, status = "assumed" }
intercept = { value = -0.5, status = "assumed" }
effect = { value = 0.6, status = "assumed" }

[[columns]]
name = "id"
label = "Person"
kind = "text"

[[columns]]
name = "work"
label = "Works"

[[outcomes]]
name = "work"
column = "work"
label = "Works"

[[targets]]
outcome = "work"
metric = "control_mean"
parameter = "work.intercept"
value = 0.4
status = "assumed"
"""


@pytest.fixture(scope="session")
def klier() -> Simulated:
    return tk.simulate.scenario("klier_2019", seed=1)


@pytest.fixture(scope="session")
def small_text() -> str:
    return SMALL


@pytest.fixture(scope="session")
def small():
    return read_scenario(SMALL, "small.toml")
