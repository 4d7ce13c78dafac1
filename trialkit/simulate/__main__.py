"""For those who change scenarios: `python -m trialkit.simulate tune|truth|data KEY [...]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trialkit.errors import TrialkitError
from trialkit.simulate.simulated import write_scenario
from trialkit.simulate.spec import load_scenario
from trialkit.simulate.truth import TRUTH_SEED, compute_truth, truth_text
from trialkit.simulate.tune import tuned


def main(arguments: list[str] | None = None) -> int:
    """Tune a scenario (printed), compute and store its truth, or write its data."""
    parser = argparse.ArgumentParser(prog="python -m trialkit.simulate", description="Work on the scenarios of trialkit.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, words in (
        ("tune", "parameters that reach the targets"),
        ("truth", "compute the truth and store it beside the scenario"),
    ):
        sub = verbs.add_parser(verb, help=words)
        sub.add_argument("key")
        sub.add_argument("--people", type=int, default=4_000_000)
    data = verbs.add_parser("data", help="write CSV, codebook and manifest")
    data.add_argument("key")
    data.add_argument("folder", type=Path)
    data.add_argument("--seed", type=int, required=True)
    given = parser.parse_args(arguments)
    try:
        return _run(given)
    except TrialkitError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _run(given: argparse.Namespace) -> int:
    if given.verb == "data":
        print(*write_scenario(given.key, given.folder, given.seed), sep="\n")
        return 0
    spec = load_scenario(given.key)
    if given.verb == "tune":
        found = tuned(spec, people=given.people, seed=TRUTH_SEED, progress=lambda line: print(line, file=sys.stderr))
        print(*(f"{name} = {value:.4f}" for name, value in found.items()), sep="\n")
        return 0
    target = Path(__file__).parent / "scenarios" / f"{given.key}.truth.json"
    target.write_bytes(truth_text(spec, compute_truth(spec, people=given.people, seed=TRUTH_SEED)).encode())
    print(target.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
