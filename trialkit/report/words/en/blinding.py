"""The English of reports on data that are not the trial's, and of when the real arms were seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class BlindingWords:
    """Marks of dry runs, and the record of unblinding."""

    blinding_marks: ClassVar[Mapping[str, str]] = {
        "simulated": "SIMULATED: no real people",
        "rerandomized": "BLINDED: arms are made up",
    }
    blinding_truths: ClassVar[Mapping[str, str]] = {
        "null": "The programme does nothing in these data.",
        "target": "The programme has the effects that the plan assumes.",
    }
    status_unblinded = "Unblinded"
    unblinded_fact = "Unblinded, first"

    def blinding_mark(self, mark: str) -> str:
        """'BLINDED: arms are made up', or another mark as it is."""
        return self.blinding_marks.get(mark, mark.upper())

    def blinding_sentences(self, said: Mapping[str, Any]) -> list[str]:
        """What was made up, and what must not be read into it."""
        mark = said.get("mark")
        found = []
        if mark == "simulated":
            found.append("Every number comes from simulated data, made from the plan. None says anything about the trial.")
            found.append(self.blinding_truths.get(str(said.get("truth")), ""))
        elif mark == "rerandomized":
            found.append(
                "People and answers are real, and the plan's own design drew their arms anew: no difference between the arms is an effect. Real arm, groups and "
                "attendance were taken out before anything was computed."
            )
            if said.get("icc"):
                found.append(
                    f"Members of the made-up groups were made alike (intraclass correlation {self._decimal(said['icc'])})."
                )
        if said.get("seed") is not None:
            found.append(f"Seed {said['seed']}.")
        return [s for s in found if s]

    def unblinded(self, at: str, by: str) -> str:
        """When and by whom."""
        return f"{at}, by {by}" if by else at

    @staticmethod
    def _decimal(value: Any) -> str:
        return f"{float(value):g}"
