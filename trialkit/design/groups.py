"""Group formation as part of the design: arms are drawn by a design, and groups are then formed of the people of an arm."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypedDict

import numpy as np
import pandas as pd

from trialkit.design.base import ArmCodes, Design, Draws, _path
from trialkit.design.formation import form, group_numbers, lead
from trialkit.design.grouping import formation_of
from trialkit.design.seating import Cell, Formation
from trialkit.design.stream import BLOCK, Seed, Stream, checked_seed
from trialkit.errors import UsageError, shown
from trialkit.inference.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from trialkit.design.quality import CoMembership, GroupQuality

Composition: TypeAlias = Literal["alike", "mixed", "random"]
Progress: TypeAlias = Callable[[int, int], None]
RESTARTS, TOLERANCE, PARTNERS = 10, 0.05, 0.4


class GroupOptions(TypedDict, total=False):
    """Keywords of `with_groups`."""

    size: tuple[int, int] | int
    alike: Sequence[str]
    mixed: Sequence[str]
    within: Sequence[str]
    categorical: Sequence[str]
    composition: Mapping[Hashable, Composition] | None
    keep_together: str | Sequence[Sequence[Any]] | None
    keep_apart: str | Sequence[Sequence[Any]] | None
    sessions: Mapping[str, Any] | None
    availability: Mapping[str, str] | None
    facilitators: Mapping[str, Any] | None
    waiting_list: bool
    tolerance: float
    restarts: int
    partners: float


def with_groups(
    design: Design,
    arm: Hashable | Sequence[Hashable] | None = None,
    *,
    size: tuple[int, int] | int,
    alike: Sequence[str] = (),
    mixed: Sequence[str] = (),
    within: Sequence[str] = (),
    categorical: Sequence[str] = (),
    composition: Mapping[Hashable, Composition] | None = None,
    keep_together: str | Sequence[Sequence[Any]] | None = None,
    keep_apart: str | Sequence[Sequence[Any]] | None = None,
    sessions: Mapping[str, Any] | None = None,
    availability: Mapping[str, str] | None = None,
    facilitators: Mapping[str, Any] | None = None,
    waiting_list: bool = False,
    tolerance: float = TOLERANCE,
    restarts: int = RESTARTS,
    partners: float = PARTNERS,
) -> GroupedDesign:
    """Form groups of the people of one or more arms, as part of the design.

    **The law.** The design draws the arms. In every grouped arm (and stratum of `within`), `restarts` independent random divisions
    are each improved by exchanging people until no exchange helps: local optima. In each search a person can change place with a
    share `partners` of the others, drawn anew. The groups are drawn uniformly from the different ones among these optima whose
    criterion is within `tolerance` of the best, as a share of what the best gains over random groups. The best division alone
    would make the groups a function of who is in the arm; `co_membership` shows how often people meet. The allocation and all
    draws of `draw_many` follow the same law. Without traits and links every division into these sizes is equally likely.

    **The criterion.** The share of the variance of each alike trait that lies within groups, plus for each mixed trait the share
    between groups of the trait and of its squared deviations (so that groups have the same means and the same variances). Shares
    are of the variance among all people of the stratum before anybody is assigned. Categories count as indicators.

    Parameters
    ----------
    arm : arm or arms in which groups are formed; unsaid: those of `composition`.
    size : smallest and largest group. The number of groups is the one with a mean size nearest to the middle, and sizes are as
        equal as can be; see `waiting_list` for numbers that cannot be divided.
    alike : traits in which members of a group resemble each other.
    mixed : traits in which groups are as alike as can be among each other, each with members of all kinds.
    within : columns within whose combinations groups are formed (one agency, one town).
    categorical : columns of numbers that are categories.
    composition : how each arm forms its groups, 'alike', 'mixed' or 'random', when that is what is randomized. It is about the
        traits of `alike`, or of `mixed` when `alike` is empty; with both, those of `mixed` stay mixed where groups are not random.
    keep_together, keep_apart : sets of identifiers, or a column whose equal values are linked. People in different arms cannot be
        together; kept-together people never wait, and change place with sets of their own size only.
    sessions : people that fit in each session; every group gets one. By stratum: {'north': {'mon': 30}, 'south': ...}.
    availability : session -> column of 1/0 or true/false that says who can come; unsaid: everyone can always.
    facilitators : groups that each can lead, at most one in a session; by stratum as for sessions.
    waiting_list : people who do not fit wait, drawn at random before groups are formed; they keep their arm and have no group. By
        default numbers that cannot be divided are an error.
    tolerance, restarts, partners : the numbers of the law. With partners=1 every exchange is tried: groups a little more alike, and
        much more often the same ones.

    Raises
    ------
    DesignError
        Arms, traits, links, sizes, sessions or facilitators that cannot be, with the people or numbers and the remedy.

    References
    ----------
    Papenberg & Klau (2021), Psychological Methods 26, 161-174 (anticlustering by exchange). Papenberg (2024), British Journal of
    Mathematical and Statistical Psychology 77, 80-102 (k-plus: squared deviations for equal variances).

    Examples
    --------
    >>> import trialkit as tk
    >>> people = {"id": range(48), "age": [18 + i % 23 for i in range(48)]}
    >>> design = tk.design.complete(people, unit="id", arms={"solo": 1, "peer": 1})
    >>> design = design.with_groups("peer", size=(6, 8), alike=["age"])
    >>> design.assign(seed=1)["group"].value_counts().tolist()
    [8, 8, 8]
    """
    options: GroupOptions = {
        "size": size, "alike": alike, "mixed": mixed, "within": within, "categorical": categorical, "composition": composition,
        "keep_together": keep_together, "keep_apart": keep_apart, "sessions": sessions, "availability": availability,
        "facilitators": facilitators, "waiting_list": waiting_list, "tolerance": tolerance, "restarts": restarts,
        "partners": partners,
    }  # fmt: skip
    formation, declared = formation_of(design, arm, options)
    settings = {
        "design": {"scheme": design.scheme, "settings": dict(design.settings)},
        "groups": declared,
        "law": _law(formation),
    }
    return GroupedDesign(design.people, design.arms, settings, inner=design, formation=formation)


def _law(formation: Formation) -> str:
    return (
        f"in every grouped arm and stratum: uniform over the different partitions among {formation.restarts} local optima of an exchange "
        f"search from independent random starts, with a random share {formation.partners:g} of the others as partners, whose criterion is at most {formation.tolerance:g} of the gain over random groups worse "
        "than the best of them"
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GroupedDesign(Design):
    """A design that also forms groups; made by `with_groups`.

    Probabilities, pair probabilities and `enumerate` are those of the arms, which groups do not change.

    Attributes
    ----------
    inner : the design that draws the arms. formation : the rules by which groups are formed.
    """

    inner: Design
    formation: Formation

    scheme: ClassVar[str] = "with_groups"

    @property
    def probabilities_exact(self) -> bool:
        return self.inner.probabilities_exact

    def _draw(self, streams: Sequence[Stream]) -> ArmCodes:
        return self.inner._draw(streams)

    def _probabilities(self) -> FloatArray | None:
        return self.inner._probabilities()

    def _enumerate(self) -> tuple[ArmCodes, FloatArray] | None:
        return self.inner._enumerate()

    def _count(self) -> int | None:
        return self.inner._count()

    def _pair_probabilities(self, first: int, second: int) -> FloatArray | None:
        return self.inner._pair_probabilities(first, second)

    @property
    def probability_matrix(self) -> FloatArray:
        """(n, arms) in canonical order, those of the inner design."""
        return self.inner.probability_matrix

    @property
    def probabilities_se(self) -> pd.DataFrame:
        """Monte Carlo standard errors of `probabilities`; zero where they are exact."""
        return self.inner.probabilities_se

    @property
    def resolved(self) -> bool:
        """Whether the inner design has all its numbers."""
        return self.inner.resolved

    def resolve(self, arm_codes: Any) -> GroupedDesign:
        """The design with the inner one's numbers filled in."""
        return replace(self, inner=self.inner.resolve(arm_codes))

    def draw_many(self, n_draws: int, *, seed: Seed, progress: Progress | bool | None = None) -> Draws:
        """Draw arms and groups for an analysis; groups are formed anew in every draw, by the law of the allocation.

        Parameters
        ----------
        progress : told (draws done, all); True or False for a line on standard error, unsaid: when that is a terminal.
        """
        number = checked_seed(seed)
        drawn = self.inner.draw_many(n_draws, seed=number)
        groups = np.empty(drawn.arms.shape, dtype=np.int64)
        with _Told(progress) as told:
            for start in range(0, n_draws, BLOCK):
                part = drawn.arms[start : start + BLOCK]
                cells = form(self.formation, part, number, (*_path("groups"), *_path("draws")), start)
                groups[start : start + len(part)] = group_numbers(cells, self.n)
                told(start + len(part), n_draws)
        return Draws(drawn.arms, groups, drawn.units, drawn.labels)

    def assign(self, *, seed: Seed, progress: Progress | bool | None = None) -> pd.DataFrame:
        """One allocation: unit, arm, group, and session, facilitator and waiting where these were declared.

        Group labels are unique over arms ('peer-01', 'peer-north-01'), their numbers random; people without a group have none.
        """
        number = checked_seed(seed)
        frame = self.inner.assign(seed=number)
        codes = self.codes(frame["arm"])
        path = (*_path("groups"), *_path("allocation"))
        with _Told(progress) as told:
            cells = form(self.formation, codes[None, :].astype(np.int16), number, path, 0, told)[0]
        return self._with_columns(frame, codes, cells, Stream(number, *path, 0, len(self.formation.cells)))

    def co_membership(self, n_draws: int, *, seed: Seed) -> CoMembership:
        """How often each two people share a group, from draws of the same law; see `trialkit.design.quality`."""
        from trialkit.design.quality import co_membership

        return co_membership(self, n_draws, seed=seed)

    def quality(self, allocation: pd.DataFrame, *, n_random: int = 200, seed: Seed, traits: Sequence[str] = ()) -> GroupQuality:
        """How alike or mixed the groups became, against random groups of the same sizes; see `trialkit.design.quality`."""
        from trialkit.design.quality import quality

        return quality(self, allocation, n_random=n_random, seed=seed, traits=traits)

    def describe(self) -> str:
        arms = [self.formation.arm_names[a] for a in self.formation.aims]
        return f"{self.inner.describe()}; groups of {self.formation.size_text} in {shown(arms)}"

    def _with_columns(self, frame: pd.DataFrame, codes: IntArray, cells: list[Cell], stream: Stream) -> pd.DataFrame:
        numbers = group_numbers([cells], self.n)[0]
        out = frame.copy()
        out["group"] = _named(numbers, self._labels(cells))
        if any(self.formation.sessions):
            names = [list(self.formation.sessions[c.stratum])[s] for c in cells for s in c.sessions.tolist()]
            out["session"] = _named(numbers, names)
        if any(self.formation.leads):
            out["facilitator"] = _named(numbers, lead(self.formation, cells, stream))
        if self.formation.waiting:
            out["waiting"] = np.isin(codes, list(self.formation.aims)) & (numbers < 0)
        return out

    def _labels(self, cells: list[Cell]) -> list[str]:
        out = []
        for cell in cells:
            k = len(cell.layout.sizes)
            parts = (self.formation.arm_names[cell.arm], self.formation.stratum_names[cell.stratum])
            prefix, width = "-".join(p for p in parts if p), max(2, len(str(k)))
            out += [f"{prefix}-{g + 1:0{width}d}" for g in range(k)]
        return out


def _named(numbers: IntArray, names: list[str]) -> pd.Series:
    return pd.Series([names[g] if g >= 0 else None for g in numbers.tolist()], dtype=object)


class _Told:
    """Progress on one line of standard error, or by the caller's function."""

    def __init__(self, progress: Progress | bool | None):
        if progress is not None and not isinstance(progress, bool) and not callable(progress):
            raise UsageError("progress takes True, False or a function of (done, all).")
        self._own = progress if callable(progress) else None
        self._line = progress is True or (progress is None and sys.stderr.isatty())
        self._written = False

    def __enter__(self) -> _Told:
        return self

    def __call__(self, done: int, total: int) -> None:
        if self._own is not None:
            self._own(done, total)
        elif self._line:
            sys.stderr.write(f"\rforming groups: {done} of {total}")
            sys.stderr.flush()
            self._written = True

    def __exit__(self, *_: object) -> None:
        if self._written:
            sys.stderr.write("\n")
