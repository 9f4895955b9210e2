"""Scalar functions: what they are on which intervals, in whatever arithmetic."""
