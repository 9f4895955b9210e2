"""Normal forms: entries as polynomials in entries of leaves and in functions of polynomials.

Read `polynomials` (any symbols), `factors` (the symbols), `ranges` (what bounds say of them),
`algebra` (the laws), `conditions` (where there is a value), `atoms` (which atom has which law),
`normal` (the walk over the nodes). `affine` reads equations off, `same` is the kind "same".
"""
