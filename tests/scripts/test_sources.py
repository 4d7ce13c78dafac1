"""docs/sources.md holds the numbers that the code holds; what it calls recomputed is computed here."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import trialkit as tk
from trialkit.inference.attrition.wwc import SQUARES, TABLE, model_boundary
from trialkit.inference.confounding import evalue
from trialkit.inference.draws.wild_cluster import MAMMEN
from trialkit.inference.take_up.instruments import T_VALID_F, TF_FIRST, TF_STEP, TF_TABLE, tf_critical
from trialkit.measurement.invariance.ladder import bounds
from trialkit.plan.documents import literature
from trialkit.report.checklists import consort
from trialkit.report.memo.references import WORKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.\d+|\.\d+|\d+)")
ROWS = re.findall(r"^\| ([^|]+) \| `(trialkit[\w.]*):(\w+)(?:\[(\w+)\])?` \|", PAGE, flags=re.MULTILINE)
DECIDING = ("direction", "items", "codes", "reversed", "score", "subscales", "cut_offs", "conversion")


def numbers(value: Any) -> Iterator[float]:
    """All numbers in a constant, in order."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from numbers(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from numbers(part)
    elif isinstance(value, (tuple, list, np.ndarray)):
        for part in value:
            yield from numbers(part if isinstance(part, (tuple, list)) else getattr(part, "item", lambda p=part: p)())


def item_numbers(value: Any) -> list[str] | None:
    """The numbers of the items of a checklist ('1a', '1b', '2'); None for anything else."""
    if value is consort.ITEMS:
        return [item.number for item in consort.ITEMS]
    if isinstance(value, tuple) and isinstance(value[0], tuple) and len(value[0]) == 3 and isinstance(value[0][0], str):
        return [item.number for part in value for item in part[2]]
    return None


def on_the_page(value: Any) -> list[float]:
    listed = item_numbers(value)
    if listed is not None:
        return [float(len({re.match(r"\d+", n).group() for n in listed})), float(len(listed))]  # type: ignore[union-attr]
    found = list(numbers(value))
    return found if len(found) <= 8 else [float(len(found)), found[0], found[-1]]


@pytest.mark.parametrize(("said", "module", "name", "key"), ROWS, ids=[f"{m}:{n}{k}" for _, m, n, k in ROWS])
def test_the_page_says_what_the_code_holds(said, module, name, key):
    value = getattr(importlib.import_module(module), name)
    value = value[key] if key else value
    assert [float(n) for n in NUMBER.findall(said)] == pytest.approx(on_the_page(value), abs=5e-5)


def test_the_page_has_the_constants_that_reports_rest_on():
    named = {f"{module}:{name}" for _, module, name, _ in ROWS}
    assert len(ROWS) >= 30
    assert {
        f"trialkit.power.published_iccs:RANGES[{k}]" for k in importlib.import_module("trialkit.power.published_iccs").RANGES
    } == {f"{m}:{n}[{k}]" for _, m, n, k in ROWS if n == "RANGES"}
    assert {"trialkit.inference.attrition.wwc:TABLE", "trialkit.inference.take_up.instruments:TF_TABLE"} <= named


def test_modules_named_without_a_constant_exist():
    for module in set(re.findall(r"`(trialkit(?:\.\w+)+)`", PAGE)):
        importlib.import_module(module)


