"""Numbers inside the sentences of a power answer."""

from __future__ import annotations

import math
from typing import Any


def number(value: Any) -> str:
    """Three significant digits; whole numbers from 1,000 on with a comma."""
    v = float(value)
    if not math.isfinite(v):
        return "undefined" if math.isnan(v) else "unlimited"
    if abs(v) >= 1000:
        return f"{v:,.0f}"
    return f"{v:.4g}" if abs(v) >= 100 else f"{v:.3g}"


def decimals(value: Any) -> str:
    """Two decimals near one, as effects are printed: 0.38, 12.4, 0.004."""
    v = float(value)
    return f"{v:.2f}" if 0.1 <= abs(v) < 10 else number(v)


def size(value: Any) -> str:
    """A number of people or groups: whole as it is, otherwise with one decimal."""
    v = float(value)
    return f"{v:,.0f}" if abs(v - round(v)) < 1e-9 else f"{v:,.1f}"


def percent(share: Any) -> str:
    """'80 %', '76.5 %'; never rounded to 0 % or 100 % from within."""
    p = 100 * float(share)
    if 0 < p < 0.05:
        return "below 0.1 %"
    if 99.95 <= p < 100:
        return "above 99.9 %"
    text = f"{p:.1f}"
    return f"{text.removesuffix('.0')} %"


def small(probability: Any) -> str:
    """A probability that may be tiny."""
    p = float(probability)
    return "below 0.0001" if p < 0.0001 else f"{p:.2g}"


def plural(count: Any, one: str, many: str | None = None) -> str:
    """'1 group', '12 groups', '10.1 groups'."""
    return f"{size(count)} {one if float(count) == 1 else many or one + 's'}"
