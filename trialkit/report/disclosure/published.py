"""The content of a report as it may be published: small counts of people, and what would give them away, withheld.

Counts that are tied to each other (the flow, losses, arms, baseline characteristics, harms, scales) are facts in one ledger, whatever
table they stand in. Every other table is held to a simpler rule: a small count, or the small rest of a whole, is withheld with every
share, mean and estimate of its row, and with one more count of its column. Tables of single groups are left out.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from trialkit.estimate.measures import is_of_shares
from trialkit.report.content import ReportContent
from trialkit.report.disclosure.ledger import Ledger
from trialkit.report.disclosure.rows import held
from trialkit.report.disclosure.suppress import SECONDARY

__all__ = ["published"]

_NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "p_adjusted")
_ENDS = ("lower", "upper", "se_lower", "se_upper", "effect_conf_low", "effect_conf_high")
_PROPORTIONAL = frozenset({"tipping_point", "manski_bounds", "kling_liebman"})
_UNADJUSTED = frozenset({"difference_in_means", "horvitz_thompson", "hajek"})
_SINGLE_GROUPS = ("by_group",)
_PEOPLE = ("n", "n_observed", "n_analysed", "n_clusters", "n_units")
_LONG = 8  # characters of a number that is not met by chance
_SENTENCES = ("words", "verdicts", "left_out")
_COUNTED = re.compile(
    r"(?<![\d.,-])\b(\d{1,4})(?= (?:people|persons?|participants?|members?|answers|of(?! \d+ (?:items|answers))|were|was|improved|deteriorated|died|events?|cases?)\b)"
)
_TOTAL = re.compile(r"(?<![\d.,<-])\b\d+(?= of \d+ people\b)")
_ROWS = re.compile(r" ?\(rows? [^)]*\)")  # where they stand in the data


def published(content: ReportContent) -> ReportContent:
    """The content with what `minimum_cell` of the plan withholds; the same content where the plan names none.

    Counts of 1 up to `content.minimum_cell` become '<5', counts that would give them away '*', and what follows from either is left out.
    `withheld` of the result says how many numbers that were. A content that was published already is returned as it is.
    """
    if content.minimum_cell < 2 or content.withheld is not None:
        return content
    told = copy.deepcopy(content.to_dict())
    before = _numbers_in(told)
    ledger = Ledger(content.minimum_cell)
    _people(told, ledger)
    for outcome in (*told["outcomes"], *told.get("planned_outcomes", ())):
        _outcome(told, outcome, ledger)
    _baseline(told, ledger)
    _harms(told, ledger)
    _measurement(told, ledger)
    found = ledger.withhold()
    _single_groups(told)
    held(told, content.minimum_cell)
    columns = {str(k[1]) for k in found if isinstance(k, tuple) and k[0] == "observed"}
    names = {o["name"] for o in told["outcomes"] if (o.get("column") or o["name"]) in columns} | columns
    _people_elsewhere(told, names)
    gone = set(_gone(content.to_dict(), told))
    _everywhere(told, gone)
    _filled_in(told, names)
    _rounded(told)
    _texts(told, content.minimum_cell)
    told["withheld"] = before - _numbers_in(told)
    return replace(ReportContent.from_dict(told), attached=content.attached)


def _people(told: dict[str, Any], ledger: Ledger) -> None:
    """The flow: randomized, taken part and observed, by arm and together."""
    rows = told["flow"]["table"]
    arms = [str(r["arm"]) for r in rows if r["stage"] == "randomized"]
    for r in rows:
        arm, stage = str(r["arm"]), r["stage"]
        key = (
            ("randomized", arm)
            if stage == "randomized"
            else ("observed", r["outcome"], arm)
            if stage == "outcome"
            else (stage, arm)
        )
        ledger.printed(key, r, "people", following=("share",))
        if stage != "randomized":
            ledger.rest(("randomized", arm), key)
            ledger.follows(("not", key), r, ("share",))
    ledger.printed(("randomized",), told["flow"]["details"], "people")
    ledger.sums(("randomized",), [("randomized", a) for a in arms])


def _outcome(told: dict[str, Any], outcome: dict[str, Any], ledger: Ledger) -> None:
    column = outcome.get("column") or outcome["name"]
    names = [str(a["name"]) for a in told["arms"]]
    results = [outcome["result"], *outcome["companions"].values(), *([outcome["effect_size"]] if outcome["effect_size"] else [])]
    for result in results:
        for a in result["details"].get("arms") or ():
            _arm(outcome, column, a, ledger)
    _losses(outcome, column, ledger)
    for name in names:
        ledger.rest(("randomized", name), ("observed", column, name))
    for result in results:
        _estimates(outcome, column, names, result, ledger)
        _standardizers(column, names, result, ledger)


def _arm(outcome: dict[str, Any], column: str, a: dict[str, Any], ledger: Ledger) -> None:
    arm = str(a["arm"])
    ledger.printed(("randomized", arm), a, "n_randomized")
    ledger.printed(("observed", column, arm), a, "n")
    if is_of_shares(outcome["measure"]):
        ones = ("ones", column, arm)
        ledger.printed_share(ones, a["n"], a, "mean", following=("sd", "share", "rate"))
        ledger.follows(ledger.rest(("observed", column, arm), ones), a, ("mean", "sd", "share", "rate"))
    elif 1 <= (a["n"] or 0) < ledger.least:
        ledger.follows(("observed", column, arm), a, ("mean", "sd"))
    if "n_imputed" in a:
        lost = ledger.rest(("randomized", arm), ("observed", column, arm))
        ledger.printed(lost, a, "n_imputed")


def _losses(outcome: dict[str, Any], column: str, ledger: Ledger) -> None:
    found = outcome["attrition"]
    if found is None:
        return
    details = found["details"]
    for r in found["table"]:
        arm = str(r["arm"])
        ledger.printed(("randomized", arm), r, "randomized")
        if ledger.fact(("observed", column, arm), (r["randomized"] or 0) - (r["lost"] or 0)):
            key = ledger.rest(("randomized", arm), ("observed", column, arm))
            ledger.printed(key, r, "lost", following=("rate", "difference"))
            for row in (*details.get("rates", ()), *details.get("wwc", ()), details):
                ledger.follows(key, row, (*_NUMBERS, "overall", "differential", "margin", "bias", "boundary"))


def _estimates(outcome: dict[str, Any], column: str, names: list[str], result: dict[str, Any], ledger: Ledger) -> None:
    """The people of a contrast; unadjusted differences of shares give the shares away."""
    unadjusted = not result["details"].get("adjust") or result["details"].get("estimator") in _UNADJUSTED
    for e in result["estimates"]:
        sides = [n for n in names if n in str(e["contrast"]).split(" - ")]
        if len(sides) == 2 and not result["details"].get("n_imputations"):
            total = ("observed", column, *sides)
            ledger.printed(total, e, "n")
            ledger.sums(total, [("observed", column, n) for n in sides])
        if unadjusted and is_of_shares(outcome["measure"]):
            for n in sides:
                for key in (("ones", column, n), ("not", ("ones", column, n))):
                    ledger.follows(key, e, _NUMBERS)


def _standardizers(column: str, names: list[str], result: dict[str, Any], ledger: Ledger) -> None:
    """Degrees of freedom of an SD are people minus arms, and so is what is made of them."""
    for row in result["details"].get("standardizer") or ():
        for name in names:
            for key in (("observed", column, name), ("not", ("observed", column, name))):
                ledger.follows(key, row, ("df", "j"))


def _baseline(told: dict[str, Any], ledger: Ledger) -> None:
    """Levels of a characteristic sum to the people of the arm for whom it is known."""
    if told["balance"] is None:
        return
    rows = told["balance"]["table"]
    levels: dict[Any, list[Any]] = {}
    for r in rows:
        arm, control = _sides(told, str(r["contrast"]))
        for side, name in (("control", control), ("arm", arm)):
            if name is None:
                continue
            both = (f"mean_{side}", f"sd_{side}", "standardized_difference", "variance_ratio")
            whole = ("known", r["covariate"], name) if r["kind"] != "missing" else ("randomized", name)
            ledger.printed(whole, r, f"n_{side}", following=both if 1 <= (r[f"n_{side}"] or 0) < ledger.least else ())
            if r["kind"] == "number":
                continue
            key = ("level", r["covariate"], r["level"] if r["kind"] != "missing" else ("missing",), name)
            ledger.printed_share(key, r[f"n_{side}"], r, both[0], following=both[1:])
            ledger.follows(ledger.rest(whole, key), r, both)
            if r["kind"] == "missing":
                known = ("known", r["covariate"], name)
                if known in ledger.counts:
                    ledger.sums(("randomized", name), (known, key))
            elif r["level"]:
                levels.setdefault((r["covariate"], name), []).append(key)
    for (covariate, name), keys in levels.items():
        ledger.sums(("known", covariate, name), dict.fromkeys(keys))
    for covariate, name in levels:
        missing = ("level", covariate, ("missing",), name)
        if missing in ledger.counts and ("known", covariate, name) in ledger.counts:
            ledger.sums(("randomized", name), (("known", covariate, name), missing))


def _sides(told: Mapping[str, Any], contrast: str) -> tuple[str | None, str | None]:
    for a in told["arms"]:
        for b in told["arms"]:
            if contrast == f"{a['name']} - {b['name']}":
                return str(a["name"]), str(b["name"])
    return None, None


def _harms(told: dict[str, Any], ledger: Ledger) -> None:
    """People with an event, without one and not assessed; the differences are of shares as they are."""
    if told["harms"] is None:
        return
    for r in told["harms"]["table"]:
        arm, event = str(r["arm"]), r["event"]
        people, with_event = ("assessed", event, arm), ("event", event, arm)
        ledger.printed(people, r, "people")
        ledger.printed(with_event, r, "with_event", following=("share", "limit", "events"))
        without = ledger.rest(people, with_event)
        ledger.follows(without, r, ("share", "limit"))
        ledger.printed(("unassessed", event, arm), r, "not_assessed")
        ledger.sums(("randomized", arm), (people, ("unassessed", event, arm)))
        for e in told["harms"]["estimates"]:
            if e["outcome"] == event and arm in str(e["contrast"]).split(" - "):
                for key in (with_event, without):
                    ledger.follows(key, e, _NUMBERS)


def _measurement(told: dict[str, Any], ledger: Ledger) -> None:
    """Ends of scales and reliable change, by arm and together."""
    for m in told["measurement"]:
        if m["ends"] is not None:
            _stacked(
                m["ends"],
                (m["name"], "ends"),
                "wave",
                ("floor", "ceiling"),
                {"floor": "share_floor", "ceiling": "share_ceiling"},
                ledger,
            )
        for at, found in m["change"].items():
            shares = {"improved": "share_improved", "deteriorated": "share_deteriorated", "unchanged": "share_unchanged"}
            _stacked(found, (m["name"], at), None, tuple(shares), shares, ledger)


def _stacked(
    found: dict[str, Any], name: Any, over: str | None, parts: tuple[str, ...], shares: Mapping[str, str], ledger: Ledger
) -> None:
    """Rows of everyone and of each arm, each with people, the missing, and parts."""
    rows = found["table"]
    for at in dict.fromkeys(r[over] if over else "" for r in rows):
        mine = [r for r in rows if not over or r[over] == at]
        for r in mine:
            who = str(r.get("arm", "everyone"))
            for field in ("n", "n_missing", *parts):
                ledger.printed((name, at, who, field), r, field, following=(shares.get(field, ""),))
            ledger.sums((name, at, who, "n"), [(name, at, who, f) for f in parts]) if len(parts) > 2 else None
            for field in parts:
                ledger.follows(ledger.rest((name, at, who, "n"), (name, at, who, field)), r, (shares[field],))
            for e in found["estimates"]:
                if who in str(e["contrast"]).split(" - "):
                    for field in parts:
                        ledger.follows((name, at, who, field), e, _NUMBERS)
        arms = [str(r["arm"]) for r in mine if r.get("arm", "everyone") != "everyone"]
        for field in ("n", "n_missing", *parts):
            ledger.sums((name, at, "everyone", field), [(name, at, a, field) for a in arms])


def _single_groups(told: Any) -> None:
    """Tables with a row a group are left out: each row is a handful of people."""
    for node in _nodes(told):
        for key in _SINGLE_GROUPS:
            if node.get(key):
                node[key] = []


def _people_elsewhere(told: dict[str, Any], names: set[str]) -> None:
    """The people of an outcome whose number is withheld, in every other result on it, and the raw shares of who was observed."""
    for key, part in told.items():
        if key in ("flow", "balance", "harms"):
            continue
        for node in _nodes(part):
            if str(node.get("outcome")) in names:
                node.update({k: SECONDARY for k in _PEOPLE if isinstance(node.get(k), (int, float))})
    if told["selection"] is not None:
        for name, rules in told["selection"]["missing"].items():
            for node in _nodes(rules) if name in names else ():
                node.update({k: SECONDARY for k in _PEOPLE if isinstance(node.get(k), (int, float))})
                node.update({k: None for k in ("share_observed_arm", "share_observed_control", "trim") if k in node})
    for node in _nodes(told):
        # people on their own count as units, so that these give the people away
        if isinstance(node.get("n"), str) and isinstance(node.get("n_clusters"), (int, float)):
            node["n_clusters"] = SECONDARY


def _filled_in(told: dict[str, Any], names: set[str]) -> None:
    """What moves in proportion to the share lost: estimates with everyone lost at one value or moved by an amount, bounds that are as wide as that share."""
    shares = {o["name"] for o in told["outcomes"] if is_of_shares(o["measure"])}
    missing = {} if told["selection"] is None else told["selection"]["missing"]
    for name, rules in missing.items():
        for key, result in rules.items() if name in names else ():
            rule = key.partition(":")[0]
            if rule not in _PROPORTIONAL and not (rule == "lee_bounds" and name in shares):
                continue
            for row in (*(result.get("table") or ()), *(result.get("estimates") or ())):
                if row.get("scenario") != "as observed" and row.get("delta") != 0:
                    row.update({k: None for k in (*_NUMBERS, *_ENDS) if k in row})
    for row in (told["after"].get("tests") or {}).get("table", ()):
        if row["test"] == "missing" and row["outcome"] in names and row["method"] in _PROPORTIONAL:
            row.update({k: None for k in _NUMBERS if k in row})


def _gone(before: Any, after: Any) -> Iterator[float]:
    """Unrounded numbers that stood in the content and were taken away."""
    if isinstance(before, dict):
        # a coarser curve keeps some of its values, and edges of bars are no counts
        for k, v in before.items() if not isinstance(before.get("at_risk"), list) else ():
            if k == "edges":
                continue
            yield from _gone(v, after.get(k) if isinstance(after, dict) else None)
    elif isinstance(before, (list, tuple)):
        same = isinstance(after, (list, tuple)) and len(after) == len(before)
        for i, v in enumerate(before):
            yield from _gone(v, after[i] if same else None)
    elif isinstance(before, float) and after is None and len(repr(before)) > _LONG:
        yield before


def _everywhere(value: Any, gone: set[float]) -> None:
    """A number that was taken away in one place is taken away wherever it stands."""
    for node in _nodes(value):
        for k, v in node.items():
            if isinstance(v, float) and v in gone:
                node[k] = None
            elif isinstance(v, list):
                node[k] = [None if isinstance(x, float) and x in gone else x for x in v]


def _rounded(told: Any) -> None:
    """Numbers beside a withheld count to three digits: an unrounded mean of whole numbers is a fraction that shows its denominator."""
    for node in _nodes(told):
        if _marked([node]):
            node.update(
                {k: float(f"{v:.3g}") for k, v in node.items() if isinstance(v, float) and math.isfinite(v) and k != "conf_level"}
            )


def _texts(told: Any, least: int) -> None:
    """Small numbers of people inside sentences; lists of sentences with numbers beside a table with withheld cells."""

    of_arms = {str(r["arm"]): r["people"] for r in told["flow"]["table"] if r["stage"] == "randomized"}
    named = "|".join(re.escape(str(a["name"])) for a in sorted(told["arms"], key=lambda a: -len(str(a["name"]))))
    by_arm = re.compile(rf"(?<!\w)({named}): (\d+)\b")

    def small(arm: str, count: int) -> bool:
        rest = of_arms.get(arm)
        return 1 <= count < least or (isinstance(rest, (int, float)) and 1 <= rest - count < least)

    def masked(text: str) -> str:
        text = _COUNTED.sub(lambda m: f"<{least}" if 1 <= int(m[1]) < least else m[0], _ROWS.sub("", text))
        if not any(small(arm, int(n)) for arm, n in by_arm.findall(text)):
            return text
        # one small count of a list by arm follows from the others and their sum
        marks = {True: f"<{least}", False: SECONDARY}
        text = by_arm.sub(lambda m: f"{m[1]}: {'0' if m[2] == '0' else marks[int(m[2]) < least]}", text)
        return _TOTAL.sub(SECONDARY, text)

    for node in _nodes(told):
        marked = _marked(node.get("table"))
        details = node.get("details")
        if marked and isinstance(details, dict):
            details.update({k: [] for k in ("words", "verdicts") if isinstance(details.get(k), list)})
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                node[key] = masked(value)
            elif key in _SENTENCES and isinstance(value, list):
                node[key] = [masked(v) if isinstance(v, str) else v for v in value]


def _marked(rows: Any) -> bool:
    return isinstance(rows, list) and any(
        isinstance(v, str) and (v == "*" or re.fullmatch(r"<\d+", v)) for r in rows if isinstance(r, dict) for v in r.values()
    )


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for v in list(value.values()):
            yield from _nodes(v)
    elif isinstance(value, list):
        for v in value:
            yield from _nodes(v)


def _numbers_in(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_numbers_in(v) for v in value.values())
    if isinstance(value, list):
        return sum(_numbers_in(v) for v in value)
    return int(isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value))
