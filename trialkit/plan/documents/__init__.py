"""Documents that come before the data, from the plan alone: analysis plan, registry texts, protocol skeleton, methods and the lines for R and Stata."""
