"""
Selecting features
==================

With hidden weights in the l1 ball in place of the l2 ball, the network looks at few features. Five
are given, and the target depends on the first two, and on noise.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import INK, entitle, new_figure, signed_scale, styled

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 5))
y = np.maximum(X[:, 0] + X[:, 1], 0.0) + 0.5 * rng.standard_normal(40)
solutions = {}
for norm in ("l2", "l1"):
    decay = 0.3 * cn.largest_weight_decay("relu", X, y, norm=norm)
    found = cn.train("relu", X, y, weight_decay=decay, norm=norm, time_limit=1)
    print(f"{norm}: {found.lower_bound:.2f} <= optimum <= {found.value:.2f}")
    solutions[norm] = found

# %%
# Six columns, the bias among them, are many for exact pricing, and the time is short: what is drawn
# are the best networks found, and a bracket says how much better another one may be. Colors are the
# hidden weights of each unit, largest unit first.

with styled():
    figure = new_figure(10.0, 3.6)
    panels = figure.subplots(1, 2)
    for axes, (norm, solution) in zip(panels, solutions.items(), strict=True):
        W = solution.network.state_dict()["0.weight"]
        W = W[np.argsort(-np.linalg.norm(W, axis=1))]
        scale = signed_scale(np.abs(W).max())
        axes.imshow(W, cmap=scale.cmap, norm=scale.norm, aspect="auto")
        for (j, k), weight in np.ndenumerate(W):
            ink = "white" if abs(weight) > 0.6 * scale.norm.vmax else INK
            written = f"{weight:.2f}" if abs(weight) > 0.005 else "0"
            axes.text(k, j, written, ha="center", color=ink)
        axes.set(xlabel="feature", ylabel="unit", yticks=range(len(W)))
        entitle(axes, f"hidden weights in the {norm} ball")
figure
