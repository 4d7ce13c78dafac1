"""Power of tests: closed forms and quadratures."""
