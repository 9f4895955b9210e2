"""Re-prove a verdict on convexity: from an expression and evidence, without CVXPY or a solver.

A document has claims; each is a `Statement` about one expression and a proof, an object whose
"kind" says which of the rooms here reads it. Nothing here searches: what has to be found
(multipliers, Gram matrices, other forms) is in the document, and is only tested. "Not convex" is
shown by a segment, which `..witness` evaluates.

The guide: read `statement` (what is claimed), `answer` (the document and the kinds), then of the
rooms those whose kinds the document has. The text of each room tells the order of its files.

    room        lines   kinds           a proof is
    calculus     1810   rules           the composition calculus, derived again, entry by entry
    forms        1660   same            another expression with the same normal form, and its proof
    curvature    1930   normal form     like terms collected; each term, or a Gram matrix, bends up
                        hessian         minors of second derivatives in normal form, >= 0
    boxes        1540   boxes           second derivatives enclosed on boxes, halved where needed
    pieces        850   pieces          no kink of a piecewise-linear function bends down
    terms        2880   terms           power means, inner functions, functions of one leaf
    domains       860   bounded         bounds that the constraints imply
                        level           a function of one coordinate is <= 0 on an interval
                        restated        equalities used up, leaves replaced
                        convex problem  a convex objective, constraints that keep the set convex
    answer        170   entries, both   a proof for each entry; convex and concave

Several rooms write down the same expression, each as its proofs need it. `forms` has all laws that
keep values, and conditions: equality is decided there. `terms` factors out rather than multiplying
out: a power mean is about a product as it stands. `calculus` and `boxes` keep no form, only facts
or enclosures of values. Two intervals: rational ends (`calculus.intervals`) where signs must be
exact, ends of balls (`boxes.enclosures`) where transcendental functions are enclosed.
"""

from .answer import FORMAT, ConvexityResult, check_convexity, check_proof, is_about_convexity
from .statement import Statement

__all__ = [
    "FORMAT",
    "ConvexityResult",
    "Statement",
    "check_convexity",
    "check_proof",
    "is_about_convexity",
]
