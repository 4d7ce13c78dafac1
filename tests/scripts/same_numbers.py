"""The numbers of plans under other versions, threads, workers, hash seeds, locales and flags of Python: they have to be the same.

From the top of the repository: `python -m tests.scripts.same_numbers [--plans klier_2019 ...] [--settings pandas-2 ...] [--other PYTHON]`.
Every number is compared exactly, but where several threads of a linear algebra library sum in another order: there to 1e-12 of its size.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ("klier_2019", "jobs_ii_2000", "kast_2012_groups")
QUESTIONS = ("prevention_or_cure", "persistence", "cost_effectiveness", "compulsion", "composition", "no_harm_if_no_help")
# when and on what a report was made, which is not what it found; the hash of a fingerprint is salted anew for every run
PASSED_OVER = frozenset({".created", ".versions", ".command", ".data.fingerprint_sha256"})
SUMMED = 1e-12


@dataclass(frozen=True, slots=True)
class Setting:
    """How a run differs from the first one: another Python, flags of it, variables of the environment."""

    name: str
    other: bool = False
    flags: tuple[str, ...] = ()
    variables: Mapping[str, str | None] = field(default_factory=dict)
    tolerance: float = 0.0


SETTINGS = (
    Setting("pandas-2", other=True),
    Setting("hash-1", variables={"PYTHONHASHSEED": "1"}),
    Setting("optimized", flags=("-O",)),
    Setting("locale-c", variables={"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Setting("locale-nl", variables={"LC_ALL": "nl_NL.UTF-8", "LANG": "nl_NL.UTF-8", "LANGUAGE": "nl"}),
    Setting("threads-unset", variables={"OMP_NUM_THREADS": None, "OPENBLAS_NUM_THREADS": None}),
    Setting("threads-2", variables={"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}, tolerance=SUMMED),
)
BASE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "MPLBACKEND": "agg"}
# numbers are written with commas only once a program takes over the locale, as spreadsheets and R do that run Python
RUN = "import sys, locale; locale.setlocale(locale.LC_ALL, ''); from trialkit.cli import main; main(sys.argv[1:])"
MADE = (
    "import sys, importlib.util as u; sys.path.insert(0, sys.argv[1].rsplit('/', 2)[0]); s = u.spec_from_file_location('run', sys.argv[1] + '/run.py');"
    "m = u.module_from_spec(s); sys.modules['run'] = m; s.loader.exec_module(m); from trialkit.io import write_csv; write_csv(m.data(), sys.argv[2])"
)


def plan_of(name: str, python: str, folder: Path) -> tuple[Path, Path]:
    """The plan and its data; those of a question are made first."""
    if name in STUDIES:
        return ROOT / "simulated_data" / f"{name}.plan.toml", ROOT / "simulated_data" / f"{name}.csv"
    place = ROOT / "analyses" / "questions" / name
    data = folder / f"{name}.csv"
    if not data.exists():
        _called(python, ("-c", MADE, str(place), str(data)), Setting("data"), folder)
    return place / "plan.toml", data


def results(name: str, python: str, setting: Setting, folder: Path) -> dict[str, Any]:
    """results.json of a plan, run under a setting in a process of its own."""
    plan, data = plan_of(name, sys.executable, folder)
    target = folder / f"{name}-{setting.name}"
    # a copy: a run leaves the fingerprint of the data beside the plan
    beside = folder / f"plans-{setting.name}" / name
    beside.mkdir(parents=True, exist_ok=True)
    (beside / "plan.toml").write_bytes(plan.read_bytes())
    if (plan.parent / "scales").is_dir():
        (beside / "scales").mkdir(exist_ok=True)
        for scale in (plan.parent / "scales").glob("*.toml"):
            (beside / "scales" / scale.name).write_bytes(scale.read_bytes())
    _called(
        python,
        (*setting.flags, "-c", RUN, "run", str(beside / "plan.toml"), str(data), "--out", str(target), "--quiet"),
        setting,
        folder,
    )
    found: dict[str, Any] = json.loads((target / "results.json").read_text(encoding="utf-8"))
    return found


def simulated_power(python: str, workers: int, setting: Setting, folder: Path) -> dict[str, Any]:
    """What a simulated power says with one worker or more."""
    plan, _ = plan_of("klier_2019", python, folder)
    told = _called(
        python,
        (
            *setting.flags,
            *("-c", RUN, "power", str(plan), "--simulate", "40", "--seed", "3", "--workers", str(workers), "--json"),
        ),
        setting,
        folder,
    )
    found: dict[str, Any] = json.loads(told)
    return found


def differences(one: Any, other: Any, tolerance: float = 0.0, path: str = "") -> Iterator[str]:
    """Where two results differ, with both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(k for k in other if k not in one)]:
            if f"{path}.{key}" not in PASSED_OVER:
                yield from differences(one.get(key, "absent"), other.get(key, "absent"), tolerance, f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (a, b) in enumerate(zip(one, other)):
            yield from differences(a, b, tolerance, f"{path}[{i}]")
    elif type(one) is not type(other) or (one != other and not _near(one, other, tolerance)):
        yield f"{path}: {str(one)[:120]!r} and {str(other)[:120]!r}"


def dutch(folder: Path) -> None:
    """A Dutch locale of our own, where the system has none but can make one."""
    if shutil.which("localedef"):
        subprocess.run(["localedef", "-i", "nl_NL", "-f", "UTF-8", str(folder / "nl_NL.UTF-8")], capture_output=True, check=False)


def _near(one: Any, other: Any, tolerance: float) -> bool:
    return isinstance(one, float) and tolerance > 0 and math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def _called(python: str, arguments: tuple[str, ...], setting: Setting, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH",)} | BASE | {"PYTHONPATH": str(ROOT)}
    if (folder / "nl_NL.UTF-8").is_dir():
        environment["LOCPATH"] = str(folder)
    for name, value in setting.variables.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    done = subprocess.run([python, *arguments], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"{setting.name}: exit code {done.returncode}: {done.stderr[-800:]}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Print what differs; 0 when nothing does."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--plans", nargs="*", default=[*STUDIES, *QUESTIONS])
    asked.add_argument("--settings", nargs="*", default=[s.name for s in SETTINGS])
    asked.add_argument("--other", default=str(ROOT / ".venv-pandas2" / "bin" / "python"), help="a Python with another pandas")
    said = asked.parse_args(arguments)
    wrong = 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        dutch(folder)
        for name in said.plans:
            first = results(name, sys.executable, Setting("first"), folder)
            for setting in (s for s in SETTINGS if s.name in said.settings):
                python = said.other if setting.other else sys.executable
                found = list(differences(first, results(name, python, setting, folder), setting.tolerance))
                wrong += len(found)
                print(f"{name}, {setting.name}: {'the same' if not found else f'{len(found)} differ'}", flush=True)
                for line in found[:10]:
                    print(f"    {line}")
        one = simulated_power(sys.executable, 1, Setting("power"), folder)
        for workers, python in ((2, sys.executable), (1, said.other), (2, said.other)):
            found = list(differences(one, simulated_power(python, workers, Setting("power"), folder)))
            wrong += len(found)
            print(f"simulated power, {workers} workers, {Path(python).parts[-3]}: {found[:5] or 'the same'}", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
