"""Re-prove a verdict on convexity: from an expression and evidence, without CVXPY or a solver.

A document has claims; each is a `Statement` about one expression and a proof, an object whose
"kind" says which of the modules here reads it. Nothing here searches: what has to be found
(multipliers, boxes, Gram matrices, other forms) is in the document, and is only tested.
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
