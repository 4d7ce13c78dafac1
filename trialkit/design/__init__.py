"""Randomization designs: who could have been in which arm, with which probability, and the draw itself.

Every scheme takes the people first and gives a `Design`: `assign` (one allocation), `draw_many`, `probabilities`,
`pair_probabilities`, `enumerate` and `count`, `balance`, `with_groups`. The allocation, the randomization test, the power
simulation and the blinded dry run draw from the same object. `register` adds a scheme of your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trialkit.design.registry import public, register, registered, scheme, schemes

if TYPE_CHECKING:
    from trialkit.design.base import Design
    from trialkit.design.enrolment.enrolment import Enrolment
    from trialkit.design.enrolment.enrolment_file import check_enrolment
    from trialkit.design.mechanism import Draws
    from trialkit.design.mechanisms.clustered import clustered
    from trialkit.design.mechanisms.complete import complete
    from trialkit.design.mechanisms.custom import custom
    from trialkit.design.mechanisms.factorial import factorial
    from trialkit.design.mechanisms.matched_pairs import matched_pairs
    from trialkit.design.mechanisms.minimization import minimization
    from trialkit.design.mechanisms.permuted_blocks import permuted_blocks
    from trialkit.design.mechanisms.rerandomized import rerandomized
    from trialkit.design.mechanisms.simple import simple
    from trialkit.design.mechanisms.stratified import stratified
    from trialkit.design.mechanisms.stratified_clustered import stratified_clustered
    from trialkit.design.record.allocate import allocate
    from trialkit.design.record.certify import certificate
    from trialkit.design.record.rerun import verify_certificate
    from trialkit.design.record.seed_release import release

__all__ = [
    "Design",
    "Draws",
    "Enrolment",
    "allocate",
    "certificate",
    "check_enrolment",
    "clustered",
    "complete",
    "custom",
    "factorial",
    "matched_pairs",
    "minimization",
    "permuted_blocks",
    "register",
    "release",
    "rerandomized",
    "scheme",
    "schemes",
    "simple",
    "stratified",
    "stratified_clustered",
    "verify_certificate",
]


def __getattr__(name: str) -> Any:
    """Public names load on first use, so that importing the package stays fast (PEP 562)."""
    if name not in __all__ and name not in registered():
        raise AttributeError(f"module 'trialkit.design' has no attribute '{name}'")
    return public(name)


def __dir__() -> list[str]:
    return sorted({*__all__, *registered()})