def test_facts_of_scales_that_nobody_found_are_listed():
    listed = dict(re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|$", PAGE, flags=re.MULTILINE))
    files = sorted((ROOT / "trialkit" / "measurement" / "registry").glob("*.toml"))
    sources = {f.stem: tomllib.loads(f.read_text(encoding="utf-8"))["sources"] for f in files}
    facts = {key: [f for f in DECIDING if f in found and found[f]["status"] == "M"] for key, found in sources.items()}
    assert listed == {key: ", ".join(missing) for key, missing in facts.items() if missing}
    assert f"of {len(facts)} scales" in PAGE


def test_every_work_that_a_document_prints_is_listed_as_printed():
    tables = (literature.GUIDES, literature._ESTIMATORS, literature._CORRECTIONS, literature._MISSING, WORKS)
    single = (literature._HC2, literature._CR2, literature._CACE, literature._MEDIATION, literature._KLK, literature._EVENTS)
    rows = dict(re.findall(r"^\| ([^|]+ \(\d{4}\)) \| ([^|]*)\| ", PAGE, flags=re.MULTILINE))
    for work in {*itertools.chain(*(t.values() for t in tables)), *single}:
        who = re.match(r".*?\(\d{4}\)", work)
        place = re.search(r"\d+: [\w-]+(?=\.$)", work)
        assert who is not None and rows[who.group()].strip() == (place.group() if place else "")


def rejected(strength: float, critical: Any) -> float:
    """Size of a 5 % test of one instrument by |t| at perfect endogeneity: t = f (f - f0) / f0 with f ~ N(f0, 1), f0 the true strength."""
    f = np.linspace(strength - 9, strength + 9, 60_001)
    t = np.abs(f * (f - strength) / strength)
    return float((stats.norm.pdf(f - strength) * (t > critical(f * f))).sum() * (f[1] - f[0]))


def test_the_critical_values_of_tf_keep_the_size_whatever_the_strength():
    def table(f: np.ndarray) -> np.ndarray:
        root = np.sqrt(f)
        return np.where(root < TF_FIRST, math.inf, np.interp(root, TF_FIRST + TF_STEP * np.arange(len(TF_TABLE)), TF_TABLE))

    assert all(table(np.array([f]))[0] == tf_critical(f) for f in (3.0, 4.0, 10.0, 23.1, 200.0))
    sizes = [rejected(s, table) for s in (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12)]
    assert min(sizes) > 0.047 and max(sizes) < 0.05


def test_above_its_threshold_the_usual_critical_value_has_its_size():
    def plain(threshold: float) -> float:
        usual = stats.norm.ppf(0.975)
        return max(rejected(s, lambda f: np.where(f > threshold, usual, math.inf)) for s in np.arange(7.0, 10.0, 0.05))

    assert plain(T_VALID_F) == pytest.approx(0.05, abs=1e-4)
    assert plain(90.0) > 0.0515


def test_the_attrition_model_lies_close_to_the_published_table():
    for assumption, column in TABLE.items():
        for percent, bound in enumerate(column):
            if percent >= 7:
                assert 100 * model_boundary(overall=percent / 100, assumption=assumption) == pytest.approx(bound, abs=0.15)
    assert SQUARES["cautious"] > SQUARES["optimistic"]


def test_weights_of_the_wild_bootstrap_have_their_moments():
    low, high, share = MAMMEN
    assert [share * low**k + (1 - share) * high**k for k in (1, 2, 3)] == pytest.approx([0, 1, 1], abs=1e-12)
    webb = np.sqrt([0.5, 1.0, 1.5])
    six = np.concatenate([-webb, webb])
    assert (six.mean(), (six**2).mean()) == pytest.approx((0, 1))


def test_bounds_and_conversions_of_the_page():
    metric, scalar = bounds("metric"), bounds("scalar")
    assert (metric.cfi, metric.rmsea, metric.srmr, scalar.srmr) == (0.010, 0.015, 0.030, 0.010)
    assert ".010, .015, .030 (scalar .010)" in PAGE
    assert math.log(evalue.from_smd(1.0)) == pytest.approx(0.91)
    for odds, d in ((2.67, 0.54), (1.98, 0.38)):
        assert math.log(odds) * math.sqrt(3) / math.pi == pytest.approx(d, abs=0.005)


def test_leftovers_drawn_one_after_the_other_miss_what_was_declared():
    """Shares .2, .2, .6 of four people leave .8, .8 and .4 of a place over two seats: the row of randomizr in docs/differences.md."""
    left = np.array([0.8, 0.8, 0.4])
    third = sum(
        left[i] / left.sum() * left[j] / (left.sum() - left[i]) for i, j in itertools.permutations(range(3), 2) if 2 in (i, j)
    )
    assert (2 + third) / 4 == pytest.approx(0.6167, abs=5e-5)
    assert ".6167 for .6 among four people" in (ROOT / "docs" / "differences.md").read_text()


def test_sizes_of_cluster_covariances_with_the_normal_distribution():
    """Balanced clusters: CR1 of the difference in closed form, as in statsmodels' cov_type='cluster'."""
    said = {8: (11.8, 7.0), 12: (9.0, 6.1), 20: (7.3, 5.7)}
    text = " ".join((ROOT / "docs" / "differences.md").read_text().split())
    for column, sentence in enumerate(("in {}, {} and {} % of 200,000 simulated trials", "reject in {}, {} and {} %")):
        assert sentence.format(*(pair[column] for pair in said.values())) in text
    rng, people, draws = np.random.default_rng(5), 15, 60_000
    for clusters, percent in said.items():
        means = rng.normal(0, math.sqrt(0.25 + 1 / people), (draws, clusters)).reshape(draws, 2, -1)
        within = ((means - means.mean(2, keepdims=True)) ** 2).sum((1, 2)) / (clusters / 2) ** 2
        n = clusters * people
        t = np.abs(means[:, 0].mean(1) - means[:, 1].mean(1)) / np.sqrt(within * clusters / (clusters - 1) * (n - 1) / (n - 2))
        for critical, expected in zip((stats.norm.ppf(0.975), stats.t.ppf(0.975, clusters - 1)), percent, strict=True):
            assert 100 * (t > critical).mean() == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize(("study", "people", "said"), [("himle_2014", 58, ".75 SD"), ("felgenhauer_2019", 125, ".51 SD")])
def test_the_smallest_effects_of_the_studies_are_those_of_the_calculator(study, people, said):
    found = tk.power.individual(treated=people / 2, controls=people / 2, power=0.8).effect
    assert f"{found:.2f} SD".removeprefix("0") == said
    assert said in (ROOT / "analyses" / study / "README.md").read_text() and said in PAGE
