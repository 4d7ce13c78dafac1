"""Effects on outcomes that are not measured on an interval scale: shares, counts, ordered categories, quantiles, money."""
