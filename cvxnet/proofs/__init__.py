"""TRUST: certificates, and a checker that re-proves them without cvxnet and without a solver."""
