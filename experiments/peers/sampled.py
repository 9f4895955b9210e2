"""Methods that sample gates, and so may miss cells: pyscnn, adelie, and ADMM after CRONOS.

All have the squared loss alone here; several outputs are trained one by one, each with hidden units
of its own: the decoupled problem, whose decay is another one. Networks found are ReLU networks.
"""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np

GATES, MANY_GATES = 100, 500
Columns = Callable[[Any, Any, float, float], Any]


def lifted(X: Any) -> Any:
    """Features with a column of ones."""
    return np.column_stack([X, np.ones(len(X))])


def sampled_gates(X: Any, gates: int) -> Any:
    """Different patterns of activity (n, patterns) of Gaussian gates, that of no unit aside."""
    G = np.random.default_rng(0).standard_normal((X.shape[1], gates))
    patterns = np.unique(X @ G >= 0.0, axis=1)
    return patterns[:, patterns.any(axis=0)]


def one_by_one(problem: dict[str, Any], limit: float, solve: Columns) -> dict[str, Any]:
    """Solve for each output: `solve` returns units (m, d) and their output weights (m,)."""
    if str(problem["loss"]) != "squared":
        raise NotImplementedError("squared loss only")
    X, Y, beta = lifted(problem["X"]), problem["Y"], float(problem["weight_decay"])
    found = [solve(X, y, beta, limit / Y.shape[1]) for y in Y.T]
    units = np.vstack([units for units, _ in found])
    A = np.zeros((len(found), len(units)))
    end = np.cumsum([len(units) for units, _ in found])
    for k, (units_k, a) in enumerate(found):
        A[k, end[k] - len(units_k) : end[k]] = a
    return {"W": units[:, :-1], "b": units[:, -1], "A": A}


