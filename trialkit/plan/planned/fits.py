"""Whether data let every planned outcome be analysed, found without an effect being estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialkit.errors import TrialkitError

if TYPE_CHECKING:
    from trialkit.plan.planned.prepare import Prepared
    from trialkit.plan.schema.plan_spec import PlanSpec

__all__ = ["check_outcomes"]


def check_outcomes(spec: PlanSpec, ready: Prepared) -> None:
    """Refuse what a run would refuse of the values of an outcome or a covariate, in the words of the run.

    No arm is compared, so that this may be said of data whose arms nobody should see yet.

    Raises
    ------
    DataError
        An outcome that is not of its kind, is missing for everyone, or a covariate that cannot enter a regression.
    """
    from trialkit.estimate.outcome import Time, check_outcome
    from trialkit.estimate.sample import sample
    from trialkit.plan.words.not_yet import can_run

    for outcome in spec.outcomes:
        if not can_run(spec, outcome):
            continue
        estimator = spec.estimator_for(outcome)
        try:
            asked = spec.asked_of_itt(outcome, estimator)
            check_outcome(ready.trial, asked["outcome"], outcome.measure)
            if not isinstance(asked["outcome"], Time):
                sample(ready.trial, asked["outcome"], tuple(asked["adjust"]), asked["covariate_missing"])
        except TrialkitError as error:
            error.args = (f"outcome '{outcome.name}': {error}",)
            raise
