"""CONSORT 2025: its 30 items (42 with their parts), answered from the report as far as it knows.

Source: Hopewell et al. (2025), PLoS Medicine 22(4), e1004587, table 1; the words are our own. 'auto' means that the report holds what is asked, not that a
journal article does.
"""

from __future__ import annotations

from collections.abc import Iterator

from trialkit.estimate.measures import is_of_shares
from trialkit.report.checklists.items import Answer, Item, author, auto, none, partly
from trialkit.report.content.people import analysed_people
from trialkit.report.format import real
from trialkit.report.view import View

RANDOM = ("random", "gerandomi", "geloot", "loting")


def title(view: View) -> Answer:
    said = view.content.title
    return auto(said) if any(word in said.lower() for word in RANDOM) else partly(said)


def summary(view: View) -> Answer:
    return partly(" ".join(_effects(view)), "summary")


def registration(view: View) -> Answer:
    return partly(
        str(view.content.after.plan.get("registration") or ""),
        *(("manifest",) if view.content.lock.level in ("L2", "L3") else ()),
    )


def protocol(view: View) -> Answer:
    lock = view.content.lock
    fact = view.words.said(lock.sentence)
    return auto(fact, "manifest", "plan") if lock.state == "locked" else partly(fact, "plan")


def sharing(view: View) -> Answer:
    return partly(view.words.fact_files, "manifest")


def aims(view: View) -> Answer:
    return partly(
        view.words.fact_outcome_counts(
            [(r, sum(o.role == r for o in view.content.outcomes)) for r in ("primary", "secondary", "exploratory")]
        ),
        "primary",
    )


def design(view: View) -> Answer:
    plan = view.content.after.plan
    if not plan:
        return partly(view.words.fact_arms([view.arm(a.name) for a in view.content.arms]), "flow")
    shares = [view.numbers.general(plan["allocation"].get(str(a.name), 1)) for a in view.content.arms]
    kinds = list(dict.fromkeys(k for o in plan["outcomes"].values() for k in o["framework"]))
    return auto(view.words.fact_design([view.arm(a.name) for a in view.content.arms], shares, _scheme(view), kinds), "plan")


def _scheme(view: View) -> str:
    return view.words.schemes.get(str(view.content.after.plan.get("scheme")), str(view.content.after.plan.get("scheme")))


def changes(view: View) -> Answer:
    departures = view.content.departures
    return auto(
        view.words.fact_changes(len(view.content.deviations), len(departures.changes), len(departures.unplanned)),
        "deviations",
        "unplanned",
    )


def eligibility(view: View) -> Answer:
    return partly(view.content.population)


def outcomes(view: View) -> Answer:
    planned = view.content.after.plan.get("outcomes", {})
    said = []
    for o in view.content.outcomes:
        wave = str(planned.get(o.name, {}).get("wave") or "")
        measure = view.words.checklist_measures.get(o.measure, o.measure)
        said.append(f"{o.label or o.name} ({', '.join(p for p in (view.words.roles[o.role].lower(), measure, wave) if p)})")
    return auto("; ".join(said), "primary", "outcomes", "plan")


def harms_methods(view: View) -> Answer:
    return partly(view.words.fact_harms_counted if view.content.harms is not None else view.words.fact_harms_not_planned, "harms")


def sample_size(view: View) -> Answer:
    said = [f"{view.words.quantity(k)}: {_assumed(view, k, v)}" for k, v in view.content.assumptions.items()]
    effects = []
    for o in view.content.outcomes:
        assumed = view.content.after.plan.get("outcomes", {}).get(o.name, {}).get("assumed", {})
        for key in ("effect", "hazard_ratio", "odds_ratio"):
            if key in assumed:
                effects.append(view.words.fact_assumed_effect(o.label or o.name, view.numbers.general(assumed[key])))
    fact = "; ".join([*said, *effects])
    complete = bool(effects) and ("units" in view.content.assumptions or bool(view.content.after.plan.get("clusters")))
    return auto(fact, "next", "plan") if complete else partly(fact, "next")


def _assumed(view: View, key: str, value: object) -> str:
    if isinstance(value, (list, tuple)):
        return view.words.interval(*(view.numbers.count(v) for v in value))
    return view.numbers.percent(value) if key in ("attrition", "take_up") else view.numbers.general(value)


def interim(view: View) -> Answer:
    return partly(view.words.fact_no_interim if view.content.after.plan else "")


def sequence(view: View) -> Answer:
    return partly(_scheme(view) if view.content.after.plan else "")


def restrictions(view: View) -> Answer:
    plan = view.content.after.plan
    if not plan:
        return Answer("author")
    named = [(key, [view.column(c) for c in plan[key]]) for key in ("strata", "match", "balance_on") if plan.get(key)]
    blocks = [view.numbers.count(b) for b in plan.get("block_sizes", ())]
    return auto(view.words.fact_restrictions(_scheme(view), named, blocks), "plan")


def concealment(view: View) -> Answer:
    kept = [str(e["file"]) for e in view.content.lock.evidence if e.get("kind") == "allocation"]
    return partly(view.words.fact_allocation_kept(kept) if kept else "")


