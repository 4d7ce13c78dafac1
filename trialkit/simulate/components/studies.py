"""Studies as the units of a meta-analysis: their true effects, what each of them found, and which of them were published.

In a scenario made of these the 'people' are studies, or the effects that studies report; the 'arm' is what studies differ in by design, and
the truth is how much that moves the true effects.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator
from scipy import special

from trialkit.errors import DesignError, PlanError, shown
from trialkit.inference.arrays import BoolArray, FloatArray, IntArray
from trialkit.simulate.parts import Part, Positive, Slopes, Spec, register
from trialkit.simulate.people import People

__all__ = ["ClusterShare", "ClusterSize", "DomainEffects", "FileDrawer", "MeasuredEffect", "StudyEffect", "StudyTables"]

Share = Annotated[float, Field(ge=0, le=1)]
# A file drawer that keeps more than this many studies for each one that is published is a mistake in its parameters.
MOST_ROUNDS = 1000
SIGNIFICANT = 1.96


class FileDrawer(Spec):
    """Who is published: a study with a significant benefit always, any other with the logistic probability `intercept` + `slope` times
    log(people / 100)."""

    intercept: float
    slope: float


@register
class StudyEffect(Part):
    """A true effect of each study: `intercept`, plus `added` where `arm` is the second, plus slopes, plus a normal residual."""

    arm: str = "arm"
    intercept: float
    added: float
    on: Slopes
    residual: Annotated[float, Field(ge=0)] = 0.0

    def draw(self, people: People, rng: np.random.Generator) -> None:
        own = self.residual * rng.standard_normal(people.n)
        people.values[self.name] = self.intercept + self.added * people[self.arm] + people.linear(self.on) + own


@register
class StudyTables(Part):
    """Two-by-two tables of studies with two equal arms, and the true log odds ratio `<name>` of each.

    `<name>` is slopes `on` plus a normal residual (tau). A study has a lognormal number of people in each arm, `smallest` at least, and a
    normal log odds in its control arm. Columns: treated_n, treated_<event>, control_n, control_<event>.

    With a `drawer`, a study that is not published is replaced by another of the same kind until one is, so that the data hold published
    studies only; the table `file_drawer` lists the others (`kind`, the label of `kind_of`). Only data have a drawer: when potential outcomes are computed every
    first study counts, and what was drawn before the drawer opened is the same.
    """

    on: Slopes
    residual: Annotated[float, Field(ge=0)]
    log_size: float
    log_size_sd: Annotated[float, Field(ge=0)]
    smallest: Annotated[int, Field(ge=2)]
    control_log_odds: float
    control_log_odds_sd: Annotated[float, Field(ge=0)]
    event: str
    kind_of: str = "arm"
    drawer: FileDrawer | None = None

    @property
    def columns(self) -> tuple[str, str, str, str]:
        return "treated_n", f"treated_{self.event}", "control_n", f"control_{self.event}"

    def draw(self, people: People, rng: np.random.Generator) -> None:
        mean = people.linear(self.on)
        effect, table = self._studies(mean, rng)
        hidden: list[tuple[IntArray, FloatArray]] = []
        if self.drawer is not None and people.everyone is None:
            waiting = np.flatnonzero(~self._published(table, rng)).astype(np.int64)
            for _ in range(MOST_ROUNDS):
                if not len(waiting):
                    break
                hidden.append((waiting, table[:, waiting]))
                effect[waiting], table[:, waiting] = self._studies(mean[waiting], rng)
                waiting = waiting[~self._published(table[:, waiting], rng)]
            if len(waiting):
                raise DesignError(f"part '{self.name}': fewer than one study in {MOST_ROUNDS} is published; raise the intercept.")
            self._list(people, hidden)
        people.values[self.name] = effect
        for name, values in zip(self.columns, table):
            people.values[name] = values

    def _studies(self, mean: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """True log odds ratios and the four columns of as many new studies."""
        from scipy import stats  # slow to import, and most calls of the package do without it

        z, chance = rng.standard_normal((3, len(mean))), rng.random((2, len(mean)))
        effect = mean + self.residual * z[0]
        size = np.maximum(np.round(np.exp(self.log_size + self.log_size_sd * z[1])), self.smallest)
        odds = self.control_log_odds + self.control_log_odds_sd * z[2]
        treated = stats.binom.ppf(chance[0], size, special.expit(odds + effect))
        control = stats.binom.ppf(chance[1], size, special.expit(odds))
        return effect, np.stack([size, treated, size, control])

    def _published(self, table: FloatArray, rng: np.random.Generator) -> BoolArray:
        assert self.drawer is not None
        n1, a, n0, c = table
        cells = np.stack([a, n1 - a, c, n0 - c]) + 0.5
        z = (np.log(cells[0] / cells[1]) - np.log(cells[2] / cells[3])) / np.sqrt((1 / cells).sum(axis=0))
        shown_anyway = special.expit(self.drawer.intercept + self.drawer.slope * np.log((n1 + n0) / 100))
        return np.asarray((z > SIGNIFICANT) | (rng.random(len(a)) < shown_anyway))

    def _list(self, people: People, hidden: list[tuple[IntArray, FloatArray]]) -> None:
        codes = people.codes(self.kind_of)
        who = np.concatenate([w for w, _ in hidden]) if hidden else np.empty(0, dtype=np.int64)
        table = np.concatenate([t for _, t in hidden], axis=1) if hidden else np.empty((4, 0))
        labels = people.labels[self.kind_of]
        listed = {name: row.astype(np.int64).tolist() for name, row in zip(self.columns, table)}
        people.tables["file_drawer"] = {"kind": [labels[k] for k in codes[who].tolist()], **listed}


@register
class MeasuredEffect(Part):
    """What a study found for a true standardized mean difference `of`: `<name>` and `<name>_se` in thousandths.

    The squared standard error is 1/n1 + 1/n0 + d^2 / (2 (n1 + n0)); `sizes` names the people of the two arms, or of both together for halves.
    Errors within a cluster of `within` correlate `shared`, because its effects are those of the same people.
    """

    of: str
    sizes: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    within: str = ""
    shared: Share = 0.0

    @model_validator(mode="after")
    def _agree(self) -> MeasuredEffect:
        if self.shared and not self.within:
            raise ValueError("shared is the correlation within a cluster: name it in within")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        true = people[self.of]
        n1 = people[self.sizes[0]] if len(self.sizes) == 2 else people[self.sizes[0]] / 2
        n0 = people[self.sizes[-1]] if len(self.sizes) == 2 else n1
        z = rng.standard_normal(people.n)
        if self.within:
            codes = people.codes(self.within)
            common = rng.standard_normal(int(codes.max()) + 1)[codes]
            z = np.sqrt(self.shared) * common + np.sqrt(1 - self.shared) * z
        found = true + z * _standard_error(true, n1, n0)
        people.values[self.name] = np.round(1000 * found)
        people.values[f"{self.name}_se"] = np.round(1000 * _standard_error(found, n1, n0))


def _standard_error(d: FloatArray, n1: FloatArray, n0: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(1 / n1 + 1 / n0 + d**2 / (2 * (n1 + n0))))


@register
class DomainEffects(Part):
    """True effects in several domains of outcomes: `<name>` in the row's own domain and `<name>_<domain>` in each.

    A domain's effect is `means` plus `added` where the arm `arm` is the second, plus slopes `on`, the same in all domains (such as a cluster
    effect of the study), plus a normal residual of the row.
    """

    domain: str
    arm: str = "arm"
    means: Annotated[dict[str, float], Field(min_length=1)]
    added: dict[str, float]
    on: Slopes
    residual: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _agree(self) -> DomainEffects:
        if set(self.means) != set(self.added):
            raise ValueError("means and added name the same domains")
        return self

    def draw(self, people: People, rng: np.random.Generator) -> None:
        labels = people.labels[self.domain]
        if set(labels) != set(self.means):
            raise PlanError(
                f"part '{self.name}': means are given for {shown(sorted(self.means))}, but the domains are {shown(labels)}."
            )
        around = people.linear(self.on) + self.residual * rng.standard_normal(people.n)
        treated = people[self.arm]
        each = np.stack([self.means[label] + self.added[label] * treated + around for label in labels])
        for label, values in zip(labels, each):
            people.values[f"{self.name}_{label}"] = values
        people.values[self.name] = each[people.codes(self.domain), np.arange(people.n)]


@register
class ClusterSize(Part):
    """A whole number that is the same for all rows of a cluster, such as the people of a study: lognormal, `smallest` at least."""

    clusters: str
    log_mean: float
    log_sd: Positive
    smallest: Annotated[int, Field(ge=1)]

    def draw(self, people: People, rng: np.random.Generator) -> None:
        codes = people.codes(self.clusters)
        sizes = np.round(np.exp(self.log_mean + self.log_sd * rng.standard_normal(int(codes.max()) + 1)))
        people.values[self.name] = np.maximum(sizes, self.smallest)[codes]


@register
class ClusterShare(Part):
    """How many of a cluster's `of` have a trait, the same for all its rows: binomial, its log odds `intercept` plus a normal residual.

    The true share is kept as `<name>_share`.
    """

    clusters: str
    of: str
    intercept: float
    residual: Annotated[float, Field(ge=0)]

    def draw(self, people: People, rng: np.random.Generator) -> None:
        from scipy import stats  # slow to import, and most calls of the package do without it

        codes = people.codes(self.clusters)
        count = int(codes.max()) + 1
        z, chance = rng.standard_normal(count), rng.random(count)
        share = special.expit(self.intercept + self.residual * z)
        sizes = np.zeros(count)
        sizes[codes] = people[self.of]
        people.values[f"{self.name}_share"] = share[codes]
        people.values[self.name] = stats.binom.ppf(chance, sizes, share)[codes]
