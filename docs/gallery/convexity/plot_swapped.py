"""
Between two optimal networks
============================

Number the hidden units in another order, and the network is the same at another place of weight
space. Were training convex in all weights, everything between two optima would be optimal, too.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

x = np.linspace(-2.0, 2.0, 9)[:, None]
y = np.abs(x[:, 0]) - 0.5 * np.abs(x[:, 0] - 1.0)
solution = cn.train("relu", x, y, weight_decay=0.1)

# %%
# The same network with its units in the opposite order.

state = solution.network.state_dict()
m = len(state["0.bias"])
swapped = cn.Sequential(cn.Linear(1, m), cn.ReLU(), cn.Linear(m, 1, bias=False))
swapped.load_state_dict(
    {
        "0.weight": state["0.weight"][::-1],
        "0.bias": state["0.bias"][::-1],
        "2.weight": state["2.weight"][:, ::-1],
    }
)
print("the same predictions:", np.allclose(swapped(x), solution.network(x)))

# %%
# Along the line between the two, the training objective rises far above the proved optimum at its
# ends.

walk = plots.slice_between_networks(solution.network, swapped, x, y, weight_decay=0.1, beyond=0.1)
plots.plot_slice(walk, name="training objective", floor=solution.lower_bound)
