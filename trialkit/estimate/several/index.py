"""A summary index of several outcomes, to be analysed as one outcome."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialkit.errors import EstimationError, MissingDataError, NotIdentifiedError, UsageError, ValueTypeError, repeated, shown
from trialkit.inference.arrays import BoolArray, FloatArray
from trialkit.inference.several.index_weights import WeightedIndex, mean_index, standardized, weighted_index
from trialkit.misuse import explained
from trialkit.trial import Trial, rows_text

Kind = Literal["icw", "klk"]
Missing = Literal["pattern", "renormalize"]
Better = Literal["higher", "lower"]


@explained
def index(
    trial: Trial,
    outcomes: Sequence[str],
    *,
    kind: Kind = "icw",
    missing: Missing = "pattern",
    better: Better | Mapping[str, Better] | None = None,
) -> pd.Series:
    """One index of several outcomes of a domain: one test instead of one for each.

    Components are standardized on the control arm (mean and SD, n - 1), so that the index of a control is 0 on average; its own SD
    there is below 1. Add it to `trial.data` and analyse it as any outcome.

    Parameters
    ----------
    trial : the data and their roles.
    outcomes : two or more numeric columns of one domain.
    kind : 'icw' (Anderson 2008; default): weights are the row sums of the inverse covariance of the components over both arms, so that
        two that say the same share their weight. 'klk' (Kling, Liebman & Katz 2007): the plain mean, a missing component at the mean
        of the unit's own arm.
    missing : of 'icw', for people with some components. 'pattern' (default): weights from the covariance of the components they
        have, over everyone who has these. 'renormalize': the weights of all components, scaled to those at hand.
    better : direction that is better, one for all or {outcome: 'higher' or 'lower'}; components that are better lower are turned.
        Unsaid: higher.

    Returns
    -------
    pandas.Series
        Rows as in `trial.data`; missing for people without any component. `.attrs["weights"]` {outcome: weight} (not scaled; of the
        people with all components), `.attrs["patterns"]` the weights by pattern of missingness, `.attrs["components"]` the means and SDs
        used, `.attrs["notes"]` coded sentences. Plain values throughout.

    Raises
    ------
    UsageError, MissingDataError, EstimationError
        Fewer than two components, one without variation or without values among the controls, components that are combinations of
        each other.

    Warns
    -----
    UserWarning
        When a weight is negative: more of that component then lowers the index. 'klk' has no such weights.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame(rng.normal(size=(60, 3)), columns=["calm", "hope", "ties"]).assign(arm=["solo", "peer"] * 30)
    >>> trial = tk.Trial(d, arm="arm", control="solo")
    >>> wellbeing = tk.index(trial, ["calm", "hope", "ties"])
    >>> sorted(wellbeing.attrs["weights"])
    ['calm', 'hope', 'ties']
    >>> with_index = tk.Trial(trial.data.assign(wellbeing=wellbeing), arm="arm", control="solo")
    >>> tk.itt(with_index, "wellbeing").tidy()["outcome"].tolist()
    ['wellbeing']
    """
    names = _names(outcomes, kind, missing)
    signs = np.array([-1.0 if _direction(better, n, names) == "lower" else 1.0 for n in names])
    values = np.column_stack([trial.values(n) for n in names])
    used = np.ones(trial.n, dtype=bool) if trial.weights is None else trial.values(trial.weights) > 0
    control = (trial.arm_codes == 0) & used
    _check_components(trial, names, values, control)
    z, mean, sd = standardized(components=values, reference=control, signs=signs)
    found = _icw(z, used, missing, names) if kind == "icw" else _klk(trial, z, used, names)
    notes = _notes(trial, names, signs, values, used, found, kind)
    out = pd.Series(np.where(used, found.values, np.nan), index=trial.data.index, name=f"{kind}_index")
    out.attrs = {
        "kind": kind,
        "missing": missing if kind == "icw" else "arm mean",
        "weights": dict(zip(names, found.weights.tolist())),
        "patterns": _pattern_rows(names, found),
        "components": {
            n: {"mean": float(m), "sd": float(s), "better": "lower" if g < 0 else "higher"}
            for n, m, s, g in zip(names, mean, sd, signs)
        },
        "notes": notes,
    }
    for note in notes:
        if note["code"] == "negative_weight":
            warnings.warn(note["text"], UserWarning, stacklevel=3)
    return out


def _names(outcomes: Sequence[str], kind: str, missing: str) -> tuple[str, ...]:
    if isinstance(outcomes, str):
        raise UsageError(f"index takes a list of outcomes: write ['{outcomes}', ...].")
    names = tuple(outcomes)
    if len(names) < 2:
        raise UsageError(f"an index needs two or more outcomes; it was given {shown(names)}.")
    if len(set(names)) < len(names):
        raise UsageError(f"outcomes names {shown(repeated(names))} twice: it would count double.")
    if kind not in ("icw", "klk"):
        raise UsageError(f"kind={kind!r} is unknown: it is 'icw' or 'klk'.")
    if missing not in ("pattern", "renormalize"):
        raise UsageError(f"missing={missing!r} is unknown: it is 'pattern' or 'renormalize'.")
    return names


def _direction(better: Any, name: str, names: Sequence[str]) -> str:
    if isinstance(better, Mapping):
        extra = [str(k) for k in better if k not in names]
        if extra:
            raise UsageError(
                f"better names {shown(extra)}, which {'is' if len(extra) == 1 else 'are'} not among the outcomes {shown(names)}."
            )
        better = better.get(name)
    if better not in (None, "higher", "lower"):
        raise UsageError(f"better={better!r} is unknown: it is 'higher' or 'lower', or one of these for each outcome.")
    return better or "higher"


def _check_components(trial: Trial, names: Sequence[str], values: FloatArray, control: BoolArray) -> None:
    for j, name in enumerate(names):
        infinite = np.isinf(values[:, j])
        if infinite.any():
            raise ValueTypeError(f"'{name}' is infinite in {rows_text(infinite)}: correct the values or make them missing.")
        seen = values[control & np.isfinite(values[:, j]), j]
        if len(seen) < 2:
            raise MissingDataError(
                f"'{name}' is known for {len(seen)} people of the control arm {trial.control!r}: its mean and SD there set the scale of the index. "
                "Leave it out, or check the column."
            )
        if np.ptp(seen) <= 1e-12 * max(1.0, float(np.abs(seen).max())):
            raise EstimationError(
                f"'{name}' is the same ({seen[0]:g}) for everyone in the control arm {trial.control!r}: it has no SD to be standardized by. Leave it out."
            )


def _icw(z: FloatArray, used: BoolArray, missing: str, names: Sequence[str]) -> WeightedIndex:
    try:
        found = weighted_index(z=np.where(used[:, None], z, np.nan), used=used, by_pattern=missing == "pattern")
    except np.linalg.LinAlgError as error:
        raise NotIdentifiedError(
            f"the components {shown(names, 12)} have no inverse covariance ({error}): leave out one that is a copy, a sum or a part of the others, or "
            "use kind='klk'."
        ) from error
    # sums of inverse covariances are positive; only weights scaled to some components can sum to nothing
    sums = np.nansum(found.pattern_weights, axis=1)
    bad = (sums <= 1e-8 * np.abs(found.weights).sum()) & found.patterns.any(axis=1)
    if bad.any():
        seen = [n for n, s in zip(names, found.patterns[np.flatnonzero(bad)[0]]) if s]
        raise EstimationError(
            f"the weights of {shown(seen)} sum to {sums[bad][0]:.3g}: people with only these have no index. Use missing='pattern' or kind='klk'."
        )
    return found


def _klk(trial: Trial, z: FloatArray, used: BoolArray, names: Sequence[str]) -> WeightedIndex:
    for j, name in enumerate(names):
        for code, label in enumerate(trial.arms):
            inside = (trial.arm_codes == code) & used
            if inside.any() and not np.isfinite(z[inside, j]).any():
                raise MissingDataError(
                    f"'{name}' is missing for everyone in arm {label!r}: there is no mean to fill in. Leave it out of the index."
                )
    values = mean_index(z=z, arm=trial.arm_codes, used=used)
    weights = np.full(len(names), 1 / len(names))
    patterns, counts = np.unique(np.isfinite(z), axis=0, return_counts=True)
    own = np.broadcast_to(weights, patterns.shape)
    return WeightedIndex(values, weights, patterns, own, counts)


def _pattern_rows(names: Sequence[str], found: WeightedIndex) -> list[dict[str, Any]]:
    rows = []
    for seen, weights, count in zip(found.patterns, found.pattern_weights, found.counts.tolist()):
        if seen.any():
            rows.append({"n": count, "weights": {n: float(w) for n, w, s in zip(names, weights, seen) if s}})
    return rows


def _notes(
    trial: Trial, names: Sequence[str], signs: FloatArray, values: FloatArray, used: BoolArray, found: WeightedIndex, kind: str
) -> list[dict[str, str]]:
    notes = []
    negative = [n for j, n in enumerate(names) if (found.pattern_weights[found.patterns[:, j], j] < 0).any()]
    if negative:
        notes.append(
            (
                "negative_weight",
                f"{shown(negative)} {'has' if len(negative) == 1 else 'have'} a negative weight in the index: given the others, more of it lowers the index. "
                "Leave it out, check its direction (better=), or use kind='klk'.",
            )
        )
    turned = [n for n, s in zip(names, signs) if s < 0]
    if turned:
        notes.append(
            (
                "components_turned",
                f"{shown(turned, 12)} {'is' if len(turned) == 1 else 'are'} better lower and turned: a higher index is better.",
            )
        )
    seen = np.isfinite(values[used])
    some, none = int((seen.any(axis=1) & ~seen.all(axis=1)).sum()), int((~seen.any(axis=1)).sum())
    if some:
        how = "components missing are at the mean of the person's arm" if kind == "klk" else "the index is made of the others"
        notes.append(("components_missing", f"{some} of {int(used.sum())} people lack some component: {how}."))
    if none:
        notes.append(("index_missing", f"{none} people have no component at all and no index."))
    if trial.weights is not None:
        notes.append(
            ("weights_unused", "sampling weights do not enter the making of the index; people of weight zero are left out.")
        )
    return [{"code": code, "text": text} for code, text in notes]
