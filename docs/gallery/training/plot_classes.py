"""
Three classes on shared units
=============================

Iris by the length and width of the petals: one network with three outputs, trained by the cross
entropy of their softmax. Each line is where a hidden unit that all outputs share switches on.
"""

from sklearn.datasets import load_iris

import cvxnet as cn
from cvxnet import plots

iris = load_iris()
petals, kinds = iris.data[:, 2:], iris.target_names[iris.target]
solution = cn.train("relu", petals, kinds, loss="cross_entropy", weight_decay=1.0)
accuracy = (solution.classes[solution.predict(petals).argmax(axis=1)] == kinds).mean()
print(f"{solution.status}; {accuracy:.0%} of the training samples in their class")
plots.plot_solution(solution, iris.feature_names[2:])
