"""The lazy names and their stubs are the same list, and importing the package stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import trialkit as tk

PACKAGE = Path(tk.__file__).parent


def test_stub_and_package_agree():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    listed = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign))
    assert sorted(listed) == sorted(tk.__all__)
    for name in tk.__all__:
        assert getattr(tk, name) is not None
    imported = {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert imported | {"__version__"} == set(tk.__all__)


def test_unknown_names_are_refused():
    try:
        tk.iit  # noqa: B018
    except AttributeError as error:
        assert "iit" in str(error)
    else:
        raise AssertionError("an unknown name was accepted")


def test_import_loads_no_heavy_library():
    code = (
        "import sys, trialkit; print([m for m in ('numpy', 'pandas', 'scipy', 'statsmodels', 'matplotlib') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_help_of_the_command_line_loads_no_heavy_library():
    code = (
        "import sys\nfrom trialkit.cli import run\nassert run(['--help']) == 0\n"
        "print([m for m in ('numpy', 'pandas', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip().endswith("[]")
