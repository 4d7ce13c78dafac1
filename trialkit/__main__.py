"""`python -m trialkit` is `trialkit`."""

from __future__ import annotations

from trialkit.cli import main

if __name__ == "__main__":
    main()
