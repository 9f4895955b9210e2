"""cvxnet: convex neural networks. Verdicts, global optima and proofs, on top of CVXPY."""

from cvxnet.proofs.certificate import Certificate
from cvxnet.training.program import program, recover
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import largest_weight_decay, train

__all__ = ["Certificate", "Solution", "largest_weight_decay", "program", "recover", "train"]
