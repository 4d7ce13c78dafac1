"""`trialkit power`: what a plan can detect, by closed form, by simulation or by a search, and the page for a proposal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trialkit.cli.show import Progress, in_flags, out, write_json
from trialkit.errors import UsageError
from trialkit.plan.plan import Plan


def answered(
    plan: Path,
    *,
    simulate: int | None,
    seed: int | None,
    effects: str | None,
    outcome: str | None,
    workers: int,
    search_for: str | None,
    target: float,
    memo: Path | None,
    language: str,
    json: bool,
) -> None:
    """Print the answer, and write the memo when one is asked for; the options are those of the command."""
    from trialkit.power import answer_for_plan

    read = Plan.load(plan)
    write = _memo_writer(read, memo, language, searches=search_for is not None)
    if search_for is not None:
        _search(read, search_for, target, seed, simulate, effects, outcome, workers, json)
        return
    if simulate is None:
        answer = answer_for_plan(read.spec)
        write_json(answer.to_dict()) if json else out(str(answer))
        write(None, json)
        return
    if seed is None:
        raise UsageError("a simulation needs a seed: say, for instance, --seed 1.")
    from trialkit.power import simulate as simulated

    with Progress(quiet=json) as bar:
        found = simulated(
            read, effects=_numbers(effects), n_draws=simulate, seed=seed, outcome=outcome, workers=workers,
            progress=lambda done, blocks: bar("simulating", done, blocks),
        )  # fmt: skip
    write_json(found.to_dict()) if json else out(str(found))
    write(found, json)


def _memo_writer(plan: Any, target: Path | None, language: str, *, searches: bool) -> Any:
    """What writes the memo of `trialkit power --memo`; what it cannot write is refused before anything is computed."""
    if target is None:
        return lambda simulated, json: None
    if searches:
        raise UsageError("--memo goes with the answer of the plan or with --simulate; leave out --search.")
    from trialkit.power import memo
    from trialkit.report.memo.memo import checked_place

    checked_place(target)
    made = memo(plan, language=language)  # type: ignore[arg-type]

    def write(simulated: Any, json: bool) -> None:
        page = made if simulated is None else memo(plan, language=language, simulated=simulated)  # type: ignore[arg-type]
        path = page.save(target)
        if not json:
            out(f"memo: {path}")

    return write


def _search(
    plan: Any,
    solve_for: str,
    target: float,
    seed: int | None,
    draws: int | None,
    effects: str | None,
    outcome: str | None,
    workers: int,
    json: bool,
) -> None:
    """`trialkit power --search`; --simulate is then the most replicates, --effects the one true effect."""
    from trialkit.power import search

    if seed is None:
        raise UsageError("a search by simulation needs a seed: say, for instance, --seed 1.")
    if target > 1:
        raise UsageError(f"--target is a share: for {target:g} percent write --target {target / 100:g}.")
    true = _numbers(effects)
    if true is not None and len(true) > 1:
        raise UsageError("--search takes one true effect: say, for instance, --effects 0.4.")
    with in_flags(solve_for="search"), Progress(quiet=json) as bar:
        found = search(
            plan, solve_for=solve_for, power=target, seed=seed, effect=None if true is None else true[0], outcome=outcome, workers=workers,  # type: ignore[arg-type]
            progress=lambda done, most: bar("searching", done, most), n_draws=50_000 if draws is None else draws,
        )  # fmt: skip
    write_json(found.to_dict()) if json else out(str(found))


def _numbers(text: str | None) -> list[float] | None:
    """'0,0.2' as numbers."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--effects takes numbers with commas between them, as in 0,0.2,0.4; it is '{text}'.") from error
