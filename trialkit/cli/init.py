"""`trialkit init`: a first plan from a few answers, the schema for the editor, and simulated data on which the plan runs at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialkit.cli.randomize import Told
from trialkit.errors import ScaleError, TrialkitError, UsageError, shown
from trialkit.io import atomic_text, write_csv
from trialkit.measurement import Scale, scale
from trialkit.plan.blinding.simulated import simulated_data
from trialkit.plan.plan import Plan
from trialkit.plan.reading.load import parse_plan
from trialkit.plan.reading.template import SCHEMA_FILE, WAVES, starter_plan
from trialkit.plan.schema.plan_spec import json_schema

__all__ = ["MARK", "on_a_terminal", "simulated_beside", "start"]

# a column that says in every row what the file is, so that it is not taken for data of people later
MARK = ("simulated", "no real people")
Answers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know: how it is asked, what it is when nobody says (a value, or from earlier answers), and how an answer is read."""

    key: str
    asked: str
    default: Any
    read: Callable[[str], Any] = str
    applies: Callable[[Answers], bool] = lambda answers: True

    def unsaid(self, answers: Answers) -> Any:
        return self.default(answers) if callable(self.default) else self.default


def on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def start(
    target: Path, given: Mapping[str, Any], *, seed: int, asks: bool, force: bool = False, simulate: bool = True, dry_run: bool = False
) -> Told:
    """Write the plan, the schema beside it and simulated data; nothing before everything is known to work.

    Parameters
    ----------
    given : what the flags said, as text; None is unsaid. asks : put what is unsaid as questions. seed : of the simulated data.
    simulate : also make data. dry_run : give the text of the plan back, and write nothing.
    """
    files = {"plan": target, "schema": target.with_name(SCHEMA_FILE)} | ({"data": data_beside(target)} if simulate else {})
    if not dry_run:
        _refuse_replacing(files, force)
    text = plan_text(answers_of(given, asks))
    plan = Plan(parse_plan(text, target.name), text, target)
    if dry_run:
        return Told(text.rstrip("\n"), {"plan": text})
    data = marked(simulated_data(plan, seed=seed)) if simulate else None
    atomic_text(target, text)
    atomic_text(files["schema"], schema_text())
    if data is not None:
        write_csv(data, files["data"])
    rows = [f"{target} is written, and beside it {SCHEMA_FILE} (for completion in an editor)."]
    if data is not None:
        rows += [
            f"{files['data']} holds {len(data)} made-up people who fit it (seed {seed}).",
            f"See the plan at work:   trialkit run {target} {files['data']}",
            f"Its report in advance:  trialkit blind simulated {target} --seed {seed}",
        ]
    rows += [f"What it says in words:  trialkit check {target}", "Adapt it, and lock it before the data exist."]
    return Told("\n".join(rows), {**{k: str(v) for k, v in files.items()}, "seed": seed if simulate else None})


def data_beside(plan: Path) -> Path:
    """Where simulated data stand: plan.toml -> plan_simulated.csv."""
    return plan.with_name(f"{plan.stem}_simulated.csv")


def simulated_beside(plan: Path, folder: Path, *, seed: int | None, force: bool) -> Path:
    """Data that fit a plan, for `trialkit simulate --plan`."""
    if seed is None:
        raise UsageError("a simulation needs a seed: say, for instance, --seed 1.")
    read, place = Plan.load(plan), folder / data_beside(plan).name
    _refuse_replacing({"data": place}, force)
    made = marked(simulated_data(read, seed=seed))
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(made, place)
    return place


def marked(data: Any) -> Any:
    return data if MARK[0] in data.columns else data.assign(**{MARK[0]: MARK[1]})


def schema_text() -> str:
    """The JSON Schema as it is written beside a plan and in docs/."""
    import json

    return json.dumps(json_schema(), ensure_ascii=False, indent=1) + "\n"


def _refuse_replacing(files: Mapping[str, Path], force: bool) -> None:
    for what, place in files.items():
        if place.is_dir():
            raise UsageError(f"{place} is a folder: name the file to write, as in {place / 'plan.toml'}.")
        if place.exists() and not force and not (what == "schema" and _ours(place)):
            raise UsageError(f"{place} is already there. Choose another name, or say --force to replace it.")


def _ours(place: Path) -> bool:
    """An earlier schema of plans, which a newer one may replace."""
    return b'"trialkit plan"' in place.open("rb").read(200)


