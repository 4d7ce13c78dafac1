"""What differs between two plans, key by key and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Difference", "differences"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that differs: where, the locked value and the present one (None also where the key is absent)."""

    path: str
    locked: Any
    present: Any

    def __str__(self) -> str:
        return f"{self.path}: {_said(self.locked)} -> {_said(self.present)}"


def differences(locked: Mapping[str, Any], present: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Compare two plans given as plain tables (`PlanSpec.to_dict`).

    Entries with a name (arms, waves, scales, outcomes) are compared by name, so that one more outcome is one difference.

    Examples
    --------
    >>> print(*differences({"analysis": {"conf_level": 0.95}}, {"analysis": {"conf_level": 0.9}}))
    analysis.conf_level: 0.95 -> 0.9
    """
    return tuple(_compare(locked, present, ""))


def _compare(locked: Any, present: Any, path: str) -> Iterator[Difference]:
    if isinstance(locked, Mapping) and isinstance(present, Mapping):
        for key in dict.fromkeys((*locked, *present)):
            yield from _compare(locked.get(key), present.get(key), f"{path}.{key}" if path else str(key))
        return
    if _named(locked) and _named(present):
        old, new = ({e["name"]: e for e in entries} for entries in (locked, present))
        for name in dict.fromkeys((*old, *new)):
            yield from _compare(old.get(name), new.get(name), f"{path}['{name}']")
        if [n for n in old if n in new] != [n for n in new if n in old]:
            yield Difference(f"order of {path}", list(old), list(new))
        return
    if _is_list(locked) and _is_list(present) and any(isinstance(v, Mapping) for v in (*locked, *present)):
        for i in range(max(len(locked), len(present))):
            before, after = (entries[i] if i < len(entries) else None for entries in (locked, present))
            yield from _compare(before, after, f"{path}[{i + 1}]")
        return
    same_kind = isinstance(locked, bool) == isinstance(present, bool)
    if locked != present or not same_kind:
        yield Difference(path, locked, present)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _named(value: Any) -> bool:
    if not _is_list(value) or not all(isinstance(e, Mapping) and isinstance(e.get("name"), str) for e in value):
        return False
    return len({e["name"] for e in value}) == len(value) > 0


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"'{value['name']}' (whole entry)" if "name" in value else f"a table of {len(value)} keys"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_said(v) for v in value) + "]"
    return f"'{value}'" if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
