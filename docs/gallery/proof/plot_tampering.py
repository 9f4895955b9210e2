"""
A certificate, tampered with
============================

Anyone may edit a certificate; nobody can make it prove what is false. Here the dual vector is
scaled, and the lower bound that it then stands for is claimed. The checker needs no solver, and
computes with fractions.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, GREY, RED, new_figure, styled

rng = np.random.default_rng(0)
x = rng.uniform(-2.0, 2.0, (14, 1))
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])
solution = cn.train("relu", x, y, weight_decay=0.05)
document, v = solution.certificate.to_dict(), solution.certificate.v
print(cn.check(document).reason)

# %%
# Shorter dual vectors are weaker proofs, and true ones. Longer ones would claim more than the
# optimum, and are refused, by however little they are too long.

scales = np.sort([*np.linspace(0.0, 1.5, 31), 1.0 - 1e-9, 1.0 + 1e-9])
claims, proved = [], []
for scale in scales:
    claims.append(-(scale**2 * (v @ v) / 2 + scale * (v @ y)))
    forged = document | {
        "dual": [float.hex(scale * entry) for entry in v],
        "lower": float.hex(claims[-1] - 1e-9),
    }
    proved.append(cn.check(forged).valid)
print("the longest that is accepted:", scales[proved].max())

with styled():
    figure = new_figure(8.0, 4.8)
    axes = figure.subplots()
    proved, claims = np.array(proved), np.array(claims)
    axes.axhline(solution.value, color=GREY, linestyle="--", label="optimum")
    axes.plot(scales[proved], claims[proved], "o", color=BLUE, label="proved")
    axes.plot(scales[~proved], claims[~proved], "X", color=RED, label="refused")
    axes.set(xlabel="dual vector, relative to the certificate's", ylabel="lower bound claimed")
    axes.legend()
figure
