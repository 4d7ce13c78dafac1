"""What the levels that hold mean, in words."""

from __future__ import annotations

from trialkit.errors import shown
from trialkit.inference.factor.invariant import Level
from trialkit.measurement.invariance.ladder import Change
from trialkit.measurement.invariance.result import short

_MEANS: dict[Level, str] = {
    "configural": "",
    "metric": "items keep their unit, so that correlations of the factor can be compared; its means cannot",
    "scalar": "items keep their unit and zero point, so that means of the factor can be compared",
    "strict": "items keep their unit, zero point and precision, so that sums and means of items can be compared",
}


def change_in_words(change: Change) -> str:
    """'CFI falls .014, RMSEA rises .007, SRMR rises .038'."""
    parts = []
    for name, value in (("CFI", change.cfi), ("RMSEA", change.rmsea), ("SRMR", change.srmr)):
        said = short(abs(value))
        parts.append(f"{name} {'falls' if value < 0 else 'rises'} {said}" if said != ".000" else f"{name} does not change")
    return ", ".join(parts)


def no_common_model(over: str, fit: str) -> str:
    """The configural model does not fit."""
    return (
        f"the configural model {fit} The items do not measure one factor in every one of the {over}, so equal loadings and intercepts are not "
        "interpreted. Look at each with tk.measurement.cfa."
    )


def invariance_verdict(
    over: str, reached: str, level: Level, failed: tuple[str, str] | None, freed: list[str], tested: bool
) -> str:
    """A sentence on what holds and one on what does not.

    Parameters
    ----------
    reached : the highest level that holds, "partial ..." included; `level` is its kind.
    failed : the lowest level that fails in full, and how.
    tested : whether a level above the configural one was asked for.
    """
    if not tested:
        return "the configural model fits; equal loadings and intercepts were not tested."
    said = []
    if failed is not None:
        said.append(f"{failed[0]} invariance over {over} fails ({failed[1]}).")
    if reached == "configural":
        said.append(
            "Only the configural model holds: the items do not have the same unit, and neither changes nor means can be compared."
        )
    elif reached.startswith("partial"):
        said.append(f"{reached} invariance holds with these let go: {shown(freed, 8)}.")
        if level != "metric":
            said.append(
                "Means of the factor can be compared in that model; sums and means of all items mix the effect with those items."
            )
    else:
        said.append(f"{reached} invariance over {over} holds: {_MEANS[level]}.")
    if level == "metric" and failed is not None:
        said.append("An effect on the sum or mean of the items is then no clean effect on what they measure.")
    text = " ".join(said)
    return text[0].lower() + text[1:]
