"""Entries of expressions as terms, and what power means and inner functions prove: kind "terms".

Read `table` (terms: each once, in one form), `atoms`, `maker`, `entries` (an expression's entries
as terms), `traits` (what is known of a term), `means` (the rows), `calculus` (the walk over terms),
`inner` (functions of one inner function: `changes` finds it), `one_leaf` with `slopes`, `rational`,
`pieces`, `perspectives`, and `nodes` for parts that other kinds prove; `proofs` is the kind.
"""
