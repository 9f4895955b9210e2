"""
Weight decay between two layers
===============================

A unit ``a (w.x + b)_+`` stays the same when (w, b) is multiplied by s and a is divided by s. Its
weight decay does not: it is least where both layers have the same length, and is then their
product. So weight decay is a norm of what the unit does.
"""

from cvxnet import plots

plots.plot_balance(hidden=3.0, output=0.5)
