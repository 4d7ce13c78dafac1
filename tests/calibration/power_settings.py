"""The grid on which closed-form power is compared with simulation: people."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tests.calibration import power_outcomes as outcomes
from tests.calibration import power_people as people
from tests.calibration.power_kernels import Setting

AR1 = ((1, 0.6, 0.4, 0.3), (0.6, 1, 0.6, 0.4), (0.4, 0.6, 1, 0.6), (0.3, 0.4, 0.6, 1))
THREE = ((1, 0.6, 0.45), (0.6, 1, 0.6), (0.45, 0.6, 1))
SHARES = ((0.2, 0.5, 0.2, 0.1), (0.1, 0.2, 0.3, 0.25, 0.15), (0.6, 0.3, 0.1))


def people_settings() -> Iterator[Setting]:
    yield from individual()
    yield from paired()
    yield from repeated()
    yield from binary()
    yield from count()
    yield from ordinal()
    yield from time_to_event()
    yield from interaction()
    yield from factorial()
    yield from several_arms()
    yield from mediation()
    yield from margins()


def individual() -> Iterator[Setting]:
    for n, target in itertools.product((5, 10, 30, 100, 400), (0.3, 0.8, 0.95)):
        yield Setting("individual", {"n_per_arm": n}, people.two_means(n, n), target)
    for (n, m), target in itertools.product(((8, 24), (40, 70), (150, 50)), (0.3, 0.8)):
        yield Setting("individual", {"treated": n, "controls": m}, people.two_means(n, m), target)
    for n, side, alpha in itertools.product((6, 20, 90), ("greater", "less"), (0.05, 0.01)):
        test = {"alternative": side, "alpha": alpha}
        yield Setting("individual", {"n_per_arm": n, **test}, people.two_means(n, n, alternative=side, alpha=alpha))
    for (n, m), sd, target in itertools.product(((12, 12), (10, 40), (40, 10), (80, 30)), ((1.6, 1.0), (1.0, 2.5)), (0.5, 0.8)):
        simulate = people.two_means(n, m, sd, welch=True)
        yield Setting("individual", {"treated": n, "controls": m, "sd": sd}, simulate, target, "approximate")
    for (n, m), sd in itertools.product(((4, 4), (5, 20), (20, 5)), ((1.0, 1.0), (2.0, 1.0), (1.0, 2.0))):
        simulate = people.two_means(n, m, sd, welch=True)
        yield Setting("individual", {"treated": n, "controls": m, "sd": sd}, simulate, 0.8, "optimistic: few people, Welch")
    for n, r in itertools.product((15, 40, 80, 200), (0.3, 0.6, 0.8)):
        yield Setting(
            "individual", {"n_per_arm": n, "baseline_correlation": r}, people.ancova(n, n, r), 0.8, "optimistic: baseline"
        )
    for n, lost in itertools.product((20, 60, 150), (0.1, 0.3)):
        yield Setting(
            "individual", {"n_per_arm": n, "attrition": lost}, people.two_means(n, n, lost=lost), 0.8, "optimistic: attrition"
        )
    for n, share in itertools.product((30, 100, 400), (0.4, 0.7, 0.9)):
        yield Setting("individual", {"n_per_arm": n, "take_up": share}, people.diluted(n, n, share), 0.8, "optimistic: take-up")


def paired() -> Iterator[Setting]:
    for n, side in itertools.product((5, 12, 40, 150), ("two-sided", "greater")):
        yield Setting("paired", {"pairs": n, "alternative": side}, people.pairs(n, 1.0, alternative=side))
    for n, r in itertools.product((10, 60), (0.3, 0.7)):
        sd = float(np.sqrt(1 + 1.5**2 - 2 * r * 1.5))
        yield Setting("paired", {"pairs": n, "correlation": r, "sd": (1.0, 1.5)}, people.pairs(n, sd))
    for n in (20, 80):
        yield Setting("paired", {"pairs": n, "attrition": 0.2}, people.pairs(n, 1.0, lost=0.2), 0.8, "approximate")


def repeated() -> Iterator[Setting]:
    for kind, (n, m) in itertools.product(("post", "change", "ancova"), ((12, 12), (30, 30), (60, 30))):
        for pre, post, correlation in ((1, 1, 0.55), (2, 3, 0.4), (1, 3, AR1)):
            design = {"treated": n, "controls": m, "pre": pre, "post": post, "correlation": correlation, "estimator": kind}
            simulate = people.waves(n, m, pre, post, correlation, kind)
            label = "optimistic: baseline" if kind == "ancova" else "exact"
            yield Setting("repeated", design, simulate, 0.8, label, replicates=50_000, chunk=5_000)
    for n, times in itertools.product((12, 40), ((0, 1, 2), (0, 1, 3, 6))):
        parts = {"var_intercept": 0.6, "var_slope": 0.05, "cov_intercept_slope": -0.05, "var_resid": 0.4}
        simulate = people.slopes(n, times, *parts.values())
        design = {"n_per_arm": n, "estimator": "slope", "times": times, **parts}
        yield Setting("repeated", design, simulate, 0.8, "exact", replicates=50_000, chunk=5_000)
    for n, kept in itertools.product((40, 100), ((1.0, 1.0, 1.0), (1.0, 0.85, 0.7))):
        design = {"n_per_arm": n, "estimator": "mmrm", "correlation": THREE, "retention": kept}
        simulate = people.monotone(n, THREE, kept)
        yield Setting("repeated", design, simulate, 0.8, "approximate", replicates=50_000, chunk=2_000)


def binary() -> Iterator[Setting]:
    for rate, (n, m), target in itertools.product((0.1, 0.3, 0.5), ((300, 300), (800, 800), (400, 800)), (0.5, 0.8, 0.9)):
        design = {"control_rate": rate, "treated": n, "controls": m}
        yield Setting("binary", design, outcomes.two_rates(n, m, rate), target, "counts")
    for rate, (n, m), method in itertools.product((0.1, 0.3), ((30, 30), (40, 80), (100, 100)), ("exact", "fisher")):
        design = {"control_rate": rate, "treated": n, "controls": m, "method": method}
        simulate = outcomes.two_rates(n, m, rate, method="pooled" if method == "exact" else method)
        yield Setting("binary", design, simulate, 0.8)
    for rate, n, method in itertools.product((0.15, 0.4), (120, 500), ("unpooled", "arcsine")):
        design = {"control_rate": rate, "n_per_arm": n, "method": method}
        yield Setting("binary", design, outcomes.two_rates(n, n, rate, method=method), 0.8, "counts")
    for n, side in itertools.product((150, 600), ("greater", "less")):
        design = {"control_rate": 0.4, "n_per_arm": n, "alternative": side}
        yield Setting("binary", design, outcomes.two_rates(n, n, 0.4, alternative=side), 0.8, "counts")
    for rate, r in itertools.product((0.4, 0.5), (0.3, 0.45)):
        design = {"control_rate": rate, "n_per_arm": 200, "baseline_correlation": r, "method": "unpooled"}
        simulate = outcomes.rates_with_baseline(200, 200, rate, r)
        yield Setting("binary", design, simulate, 0.8, "counts", replicates=20_000, chunk=4_000)


def count() -> Iterator[Setting]:
    for (n, m), mean, k in itertools.product(((60, 60), (150, 150), (120, 240)), (1.5, 4.0), (0.0, 0.5, 1.2)):
        design = {"treated": n, "controls": m, "control_mean": mean} | ({"dispersion": k} if k else {})
        simulate = outcomes.negative_binomial(n, m, mean, k)
        yield Setting(
            "count", design, simulate, 0.8, "counts, normal formula", replicates=40_000, chunk=10_000, at="effect_assigned"
        )
    for n, factor in itertools.product((60, 150), (1.5, 3.0)):
        design = {"n_per_arm": n, "control_mean": 3.0, "variance_ratio": factor}
        simulate = outcomes.quasi_poisson(n, n, 3.0, factor)
        yield Setting("count", design, simulate, 0.8, "counts, normal formula", chunk=10_000, at="effect_assigned")


def ordinal() -> Iterator[Setting]:
    for shares, (n, m), target in itertools.product(SHARES, ((60, 60), (150, 150), (80, 160)), (0.5, 0.8)):
        design = {"control_shares": list(shares), "treated": n, "controls": m}
        yield Setting("ordinal", design, outcomes.wilcoxon(n, m, shares), target, "optimistic: ordered, normal formula")
    for shares, n in itertools.product(SHARES, (60, 150)):
        design = {"control_shares": list(shares), "n_per_arm": n}
        simulate = outcomes.proportional_odds(n, n, shares)
        yield Setting("ordinal", design, simulate, 0.8, "optimistic: ordered, normal formula", replicates=50_000, chunk=10_000)


def time_to_event() -> Iterator[Setting]:
    """Schoenfeld where a minority has the event, Freedman where nearly everybody is followed to it."""
    for events, ratio, allocation, followed in itertools.product((60, 150), (0.6, 1.5), ((1, 1), (2, 1), (1, 2)), ("few", "all")):
        people, share = events if followed == "all" else 6 * events, allocation[0] / sum(allocation)
        simulate = outcomes.log_rank(people, share, 0.1, accrual=0, follow_up=0, events=events)
        for method in ("schoenfeld", "freedman"):
            fits = share == 0.5 or (method == "schoenfeld") == (followed == "all")
            kind = "events: the formula's own case" if fits else "events: unequal arms, the other formula's case"
            design = {"events": events, "allocation": allocation, "method": method, "hazard_ratio": ratio}
            said = {"followed": f"{followed} of the people to the event"}
            yield Setting("time_to_event", design, simulate, None, kind, 40_000, 5_000, at="hazard_ratio", said=said)
    for n, (accrual, follow_up), dropout in itertools.product((150, 400), ((0, 12), (6, 6)), (0.0, 0.02)):
        design = {"n": n, "control_median": 9, "accrual": accrual, "follow_up": follow_up, "dropout": dropout}
        simulate = outcomes.log_rank(n, 0.5, np.log(2) / 9, accrual=accrual, follow_up=follow_up, dropout=dropout)
        yield Setting("time_to_event", design, simulate, 0.8, "events: the formula's own case", 40_000, 5_000, at="hazard_ratio")


def interaction() -> Iterator[Setting]:
    for n, share in itertools.product((40, 200), (0.5, 0.2)):
        yield Setting("interaction", {"n": n, "moderator_share": share}, people.moderated(n, share))
    for n in (40, 100, 300):
        design = {"n": n, "moderator_sd": 1.0}
        yield Setting("interaction", design, people.moderated(n, None), 0.8, "optimistic: moderator")


def factorial() -> Iterator[Setting]:
    main, cross = (-0.5, -0.5, 0.5, 0.5), (1.0, -1.0, -1.0, 1.0)
    for n, (name, weights) in itertools.product((5, 30, 100), (("main", main), ("interaction", cross))):
        simulate = people.cells((1 / n,) * 4, (n - 1,) * 4, weights, pooled=True)
        yield Setting("factorial", {"n_per_cell": n, "contrast": name}, simulate)
    for k, icc, (name, weights) in itertools.product((4, 8, 15), (0.0, 0.1), (("main", main), ("interaction", cross))):
        grouped = {"groups": k, "group_size": 8, "icc": icc}
        v, f = ((1 + 7 * icc) / (8 * k)), k - 1
        design = {"cells": [{"n": 60}, {"n": 60}, grouped, grouped], "contrast": name}
        simulate = people.cells((1 / 60, 1 / 60, v, v), (59, 59, f, f), weights, pooled=False)
        yield Setting("factorial", design, simulate, 0.8, "optimistic: grouped cells" if k < 8 else "approximate")


def several_arms() -> Iterator[Setting]:
    for effects, (n, m), correction in itertools.product(
        ((0.5, 0.5), (0.6, 0.4, 0.2)), ((20, 20), (60, 100)), ("dunnett", "bonferroni", "none")
    ):
        design = {"effects": list(effects), "n_per_arm": n, "controls": m, "correction": correction}
        for which, closed in (("first", "power"), ("any", "power_any"), ("all", "power_all")):
            simulate = people.arms_and_control(effects, n, m, correction, which)
            yield Setting("several_arms", design, simulate, None, "exact", closed=closed)
    for means, n in itertools.product(((0, 0.3, 0.6), (0, 0, 0.5, 0.5)), (15, 50)):
        design = {"means": list(means), "n_per_arm": n, "correction": "omnibus"}
        yield Setting("several_arms", design, people.omnibus(means, n), None, "exact", at="n_per_arm")


def mediation() -> Iterator[Setting]:
    for n, a, target in itertools.product((60, 160), (0.5, 0.8), (0.3, 0.45)):
        design = {"n": n, "a": a}
        yield Setting("mediation", design, people.joint_paths(n, a), target, "exact", 40_000, 5_000, at="b")


def margins() -> Iterator[Setting]:
    for n, effect in itertools.product((10, 40, 200), (0.0, 0.1)):
        design = {"n_per_arm": n, "effect": effect}
        shifted = people.two_means(n, n, alternative="greater", shift=effect)
        yield Setting("noninferiority", design, shifted, 0.8, at="margin")
        yield Setting("equivalence", design, people.two_means_within(n, n, effect), 0.8, at="margin")
    for n in (12, 80):
        yield Setting("noninferiority", {"pairs": n}, people.pairs(n, 1.0, alternative="greater"), 0.8, at="margin")
        yield Setting("equivalence", {"pairs": n, "effect": 0.05}, people.pairs_within(n, 0.05), 0.8, at="margin")
    for rate, n, method in itertools.product((0.3, 0.7), (150, 600), ("unpooled", "farrington_manning")):
        design = {"control_rate": rate, "n_per_arm": n, "method": method}
        simulate = outcomes.rates_margin(n, n, rate, 0.0, method)
        yield Setting("noninferiority", design, simulate, 0.8, "counts", 50_000, at="margin")
    for rate, n in itertools.product((0.3, 0.7), (150, 600)):
        design = {"control_rate": rate, "n_per_arm": n}
        yield Setting("equivalence", design, outcomes.rates_within(n, rate, 0.0), 0.8, "counts", 50_000, at="margin")
