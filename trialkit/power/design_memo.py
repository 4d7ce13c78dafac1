"""`tk.power.memo`: the page of a proposal that says how large a trial is and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from trialkit.misuse import explained

if TYPE_CHECKING:
    from trialkit.power.curves import PowerCurve
    from trialkit.power.simulation.result import SimulatedPower
    from trialkit.power.uncertain import Assurance
    from trialkit.report.memo.memo import DesignMemo


@explained
def memo(
    what: Any,
    *,
    language: Literal["en", "nl"] = "en",
    title: str | None = None,
    outcomes: Sequence[str] | str | None = None,
    question: str | None = None,
    unit: str | None = None,
    sources: Mapping[str, str] | None = None,
    costs: Mapping[str, float] | None = None,
    currency: str = "€",
    simulated: SimulatedPower | None = None,
    curve: PowerCurve | None = None,
    assurance: Assurance | None = None,
) -> DesignMemo:
    """One page on sample size and power for a grant application, as HTML or Word.

    Parameters
    ----------
    what : a `tk.Plan` (all its primary outcomes and contrasts), or one or several results of `tk.power.individual`, `binary`, `grouped` or `clustered`.
    language : "en" or "nl". Labels, population and title stand as they were written.
    title : heading; by default that of the plan.
    outcomes : names of the outcomes in words, one a result. question : the question of the trial in one sentence. unit : of raw effects, as "euros a month".
    sources : where assumptions come from, by argument: {"icc": "our pilot of 2023, 14 circles"}.
    costs : of one treated person, control, group or cluster, and "fixed": {"treated": 120, "groups": 900, "fixed": 5000}. currency : its sign.
    simulated, curve, assurance : results that the page should also hold; `curve` takes the place of the figure that the memo draws by itself.

    Returns
    -------
    DesignMemo
        `.html`, `.save("memo.html")`, `.save("memo.docx")`, `.to_dict()` with every result behind the page.

    Raises
    ------
    UsageError
        An unknown language, a result of another power function, or an argument without a sentence in the language.
    PlanError
        A plan without [design] units.

    Examples
    --------
    >>> found = tk.power.grouped(effect=0.4, groups=12, group_size=12, controls=144, icc=0.05)
    >>> page = tk.power.memo(found, title="Savings circles", outcomes="financial stress")
    >>> page.html.startswith("<!doctype html>")
    True
    """
    # the pages stand above this room, so they are reached by name and only when asked for
    made: DesignMemo = import_module("trialkit.report.memo.memo").memo(
        what, language=language, title=title, outcomes=outcomes, question=question, unit=unit, sources=sources, costs=costs, currency=currency,
        simulated=simulated, curve=curve, assurance=assurance,
    )  # fmt: skip
    return made
