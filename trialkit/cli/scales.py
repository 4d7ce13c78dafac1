"""`trialkit scales`: the registry as a list, one scale in words, a template."""

from __future__ import annotations

from trialkit.cli.show import Told
from trialkit.measurement import Scale, scale, template
from trialkit.measurement import scales as registered
from trialkit.measurement import templates as known_templates

# What is longer is told in full by `trialkit scales KEY` and by --json.
SHORTENED = {"name": 44, "licence": 36}


def listed() -> Told:
    """Every scale in a line: name, items, range, direction, licence, verified share."""
    table = registered()
    shown = table.drop(columns=["verified"]).assign(verified_share=[f"{share:.0%}" for share in table["verified_share"]])
    for column, width in SHORTENED.items():
        shown[column] = [text if len(text) <= width else f"{text[: width - 3].rstrip()}..." for text in shown[column]]
    wide = {column: int(shown[column].str.len().max()) for column in ("key", "name", "licence")}
    formatters = {column: f"{{:<{width}}}".format for column, width in wide.items()}
    text = shown.rename(columns={"verified_share": "verified"}).to_string(index=False, formatters=formatters, justify="left")
    more = (
        f"trialkit scales KEY describes one; templates for new scales: trialkit scales --template {' | '.join(known_templates())}"
    )
    return Told("\n".join([*(line.rstrip() for line in text.splitlines()), "", more]), {"scales": table.to_dict("records")})


def described(name: str) -> Told:
    """One scale, from the registry or from a file."""
    entry = Scale.from_toml(name) if name.endswith(".toml") else scale(name)
    content = entry.model_dump(mode="json", by_alias=True) | {
        "verified_share": entry.verified_share,
        "unverified": list(entry.unverified),
    }
    return Told(entry.describe(), content)


def template_text(name: str) -> str:
    """The template without its last line end, which printing adds."""
    return template(name).rstrip("\n")
