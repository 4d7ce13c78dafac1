"""What `--help` adds to the options: a summary that fits on its line, what kind of value an option takes, and lines to type next."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["helped", "in_words"]

FIRST = (
    "trialkit init plan.toml                a commented plan, and made-up data that fit it",
    "trialkit check plan.toml               the plan in words, and what to look at again",
    "trialkit power plan.toml               what a study of this size can find",
    "trialkit lock plan.toml                before the data exist",
    "trialkit randomize plan.toml people.csv",
    "trialkit check plan.toml data.csv      do the data fit the plan?",
    "trialkit run plan.toml data.csv        every planned analysis, and the report",
)
# command: summary in the list of commands, examples below its options
COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "init": (
        "Write a first plan, and made-up data that fit it.",
        (
            "trialkit init plan.toml",
            'trialkit init plan.toml --defaults --scale gse --people 300 --treatment peer="A peer group"',
        ),
    ),
    "check": (
        "Explain a plan in words; with DATA, say whether they fit.",
        ("trialkit check plan.toml", "trialkit check plan.toml --lang nl", "trialkit check plan.toml data.csv"),
    ),
    "lock": (
        "Lock a plan, so that later changes show.",
        (
            "trialkit lock plan.toml",
            "trialkit lock plan.toml --amend \"the funder asked for a longer follow-up\"",
            "trialkit lock plan.toml --evidence registration.txt --kind registry",
        ),
    ),
    "run": (
        "Run every planned analysis and write the report.",
        ("trialkit run plan.toml data.csv", "trialkit run plan.toml data.csv --out report --lang nl --lang en"),
    ),
    "report": (
        "Draw a report again from its results.json.",
        ("trialkit report report/results.json --out report_nl --lang nl",),
    ),
    "verify": (
        "Say what a lock, report or certificate proves.",
        (
            "trialkit verify plan.lock.json --data data.csv",
            "trialkit verify report --noted 3f2a91c07b55",
            "trialkit verify allocation/certificate.json --data people.csv",
        ),
    ),
    "deviate": (
        "Log what departs from the locked plan, and why.",
        (
            "trialkit deviate plan.toml --list",
            "trialkit deviate plan.toml --reason \"a site closed\" --timing blinded --severity unchanged --validity reduced --by \"A. Jansen\"",
            "trialkit deviate plan.toml --new \"recruitment ended at 310 people\" --type sample    (what no key of the plan shows)",
        ),
    ),
    "erratum": (
        "After a bug: run again, and show both numbers.",
        ("trialkit erratum report plan.toml data.csv --reason \"error in version 1.2 of ...\" --by \"A. Jansen\"",),
    ),
    "randomize": (
        "Draw who gets what: list, certificate, kept seed.",
        (
            "trialkit randomize plan.toml people.csv --dry-run",
            "trialkit randomize plan.toml people.csv",
            "trialkit randomize plan.toml more_people.csv      (the next batch, into the same folder)",
        ),
    ),
    "release": (
        "Publish the seed once enrolment has closed.",
        ("trialkit release allocation --enrolment-closed",),
    ),
    "power": (
        "What the planned study can find, and what would help.",
        (
            "trialkit power plan.toml",
            "trialkit power plan.toml --memo memo.html --language nl",
            "trialkit power plan.toml --simulate 1000 --seed 1",
            "trialkit power plan.toml --search groups --target 0.9 --seed 1",
        ),
    ),
    "simulate": (
        "Write a simulated trial whose truth is known.",
        (
            "trialkit simulate",
            "trialkit simulate klier_2019 --seed 1 --out klier",
            "trialkit simulate --plan plan.toml --seed 1",
        ),
    ),
    "demo": ("The whole story on a simulated trial.", ("trialkit demo", "trialkit demo --folder mine --seed 2")),
    "scales": (
        "List the scales; describe one; start a new one.",
        (
            "trialkit scales",
            "trialkit scales gse",
            "trialkit scales --template capacity_to_act > my_scale.toml",
        ),
    ),
    "export": (
        "Write documents of a plan, a report or data.",
        (
            "trialkit export plan.toml --as sap,methods",
            "trialkit export report --as consort",
            "trialkit export data.csv --as dictionary",
        ),
    ),
    "schema": ("Print the JSON Schema of a plan, for an editor.", ("trialkit schema > plan.schema.json",)),
    "blind": ("Run the plan without seeing its answer.", ()),
    "simulated": (
        "The whole plan on made-up data.",
        (
            "trialkit blind simulated plan.toml --seed 1",
            "trialkit blind simulated plan.toml --seed 1 --truth null",
        ),
    ),
    "rerandomized": (
        "The whole plan on real data, with made-up arms.",
        (
            "trialkit blind rerandomized plan.toml data.csv --seed 1",
            "trialkit blind rerandomized plan.toml data.csv --seed 1 --repeat 500",
        ),
    ),
    "masked": (
        "Data to clean, without arms or groups.",
        ("trialkit blind masked plan.toml data.csv --key ../kept/masked.key.json",),
    ),
    "unblind": (
        "Log who sees the real arms, and when.",
        ("trialkit blind unblind plan.toml data.csv --by \"C. de Vries\" --reason \"cleaning is done\"",),
    ),
}  # fmt: skip
NUMBERS = ("seed", "simulate", "workers", "repeat", "people", "icc")
FILES = ("lock", "plan", "evidence", "data", "key", "memo")

# What the library of the command line says, and how it is said here.
_SAID = (
    (r"^Missing (?:argument|option) '?([^'.]+)'?\.?$", r"\1 is missing."),
    (r"^No such option: (\S+)\s*\(Possible options: (.+)\)$", r"there is no option \1. Did you mean \2?"),
    (r"^No such option: (\S+?)\.?$", r"there is no option \1."),
    (r"^No such option: (\S+) Did you mean (\S+?)\??$", r"there is no option \1. Did you mean \2?"),
    (r"^No such command '([^']*)'\.?", r"there is no command '\1'."),
    (r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)$", r"'\1' is too much; text of several words stands in quotes."),
    (r"^Invalid value for '?([^':]+)'?: .*(?:valid integer|not a valid int).*$", r"\1 takes a whole number, as in 100."),
    (r"^Invalid value for '?([^':]+)'?: .*(?:valid number|not a valid float).*$", r"\1 takes a number with a decimal point, as in 0.8."),
    (r"^Invalid value for '?([^':]+)'?: .*(?:greater than or equal to |x>=)(-?[0-9]+).*$", r"\1 must be \2 or more."),
    (r"^Option '?([^' ]+)'? requires an argument\.?$", r"\1 takes a value after it."),
)  # fmt: skip


def in_words(message: str) -> str:
    """A complaint about the arguments, in the words of the other messages."""
    said = message.strip()
    for pattern, words in _SAID:
        said = re.sub(pattern, words, said)
    return said if said.endswith((".", "?", "!")) else f"{said}."


def helped(command: Any, name: str | None = None) -> Any:
    """A command whose help tells what each option takes and what to type next; so for the commands below it."""
    summary, examples = COMMANDS.get(name or "", ("", FIRST if name is None else ()))
    if summary:
        command.short_help = summary
    if examples:
        opens = "A first trial, step by step:" if name is None else "Examples:" if len(examples) > 1 else "Example:"
        command.epilog = "\n".join(["\b", opens, *(f"  {line}" for line in examples)])
    for option in command.params:
        if option.param_type_name == "argument":
            option.display_type_rich = lambda ctx: ""  # its name in capitals says enough
        elif not getattr(option, "is_flag", False) and option.metavar is None:
            option.metavar = _taken(option, name)
    for below, inner in getattr(command, "commands", {}).items():
        helped(inner, below)
    return command


def _taken(option: Any, command: str | None) -> str:
    """What an option takes: NUMBER, FILE, FOLDER, LANGUAGE or TEXT."""
    word = option.opts[0].lstrip("-")
    if word == "language":
        return "LANGUAGE"
    if (
        (word in NUMBERS and command != "init")
        or (command == "power" and word == "target")
        or (command == "init" and word == "seed")
    ):
        return "NUMBER"
    if word == "folder" or (word == "out" and command != "lock"):
        return "FOLDER"
    return "FILE" if word in (*FILES, "out") else "TEXT"
