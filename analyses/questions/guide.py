"""Put the guide together: README.md out of the sections of the questions and the answers that their scripts find.

From the top of the repository: `python analyses/questions/guide.py`. With slugs, as in `guide.py persistence`, it prints those parts only.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from telling import KEYS, interval, number  # noqa: E402  (the folder is not a package)

_HEADING = re.compile(r"^(#+ )", re.MULTILINE)
_LINK = re.compile(r"\]\((?![a-z]+:|#|/)([^)]+)\)")
# in the order of the review
ORDER = (
    "empowerment",
    "composition",
    "institutional_support",
    "online_or_meeting",
    "prevention_or_cure",
    "persistence",
    "is_the_group_decisive",
    "motivation",
    "poorest_not_reached",
    "success_factors",
    "group_survival",
    "welfare_state",
    "loans_and_pressure",
    "no_harm_if_no_help",
    "institutional_capital_transfer",
    "cost_effectiveness",
    "compulsion",
    "generalization",
    "displacement",
    "measured_before",
)
INTRODUCTION = """\
# Questions about group programmes, and the trials that answer them

A review of savings circles, peer groups and job clubs leaves a list of questions: is the group decisive, is online as good as meeting, do the
poorest come at all? For each of them here is a trial that could answer it: its design, its size, its analysis and its answer.

**The data are simulated.** One town ([town.py](town.py)) has people with schooling, debts, motivation and self-efficacy that hang together; each
trial takes its people from there, and the effects are put in. So every answer below can be held against a truth, and so can the answer that
a study without randomization, or one that ignores the groups, would have given. All shares, effects and correlations are assumed, of a
plausible size, and say nothing about any real programme. The random numbers start at seed 1 everywhere, and the seed was not chosen by its results:
some intervals settle nothing, and one in twenty may be expected to miss the truth.

## How to read

- **Design and size**: what is randomized, and how many people and groups were wanted for it. Where groups exist in the treated arm only, the size and
  the errors reckon with that.
- **Truth, naive, estimate**: what was put in; what the usual shortcut reports; what the planned analysis finds, with its 95 % interval.
- **Answer**: a sentence made from the interval by the script. It never says more than the interval: 'not shown' is not 'not there'.
- **Missing**: what the library or the simulation cannot do for this question yet.

Each folder has the plan (`plan.toml`, where plans have words for the design), the script (`run.py`, well under a minute) and its section of this page.
`python analyses/questions/online_or_meeting/run.py` runs one; `python analyses/questions/guide.py` runs all and writes this page.
To do the same with your own trial, copy a plan and replace the assumed numbers: `trialkit check plan.toml` says what is left to decide.
"""


def main(arguments: list[str]) -> int:
    """Write README.md, or print some parts."""
    unknown = [a for a in arguments if a not in slugs()]
    if unknown:
        print(f"no question '{unknown[0]}'; there are {', '.join(slugs())}", file=sys.stderr)
        return 2
    if arguments:
        print("\n".join(part(slug) for slug in arguments))
        return 0
    (HERE / "README.md").write_text(guide(), encoding="utf-8")
    print(f"{len(slugs())} questions: {HERE / 'README.md'}")
    return 0


def slugs() -> tuple[str, ...]:
    """The questions that are here, with a script and a section; a folder that ORDER does not know comes last."""
    here = {p.parent.name for p in HERE.glob("*/run.py") if (p.parent / "README.md").exists()}
    return (*(s for s in ORDER if s in here), *sorted(here - set(ORDER)))


def guide() -> str:
    """The whole page."""
    return "\n".join((INTRODUCTION, contents(slugs()), *(part(s) for s in slugs())))


def contents(of: tuple[str, ...]) -> str:
    """The table of all questions."""
    lines = ["## The questions", "", "| question | design | size | answer |", "|---|---|---|---|", *(row(s) for s in of), ""]
    return "\n".join(lines)


def row(slug: str) -> str:
    """A question's line of the table."""
    found = answer(slug)
    cells = (f"[{found['question']}](#{anchor(title(slug))})", found["design"], found["size"], found["conclusion"])
    return "| " + " | ".join(str(c).replace("|", "/").replace("\n", " ") for c in cells) + " |"


def part(slug: str) -> str:
    """A question's section with its answer."""
    found = answer(slug)
    plan = f"[plan.toml]({slug}/plan.toml), " if (HERE / slug / "plan.toml").exists() else ""
    further = further_results(found.get("rows") or [])
    missing = f"- **Missing**: {found['missing']}\n" if found["missing"] else ""
    return (
        f"{section(slug)}\n\n"
        f"| estimand | truth | naive | estimate | 95 % interval |\n|---|---|---|---|---|\n"
        f"| {found['estimand']} | {said(found['truth'])} | {said(found['naive'])} | {said(found['estimate'])} | {interval(found)} |\n\n"
        f"{further}"
        f"- **Size**: {found['size']}.\n- **Answer**: {found['conclusion']}\n{missing}- {plan}[run.py]({slug}/run.py)\n"
    )


def further_results(rows: Sequence[Mapping[str, Any]]) -> str:
    """The other results of a question as a table, or nothing."""
    if not rows:
        return ""
    names = list(rows[0])
    head = ["further results" if n == "what" else n for n in names]
    lines = [head, ["---"] * len(names), *([str(r.get(n, "")).replace("|", "/") for n in names] for r in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n\n"


def section(slug: str) -> str:
    """The section in a question's folder, one level of headings down and with its links from here."""
    text = (HERE / slug / "README.md").read_text(encoding="utf-8").strip()
    blocks = text.split("```")  # every second one is code, where '#' starts a remark
    blocks[::2] = [_LINK.sub(lambda m: f"]({_from_here(slug, m.group(1))})", _HEADING.sub(r"#\1", b)) for b in blocks[::2]]
    return "```".join(blocks)


def title(slug: str) -> str:
    """The heading of a question's section."""
    return (HERE / slug / "README.md").read_text(encoding="utf-8").lstrip().splitlines()[0].lstrip("# ").strip()


def anchor(heading: str) -> str:
    """The address of a heading on a page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def said(value: Any) -> str:
    """A cell: numbers rounded, words as they are."""
    return value if isinstance(value, str) else number(float(value))


@functools.cache
def answer(slug: str) -> Mapping[str, Any]:
    """What a question's script finds, run once."""
    spec = importlib.util.spec_from_file_location(f"question_{slug}", HERE / slug / "run.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    found: Mapping[str, Any] = script.answer()
    absent = [k for k in KEYS if k not in found]
    if absent:
        raise KeyError(f"the answer of '{slug}' lacks {', '.join(absent)}")
    return found


def _from_here(slug: str, link: str) -> str:
    """A link of a section as seen from this folder: '../town.py' loses its dots, 'plan.toml' gets its folder."""
    return link.removeprefix("../") if link.startswith("../") else f"{slug}/{link}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
