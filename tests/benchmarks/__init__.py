"""One thread each for trialkit and for what it stands beside: set before numpy is loaded."""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
