"""A call that cannot be what was meant, refused in words.

`explained` stands on every public function, in front of nothing: it looks at the arguments after the call. When a bare error
came out, the first argument that does not fit the signature is named. When an answer came out although an option does not
exist, a number is none or a level lies outside 0 to 1, the answer is withheld: the function let pass what nobody can have meant.
A bare error of a call that does fit goes through as it is: it is a fault of ours, which no sentence should hide.
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from numbers import Real
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from trialkit.errors import ArgumentError, TrialkitError, nearest, shown

P = ParamSpec("P")
R = TypeVar("R")

_BARE = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError)
_LEVELS = {"conf_level": 0.95, "alpha": 0.05}
_MOST_SHOWN = 40
_MADE_BY = {
    "Trial": "a Trial (tk.Trial(data, arm=..., control=...))",
    "Time": "a time with its event (tk.Time('weeks', 'event'))",
    "Design": "a design (tk.design.complete(...) or the like)",
    "Scale": "a scale (tk.measurement.scale('gse'))",
    "Schedule": "a schedule (tk.economics.Schedule(...))",
    "Imputations": "the imputations of tk.missing.impute(...)",
    "NaturalEffects": "a result of tk.mediate(...)",
    "MediationResult": "a result of tk.mediate(...)",
    "InvarianceResult": "a result of tk.measurement.invariance(...)",
    "IttResult": "a result of tk.itt(...)",
    "PowerResult": "a result of tk.power",
    "Result": "a result of an analysis, such as tk.itt(...)",
    "DataFrame": "a table (a data frame)",
    "PlanSpec": "the content of a plan (tk.Plan.load('plan.toml').spec)",
}
_KINDS = {
    "Path": "the name of a file",
    "PathLike": "the name of a file",
    "datetime": "a date with its time",
    "Hashable": "one value",
    "Callable": "a function",
}


def explained(function: Callable[P, R]) -> Callable[P, R]:
    """The same function; a call that does not fit its signature ends in an `ArgumentError` in words."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            answer = function(*args, **kwargs)
        except TrialkitError:
            raise
        except _BARE as error:
            sentence = _misfit(function, args, kwargs)
            if sentence is None:
                raise
            raise ArgumentError(sentence) from error
        sentence = _let_pass(function, args, kwargs)
        if sentence is not None:
            raise ArgumentError(sentence)
        return answer

    return called


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotation of each named argument as a type; Any where it cannot be known here."""
    named = {
        k: p
        for k, p in _signature(function).parameters.items()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and k != "self"
    }
    return {k: _hint(function, p.annotation) for k, p in named.items()}


def _given(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the call by name, those left at their default not among them."""
    signature = _signature(function)
    given = signature.bind(*args, **kwargs).arguments
    return {k: v for k, v in given.items() if k in _hints(function) and v is not signature.parameters[k].default}


