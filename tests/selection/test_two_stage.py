"""Preference trials and saturation designs: published numbers, invariances, repeated samples, refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import trialkit as tk
from trialkit.errors import ArmError, ColumnNotFoundError, EstimationError, GroupError, MissingDataError, UsageError
from trialkit.inference.two_stage.preference import preference_effects


def exact(mean, sd, n):
    """Values with exactly this mean and SD."""
    v = np.arange(n) - (n - 1) / 2
    return mean + sd * v / v.std(ddof=1)


def test_published_summary_numbers():
    # the example of the R package preference: mean/SD/n of the four cells
    parts = [exact(47.451, 9.172, 49), exact(51.489, 4.321, 21), exact(47.696, 9.736, 74), exact(45.781, 10.029, 64)]
    y = np.concatenate(parts)
    chose, first = (
        np.repeat([True, True, False, False], [49, 21, 74, 64]),
        np.repeat([True, False, True, False], [49, 21, 74, 64]),
    )
    r = preference_effects(y=y, chose=chose, first=first)
    assert r.estimates == pytest.approx([3.66881, -4.48548, 1.915], abs=1e-5)
    assert r.std_errors == pytest.approx([3.19904, 3.18413, 1.68894], abs=1e-5)


def preference_people(rng, n=400, share=0.6):
    chose, prefers = rng.random(n) < 0.5, rng.random(n) < share
    first = np.where(chose, prefers, rng.random(n) < 0.5)
    y = 1.0 * first + 0.8 * prefers + 0.5 * (first == prefers) + rng.normal(size=n)
    return pd.DataFrame(
        {
            "arm": np.where(chose, "choice", "random"),
            "treatment": np.where(first, 1, 2),
            "y": y,
            "site": rng.choice(["a", "b"], n),
        }
    )


def test_preference_effects_are_recovered_with_honest_intervals():
    # treatment 1 adds 1, preferring it .8, having what one prefers .5; 60% prefer treatment 1
    rng = np.random.default_rng(1)
    rows = []
    for _ in range(250):
        t = tk.selection.preference_trial(preference_people(rng), "y").tidy().set_index("effect")
        rows.append(t[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy())
    rows = np.array(rows)
    assert rows[:, :, 0].mean(axis=0) == pytest.approx([0.5, 0.8, 1 + 0.5 * (0.6 - 0.4)], abs=0.05)
    assert rows[:, :, 1].mean(axis=0) == pytest.approx(rows[:, :, 0].std(axis=0), rel=0.15)


def test_turning_the_treatments_round_turns_selection_and_treatment():
    d = preference_people(np.random.default_rng(2))
    one = tk.selection.preference_trial(d, "y", strata=["site"]).tidy().set_index("effect")
    two = (
        tk.selection.preference_trial(d.sample(frac=1, random_state=1), "y", strata=["site"], reference=1)
        .tidy()
        .set_index("effect")
    )
    assert one["contrast"].iloc[0] == "1 - 2" and two["contrast"].iloc[0] == "2 - 1"
    signs = np.array([1, -1, -1])
    assert two["estimate"].to_numpy() == pytest.approx(signs * one["estimate"].to_numpy())
    assert two["std_error"].to_numpy() == pytest.approx(one["std_error"].to_numpy())


def test_preference_json_notes_and_refusals():
    d = preference_people(np.random.default_rng(2))
    gap = tk.selection.preference_trial(d.assign(y=d["y"].where(d.index > 3)), "y")
    assert {"outcome_missing", "precision"} == {n.code for n in gap.notes}
    assert str(tk.Result.from_dict(json.loads(json.dumps(gap.to_dict())))) == str(gap)
    for change, options, error, match in (
        (lambda x: x.drop(columns="arm"), {}, ColumnNotFoundError, "arm"),
        (lambda x: x, {"choice": "chosen"}, ArmError, "chosen"),
        (lambda x: x.assign(treatment=np.arange(len(x)) % 3), {}, ArmError, "two values"),
        (lambda x: x, {"reference": 7}, ArmError, "7"),
        (lambda x: x, {"strata": "site"}, UsageError, "list"),
        (
            lambda x: x.assign(site=np.where(x.index == 0, "lone", x["site"])),
            {"strata": ["site"]},
            EstimationError,
            "Merge strata",
        ),
        (lambda x: x.assign(arm=x["arm"].where(x.index > 0)), {}, MissingDataError, "row 1"),
        (lambda x: x.assign(y=1.0), {}, EstimationError, "same"),
    ):
        with pytest.raises(error, match=match):
            tk.selection.preference_trial(change(d), "y", **options)


def towns(rng, counts=(12, 12, 12), size=20, direct=0.5, spill=1.0, town_sd=0.4):
    rows = []
    for share, number in zip((0.25, 0.5, 0.75), counts):
        for _ in range(number):
            z = np.zeros(size, dtype=int)
            z[: int(size * share)] = 1
            rows.append(
                pd.DataFrame(
                    {
                        "town": len(rows),
                        "share": share,
                        "z": z,
                        "y": direct * z + spill * share + town_sd * rng.normal() + rng.normal(size=size),
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def saturate(d, **options):
    return tk.selection.saturation(d, "y", arm="z", cluster="town", saturation="share", **options)


def test_saturation_effects_and_coverage():
    rng = np.random.default_rng(1)
    truth = {"direct": 0.5, "marginal_direct": 0.5, "spillover_treated": -0.25, "spillover_untreated": -0.25}
    hits = []
    for _ in range(150):
        t = saturate(towns(rng, counts=(8, 14, 6))).tidy()
        v = t["effect"].map(truth)
        hits.append(((t["conf_low"] <= v) & (v <= t["conf_high"])).to_numpy())
    assert (np.abs(np.mean(hits, axis=0) - 0.95) < 0.055).all()


def test_saturation_marginal_counts_clusters():
    r = saturate(towns(np.random.default_rng(2), counts=(8, 14, 6)))
    t = r.tidy().set_index(["effect", "saturation"])["estimate"]
    assert t["marginal_direct", "all"] == pytest.approx(
        (8 * t["direct", "0.25"] + 14 * t["direct", "0.5"] + 6 * t["direct", "0.75"]) / 28
    )
    assert r.means["n_clusters"].tolist() == [8, 14, 6]


def test_saturation_order_labels_and_json():
    d = towns(np.random.default_rng(2))
    one = saturate(d)
    two = saturate(
        d.sample(frac=1, random_state=3).assign(town=lambda f: "t" + f["town"].astype(str), y=lambda f: 10 - 3 * f["y"])
    )
    assert two.tidy()["estimate"].to_numpy() == pytest.approx(-3 * one.tidy()["estimate"].to_numpy())
    assert str(tk.Result.from_dict(json.loads(json.dumps(one.to_dict())))) == str(one)


def test_saturation_refusals():
    d = towns(np.random.default_rng(2))
    for change, error, match in (
        (lambda x: x.assign(share=np.where(x.index == 0, 0.5, x["share"])), GroupError, "more than one 'share'"),
        (lambda x: x.assign(z=np.where(x["town"] == 3, 0, x["z"])), EstimationError, "only treated or only untreated"),
        (lambda x: x.assign(share=0.5), EstimationError, "one value"),
        (lambda x: x.assign(share=np.where(x["town"] == 0, 0.1, x["share"])), EstimationError, "one cluster"),
        (lambda x: x.assign(z=2), ArmError, "two values"),
        (lambda x: x.drop(columns="town"), ColumnNotFoundError, "town"),
        (lambda x: x.assign(town=x["town"].where(x.index > 0)), MissingDataError, "row 1"),
    ):
        with pytest.raises(error, match=match):
            saturate(change(d))
