"""The linear mixed model: random intercepts of groups, clusters, sites or facilitators, by REML."""
