"""Whether the counts of a report agree: flow, Table 1, losses and results count the same people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from trialkit.errors import EstimationError
from trialkit.report.content import OutcomeContent, ReportContent
from trialkit.report.format import real

Counts = Mapping[tuple[str, str, str], int]  # (arm, stage, outcome): people


def count_problems(content: ReportContent) -> tuple[str, ...]:
    """Every place where two counts of the report contradict each other, a sentence each; empty when all agree.

    Counts that are not there (a report without a flow, numbers withheld) are not held against anything. More people with an outcome than analysed is no
    contradiction: some lack a covariate that the plan does not fill in.

    Examples
    --------
    >>> count_problems(load_content("report"))                                                 # doctest: +SKIP
    ()
    """
    counts = dict(_flow(content))
    return (
        *_whole(content, counts),
        *_baseline(content, counts),
        *(p for o in content.outcomes for p in _outcome(content, o, counts)),
    )


def refuse_contradictions(content: ReportContent) -> None:
    """Stop a report whose counts contradict each other.

    Raises
    ------
    EstimationError
        With the first of them. Numbers of results.json that were changed by hand end here.
    """
    problems = count_problems(content)
    if problems:
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise EstimationError(
            f"the counts of the report contradict each other: {problems[0]}{more}. Nothing is written: run the plan again, and tell the makers of trialkit if it stays."
        )


def _whole_number(value: Any) -> int | None:
    number = real(value)
    return int(number) if math.isfinite(number) else None


def _flow(content: ReportContent) -> Iterator[tuple[tuple[str, str, str], int]]:
    for row in content.flow.table:
        people = _whole_number(row.get("people"))
        if people is not None:
            outcome = str(row["outcome"]) if row["stage"] == "outcome" else ""
            yield (str(row["arm"]), str(row["stage"]), outcome), people


def _whole(content: ReportContent, counts: Counts) -> Iterator[str]:
    arms = [str(a.name) for a in content.arms]
    people = _whole_number(content.flow.details.get("people"))
    randomized = [counts.get((a, "randomized", "")) for a in arms]
    known = [n for n in randomized if n is not None]
    if people is not None and len(known) == len(arms) > 0 and sum(known) != people:
        yield f"the arms of the flow add up to {sum(known)} people randomized, the trial has {people}"
    for (arm, stage, outcome), n in counts.items():
        most = counts.get((arm, "randomized", ""))
        if most is not None and n > most:
            yield f"'{arm}' has {n} people at '{outcome or stage}' and {most} randomized"


def _baseline(content: ReportContent, counts: Counts) -> Iterator[str]:
    """No row of Table 1 has more people than were randomized; one without a row for the missing has them all, but for people of weight zero."""
    if content.balance is None:
        return
    incomplete = {(r["covariate"], r["contrast"]) for r in content.balance.table if r["kind"] == "missing"}
    pairs = {f"{a.name} - {b.name}": (str(a.name), str(b.name)) for a in content.arms for b in content.arms}
    for r in content.balance.table:
        sides = pairs.get(str(r["contrast"]))
        if sides is None or r["kind"] == "missing":
            continue
        for key, arm in zip(("n_arm", "n_control"), sides):
            n, all_of_them = _whole_number(r.get(key)), counts.get((arm, "randomized", ""))
            if n is None or all_of_them is None:
                continue
            complete = not content.after.plan.get("weighted") and (r["covariate"], r["contrast"]) not in incomplete
            if n > all_of_them or (complete and n != all_of_them):
                yield f"Table 1 has {n} people of '{arm}' for '{r['covariate']}', the flow {all_of_them} randomized"


def _outcome(content: ReportContent, o: OutcomeContent, counts: Counts) -> Iterator[str]:
    column = o.column or o.name
    for row in () if o.attrition is None else o.attrition.table:
        arm = str(row["arm"])
        randomized, lost = (_whole_number(row.get(k)) for k in ("randomized", "lost"))
        known, all_of_them = counts.get((arm, "outcome", column)), counts.get((arm, "randomized", ""))
        if randomized is not None and all_of_them is not None and randomized != all_of_them:
            yield f"the losses on '{o.name}' count {randomized} people of '{arm}', the flow {all_of_them} randomized"
        if None not in (randomized, lost, known) and randomized - lost != known:  # type: ignore[operator]
            yield f"'{o.name}' is known for {known} people of '{arm}' in the flow, and for {randomized - lost} by the losses"  # type: ignore[operator]
    yield from _analysed(content, o, column, counts)


def _analysed(content: ReportContent, o: OutcomeContent, column: str, counts: Counts) -> Iterator[str]:
    analysed: dict[str, int] = {}
    for row in o.result.details.get("arms") or []:
        arm, n, randomized = str(row["arm"]), _whole_number(row.get("n")), _whole_number(row.get("n_randomized"))
        all_of_them, known = counts.get((arm, "randomized", "")), counts.get((arm, "outcome", column))
        if randomized is not None and all_of_them is not None and randomized != all_of_them:
            yield f"the analysis of '{o.name}' counts {randomized} people of '{arm}', the flow {all_of_them} randomized"
        if n is not None:
            analysed[arm] = n + (_whole_number(row.get("n_imputed")) or 0)
            if known is not None and n > known:
                yield f"the analysis of '{o.name}' has {n} people of '{arm}', the flow {known} with the outcome"
    if len(analysed) == len(content.arms) > 0:
        everyone = sum(analysed.values())
        for e in o.result.estimates:
            n = _whole_number(e.n)
            if n is not None and (n > everyone or (len(analysed) == 2 and n != everyone)):
                yield f"the effect on '{o.name}' ({e.contrast}) has {n} people, its arms {everyone}"
