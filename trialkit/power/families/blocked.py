"""Trials in blocks (sites, agencies): people or clusters randomized within each of them.

The effect is constant over blocks, the average over just these blocks (fixed), or the average over the blocks they were drawn from (random:
the spread of the blocks' own effects then adds variance). With p the treated share, J blocks of n people, R2 the shares explained:

    constant, fixed   V = (1 - R2_1) / (p q J n),                    df J(n-1) - 1 - g + ... (J n - J - 1 - g;  J(n-2) - g)
    random            V = icc w (1 - R2_b)/J + (1 - icc)(1 - R2_1)/(p q J n),                           df J - 1 - g
    three levels      V = icc3 w3 (1-R2_3)/K + icc w (1-R2_b)/(K J) + (1 - icc3 - icc)(1 - R2_1)/(p q K J n),   df K - 1 - g
    clusters, fixed   V = [icc (1-R2_c) + (1-icc)(1-R2_1)/n] / (p q K J),                           df K(J-2) - g
    clusters, random  V = icc_b w (1-R2_b)/K + [icc (1-R2_c) + (1-icc_b-icc)(1-R2_1)/n]/(p q K J),       df K - 1 - g

in units of the within-block SD for constant and fixed, of the total SD for random. Source: Dong & Maynard (2013); Bloom & Spybrook (2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

from trialkit.errors import UsageError
from trialkit.inference.power.noncentral import Alternative
from trialkit.misuse import explained
from trialkit.power.arguments import EffectOn, Pair, Reference, TakeUp, Test, choice, optional, real, said, shares
from trialkit.power.assemble import assemble
from trialkit.power.mean_model import MeanModel, all_rounded_up, asked_sizes
from trialkit.power.model import Sizes
from trialkit.power.result import PowerResult
from trialkit.power.solve import solve
from trialkit.power.words import number, percent, plural, size

BlockEffects: TypeAlias = Literal["constant", "fixed", "random"]

SIZE_ARGUMENTS = ("blocks", "block_size", "superblocks", "blocks_per_superblock", "clusters_per_block", "cluster_size")


@explained
def blocked(
    *,
    effect: float | None = None,
    power: float | None = None,
    blocks: float | None = None,
    block_size: float | None = None,
    superblocks: float | None = None,
    blocks_per_superblock: float | None = None,
    clusters_per_block: float | None = None,
    cluster_size: float | None = None,
    effects: BlockEffects = "fixed",
    icc: float | None = None,
    block_icc: float | None = None,
    superblock_icc: float | None = None,
    effect_heterogeneity: float | None = None,
    superblock_effect_heterogeneity: float | None = None,
    individual_r2: float = 0.0,
    cluster_r2: float = 0.0,
    block_r2: float = 0.0,
    superblock_r2: float = 0.0,
    n_covariates: int = 0,
    sd: float = 1.0,
    allocation: Pair = (1, 1),
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    test: Reference = "t",
    attrition: float = 0.0,
    take_up: Pair = 1.0,
    effect_on: EffectOn = "compliers",
) -> PowerResult:
    """Power, detectable effect or a size of a trial in blocks.

    Parameters
    ----------
    effect : average effect, in units of `sd`: the within-block SD for constant and fixed effects, the total SD for random ones.
    blocks, block_size : number of blocks and people in each. With `superblocks` and `blocks_per_superblock` instead of blocks there are
        three levels (people in sites in regions); with `clusters_per_block` and `cluster_size` instead of block_size whole clusters are
        randomized within blocks.
    effects : 'constant' (one effect), 'fixed' (default: the average over these blocks) or 'random' (over all such blocks; needs
        `effect_heterogeneity`).
    icc : with people randomized: share of the variance between blocks; with clusters: between clusters (within blocks).
    block_icc, superblock_icc : share between blocks (clusters randomized) or between superblocks (three levels).
    effect_heterogeneity : variance of the blocks' effects divided by the variance between blocks.
    superblock_effect_heterogeneity : the same for superblocks.
    individual_r2, cluster_r2 : shares of the within-block variances explained; block_r2, superblock_r2 : of the variance of their effects.
    n_covariates : covariates that cost df at the level where df are counted.
    sd, alpha, alternative, test, take_up, effect_on : as in `individual`. attrition : share of people lost in every block.
    allocation : (treated, control) weights inside every block.

    Returns
    -------
    PowerResult
        `.blocks .df .std_error .n`.

    Raises
    ------
    UsageError, NoSolutionError
        Sizes of two designs mixed, shares of variance above one, or no size that reaches the power.

    Examples
    --------
    >>> found = tk.power.blocked(effect=0.25, block_size=18, effects="random", icc=0.12, effect_heterogeneity=0.3, power=0.8)
    >>> round(found.blocks, 4)
    31.0546
    """
    inputs = said(locals())
    checked, uptake = Test.checked(alpha, alternative, test), TakeUp.checked(take_up, effect_on)
    kind = choice("effects", effects, BlockEffects)
    left = 1 - real("attrition", attrition, at_least=0, below=1)
    spread = real("sd", sd, above=0)
    p, q = shares(allocation)
    r2 = {k: real(k, v, at_least=0, below=1) for k, v in (("individual_r2", individual_r2), ("cluster_r2", cluster_r2), ("block_r2", block_r2), ("superblock_r2", superblock_r2))}  # fmt: skip
    g = real("n_covariates", n_covariates, at_least=0)
    design = _design(
        {"superblocks": superblocks, "blocks_per_superblock": blocks_per_superblock},
        {"clusters_per_block": clusters_per_block, "cluster_size": cluster_size},
    )
    variances = _Shares.checked(
        design, kind, icc, block_icc, superblock_icc, effect_heterogeneity, superblock_effect_heterogeneity
    )
    given, lowest, variance = _layout(design, kind, variances, r2, p * q, left, g)
    asked = {k: inputs.get(k) for k in given}
    unused = [k for k in SIZE_ARGUMENTS if inputs.get(k) is not None and k not in asked]
    if unused:
        raise UsageError(f"{', '.join(unused)} do not belong to this design: its sizes are {', '.join(given)}.")

    def scaled(x: Sizes, effect: Any) -> tuple[Any, Any]:
        unit, df = variance(x)
        return spread**2 * unit, df

    model = MeanModel(scaled, checked, _words, _fields, all_rounded_up, dict)
    wished, effect = checked.target(power), optional("effect", effect)
    solved_for, known, unknown = asked_sizes("blocked", asked, lowest, effect=effect, power=wished)
    solution = solve(model, effect=effect, power=wished, known=known, unknown=unknown, take_up=uptake, test=checked)
    whose = "the total SD" if kind == "random" else "the SD within blocks"
    return assemble(
        "blocked",
        model,
        solution,
        solved_for=solved_for,
        inputs=inputs,
        test=checked,
        take_up=uptake,
        method=f"{kind} effects of blocks" + (", normal formula" if test == "z" else ""),
        standardized=(solution.effect / spread, whose),
        assumptions=(variances.words(), _explained(r2), f"{percent(1 - left)} are lost to follow-up" if left < 1 else None),
        covariates=g if kind != "random" else 0,
    )


multisite = blocked  # the name under which a blocked trial over sites is known


class _Shares:
    """Shares of the variance by level and how much the effect varies, checked for the design."""

    def __init__(self, icc: float, top: float, vary: float, vary_top: float) -> None:
        self.icc, self.top, self.vary, self.vary_top = icc, top, vary, vary_top

    @classmethod
    def checked(cls, design: str, kind: str, icc: Any, block_icc: Any, superblock_icc: Any, vary: Any, vary_top: Any) -> _Shares:
        random = kind == "random"
        needs = {"icc": icc} if random or design == "clusters" else {}
        if random:
            needs |= {"effect_heterogeneity": vary}
        if random and design == "clusters":
            needs |= {"block_icc": block_icc}
        if random and design == "three":
            needs |= {"superblock_icc": superblock_icc, "superblock_effect_heterogeneity": vary_top}
        missing = [k for k, v in needs.items() if v is None]
        if missing:
            raise UsageError(f"effects='{kind}' in this design needs {', '.join(missing)}.")
        top = block_icc if design == "clusters" else superblock_icc
        found = cls(
            real("icc", icc or 0.0, at_least=0, at_most=1),
            real("block_icc" if design == "clusters" else "superblock_icc", top or 0.0, at_least=0, at_most=1),
            real("effect_heterogeneity", vary or 0.0, at_least=0),
            real("superblock_effect_heterogeneity", vary_top or 0.0, at_least=0),
        )
        if found.icc + found.top > 1:
            raise UsageError(f"the shares of the variance between units, {found.icc:g} and {found.top:g}, add up to more than 1.")
        return found

    def words(self) -> str | None:
        parts = [
            f"intraclass correlation {number(self.icc)}" if self.icc else "",
            f"{number(self.top)} at the level above" if self.top else "",
            f"effects vary over blocks by {number(self.vary)} of the variance between them" if self.vary else "",
        ]
        return ", ".join(p for p in parts if p) or None


def _design(levels: dict[str, Any], clusters: dict[str, Any]) -> str:
    three, whole = any(v is not None for v in levels.values()), any(v is not None for v in clusters.values())
    if three and whole:
        raise UsageError("superblocks and clusters_per_block are two designs: give the sizes of one of them.")
    return "three" if three else "clusters" if whole else "people"


def _layout(
    design: str, kind: str, s: _Shares, r2: dict[str, float], pq: float, left: float, g: float
) -> tuple[tuple[str, ...], dict[str, float], Callable[[Sizes], tuple[Any, Any]]]:
    """Names of the sizes, their smallest values, and variance and df as a function of them."""
    random, person = kind == "random", 1 - r2["individual_r2"]
    if design == "three":
        if not random:
            raise UsageError("three levels are for effects='random'; with fixed effects every block counts as one of `blocks`.")

        def three(x: Sizes) -> tuple[Any, Any]:
            k, j, n = (np.asarray(x[a]) for a in ("superblocks", "blocks_per_superblock", "block_size"))
            top = s.top * s.vary_top * (1 - r2["superblock_r2"]) / k
            middle = s.icc * s.vary * (1 - r2["block_r2"]) / (k * j)
            return top + middle + (1 - s.top - s.icc) * person / (pq * k * j * n * left), k - 1 - g

        names = ("superblocks", "blocks_per_superblock", "block_size")
        return names, {"superblocks": 2.01 + g, "blocks_per_superblock": 1, "block_size": 2 / left}, three
    if design == "clusters":

        def clusters(x: Sizes) -> tuple[Any, Any]:
            k, j, n = (np.asarray(x[a]) for a in ("blocks", "clusters_per_block", "cluster_size"))
            below = 1 - s.icc - (s.top if random else 0.0)
            within = (s.icc * (1 - r2["cluster_r2"]) + below * person / (n * left)) / (pq * k * j)
            if random:
                return s.top * s.vary * (1 - r2["block_r2"]) / k + within, k - 1 - g
            return within, k * (j - 2) - g if kind == "fixed" else k * j - k - 1 - g

        names = ("blocks", "clusters_per_block", "cluster_size")
        return (
            names,
            {"blocks": 2.01 + g if random else 1, "clusters_per_block": 2.01 if kind == "fixed" else 2, "cluster_size": 1},
            clusters,
        )

    def people(x: Sizes) -> tuple[Any, Any]:
        j, n = (np.asarray(x[a]) for a in ("blocks", "block_size"))
        if random:
            return s.icc * s.vary * (1 - r2["block_r2"]) / j + (1 - s.icc) * person / (pq * j * n * left), j - 1 - g
        n = n * left
        return person / (pq * j * n), j * (n - 2) - g if kind == "fixed" else j * n - j - 1 - g

    return ("blocks", "block_size"), {"blocks": 2.01 + g if random else 1, "block_size": 2.01 / left}, people


def _words(sizes: Sizes) -> str:
    if "superblocks" in sizes:
        inside = f"{plural(sizes['blocks_per_superblock'], 'block')} of {plural(sizes['block_size'], 'person', 'people')}"
        return f"{plural(sizes['superblocks'], 'superblock')} of {inside} each"
    if "cluster_size" in sizes:
        inside = f"{plural(sizes['clusters_per_block'], 'cluster')} of {plural(sizes['cluster_size'], 'person', 'people')}"
        return f"{plural(sizes['blocks'], 'block')} of {inside} each"
    return f"{plural(sizes['blocks'], 'block')} of {size(sizes['block_size'])} people"


def _fields(sizes: Sizes) -> dict[str, Any]:
    found = {k: float(v) for k, v in sizes.items()}
    found["n"] = float(np.prod(list(found.values())))
    return found


def _explained(r2: dict[str, float]) -> str | None:
    said_so = [f"{percent(v)} at {k.removesuffix('_r2').replace('individual', 'person')} level" for k, v in r2.items() if v]
    return "covariates explain " + ", ".join(said_so) if said_so else None


def improvements(arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What might be changed, in words and as arguments."""
    words = {
        "superblocks": "one more superblock",
        "blocks": "one more block",
        "block_size": "two more people per block",
        "clusters_per_block": "one more cluster per block",
        "cluster_size": "one more person per cluster",
    }
    return [(w, {k: arguments[k] + (2 if k == "block_size" else 1)}) for k, w in words.items() if k in arguments]
