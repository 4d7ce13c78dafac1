"""Further parts of scenarios, one a file; importing this folder registers them all."""

from trialkit.simulate.components import (  # noqa: F401  (each registers its parts)
    adverse,
    allocation,
    amounts,
    balances,
    chosen,
    clusters,
    costs,
    durations,
    enrolment,
    lifetimes,
    milestones,
    moderation,
    registry,
    reporting,
    several_arms,
    spillover,
    studies,
    unequal_clusters,
)
