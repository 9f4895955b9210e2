"""Entries of expressions as terms, and what power means and inner functions prove of them."""
