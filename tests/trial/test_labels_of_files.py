"""Labels that came with a file stay with the user's frame and are not copied with every column of the trial."""

from __future__ import annotations

import pandas as pd

import trialkit as tk


def test_the_trials_data_carry_no_labels_and_the_users_frame_keeps_them():
    data = pd.DataFrame({"arm": [0, 1] * 5, "y": range(10)})
    data.attrs["labels"] = {"y": "Outcome"}
    trial = tk.Trial(data, arm="arm", control=0)
    assert trial.data.attrs == {}
    assert data.attrs == {"labels": {"y": "Outcome"}}
