"""What certificates of several outputs claim, once more in plain numpy, by brute force.

For tests only, on tiny data. Nothing here is shared with the checker.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar, nnls
from scipy.special import logsumexp, xlogy
from truth import LEFT, conjugates, decoded, losses, phi, sample_weights, slope, with_ones


def columns(values: Any) -> np.ndarray:
    """Hexadecimal numbers as (n, c)."""
    array = decoded(values)
    return array[:, None] if array.ndim == 1 else array


def rho_of_kinks(X: np.ndarray, V: np.ndarray, left: float) -> float:
    """max |V^T phi_u(X)| over the unit ball, phi linear on both sides of 0, with slopes left and 1.

    On a face, where some rows are 0 and the others have signs, the maximum is the largest singular
    value if its direction is in the face; otherwise it is on a smaller one.
    """
    best, (n, d) = 0.0, X.shape
    for zeros in (S for size in range(d) for S in combinations(range(n), size)):
        s, Q = np.linalg.svd(X[list(zeros)].reshape(-1, d))[1:]
        N = Q[(s > 1e-12 * max(s, default=0.0)).sum() :].T
        Z = X @ N
        there = np.abs(Z).max(axis=1, initial=0.0) > 1e-12
        Z, W = Z[there], V[there]
        if not N.size or not len(Z):
            continue
        signs = np.array(list(product((1.0, -1.0), repeat=len(Z))))
        M = np.einsum("pj,jk,jc->pkc", np.where(signs > 0.0, 1.0, left), Z, W)
        U, sizes = np.linalg.svd(M)[:2]
        inside = signs * (U[:, :, 0] @ Z.T)
        found = (inside >= -1e-10).all(axis=1) | (inside <= 1e-10).all(axis=1)
        best = max(best, float(sizes[found, 0].max(initial=0.0)))
    return best


def one_sided(X: np.ndarray, v: np.ndarray, left: float, side: float) -> float:
    """max side v . phi_u(X) for such units: the distance from the polar cone, cell by cell."""
    best = 0.0
    for pattern in product((1.0, -1.0), repeat=len(X)):
        signs = np.array(pattern)
        c = X.T @ (v * np.where(signs > 0.0, 1.0, left))
        best = max(best, nnls(-(signs[:, None] * X).T, side * c)[1])
    return best


def rho(units: dict[str, Any], X: np.ndarray, V: np.ndarray) -> float:
    """max over units of |V^T phi_u(X)|."""
    name = units["name"]
    if name == "coordinate":
        return float(np.linalg.norm(X.T @ V, axis=1).max())
    if name == "linear":
        return float(np.linalg.norm(X.T @ V, 2))
    if name == "gated_relu":
        gates = decoded(units["gates"])
        return max(float(np.linalg.norm((X * (X @ g >= 0.0)[:, None]).T @ V, 2)) for g in gates)
    if name == "quadratic":
        return rho_of_squares(X, V)
    return rho_of_kinks(X, V, slope(units))


def rho_of_squares(X: np.ndarray, V: np.ndarray) -> float:
    """For units z^2 and two outputs: the best of many angles, and of what is around it."""

    def size(angle: float) -> float:
        w = V @ [np.cos(angle), np.sin(angle)]
        return float(np.abs(np.linalg.eigvalsh(X.T @ (w[:, None] * X))).max())

    angles = np.linspace(0.0, np.pi, 400)
    best = angles[np.argmax([size(angle) for angle in angles])]
    around = (best - 0.01, best + 0.01)
    found = minimize_scalar(lambda t: -size(t), bounds=around, options={"xatol": 1e-12})
    return max(-float(found.fun), size(best))


def terms(loss: str, f: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The loss of each sample, of several outputs."""
    if loss == "cross_entropy":
        return np.asarray(logsumexp(f - (f * y).sum(axis=1, keepdims=True), axis=1))
    return losses(loss, f, y).sum(axis=1)


def completed(document: dict[str, Any]) -> np.ndarray:
    """The dual vector, rows of cross entropy with sum zero."""
    V, y = columns(document["dual"]), columns(document["data"]["y"])
    if document["loss"] == "cross_entropy":
        off = (1.0 - y) * V
        V = off - y * off.sum(axis=1, keepdims=True)
    return V


