"""`trialkit init`: a first plan from a few answers, the schema for the editor, and simulated data on which the plan runs at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialkit.cli.questions import QUESTIONS, Answers, Question, lacking, scale_of
from trialkit.cli.show import Told
from trialkit.errors import UsageError
from trialkit.io import atomic_text, write_csv
from trialkit.plan.blinding.mark import MARK
from trialkit.plan.blinding.simulated import simulated_data
from trialkit.plan.plan import Plan
from trialkit.plan.reading.load import parse_plan
from trialkit.plan.reading.template import SCHEMA_FILE, starter_plan
from trialkit.plan.schema.json_schema import json_schema

__all__ = ["on_a_terminal", "simulated_beside", "start"]

OF_SCALE = ("form", "subscale", "code_range")


def on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def start(
    target: Path,
    given: Mapping[str, Any],
    *,
    seed: int,
    asks: bool,
    force: bool = False,
    simulate: bool = True,
    dry_run: bool = False,
) -> Told:
    """Write the plan, the schema beside it and simulated data; nothing before everything is known to work.

    Parameters
    ----------
    given : what the flags said, as text; None is unsaid. asks : put what is unsaid as questions. seed : of the simulated data.
    simulate : also make data. dry_run : give the text of the plan back, and write nothing.
    """
    if not target.name:
        raise UsageError("name the file to write, as in plan.toml.")
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

    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"


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
            answers[question.key] = _asked(question, answers) if asks and question.asked else question.unsaid(answers)
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
        if text.strip() == _as_text(default) and question.key not in OF_SCALE:
            return default
        try:
            value = question.read(text.strip())
            missing = lacking({**answers, question.key: value}) if question.key in OF_SCALE else None
            if missing is None or missing[0] != question.key:
                return value
            print(f"  {missing[1]}", file=sys.stderr)
        except ValueError as reason:
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
    of_scale, of_column = ("items", *OF_SCALE), ("column", "kind", "baseline", "better")
    wrong = of_column if answers["scale"] is not None else of_scale
    said = next((k for k in wrong if given.get(k) is not None), None)
    if said is not None:
        other = "a scale has its own; leave it out" if answers["scale"] is not None else "it goes with --scale"
        raise UsageError(f"--{said.replace('_', '-')}: {other}.")
    if answers["scale"] is not None:
        _complete(answers)
        if len(answers["waves"]) < 2:
            raise UsageError("a scale is taken before and after: name two times, as in --waves 't0=before, t1=after six months'.")


def _complete(answers: Answers) -> None:
    missing = lacking(answers)
    if missing is not None:
        flag, why = missing
        raise UsageError(f"--{flag.replace('_', '-')}: {why}")


def plan_text(answers: Answers) -> str:
    """The text of the plan of these answers."""
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
        kind="scale" if answers["scale"] is not None else answers["kind"],
        scale=answers["scale"] or "",
        items=answers.get("items", ""),
        better=answers.get("better", "higher"),
        smallest_worthwhile=size,
        languages=answers["languages"],
        waves=answers["waves"],
        expected=None if size is None else sign * size,
        form=answers.get("form"),
        subscale=answers.get("subscale"),
        code_range=answers.get("code_range"),
        completion=True,
    )


def _better(answers: Answers) -> str:
    entry = scale_of(answers)
    return str(answers["better"] if entry is None else entry.direction_of(answers.get("subscale")))
