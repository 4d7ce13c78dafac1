"""The curve of a tipping-point analysis."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure

from trialkit.printed import number
from trialkit.results import TableResult


def tipping_chart(result: TableResult, *, ax: Any = None) -> Any:
    """Estimate and interval against delta, with the line of no effect and the tipping point; returns matplotlib Axes."""
    d, curve = result.details, result.tidy()
    if ax is None:
        ax = Figure(figsize=(6.4, 4.0), layout="constrained").subplots()
    level = f"{100 * float(d['conf_level']):g}"
    ax.fill_between(curve["delta"], curve["conf_low"], curve["conf_high"], color="0.85", linewidth=0, label=f"{level}% interval")
    ax.plot(curve["delta"], curve["estimate"], color="#1f4e79", marker="o", markersize=4, label="estimate")
    ax.axhline(float(d["none"]), color="0.3", linewidth=0.8)
    tipping = math.nan if d["tipping"] is None else float(d["tipping"])
    if math.isfinite(tipping):
        ax.axvline(tipping, color="#b3541e", linewidth=1.0, linestyle="--", label=f"tipping point {number(tipping)}")
    ax.set_xlabel(f"added to the imputed values of {', '.join(d['arms'])} ({d['n_moved']} people)")
    ax.set_ylabel(f"effect on {d['outcome']}, {d['contrast']}")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.legend(frameon=False, fontsize="small")
    return ax
