"""Why cells lie outside their bands: the first finding whose query holds a cell gives its reason, and `docs/calibration/outside.csv` lists them.

`python -m tests.calibration.findings` writes the list anew from the tables, as every `make calibrate` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tests.calibration.tables import FOLDER, coverage_inside, size_inside

UNKNOWN = "cause not found"


@dataclass(frozen=True)
class Table:
    """A table of results, the columns that say which cell a row is, and what is held to which band.

    `units` is the column with the number of groups or clusters; rows of people alone are held to the narrow band.
    """

    name: str
    cell: tuple[str, ...]
    units: str
    held: dict[str, str]

    def inside(self, row: pd.Series, column: str) -> bool:
        units = 10 if "people" in str(row.get("design", "")) else row[self.units]
        return (size_inside if self.held[column] == "size" else coverage_inside)(row[column], units)


@dataclass(frozen=True)
class Finding:
    """Cells of a table (a pandas query) that lie outside for one reason."""

    table: str
    query: str
    reason: str


SIZE, COVERAGE = {"size": "size"}, {"coverage": "coverage"}
TABLES = (
    Table("itt_groups", ("groups", "icc", "variance_ratio"), "groups", SIZE),
    Table("itt_clusters", ("design", "units", "treated_share", "icc"), "units", SIZE),
    Table("strata", ("design", "groups_per_arm", "sizes", "shares", "icc", "estimator"), "groups_per_arm", SIZE | COVERAGE),
    Table(
        "cace",
        ("design", "units_per_arm", "compliers", "always_takers", "selection", "icc"),
        "units_per_arm",
        {
            "t_coverage": "coverage",
            "tf_coverage": "coverage",
            "anderson_rubin_coverage": "coverage",
            "anderson_rubin_size": "size",
        },
    ),
    Table("effect_sizes", ("design", "units_per_arm", "icc", "measure", "effect"), "units_per_arm", COVERAGE),
    Table("family", ("groups", "outcomes", "correlation"), "groups", {"family_wise_error": "size"}),
    Table("randomization", ("groups", "icc"), "groups", SIZE),
    Table("wild_bootstrap", ("design", "units", "treated_share", "icc", "kind"), "units", SIZE),
    Table("meta", ("studies", "tau2", "sizes"), "studies", COVERAGE | {"prediction_coverage": "coverage"}),
)
FINDINGS: tuple[Finding, ...] = ()


def outside() -> pd.DataFrame:
    """Every number outside its band: table, cell, what, value, replicates, reason."""
    rows = []
    for table in TABLES:
        path = FOLDER / f"{table.name}.csv"
        if not path.exists():
            continue
        cells = pd.read_csv(path)
        for column in table.held:
            for _, row in cells.iterrows():
                if table.inside(row, column):
                    continue
                text = ", ".join(f"{c}={row[c]:g}" if isinstance(row[c], float) else f"{c}={row[c]}" for c in table.cell)
                rows.append(
                    {
                        "table": table.name, "what": column, "value": row[column], "replicates": row["replicates"], "cell": text,
                        "reason": reason(table.name, column, row),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def reason(table: str, column: str, row: pd.Series) -> str:
    """Of the first finding that holds the cell; queries may use `what`, the column that is outside."""
    one = pd.DataFrame([row.to_dict() | {"what": column}])
    return next((f.reason for f in FINDINGS if f.table == table and len(one.query(f.query))), UNKNOWN)


def refresh() -> pd.DataFrame:
    """Write the list."""
    found = outside()
    found.to_csv(FOLDER / "outside.csv", index=False, float_format="%.5g", lineterminator="\n")
    return found


if __name__ == "__main__":
    refresh()
