"""Plans of the published test vectors: short, and with what makes canonical JSON hard (signs, exponents, letters, key order)."""

from __future__ import annotations

from typing import Any

from trialkit.plan.locking.canonical import canonical_json, sha256_of_text
from trialkit.plan.reading.load import parse_plan

__all__ = ["EXAMPLES", "test_vectors"]

_SMALL = """\
schema_version = 1
[trial]
title = "A small trial (\u20ac 0.05)"
population = "people who saved nothing last year"
[arms]
alone = { control = true }
circle = {}
[data]
unit = "id"
arm = "arm"
[[outcomes]]
name = "saved"
column = "saved_t1"
baseline = "saved_t0"
role = "primary"
smallest_worthwhile = 1e-7
assume = { effect = 1.0, sd = 333333333.3333333 }
"""

_GROUPED = """\
schema_version = 1
[trial]
title = "Peer groups \U0001f602 and \\\\ \\"quotes\\""
population = "jobseekers"
registration = "EXAMPLE-0001"
[arms]
single = { label = "One-on-one", control = true }
peer = { label = "One-on-one plus a peer group", grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
strata = ["agency"]
waves = { t0 = "before", t1 = "after three months" }
missing_codes = { -99 = "refused", "\ufb33" = "dalet", "\u20ac" = "euro", "1" = "one" }
[design]
groups = { size = [10, 15] }
assumptions = { icc = 0.05 }
[[scales]]
name = "belief"
scale = "gse"
items = "gse_{wave}_{item}"
[[outcomes]]
name = "belief"
scale = "belief"
wave = "t1"
role = "primary"
smallest_worthwhile = { hedges_g = 0.2 }
[outcomes.intercurrent]
moved_away = { strategy = "treatment_policy" }
[multiplicity]
method = "romano_wolf"
seed = 9007199254740991
"""

# with the keys that came later, which a plan that does not use them leaves out of its canonical form
_ORDERED = """\
schema_version = 1
[trial]
title = "Three arms, an order of hypotheses"
population = "people with debts"
[arms]
alone = { control = true }
coach = {}
circle = { grouped = true }
[data]
unit = "id"
arm = "arm"
group = "group"
[[outcomes]]
name = "saved"
column = "saved_t1"
role = "primary"
better = "higher"
[[outcomes]]
name = "calm"
column = "calm_t1"
role = "exploratory"
better = "higher"
[[outcomes]]
name = "ease"
role = "exploratory"
index = { of = ["calm", "fear_t1"], lower = ["fear_t1"] }
[analysis]
few_groups = false
contrasts = [
  { label = "Either", weights = { coach = 0.5, circle = 0.5, alone = -1 } },
  { label = "Circle", weights = { circle = 1, alone = -0.5, coach = -0.5 }, against = "The others" },
]
[multiplicity]
method = "gatekeeping"
weights = { "saved: 0.5 coach + 0.5 circle - alone" = 1 }
transitions = { "saved: 0.5 coach + 0.5 circle - alone" = { "saved: circle - 0.5 alone - 0.5 coach" = 1 } }
"""

EXAMPLES = {
    "two arms, one column": _SMALL,
    "groups in one arm, a scale": _GROUPED,
    "three arms, an order of hypotheses": _ORDERED,
    "a scale without tests of invariance": f"{_GROUPED}[measurement]\ninvariance = false\n",
}


def test_vectors() -> dict[str, Any]:
    """Plans with their canonical JSON and hash, for anyone who wants to check a lock with other software."""
    vectors = []
    for name, text in EXAMPLES.items():
        spec = parse_plan(text)
        canonical = canonical_json(spec.to_dict())
        vectors.append({"name": name, "plan_toml": text, "canonical_json": canonical, "plan_hash": sha256_of_text(canonical)})
    return {
        "what": "Plan text -> canonical JSON (RFC 8785, defaults written out) -> SHA-256 of its UTF-8 bytes in hexadecimal.",
        "schema_version": 1,
        "vectors": vectors,
    }


test_vectors.__test__ = False  # type: ignore[attr-defined]  # a test runner would take it for a test by its name
