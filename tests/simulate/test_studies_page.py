"""The page of all studies: its calibrated rows are made by the script, the figures of the others stand in their READMEs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from trialkit.simulate.spec import scenario_keys

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "analyses"))
import studies  # noqa: E402  (a folder of scripts)

TEXT = studies.PAGE.read_text("utf-8")
LINES = [line for line in TEXT.splitlines() if line.startswith("| [")]
OTHERS = [line for line in LINES if re.match(r"\| \[(\w+)\]", line)[1] not in studies.HEADLINES]


def test_the_page_is_what_the_script_writes():
    assert studies.page(TEXT) == TEXT


def test_every_scenario_is_on_the_page():
    assert {re.match(r"\| \[(\w+)\]", line)[1] for line in LINES} == set(scenario_keys())


@pytest.mark.parametrize("line", OTHERS)
def test_the_figures_stand_in_the_readme(line):
    key = re.match(r"\| \[(\w+)\]", line)[1]
    readme = (ROOT / "analyses" / key / "README.md").read_text("utf-8").replace("0.", ".")
    figures = re.findall(r"(?<![\w(])[-+]?\d*\.\d+|\b\d+ %", line.replace("0.", ".").split("|", 2)[2])
    assert figures or key == "assam_2015"
    missing = [f for f in figures if f.removesuffix(" %") not in readme]
    assert not missing, missing
