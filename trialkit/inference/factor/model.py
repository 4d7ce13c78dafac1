"""A confirmatory factor model as a table of parameters.

    Sigma_g = Lambda_g Psi_g Lambda_g' + Theta_g,     mu_g = nu_g + Lambda_g alpha_g

for the groups g. A parameter is one element of one of these matrices in one group. A label makes it free, and parameters with
the same label are one number: that is how equality over groups, or over waves within a group, is said. Without a label it is
fixed at its value. Elements that the table does not name are zero.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from trialkit.inference.arrays import BoolArray, FloatArray, IntArray

Kind: TypeAlias = Literal["loading", "residual", "factor", "intercept", "mean"]
Identification: TypeAlias = Literal["unit_variance", "marker"]
Equal: TypeAlias = Literal[
    "loadings", "intercepts", "residuals", "residual_covariances", "means", "factor_variances", "factor_covariances"
]

KINDS: tuple[Kind, ...] = ("loading", "residual", "factor", "intercept", "mean")
LOADING, RESIDUAL, FACTOR, INTERCEPT, MEAN = range(5)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One element of a matrix of the model.

    Attributes
    ----------
    kind : "loading" (item row, factor col), "residual" (items row, col; row = col a variance), "factor" (factors row, col),
        "intercept" (item row), "mean" (factor row).
    group : 0-based.
    label : parameters with one label are equal; None = fixed at `value`.
    value : where it is fixed.
    """

    kind: Kind
    group: int
    row: int
    col: int = 0
    label: str | None = None
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class FactorModel:
    """Sizes and parameters; `mean_structure` False leaves all item means free and out of the model."""

    n_items: int
    n_factors: int
    n_groups: int
    mean_structure: bool
    parameters: tuple[Parameter, ...]

    def changed(self, rule: Callable[[Parameter], Parameter]) -> FactorModel:
        """The model with `rule` applied to each parameter: other labels, other fixed values."""
        return replace(self, parameters=tuple(rule(p) for p in self.parameters))

    def with_parameters(self, extra: Sequence[Parameter]) -> FactorModel:
        """The model with further parameters."""
        return replace(self, parameters=(*self.parameters, *extra))


@dataclass(frozen=True, slots=True)
class Layout:
    """The parameter table as arrays of one entry a parameter.

    Attributes
    ----------
    kind, group, row, col : positions; `kind` counts along `KINDS`.
    index : position in the vector of free numbers, -1 = fixed.
    value : of fixed parameters.
    labels : of the free numbers, in their order.
    """

    n_items: int
    n_factors: int
    n_groups: int
    mean_structure: bool
    kind: IntArray
    group: IntArray
    row: IntArray
    col: IntArray
    index: IntArray
    value: FloatArray
    labels: tuple[str, ...]

    @property
    def n_free(self) -> int:
        return len(self.labels)

    @property
    def free(self) -> BoolArray:
        return self.index >= 0

    @property
    def n_moments(self) -> int:
        """Distinct variances, covariances and, with a mean structure, means."""
        p = self.n_items
        return self.n_groups * (p * (p + 1) // 2 + (p if self.mean_structure else 0))

    @property
    def df(self) -> int:
        return self.n_moments - self.n_free

    def select(self, values: FloatArray) -> FloatArray:
        """Sums over the free parameters of each label: (..., parameters) to (..., free numbers)."""
        out = np.zeros((*values.shape[:-1], self.n_free))
        np.add.at(out.swapaxes(0, -1), self.index[self.free], values[..., self.free].swapaxes(0, -1))
        return out


def layout(model: FactorModel) -> Layout:
    """The arrays of a model, free numbers in the order in which their labels first occur."""
    order: dict[str, int] = {}
    for p in model.parameters:
        if p.label is not None:
            order.setdefault(p.label, len(order))
    table = model.parameters
    return Layout(
        n_items=model.n_items,
        n_factors=model.n_factors,
        n_groups=model.n_groups,
        mean_structure=model.mean_structure,
        kind=np.array([KINDS.index(p.kind) for p in table], dtype=np.int64),
        group=np.array([p.group for p in table], dtype=np.int64),
        row=np.array([p.row for p in table], dtype=np.int64),
        col=np.array([p.col for p in table], dtype=np.int64),
        index=np.array([-1 if p.label is None else order[p.label] for p in table], dtype=np.int64),
        value=np.array([p.value for p in table], dtype=float),
        labels=tuple(order),
    )


def factor_model(
    pattern: BoolArray,
    *,
    n_groups: int = 1,
    mean_structure: bool = False,
    residual_pairs: Sequence[tuple[int, int]] = (),
    identification: Identification = "unit_variance",
    equal: Collection[Equal] = (),
) -> FactorModel:
    """The usual model: factors correlated, every item with a residual variance and (mean structure) an intercept.

    Parameters
    ----------
    pattern : which item loads on which factor, shape (items, factors).
    residual_pairs : items whose residuals covary.
    identification : "unit_variance" fixes factor variances at 1, in the first group only when loadings are equal over groups;
        "marker" fixes the first loading of each factor at 1.
    equal : what is equal over groups. Equal intercepts free the factor means of all groups but the first, unless "means" are
        equal too (all zero).
    """
    p, m = pattern.shape
    marker = identification == "marker"
    table: list[Parameter] = []

    def named(kind: Kind, g: int, row: int, col: int, shared: bool) -> None:
        table.append(Parameter(kind, g, row, col, label(kind, g, row, col, shared)))

    for g in range(n_groups):
        for f in range(m):
            first = int(np.flatnonzero(pattern[:, f])[0])
            for i in np.flatnonzero(pattern[:, f]).tolist():
                if marker and i == first:
                    table.append(Parameter("loading", g, i, f, None, 1.0))
                else:
                    named("loading", g, i, f, "loadings" in equal)
        for i in range(p):
            named("residual", g, i, i, "residuals" in equal)
        for i, j in residual_pairs:
            named("residual", g, max(i, j), min(i, j), "residual_covariances" in equal)
        for a in range(m):
            for b in range(a + 1):
                fixed = a == b and not marker and (g == 0 or "loadings" not in equal or "factor_variances" in equal)
                if fixed:
                    table.append(Parameter("factor", g, a, b, None, 1.0))
                else:
                    named("factor", g, a, b, ("factor_variances" if a == b else "factor_covariances") in equal)
        if mean_structure:
            for i in range(p):
                named("intercept", g, i, 0, "intercepts" in equal)
            if "intercepts" in equal and "means" not in equal and g > 0:
                for f in range(m):
                    named("mean", g, f, 0, False)
    return FactorModel(p, m, n_groups, mean_structure, tuple(table))


def label(kind: Kind, group: int, row: int, col: int = 0, shared: bool = False) -> str:
    """The label that `factor_model` gives: 'loading[2,0]@1', without the group when shared by all groups."""
    return f"{kind}[{row},{col}]" + ("" if shared else f"@{group}")


def saturated_model(n_items: int, n_groups: int, mean_structure: bool) -> FactorModel:
    """No factors, every variance, covariance and mean free."""
    pairs = [(i, j) for i in range(n_items) for j in range(i)]
    return factor_model(
        np.zeros((n_items, 0), dtype=bool), n_groups=n_groups, mean_structure=mean_structure, residual_pairs=pairs
    )


def independence_model(n_items: int, n_groups: int, mean_structure: bool) -> FactorModel:
    """The baseline of CFI and TLI: uncorrelated items, variances and means free."""
    return factor_model(np.zeros((n_items, 0), dtype=bool), n_groups=n_groups, mean_structure=mean_structure)
