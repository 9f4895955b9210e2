"""
Linear attention, lifted
========================

Without softmax, self-attention is a polynomial of degree three in its weights and tokens, and its
training is not convex. The verdict names a matrix Z in which it is: the sum over heads of
``vec(mixing) vec(value)'``. Weight decay becomes the nuclear norm of Z, so CVXPY finds the optimum
over any number of heads, and the singular vectors of Z are the heads.
"""

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, ORANGE, new_figure, styled

layer = cn.LinearAttention(tokens=3, features=3, out_features=2, heads=2)
verdict = cn.convexity(layer, loss="squared", weight_decay=0.1)
print(verdict.counterexample)
print(verdict.repairs[0].change)

# %%
# Samples of three tokens with a key and two numbers; the target of every token is the numbers
# beside the largest key. For every weight decay the lifted problem is solved once; its heads are
# counted.

rng = np.random.default_rng(0)
tokens = rng.normal(size=(20, 3, 3))
best = tokens[np.arange(20), tokens[:, :, 0].argmax(axis=1), 1:]
X, y = tokens.reshape(20, 9), np.tile(best, (1, 3))

Z, decay = cp.Variable(layer.lifted_shape), cp.Parameter(nonneg=True)
fit = 0.5 * cp.sum_squares(layer.lifted(X, Z) - y)
problem = cp.Problem(cp.Minimize(fit + decay * cp.normNuc(Z)))
decays, heads, losses = np.geomspace(1.0, 200.0, 16), [], []
for decay.value in decays:
    problem.solve(solver="CLARABEL")
    trained = layer.of_lifted(Z.value)
    heads.append(int(np.linalg.matrix_rank(Z.value, tol=1e-4)))
    losses.append(0.5 * float(((trained(X) - y) ** 2).sum()))
print("heads:", heads)

# %%
# More weight decay, fewer heads, more loss.

with styled():
    figure = new_figure(8.0, 3.8)
    left, right = figure.subplots(1, 2)
    left.semilogx(decays, heads, "o-", color=BLUE)
    left.set(xlabel="weight decay", ylabel="heads of the optimum")
    right.semilogx(decays, losses, "o-", color=ORANGE)
    right.set(xlabel="weight decay", ylabel="loss")
figure