def answers_of(given: Mapping[str, Any], asks: bool) -> Answers:
    """Every answer: said by a flag, asked for, or what stands for it when nobody says."""
    answers: Answers = {}
    for question in QUESTIONS:
        said = given.get(question.key)
        if said is not None:
            answers[question.key] = _read(question, str(said), f"--{question.key.replace('_', '-')}")
        elif question.applies(answers):
            answers[question.key] = _asked(question, answers) if asks else question.unsaid(answers)
    _agree(answers, given)
    return answers


def _read(question: Question, text: str, where: str) -> Any:
    try:
        return question.read(text.strip())
    except ValueError as reason:
        raise UsageError(f"{where}: {reason}") from None


def _asked(question: Question, answers: Answers) -> Any:
    """Ask until the answer can be read; an empty one takes what stands in brackets."""
    import typer

    default = question.unsaid(answers)
    while True:
        text = typer.prompt(question.asked, default=_as_text(default), show_default=default is not None, err=True)
        if text.strip() == _as_text(default):
            return default
        try:
            return question.read(text.strip())
        except (ValueError, TrialkitError) as reason:
            print(f"  {reason}", file=sys.stderr)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    if isinstance(value, tuple):
        return "-".join(str(v) for v in value) if all(isinstance(v, int) for v in value) else "=".join(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _agree(answers: Answers, given: Mapping[str, Any]) -> None:
    """Answers that do not go together."""
    if answers["control"][0] == answers["treatment"][0]:
        raise UsageError(
            f"both arms are called '{answers['control'][0]}': give them names, as in --control solo=\"Individual support\"."
        )
    if not answers["grouped"] and given.get("group_size") is not None:
        raise UsageError("--group-size goes with --grouped.")
    of_scale, of_column = ("items", "form", "subscale"), ("column", "kind", "baseline", "better")
    wrong = of_column if answers["scale"] is not None else of_scale
    said = next((k for k in wrong if given.get(k) is not None), None)
    if said is not None:
        other = "a scale has its own; leave it out" if answers["scale"] is not None else "it goes with --scale"
        raise UsageError(f"--{said.replace('_', '-')}: {other}.")
    if answers["scale"] is not None:
        _fits_scale(answers["scale"], answers.get("form"), answers.get("subscale"))
        if len(answers["waves"]) < 2:
            raise UsageError("a scale is taken before and after: name two times, as in --waves 't0=before, t1=after six months'.")


def _fits_scale(key: str, form: str | None, subscale: str | None) -> None:
    entry = scale(key)
    if form is None and _forms(key):
        raise UsageError(f"the scale '{key}' exists in several forms, and a wrong one gives wrong scores: say --form, one of {shown(entry.forms)}.")
    for said, known, flag in ((form, entry.forms, "form"), (subscale, entry.subscale_items, "subscale")):
        if said is not None and said not in known:
            raise UsageError(f"--{flag} {said}: the scale '{key}' knows {shown(known)}.")


def plan_text(answers: Answers) -> str:
    """The text of the plan of these answers."""
    kind = "scale" if answers["scale"] is not None else answers["kind"]
    sign = -1.0 if _better(answers) == "lower" else 1.0
    size = answers["worthwhile"]
    return starter_plan(
        title=answers["title"],
        population=answers["population"],
        control=answers["control"],
        treatment=answers["treatment"],
        grouped=answers["grouped"],
        units=answers["people"],
        group_size=answers.get("group_size", (10, 15)),
        strata=answers["strata"],
        adjust=answers["adjust"],
        outcome=answers["outcome"],
        label=answers["label"],
        column=answers.get("column", ""),
        baseline=answers.get("baseline"),
        kind=kind,
        scale=answers["scale"] or "",
        items=answers.get("items", ""),
        better=answers.get("better", "higher"),
        smallest_worthwhile=size,
        languages=answers["languages"],
        waves=answers["waves"],
        expected=None if size is None else sign * size,
        form=answers.get("form"),
        subscale=answers.get("subscale"),
        completion=True,
    )


def _better(answers: Answers) -> str:
    if answers["scale"] is None:
        return str(answers["better"])
    entry: Scale = scale(answers["scale"])
    return str((entry.with_form(answers["form"]) if answers.get("form") else entry).direction_of(answers.get("subscale")))


def _truth(text: str) -> bool:
    word = text.casefold()
    if word not in ("yes", "y", "no", "n", "true", "false", "ja", "j", "nee"):
        raise ValueError("say yes or no.")
    return word in ("yes", "y", "true", "ja", "j")


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,7}", text) or int(text) < 4:
        raise ValueError(f"a number of people is a whole number from 4 on, as in 400; it is '{text}'.")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})\s*(?:-|to|tot|,)\s*(\d{1,4})", text)
    if not found or not 2 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"the smallest and the largest group, of 2 or more, read as in 10-15; it is '{text}'.")
    return int(found[1]), int(found[2])


