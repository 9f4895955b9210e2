"""The theorem on one screen: column generation with a CVXPY master and brute-force pricing.

Moving weight decay between the layers makes training a ReLU network of enough width

    minimise 1/2 |f - y|^2 + beta sum_b |w_b|,   f = sum_b s_b D_b X w_b,   (2 D_b - I) X w_b >= 0

over all pairs b of a cell, with pattern D_b, and a sign s_b (Pilanci and Ergen 2020, theorem 1).
Its dual: maximise -1/2 |v|^2 - v.y where |v.(X u)_+| <= beta for every unit, |u| <= 1.
"""

from itertools import product

import cvxpy as cp
import numpy as np
from scipy.optimize import nnls


def price(X, v):
    """The largest |v.(X u)_+| over |u| <= 1, with its pattern and sign: every pattern is tried.

    In a cone {C u >= 0} the largest c.u is |c + C^T l| at the best l >= 0.
    """
    best = (0.0, np.zeros(len(X)), 1.0)
    for pattern, s in product(product([0.0, 1.0], repeat=len(X)), [1.0, -1.0]):
        D = np.array(pattern)
        length = nnls(((2 * D - 1)[:, None] * X).T, -s * X.T @ (D * v))[1]
        best = max(best, (length, D, -s), key=lambda found: found[0])
    return best


def train(X, y, beta, gap=1e-7):
    """The bracket (lower, upper) around the optimum, closed to the gap."""
    cells, lower, upper, v = [], 0.0, 0.5 * (y @ y), -y
    while True:
        rho, D, s = price(X, v)
        t = min(beta / max(rho, 1e-300), -(v @ y) / (v @ v))
        lower = max(lower, -0.5 * t**2 * (v @ v) - t * (v @ y))
        if upper - lower <= gap * upper or rho <= beta * (1.0 + gap):
            return lower, upper
        cells.append((D, s))
        W = [cp.Variable(X.shape[1]) for _ in cells]
        f = sum(s * cp.multiply(D, X @ w) for w, (D, s) in zip(W, cells, strict=True))
        penalty = sum(cp.norm(w) for w in W)
        inside = [cp.multiply(2 * D - 1, X @ w) >= 0 for w, (D, _) in zip(W, cells, strict=True)]
        master = cp.Problem(cp.Minimize(cp.sum_squares(f - y) / 2 + beta * penalty), inside)
        upper = master.solve(solver="CLARABEL", tol_gap_rel=1e-10, tol_gap_abs=1e-10)
        v = f.value - y
