"""The grid on which closed-form power is compared with simulation: clusters, groups in one arm, blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tests.calibration import power_groups as groups
from tests.calibration.power_kernels import Setting
from tests.calibration.power_people import adjusted

CLUSTER_SIZES = ((40, 12, 25, 8, 33, 20, 16, 30), (15, 30, 22, 10, 45, 18, 12, 26))
GROUP_SIZES = ((6, 8, 9, 10, 12, 12, 14, 15, 5, 9), (5, 6, 8, 12, 15, 20), tuple(range(4, 24)))


def group_settings() -> Iterator[Setting]:
    yield from clustered()
    yield from clustered_more()
    yield from grouped()
    yield from grouped_both_arms()
    yield from grouped_known()
    yield from blocked()
    yield from interaction()
    yield from mediation()
    yield from margins()
    yield from count()


def clustered() -> Iterator[Setting]:
    for k, m, icc in itertools.product((3, 5, 10, 20), (8, 30), (0.02, 0.1, 0.3)):
        design = {"clusters": 2 * k, "cluster_size": m, "icc": icc}
        yield Setting("clustered", design, groups.equal_clusters((k, k), icc + (1 - icc) / m))
    for arms, icc in itertools.product(((5, 10), (12, 6)), (0.05, 0.2)):
        design = {"clusters": sum(arms), "allocation": arms, "cluster_size": 15, "icc": icc}
        yield Setting("clustered", design, groups.equal_clusters(arms, icc + (1 - icc) / 15))
    for icc, target in itertools.product((0.05, 0.1, 0.2), (0.5, 0.8)):
        design = {"cluster_size": CLUSTER_SIZES, "icc": icc}
        yield Setting("clustered", design, groups.unequal_clusters(CLUSTER_SIZES, icc), target, "unequal", chunk=20_000)
    for k, icc, side in itertools.product((4, 15), (0.02, 0.1), ("greater", "less")):
        design = {"clusters": 2 * k, "cluster_size": 12, "icc": icc, "alternative": side}
        yield Setting("clustered", design, groups.equal_clusters((k, k), icc + (1 - icc) / 12, alternative=side))


def clustered_more() -> Iterator[Setting]:
    for k, (icc, middle) in itertools.product((4, 10), ((0.02, 0.05), (0.1, 0.05), (0.05, 0.2))):
        design = {"clusters": 2 * k, "cluster_size": 6, "subclusters_per_cluster": 3, "icc": icc, "subcluster_icc": middle}
        variance = icc + middle / 3 + (1 - icc - middle) / 18
        yield Setting("clustered", design, groups.equal_clusters((k, k), variance))
    for k, sd in itertools.product(((4, 4), (5, 10), (12, 12)), ((1.0, 1.0), (1.5, 1.0), (1.0, 2.0))):
        design = {"clusters": sum(k), "allocation": k, "cluster_size": 15, "icc": 0.1, "sd": sd}
        simulate = groups.equal_clusters(k, 0.1 + 0.9 / 15, satterthwaite=sd)
        yield Setting("clustered", design, simulate, 0.8, "optimistic: few clusters, two SDs")
    for k, cv, icc in itertools.product((6, 15), (0.3, 0.6), (0.05, 0.15)):
        design = {"clusters": 2 * k, "cluster_size": 20, "size_cv": cv, "icc": icc}
        simulate = groups.varying_clusters(k, 20, cv, icc)
        yield Setting("clustered", design, simulate, 0.8, "unequal", 50_000, 50_000)
    for k, r2 in itertools.product((4, 6, 10, 20), (0.25, 0.6)):
        design = {"clusters": 2 * k, "cluster_size": 15, "icc": 0.1, "baseline_r2": r2}
        simulate = adjusted((1 - r2) * (0.1 + 0.9 / 15) * 2 / k, 2 * k - 2)
        yield Setting("clustered", design, simulate, 0.8, "optimistic: baseline")
    for k in (6, 15):
        design = {"clusters": 2 * k, "cluster_size": 15, "icc": 0.1}
        design |= {"cluster_autocorrelation": 0.8, "individual_autocorrelation": 0.5}
        each = 0.1 + 0.9 / 15
        r = (0.1 * 0.8 + 0.9 / 15 * 0.5) / each
        yield Setting("clustered", design, adjusted((1 - r**2) * each * 2 / k, 2 * k - 2), 0.8, "optimistic: baseline")
    for k, lost in itertools.product((6, 15), (0.1, 0.25)):
        design = {"clusters": 2 * k, "cluster_size": 15, "icc": 0.1, "attrition": lost}
        yield Setting("clustered", design, groups.clusters_with_losses(k, 15, 0.1, lost), 0.8, "optimistic: attrition")
    for k, rate, icc in itertools.product((5, 8, 15, 30), (0.2, 0.4), (0.03, 0.1)):
        design = {"clusters": 2 * k, "cluster_size": 20, "icc": icc, "control_rate": rate}
        yield Setting("clustered", design, groups.clusters_of_rates(k, 20, icc, rate), 0.8, "optimistic: rate in clusters")


def grouped() -> Iterator[Setting]:
    every = itertools.product((3, 4, 5, 6, 8, 10, 15, 20, 30, 40), (5, 12), (0.0, 0.05, 0.2), (30, 100, 400))
    for i, (k, m, icc, controls) in enumerate(every):
        design = {"groups": k, "group_size": m, "controls": controls, "icc": icc}
        yield Setting("grouped", design, groups.equal_groups(k, m, controls, icc), (0.5, 0.8, 0.9)[i % 3])
    for k, controls in itertools.product((3, 6, 12), (40, 150)):
        design = {"groups": k, "group_size": 9, "controls": controls, "icc": 0.3}
        yield Setting("grouped", design, groups.equal_groups(k, 9, controls, 0.3))
    for k, controls, sd in itertools.product((3, 5, 10, 30), (40, 150), ((1.3, 1.0), (1.0, 1.5))):
        design = {"groups": k, "group_size": 10, "controls": controls, "icc": 0.1, "sd": sd}
        yield Setting("grouped", design, groups.equal_groups(k, 10, controls, 0.1, sd))
    for k, side, alpha in itertools.product((4, 12), ("greater", "less"), (0.05, 0.025)):
        design = {"groups": k, "group_size": 10, "controls": 80, "icc": 0.1, "alternative": side, "alpha": alpha}
        yield Setting("grouped", design, groups.equal_groups(k, 10, 80, 0.1, alternative=side, alpha=alpha))
    for k, m, ratio in itertools.product((5, 10, 20), (6, 12), (0.5, 1.0)):
        design = {"groups": k, "group_size": m, "icc": 0.08, "allocation": (1, ratio)}
        yield Setting("grouped", design, groups.equal_groups(k, m, round(k * m * ratio), 0.08))
    for sizes, icc in itertools.product(GROUP_SIZES, (0.05, 0.12, 0.2)):
        design = {"group_size": sizes, "controls": 100, "icc": icc}
        yield Setting("grouped", design, groups.unequal_groups(sizes, 100, icc), 0.8, "unequal", chunk=20_000)
    for sizes, sd in itertools.product(GROUP_SIZES[:2], ((1.4, 1.0), (1.0, 1.4))):
        design = {"group_size": sizes, "controls": 60, "icc": 0.1, "sd": sd}
        yield Setting("grouped", design, groups.unequal_groups(sizes, 60, 0.1, sd), 0.8, "unequal", chunk=20_000)


def grouped_both_arms() -> Iterator[Setting]:
    for k, m, icc in (
        ((10, 8), (8, 12), (0.1, 0.04)), ((5, 5), (10, 10), (0.1, 0.1)), ((4, 12), (15, 6), (0.2, 0.05)), ((3, 20), (8, 8), (0.05, 0.05)),
        ((20, 4), (6, 20), (0.02, 0.2)), ((8, 8), (10, 10), (0.0, 0.0)),
    ):  # fmt: skip
        design = {"groups": k[0], "group_size": m[0], "icc": icc[0]}
        design |= {"control_groups": k[1], "control_group_size": m[1], "control_icc": icc[1]}
        yield Setting("grouped", design, groups.grouped_both(k, m, icc))
    for k, rate in itertools.product(((6, 6), (12, 12), (25, 25)), (0.2, 0.4)):
        design = {
            "groups": k[0],
            "group_size": 10,
            "icc": 0.05,
            "control_groups": k[1],
            "control_group_size": 10,
            "control_rate": rate,
        }
        label = f"optimistic: rate{', 6 groups' if k[0] == 6 else ''}"
        yield Setting("grouped", design, groups.groups_of_rates_both(k, (10, 10), 0.05, rate), 0.8, label)


def grouped_known() -> Iterator[Setting]:
    """Settings that are known to leave the band, or nearly, for a reason that the result's notes name."""
    for k, r in itertools.product((6, 10, 20), (0.4, 0.7)):
        design = {"groups": k, "group_size": 10, "controls": 100, "icc": 0.1, "baseline_correlation": r}
        simulate = groups.groups_with_baseline(k, 10, 100, 0.1, r)
        yield Setting("grouped", design, simulate, 0.8, "optimistic: slope in groups", chunk=5_000)
    for k, lost in itertools.product((4, 6, 10, 20), (0.1, 0.25)):
        design = {"groups": k, "group_size": 12, "controls": 100, "icc": 0.1, "attrition": lost}
        yield Setting("grouped", design, groups.groups_with_losses(k, 12, 100, 0.1, lost), 0.8, "optimistic: attrition")
    for k, rate, icc in itertools.product((6, 12, 25), (0.2, 0.4), (0.03, 0.08)):
        design = {"groups": k, "group_size": 10, "controls": 120, "icc": icc, "control_rate": rate}
        kind = f"optimistic: rate{', 6 groups' if k == 6 else ''}"
        yield Setting("grouped", design, groups.groups_of_rates(k, 10, 120, icc, rate), 0.8, kind)
    for k, share in itertools.product((6, 12, 25), (0.5, 0.8)):
        design = {"groups": k, "group_size": 10, "controls": 100, "icc": 0.1, "take_up": share}
        yield Setting("grouped", design, groups.groups_diluted(k, 10, 100, 0.1, share), 0.8, "optimistic: take-up")
    for k, controls in itertools.product((3, 5, 8, 12), (40, 150)):
        design = {"groups": k, "group_size": 10, "controls": controls, "icc": 0.1, "method": "satterthwaite"}
        yield Setting(
            "grouped",
            design,
            groups.equal_groups(k, 10, controls, 0.1),
            0.8,
            "optimistic: plug-in df" if k < 10 else "approximate",
        )


