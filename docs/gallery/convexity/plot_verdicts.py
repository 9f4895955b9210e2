"""
Which networks are convex in their input?
=========================================

Two layers with an activation between them, and the sign that the output weights are known to
have. Each square is a verdict about all weights of that sign: *convex* and *concave* are proved;
*neither* means a verified counterexample to each.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import entitle, new_figure, styled

activations = [cn.ReLU(), cn.Softplus(), cn.Abs(), cn.Square(), cn.ELU(), cn.Tanh(), cn.SiLU()]
signs = {"of any sign": {}, "at least 0": {"nonneg": True}, "at most 0": {"nonpos": True}}

# %%
# One question for each square. An answer may also be ``None``, for unknown: here there is none.


def word(verdict):
    if verdict.convex or verdict.concave:
        return "convex" if verdict.convex else "concave"
    return "neither" if verdict.convex is verdict.concave is False else "unknown"


def ask(activation, sign):
    network = cn.Sequential(cn.Linear(2, 3), activation, cn.Linear(3, 1, **sign))
    return word(cn.convexity(network, wrt="input"))


answers = [[ask(activation, sign) for sign in signs.values()] for activation in activations]

# %%
# Convex activations make convex networks where the output weights are at least 0, and concave ones
# where they are at most 0. Tanh and SiLU bend both ways.

looks = {"convex": 0.35, "concave": -0.35, "neither": 0.0, "unknown": 0.1}
with styled():
    figure = new_figure(7.0, 5.0)
    axes = figure.subplots()
    values = np.array([[looks[answer] for answer in row] for row in answers])
    axes.imshow(values, cmap="RdBu_r", vmin=-1.0, vmax=1.0, aspect="auto")
    for (i, j), answer in np.ndenumerate(answers):
        axes.text(j, i, answer, ha="center", va="center")
    axes.set_yticks(range(len(activations)), [type(each).__name__ for each in activations])
    axes.set_xticks(range(len(signs)), [f"output weights {name}" for name in signs])
    axes.tick_params(length=0)
    entitle(axes, "Convex in the input?")
figure
