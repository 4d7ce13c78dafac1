"""Files of a simulated trial: CSV with fixed formats, codebook and manifest, the same bytes everywhere."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from trialkit.simulate.components.answers import Items
from trialkit.simulate.own_scales import own_scale_text
from trialkit.simulate.runner import observed
from trialkit.simulate.spec import ScenarioSpec

__all__ = ["codebook_text", "csv_text", "manifest_text", "write_files"]

MANIFEST_VERSION = 1


def write_files(
    folder: Path, spec: ScenarioSpec, *, data: pd.DataFrame, tables: Mapping[str, pd.DataFrame], plan_text: str, seed: int
) -> tuple[Path, ...]:
    """Write a simulated trial; returns the paths, in the order of the texts."""
    texts = {
        f"{spec.key}.csv": csv_text(data),
        f"{spec.key}.codebook.csv": codebook_text(spec),
        f"{spec.key}.manifest.json": manifest_text(spec, data, tables, seed),
        **({f"{spec.key}.plan.toml": plan_text} if plan_text else {}),
        **{name: own_scale_text(name) for name in spec.scale_files},
        **{f"{spec.key}.{name}.csv": csv_text(table) for name, table in tables.items()},
    }
    return tuple(_write(folder / name, text) for name, text in texts.items())


def csv_text(data: pd.DataFrame) -> str:
    """The data as CSV: whole numbers without a point, missing values blank, lines ended by a line feed."""
    columns = [_cells(data[name].tolist()) for name in data.columns]
    return _csv([list(data.columns), *zip(*columns)])


def codebook_text(spec: ScenarioSpec) -> str:
    """One row a column of the data: label, kind, values, wave, scale, item number, and whether the item is reversed."""
    rows: list[Sequence[object]] = [("column", "label", "kind", "values", "wave", "scale", "item", "reversed")]
    for name, entry in observed(spec):
        if not entry.items:
            rows.append((name, entry.label, entry.kind, entry.values, entry.wave, "", "", ""))
            continue
        part = spec.items_part(entry.items)
        rows.append((name, entry.label, entry.kind, _codes(part), entry.wave, part.spec.key, *_item(part, name)))
    return _csv(rows)


def manifest_text(spec: ScenarioSpec, data: pd.DataFrame, tables: Mapping[str, pd.DataFrame], seed: int) -> str:
    """What the data file is: hash, seed, version of the scenario, rows and columns."""
    content = {
        "manifest_version": MANIFEST_VERSION,
        "scenario": spec.key,
        "version": spec.version,
        "title": spec.title,
        "simulated": True,
        "seed": seed,
        "random_numbers": "numpy PCG64, one stream a part, spawned from the seed by the part's name",
        "file": f"{spec.key}.csv",
        "sha256": _sha256(csv_text(data)),
        "codebook": f"{spec.key}.codebook.csv",
        "codebook_sha256": _sha256(codebook_text(spec)),
        "world_sha256": spec.world_sha256,
        "rows": len(data),
        "columns": list(data.columns),
    }
    if tables:
        content["tables"] = {f"{spec.key}.{k}.csv": _sha256(csv_text(t)) for k, t in tables.items()}
    return json.dumps(content, indent=1) + "\n"


def _cells(values: Iterable[object]) -> list[str]:
    return ["" if pd.isna(v) else str(int(v)) if isinstance(v, float) else str(v) for v in values]


def _codes(part: Items) -> str:
    codes = part.spec.codes
    return f"{codes.min} ({codes.low or 'lowest'}) to {codes.max} ({codes.high or 'highest'})"


def _item(part: Items, column: str) -> tuple[int, str]:
    number = part.columns.index(column) + 1
    return number, "yes" if number in part.spec.chosen.reversed else "no"


def _csv(rows: Iterable[Sequence[object]]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(rows)
    return target.getvalue()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, text: str) -> Path:
    """Write the whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(text.encode())
    return part.replace(path)