def signed(V: Any) -> tuple[Any, Any]:
    """Units of the first half of V with output weight 1 and of the second with -1, no zeros."""
    a = np.repeat([1.0, -1.0], len(V) // 2)
    used = np.linalg.norm(V, axis=1) > 0.0
    return V[used], a[used]


def pyscnn(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Its augmented Lagrangian of the ReLU program, in single precision, as it comes."""
    return with_scnn(problem, limit, GATES, {}, "float32")


def pyscnn_tight(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """The same with many gates, small tolerances and double precision."""
    tight = {"tol": 1e-8, "constraint_tol": 1e-8}
    return with_scnn(problem, limit, MANY_GATES, tight, "float64")


def with_scnn(
    problem: dict[str, Any], limit: float, gates: int, tolerances: dict[str, float], dtype: str
) -> dict[str, Any]:
    """Its loss is 1/(2n) of the sum of squares, its lam so our weight decay / n.

    Columns are left as they are (``unitize_data=False``): scaled ones have another decay.
    """
    from scnn.activations import sample_gate_vectors
    from scnn.metrics import Metrics
    from scnn.models import ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL

    logging.disable(logging.WARNING)

    def solve(X: Any, y: Any, beta: float, limit: float) -> tuple[Any, Any]:
        model = ConvexReLU(sample_gate_vectors(0, X.shape[1], gates))
        with contextlib.redirect_stdout(io.StringIO()):
            network, _ = optimize_model(
                model,
                AL(model, **tolerances),
                Metrics(),
                X,
                y,
                regularizer=NeuronGL1(beta / len(y)),
                unitize_data=False,
                dtype=dtype,
            )
        W, A = (np.asarray(weights, float) for weights in network.parameters)
        return W, A[0]

    return one_by_one(problem, limit, solve)


def adelie(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Its path solver on the gated program, whose gates' weights are then decomposed into cones.

    Its linear constraints would be the cones themselves, but its solver gives up on them.
    """
    import adelie as ad

    def solve(X: Any, y: Any, beta: float, limit: float) -> tuple[Any, Any]:
        n, d = X.shape
        gates = sampled_gates(X, GATES)
        count = gates.shape[1]
        state = ad.grpnet(
            ad.matrix.convex_relu(np.asfortranarray(X), np.asfortranarray(gates), gated=True),
            ad.glm.gaussian(y),
            groups=np.arange(0, count * d, d),
            penalty=np.ones(count),
            lmda_path=np.array([beta / n]),
            intercept=False,
            early_exit=False,
            progress_bar=False,
        )
        return decomposed(X, gates, state.betas.toarray()[-1].reshape(count, d))

    return one_by_one(problem, limit, solve)


def decomposed(X: Any, gates: Any, weights: Any) -> tuple[Any, Any]:
    """ReLU units with the outputs of gated ones: w = u - v with u and v in the cone of the gate.

    Of all such pairs those of least squared length: u and v are (z + w) / 2 and (z - w) / 2 for the
    shortest z with G z >= |G w|, G the rows of X with the signs of the gate; its dual is a
    non-negative least squares problem.
    """
    from scipy.optimize import nnls

    units = []
    for gate, w in zip(gates.T, weights, strict=True):
        if not w.any():
            continue
        G = np.where(gate, 1.0, -1.0)[:, None] * X
        least = np.abs(G @ w)
        size = least.max() or 1.0
        rows = np.vstack([G.T, least / size])
        goal = np.append(np.zeros(X.shape[1]), 1.0)
        multipliers, _ = nnls(rows, goal, maxiter=100 * len(G))
        rest = goal - rows @ multipliers
        z = -size * rest[:-1] / rest[-1]
        units.append((0.5 * (z + w), 0.5 * (z - w)))
    if not units:
        return np.zeros((0, X.shape[1])), np.zeros(0)
    plus, minus = (np.array(half) for half in zip(*units, strict=True))
    return signed(np.vstack([plus, minus]))


def cronos(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """ADMM on sampled gates, our own reading of it: see `Admm`."""

    def solve(X: Any, y: Any, beta: float, limit: float) -> tuple[Any, Any]:
        return signed(Admm(X, y, beta, sampled_gates(X, GATES)).run(limit))

    return one_by_one(problem, limit, solve)


class Admm:
    """The splitting of Bai et al. 2023 and of CRONOS (Feng et al. 2024), in NumPy.

    Weights u of all gates and signs with F u the fit; copies v, of which decay is paid, and slacks
    s >= 0 of the cones, with u = v and G u = s. CRONOS solves the linear system by Nystrom
    preconditioned conjugate gradients, here it is solved exactly: G'G is X'X for every gate, so
    that one matrix of order d and one of order n are factorised once.
    """

    def __init__(self, X: Any, y: Any, beta: float, gates: Any, penalty: float = 1.0) -> None:
        from scipy.linalg import cho_factor

        self.X, self.y, self.beta, self.rho = X, y, beta, penalty
        self.D = gates.T.astype(float)
        self.small = cho_factor(np.eye(X.shape[1]) + X.T @ X)
        both = 2.0 * (self.D.T @ self.D) * (X @ self.inner(X.T))
        self.large = cho_factor(penalty * np.eye(len(y)) + both)

    def inner(self, right: Any) -> Any:
        """(I + X'X) inverse, times a matrix."""
        from scipy.linalg import cho_solve

        return cho_solve(self.small, right)

    def fit(self, U: Any) -> Any:
        """F u, of weights (2, gates, d)."""
        return np.sum(self.D * ((U[0] - U[1]) @ self.X.T), axis=0)

    def back(self, r: Any) -> Any:
        """F' r."""
        half = (self.D * r) @ self.X
        return np.stack([half, -half])

    def solve(self, right: Any) -> Any:
        """(F'F + rho (I + G'G)) inverse times weights, by Woodbury's identity."""
        from scipy.linalg import cho_solve

        first = self.inner(right.reshape(-1, right.shape[-1]).T).T.reshape(right.shape)
        step = self.back(cho_solve(self.large, self.fit(first)))
        second = self.inner(step.reshape(-1, right.shape[-1]).T).T.reshape(right.shape)
        return (first - second) / self.rho

    def run(self, limit: float, tolerance: float = 1e-6, most: int = 20000) -> Any:
        """Iterate until primal and dual residuals are small; the copies v (2 gates, d)."""
        signs = 2.0 * self.D - 1.0
        V = np.zeros((2, len(self.D), self.X.shape[1]))
        S = np.zeros((2, *self.D.shape))
        P, Q, begin = np.zeros_like(V), np.zeros_like(S), time.process_time()
        goal = self.back(self.y)
        for _ in range(most):
            U = self.solve(goal + self.rho * (V - P + (signs * (S - Q)) @ self.X))
            GU, before = signs * (U @ self.X.T), (V, S)
            lengths = np.linalg.norm(U + P, axis=2, keepdims=True)
            V = np.maximum(1.0 - self.beta / self.rho / np.maximum(lengths, 1e-300), 0.0) * (U + P)
            S = np.maximum(GU + Q, 0.0)
            P, Q = P + U - V, Q + GU - S
            primal = np.hypot(np.linalg.norm(U - V), np.linalg.norm(GU - S))
            dual = np.hypot(np.linalg.norm(V - before[0]), np.linalg.norm(S - before[1]))
            small = tolerance * max(1.0, float(np.linalg.norm(GU)))
            if max(primal, self.rho * dual) <= small or time.process_time() - begin > limit:
                break
        return V.reshape(-1, V.shape[-1])
