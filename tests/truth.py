"""What certificates claim, computed once more in plain numpy, by brute force over patterns.

For tests only, on tiny data. Nothing here is shared with the checker.
"""

from __future__ import annotations

from base64 import b64decode
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from math import lcm
from typing import Any

import numpy as np
from scipy.optimize import linprog, nnls

LABELS = ("logistic", "hinge", "squared_hinge")
WIDE = np.longdouble
"""Its range holds products of several doubles."""
LEFT = {"relu": 0.0, "abs": -1.0, "linear": 1.0}


def decoded(value: Any) -> np.ndarray:
    """Nested lists of hexadecimal numbers, a packed array or a sparse matrix, as an array."""
    if isinstance(value, dict) and "starts" in value:
        dense, starts = np.zeros(value["shape"]), value["starts"]
        rows = [i for i in range(len(dense)) for _ in range(starts[i], starts[i + 1])]
        dense[rows, value["columns"]] = decoded(value["values"])
        return dense
    if isinstance(value, dict):
        return np.frombuffer(b64decode(value["doubles"]), "<f8").reshape(value["shape"])
    if isinstance(value, list):
        return np.array([decoded(x) for x in value])
    return np.float64(float.fromhex(value))


def wide(value: Any) -> np.ndarray:
    """The same in WIDE."""
    return decoded(value).astype(WIDE)


def phi(units: dict[str, Any], z: np.ndarray) -> np.ndarray:
    """The unit as a function of ``z = x . u`` (``u`` of length one for polynomial units)."""
    name = units["name"]
    if name in LEFT or name == "leaky_relu":
        return np.where(z > 0.0, z, slope(units) * z)
    if name == "polynomial":
        a, b, c = decoded(units["coefficients"])
        return a * z * z + b * z + c
    return {
        "coordinate": lambda: z,
        "sign": lambda: np.sign(z),
        "threshold": lambda: (z >= 0.0) * 1.0,
        "quadratic": lambda: z * z,
        "squared_relu": lambda: np.maximum(z, 0.0) ** 2,
        "tanh": lambda: np.tanh(z),
    }[name]()


def slope(units: dict[str, Any]) -> float:
    """The slope of a piecewise linear unit where z < 0."""
    return float(decoded(units["slope"])) if "slope" in units else LEFT[units["name"]]


# ---------------------------------------------------------------------------------- losses


