"""The levels of a lock in words: what each proves, and what it does not.

L0: the lock alone. L1: a timestamp names its hash. L2: the stored text of a public registration carries it. L3: someone else's statement
carries it. '(claimed)' stands behind a level whose evidence does not carry the hash. 'Preregistered' is kept for L2 and L3.
"""

from __future__ import annotations

__all__ = ["LEVELS", "claimed", "highest", "level_in_words"]

LEVELS = ("L0", "L1", "L2", "L3")

_TAMPER = "It is tamper-evident: anyone who kept the manifest hash can see whether plan, seeds or expected data changed since."
_ONE = "A hash proves that this plan existed, not that it was the only one."


def claimed(level: str) -> str:
    """A level whose evidence was not found to carry the hash."""
    return f"{level} (claimed)"


def highest(levels: list[str]) -> str:
    """The highest level that holds; where none above L0 does, the highest that is claimed."""
    held = max((level for level in levels if level in LEVELS), key=LEVELS.index, default="L0")
    if held != "L0":
        return held
    return max((level for level in levels if level not in LEVELS), default="L0")


def level_in_words(level: str) -> str:
    """What a lock of this level proves, and what it does not.

    Examples
    --------
    >>> "preregistered" in level_in_words("L2"), "preregistered" in level_in_words("L2 (claimed)")
    (True, False)
    """
    return _WORDS.get(level, _WORDS["L0"])


_WORDS = {
    "L0": (
        f"Level L0 (local). {_TAMPER} It does not prove when it was made, nor that no other plan was locked: for that, give the hash to "
        "someone else now."
    ),
    "L1": (
        f"Level L1 (timestamped). {_TAMPER} A timestamp beside the lock names its hash. The timestamp is kept, not verified here: its "
        f"issuer's certificate, or the chain it is anchored in, tells when the hash existed. {_ONE}"
    ),
    claimed("L1"): (
        f"Level L1 is claimed, not checked: a timestamp is kept beside the lock, but the hash of this lock does not stand in it. {_TAMPER} "
        "It does not prove when it was made, nor that no other plan was locked."
    ),
    "L2": (
        f"Level L2 (public registration): preregistered. The stored text of the registration carries the full manifest hash. {_TAMPER} "
        f"That the registry shows this text, and since when, is to be looked up there: it is not verified here. {_ONE}"
    ),
    claimed("L2"): (
        f"Level L2 is claimed, not checked: no stored text of a public registration with its number carries this hash. {_TAMPER} "
        "It does not prove when it was made, nor that no other plan was locked: for that, give the hash to someone else now. "
        "Whether the registry holds this hash, and since when, must be looked up there."
    ),
    "L3": (
        f"Level L3 (held by someone else): preregistered. A statement of a third party carries the full manifest hash. {_TAMPER} "
        f"Who wrote the statement, and when, is not verified here: ask them. {_ONE}"
    ),
    claimed("L3"): (
        "Level L3 is claimed, not checked: a statement of a third party is kept beside the lock, but the hash of this lock does not stand "
        f"in it. {_TAMPER} It does not prove when it was made, nor that no other plan was locked."
    ),
}
