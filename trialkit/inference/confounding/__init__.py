"""How strong an unmeasured confounder would have to be: robustness values, coefficient stability, E-values, bounds for matched pairs."""
