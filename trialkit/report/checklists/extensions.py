"""What the extensions ask besides: trials of clusters, and social and psychological interventions, at their places in CONSORT 2025.

The extensions number their items by CONSORT 2010; the places are ours. Sources: Campbell et al. (2012), BMJ 345, e5661; Montgomery et al. (2018), Trials 19,
407. Not checked against the source: the cluster items from 15 on; of the other 12a, 13a, 15, 17a, 25 and 26. No extension covers groups in one arm only: of the
cluster items those that have a meaning there are asked of the groups of that arm, and the others do not apply.
"""

from __future__ import annotations

from collections.abc import Callable

from trialkit.report.checklists.consort import delivered, missing
from trialkit.report.checklists.items import Answer, Item, author, auto, none, partly
from trialkit.report.format import real
from trialkit.report.view import View

# item of CONSORT 2025, number in the extension; `groups` marks those asked of groups in one arm too
CLUSTER = (
    ("1a", "1a", False), ("9", "2a, 3a", False), ("7", "2b", False), ("12a", "4a", False), ("13", "5", True), ("14", "6a", False), ("16a", "7a", True),
    ("17b", "8b", False), ("18", "9", False), ("19", "10a", False), ("12a", "10b, 10c", True), ("21a", "12a", True), ("22a", "13a, 16", True),
    ("22b", "13b", True), ("25", "15", False), ("26", "17a", True), ("30", "21", True),
)  # fmt: skip
SOCIAL = (
    ("6", "2b"), ("9", "3a"), ("12b", "4a"), ("24a", "5a"), ("13", "5b"), ("24a", "5c"), ("21c", "12a"), ("22a", "13a"), ("25", "15"), ("4", "17a"),
    ("5b", "25"), ("13", "26a"), ("8", "26b"), ("12a", "26c"),
)  # fmt: skip


def kind(view: View) -> str:
    """'clusters' where whole groups were randomized, 'groups' where an arm puts people in groups, '' otherwise."""
    if view.content.after.plan.get("clustered") or any("all arms" in o.icc for o in view.content.outcomes):
        return "clusters"
    return "groups" if any(a.grouped for a in view.content.arms) else ""


def _size(view: View) -> Answer:
    said = view.content.assumptions
    if "icc" not in said:
        return partly("", "next")
    return partly(f"{view.words.quantity('icc')}: {view.numbers.general(said['icc'])}", "next")


def _design(view: View) -> Answer:
    return partly("", "flow")


def _methods(view: View) -> Answer:
    said = dict.fromkeys(view.words.method(e.method, e.covariance) for o in view.primary for e in o.result.estimates)
    return auto("; ".join(said), "primary", "few_groups")


def _counts(view: View) -> Answer:
    said = []
    for arm in view.content.arms:
        row = view.flow_row(arm.name, "randomized")
        groups = 0.0 if row is None else max(real(row.get("groups")), real(row.get("clusters")), 0.0)
        if groups > 0 and row is not None:
            said.append(view.words.fact_groups(view.arm(arm.name), view.numbers.count(groups), view.numbers.count(row["people"])))
    return auto(" ".join(said), "flow", "primary")


def _losses(view: View) -> Answer:
    return partly("", "flow", "attrition")


def _correlation(view: View) -> Answer:
    said = []
    for o in view.primary:
        for where, entry in o.icc.items():
            units = view.numbers.count(entry.get("units"))
            said.append(
                view.words.fact_icc(
                    o.label or o.name,
                    view.numbers.fixed(entry.get("icc"), 3),
                    units,
                    "" if where == "all arms" else view.arm(where),
                )
            )
    return partly(" ".join(said), "next")


def _stratified(view: View) -> Answer:
    named = [view.column(c) for key in ("strata", "match") for c in view.content.after.plan.get(key, ())]
    return auto(", ".join(named), "plan") if named else none(view.words.fact_no_strata)


def _baseline(view: View) -> Answer:
    return partly("", "baseline")


_ANSWERS: dict[str, Callable[[View], Answer]] = {
    "2a, 3a": _design, "7a": _size, "8b": _stratified, "12a": _methods, "13a, 16": _counts, "13b": _losses, "15": _baseline, "17a": _correlation,
}  # fmt: skip


def _cluster_rule(source: str, of_groups: bool) -> Callable[[View], Answer]:
    def rule(view: View) -> Answer:
        found = kind(view)
        if not found:
            return none(view.words.fact_no_groups)
        if found == "groups" and not of_groups:
            return none(view.words.fact_people_randomized)
        return _ANSWERS.get(source, author)(view)

    return rule


def _unit(view: View) -> Answer:
    return none(view.words.fact_people_are_units) if kind(view) != "clusters" else partly("", "flow")


def _leaders(view: View) -> Answer:
    """How leaders came to their groups: asked where there are groups."""
    return none(view.words.fact_no_groups) if not kind(view) else Answer("author")


def _reached(view: View) -> Answer:
    reach = view.content.selection
    return auto("", "selection") if reach is not None and reach.reach is not None else Answer("author")


def _social_economic(view: View) -> Answer:
    return partly("", "baseline")


def _data(view: View) -> Answer:
    return partly(view.words.fact_files, "manifest")


_SOCIAL: dict[str, Callable[[View], Answer]] = {
    "3a": _unit, "5a": delivered, "5c": _leaders, "12a": missing, "13a": _reached, "15": _social_economic, "17a": _data,
}  # fmt: skip
CLUSTER_ITEMS = tuple(
    Item(f"cluster {source}", number, _cluster_rule(source, of_groups), source) for number, source, of_groups in CLUSTER
)
SOCIAL_ITEMS = tuple(Item(f"social {source}", number, _SOCIAL.get(source, author), source) for number, source in SOCIAL)
