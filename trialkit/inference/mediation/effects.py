"""Natural direct and indirect effects from the four nested means of an outcome.

With t the arm whose direct effect is on and s the arm that the mediator is taken from, theta(t, s) = E Y(t, M(s)). On the scale g of the measure

    acme_t = g theta(t,1) - g theta(t,0),  ade_s = g theta(1,s) - g theta(0,s),  total = g theta(1,1) - g theta(0,0),

so that total = acme_1 + ade_0 = acme_0 + ade_1, and the averages acme = (acme_0 + acme_1)/2 and ade = (ade_0 + ade_1)/2 add up to it too.
Sources: Pearl (2001); Robins & Greenland (1992); Imai, Keele & Tingley (2010), Psychological Methods 15(4).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from trialkit.inference.arrays import FloatArray

Scale = Literal["difference", "log", "logit"]
EFFECTS = ("acme_control", "acme_treated", "acme", "ade_control", "ade_treated", "ade", "total", "proportion")


def effects_of_means(means: FloatArray, scale: Scale = "difference") -> FloatArray:
    """(..., 8) effects in the order of `EFFECTS` from (..., 4) means theta(0,0), theta(0,1), theta(1,0), theta(1,1).

    On the scales 'log' and 'logit' effects are logs of ratios. The proportion is acme / total, NaN where the total is exactly 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        g = means if scale == "difference" else np.log(means) if scale == "log" else np.log(means) - np.log1p(-means)
        g00, g01, g10, g11 = (g[..., i] for i in range(4))
        acme_0, acme_1, ade_0, ade_1, total = g01 - g00, g11 - g10, g10 - g00, g11 - g01, g11 - g00
        acme = (acme_0 + acme_1) / 2
        proportion = np.where(total == 0, np.nan, acme / np.where(total == 0, 1.0, total))
    return np.stack([acme_0, acme_1, acme, ade_0, ade_1, (ade_0 + ade_1) / 2, total, proportion], axis=-1)


def linear_means(paths: FloatArray) -> FloatArray:
    """(..., 4) nested means of two linear models, but for a constant, from (..., 5) paths.

    Paths are m0, the mean of the mediator in control about any origin; a, the arm's effect on it; b0 and b1, the mediator's slopes in control and
    in the treated arm; and c, the arm's direct effect where the mediator is at that origin. Then theta(t, s) = c t + b_t (m0 + a s): acme_t = a b_t
    and ade_s = c + (b1 - b0)(m0 + a s), averages over the covariates.
    """
    m0, a, b0, b1, c = (paths[..., i] for i in range(5))
    return np.stack([b0 * m0, b0 * (m0 + a), c + b1 * m0, c + b1 * (m0 + a)], axis=-1)