def blocked() -> Iterator[Setting]:
    for kind, (j, n), share in itertools.product(("constant", "fixed"), ((4, 8), (10, 20), (40, 6)), (0.5, 0.25)):
        if n * share == round(n * share):
            design = {"blocks": j, "block_size": n, "effects": kind, "allocation": (share, 1 - share)}
            yield Setting("blocked", design, groups.blocks_of_people(j, n, share, kind))
    for (j, n), icc, spread in itertools.product(((5, 12), (12, 20), (30, 8)), (0.05, 0.15), (0.2, 0.8)):
        design = {"blocks": j, "block_size": n, "effects": "random", "icc": icc, "effect_heterogeneity": spread}
        yield Setting("blocked", design, groups.blocks_of_people(j, n, 0.5, "random", icc=icc, spread=spread))
    for k, j, n in ((5, 4, 10), (12, 3, 20)):
        design = {"superblocks": k, "blocks_per_superblock": j, "block_size": n, "effects": "random", "icc": 0.08}
        design |= {"superblock_icc": 0.05, "effect_heterogeneity": 0.4, "superblock_effect_heterogeneity": 0.6}
        yield Setting("blocked", design, groups.blocks_in_three_levels(k, j, n, (0.05, 0.08), (0.6, 0.4)))
    for kind, (k, j, n) in itertools.product(("constant", "fixed"), ((3, 4, 10), (8, 6, 15))):
        design = {"blocks": k, "clusters_per_block": j, "cluster_size": n, "icc": 0.1, "effects": kind}
        yield Setting("blocked", design, groups.blocks_of_clusters(k, j, n, 0.1, kind))
    for k, j in ((6, 4), (15, 2)):
        design = {"blocks": k, "clusters_per_block": j, "cluster_size": 12, "icc": 0.08, "block_icc": 0.06}
        design |= {"effects": "random", "effect_heterogeneity": 0.5}
        yield Setting("blocked", design, groups.blocks_of_clusters(k, j, 12, 0.08, "random", block_icc=0.06, spread=0.5))
    for k, j in ((3, 4), (8, 6)):
        design = {"blocks": k, "clusters_per_block": j, "cluster_size": 12, "icc": 0.1, "cluster_r2": 0.5, "n_covariates": 1}
        variance = (0.1 * 0.5 + 0.9 / 12) * 4 / (k * j)
        yield Setting("blocked", design, adjusted(variance, k * (j - 2)), 0.8, "optimistic: baseline")


