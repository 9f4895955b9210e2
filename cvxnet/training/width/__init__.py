"""Exactly m units: branch and bound over the regions that the units of a network may lie in.

`cvxnet.training.width.tree` explains it.
"""
