"""Type S and type M error: how wrong a significant estimate of a small effect must be.

type S = P(the sign is wrong | significant), type M = E(|estimate| | significant) / effect. With df the estimated standard error varies, and the
size of the estimate is averaged over it. Source: Gelman & Carlin (2014); Lu, Qiu & Deng (2019).
"""

from __future__ import annotations

import math

from trialkit.errors import UsageError
from trialkit.inference.power.noncentral import t_tails
from trialkit.misuse import explained
from trialkit.power.arguments import Test, optional, real, said
from trialkit.power.result import PowerResult
from trialkit.power.words import decimals, number, percent, small

SIZE_ARGUMENTS = ("std_error",)


class ErrorsResult(PowerResult):
    """Power, type S and type M of one estimate."""

    kind = "power_errors"

    def paragraph(self, *, gains: bool = True) -> str:
        d = self.details
        return (
            f"An effect of {number(d['effect'])} estimated with standard error {number(d['std_error'])} is significant with probability "
            f"{percent(d['power'])}. When it is, the estimate exaggerates it {decimals(d['type_m'])} times on average (type M) and has the wrong sign "
            f"with probability {small(d['type_s'])} (type S)."
        )


@explained
def type_s_m(*, effect: float, std_error: float, df: float | None = None, alpha: float = 0.05) -> ErrorsResult:
    """Power, type S and type M error of an estimate.

    Parameters
    ----------
    effect : a plausible true effect (from outside the study), in any unit. std_error : of its estimate, in the same unit.
    df : of the test; unsaid: normal. alpha : two-sided level.

    Returns
    -------
    ErrorsResult
        `.power .type_s .type_m`.

    Examples
    --------
    >>> found = tk.power.type_s_m(effect=0.2, std_error=0.15)
    >>> round(found.power, 4), round(found.type_m, 4)
    (0.2659, 1.9258)
    """
    inputs = said(locals())
    size, se = real("effect", effect), real("std_error", std_error, above=0)
    if size == 0:
        raise UsageError("effect=0: every significant estimate is wrong, and there is no ratio to it. Give a plausible effect.")
    freedom = optional("df", df, above=0)
    test = Test.checked(alpha, "two-sided")
    v = math.inf if freedom is None else freedom
    tails = t_tails(ncp=size / se, df=v, critical=test.critical(v))
    details = {
        "function": "type_s_m", "solved_for": "power", "power": float(tails.power), "effect": size, "std_error": se, "df": v, "alpha": test.alpha,
        "type_s": float(tails.type_s), "type_m": float(tails.type_m), "alternative": "two-sided", "method": "noncentral t" if freedom else "normal",
        "inputs": inputs, "as_asked": {}, "design": {}, "assumptions": (),
    }  # fmt: skip
    return ErrorsResult((), (), details)


def improvements(arguments: dict[str, object]) -> list[tuple[str, dict[str, object]]]:
    """Nothing is offered: the standard error is given."""
    return []
