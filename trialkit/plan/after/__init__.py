"""What a run adds for the documents after the analysis: facts of the plan, its tests one by one, and verdicts by evidence standards."""
