"""Covariates of a design: as numbers, their balance over draws or of an allocation, and the imbalance that rerandomization bounds."""
