"""Run the plan of klier_2019 on the simulated data and print each estimate beside the truth.

From the top of the repository: `python analyses/klier_2019/run.py [folder for the report]`.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from planned import main  # noqa: E402  (the folder above is not a package)

if __name__ == "__main__":
    sys.exit(main(HERE.name, sys.argv[1:]))
