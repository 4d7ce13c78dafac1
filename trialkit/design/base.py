"""The design: an assignment mechanism with what users ask of it, and the design that also forms groups.

A scheme is a subclass of `Design` in a file of its own; `mechanism.py` says what it fills in.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from trialkit.design.covariates.balance import ExpectedBalance, allocation_balance, expected_balance
from trialkit.design.groups.columns import with_group_columns
from trialkit.design.groups.formation import form, group_numbers
from trialkit.design.groups.grouping import PARTNERS, RESTARTS, TOLERANCE, Composition, GroupOptions, formation_of, law_in_words
from trialkit.design.groups.progress import Progress, Told
from trialkit.design.groups.quality import CoMembership, GroupQuality, co_membership, quality
from trialkit.design.groups.seating import Formation
from trialkit.design.mechanism import ArmCodes, Draws, Mechanism
from trialkit.design.stream import BLOCK, Seed, Stream, checked_seed, purpose_path
from trialkit.errors import shown
from trialkit.inference.arrays import FloatArray

__all__ = ["Design", "GroupedDesign"]


@dataclass(frozen=True, eq=False, repr=False)
class Design(Mechanism):
    """An assignment mechanism: who could have been in which arm, and with which probability.

    Attributes
    ----------
    people : the people, in canonical order. arms : labels; codes 0, 1, ... in this order.
    settings : what was declared, JSON-able (the certificate prints it).
    """

    def balance(
        self,
        covariates: Sequence[str],
        *,
        n_draws: int = 1000,
        seed: Seed | None = None,
        allocation: Any = None,
    ) -> ExpectedBalance:
        """Imbalance to expect of this design, before anything is fixed; or with `allocation` that of one allocation.

        See `trialkit.design.covariates.balance.expected_balance`.
        """
        if allocation is not None:
            return allocation_balance(self, covariates, allocation)
        return expected_balance(self, covariates, n_draws=n_draws, seed=seed)

    def with_groups(
        self,
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
        formation, declared = formation_of(self, arm, options)
        settings = {
            "design": {"scheme": self.scheme, "settings": dict(self.settings)},
            "groups": declared,
            "law": law_in_words(formation),
        }
        return GroupedDesign(self.people, self.arms, settings, inner=self, formation=formation)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GroupedDesign(Design):
    """A design that also forms groups; made by `Design.with_groups`.

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
        with Told(progress) as told:
            for start in range(0, n_draws, BLOCK):
                part = drawn.arms[start : start + BLOCK]
                cells = form(self.formation, part, number, purpose_path("groups", "draws"), start)
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
        path = purpose_path("groups", "allocation")
        with Told(progress) as told:
            cells = form(self.formation, codes[None, :].astype(np.int16), number, path, 0, told)[0]
        return with_group_columns(frame, self.formation, codes, cells, Stream(number, *path, 0, len(self.formation.cells)))

    def co_membership(self, n_draws: int, *, seed: Seed) -> CoMembership:
        """How often each two people share a group, from draws of the same law; see `trialkit.design.groups.quality.co_membership`."""
        return co_membership(self, n_draws, seed=seed)

    def quality(self, allocation: pd.DataFrame, *, n_random: int = 200, seed: Seed, traits: Sequence[str] = ()) -> GroupQuality:
        """How alike or mixed the groups became, against random groups of the same sizes; see `trialkit.design.groups.quality.quality`."""
        return quality(self, self.formation, allocation, n_random=n_random, seed=seed, traits=traits)

    def describe(self) -> str:
        arms = [self.formation.arm_names[a] for a in self.formation.aims]
        return f"{self.inner.describe()}; groups of {self.formation.size_text} in {shown(arms)}"
