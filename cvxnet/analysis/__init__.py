"""Ask: verdicts on convexity, with derivations, counterexamples, blame and repairs."""

from cvxnet.analysis.convex_boxes import ConvexBox, largest_convex_box
from cvxnet.analysis.inquiry import convexity
from cvxnet.analysis.monotone import Monotonicity, monotonicity
from cvxnet.analysis.rewriting import Rewriting, rewrite
from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample

__all__ = [
    "ConvexBox",
    "Counterexample",
    "Monotonicity",
    "Rewriting",
    "Verdict",
    "convexity",
    "largest_convex_box",
    "monotonicity",
    "rewrite",
]
