"""Further parts of scenarios, one a file; importing this folder registers them all."""

from trialkit.simulate.components import (  # noqa: F401  (each registers its parts)
    adverse,
    allocation,
    amounts,
    clusters,
    costs,
    durations,
    enrolment,
    registry,
    reporting,
    spillover,
)
