"""
A bracket for a network of torch
================================

Any two-layer network can be certified, whoever trained it. Here torch's Adam trains one, and stops
now and then to ask how far it is above the global optimum.
"""

import numpy as np
import torch

import cvxnet as cn
from cvxnet.plots.style import BLUE, RED, new_figure, styled

rng = np.random.default_rng(0)
X = rng.standard_normal((25, 2))
y = np.sin(2.0 * X[:, 0]) * np.cos(X[:, 1])
A, b, decay = torch.tensor(X), torch.tensor(y)[:, None], 0.5

torch.set_num_threads(1)  # tensors this small are not worth more
torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Linear(2, 20), torch.nn.ReLU(), torch.nn.Linear(20, 1, bias=False)
).double()
adam = torch.optim.Adam(module.parameters(), lr=0.02)


def train(epochs):
    for _ in range(epochs):
        adam.zero_grad()
        penalty = 0.5 * decay * sum((p**2).sum() for p in module.parameters())
        (0.5 * ((module(A) - b) ** 2).sum() + penalty).backward()
        adam.step()


# %%
# ``excess`` is how far the network's own objective is above the optimum: at least, and at most. The
# two agree, as the bracket around the optimum closes each time. Adam with a fixed step comes close
# and then wavers.

stops, excess = [0, 10, 30, 100, 300, 1000], []
for last, stop in zip([0, *stops], stops, strict=False):
    train(stop - last)
    excess.append(cn.certify(module, X, y, weight_decay=decay).excess)

with styled():
    figure = new_figure(8.0, 4.6)
    axes = figure.subplots()
    least, most = np.transpose(excess)
    axes.plot(range(len(stops)), most, "v-", color=RED, label="at most")
    axes.plot(range(len(stops)), least, "^--", color=BLUE, label="at least")
    axes.set_xticks(range(len(stops)), stops)
    axes.set(yscale="log", xlabel="epochs", ylabel="proved excess over the optimum")
    axes.legend()
figure
