"""cvxnet: convex neural networks. Verdicts, global optima and proofs, on top of CVXPY."""
