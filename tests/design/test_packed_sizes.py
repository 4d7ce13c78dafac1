"""Sizes of groups with people who stay together: the sum of the sizes settles the seats of single people."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trialkit.design.groups.starts import packed_sizes


def one_by_one(sizes: np.ndarray, blocks: np.ndarray, singles: int, smallest: int, largest: int) -> np.ndarray | None:
    """Every single person seated by hand, where the group is furthest below its size."""
    for limits in (sizes, np.full(len(sizes), largest)):
        filled = np.zeros(len(sizes), dtype=np.int64)
        for weight in sorted(blocks.tolist(), reverse=True):
            filled[int(np.argmax(limits - filled))] += weight
        if (filled > limits).any():
            continue
        for _ in range(singles):
            aim = sizes if limits is sizes else np.zeros(len(sizes), dtype=np.int64)
            filled[int(np.argmin(filled - aim))] += 1
        if (filled >= smallest).all() and (filled <= limits).all():
            return filled
    return None


@given(
    st.lists(st.integers(2, 9), min_size=1, max_size=6),
    st.lists(st.integers(2, 4), max_size=5),
    st.integers(-3, 3),
    st.integers(2, 6),
    st.integers(4, 12),
)
def test_as_seated_one_by_one(sizes: list[int], blocks: list[int], more: int, smallest: int, largest: int) -> None:
    given_sizes, together = np.array(sizes, dtype=np.int64), np.array(blocks, dtype=np.int64)
    singles = max(int(given_sizes.sum() - together.sum()) + more, 0)
    found = packed_sizes(given_sizes, together, singles, smallest, largest)
    expected = one_by_one(given_sizes, together, singles, smallest, largest)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found.tolist() == expected.tolist()
