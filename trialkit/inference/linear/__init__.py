"""Linear models and averages of two arms: fits, covariances, small-sample degrees of freedom."""