def moved(document: dict[str, Any]) -> np.ndarray:
    """The same, moved so that the free part is not seen."""
    V, X, network = completed(document), decoded(document["data"]["X"]), document["network"]
    free = [np.ones((len(X), 1))] * (network["c"] is not None) + [X] * (network["s"] is not None)
    if not free:
        return V
    F, w, y = np.column_stack(free), sample_weights(document), columns(document["data"]["y"])
    return V - moves(F, np.clip(rooms(document["loss"], V, y, w), 0.0, 1.0), V)


def moves(F: np.ndarray, D: np.ndarray, V: np.ndarray) -> np.ndarray:
    """``D F z`` with ``F^T D F z = F^T v``, column by column."""
    return np.column_stack([
        d * (F @ np.linalg.lstsq(F.T @ (d[:, None] * F), F.T @ v, rcond=None)[0])
        for v, d in zip(V.T, D.T, strict=True)
    ])  # fmt: skip


def rooms(loss: str, V: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """How far dual numbers are from where the conjugate is infinite."""
    w = w[:, None]
    if loss == "cross_entropy":
        return np.broadcast_to((V + w * y).min(axis=1, keepdims=True), V.shape)
    if loss == "logistic":
        return np.minimum(-y * V, w + y * V)
    return np.full(V.shape, np.inf) if loss == "squared" else w - np.abs(V)


def dual_value(document: dict[str, Any]) -> float:
    """``-l*(v)``."""
    w, y, V = sample_weights(document)[:, None], columns(document["data"]["y"]), moved(document)
    if document["loss"] == "cross_entropy":
        p = V / w + y
        if (p < -1e-12).any():
            return -np.inf
        return -float((w * xlogy(np.maximum(p, 0.0), np.maximum(p, 1e-300))).sum())
    return -float((w * conjugates(document["loss"], V / w, y)).sum())


def objective(document: dict[str, Any]) -> float:
    """The training objective of the network."""
    units, network = document["units"], document["network"]
    X, y = decoded(document["data"]["X"]), columns(document["data"]["y"])
    a = decoded(network["a"]).reshape(-1, y.shape[1])
    U = decoded(network["W"]).reshape(len(a), X.shape[1])
    U = np.column_stack([U, decoded(network["b"])]) if document["bias"] else U
    rows = with_ones(X, document["bias"])
    if units["name"] == "gated_relu":
        gates = decoded(units["gates"])[np.array(network["gate"], dtype=int)]
        features = (rows @ U.T) * (rows @ gates.T >= 0.0)
    else:
        features = phi(units, rows @ U.T)
    f = features @ a
    f = f + (0.0 if network["c"] is None else decoded(network["c"]))
    f = f + (0.0 if network["s"] is None else X @ decoded(network["s"]).reshape(-1, y.shape[1]))
    squares, sizes = (U**2).sum(axis=1), np.linalg.norm(a, axis=1)
    if units["name"] in (*LEFT, "leaky_relu", "gated_relu"):
        penalty = 0.5 * np.sum(squares + sizes**2)
    else:
        penalty = np.sum(sizes * squares) if units["name"] == "quadratic" else sizes.sum()
    beta = decoded(document["weight_decay"])
    return float(sample_weights(document) @ terms(document["loss"], f, y) + beta * penalty)


def is_true(document: dict[str, Any], slack: float = 1e-9) -> bool:
    """Whether the claims of a document hold, up to rounding."""
    with np.errstate(all="ignore"):
        return all(conditions(document, slack))


def conditions(document: dict[str, Any], slack: float) -> Iterator[bool]:
    """The three comparisons, one after the other."""
    dual, value = dual_value(document), objective(document)
    yield decoded(document["lower"]) <= dual + slack * abs(dual) + 1e-300
    yield value <= decoded(document["upper"]) + slack * abs(value) + 1e-300
    X, V = with_ones(decoded(document["data"]["X"]), document["bias"]), moved(document)
    beta = float(decoded(document["weight_decay"])) * (1.0 + slack) + 1e-300
    signs = {"any": (), "nonneg": (-1.0,), "nonpos": (1.0,)}[document["output_weights"]]
    for side in signs:
        yield one_sided(X, V[:, 0], slope(document["units"]), side) <= beta
        yield bool((side * decoded(document["network"]["a"]) <= 0.0).all())
    yield bool(signs) or rho(document["units"], X, V) <= beta
