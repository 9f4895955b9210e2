"""The composition calculus: what is known of each entry follows from what is known of its parts.

Read `facts`, then `shapes` (functions of one number), `rules` and `matrix_rules` (atoms),
`composition` (the walk over the nodes: kind "rules"). `intervals` has the bounds, rational ends
that may be infinite; `products` are those of matrices.
"""