def _misfit(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """What does not fit the signature, or None when everything does."""
    try:
        given = _given(function, args, kwargs)
    except TypeError:
        return _unbound(_name(function), _signature(function), args, kwargs)
    hints = _hints(function)
    wrong = next((k for k, v in given.items() if not _fits(v, hints[k])), None)
    return _off_level(given) if wrong is None else _sentence(function, wrong, given[wrong])


def _let_pass(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """An option, number or level that an answer must not rest on, or None."""
    given, held = _given(function, args, kwargs), _held(function)
    for argument, value in given.items():
        if argument in held and not _fits(value, _hints(function)[argument]) and not _is_usual(value, held[argument]):
            return _sentence(function, argument, value)
    return _off_level(given)


@cache
def _held(function: Callable[..., Any]) -> dict[str, tuple[Any, ...]]:
    """The arguments that take options, numbers, and True or False only, with what each may be."""
    parts = {k: get_args(h) if get_origin(h) in (Union, types.UnionType) else (h,) for k, h in _hints(function).items()}
    return {k: v for k, v in parts.items() if all(p in (bool, int, float, type(None)) or get_origin(p) is Literal for p in v)}


def _off_level(given: Mapping[str, Any]) -> str | None:
    wrong = next((k for k in _LEVELS if _is_number(given.get(k)) and not 0 < given[k] < 1), None)
    return None if wrong is None else f"{wrong}={given[wrong]:g} must lie between 0 and 1, for instance {_LEVELS[wrong]}."


def _is_usual(value: Any, parts: tuple[Any, ...]) -> bool:
    """An infinite number, as degrees of freedom may be, or 0 and 1 for False and True."""
    if not isinstance(value, Real):
        return False
    return (float in parts and math.isinf(value)) or (bool in parts and value in (0, 1))


def _name(function: Callable[..., Any]) -> str:
    return function.__qualname__.removesuffix(".__init__").rpartition("<locals>.")[-1]


def _sentence(function: Callable[..., Any], argument: str, value: Any) -> str:
    hint = _hints(function)[argument]
    return f"{argument} of {_name(function)} is {_brief(value)}, where {_wanted(hint)} is needed{_remedy(argument, value, hint)}"


def _unbound(name: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    parameters = {
        k: p for k, p in signature.parameters.items() if k != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    open_ended = len(parameters) < len(signature.parameters) - ("self" in signature.parameters)
    unknown = [] if open_ended else [k for k in kwargs if k not in parameters]
    if unknown:
        near = nearest(unknown[0], parameters)
        remedy = f"Did you mean {near}=?" if near else f"It takes {', '.join(parameters)}."
        return f"{name} takes no argument '{unknown[0]}'. {remedy}"
    placed = [k for k, p in parameters.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    values = len(args) - ("self" in signature.parameters)
    if values > len(placed):
        first = f"only {shown(placed)} without" if placed else "nothing without"
        after = [k for k in parameters if k not in placed]
        rest = f": write {after[0]}=..., for instance" if after else ""
        return f"{name} was given {values} values in a row and takes {first} its name{rest}."
    twice = [k for k in placed[:values] if k in kwargs]
    if twice:
        return f"{name} was given '{twice[0]}' twice, by its place and by its name: leave one out."
    absent = [k for k, p in parameters.items() if p.default is p.empty and k not in kwargs and k not in placed[:values]]
    if "seed" in absent:
        return f"{name} draws, so it needs a seed: say seed=4711 (any number you choose)."
    return f"{name} needs {shown(absent)} as well: write {', '.join(f'{k}=...' for k in absent)}."


def _hint(function: Callable[..., Any], annotation: Any) -> Any:
    """The annotation as a type; Any where it cannot be known here."""
    if not isinstance(annotation, str):
        return Any if annotation is inspect.Parameter.empty else annotation
    import trialkit

    names = {"Trial": trialkit.Trial, "Time": trialkit.Time}
    held = types.SimpleNamespace(__annotations__={"value": annotation})
    try:
        return get_type_hints(held, {**names, **getattr(function, "__globals__", {})})["value"]
    except (NameError, TypeError, AttributeError):
        return Any


def _fits(value: Any, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if hint is bool:
        return isinstance(value, bool) or type(value).__name__ == "bool_"
    if hint is int:
        return _is_number(value) and float(value).is_integer()
    if hint is float:
        return _is_number(value)
    kind = origin or hint
    if hint is Any or not isinstance(kind, type):
        return True
    if kind.__name__ == "DataFrame":
        return hasattr(value, "columns")
    if issubclass(kind, Mapping):
        return isinstance(value, Mapping) and _all_fit(value.keys(), parts[:1]) and _all_fit(value.values(), parts[1:])
    if _is_list(hint):
        return _is_list_of(value, kind, parts)
    try:
        return isinstance(value, kind)
    except TypeError:  # a protocol
        return True


def _is_list(hint: Any) -> bool:
    """A list, tuple or sequence of the annotation's language, not a class of one's own."""
    kind = get_origin(hint) or hint
    return (
        isinstance(kind, type)
        and kind.__module__ in ("collections.abc", "builtins")
        and issubclass(kind, Iterable)
        and not issubclass(kind, (str, bytes, Mapping))
    )


def _is_list_of(value: Any, kind: type, parts: tuple[Any, ...]) -> bool:
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__") or hasattr(value, "columns"):
        return False
    items = list(value)
    if kind is tuple and parts and parts[-1] is not Ellipsis:
        return len(items) == len(parts) and all(_fits(v, part) for v, part in zip(items, parts))
    return _all_fit(items, parts[:1])


def _all_fit(values: Iterable[Any], parts: tuple[Any, ...]) -> bool:
    return not parts or all(_fits(v, parts[0]) for v in values)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not (isinstance(value, Real) or getattr(value, "shape", None) == ()):
        return False
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _wanted(hint: Any) -> str:
    """What an annotation asks for, in a reader's words."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        some = [p for p in parts if p is not type(None)]
        return " or ".join(dict.fromkeys(_wanted(p) for p in some if getattr(p, "__name__", "") != "Generator"))
    if origin is Literal:
        return " or ".join(repr(p) for p in parts)
    if hint is bool:
        return "True or False"
    if hint is int:
        return "a whole number"
    if hint is float:
        return "a number"
    if hint is str:
        return "one name in quotes"
    kind = origin or hint
    made = _MADE_BY.get(getattr(kind, "__name__", ""))
    if made:
        return made
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return f"a mapping {{{_of(parts[:1], 'key')}: {_of(parts[1:], 'value')}}}"
    if _is_list(hint):
        if kind is tuple and parts and parts[-1] is not Ellipsis:
            return f"({', '.join(_of((p,), 'value') for p in parts)})"
        of = {str: " of names", float: " of numbers", int: " of whole numbers"}
        return f"a list{of.get(parts[0], '') if parts else ''}"
    return _KINDS.get(getattr(kind, "__name__", ""), "another kind of value")


def _of(parts: tuple[Any, ...], otherwise: str) -> str:
    if not parts:
        return otherwise
    return {str: "'name'", float: "number", int: "whole number"}.get(
        parts[0], otherwise if parts[0] is Any else _wanted(parts[0])
    )


def _remedy(argument: str, value: Any, hint: Any) -> str:
    """What to type, where it can be guessed from what was given."""
    if isinstance(value, str) and _fits([value], hint):
        return f": write {argument}=['{value}']."
    if isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], (str, int, float)) and _fits(value[0], hint):
        return f": write {argument}={value[0]!r}."
    if value is None and _is_list(hint):
        return f": write {argument}=[] for none."
    if hasattr(value, "columns") and hint is not Any and getattr(hint, "__name__", "") == "Trial":
        return ": its columns must be given their meaning first."
    options = [p for p in get_args(hint) if isinstance(p, str)] if get_origin(hint) is Literal else []
    near = nearest(value, options) if isinstance(value, str) else None
    return f". Did you mean '{near}'?" if near else "."


def _brief(value: Any) -> str:
    if hasattr(value, "columns"):
        return "a table"
    if hasattr(value, "to_numpy") or (hasattr(value, "tolist") and getattr(value, "shape", ()) != ()):
        return "a column of values"
    if isinstance(value, (str, int, float, list, tuple, dict, set, types.NoneType)):
        text = repr(value)
        return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
    if hasattr(value, "tidy"):
        return "a result"
    if callable(value):
        return "a function"
    return _MADE_BY.get(type(value).__name__, "another kind of value").split(" (")[0]
