"""What constraints say of the domain, and whether they keep it convex.

`bounded` (bounds that constraints imply) and `restated` (equalities used up, leaves replaced) are
kinds; `problems` proves a whole problem convex, one constraint after the other.
"""
