"""
How good are the networks of scikit-learn?
==========================================

Its ``MLPRegressor`` trains with a penalty on the weights, and says nothing about the optimum.
``certify`` takes fitted networks as they are, and proves how far each is above it.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

import cvxnet as cn
from cvxnet.plots.style import COLORS, MARKERS, new_figure, styled

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 2))
y = np.sin(2.0 * X[:, 0]) * np.cos(X[:, 1])
widths, decay = [2, 4, 8, 16, 32], 0.5


def excess(solver, width):
    options = {"alpha": decay, "max_iter": 1000, "random_state": 0, "solver": solver}
    with warnings.catch_warnings():  # some of them stop before they have converged
        warnings.simplefilter("ignore", ConvergenceWarning)
        network = MLPRegressor(hidden_layer_sizes=(width,), **options).fit(X, y)
    return cn.certify(network, X, y, weight_decay=decay, gap=1e-4).excess[1]


# %%
# scikit-learn does not decay the hidden biases, and cvxnet counts them; what is certified is the
# objective with them.

with styled():
    figure = new_figure(8.0, 4.6)
    axes = figure.subplots()
    for k, solver in enumerate(("lbfgs", "adam")):
        ends = [excess(solver, width) for width in widths]
        axes.loglog(widths, ends, MARKERS[k], color=COLORS[k], linestyle="-", label=solver)
    axes.set(xlabel="width", ylabel="proved excess over the optimum, at most")
    axes.set_xticks(widths, widths)
    axes.minorticks_off()
    axes.set_yticks([0.1, 0.3, 1.0], ["10 %", "30 %", "100 %"])
    axes.legend()
figure
