"""A result finds its chart in `tk.plot`, under the name of its kind; a stored result comes back as the class of its kind."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import trialkit as tk
from trialkit import results
from trialkit.estimate.effect_sizes.results import EffectSize
from trialkit.results import Result, chart_of


def drawn_kinds() -> dict[str, type[Result]]:
    for home in set(results._HOMES.values()):
        import_module(home)
    # the chart of tipping points is made of their own grid and stands beside them
    return {k: c for k, c in Result.kinds.items() if hasattr(c, "plot") and k != "tipping_point"}


def test_every_result_with_a_plot_has_a_chart_of_its_kind():
    kinds = drawn_kinds()
    assert {"mediation", "power_curve", "assurance", "simulated_power", "simulated_search"} <= set(kinds)
    assert set(kinds) <= set(tk.plot.__all__)


def test_a_chart_is_the_function_of_tk_plot():
    found = tk.power.curve(tk.power.individual, effect=[0.3, 0.5], n_per_arm=[50, 100])
    lines = [[list(line.get_ydata()) for line in ax.lines] for ax in (chart_of(found), found.plot(), tk.plot.power_curve(found))]
    assert lines[0] == lines[1] == lines[2] and lines[0]


def test_every_kind_of_result_is_found_where_it_is_defined():
    package = Path(tk.__file__).parent
    for path in package.rglob("*.py"):
        if path.name != "__main__.py":
            import_module(".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"))
    own = {kind: c.__module__ for kind, c in Result.kinds.items() if c.__module__.startswith("trialkit.")}
    built_on = {"table", "drawn_test"}
    assert {kind: home for kind, home in own.items() if kind not in built_on} == results._HOMES


def test_a_stored_table_of_a_design_is_read_without_its_design():
    people = {"id": range(8), "age": [20, 25, 31, 34, 40, 47, 52, 60]}
    design = tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1}).with_groups("peer", size=2)
    allocation = design.assign(seed=1)
    for found in (design.balance(["age"], allocation=allocation), design.quality(allocation, seed=1, traits=["age"])):
        read = (
            "import json, sys; from trialkit.results import Result; "
            "print(json.dumps(Result.from_dict(json.load(sys.stdin)).to_dict(), sort_keys=True))"
        )
        run = subprocess.run(
            [sys.executable, "-c", read], input=json.dumps(found.to_dict()), capture_output=True, text=True, check=True
        )
        assert json.loads(run.stdout) == found.to_dict()


def test_a_class_that_others_are_built_on_takes_no_kind_from_them():
    assert EffectSize.kind == "effect_size_more"
    assert type(Result.from_dict(Result(()).to_dict())) is Result
