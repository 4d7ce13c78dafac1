from __future__ import annotations

from importlib import import_module

import pytest

# The module, because its memory of what was warned about is emptied here.
scale_module = import_module("trialkit.measurement.questionnaires.registered")


@pytest.fixture(autouse=True)
def quiet_registry(request, monkeypatch):
    """Scales of the registry that warn once per process have warned already, unless a test wants to see it."""
    if "fresh_warnings" in request.fixturenames:
        monkeypatch.setattr(scale_module, "_warned", set())
        return
    warned = {(s.key, s.unverified) for s in map(scale_module.scale, scale_module.scales()["key"])}
    monkeypatch.setattr(scale_module, "_warned", warned)


@pytest.fixture
def fresh_warnings():
    """Ask for this to see the warning about unverified scales."""
