"""Change of people: what is more than measurement error, what matters, and what would have happened anyway."""

from __future__ import annotations
