"""Random numbers that outlive changes of numpy's distributions: raw output of a bit generator, and our own use of it.

Draws rest on the 64-bit output of PCG64 seeded through SeedSequence, both of which numpy guarantees to keep. Everything made of
it (keys, whole numbers, orders) is ours and frozen by test vectors in docs/design_test_vectors.json.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trialkit.errors import UsageError
from trialkit.inference.arrays import FloatArray, IntArray

Keys: TypeAlias = NDArray[np.uint64]
Seed: TypeAlias = "int | np.random.Generator"

Lanes: TypeAlias = NDArray[np.uint32]

BLOCK = 256
BLOCK_CELLS = 1 << 21
PURPOSES = ("allocation", "draws", "probabilities", "groups")


class Stream:
    """Raw 64-bit numbers of one seed and path."""

    def __init__(self, seed: int, *path: int):
        self._bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=path))

    def keys(self, *shape: int) -> Keys:
        """Independent uniform 64-bit keys."""
        count = int(np.prod(shape, dtype=np.int64))
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64).reshape(shape)

    def uniform(self, *shape: int) -> FloatArray:
        """Uniform on [0, 1) with 53 bits."""
        return (self.keys(*shape) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, bound: int) -> int:
        """A whole number 0..bound-1, each exactly equally likely: values beyond the last full multiple are drawn again."""
        limit = (1 << 64) - (1 << 64) % bound
        while True:
            value = int(self._bits.random_raw())
            if value < limit:
                return value % bound

    def generator(self) -> np.random.Generator:
        """A numpy Generator on these numbers, for a user's own draw function."""
        return np.random.Generator(self._bits)

    def order(self, n: int) -> IntArray:
        """A random order of 0..n-1 (Fisher-Yates from the end)."""
        out = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            out[i], out[j] = out[j], out[i]
        return np.asarray(out, dtype=np.int64)


def purpose_path(*purposes: str) -> tuple[int, ...]:
    """The beginning of a path: streams of different purposes never overlap."""
    return tuple(PURPOSES.index(purpose) for purpose in purposes)


def raw_block(streams: Sequence[Stream], count: int) -> Keys:
    """(streams, count) keys, a row from each stream."""
    out = np.empty((len(streams), count), dtype=np.uint64)
    if count:
        for row, stream in enumerate(streams):
            out[row] = stream.keys(count)
    return out


def lanes(streams: Sequence[Stream], count: int) -> Lanes:
    """(streams, count) keys of 32 bits, two from each raw number, its low half first."""
    raw = raw_block(streams, -(-count // 2))
    return raw.astype("<u8", copy=False).view("<u4")[:, :count]


def block_rows(n: int) -> int:
    """Draws of `n` people in a block: few enough to stay in the processor's cache."""
    return max(1, min(BLOCK, BLOCK_CELLS // max(n, 1)))


def checked_seed(seed: Seed) -> int:
    """A non-negative whole number; a numpy Generator gives one from its own stream.

    Raises
    ------
    UsageError
        For None, text, negative numbers and booleans: a seed is said, never assumed.
    """
    if isinstance(seed, np.random.Generator):
        return int(seed.bit_generator.random_raw())
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise UsageError(f"seed={seed!r} is not a seed: give a whole number of zero or more (or a numpy Generator).")
    return int(seed)


def fresh_seed() -> int:
    """128 bits of the system's entropy, for an allocation."""
    return secrets.randbits(128)
