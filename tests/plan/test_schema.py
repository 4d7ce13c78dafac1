"""The plan as data: the example loads, defaults are written out, contradictions are named."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from tests.plan.conftest import SMALL
from trialkit.plan.locking.canonical import canonical_json
from trialkit.plan.reading.load import PlanFileError, load_spec
from trialkit.plan.reading.template import starter_plan
from trialkit.plan.schema.base import FrozenMap
from trialkit.plan.schema.json_schema import json_schema
from trialkit.plan.schema.outcomes import HedgesG
from trialkit.plan.schema.plan_spec import PlanSpec
from trialkit.plan.words.not_yet import not_yet


def test_example_roles(spec: PlanSpec) -> None:
    assert spec.control == "individual"
    assert spec.grouped_arms == ("peer",)
    assert spec.contrasts == (("peer", "individual"),)
    assert spec.wave_names == ("t0", "t1", "t2")
    assert [o.kind for o in spec.outcomes] == ["column", "scale", "time"]
    assert spec.outcome("self_efficacy").smallest_worthwhile == HedgesG(hedges_g=0.2)
    assert spec.data.missing_codes["-98"] == "does not know"


def test_example_defaults_are_written_out(spec: PlanSpec) -> None:
    plan = spec.to_dict()
    employed, belief, weeks = plan["outcomes"]
    assert (employed["family"], belief["family"], weeks["label"]) == ("primary", "attitudes", "weeks_to_work")
    assert belief["baseline_wave"] == "t0"
    assert weeks["baseline_wave"] is None
    assert employed["estimand"] == {"population": "all_randomized", "average": "participant"}
    assert plan["analysis"]["seed"] == plan["missing"]["seed"] == 20261122
    assert plan["subgroups"][0]["outcomes"] == ["employed"]
    assert plan["analysis"]["covariance"] == "auto"
    assert plan["design"]["allocation"] == {"individual": 1.0, "peer": 1.0}


def test_baseline_comes_first_and_scores_are_made(spec: PlanSpec) -> None:
    belief = spec.outcome("self_efficacy")
    assert spec.adjust_for(belief) == ("self_efficacy_t0", "age", "education", "months_unemployed")
    assert spec.value_column(belief) == "self_efficacy_t1"
    assert spec.score_columns() == {"self_efficacy_t0": ("self_efficacy", "t0"), "self_efficacy_t1": ("self_efficacy", "t1")}


def test_reading_back_what_was_written_out_gives_the_same_plan(spec: PlanSpec) -> None:
    again = PlanSpec.model_validate(spec.to_dict())
    assert again == spec
    assert canonical_json(again.to_dict()) == canonical_json(spec.to_dict())


def test_plan_is_immutable_and_hashable(spec: PlanSpec) -> None:
    assert hash(spec) == hash(PlanSpec.model_validate(spec.to_dict()))
    with pytest.raises(ValidationError, match="frozen"):
        spec.trial.title = "another"  # type: ignore[misc]
    with pytest.raises(TypeError):
        spec.data.missing_codes["-97"] = "new"  # type: ignore[index]


def test_frozen_map_keeps_order_and_equals_a_dict() -> None:
    table = FrozenMap({"b": 1, "a": 2})
    assert list(table) == ["b", "a"]
    assert table == {"a": 2, "b": 1}
    assert hash(table) == hash(FrozenMap({"a": 2, "b": 1}))


def test_order_of_arms_and_waves_is_part_of_the_plan(text: str) -> None:
    swapped = text.replace(
        't1 = "after three months", t2 = "after nine months"', 't2 = "after nine months", t1 = "after three months"'
    )
    assert load_spec(swapped).to_dict() != load_spec(text).to_dict()


def test_small_plan_gets_its_design_from_the_roles() -> None:
    spec = load_spec(SMALL)
    assert (spec.design.scheme, dict(spec.design.allocation)) == ("complete", {"a": 1.0, "b": 1.0})
    stratified = load_spec(SMALL.replace('arm = "arm"', 'arm = "arm"\nstrata = ["s"]\ncluster = "c"'))
    assert stratified.design.scheme == "stratified_clustered"


def test_all_contrasts_of_three_arms() -> None:
    plan = SMALL.replace("b = {}", "b = {}\nc = {}") + '[analysis]\ncontrasts = "all"\n'
    assert load_spec(plan).contrasts == (("b", "a"), ("c", "a"), ("c", "b"))


def test_baseline_wave_none_means_no_adjustment(text: str) -> None:
    spec = load_spec(
        text.replace('wave = "t1"\nrole', 'wave = "t1"\nbaseline_wave = "none"\nrole').replace('wave = "t1"   ', 'wave = "t1"')
    )
    belief = spec.outcome("self_efficacy")
    assert belief.baseline_wave is None
    assert "self_efficacy_t0" not in spec.adjust_for(belief)


def test_not_yet_names_every_part_that_cannot_be_run(spec: PlanSpec) -> None:
    told = not_yet(spec)
    assert not any("[[mediation]]" in part for part in told)
    assert not any("[missing]" in part or "[selection]" in part for part in told)
    assert not_yet(load_spec(SMALL)) == []


CONTRADICTIONS = [
    ('column = "y1"', 'column = "y1"\nmeasure = "hazard_ratio"', "needs time = ... and event = ..."),
    ('column = "y1"', 'time = "t"\nevent = "e"', "hazard_ratio"),
    ('column = "y1"', 'time = "t"', "has a time but no event"),
    ('column = "y1"', 'event = "e"', "column = ..., or scale = ..."),
    ('column = "y1"', 'column = "y1"\ntime = "t"\nevent = "e"', "keep one of them"),
    ('column = "y1"', 'column = "y1"\nscale = "s"', "keep one of them"),
    ('column = "y1"', 'column = "y1"\nnoninferiority = 1', "better"),
    ('column = "y1"', 'column = "y1"\nequivalence = 1\nnoninferiority = 1\nbetter = "higher"', "keep one"),
    ('column = "y1"', 'column = "y1"\nmeasure = "win_odds"', "better"),
    (
        'column = "y1"',
        'column = "y1"\nmeasure = "risk_difference"\nsmallest_worthwhile = 5',
        "write 0.05 for 5 percentage points",
    ),
    ('column = "y1"', 'column = "y1"\nmeasure = "odds_ratio"\nsmallest_worthwhile = { hedges_g = 0.2 }', "standard deviations"),
    ('column = "y1"', 'column = "y1"\nadjust = ["y1"]', "is the outcome 'y' itself"),
    ('column = "y1"', 'column = "y1"\nbaseline = "y1"', "own column"),
    ('column = "y1"', 'column = "arm"', "not an outcome"),
    ('column = "y1"', 'column = "y1"\nq = 0.3', "q belongs to 'quantile'"),
    ('column = "y1"', 'column = "y1"\nwave = "t1"', "[data] waves"),
    ('column = "y1"', 'column = "y1"\nestimand = { average = "group" }', "needs groups"),
    ('column = "y1"', 'column = "y1"\nestimand = { population = "compliers" }', "uptake"),
    (
        'column = "y1"',
        'column = "y1"\nmeasure = "risk_difference"\nassume = { control_rate = 0.9, effect = 0.2 }',
        "no share between",
    ),
    ('column = "y1"', 'column = "y1"\nintercurrent = { died = { strategy = "hypothetical" } }', "scenario"),
    ('column = "y1"', 'column = "y1"\nestimator = "difference_in_means"\nbaseline = "y0"', "takes no covariates"),
    ('role = "primary"', 'role = "primary"\n[[outcomes]]\nname = "y"\ncolumn = "z"\nrole = "secondary"', "is used twice"),
    ("b = {}", "", "at least two arms"),
    ("b = {}", "b = { control = true }", "all have control = true"),
    ("a = { control = true }", "a = {}", "no arm is the control"),
    ("b = {}", "b = { grouped = true }", 'group = "group"'),
    ("b = {}", '"b - c" = {}', "reads as a contrast"),
    ("b = {}", 'b = { name = "c" }', "already the name"),
    ('arm = "arm"', 'arm = "id"', "a column has one of these roles"),
    ('arm = "arm"', 'arm = "arm"\ngroup = "g"', "no arm has grouped = true"),
    ('arm = "arm"', 'arm = "arm"\nfacilitator = "f"', "group column too"),
    ('arm = "arm"', 'arm = "arm"\nstrata = ["arm"]', "cannot be a stratum"),
    ('arm = "arm"', 'arm = "arm"\nwaves = { "t 1" = "x" }', "one word"),
    ("[[outcomes]]", '[design]\nscheme = "clustered"\n[[outcomes]]', "needs [data] cluster"),
    ("[[outcomes]]", '[design]\nscheme = "matched_pairs"\n[[outcomes]]', "the column of the pair"),
    ("[[outcomes]]", "[design]\nallocation = { a = 1 }\n[[outcomes]]", "leaves out 'b'"),
    ("[[outcomes]]", "[design]\nclusters = 12\n[[outcomes]]", "no cluster column"),
    ("[[outcomes]]", "[design]\ngroups = { size = [4, 6] }\n[[outcomes]]", "no arm has grouped"),
    ("[[outcomes]]", '[[scales]]\nname = "s"\nscale = "gse"\nitems = "s_{wave}"\n[[outcomes]]', "{item} once"),
    ("[[outcomes]]", '[[scales]]\nname = "s"\nscale = "gse"\nitems = "s_{nr}"\n[[outcomes]]', "not {nr}"),
    ("[[outcomes]]", '[[scales]]\nname = "s"\nscale = "gse"\nitems = "s_{wave}_{item}"\n[[outcomes]]', "[data] waves"),
    ("[[outcomes]]", '[[scales]]\nname = "s"\nscale = "gsee"\nitems = "s_{item}"\n[[outcomes]]', "Did you mean 'gse'?"),
    ('"primary"', '"primary"\n[analysis]\ncovariance = "CR2"', "this trial has none"),
    ('"primary"', '"primary"\n[analysis]\nadjust = ["arm"]', "cannot be a covariate"),
    ('"primary"', '"primary"\n[analysis]\ndf = "kenward_roger"', "belongs to estimator"),
    ('"primary"', '"primary"\n[analysis]\nestimator = "aipw"', "need a seed"),
    ('"primary"', '"primary"\n[multiplicity]\nmethod = "dunnett"', "several arms"),
    ('"primary"', '"primary"\n[multiplicity]\nmethod = "westfall_young"', "need a seed"),
    ('"primary"', '"primary"\n[missing]\nsensitivity = ["available_cases"]', "already the primary"),
    ('"primary"', '"primary"\n[selection]\ntake_up = true', "uptake"),
    ('"primary"', '"primary"\n[harms]', "needs events"),
    ('"primary"', '"primary"\n[[subgroups]]\nby = "arm"\nkind = "categorical"', "before randomization"),
    ('"primary"', '"primary"\n[[mediation]]\noutcome = "z"\nmediator = { column = "m" }\nseed = 1', "not one of [[outcomes]]"),
    ('"primary"', '"primary"\n[[mediation]]\noutcome = "y"\nmediator = {}\nseed = 1', "either { column"),
    ('"primary"', '"primary"\n[[mediation]]\noutcome = "y"\nmediator = { column = "m" }', "needs 'seed'"),
]


@pytest.mark.parametrize(("old", "new", "said"), CONTRADICTIONS, ids=[c[2][:24] for c in CONTRADICTIONS])
def test_contradictions_are_named_with_the_remedy(old: str, new: str, said: str) -> None:
    assert old in SMALL
    with pytest.raises(PlanFileError) as found:
        load_spec(SMALL.replace(old, new, 1))
    assert said in str(found.value)


def test_mediator_after_the_outcome_is_refused(text: str) -> None:
    later = text.replace('wave = "t1" }\ndraws', 'wave = "t2" }\ndraws').replace(
        '[[mediation]]\noutcome = "employed"', '[[mediation]]\noutcome = "self_efficacy"'
    )
    with pytest.raises(PlanFileError, match="after its outcome"):
        load_spec(later)


def test_scale_with_shares_is_refused(text: str) -> None:
    wrong = text.replace('family = "attitudes"', 'family = "attitudes"\nmeasure = "risk_difference"')
    with pytest.raises(PlanFileError, match="a scale gives scores"):
        load_spec(wrong)


def test_json_schema_knows_every_key_of_the_example(text: str) -> None:
    schema = json_schema()
    unknown: list[str] = []
    _walk(tomllib.loads(text), schema, schema["$defs"], "", unknown)
    assert unknown == []
    assert schema["required"] == ["schema_version", "trial", "arms", "data", "outcomes"]
    assert schema["$defs"]["DataSection"]["properties"]["unit"]["description"] == "the column that identifies a person"
    assert "Wave" not in schema["$defs"]


def test_json_schema_refuses_an_unknown_key() -> None:
    schema = json_schema()
    unknown: list[str] = []
    _walk({"data": {"strat": []}}, schema, schema["$defs"], "", unknown)
    assert unknown == [".data.strat"]


def _walk(value: Any, schema: dict[str, Any], definitions: dict[str, Any], path: str, unknown: list[str]) -> None:
    """Follow the keys of a plan through the schema, noting those it does not know."""
    options = _options(schema, definitions)
    if isinstance(value, list):
        inner = next((o["items"] for o in options if "items" in o), {})
        for entry in value:
            _walk(entry, inner, definitions, path, unknown)
    elif isinstance(value, dict):
        properties = next((o["properties"] for o in options if "properties" in o), {})
        others = next((o["additionalProperties"] for o in options if isinstance(o.get("additionalProperties"), dict)), None)
        for key, inside in value.items():
            if key in properties or others is not None:
                _walk(inside, properties.get(key, others), definitions, f"{path}.{key}", unknown)
            else:
                unknown.append(f"{path}.{key}")


def _options(schema: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    inside = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    inside += [definitions[schema["$ref"].rsplit("/", 1)[1]]] if "$ref" in schema else []
    return [schema, *(o for i in inside for o in _options(i, definitions))]


@pytest.mark.parametrize("kind", ["binary", "number", "scale"])
@pytest.mark.parametrize("grouped", [True, False])
def test_starter_plan_loads(kind: Any, grouped: bool) -> None:
    spec = load_spec(
        starter_plan(
            title='He said "now" \\ \x1f',
            control=("0", "Alone – één"),
            treatment=("peer group", "Together"),
            grouped=grouped,
            kind=kind,
            strata=["agency"],
            adjust=["age"],
            languages=("nl",),
        ).replace("\\u001f", "")
    )
    assert spec.arm_names == ("0", "peer group")
    assert spec.grouped_arms == (("peer group",) if grouped else ())
    assert spec.trial.title == 'He said "now" \\ '
    assert not_yet(spec) == []
    assert spec.primary[0].kind == ("scale" if kind == "scale" else "column")
