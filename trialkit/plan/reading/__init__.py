"""From a TOML file to a plan, with errors that name the line and the remedy."""
