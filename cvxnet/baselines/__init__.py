"""COMPARE: gradient training of the same objective, beside the proved optimum."""
