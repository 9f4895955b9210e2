"""
A bracket that stays open
=========================

With thirty features exact pricing is out of reach. The lower bound then comes from a relaxation:
always true, and not always tight. After a time limit the network is handed over with what was
proved of it.
"""

from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

import cvxnet as cn
from cvxnet import plots

data = load_breast_cancer()
X, y = scale(data.data), 2.0 * data.target - 1.0
decay = 0.1 * cn.largest_weight_decay("relu", X, y, loss="logistic")
solution = cn.train("relu", X, y, loss="logistic", weight_decay=decay, time_limit=2)
print(f"{solution.lower_bound:.2f} <= optimum <= {solution.value:.2f}")
plots.plot_solution(solution, list(data.feature_names), classes=list(data.target_names))
