"""Scales: the registry, files of one's own, and what is said about mistakes in them."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from trialkit.errors import FileReadError, ScaleError
from trialkit.measurement import Scale, UnverifiedScaleWarning, scale, scales, score, score_long
from trialkit.measurement.questionnaires.facts import ALWAYS_STATED

OWN = """
key = "trust"
name = "Trust in the municipality"
construct = "trust"
reference = "own questionnaire"
licence = "own work"
direction = "higher"
measures = "a higher score means more trust"
items = 4
codes = { min = 1, max = 5 }
missing = "all_required"

[forms.standard]
reversed = [2]
score = "mean"

[forms.standard.subscales]
council = [1, 2]
officials = [3, 4]
"""


@pytest.fixture
def own(tmp_path):
    def write(text: str = OWN, name: str = "trust.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_scales_lists_the_registry():
    table = scales()
    assert list(table.columns) == ["key", "name", "items", "codes", "range", "direction", "licence", "verified", "verified_share"]
    row = table.set_index("key").loc["gse", ["items", "codes", "range", "direction", "verified"]]
    assert row.tolist() == [10, "1-4", "10-40", "higher", True]
    assert table.set_index("key").loc["rosenberg", "range"] == "0-30"


def test_unknown_keys_and_forms_propose_the_near_name():
    with pytest.raises(ScaleError, match=r"'gse_10'.*Did you mean 'gse'"):
        scale("gse_10")
    with pytest.raises(ScaleError, match=r"'xylophone'.*'ces_d'.*from_toml"):
        scale("xylophone")
    with pytest.raises(ScaleError, match=r"from_toml"):
        scale("my/own.toml")
    with pytest.raises(ScaleError, match=r"no form 'means'.*'mean'"):
        scale("gse", form="means")
    with pytest.raises(ScaleError, match=r"no subscale 'anger'"):
        scale("gse").subscale_items("anger")


def test_a_form_must_be_named_when_two_orders_circulate():
    entry = scale("rosenberg")
    assert entry.form is None
    with pytest.raises(ScaleError, match=r"must be named.*2, 5, 6, 8 and 9.*3, 5, 8, 9 and 10"):
        _ = entry.chosen


def test_scales_are_frozen_and_travel_to_workers():
    entry = scale("gse")
    with pytest.raises(ValidationError, match=r"frozen"):
        entry.items = 9
    assert pickle.loads(pickle.dumps(entry)) == entry
    assert scale("gse", form="mean").form == "mean"
    assert entry.form == "sum", "choosing a form leaves the registry's scale alone"


def test_describe_names_forms_missing_rule_and_what_is_unverified():
    text = scale("rosenberg").describe()
    assert "reversed 2, 5, 6, 8, 9" in text
    assert "the form must be named" in text
    assert "below 15" in text
    assert "no: 'missing' and 'other_codes'" in text
    text = str(scale("ces_d"))
    assert "up to 4 missing answers" in text and "trialkit's choice" in text and "16 or more" in text


def test_unverified_scale_warns_once_and_names_the_fields(fresh_warnings):
    data = pd.DataFrame({f"j{i}": [1, 5] for i in range(1, 7)})
    with pytest.warns(UnverifiedScaleWarning, match=r"'reference', 'licence', 'items', 'reversed' and 'missing'") as caught:
        score(data, "jobs_search_self_efficacy", items="j{item}")
    assert caught[0].filename == __file__, "the warning points at the user's line"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score(data, "jobs_search_self_efficacy", items="j{item}")


def test_the_warning_points_at_the_users_line_however_the_scale_is_scored(fresh_warnings):
    data = pd.DataFrame({f"j{i}": [1, 5] for i in range(1, 7)})
    with pytest.warns(UnverifiedScaleWarning) as caught:
        score(data, "job_search_effort", items="j{item}".replace("j", "{wave}"), waves=["j"])
        rows = pd.DataFrame({"id": [1] * 6, "item": range(1, 7), "answer": [2] * 6})
        score_long(rows, "jobs_search_self_efficacy", person="id", item="item", answer="answer")
    assert [c.filename for c in caught] == [__file__] * 2


def test_verified_scale_does_not_warn(fresh_warnings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score(pd.DataFrame({f"w{i}": [1, 5] for i in range(1, 6)}), "who5", items="w{item}")


# --- files of one's own -------------------------------------------------------------------------------------------------


def test_own_scale_scores_with_subscales(own, fresh_warnings):
    entry = Scale.from_toml(own())
    data = pd.DataFrame({"t1": [5, 2], "t2": [1, 4], "t3": [4, 3], "t4": [3, np.nan]})
    with pytest.warns(UnverifiedScaleWarning, match=r"'trust'.*'reference', 'licence'.*own questionnaire\. .*\[sources\]"):
        total = score(data, entry, items="t{item}")
    # person 1: 5, 6 - 1 = 5, 4, 3 -> 17 / 4
    assert total.values.iloc[0] == 4.25
    assert np.isnan(total.values.iloc[1])
    council = score(data, entry, items="t{item}", subscale="council")
    assert council.values.tolist() == [5.0, 2.0]
    assert council.range == (1, 5)
    assert council.values.name == "trust_council"


def test_own_scale_is_verified_once_every_field_has_a_source(own):
    fields = [*ALWAYS_STATED, "subscales"]
    sources = "\n[sources]\n" + "\n".join(f'{f} = {{ status = "V", source = "own" }}' for f in fields)
    assert Scale.from_toml(own(OWN + sources)).verified
    without = sources.replace('items = { status = "V"', 'items = { status = "M"')
    assert Scale.from_toml(own(OWN + without)).unverified == ("items",)


def test_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf" + OWN.encode())
    assert Scale.from_toml(str(path)).construct == "trust"


MISTAKES = {
    "misspelled key": ("licence =", "license =", [r"`license` \(line 6\)", "Did you mean `licence`", "`licence` is absent"]),
    "misspelled key of a form": (
        "reversed = [2]",
        "reversd = [2]",
        [r"`forms.standard.reversd` \(line 14\)", "Did you mean `reversed`"],
    ),
    "misspelled option": ('"mean"', '"maen"', ["'maen'", "'sum' or 'mean'", "Did you mean 'mean'"]),
    "misspelled direction": ('"higher"', '"highest"', ["direction", "'higher' or 'lower'", "Did you mean 'higher'"]),
    "key in the wrong place": ("items = 4", "items = 4\nreversed = [2]", ["`reversed`", r"\[forms.<name of the form>\]"]),
    "text for a number": ("items = 4", 'items = "4"', [r"`items` \(line 9\)", "whole number without quotes"]),
    "true for a number": ("items = 4", "items = true", ["`items`", "whole number"]),
    "item that does not exist": ("reversed = [2]", "reversed = [2, 5]", ["forms.standard.reversed", "items 1 to 4, not 5"]),
    "item listed twice": ("[3, 4]", "[3, 3]", ["subscales.officials", "twice"]),
    "codes upside down": ("min = 1, max = 5", "min = 5, max = 1", ["codes", r"lowest code \(5\)", r"highest \(1\)"]),
    "no codes": ("codes = { min = 1, max = 5 }\n", "", ["`codes` is absent", "codes = { min = 1, max = 5 }"]),
    "codes as a list": ("{ min = 1, max = 5 }", "[1, 5]", ["`codes`", "must be a table", "codes = { min = 1, max = 5 }"]),
    "unknown missing rule": ('"all_required"', '"mean"', ["'mean' is no missing rule", "mean_of_answered"]),
    "missing rule that scores nobody's answers": (
        'missing = "all_required"',
        'missing = { max_missing = 4, rule = "mean_of_answered" }',
        ["max_missing = 4 must be below the number of items, 4"],
    ),
    "limit without a rule": ('missing = "all_required"', "missing = { max_missing = 2 }", ["missing", "mean_of_answered"]),
    "unknown default form": ("items = 4", 'items = 4\ndefault_form = "short"', ["default_form", "no form 'short'", "'standard'"]),
    "empty name": ('"Trust in the municipality"', '" "', ["`name`", "is empty"]),
    "key with a blank": ('key = "trust"', 'key = "my trust"', ["`key`", "letters, digits and _"]),
    "not TOML": ("items = 4", "items = four", ["not valid TOML", "line 9"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_a_file_name_file_key_and_remedy(own, mistake):
    right, wrong, expected = MISTAKES[mistake]
    assert right in OWN
    with pytest.raises(ScaleError, match=r"trust\.toml") as caught:
        Scale.from_toml(own(OWN.replace(right, wrong, 1)))
    for pattern in expected:
        assert caught.match(pattern)


def test_misspelled_source_and_cut_off_outside_the_range(own):
    with pytest.raises(ScaleError, match=r"no field 'licens'; did you mean 'licence'"):
        Scale.from_toml(own(OWN + '\n[sources]\nlicens = { status = "V", source = "own" }'))
    with pytest.raises(ScaleError, match=r"sources.items.status.*'X'"):
        Scale.from_toml(own(OWN + '\n[sources]\nitems = { status = "X", source = "own" }'))
    cut = '\n[[cut_offs]]\nvalue = 12\nside = "above"\nmeaning = "high"\nsource = "own"'
    with pytest.raises(ScaleError, match=r"12 lies outside the range 1-5"):
        Scale.from_toml(own(OWN + cut))


def test_absent_and_unreadable_files(own, tmp_path):
    path = own()
    with pytest.raises(FileReadError, match=r"Did you mean '.*trust.toml'"):
        Scale.from_toml(path.with_name("trsut.toml"))
    latin = tmp_path / "latin.toml"
    latin.write_bytes('name = "Solidarité"'.encode("latin-1"))
    with pytest.raises(ScaleError, match=r"UTF-8"):
        Scale.from_toml(latin)
    with pytest.raises(FileReadError, match=r"must be a TOML file"):
        Scale.from_toml(tmp_path)
