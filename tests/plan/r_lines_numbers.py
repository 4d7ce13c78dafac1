"""Runs the lines for R on the simulated trials and keeps estimatr's numbers: python -m tests.plan.r_lines_numbers (needs R with estimatr)."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import warnings
from pathlib import Path

from tests.plan.r_lines_cases import CASES, STORED, plan_and_trial
from trialkit.io.write import write_csv
from trialkit.plan.documents.code_r import r_lines

_ROW = re.compile(r"^arm(\S+) +(\S+) +(\S+) +(\S+)", re.MULTILINE)


def rows(name: str) -> list[dict[str, float | str]]:
    """(arm, estimate, std_error, df) of every effect that R prints."""
    plan, trial = plan_and_trial(CASES[name])
    code = re.sub(r'read\.csv\("[^"]*"', 'read.csv("scored.csv"', r_lines(plan)).replace("digits = 10", "digits = 16")
    with tempfile.TemporaryDirectory() as folder:
        write_csv(trial.data, Path(folder) / "scored.csv")
        (Path(folder) / "primary.R").write_text(code, encoding="utf-8")
        printed = subprocess.run(["Rscript", "primary.R"], cwd=folder, capture_output=True, text=True, check=True).stdout
    return [
        {"arm": a, "estimate": float(b), "std_error": float(s), "df": float(df)} for a, b, s, df in _ROW.findall(printed)
    ]  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = {name: rows(name) for name in CASES}
    STORED.write_text(json.dumps({"source": "estimatr 1.0.0 in R 4.2", "cases": found}, indent=1) + "\n", encoding="utf-8")
