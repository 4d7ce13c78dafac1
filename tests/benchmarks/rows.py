"""Every speed that was asked of trialkit: one line a row, with what a user would run instead."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import trialkit as tk
from tests.benchmarks import test_factor, test_mediation, test_power_simulation
from tests.benchmarks.large_plan import written
from tests.benchmarks.measure import Case
from tests.benchmarks.test_longitudinal import mixed_lm, with_df
from tests.benchmarks.test_mixed import GROUPS, N, one
from tests.benchmarks.test_regression import cr2, hc2
from tests.benchmarks.test_wild_bootstrap import loop as wild_loop
from tests.inference.repeated_helpers import fev

PEOPLE = 1_400


@dataclass(frozen=True, slots=True)
class Row:
    """What is timed, the seconds that were asked, with what it is compared; `long` rows are left out of a short run."""

    what: str
    asked: float
    beside: str
    case: Callable[[], Case]
    long: bool = False


def in_r(which: str, data: pd.DataFrame) -> Callable[[int], list[float]]:
    """Runs of an R function in a process of its own, which times itself after one run that is not counted; none without R or the package."""

    def run(runs: int) -> list[float]:
        if shutil.which("Rscript") is None:
            return []
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "data.csv"
            data.to_csv(file, index=False)
            script = Path(__file__).with_name("peers.R")
            done = subprocess.run(
                ["Rscript", "--vanilla", str(script), which, str(file), str(runs)], capture_output=True, text=True, check=False
            )
        if done.returncode == 3:
            return []
        if done.returncode:
            raise RuntimeError(f"R could not time {which}: {done.stderr}")
        return [float(line) for line in done.stdout.split()]

    return run


def started(*words: str) -> Callable[[], object]:
    """A process of this Python."""
    return lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True)


def trialkit_command(*words: str, folder: Path | None = None) -> Callable[[], object]:
    """A command of trialkit, as a process."""
    line = [sys.executable, "-c", "from trialkit.cli import main; main()", *words]
    return lambda: subprocess.run(line, check=True, capture_output=True, cwd=folder)


def register() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(100_000), rng.normal(size=(100_000, 3))])
    return rng.normal(size=100_000), X, rng.integers(0, 2_000, 100_000)


def _hc2(clustered: bool, r: bool) -> Case:
    import statsmodels.api as sm

    y, X, labels = register()
    kind: dict[str, Any] = {"cov_type": "cluster", "cov_kwds": {"groups": labels}} if clustered else {"cov_type": "HC2"}
    ours = (lambda: cr2(y, X, labels)) if clustered else (lambda: hc2(y, X))
    if not r:
        return Case(ours, lambda: sm.OLS(y, X).fit(**kind).bse)
    data = pd.DataFrame(X[:, 1:], columns=["x1", "x2", "x3"]).assign(y=y, g=labels)
    return Case(ours, elsewhere=in_r("cr2" if clustered else "hc2", data))


def _draws() -> Case:
    d = pd.DataFrame({"id": np.arange(10_000), "site": np.arange(10_000) % 20})
    design = tk.design.stratified(d, unit="id", strata=["site"], arms={"solo": 1, "peer": 1})
    rng, half, rows = np.random.default_rng(1), np.repeat([0, 1], 250), [np.flatnonzero(d["site"] == s) for s in range(20)]

    def loop() -> None:
        for _ in range(200):
            arm = np.empty(10_000, dtype=np.int8)
            for inside in rows:
                arm[inside] = rng.permutation(half)

    return Case(lambda: design.draw_many(10_000, seed=1), loop, 50)


def traits(n: int = 1_000) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    d = pd.DataFrame(rng.normal(size=(n, 3)), columns=["calm", "hope", "trust"]).assign(id=np.arange(n))
    return d.assign(age=rng.integers(18, 60, n).astype(float), school=rng.choice(["low", "middle", "high"], n))


def _groups() -> Case:
    base = tk.design.complete(traits(), unit="id", arms={"solo": 1, "peer": 1})
    return Case(
        lambda: base.with_groups("peer", size=(10, 15), alike=["age"], mixed=["calm", "hope", "trust", "school"]).assign(seed=1),
        runs=3,
    )


def _minimization() -> Case:
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"id": np.arange(100_000), "sex": rng.integers(0, 2, 100_000), "agency": rng.integers(0, 8, 100_000)})
    design = tk.design.minimization(d, unit="id", factors=["sex", "agency"], arms={"solo": 1, "peer": 1})
    codes, chance = d[["sex", "agency"]].to_numpy()[:5_000], np.random.default_rng(2)

    def loop() -> None:
        tables = [np.zeros((2, 2)), np.zeros((8, 2))]
        for person in codes:
            score = [sum(abs((t[c] + np.eye(2)[a]) @ [1, -1]) for t, c in zip(tables, person)) for a in (0, 1)]
            best = int(np.argmin(score)) if score[0] != score[1] else int(chance.integers(2))
            arm = best if chance.random() < 0.8 else 1 - best
            for t, c in zip(tables, person):
                t[c, arm] += 1

    return Case(lambda: design.assign(seed=1), loop, 20, runs=3)


def trial(n: int = PEOPLE, covariates: int = 3, outcomes: int = 1) -> tk.Trial:
    """People alone, randomized by agency, with its design."""
    rng = np.random.default_rng(1)
    d = pd.DataFrame(rng.normal(size=(n, covariates)), columns=[f"x{k}" for k in range(covariates)])
    d = pd.concat([d, pd.DataFrame(rng.normal(size=(n, outcomes)), columns=[f"y{k}" for k in range(outcomes)])], axis=1)
    d = d.assign(id=np.arange(n))
    design = tk.design.complete(d, unit="id", arms={"solo": 1, "peer": 1})
    d["arm"] = design.assign(seed=2).set_index("id").loc[d["id"], "arm"].to_numpy()
    return tk.Trial(d, arm="arm", control="solo", unit="id", design=design)


def refits(t: tk.Trial, draws: int, outcomes: int, kind: str) -> Callable[[], None]:
    """Shuffles of the arm, and the regression of every outcome on each."""
    import statsmodels.api as sm

    fixed = np.column_stack([np.ones(t.n), t.data[[c for c in t.data if c.startswith("x")]]])
    y, rng = t.data[[f"y{k}" for k in range(outcomes)]].to_numpy(), np.random.default_rng(1)

    def loop() -> None:
        for _ in range(draws):
            X = np.column_stack([rng.permutation(t.arm_codes), fixed])
            for m in range(outcomes):
                _ = sm.OLS(y[:, m], X).fit(cov_type=kind).tvalues[0]

    return loop


def _randomization() -> Case:
    t = trial()
    return Case(
        lambda: tk.randomization_test(t, "y0", adjust=["x0", "x1", "x2"], n_draws=10_000, seed=1),
        refits(t, 100, 1, "nonrobust"),
        100,
    )


def _romano_wolf() -> Case:
    t = trial(outcomes=10)
    results = [tk.itt(t, f"y{m}", adjust=["x0"]) for m in range(10)]
    return Case(
        lambda: tk.family(results, correction="romano_wolf", n_draws=10_000, seed=1), refits(t, 20, 10, "HC2"), 500, runs=3
    )


def _wild() -> Case:
    rng = np.random.default_rng(1)
    cluster, x = rng.integers(0, 40, 10_000), rng.normal(size=(10_000, 3))
    d = pd.DataFrame(x, columns=["x1", "x2", "x3"]).assign(cluster=cluster, z=cluster % 2, y=x[:, 0] + rng.normal(size=10_000))
    t = tk.Trial(d, arm="z", control=0, cluster="cluster")
    return Case(lambda: tk.wild_bootstrap(t, "y", adjust=["x1", "x2", "x3"], seed=1), lambda: wild_loop(d, 30), 9_999 / 30)


def _absorbed() -> Case:
    from linearmodels.iv.absorbing import AbsorbingLS

    rng, n = np.random.default_rng(1), 1_000_000
    cluster = rng.integers(0, 20_000, n)
    d = pd.DataFrame(rng.normal(size=(n, 3)), columns=["x1", "x2", "x3"]).assign(c=cluster, s=cluster // 2, z=(cluster % 2))
    d["y"] = d["x1"] + 0.1 * d["z"] + d["s"] / 10_000 + rng.normal(size=n)
    strata, terms = pd.DataFrame({"s": pd.Categorical(d["s"])}), ["z", "x1", "x2", "x3"]

    def ours() -> None:
        t = tk.Trial(d, arm="z", control=0, strata=["s"], cluster="c")
        tk.itt(t, "y", adjust=terms[1:], strata_effects="additive")

    return Case(ours, lambda: AbsorbingLS(d["y"], d[terms], absorb=strata).fit(cov_type="clustered", clusters=d["c"]), runs=1)


def mixed_data(replicates: int, groups: int = GROUPS, n: int = N) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    member = np.repeat(np.arange(groups), rng.integers(4, 21, groups))
    group = np.r_[member, -np.ones(max(n, 2 * len(member)) - len(member), int)]
    part, x = (group >= 0).astype(int), rng.normal(size=len(group))
    y = 0.5 * x + rng.normal(size=(replicates, len(group)))
    y += np.where(part == 1, 0.3 * rng.normal(size=(replicates, groups))[:, group], 0)
    return {"y": y, "X": np.column_stack([np.ones(len(group)), part, x]), "part": part, "group": group}


def _mixed(r: bool) -> Case:
    from statsmodels.regression.mixed_linear_model import MixedLM

    data = mixed_data(1)
    y, labels = data["y"][0], np.where(data["group"] >= 0, data["group"], GROUPS + np.arange(len(data["group"])))
    if r:
        frame = pd.DataFrame({"y": y, "part": data["part"], "x": data["X"][:, 2], "group": labels})
        return Case(lambda: one(data, y), elsewhere=in_r("mixed", frame), runs=9)
    return Case(lambda: one(data, y), lambda: MixedLM(y, data["X"], groups=labels, exog_re=data["X"][:, [1]]).fit().bse, runs=5)


def _many_mixed() -> Case:
    data = mixed_data(1_000)
    return Case(lambda: one(data, data["y"]), lambda: [one(data, y) for y in data["y"][:50]], 20, runs=3)


def _fev() -> Case:
    y, X = fev("race + sex + arm * visit")
    return Case(lambda: with_df(y, X), mixed_lm())


def _simulated(text: str | None, draws: int, loop: Callable[[int], None], replicates: int, runs: int = 3) -> Case:
    plan = tk.Plan.load(test_power_simulation.KLIER) if text is None else tk.Plan.from_text(text)
    effects = len(tk.power.simulate(plan, n_draws=100, seed=1).table)
    ours = lambda: tk.power.simulate(plan, n_draws=draws, seed=1)  # noqa: E731
    return Case(ours, lambda: loop(replicates), effects * draws / replicates, runs=runs)


def _simulated_mediation() -> Case:
    text = test_power_simulation.ANCOVA + test_power_simulation.MEDIATION.format(a=0.15)
    plan = tk.Plan.from_text(text)
    ours = lambda: tk.power.simulate(plan, mediator="m1", n_draws=10_000, seed=1)  # noqa: E731
    return Case(ours, lambda: test_power_simulation.mediation_loop(2), 10_000, runs=1)


def items() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    before = rng.normal(size=PEOPLE)
    after = 0.2 + 0.6 * before + 0.8 * rng.normal(size=PEOPLE)
    own, size = 0.4 * rng.normal(size=(PEOPLE, 10)), np.linspace(0.6, 0.9, 10)
    x = np.hstack([f[:, None] * size + own + 0.5 * rng.normal(size=own.shape) for f in (before, after)])
    return pd.DataFrame(x, columns=[c for w in test_factor.WAVES.values() for c in w])


def _scalar() -> Case:
    from trialkit.inference.factor.fiml import moments
    from trialkit.inference.factor.fit import fit
    from trialkit.inference.factor.indices import fit_indices
    from trialkit.inference.factor.invariant import invariant_model

    data = items()
    x = data.to_numpy()
    return Case(lambda: fit_indices(fit(invariant_model(10, 2, 1, "scalar"), moments(x))), elsewhere=in_r("scalar", data))


def _omega() -> Case:
    data = items().iloc[:, :10]
    group = np.where(np.arange(PEOPLE) < PEOPLE // 2, np.arange(PEOPLE) % 70, np.nan)

    def single() -> None:
        for _ in range(20):
            tk.measurement.reliability(data.sample(PEOPLE, replace=True, random_state=1))

    return Case(lambda: tk.measurement.reliability(data, cluster=group, n_draws=1_000, seed=1), single, 50, runs=3)


def _mediation_bootstrap() -> Case:
    d = test_mediation.people(groups=32, size=14).iloc[:899]
    t = tk.Trial(d, arm="arm", control="alone", group="group")
    return Case(
        lambda: tk.mediate(t, "y", mediator="m", adjust=["m0", "y0"], inference="group_bootstrap", n_draws=1_000, seed=1),
        lambda: test_mediation.one_by_one(d, 100),
        10,
    )


def _rho() -> Case:
    d = test_mediation.people(groups=32, size=14)
    t = tk.Trial(d, arm="arm", control="alone", group="group")
    found = tk.mediate(t, "y", mediator="m", adjust=["m0", "y0"], interaction=False, n_draws=1_000, seed=1)
    return Case(lambda: found.sensitivity())


def grouped_outcomes(outcomes: int, n: int = PEOPLE, groups: int = 58, lost: float = 0.15) -> tk.Trial:
    """Half of the people in groups; of each outcome some are lost, more in the control arm."""
    rng = np.random.default_rng(3)
    treated = np.arange(n) < n // 2
    y = pd.DataFrame(rng.normal(size=(n, outcomes)), columns=[f"y{k}" for k in range(outcomes)])
    y = y.mask(rng.random(y.shape) < np.where(treated, lost, 1.3 * lost)[:, None])
    label = pd.Series([f"g{i % groups}" if t else None for i, t in enumerate(treated)], dtype="object")
    return tk.Trial(y.assign(arm=np.where(treated, "peer", "solo"), group=label), arm="arm", control="solo", group="group")


def _lee() -> Case:
    t = grouped_outcomes(10)
    names = [f"y{k}" for k in range(10)]
    return Case(lambda: tk.selection.lee_bounds(t, names, n_draws=1_000, seed=1), runs=3)


def _imputations() -> Case:
    from statsmodels.imputation.mice import MICEData

    t = grouped_outcomes(30, lost=0.1)
    names = [f"y{k}" for k in range(30)]
    bare = t.data[names].copy()
    return Case(lambda: tk.missing.impute(t, names, n_imputations=50, seed=1), lambda: MICEData(bare).update_all(1), 250, runs=1)


def _scenario() -> Case:
    return Case(lambda: tk.simulate.scenario("klier_2019", seed=1))


def _scenarios() -> Case:
    return Case(
        lambda: tk.simulate.many("klier_2019", n=1_000, seed=1),
        lambda: [tk.simulate.scenario("klier_2019", seed=s) for s in range(50)],
        20,
        runs=1,
    )


def _large_report() -> Case:
    folder = Path(tempfile.mkdtemp())
    plan, data = written(folder)
    return Case(lambda: tk.Plan.load(plan).run(data).save(folder / f"report{time.monotonic_ns()}"), runs=1)


def _verify() -> Case:
    folder = Path(tempfile.mkdtemp())
    trialkit_command("demo", "--folder", str(folder / "demo"))()
    report = next(p.parent for p in (folder / "demo").rglob("results.json"))
    return Case(trialkit_command("verify", str(report)))


_SIM = test_power_simulation
ROWS = [
    Row("`import trialkit`, as a process", 0.3, "`import statsmodels.api`", lambda: Case(started("-c", "import trialkit"), started("-c", "import statsmodels.api"))),
    Row("`trialkit --help`", 0.4, "`import pandas`", lambda: Case(trialkit_command("--help"), started("-c", "import pandas"))),
    Row("HC2 of 100,000 people and 4 columns", 0.31 / 3, "statsmodels HC2", lambda: _hc2(False, False)),
    Row("the same", 0.31 / 3, "R: estimatr", lambda: _hc2(False, True)),
    Row("CR2 with df, 2,000 clusters, 100,000 people", 0.61 / 3, "statsmodels CR1, no df", lambda: _hc2(True, False)),
    Row("the same", 0.61 / 3, "R: estimatr, df of all terms", lambda: _hc2(True, True)),
    Row("10,000 stratified draws of 10,000 people", 2, "a numpy loop over strata", _draws),
    Row("groups of 1,000 people by 5 traits", 10, "", _groups),
    Row("minimization of 100,000 people", 10, "a loop over people", _minimization),
    Row("randomization test with interval, 10,000 draws, 1,400 people, 3 covariates", 0.5, "a statsmodels loop, no interval", _randomization),
    Row("wild bootstrap with interval, 9,999 draws, 40 clusters, 10,000 people", 0.2, "a statsmodels loop, no interval", _wild),
    Row("Romano-Wolf, 10 outcomes, 10,000 draws, 1,400 people", 3, "a statsmodels loop", _romano_wolf),
    Row("a million people, 10,000 strata absorbed, CR2 by 20,000 clusters", 10, "linearmodels, CR1", _absorbed, long=True),
    Row("mixed model with Satterthwaite df, 1,400 people, 60 groups in one arm", 0.003, "statsmodels, no df, one residual variance", lambda: _mixed(False)),
    Row("the same", 0.003, "R: lmerTest, one residual variance", lambda: _mixed(True)),
    Row("1,000 such models", 1, "one at a time", _many_mixed),
    Row("repeated measures (fev_data, unstructured) with df", 0.1, "statsmodels, random intercept, no df", _fev),
    Row("power: 100,000 trials with groups in one arm, 2 effects", 1, "a statsmodels loop, CR1", lambda: _simulated(_SIM.GROUPED, 100_000, _SIM.grouped_loop, 100)),
    Row("power: 10,000 trials of 1,400, ANCOVA HC2, 2 effects", 2, "a statsmodels loop", lambda: _simulated(_SIM.ANCOVA, 10_000, _SIM.ancova_loop, 60)),
    Row("power: 10,000 of klier_2019, CR2, 2 effects", 10, "a statsmodels loop, CR1", lambda: _simulated(None, 10_000, _SIM.klier_loop, 60, 1), long=True),
    Row("power: 10,000 mediations of 1,400, bootstrap, 2 effects", 60, "a numpy loop", _simulated_mediation, long=True),
    Row("two waves of 10 items, scalar model, 1,400 people", 0.2, "R: lavaan", _scalar),
    Row("omega with 1,000 draws of groups, 1,400 people", 5, "one fit a draw, ours", _omega),
    Row("mediation, 1,000 bootstraps of groups, 899 people", 0.15, "a numpy loop, no groups", _mediation_bootstrap),
    Row("the whole rho curve", 0.05, "", _rho),
    Row("Lee bounds of 10 outcomes, 1,000 bootstraps of groups", 2, "", _lee),
    Row("50 imputations of 1,400 people and 30 columns, groups in one arm", 20, "statsmodels MICE, no groups", _imputations, long=True),
    Row("a scenario of 1,400 people with items", 0.05, "", _scenario),
    Row("1,000 such scenarios", 5, "one at a time", _scenarios, long=True),
    Row("plan of 20 outcomes, 3 waves, mediation, selection, 50 imputations: run and report", 90, "", _large_report, long=True),
    Row("`trialkit verify` of a report", 1, "", _verify),
]  # fmt: skip
