"""NSW job training: the trial, the study without its controls, and the difference between the two taken apart.

From the top of the repository: `python analyses/nsw/run.py`. Data: package `causaldata` (nsw_mixtape, cps_mixtape); without it the script says
how to get it.
"""

from __future__ import annotations

import sys

import pandas as pd

import trialkit as tk

HOW = "The NSW data come with the package 'causaldata', which is not installed. Get it with: pip install \"trialkit[examples]\""
CONTROLS = ["age", "age_squared", "educ", "nodegree", "black", "hisp", "re74", "re75"]
COVARIATES = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
SEED = 1986
DRAWS = 200


def main(arguments: list[str]) -> int:
    """Load, compare with what was published, take the selection bias apart, print."""
    people = load()
    if people is None:
        print(HOW, file=sys.stderr)
        return 0
    men, cps = people
    print(table(men, cps).to_string(index=False))
    found = comparison(men, cps)
    print(f"\n{found}")
    return 0


def load() -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """The 445 men of the trial and the 15,992 of the Current Population Survey; None without the package."""
    try:
        import causaldata
    except ImportError:
        return None
    men, cps = (getattr(causaldata, name).load_pandas().data for name in ("nsw_mixtape", "cps_mixtape"))
    return with_squares(men), with_squares(cps)


def with_squares(people: pd.DataFrame) -> pd.DataFrame:
    """Ages come as 8-bit integers, in which 12 squared no longer fits: as they are, age * age is wrong without a word."""
    people = people.assign(age=people["age"].astype(float))
    return people.assign(age_squared=people["age"] ** 2)


def table(men: pd.DataFrame, cps: pd.DataFrame) -> pd.DataFrame:
    """Estimates (standard errors) in dollars of 1978 beside Dehejia & Wahba (1999, table 3)."""
    trial = tk.Trial(men, arm="treat", control=0)
    survey = tk.Trial(pd.concat([men[men["treat"] == 1], cps], ignore_index=True), arm="treat", control=0)
    rows = [
        ("trial, difference in means, one variance", "1,794 (633)", pooled(trial, [])),
        ("trial, difference in means, variance of the design", "", shown(tk.itt(trial, "re78", estimator="difference_in_means"))),
        ("trial, regression, one variance", "1,672 (638)", pooled(trial, CONTROLS)),
        ("trial, regression, HC2", "", shown(tk.itt(trial, "re78", adjust=CONTROLS))),
        ("trained men - CPS, difference in means", "-8,498 (712)", pooled(survey, [])),
        ("trained men - CPS, regression", "972 (550)", pooled(survey, CONTROLS)),
    ]
    return pd.DataFrame(rows, columns=["what", "published", "found"])


def pooled(trial: tk.Trial, adjust: list[str]) -> str:
    """With one variance for both arms, as regressions were reported at the time."""
    return shown(tk.itt(trial, "re78", adjust=adjust, covariance="classical"))


def shown(result: tk.Result) -> str:
    e = result.estimates[0]
    return f"{e.estimate:,.0f} ({e.std_error:,.0f})"


def comparison(men: pd.DataFrame, cps: pd.DataFrame, n_draws: int = DRAWS) -> tk.Result:
    """The trial's trained men against the survey, and the three parts of the bias."""
    trial = tk.Trial(men, arm="treat", control=0)
    return tk.selection.within_study(trial, "re78", comparison=cps, covariates=COVARIATES, seed=SEED, n_draws=n_draws)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
