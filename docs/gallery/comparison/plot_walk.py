"""
From Adam's network to the optimum
==================================

A run of Adam has stopped above the optimum. The straight line from its weights to those of the
optimal network leads over a hill, whose height depends on the order of the units; and that is
arbitrary.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (14, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])
width, options = 8, {"optimizers": ("adam",), "rates": {"adam": 0.02}, "epochs": 1000}
runs = cn.compare("relu", x, y, weight_decay=0.05, widths=width, seeds=5, **options)

# %%
# The optimal network, with units of weight 0 up to the width of Adam's, in two orders.

adam, best = runs.network("adam", width, seed=0), runs.solution.network.state_dict()


def widened(order):
    more = width - len(best["0.bias"])
    network = cn.Sequential(cn.Linear(1, width), cn.ReLU(), cn.Linear(width, 1, bias=False))
    network.load_state_dict(
        {
            "0.weight": np.pad(best["0.weight"], ((0, more), (0, 0)))[order],
            "0.bias": np.pad(best["0.bias"], (0, more))[order],
            "2.weight": np.pad(best["2.weight"], ((0, 0), (0, more)))[:, order],
        }
    )
    return network


walks = {
    name: plots.slice_between_networks(adam, widened(order), x, y, weight_decay=0.05)
    for name, order in {"one order": range(width), "another": range(width)[::-1]}.items()
}
plots.plot_slice(walks, name="training objective", floor=runs.solution.lower_bound)
