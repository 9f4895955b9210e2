"""Problems that CVXPY refuses, written so that it accepts them."""

from cvxnet.analysis.rewriting.problems import Rewrite, Rewriting, rewrite

__all__ = ["Rewrite", "Rewriting", "rewrite"]