def methods(view: View) -> Answer:
    said = dict.fromkeys(view.words.method(e.method, e.covariance) for o in view.primary for e in o.result.estimates)
    return auto("; ".join(said), "primary", "plan")


def who_analysed(view: View) -> Answer:
    return auto(view.words.fact_as_randomized, "analysed", "flow")


def missing(view: View) -> Answer:
    plan = view.content.after.plan
    if not plan:
        return Answer("author")
    rules = [view.words.checklist_rule(r) for r in (plan["missing"]["primary"], *plan["missing"]["sensitivity"])]
    return auto(view.words.fact_missing(rules[0], rules[1:], str(plan["covariate_missing"])), "selection", "attrition", "plan")


def further_analyses(view: View) -> Answer:
    if not view.content.after.plan:
        return partly("", "tests")
    return auto(view.words.fact_further(_others(view), len(view.content.departures.unplanned)), "tests", "plan")


def _others(view: View) -> int:
    """Planned tests besides the effects themselves."""
    tests = view.content.after.tests
    return 0 if tests is None else sum(r["test"] not in ("effect", "description") for r in tests.table)


def flow_of_people(view: View) -> Answer:
    return auto(" ".join(_flow(view)), "flow", "analysed")


def _flow(view: View) -> Iterator[str]:
    words, count = view.words, view.numbers.count
    column = view.primary[0].column or view.primary[0].name
    analysed = {str(a["arm"]): analysed_people(a) for a in view.primary[0].result.details.get("arms") or []}
    for arm in view.content.arms:
        found = [(s, view.flow_row(arm.name, s, o)) for s, o in (("randomized", ""), ("took_up", ""), ("outcome", column))]
        said = [f"{words.stages[s].lower()} {count(r['people'])}" for s, r in found if r is not None]
        if str(arm.name) in analysed:
            said.append(f"{words.analysed_header.lower()} {count(analysed[str(arm.name)])}")
        yield f"{view.arm(arm.name)}: {', '.join(said)}."


def losses(view: View) -> Answer:
    first = view.primary[0].attrition
    if first is None:
        return Answer("author")
    overall = first.details.get("overall")
    if real(overall) == 0:
        return none(view.words.fact_no_losses)
    return partly(view.words.fact_lost(view.numbers.percent(overall)), "attrition", "selection")


def dates(view: View) -> Answer:
    return partly("; ".join(view.content.after.plan.get("waves", {}).values()))


def delivered(view: View) -> Answer:
    shares = []
    for arm in view.treated:
        row = view.flow_row(arm.name, "took_up")
        if row is not None:
            shares.append(f"{view.arm(arm.name)}: {view.words.stages['took_up'].lower()} {view.numbers.percent(row['share'])}")
    return partly("; ".join(shares), "selection") if shares else Answer("author")


def baseline(view: View) -> Answer:
    return Answer("author") if view.content.balance is None else auto("", "baseline")


def results(view: View) -> Answer:
    binary = [o for o in view.content.outcomes if is_of_shares(o.measure)]
    both = all(o.name in view.content.after.other_form for o in binary)
    fact = view.words.fact_both_forms(len(binary)) if binary and both else ""
    return auto(fact, "outcomes", "analysed") if both else partly(view.words.fact_one_form, "outcomes", "analysed")


def harms(view: View) -> Answer:
    return partly("", "harms") if view.content.harms is not None else partly(view.words.fact_harms_not_planned)


def other_analyses(view: View) -> Answer:
    others, unplanned = _others(view), len(view.content.departures.unplanned)
    if view.content.after.plan and not others and not unplanned:
        return none(view.words.fact_no_others)
    return auto(
        view.words.fact_further(others, unplanned), "subgroups", "mediation", "selection", "multiverse", "unplanned", "tests"
    )


def limits(view: View) -> Answer:
    warned = sum(len(o.result.notes) for o in view.primary)
    return partly(view.words.fact_notes(warned), "primary", "notes")


def _effects(view: View) -> Iterator[str]:
    for o in view.primary:
        for line in view.lines(o):
            e, d = line.estimate, line.unit.difference
            unit = view.words.units["share"] if line.unit.kind == "share" else ""
            low, high = d(e.conf_low), d(e.conf_high)
            yield view.words.fact_effect(
                o.label or o.name, view.contrast(e.contrast), f"{d(e.estimate)} {unit}".strip(), low, high, view.level
            )


RULES = {
    "1a": title, "1b": summary, "2": registration, "3": protocol, "4": sharing, "5a": author, "5b": author, "6": author, "7": aims, "8": author, "9": design,
    "10": changes, "11": author, "12a": eligibility, "12b": author, "13": author, "14": outcomes, "15": harms_methods, "16a": sample_size, "16b": interim,
    "17a": sequence, "17b": restrictions, "18": concealment, "19": author, "20a": author, "20b": author, "21a": methods, "21b": who_analysed, "21c": missing,
    "21d": further_analyses, "22a": flow_of_people, "22b": losses, "23a": dates, "23b": author, "24a": delivered, "24b": author, "25": baseline,
    "26": results, "27": harms, "28": other_analyses, "29": author, "30": limits,
}  # fmt: skip
ITEMS = tuple(Item(number, number, rule) for number, rule in RULES.items())
