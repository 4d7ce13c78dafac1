"""Draws for a seed are frozen: docs/design_test_vectors.json holds them, and what is drawn today is held against it.

`python -m tests.design.test_schemes_vectors` writes the file; a change of what it holds is a change of every allocation that was
ever drawn, and belongs in the change log.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialkit import design
from trialkit.design import mechanism, stream
from trialkit.design.stream import Stream

FILE = Path(__file__).parents[2] / "docs" / "design_test_vectors.json"
TWO = [["individual", 1], ["peer", 1]]
THREE = [["control", 2], ["peer", 1], ["coach", 1]]


def _data(n: int) -> dict[str, list[object]]:
    """People whose identifiers are not in their order, in towns of unequal size and schools within towns."""
    ids = [f"p{(7 * i) % n:03d}" for i in range(n)]
    school = [(i * i) % 12 for i in range(n)]
    return {
        "id": ids,
        "number": [(7 * i) % n * 10 for i in range(n)],
        "town": [["north", "east", "west"][s % 3] for s in school],
        "school": [f"school {s}" for s in school],
        "chance": [(1 + i % 9) / 10 for i in range(n)],
    }


DESIGNS = [
    ("simple", 60, {"unit": "id", "arms": THREE}),
    ("simple", 60, {"unit": "number", "arms": TWO, "probability": "chance"}),
    ("complete", 11, {"unit": "id", "arms": THREE}),
    ("complete", 60, {"unit": "id", "arms": TWO}),
    ("complete", 62, {"unit": "id", "arms": THREE}),
    ("complete", 60, {"unit": "id", "arms": TWO, "counts": [["individual", 20], ["peer", 40]]}),
    ("stratified", 62, {"unit": "id", "arms": TWO, "strata": ["town"], "misfits": "stratum"}),
    ("stratified", 62, {"unit": "id", "arms": THREE, "strata": ["town"], "misfits": "global"}),
    ("stratified", 62, {"unit": "number", "arms": TWO, "strata": ["town", "school"], "misfits": "global"}),
    ("stratified", 62, {"unit": "id", "arms": THREE, "strata": ["school"], "misfits": "pool"}),
    ("clustered", 62, {"unit": "id", "arms": TWO, "cluster": "school"}),
    ("stratified_clustered", 101, {"unit": "id", "arms": TWO, "cluster": "school", "strata": ["town"], "misfits": "pool"}),
    ("factorial", 62, {"unit": "id", "factors": [["group", ["no", "yes"]], ["coach", ["no", "yes"]]], "strata": ["town"]}),
    ("custom", 4, {"unit": "id", "assignments": [list("abab"), list("baba"), list("aabb")], "probabilities": [0.5, 0.3, 0.2]}),
]
SEED = 20240229
N_DRAWS = 300


def _hash(arms: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(arms, dtype="<i2").tobytes()).hexdigest()


def _below(numbers: Stream) -> list[int]:
    return [numbers.below(bound) for bound in (2, 10, 1000, 2**63 + 1)]


def _streams() -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for seed, path in ((0, [0]), (SEED, [1, 7]), (2**127 + 5, [1, 0])):
        out.append(
            {
                "seed": str(seed), "path": path,
                "keys": [str(k) for k in Stream(seed, *path).keys(4).tolist()],
                "lanes": stream.lanes([Stream(seed, *path)], 5)[0].tolist(),
                "uniform": Stream(seed, *path).uniform(3).tolist(),
                "below": _below(Stream(seed, *path)),
                "order_12": Stream(seed, *path).order(12).tolist(),
            }
        )  # fmt: skip
    return out


def _drawn(scheme: str, data: object, settings: dict[str, object]) -> dict[str, object]:
    made = design.scheme(scheme)(data, **settings)
    arms = made.draw_many(N_DRAWS, seed=SEED).arms
    return {
        "first": arms[:2].tolist(),
        "sha256": _hash(arms),
        "allocation": made.assign(seed=SEED).to_csv(index=False, lineterminator="\n"),
    }


def vectors() -> dict[str, object]:
    return {
        "what": "Draws of each scheme for one seed: people as columns, settings as keyword arguments, codes in the order of the "
        "identifiers, and the SHA-256 of all draws as little-endian 16-bit integers, row by row.",
        "seed": SEED,
        "n_draws": N_DRAWS,
        "streams": _streams(),
        "designs": [
            {"scheme": scheme, "data": _data(n), "settings": settings} | _drawn(scheme, _data(n), settings)
            for scheme, n, settings in DESIGNS
        ],
    }


FROZEN = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {"streams": [], "designs": []}


def _name(case: dict[str, object]) -> str:
    return str(case["scheme"])


CASES = pytest.mark.parametrize("case", FROZEN["designs"], ids=_name)


def test_the_file_holds_every_design():
    assert [(c["scheme"], len(c["data"]["id"]), c["settings"]) for c in FROZEN["designs"]] == [tuple(d) for d in DESIGNS]


def test_streams_are_frozen():
    assert json.loads(json.dumps(_streams())) == FROZEN["streams"]


@CASES
def test_draws_are_frozen(case):
    found = _drawn(case["scheme"], pd.DataFrame(case["data"]), case["settings"])
    assert found == {key: case[key] for key in found}


@pytest.mark.parametrize("case", [c for c in FROZEN["designs"] if c["scheme"] != "custom"], ids=_name)
def test_the_order_of_rows_changes_nothing(case):
    shuffled = pd.DataFrame(case["data"]).sample(frac=1, random_state=5)
    assert _drawn(case["scheme"], shuffled, case["settings"])["sha256"] == case["sha256"]


@CASES
def test_settings_make_the_design_again(case):
    made = design.scheme(case["scheme"])(case["data"], **case["settings"])
    again = design.scheme(case["scheme"])(case["data"], **json.loads(json.dumps(made.settings)))
    assert _hash(again.draw_many(N_DRAWS, seed=SEED).arms) == case["sha256"]


@CASES
def test_a_draw_depends_on_the_seed_and_its_number_only(case, monkeypatch):
    made = design.scheme(case["scheme"])(case["data"], **case["settings"])
    many = made.draw_many(N_DRAWS, seed=SEED).arms
    np.testing.assert_array_equal(made.draw_many(7, seed=SEED).arms, many[:7])
    monkeypatch.setattr(mechanism, "block_rows", lambda n: 5)
    np.testing.assert_array_equal(made.draw_many(18, seed=SEED).arms, many[:18])
    assert _hash(made.draw_many(N_DRAWS, seed=SEED + 1).arms) != case["sha256"]


def test_an_allocation_is_not_one_of_the_draws_of_its_seed():
    made = design.complete({"id": range(80)}, unit="id", arms={"a": 1, "b": 1})
    codes = made.codes(made.assign(seed=SEED)["arm"])
    assert not (made.draw_many(200, seed=SEED).arms == codes).all(axis=1).any()


def text() -> str:
    """The file: a line for every stream and design."""
    parts = []
    for key, value in vectors().items():
        lines = ",\n".join("  " + json.dumps(v) for v in value) if isinstance(value, list) else ""
        parts.append(f" {json.dumps(key)}: " + (f"[\n{lines}\n ]" if lines else json.dumps(value)))
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