def losses(name: str, f: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The loss of each sample."""
    r, q = np.abs(f - y), y * f
    return {
        "squared": lambda: 0.5 * r**2,
        "absolute": lambda: r,
        "huber": lambda: np.where(r <= 1.0, 0.5 * r**2, r - 0.5),
        "log_cosh": lambda: (
            np.log1p(2.0 * np.sinh(np.minimum(r, 300.0) / 2.0) ** 2) + np.maximum(r - 300.0, 0.0)
        ),
        "logistic": lambda: np.logaddexp(0.0, -q),
        "hinge": lambda: np.maximum(0.0, 1.0 - q),
        "squared_hinge": lambda: np.maximum(0.0, 1.0 - q) ** 2,
    }[name]()


def conjugates(name: str, v: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The conjugate of the loss of each sample; infinite outside its domain, up to rounding."""
    p = -y * v
    if name in LABELS:
        low, high, inside = p, 1.0 - p, np.clip(p, 1e-300, 1.0)
        outside = (low < -1e-12) | ((high < -1e-12) & (name != "squared_hinge"))
    else:
        outside = (np.abs(v) > 1.0 + 1e-12) & (name != "squared")
    clipped = np.clip(v, -1.0 + 1e-15, 1.0 - 1e-15)
    with np.errstate(over="ignore"):
        value = {
            "squared": lambda: 0.5 * v**2 + v * y,
            "absolute": lambda: v * y,
            "huber": lambda: 0.5 * v**2 + v * y,
            "log_cosh": lambda: v * y + v * np.arctanh(clipped) + 0.5 * np.log1p(-(clipped**2)),
            "logistic": lambda: inside * np.log(inside) + log_rest(p),
            "hinge": lambda: -p,
            "squared_hinge": lambda: 0.25 * p**2 - p,
        }[name]()
    return np.where(outside, np.inf, value)


def log_rest(p: np.ndarray) -> np.ndarray:
    """``(1 - p) log(1 - p)``, of small p too."""
    rest, small = np.clip(1.0 - p, 1e-300, 1.0), np.clip(p, 0.0, 0.5)
    return np.where(p < 0.5, (1.0 - small) * np.log1p(-small), rest * np.log(rest))


# ------------------------------------------------------------------------------------- rho


def rho(units: dict[str, Any], norm: str, X: np.ndarray, v: np.ndarray) -> float:
    """max |sum_i v_i phi_u(x_i)|; for squared_relu and tanh only what a dense search finds.

    Computed for data and dual vector of size about one, where nothing overflows.
    """
    (v, exponent), name = shrunk(v), units["name"]
    if name in ("sign", "threshold", "tanh"):  # exact, or not homogeneous
        return float(np.ldexp(WIDE(rho_of(units, norm, X, v)), exponent))
    X, e = shrunk(X)
    if name == "polynomial":
        scaled, e = shrunk(np.ldexp(decoded(units["coefficients"]).astype(WIDE), [2 * e, e, 0]))
        units = units | {"coefficients": [float(x).hex() for x in scaled]}
    elif name in ("quadratic", "squared_relu"):
        e *= 2
    return float(np.ldexp(WIDE(rho_of(units, norm, X, v)), exponent + e))


def shrunk(A: np.ndarray) -> tuple[np.ndarray, int]:
    """``A / 2**e`` with entries up to one, and e."""
    e = int(np.frexp(np.abs(A).max(initial=0.0))[1])
    return np.ldexp(A, -e), e


def rho_of(units: dict[str, Any], norm: str, X: np.ndarray, v: np.ndarray) -> float:
    """``rho`` in ordinary double precision."""
    name = units["name"]
    if name in ("linear", "coordinate"):
        c = X.T @ v
        return float(np.abs(c).max() if norm == "l1" or name == "coordinate" else np.linalg.norm(c))
    if name == "gated_relu":
        gates = decoded(units["gates"])
        return max((float(np.linalg.norm(X.T @ (v * (X @ g >= 0.0)))) for g in gates), default=0.0)
    if name in ("sign", "threshold"):
        return max(abs(float(v @ phi(units, s * 1.0))) for s in faces(X.tobytes(), X.shape))
    if name == "quadratic":
        return float(np.abs(np.linalg.eigvalsh(X.T @ (v[:, None] * X))).max())
    if name == "polynomial":
        return trust_region(decoded(units["coefficients"]), X, v)
    if name in ("squared_relu", "tanh"):
        return climb(units, X, v)
    return piecewise_linear(slope(units), norm, X, v)


def piecewise_linear(left: float, norm: str, X: np.ndarray, v: np.ndarray) -> float:
    """One projection (l2) or linear program (l1) for each of the 2^n patterns and both signs.

    Where sign_i x_i.u >= 0 for all i, g(u) = c.u; the largest c.u over that cone and the unit ball
    is the distance of c from its polar.
    """
    best, d = 0.0, X.shape[1]
    for pattern in product([False, True], repeat=len(X)):
        signs = np.where(pattern, 1.0, -1.0)[:, None]
        c = X.T @ (v * np.where(pattern, 1.0, left))
        for target in (c, -c):
            if norm == "l2":
                best = max(best, nnls(-(signs * X).T, target)[1])
                continue
            A = np.vstack([-signs * X @ np.hstack([np.eye(d), -np.eye(d)]), np.ones(2 * d)])
            b = np.append(np.zeros(len(X)), 1.0)
            best = max(best, -linprog(np.append(-target, target), A_ub=A, b_ub=b).fun)
    return best


def cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The cross product in space, of rationals, too."""
    return np.roll(x, -1) * np.roll(y, 1) - np.roll(x, 1) * np.roll(y, -1)


@cache
def faces(content: bytes, shape: tuple[int, int]) -> np.ndarray:
    """The sign vectors (-1, 0, 1) of X u over all u, in at most three dimensions, exactly.

    The planes of the rows and of three axes cut space into cones. Each is spanned by rays in which
    two planes meet, and three of its rays, or fewer, add up to a point inside it. No two rays of a
    cone are on different sides of a plane, so the signs of their sum follow from their signs, and
    one point serves for all with the same signs.
    """
    X = np.frombuffer(content).reshape(shape)
    exact = [[Fraction(x) for x in row] + [Fraction(0)] * (3 - shape[1]) for row in X.tolist()]
    scale = [lcm(*(x.denominator for x in row)) for row in exact]
    whole = [[int(x * s) for x in row] for row, s in zip(exact, scale, strict=True)]
    rows = np.array(whole, dtype=object).reshape(-1, 3)
    planes = np.vstack([rows, np.eye(3, dtype=int).astype(object)])
    rays = np.array([cross(x, y) for x, y in combinations(planes, 2)])
    one = of_each_sign(np.vstack([rays, -rays, np.zeros((1, 3), dtype=int)]) @ rows.T)
    two = of_each_sign((one[:, None] + one).reshape(-1, len(X)))
    three = of_each_sign((two[:, None] + one).reshape(-1, len(X)))
    return np.unique(np.sign(three).astype(int), axis=0)


def of_each_sign(points: np.ndarray) -> np.ndarray:
    """One of the rows for each sign vector."""
    _, first = np.unique(np.sign(points).astype(int), axis=0, return_index=True)
    return points[first]


def trust_region(coefficients: np.ndarray, X: np.ndarray, v: np.ndarray) -> float:
    """max |u^T Q u + q.u + r| over the unit sphere, by the eigenvalues of Q."""
    a, b, c = coefficients
    Q, q, r = a * X.T @ (v[:, None] * X), b * X.T @ v, c * v.sum()
    return max(largest_on_sphere(Q, q) + r, largest_on_sphere(-Q, -q) - r)


def largest_on_sphere(Q: np.ndarray, q: np.ndarray) -> float:
    """max u^T Q u + q.u over |u| = 1.

    It is the least value of ``mu + sum_i g_i^2 / 4 (mu - lam_i)`` over mu above the eigenvalues,
    where that is convex, ``g`` being q in the eigenvectors: bisection by the sign of its slope.
    """
    lam, V = np.linalg.eigh(Q)
    below, g = lam[-1] - lam, np.abs(V.T @ q) / 2.0
    low, high = 0.0, float(np.linalg.norm(g))
    for _ in range(1100):  # down to the smallest of doubles
        middle = (low + high) / 2.0
        if not low < middle < high:
            break
        steep = float(((g / (middle + below)) ** 2).sum()) > 1.0
        low, high = (middle, high) if steep else (low, middle)
    rest = g[g > 0.0] / (high + below[g > 0.0]) * g[g > 0.0]
    return float(lam[-1] + high + rest.sum())


def climb(units: dict[str, Any], X: np.ndarray, v: np.ndarray, starts: int = 40) -> float:
    """The largest |g| that local search finds on the sphere, or in the ball of tanh units."""
    ball, (small, e) = units["name"] == "tanh", shrunk(X)
    radius = float(decoded(units["radius"])) if ball else 1.0
    rng = np.random.default_rng(0)
    U = rng.normal(size=(5_000, X.shape[1]))
    U *= radius / np.linalg.norm(U, axis=1, keepdims=True)
    U = np.vstack([U, 0.3 * U]) if ball else U

    def size(U: np.ndarray) -> np.ndarray:
        return np.abs(phi(units, np.ldexp(U @ small.T, e)) @ v)

    best = U[np.argsort(-size(U))[:starts]]
    for step in 0.1 ** np.arange(1.0, 9.0):
        for _ in range(30):
            trial = best + step * radius * rng.normal(size=best.shape)
            length = np.linalg.norm(trial, axis=1, keepdims=True)
            trial *= np.minimum(1.0, radius / length) if ball else radius / length
            better = size(trial) > size(best)
            best[better] = trial[better]
    return float(size(best).max())


# -------------------------------------------------------------------------- whole documents


def with_ones(X: np.ndarray, bias: bool) -> np.ndarray:
    """The rows with the 1 of the hidden bias."""
    return np.column_stack([X, np.ones(len(X))]) if bias else X


def objective(document: dict[str, Any]) -> float:
    """The training objective of the network in a document, with one output."""
    units, network = document["units"], document["network"]
    X, y = wide(document["data"]["X"]), wide(document["data"]["y"])
    a, beta = wide(network["a"]), wide(document["weight_decay"])
    U = wide(network["W"]).reshape(len(a), X.shape[1])
    if document["bias"]:
        U = np.column_stack([U, wide(network["b"])])
    squares = np.abs(U).sum(axis=1) ** 2 if document["norm"] == "l1" else (U**2).sum(axis=1)
    if units["name"] == "polynomial":
        U = U / np.sqrt(squares)[:, None]
    Z = with_ones(X, document["bias"]) @ U.T
    if units["name"] == "gated_relu":
        gates = wide(units["gates"])[np.array(network["gate"], dtype=int)]
        features = Z * (with_ones(X, document["bias"]) @ gates.reshape(U.shape).T >= 0.0)
    else:
        features = phi(units, Z)
    f = features @ a.reshape(-1)
    f = f + (0.0 if network["c"] is None else wide(network["c"]))
    f = f + (0.0 if network["s"] is None else X @ wide(network["s"]))
    if units["name"] in (*LEFT, "leaky_relu", "gated_relu"):
        penalty = 0.5 * np.sum(squares + a**2)
    elif units["name"] in ("quadratic", "squared_relu"):
        penalty = np.abs(a) @ squares
    else:
        penalty = np.abs(a).sum()
    return float(sample_weights(document) @ losses(document["loss"], f, y) + beta * penalty)


def sample_weights(document: dict[str, Any]) -> np.ndarray:
    """The weights, or ones."""
    given = document["sample_weights"]
    return np.ones(len(decoded(document["dual"]))) if given is None else decoded(given)


def moved_dual(document: dict[str, Any]) -> np.ndarray:
    """The dual vector, moved by weighted least squares so that the free part is not seen."""
    X, v, network = decoded(document["data"]["X"]), decoded(document["dual"]), document["network"]
    free = [np.ones((len(v), 1))] * (network["c"] is not None) + [X] * (network["s"] is not None)
    if not free:
        return v
    F, D = shrunk(np.column_stack(free))[0], np.clip(room(document, v), 0.0, 1.0)
    v, e = shrunk(v)
    move = D * (F @ np.linalg.lstsq(F.T @ (D[:, None] * F), F.T @ v, rcond=None)[0])
    return np.ldexp(v - move, e)


def room(document: dict[str, Any], v: np.ndarray) -> np.ndarray:
    """The distance of each dual number from the ends of the domain of the conjugate."""
    w, p = sample_weights(document), -decoded(document["data"]["y"]) * v
    return {
        "squared": np.full(len(v), np.inf),
        "absolute": w - np.abs(v),
        "huber": w - np.abs(v),
        "log_cosh": w - np.abs(v),
        "logistic": np.minimum(p, w - p),
        "hinge": np.minimum(p, w - p),
        "squared_hinge": p,
    }[document["loss"]]


def dual_value(document: dict[str, Any]) -> float:
    """``-l*(v)``."""
    w, y = sample_weights(document).astype(WIDE), wide(document["data"]["y"])
    return -float(w @ conjugates(document["loss"], moved_dual(document) / w, y))


def noise(document: dict[str, Any]) -> float:
    """The loss of predictions that are right but for the rounding of longer floats."""
    if document["loss"] in LABELS:
        return 1e-300
    y = wide(document["data"]["y"])
    nearly = y * (1.0 + 1e3 * np.finfo(WIDE).eps)
    return float(sample_weights(document) @ losses(document["loss"], nearly, y)) + 1e-300


def is_true(document: dict[str, Any], slack: float = 1e-11) -> bool:
    """Whether the claims of a document with one output hold, up to rounding."""
    lower, upper = decoded(document["lower"]), decoded(document["upper"])
    X = with_ones(decoded(document["data"]["X"]), document["bias"])
    with np.errstate(all="ignore"):
        v, dual, value = moved_dual(document), dual_value(document), objective(document)
        ends_hold = lower <= dual + slack * abs(dual) + noise(document)
        ends_hold &= value <= upper + slack * abs(upper) + noise(document)
        largest = decoded(document["weight_decay"]) * (1.0 + slack) + 1e-300
        return bool(ends_hold) and rho(document["units"], document["norm"], X, v) <= largest
