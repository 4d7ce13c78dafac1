"""What every section of a plan is built from: frozen models, immutable tables, names and texts.

A plan is data that will be hashed: nothing in it may change after it was read, no key may be unknown, no number infinite.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Generic, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, model_serializer
from pydantic_core import PydanticCustomError, core_schema

__all__ = [
    "MAX_SEED",
    "SCHEMA_VERSION",
    "Column",
    "Columns",
    "Draws",
    "Frozen",
    "FrozenMap",
    "Listed",
    "Name",
    "PlanProblems",
    "Problem",
    "Seed",
    "Text",
    "described",
    "no_repeats",
    "unnamed",
]

V = TypeVar("V")
Path = tuple[str | int, ...]

# Integers above this are not kept by every JSON reader, and the plan travels as JSON.
MAX_SEED = 2**53 - 1
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a plan: where (the path of keys) and what, with the remedy."""

    path: Path
    message: str


class PlanProblems(ValueError):
    """Several problems found together; `load_spec` turns each into a line with its line number."""

    def __init__(self, problems: list[Problem]):
        super().__init__("; ".join(p.message for p in problems))
        self.problems = problems


class Frozen(BaseModel):
    """Base of all sections: immutable, no unknown keys, no coercion of text into numbers.

    `later` names keys that came into the language after plans had been locked: unsaid they are left out of the canonical form, so
    that a plan that does not use them keeps its hash.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    later: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_later(self, written_out: Any) -> dict[str, Any]:
        table: dict[str, Any] = written_out(self)
        return {k: v for k, v in table.items() if k not in self.later or getattr(self, k) not in (None, ())}


@cache
def described(model: type[BaseModel]) -> dict[str, str]:
    """What each key of a section means: the texts below its fields, read only when someone asks."""
    try:
        tree = ast.parse(inspect.getsource(model))
    except OSError:  # the source may not be shipped; then messages go without the meaning of the key
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for field, text in pairwise(body):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            found[field.target.id] = str(text.value.value)  # type: ignore[attr-defined]
    return found


def _printable(text: str) -> str:
    if any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in text):
        raise PydanticCustomError("said", "holds a control character that cannot be printed; type the text again")
    return text


def _name(text: str) -> str:
    if text != text.strip() or not text or "\n" in text or "\t" in text:
        raise PydanticCustomError("said", "must be a name on one line, without spaces at its ends, and not empty")
    return text


def no_repeats(names: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if repeated is not None:
        raise PydanticCustomError("said", "names '{name}' twice; keep one", {"name": str(repeated)})
    return names


Text = Annotated[str, AfterValidator(_printable)]
Name = Annotated[str, AfterValidator(_printable), AfterValidator(_name)]
Column = Name
Columns = Annotated[tuple[Column, ...], Field(strict=False), AfterValidator(no_repeats)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Draws = Annotated[int, Field(ge=100, le=10_000_000)]
# `Listed[X]` is a TOML array of X; tuples keep it immutable, and strictness stays with the members.
Listed = Annotated[tuple[V, ...], Field(strict=False)]


def unnamed(value_key: str | None = None) -> BeforeValidator:
    """Read `[arms] peer = {...}` as a list of tables with a name, so that the order of the file is kept in the hash.

    With `value_key` the table's values are plain (`waves = { t0 = "before" }`) and go under that key.
    """

    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if value_key is not None:
            return [{"name": k, value_key: v} for k, v in value.items()]
        clash = [Problem((k, "name"), "the key before the '=' is already the name; remove 'name'")
                 for k, v in value.items() if isinstance(v, Mapping) and "name" in v]  # fmt: skip
        if clash:
            raise PlanProblems(clash)
        return [{"name": k, **v} if isinstance(v, Mapping) else v for k, v in value.items()]

    return BeforeValidator(convert)


class FrozenMap(Mapping[str, V], Generic[V]):
    """An immutable, hashable table of named values, in the order of the file.

    Examples
    --------
    >>> FrozenMap({"individual": 1.0, "peer": 2.0})["peer"]
    2.0
    """

    __slots__ = ("_table",)

    def __init__(self, table: Mapping[str, V] | None = None):
        self._table: dict[str, V] = dict(table or {})

    def __getitem__(self, key: str) -> V:
        return self._table[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __hash__(self) -> int:
        return hash(frozenset(self._table.items()))

    def __repr__(self) -> str:
        return f"FrozenMap({self._table!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        (value,) = get_args(source) or (Any,)
        inner = handler.generate_schema(dict[Name, value])  # type: ignore[valid-type]
        opened = core_schema.no_info_before_validator_function(lambda v: dict(v) if isinstance(v, FrozenMap) else v, inner)
        plain = core_schema.wrap_serializer_function_ser_schema(lambda v, proceed: proceed(dict(v)), schema=inner)
        return core_schema.no_info_after_validator_function(cls, opened, serialization=plain)
