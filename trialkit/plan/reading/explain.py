"""From a failed validation to sentences: which key, what is wrong with it, the near miss and the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from trialkit.errors import nearest, shown
from trialkit.plan.schema.base import FrozenMap, PlanProblems, described
from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["explained"]

Keys = tuple[str | int, ...]

# Words that people try, and what the plan calls them.
_OTHER_WORDS = {
    ("design", "seed"): "the seed of an allocation is the allocation list itself; it is kept outside the plan",
    ("design", "blocks"): "the columns used in the randomization are [data] strata",
    ("data", "id"): "the column that identifies a person is called unit",
    ("data", "treatment"): "the column of the arm is called arm",
    ("analysis", "alpha"): "write conf_level = 0.95 for alpha 0.05",
    ("analysis", "covariates"): "baseline covariates are called adjust",
    ("outcomes", "type"): "say what is compared: measure = ...",
    ("outcomes", "primary"): 'write role = "primary"',
    ("outcomes", "margin"): "write equivalence = ... or noninferiority = ...",
    ("multiplicity", "correction"): "the correction is called method",
}
# Values that people write, and what the plan calls them.
_OTHER_VALUES = {
    ("method", "bonferroni"): "holm",  # never rejects less, under the same conditions
    ("method", "bonferoni"): "holm",
    ("method", "fdr"): "bh",
    ("method", "benjamini_hochberg"): "bh",
    ("scheme", "blocked"): "permuted_blocks",
    ("scheme", "cluster"): "clustered",
    ("scheme", "pairs"): "matched_pairs",
    ("primary", "complete_cases"): "available_cases",
    ("primary", "mice"): "multiple_imputation",
    ("primary", "ipw"): "inverse_probability_weights",
    ("strategy", "itt"): "treatment_policy",
    ("strategy", "intention_to_treat"): "treatment_policy",
    ("estimator", "ols"): "ancova",
    ("estimator", "regression"): "ancova",
    ("estimator", "t_test"): "difference_in_means",
    ("estimator", "logistic"): "logit",
    ("estimator", "logistic_regression"): "logit",
    ("estimator", "multilevel"): "mixed",
    ("estimator", "lmm"): "mixed",
    ("covariance", "robust"): "auto",
    ("covariance", "cluster"): "auto",
    ("measure", "difference"): "mean_difference",
    ("measure", "cohens_d"): "mean_difference",
    ("kind", "binary"): "categorical",
    ("kind", "numeric"): "continuous",
    ("kind", "number"): "continuous",
    ("better", "up"): "higher",
    ("better", "more"): "higher",
    ("better", "down"): "lower",
    ("better", "less"): "lower",
}
# What a table in braces holds, where the name does not tell.
_SAMPLES = {
    "waves": '{ t0 = "before", t1 = "after six months" }',
    "missing_codes": '{ -99 = "refused" }',
    "allocation": "{ individual = 1, peer = 1 }",
    "groups": "{ size = [10, 15] }",
    "assumptions": "{ icc = 0.05, attrition = 0.15 }",
    "assume": "{ effect = 0.1 }",
    "estimand": '{ average = "group" }',
}


def explained(found: ValidationError, raw: dict[str, Any]) -> Iterator[tuple[Keys, str]]:
    """(path of keys, sentence) of every problem."""
    errors = found.errors(include_url=False)
    unknown = [located(raw, e["loc"]) for e in errors if e["type"] == "extra_forbidden"]
    for error in errors:
        path = located(raw, error["loc"])
        if error["type"] == "too_short" and any(e is not error and located(raw, e["loc"])[: len(path)] == path for e in errors):
            continue  # a list is short because a member of it cannot be read, which is said already
        if error["type"] == "missing" and _misspelt(path, unknown):
            continue  # the sentence on the unknown key says it already
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, PlanProblems):
            for problem in cause.problems:
                yield (*path, *problem.path), problem.message
        else:
            yield path, _sentence(error, path, raw)


def _misspelt(path: Keys, unknown: list[Keys]) -> bool:
    siblings = [str(u[-1]) for u in unknown if u[:-1] == path[:-1]]
    return any(nearest(s, [str(path[-1])]) for s in siblings) if path else False


def located(raw: Any, loc: tuple[str | int, ...]) -> Keys:
    """The path in the file: positions in named tables become names, and marks of the validation disappear."""
    path: list[str | int] = []
    node = raw
    for i, part in enumerate(loc):
        if isinstance(node, Mapping) and isinstance(part, int) and part < len(node):
            key: str | int = list(node)[part]
        elif (isinstance(node, Mapping) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        ):
            key = part
        elif isinstance(node, Mapping) and i == len(loc) - 1 and isinstance(part, str) and part != "[key]":
            path.append(part)
            break
        else:
            continue
        path.append(key)
        node = node[key]
    return tuple(path)


def _sentence(error: Any, path: Keys, raw: dict[str, Any]) -> str:
    kind, given = error["type"], error["input"]
    if kind == "missing" and isinstance(error["loc"][-1], str):
        return _missing(path, raw)
    if kind == "extra_forbidden":
        return _unknown(path, raw)
    field = field_at(path)
    if kind in ("model_type", "dict_type") and len(path) > 1 and isinstance(path[-1], int) and path[-2] in _SAMPLES:
        given = _at(raw, path[:-1])
    if kind == "literal_error":
        return _not_allowed(path, raw, given, field)
    return f"{_place(path, raw)} {_wrong(kind, given, error, path)}"


def _missing(path: Keys, raw: dict[str, Any]) -> str:
    key, meaning = str(path[-1]), ""
    model = model_at(path[:-1])
    if model is not None:
        meaning = described(model).get(key, "")
    meaning = f": {meaning}" if meaning else ""
    if len(path) == 1:
        brackets = f"[[{key}]]" if key == "outcomes" else f"[{key}]"
        return f"the plan needs a section {brackets}{meaning}"
    return f"{_holder(path[:-1], raw)} needs '{key}'{meaning}"


def _unknown(path: Keys, raw: dict[str, Any]) -> str:
    key = str(path[-1])
    model = model_at(path[:-1])
    allowed = list(model.model_fields) if model is not None else []
    allowed = [a for a in allowed if not (a == "name" and path[0] == "arms")]
    said = f"{_holder(path[:-1], raw)} has no key '{key}'" if len(path) > 1 else f"there is no section or key '{key}'"
    known = next((words for (section, word), words in _OTHER_WORDS.items() if path[0] == section and key == word), None)
    if known is not None and len(path) > 1:
        return f"{said}: {known}"
    near = nearest(key, allowed)
    if near is None:
        home = next((s for s, f in PlanSpec.model_fields.items() if key in _keys(f.annotation) and s != path[0]), None)
        if home is not None and len(path) <= 3:
            return f"{said}; '{key}' belongs in [{home}]"
    return f"{said}. Did you mean '{near}'?" if near else f"{said}. It can hold: {shown(allowed, 40)}."


def _not_allowed(path: Keys, raw: dict[str, Any], given: Any, field: FieldInfo | None) -> str:
    allowed = _literals(field.annotation) if field is not None else []
    near = _meant(path, given, allowed)
    hint = f" Did you mean '{near}'?" if near else ""
    what = f"{_place(path, raw)} cannot be {_clipped(given)}."
    return f"{what}{hint} Possible: {shown(allowed, 40)}."


def _meant(path: Keys, given: Any, allowed: list[str]) -> str | None:
    """The value that was probably meant: by another word for it, or by its spelling."""
    key = next((str(p) for p in reversed(path) if isinstance(p, str)), "")
    word = "_".join(str(given).casefold().replace("-", " ").replace("'", "").split())
    other = _OTHER_VALUES.get((key, word))
    return other if other in allowed else nearest(str(given), allowed)


def _wrong(kind: str, given: Any, error: Any, path: Keys) -> str:
    """What is wrong with a value, and what it must be."""
    key = next((str(p) for p in reversed(path) if isinstance(p, str)), "value")
    sample = "[10, 15]" if key == "size" else '["..."]'
    table = _treated(path) or _SAMPLES.get(key, "{ ... }")
    bounds = {k: f"{v:g}" if isinstance(v, float) else v for k, v in error.get("ctx", {}).items()}
    must = {
        "string_type": f'must be text in quotes, as in {key} = "..."',
        "float_type": "must be a number, without quotes and with a decimal point",
        "int_type": "must be a whole number, without quotes",
        "int_from_float": "must be a whole number",
        "bool_type": "must be true or false, without quotes",
        "tuple_type": f"must be a list in brackets, as in {key} = {sample}",
        "missing": f"must hold two numbers, as in {key} = {sample}",
        "dict_type": f"must be a table, as in {key} = {table}",
        "model_type": f"must be a table, as in {key} = {table}",
        "finite_number": "must be a finite number",
        "greater_than": f"must be above {bounds.get('gt')}",
        "greater_than_equal": f"must be at least {bounds.get('ge')}",
        "less_than": f"must be below {bounds.get('lt')}",
        "less_than_equal": f"must be at most {bounds.get('le')}",
        "too_short": f"must hold at least {bounds.get('min_length')}",
        "too_long": f"must hold at most {bounds.get('max_length')}",
        "string_too_short": "must not be empty",
    }.get(kind)
    if kind == "said":
        return str(error["msg"])
    if kind.startswith("less_than") and bounds.get("lt", bounds.get("le")) in ("1", 1) and 1 < given <= 100:
        return f"{must}; for {given:g} percent write {given / 100:g}"
    if must is None:
        return f"cannot be used: {error['msg'][:1].lower()}{error['msg'][1:]}; it is {_clipped(given)}"
    return f"{must}; it is {_clipped(given)}"


def _treated(path: Keys) -> str | None:
    """What stands behind an event on the way."""
    return '{ strategy = "treatment_policy" }' if len(path) > 1 and path[-2] == "intercurrent" else None


def _clipped(given: Any) -> str:
    text = "true" if given is True else "false" if given is False else f"{given}" if isinstance(given, date) else repr(given)
    return text if len(text) <= 60 else text[:57] + "..."


def _place(path: Keys, raw: dict[str, Any]) -> str:
    """The key and where it stands: "measure of [[outcomes]] 'employed'"."""
    end = len(path)
    while end > 1 and isinstance(path[end - 1], int):
        end -= 1
    if end <= 1:
        return _holder(path, raw)
    return f"'{path[end - 1]}' in {_holder(path[: end - 1], raw)}"


def _holder(path: Keys, raw: dict[str, Any]) -> str:
    """A section in words: [data], [[outcomes]] 'employed', [design] groups."""
    if not path:
        return "the plan"
    node: Any = raw.get(str(path[0]))
    words = f"[[{path[0]}]]" if isinstance(node, list) else f"[{path[0]}]"
    for part in path[1:]:
        node = _inside(node, part)
        if isinstance(part, int):
            name = node.get("name") if isinstance(node, Mapping) else None
            words += f" '{name}'" if isinstance(name, str) else f" number {part + 1}"
        else:
            words += f" {part}"
    return words


def _at(raw: Any, path: Keys) -> Any:
    for part in path:
        raw = _inside(raw, part)
    return raw


def _inside(node: Any, part: str | int) -> Any:
    if isinstance(node, Mapping):
        return node.get(part)
    return node[part] if isinstance(node, list) and isinstance(part, int) and part < len(node) else None


def field_at(path: Keys) -> FieldInfo | None:
    """The field that a path of keys leads to."""
    found = _walk(path)
    return found[1] if found else None


def model_at(path: Keys) -> type[BaseModel] | None:
    """The section (model) that a path of keys leads to."""
    found = _walk(path)
    return found[0] if found else None


def _walk(path: Keys) -> tuple[type[BaseModel] | None, FieldInfo | None] | None:
    model: type[BaseModel] | None = PlanSpec
    field: FieldInfo | None = None
    entry = False  # the next part picks an entry of a list or table, it is no key of a model
    for part in path:
        if entry:
            entry = False
            continue
        if model is None or part not in model.model_fields:
            return None
        field = model.model_fields[str(part)]
        model, entry = _model_in(field.annotation), _holds_entries(field.annotation)
    return model, field


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(a) for a in get_args(annotation))
    return next((m for m in inside if m is not None), None)


def _holds_entries(annotation: Any) -> bool:
    return get_origin(annotation) in (tuple, FrozenMap) or any(_holds_entries(a) for a in get_args(annotation))


def _literals(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(a) for a in get_args(annotation)]
    return [v for a in get_args(annotation) for v in _literals(a)]


def _keys(annotation: Any) -> list[str]:
    model = _model_in(annotation)
    return list(model.model_fields) if model is not None else []
