"""Answers to the exercises of ``experiments/lessons``: a right one each, and wrong ones with what
the lesson has to say of them."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import cvxpy as cp
import numpy as np

import cvxnet as cn

UP: Any = {"nonneg": True}


def hidden_layers(*signs: Any) -> Any:
    """The network of exercise 1.3, with options for each linear layer."""
    first, second, last = signs
    layers = cn.Linear(2, 3, **first), cn.ReLU(), cn.Linear(3, 3, **second), cn.ReLU()
    return cn.Sequential(*layers, cn.Linear(3, 1, **last))


def cells(n: int, r: int) -> int:
    """Cells of n samples in general position at rank r."""
    return 2 * sum(comb(n - 1, k) for k in range(r))


def cone(D: Any, X: Any, w: Any) -> list[Any]:
    """The inequalities of a cell."""
    return [(2.0 * D - np.eye(len(X))) @ X @ w >= 0.0]


def unit(w: Any, sign: float) -> tuple[Any, float]:
    """The balanced unit of a vector."""
    root = np.sqrt(np.linalg.norm(w))
    return w / root, sign * root


def from_fixed_units(X: Any, y: Any, beta: float) -> Any:
    """The residual of ridge regression on the units whose kinks are at the samples."""
    across = np.column_stack([-X[:, 1], X[:, 0]])
    across = across / np.linalg.norm(across, axis=1)[:, None]
    F = np.maximum(X @ np.vstack([across, -across]).T, 0.0)
    return F @ np.linalg.solve(F.T @ F + beta * np.eye(F.shape[1]), F.T @ y) - y


def price_of_abs(v: Any, X: Any) -> tuple[Any, float]:
    """The best unit ``|X u|`` at rank 2."""
    across = np.column_stack([-X[:, 1], X[:, 0]])
    across = across / np.linalg.norm(across, axis=1)[:, None]
    cuts = np.sort(np.arctan2(across[:, 1], across[:, 0]) % np.pi)
    middles = (cuts + np.append(cuts[1:], cuts[0] + np.pi)) / 2.0
    signs = np.sign(np.column_stack([np.cos(middles), np.sin(middles)]) @ X.T)
    C = (signs * v) @ X
    candidates = np.vstack([across, C / np.linalg.norm(C, axis=1)[:, None]])
    sizes = abs(v @ np.abs(X @ candidates.T))
    return candidates[sizes.argmax()], sizes.max()


def absolute_bound(v: Any, rho: float, y: Any, beta: float) -> float:
    """The dual value of the absolute loss, scaled."""
    return float(-min(1.0, beta / rho, 1.0 / abs(v).max()) * v @ y)


def excess(value: float, lower: float, upper: float) -> tuple[float, float]:
    """Least and most excess."""
    return max(0.0, value - upper) / upper, (value - lower) / lower


def dual_value(v: Any, y: Any) -> Any:
    """``-v.y - v.v / 2``."""
    return -sum(p * q for p, q in zip(v, y, strict=True)) - sum(p * p for p in v) / 2


def exact_objective(W: Any, b: Any, a: Any, x: Any, y: Any, beta: Any) -> Any:
    """Loss and weight decay in fractions."""
    units = list(zip(W, b, a, strict=True))
    f = [sum(c * max(w * at + shift, 0) for w, shift, c in units) for at in x]
    loss = sum((p - q) ** 2 for p, q in zip(f, y, strict=True)) / 2
    return loss + beta * sum(w * w + shift * shift + c * c for w, shift, c in units) / 2


def no_unit_pays(v: Any, rows: Any, beta: Any) -> bool:
    """Whether ``|v . phi_u| <= beta |u|`` for all u in the plane."""
    kinks = [(-s * q, s * p) for p, q in rows for s in (1, -1)]
    directions = list(kinks)
    for k in kinks:
        for turned in ((-k[1], k[0]), (k[1], -k[0])):
            on = [(dot(row, k), dot(row, turned)) > (0, 0) for row in rows]
            c = [
                sum(w * row[i] for w, row, o in zip(v, rows, on, strict=True) if o) for i in (0, 1)
            ]
            directions += [c, [-c[0], -c[1]]]
    sums = [
        sum(w * max(dot(row, u), 0) for w, row in zip(v, rows, strict=True)) for u in directions
    ]
    return all(s * s <= beta * beta * dot(u, u) for s, u in zip(sums, directions, strict=True))


def dot(p: Any, q: Any) -> Any:
    """The inner product in the plane."""
    return p[0] * q[0] + p[1] * q[1]


def weaken(document: dict[str, Any], share: float = 0.5) -> dict[str, Any]:
    """A share of the dual vector, and the lower bound that it proves, rounded down."""
    v = [share * float.fromhex(entry) for entry in document["dual"]]
    y = [Fraction(float.fromhex(target)) for target in document["data"]["y"]]
    lower = np.nextafter(float(dual_value([Fraction(p) for p in v], y)), -np.inf)
    return document | {"dual": [entry.hex() for entry in v], "lower": float(lower).hex()}


RIGHT = {
    "01_is_it_convex": {
        "1": {"rules": (1, 3), "refuted": (-1, 1), "another": (0.6, 2)},
        "2": lambda z: cp.norm(cp.hstack([1, z])),
        "3": hidden_layers({}, UP, UP),
        "4": [(2.0, 0.5), (0.5, 2.0)],
        "5": [-1, -1, -1],
    },
    "02_hidden_convexity": {
        "1": ([0.6, -0.8], 1.0),
        "2": cells,
        "3": cone,
        "4": unit,
        "5": 4.6746,
    },
    "03_column_generation": {
        "1": from_fixed_units,
        "2": price_of_abs,
        "3": absolute_bound,
        "4": [1.0, -2.0, 1.0] * 4,
    },
    "04_sgd_against_the_optimum": {
        "1": excess,
        "2": (np.zeros((3, 2)), np.zeros(3)),
        "3": {"width": 32, "rate": 0.1},
        "4": "wider",
        "5": lambda value, narrow, every: (narrow / every - 1.0, value / narrow - 1.0),
    },
    "05_proofs": {
        "1": dual_value,
        "2": exact_objective,
        "3": no_unit_pays,
        "4": weaken,
        "5": {"W": [1.0, -1.0], "b": [0.0, -0.3], "a": [0.95, 1.1]},
    },
}
"""Lesson, exercise: an answer that is right."""

WRONG = {
    "01_is_it_convex": [
        ("1", {"rules": (1, 1.5), "refuted": (-1, 1), "another": (0.6, 2)}, "shorter than 1"),
        ("1", {"rules": (0.6, 2), "refuted": (-1, 1), "another": (0.6, 2)}, "rules: on 0.6 to 2"),
        ("2", lambda z: cp.norm(cp.hstack([2, z])), "another function: 3.6056"),
        ("2", lambda z: None, "nothing was returned"),
        ("3", hidden_layers({}, {}, UP), "2.weight of unknown sign"),
        ("3", hidden_layers(UP, UP, UP), "the first layer needs no signs"),
        ("3", cn.Sequential(cn.Linear(2, 1)), "expected Linear, ReLU"),
        ("4", [(1.0, 1.0), (1.0, 1.0)], "too alike"),
        ("4", [(1.0, 2.0), (1.0, 1.0)], "both must be 0"),
        ("4", "swap them", "the answer stopped with ValueError"),
        ("5", [-1, 1, -1], "refuted: "),
    ],
    "02_hidden_convexity": [
        ("1", ([3.0, -4.0], 0.3), "another function"),
        ("1", ([1.5, -2.0], 0.4), "and 1.0000 will do"),
        ("2", lambda n, r: 2**n, "cvxnet finds"),
        ("3", lambda D, X, w: [], "below the proved lower bound"),
        ("3", lambda D, X, w: [*cone(D, X, w), w >= 0.0], "too much is forbidden"),
        ("4", lambda w, sign: (w, sign), "the penalty is"),
        ("4", lambda w, sign: unit(w, 1.0), "the unit has other values"),
        ("5", 5.0, "is zero already"),
        ("5", 4.5, "still has"),
    ],
    "03_column_generation": [
        ("1", lambda X, y, beta: -y, "of the optimum"),
        ("1", lambda X, y, beta: y[:3], "one number for each"),
        ("2", lambda v, X: (np.array([1.0, 0.0]), abs(v @ abs(X[:, 0]))), "cvxnet finds"),
        ("2", lambda v, X: (np.array([1.0, 0.0]), 1.0), "does not have length one"),
        ("3", lambda v, rho, y, beta: -min(1.0, beta / rho) * v @ y, "a network"),
        ("3", lambda v, rho, y, beta: 0.5 * absolute_bound(v, rho, y, beta), "true, but"),
        ("4", [1.0] * 12, "reach 99.6 %"),
        ("4", [1.0] * 3, "expected 12 numbers"),
    ],
    "04_sgd_against_the_optimum": [
        ("1", lambda value, lower, upper: (0.0, (value - lower) / value), "you say"),
        ("2", (np.ones((3, 2)), np.zeros(3)), "the largest entry of the gradient"),
        ("2", (np.ones((3, 2)), np.zeros(2)), "expected (3, 2) and (3,)"),
        ("3", {"width": 2, "rate": 0.03}, "0 of 20 end within 1 %"),
        ("4", "adam", "would have to be shown"),
        ("4", "width", "do not rule out"),
        ("4", "both", "one of the three words"),
        ("5", lambda value, narrow, every: (0.0, value / every - 1.0), "run of width 1: you say"),
    ],
    "05_proofs": [
        ("1", lambda v, y: dual_value(v, y) + Fraction(1, 10**9), "is too high"),
        ("1", lambda v, y: dual_value(v, y) - Fraction(1, 10**9), "is too low"),
        ("1", lambda v, y: float(dual_value(v, y)), "expected a Fraction"),
        ("2", lambda *parts: exact_objective(*parts) * Fraction(999, 1000), "is too low"),
        ("2", lambda *parts: exact_objective(*parts) * Fraction(1001, 1000), "is too high"),
        ("3", lambda v, rows, beta: True, "you say True"),
        ("3", lambda v, rows, beta: False, "you say False"),
        ("4", lambda document: document, "the old one"),
        ("4", lambda document: weaken(document, 2.0), "cvxnet refuses it"),
        (
            "4",
            lambda document: weaken(document) | {"lower": document["lower"]},
            "cvxnet refuses it",
        ),
        ("5", {"W": [1.0], "b": [0.0], "a": [1.0]}, "an excess of 1186"),
    ],
}
"""Lesson: an exercise, an answer that is wrong, and what the lesson says of it."""
