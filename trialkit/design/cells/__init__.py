"""What cells of exchangeable units are drawn from: units and strata, numbers in each arm, leftover places, orders within a cell."""