def interaction() -> Iterator[Setting]:
    for k, level in itertools.product((12, 40), ("individual", "cluster")):
        design = {"clusters": k, "cluster_size": 10, "icc": 0.1, "moderator_level": level}
        yield Setting("interaction", design, groups.moderated_clusters(k, 10, 0.1, 0.5, level))


def mediation() -> Iterator[Setting]:
    for k, b in itertools.product((20, 50), (0.15, 0.3)):
        design = {"clusters": k, "cluster_size": 10, "icc": 0.3, "a": 0.8, "b": b, "direct": 0.1, "mediator_level": "cluster"}
        simulate = groups.joint_cluster_paths(k, 10, 0.3, 0.8, 0.1)
        yield Setting("mediation", design, simulate, None, "exact", 40_000, 5_000, at="b")


def margins() -> Iterator[Setting]:
    for k, m, controls in itertools.product((4, 8, 15), (10,), (40, 120)):
        design = {"groups": k, "group_size": m, "controls": controls, "icc": 0.1}
        one_sided = groups.equal_groups(k, m, controls, 0.1, alternative="greater")
        yield Setting("noninferiority", design, one_sided, 0.8, at="margin")
        kind = "optimistic: equivalence, few groups" if k < 10 else "approximate"
        yield Setting("equivalence", design, groups.groups_within(k, m, controls, 0.1), 0.8, kind, at="margin")
    for k in (4, 12):
        design = {"clusters": 2 * k, "cluster_size": 15, "icc": 0.1}
        each = 0.1 + 0.9 / 15
        yield Setting("noninferiority", design, groups.equal_clusters((k, k), each, alternative="greater"), 0.8, at="margin")
        yield Setting("equivalence", design, groups.clusters_within(k, each), 0.8, at="margin")


def count() -> Iterator[Setting]:
    counts = {"control_mean": 4.0, "dispersion": 0.5}
    for k, icc in itertools.product((6, 12, 25), (0.03, 0.08)):
        design = {"groups": k, "group_size": 10, "controls": 120, "icc": icc, **counts}
        simulate = groups.groups_of_counts(k, 10, 120, icc, 4.0, 0.5)
        yield Setting("count", design, simulate, 0.8, "approximate", 50_000, 10_000, at="effect_assigned")
    for k, icc in itertools.product((5, 8, 20), (0.03, 0.08)):
        design = {"clusters": 2 * k, "cluster_size": 20, "icc": icc, **counts}
        simulate = groups.clusters_of_counts(k, 20, icc, 4.0, 0.5)
        yield Setting("count", design, simulate, 0.8, "approximate", 50_000, 50_000, at="effect_assigned")
