"""What constraints say of the domain, and whether they keep it convex.

`bounded` (bounds that constraints imply), `restated` (equalities used up, leaves replaced) and
`levels` (where a function of one coordinate is at most zero) are kinds; `problems` proves a whole
problem convex, one constraint after the other.
"""
