"""Piecewise-linear functions exactly: `circuits` writes an expression, `pieces` is the kind."""
