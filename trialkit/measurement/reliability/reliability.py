"""Reliability of a set of items."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, get_args

import numpy as np

from trialkit.errors import ColumnNotFoundError, UsageError
from trialkit.inference.arrays import BoolArray
from trialkit.measurement.questionnaires.scale import Scale
from trialkit.measurement.reliability.coefficients import Found, Wanted, coefficients
from trialkit.measurement.reliability.item_sets import ItemSet, Missing, item_sets, read_how
from trialkit.measurement.reliability.reliability_result import Reliability
from trialkit.misuse import explained
from trialkit.results import Note


@explained
def reliability(
    items: Any,
    *,
    scale: Scale | str | None = None,
    form: str | None = None,
    subscale: str | None = None,
    codes: tuple[int, int] | None = None,
    reverse: Sequence[Hashable] = (),
    missing_codes: Iterable[Any] | None = None,
    by: Any = None,
    waves: Mapping[str, Sequence[Hashable]] | None = None,
    cluster: Any = None,
    missing: Missing = "pairwise",
    split: Sequence[Hashable] | None = None,
    ordinal: bool = False,
    n_draws: int = 0,
    seed: int | None = None,
    conf_level: float = 0.95,
) -> Reliability:
    """Reliability of the sum of a set of items: alpha, omega, split halves, standard error of measurement, and each item's part in it.

    Parameters
    ----------
    items : data frame with one row a person and the items as columns (columns named in `by` and `cluster` are set aside), or with
        `waves` any frame.
    scale, form, subscale : a `Scale` or its key in the registry, which says which items are reversed, its form when several circulate, and
        one of its subscales; the columns in its order.
    codes, reverse : without `scale`: lowest and highest code, and the columns to turn around (lowest + highest - answer). Answers outside
        the codes are set missing and counted. With `scale`, `codes` are those of the file when they differ from the scale's.
    missing_codes : codes or words that stand for a missing answer, such as [-99].
    by : column or one value a person: the reliability in each arm, language, wave of long data.
    waves : name -> columns of its items, {"t0": [...], "t1": [...]}, the same items in the same order.
    cluster : column or one value a person: the peer group. People without a value are alone. Intervals then respect that people of
        one group may be alike.
    missing : "pairwise" uses the covariance of everyone who answered both items, "listwise" only people with all answers.
    split : columns of the first half (of the first wave when there are several); default the 1st, 3rd, 5th ... item against the others.
    ordinal : also alpha and omega of polychoric correlations (maximum likelihood in two steps; nothing is added to empty cells).
    n_draws, seed : bootstrap intervals over whole groups and people alone (1,000 is usual); `seed` is then required.
    conf_level : of the intervals.

    Returns
    -------
    Reliability
        `.alpha .alpha_low .alpha_high .alpha_standardized .omega .omega_low .omega_high .omega_observed .ordinal_alpha
        .ordinal_omega .split_half .sem .n`, `.items` (a row an item), `.tidy()` (a row a wave and arm); `result["t0"]` is one set.
        Without draws the interval of alpha is Feldt's when people are independent, and a distribution-free one on the scale of
        log(1 - alpha), robust to the groups, with `cluster`; that of omega is always the latter (a jackknife over units up to 400 of
        them, their influence above).

    Raises
    ------
    ColumnNotFoundError, ValueTypeError
        An absent column; text, or codes for missing answers among the items.
    ScaleError
        A form or subscale that must be named.
    DataError
        An item with one answer from everyone; items never answered together.
    NotIdentifiedError, EstimationError
        One item; fewer people than items.
    UsageError
        Options that contradict each other; draws without a seed.

    Notes
    -----
    Alpha equals reliability when all items measure one thing equally well and their errors are uncorrelated; omega asks for one thing
    only. Neither shows that there is one factor: `one_factor_rmsea` and `tk.measurement.cfa` do. Sources: Cronbach (1951); Feldt (1965),
    Psychometrika 30; McDonald (1999), Test Theory; Maydeu-Olivares, Coffman & Hartmann (2007), Psychological Methods 12, for the
    distribution-free interval; Gadermann, Guhn & Zumbo (2012) for the ordinal versions.

    Examples
    --------
    >>> import numpy as np, pandas as pd, trialkit as tk
    >>> rng = np.random.default_rng(1)
    >>> mood = rng.normal(size=(400, 1))
    >>> data = pd.DataFrame(mood + rng.normal(size=(400, 4)), columns=["calm", "glad", "rested", "keen"])
    >>> found = tk.measurement.reliability(data)
    >>> round(found.alpha, 2), round(found.omega, 2), found.n
    (0.78, 0.78, 400)
    >>> data["arm"] = rng.integers(0, 2, size=400)
    >>> list(tk.measurement.reliability(data, by="arm").tidy()["by"])
    ['0', '1']
    """
    _check_options(missing, n_draws, seed, conf_level)
    how = read_how(scale, form, subscale, codes, reverse, missing_codes)
    sets = item_sets(items, how, by=by, waves=waves, cluster=cluster, missing=missing)
    wanted = Wanted(_first_half(split, sets[0]), bool(ordinal), int(n_draws), int(seed or 0), float(conf_level))
    found = [(answers, coefficients(answers, wanted)) for answers in sets]
    return _result(found, wanted, split is not None)


def _check_options(missing: str, n_draws: int, seed: int | None, conf_level: float) -> None:
    if missing not in get_args(Missing):
        raise UsageError(f"missing={missing!r} is unknown; use 'pairwise' or 'listwise'.")
    if not isinstance(n_draws, Integral) or n_draws < 0 or 0 < n_draws < 100:
        raise UsageError(f"n_draws={n_draws!r} must be 0, or a whole number of at least 100 (1000 is usual).")
    if n_draws and not isinstance(seed, Integral):
        raise UsageError("n_draws draws at random: give a seed, such as seed=1, so that the numbers can be found again.")
    if not 0.5 <= conf_level < 1:
        raise UsageError(f"conf_level={conf_level!r} must lie between .5 and 1, such as 0.95.")


def _first_half(split: Sequence[Hashable] | None, answers: ItemSet) -> BoolArray:
    p = len(answers.items)
    if split is None:
        return np.arange(p) % 2 == 0
    if isinstance(split, str):
        raise UsageError(f"split takes a list of item columns: write split=['{split}', ...].")
    for name in split:
        if str(name) not in answers.items:
            raise ColumnNotFoundError(str(name), answers.items, where="the items (named in split)")
    first = np.array([i in {str(name) for name in split} for i in answers.items])
    if first.all() or not first.any():
        raise UsageError("split must name some of the items and leave some for the other half.")
    return first


def _result(found: list[tuple[ItemSet, Found]], wanted: Wanted, own_split: bool) -> Reliability:
    table, items, matrices, notes = [], [], [], []
    for answers, numbers in found:
        labels = {name: value for name, value in (("wave", answers.wave), ("by", answers.level)) if value}
        key = list(labels.values())
        table.append(labels | numbers.row)
        items += [{"set": key} | labels | row for row in numbers.items]
        if numbers.polychoric is not None:
            matrices.append({"set": key, "correlations": numbers.polychoric.tolist()})
        notes += numbers.notes
    notes += _split_notes(wanted.first_half)
    details = {
        "conf_level": wanted.conf_level,
        "n_draws": wanted.n_draws,
        "seed": wanted.seed if wanted.n_draws else None,
        "ordinal": wanted.ordinal,
        "split": "as given" if own_split else "odd and even items",
        "items": items,
        "polychoric": matrices,
    }
    return Reliability((), tuple(dict.fromkeys(notes)), details, tuple(table))


def _split_notes(first: BoolArray) -> list[Note]:
    if first.mean() == 0.5:
        return []
    text = f"the halves have {int(first.sum())} and {int((~first).sum())} items: Spearman-Brown is Horst's form of it for unequal halves."
    return [Note("unequal_halves", text)]
