"""A commented first plan for `trialkit init`: it loads as it stands, and every choice in it says what it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = ["SCHEMA_FILE", "WAVES", "starter_plan", "toml_text"]

Kind = Literal["binary", "number", "scale"]
SCHEMA_FILE = "plan.schema.json"
WAVES = {"t0": "before randomization", "t1": "after six months"}


def starter_plan(
    *,
    title: str = "A peer group programme against individual support",
    population: str = "people who applied for the programme",
    control: tuple[str, str] = ("individual", "Individual support"),
    treatment: tuple[str, str] = ("peer", "Individual support plus a peer group"),
    grouped: bool = True,
    units: int = 400,
    group_size: tuple[int, int] = (10, 15),
    unit_column: str = "id",
    arm_column: str = "arm",
    group_column: str = "group",
    strata: Sequence[str] = (),
    adjust: Sequence[str] = (),
    outcome: str = "employed",
    label: str = "In work after six months",
    column: str = "employed_t1",
    baseline: str | None = None,
    kind: Kind = "binary",
    scale: str = "gse",
    items: str = "gse_{wave}_{item}",
    better: Literal["higher", "lower"] = "higher",
    smallest_worthwhile: float | None = None,
    languages: Sequence[Literal["en", "nl"]] = ("en",),
    waves: Mapping[str, str] | None = None,
    expected: float | None = None,
    form: str | None = None,
    subscale: str | None = None,
    code_range: tuple[int, int] | None = None,
    completion: bool = False,
) -> str:
    """The text of a first plan.

    Parameters
    ----------
    control, treatment
        (name in the data, label in words) of the two arms.
    grouped
        People of the treatment arm are put in groups.
    kind
        Of the primary outcome: "binary" (`column` of 0 and 1), "number" (`column`), or "scale" (`scale` with `items`, taken
        before and after).
    smallest_worthwhile
        In the units of the outcome, for a scale in standard deviations; unsaid: .05 for a share, .2 for a scale, and left as
        a comment for a number.
    waves
        Name and label of each measurement in their order, the first one before randomization; the outcome of a scale is taken at the last.
    expected
        The effect that power and simulated data assume, in the units of `smallest_worthwhile` and with its sign; unsaid, none is written.
    form, subscale, code_range
        Of the scale, where it has several.
    completion
        Begin with the line by which editors find the JSON Schema beside the plan (`SCHEMA_FILE`).

    Examples
    --------
    >>> from trialkit.plan.reading.load import load_spec
    >>> load_spec(starter_plan(kind="scale")).primary[0].measure
    'mean_difference'
    """
    times = dict(waves) if waves else WAVES
    parts = [
        _trial(title, population, languages, completion),
        _arms(control, treatment, grouped),
        _data(unit_column, arm_column, group_column if grouped else None, strata, times),
        _design(control[0], treatment[0], units, group_size if grouped else None, bool(strata)),
    ]
    if kind == "scale":
        parts.append(_scale(outcome, scale, items, form, subscale, code_range))
    where = _scored(outcome, list(times)) if kind == "scale" else _read(column, baseline)
    parts += [_outcome(outcome, label, where, kind, better, smallest_worthwhile, expected), _analysis(adjust)]
    return "\n".join(parts)


def toml_text(text: str) -> str:
    """A text as TOML writes it, in straight quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    short = {"\n": "\\n", "\t": "\\t"}
    return '"' + "".join(short.get(c, f"\\u{ord(c):04x}") if ord(c) < 32 or ord(c) == 127 else c for c in escaped) + '"'


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join(toml_text(v) for v in values) + "]"


def _key(name: str) -> str:
    """A key that needs no quotes keeps none."""
    return name if name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name) else toml_text(name)


def _trial(title: str, population: str, languages: Sequence[str], completion: bool) -> str:
    first = f"#:schema ./{SCHEMA_FILE}\n" if completion else ""
    return f"""\
{first}# The plan of a trial. Lines that start with # are comments; everything unsaid has a default that `trialkit check` prints in words.
# Write it before the data exist, lock it (`trialkit lock plan.toml`), and keep the lock's hash where others can see it.

schema_version = 1

[trial]
title = {toml_text(title)}
population = {toml_text(population)}    # continues "among all randomized ..."
registration = ""                       # id in a public registry, once you have one
report_languages = {_texts(languages)}
"""


def _arms(control: tuple[str, str], treatment: tuple[str, str], grouped: bool) -> str:
    groups = ", grouped = true" if grouped else ""
    why = "    # its people are put in groups" if grouped else ""
    return f"""\
[arms]                                  # the name as it stands in the data, and a label in words
{_key(control[0])} = {{ label = {toml_text(control[1])}, control = true }}
{_key(treatment[0])} = {{ label = {toml_text(treatment[1])}{groups} }}{why}
"""


