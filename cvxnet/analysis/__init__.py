"""Ask: verdicts on convexity, with derivations, counterexamples, blame and repairs."""

from cvxnet.analysis.inquiry import convexity
from cvxnet.analysis.rewriting import Rewriting, rewrite
from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample

__all__ = ["Counterexample", "Rewriting", "Verdict", "convexity", "rewrite"]
