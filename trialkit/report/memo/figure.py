"""The figure of the memo: power over numbers of groups, clusters or people, with the design marked."""

from __future__ import annotations

from typing import Any

from trialkit.errors import UsageError
from trialkit.power.curves import PowerCurve
from trialkit.report.figures.power_curve_chart import NAMES, power_curve
from trialkit.report.figures.simulated_power_chart import vertical_power
from trialkit.report.figures.style import COLOURS, INK, SIZE, add_panel, drawing, new_figure, tidy_x
from trialkit.report.format import Numbers, real
from trialkit.report.memo import phrases as p
from trialkit.report.memo.answers import Answers
from trialkit.report.memo.questions import Question
from trialkit.report.words.en.memo import MemoWords
from trialkit.report.words.english import English

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BELOW = 262.0, 112.0, 40.0, 12.0, 22.0, 34.0
_ROOM = 80.0  # for the names of several curves


class _Marks(English):
    """The figure takes the decimal sign from its words; every text on it is given."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers


def figure_of(w: MemoWords, q: Question, found: Answers, own: PowerCurve | None) -> tuple[Any, str, str] | None:
    """(figure, caption, alternative text), or None where there is no curve."""
    curve = found.curve if own is None else own
    if curve is None:
        return None
    if curve.details.get("solved_for") != "power":
        raise UsageError(
            f"the memo draws power, and this curve solved for {curve.details.get('solved_for')}: give it the effect and the whole design."
        )
    several = len(curve.details["varied"]) > 1
    with drawing():
        figure = new_figure(HEIGHT + TOP + BELOW, WIDTH)
        ax = add_panel(figure, LEFT, TOP, WIDTH - LEFT - RIGHT - (_ROOM if several else 0), HEIGHT)
        labels = {**{k: w.axes.get(k) or w.assumptions.get(k) or v for k, v in NAMES.items()}, "power": w.power_axis}
        power_curve(curve, target=q.target, labels=labels, ax=ax, words=_Marks(w.numbers))
        axis = _axis_of(curve, ax, labels)
        tidy_x(ax, labels.get(axis, axis), w.numbers)
        vertical_power(ax, LEFT, w.power_axis)
        at = _planned(q, axis)
        if at is not None and not several:
            _mark(ax, at, q.result.power, w.the_design)
    return figure, *_told(w, q, curve, axis, at, own is not None or several)


def _axis_of(curve: PowerCurve, ax: Any, labels: dict[str, str]) -> str:
    """The argument on the horizontal axis, which `power_curve` chose."""
    shown = ax.get_xlabel()
    return next((str(k) for k in curve.details["varied"] if labels.get(k, k) == shown), str(curve.details["varied"][0]))


def _planned(q: Question, axis: str) -> float | None:
    d = q.result.details
    value = (
        d.get(axis) if axis in ("groups", "clusters", "n", "n_per_arm", "effect", "treated", "controls") else q.base().get(axis)
    )
    return None if value is None or isinstance(value, (tuple, str)) else real(value)


def _mark(ax: Any, x: float, power: float, text: str) -> None:
    ax.plot(
        [x],
        [power],
        marker="D",
        color=COLOURS[1],
        markersize=7,
        markeredgecolor=INK,
        markeredgewidth=0.8,
        zorder=6,
        clip_on=False,
    )
    ax.annotate(
        text, (x, power), xytext=(8, -14), textcoords="offset points", fontsize=SIZE - 0.5, color=INK, zorder=7,
        bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
    )  # fmt: skip


def _told(w: MemoWords, q: Question, curve: PowerCurve, axis: str, at: float | None, own: bool) -> tuple[str, str]:
    named = w.axes.get(axis) or w.assumptions.get(axis, axis)
    if own or at is None:
        text = w.curve_caption.format(function=curve.details["function"])
        return text, text
    rows = sorted(curve.table, key=lambda r: real(r[axis]))
    first, last = rows[0], rows[-1]
    alt = w.figure_alt.format(
        axis=named.lower(), low=p.percent(w, first["power"]), first=p.size(w, first[axis]), planned=p.percent(w, q.result.power), at=p.size(w, at),
        high=p.percent(w, last["power"]), last=p.size(w, last[axis]),
    )  # fmt: skip
    return w.figure_caption.format(axis=named.lower()), alt