def _data(unit: str, arm: str, group: str | None, strata: Sequence[str], waves: Mapping[str, str]) -> str:
    rows = [
        "[data]                                  # which column is what",
        f"unit = {toml_text(unit)}",
        f"arm = {toml_text(arm)}",
    ]
    if group is not None:
        rows.append(f"group = {toml_text(group)}    # the group assigned, not the one attended; empty for people without a group")
    rows.append(f"strata = {_texts(strata)}    # columns used in the randomization")
    rows.append(f"waves = {{ {', '.join(f'{_key(name)} = {toml_text(label)}' for name, label in waves.items())} }}")
    rows.append('missing_codes = { -99 = "refused" }     # codes in the data that are no values, each with its reason')
    rows.append('# uptake = "attended"                   # 1 for people who took up the offer, 0 for others')
    return "\n".join(rows) + "\n"


def _design(control: str, treatment: str, units: int, group_size: tuple[int, int] | None, stratified: bool) -> str:
    rows = [
        "[design]",
        f'scheme = "{"stratified" if stratified else "complete"}"',
        f"allocation = {{ {_key(control)} = 1, {_key(treatment)} = 1 }}",
        f"units = {units}",
    ]
    if group_size is not None:
        rows.append(f"groups = {{ size = [{group_size[0]}, {group_size[1]}] }}    # smallest and largest group")
    icc = "icc = 0.05, " if group_size is not None else ""
    rows.append(f"assumptions = {{ {icc}attrition = 0.15 }}    # for power and simulation; never used in the analysis")
    return "\n".join(rows) + "\n"


def _scale(outcome: str, scale: str, items: str, form: str | None, subscale: str | None, codes: tuple[int, int] | None) -> str:
    rows = [
        "[[scales]]",
        f"name = {toml_text(outcome)}",
        f"scale = {toml_text(scale)}    # `trialkit scales` lists the registry; the path of a TOML file adds your own",
        f"items = {toml_text(items)}    # the columns of the answers",
    ]
    rows += [f"{key} = {toml_text(value)}" for key, value in (("form", form), ("subscale", subscale)) if value is not None]
    if codes is not None:
        rows.append(f"code_range = [{codes[0]}, {codes[1]}]    # lowest and highest code in the data")
    return "\n".join(rows) + "\n"


def _scored(outcome: str, waves: Sequence[str]) -> list[str]:
    """A scale is taken before and after, its answers at the last wave being the outcome."""
    return [f"scale = {toml_text(outcome)}", f"wave = {toml_text(waves[-1])}    # adjusted for its score at the first wave"]


def _read(column: str, baseline: str | None) -> list[str]:
    before = [f"baseline = {toml_text(baseline)}    # the same measurement before randomization"] if baseline is not None else []
    return [f"column = {toml_text(column)}", *before]


def _outcome(
    outcome: str, label: str, where: Sequence[str], kind: Kind, better: str, smallest: float | None, expected: float | None
) -> str:
    rows = [
        "[[outcomes]]                            # one block an outcome; copy it for more",
        f"name = {toml_text(outcome)}",
        f"label = {toml_text(label)}",
        *where,
        'role = "primary"                        # then "secondary" or "exploratory" for others',
        f'measure = "{"risk_difference" if kind == "binary" else "mean_difference"}"',
    ]
    if kind != "scale":
        rows.append(f'better = "{better}"')
    rows.append(_worthwhile(kind, smallest))
    if expected is not None:
        rows.append(
            f"assume = {{ effect = {expected:g} }}    # what you expect; for power and simulated data, never used in the analysis"
        )
    rows.append("")
    rows.append("[outcomes.intercurrent]                 # what happens to people on the way, and what the estimand makes of it")
    rows.append('never_attended = { strategy = "treatment_policy" }    # they count in the arm they were assigned to')
    rows.append('moved_away = { strategy = "treatment_policy" }')
    return "\n".join(rows) + "\n"


def _worthwhile(kind: Kind, smallest: float | None) -> str:
    if kind == "scale":
        return f"smallest_worthwhile = {{ hedges_g = {smallest or 0.2:g} }}    # in standard deviations"
    if smallest is None and kind == "number":
        return "# smallest_worthwhile = 5                # the smallest effect that would matter, in units of the outcome"
    return f"smallest_worthwhile = {smallest or 0.05:g}    # the smallest effect that would matter"


def _analysis(adjust: Sequence[str]) -> str:
    return f"""\
[analysis]
estimator = "ancova"
adjust = {_texts(adjust)}    # baseline covariates that predict the outcomes
conf_level = 0.95

[multiplicity]
method = "holm"                         # within each family of outcomes

[missing]
primary = "available_cases"

[selection]
balance = {_texts(adjust)}    # baseline variables of Table 1
attrition = true
"""
