"""The English of deviations, unplanned analyses and errata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trialkit.report.document import among


class DeviationWords:
    """Words on the distance between plan and analysis."""

    deviation_choices: ClassVar[Mapping[str, str]] = {
        "hypothesis": "hypothesis", "sample": "sample", "measure": "measure", "exclusion": "who or what is left out", "model": "model",
        "multiplicity": "correction for several tests", "software": "software",
        "before_data": "before there were data", "blinded": "with data, the arms not known", "after_unblinding": "after the arms were known",
        "unchanged": "unchanged", "reduced": "reduced", "increased": "increased", "unclear": "unclear",
    }  # fmt: skip
    severity_row, validity_row = "Severity of the test", "Validity of the conclusion"
    logged_late = "It was logged after the real arms had been seen: nothing here shows that it was decided earlier."
    no_longer = "This change is no longer in the plan that was run."
    changed_both = "The plan that was run differs from the locked one. Every change is in the ledger, and both plans were run on the same data."
    changed_one = "The plan that was run differs from the locked one. Every change is in the ledger."
    changes_caption = "What differs between the locked plan and the plan that was run"
    key_header, locked_header, run_header, entry_header = "Key of the plan", "Locked", "Run", "Entry"
    side_caption = "The outcomes by the locked plan and by the plan that was run"
    as_planned, as_changed = "as planned", "as changed"
    only_planned, only_changed = "only in the locked plan", "only in the changed plan"
    all_same = "Every outcome comes out the same by both plans."
    noticed_title = "Noticed by the software, not logged by anyone"
    entries_title = "The ledger"
    status_changed = "The plan was locked, and changed afterwards"
    status_unplanned, status_erratum = "Not planned", "Erratum"

    @staticmethod
    def changed_points(n: int) -> str:
        """For the status strip."""
        return f"{n} point{'' if n == 1 else 's'} of the locked plan {'was' if n == 1 else 'were'} changed; each change stands in the ledger, with its reason."

    @staticmethod
    def planned_not_run(reason: str) -> str:
        """Why there is no second column."""
        return among(
            "The locked plan could not be run on these data, so its results are not shown beside these. The reason: ", reason
        )

    @staticmethod
    def side_note(same: str, level: str) -> str:
        """Beneath the table; `same` is a count, '0' for none."""
        told = (
            "" if same == "0" else f" {same} further outcome{' comes' if same == '1' else 's come'} out the same by both plans."
        )
        return f"Estimates with {level} intervals. The rest of this report is by the plan that was run.{told}"

    @staticmethod
    def noticed(kind: str, what: str, planned: str, reached: str) -> str:
        """What the run found to be otherwise than planned."""
        return {
            "people": f"The plan has {planned} people; the data hold {reached}.",
            "clusters": f"The plan has {planned} clusters; the data hold {reached}.",
            "group_size": f"Groups in “{what}” were planned with {planned} people; the data hold groups of {reached}.",
            "wave": f"Nobody has a score: {what}.",
            "definition": f"The definition of the scale “{what}” in the registry is not the one of the lock.",
            "version": f"{what} was version {planned} when the plan was locked, and is {reached} now.",
            "code": "The files of the software are not those of the lock, though its version is the same.",
        }.get(kind, f"{kind} {what}: {planned}; {reached}")

    # --- unplanned
    unplanned_intro = (
        "These analyses were not in the plan. They can suggest a question for a next study; they cannot answer the question of this one, because the "
        "data were known when they were chosen."
    )
    contrast_header, estimate_header = "Comparison", "Estimate"

    @staticmethod
    def unplanned_title(name: str) -> str:
        """A heading that carries the mark."""
        return f"{name} (not planned)"

    @staticmethod
    def unplanned_why(reason: str, by: str, added: str) -> str:
        """Reason, and who added it when."""
        who = f" Added{f' by {by}' if by else ''}{f' on {added}' if added else ''}." if by or added else ""
        return f"Why it was done: {reason}{who}"

    @staticmethod
    def unplanned_count(n: int) -> str:
        """For the status strip."""
        return f"{n} {'analysis' if n == 1 else 'analyses'} added"

    @staticmethod
    def rows_more(shown: str, of: str) -> str:
        """Beneath a table that is cut."""
        return f"The first {shown} of {of} rows."

    # --- erratum
    erratum_caption = "Numbers and readings that moved"
    before_header, after_header, where_header_results = "Before", "After", "Where in results.json"
    erratum_reason, erratum_made, erratum_old, erratum_new = (
        "What was wrong",
        "The earlier report",
        "Software then",
        "Software now",
    )
    erratum_files = "The earlier results stand whole in plan/results.before.json. Numbers count as moved beyond one part in a thousand million (1e-9)."
    erratum_unsealed = "The earlier report was changed after it was written: its own bundle.json does not hold."
    erratum_new_part, erratum_gone_part = "new part", "part that is gone"

    @staticmethod
    def erratum_lead(moved: int, moved_text: str, compared: str) -> str:
        """The outcome in a sentence."""
        if moved == 0:
            return f"The locked plan was run again after a correction of the software. None of {compared} numbers and readings moved."
        return f"The locked plan was run again after a correction of the software. {moved_text} of {compared} numbers and readings moved; this report replaces the earlier one."

    @staticmethod
    def erratum_short(moved: int, moved_text: str) -> str:
        """For the status strip."""
        return "nothing moved" if moved == 0 else f"{moved_text} moved"

    @staticmethod
    def erratum_left_out(names: str) -> str:
        """Unplanned analyses of the earlier report."""
        return f"Analyses of the earlier report that were not planned are not run again, and not shown here: {names}."