def _distance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"the smallest worthwhile effect is a number above 0, with a decimal point, as in 0.05; it is '{text}'.")
    return value


def _words(text: str) -> str:
    if not text:
        raise ValueError("say it in a few words.")
    return text


def _arm(text: str) -> tuple[str, str]:
    """'solo=Individual support', or a label alone, from which the name in the data is made."""
    name, equals, label = text.partition("=")
    name, label = (name.strip(), label.strip()) if equals else (re.sub(r"\W+", "_", text.casefold()).strip("_"), text)
    if not name or not label:
        raise ValueError(f"an arm reads name=label, as in solo=\"Individual support\"; it is '{text}'.")
    return name, label


def _waves(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    found = {name.strip(): label.strip() for name, _, label in pairs}
    if len(found) < len(pairs) or not all(k and v for k, v in found.items()):
        raise ValueError(f"times of measurement read name=label, each name once, as in t0=before, t1=after six months; it is '{text}'.")
    return found


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"say {shown(words).replace(' and ', ' or ')}; it is '{text}'.")
        return text

    return read


def _scale_or_none(text: str) -> str | None:
    if text in ("", "none", "no", "column"):
        return None
    try:
        return scale(text).key
    except ScaleError as reason:
        raise ValueError(str(reason)) from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _languages(text: str) -> tuple[str, ...]:
    found = tuple(_one_of("en", "nl")(word) for word in _names(text))
    return found or ("en",)


def _forms(key: str | None) -> bool:
    """Whether someone must say which form was used."""
    return key is not None and len(scale(key).forms) > 1 and scale(key).default_form is None


def _form(text: str) -> str | None:
    return text or None


def _with_scale(answers: Answers) -> bool:
    return answers["scale"] is not None


def _with_column(answers: Answers) -> bool:
    return answers["scale"] is None


def _outcome_name(answers: Answers) -> str:
    return answers["scale"] or "employed"


def _column_name(answers: Answers) -> str:
    return f"{answers['outcome']}_{list(answers['waves'])[-1]}"


def _label(answers: Answers) -> str:
    if answers["scale"] is not None:
        return scale(answers["scale"]).name
    return "In work after six months" if answers["outcome"] == "employed" else answers["outcome"]


def _worthwhile(answers: Answers) -> float | None:
    return 0.2 if answers["scale"] is not None else 0.05 if answers["kind"] == "binary" else None


def _in_units(answers: Answers) -> bool:
    return True


QUESTIONS = (
    Question("title", "Title of the trial", "A peer group programme against individual support", _words),
    Question("population", "Who is randomized? Among all randomized ...", "people who applied for the programme", _words),
    Question("control", "What do controls get? (name in the data=in words)", ("individual", "Individual support"), _arm),
    Question("treatment", "And the others?", ("peer", "Individual support plus a peer group"), _arm),
    Question("grouped", "Does that put them in groups? (yes or no)", True, _truth),
    Question("group_size", "Smallest and largest group", (10, 15), _size, lambda a: a["grouped"]),
    Question("people", "How many people will be randomized?", 400, _count),
    Question("waves", "When is measured, the first time before randomization?", WAVES, _waves),
    Question("scale", "Is the primary outcome a scale? Its key (`trialkit scales` lists them), or none", None, _scale_or_none),
    Question("form", "Which form of the scale? (`trialkit scales KEY` tells them)", None, _form, lambda a: _forms(a["scale"])),
    Question("subscale", "", None, _form, lambda a: False),
    Question("outcome", "A short name for the outcome", _outcome_name, _words),
    Question("label", "The outcome in words", _label, _words),
    Question("items", "How are the columns of its answers called?", lambda a: f"{a['scale']}_{{wave}}_{{item}}", _words, _with_scale),
    Question("column", "Which column holds it?", _column_name, _words, _with_column),
    Question("kind", "Is it binary (0 and 1) or a number?", "binary", _one_of("binary", "number"), _with_column),
    Question("baseline", "Which column holds the same before randomization? (empty: none)", None, _form, _with_column),
    Question("better", "Which is better, higher or lower?", "higher", _one_of("higher", "lower"), _with_column),
    Question("worthwhile", "The smallest effect that would matter (a share as 0.05; a scale in standard deviations)", _worthwhile, _distance),
    Question("strata", "", (), _names, lambda a: False),
    Question("adjust", "", (), _names, lambda a: False),
    Question("languages", "", ("en",), _languages, lambda a: False),
)
