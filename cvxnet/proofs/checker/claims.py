"""What a certificate says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from .exact import rational


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a certificate says: well-formed, but not yet believed.

    Of n samples, d features and m units: X is (n, d), y, v and sample_weights have n numbers, W is
    (m, d), b, a and gate have m, s has d. What they mean stands in certificate.py.
    """

    cvxnet: str
    units: dict[str, Any]
    norm: str
    loss: str
    sample_weights: list[float] | None
    weight_decay: float
    bias: bool
    X: list[list[float]]
    y: list[float]
    W: list[list[float]]
    b: list[float] | None
    a: list[float]
    c: float | None
    s: list[float] | None
    gate: list[int] | None
    v: list[float]
    evidence: dict[str, Any] | None
    lower: float
    upper: float


def hidden_weights(claims: Claims) -> list[list[float]]:
    """The vectors u_j = (W_j, b_j) of the units; b_j = 0 without bias."""
    return [[*u, b] for u, b in zip(claims.W, claims.b or [0.0] * len(claims.a), strict=True)]


def rows_of(claims: Claims) -> Iterator[list[float]]:
    """What units see of each sample: (x, 1) with bias, x without."""
    return ([*row, 1.0][: len(row) + claims.bias] for row in claims.X)


def samples(claims: Claims, values: Iterable[Any]) -> Iterator[tuple[Any, fmpq, fmpq]]:
    """A value, the target and the weight of each sample."""
    weights = claims.sample_weights or [1.0] * len(claims.y)
    for value, y, w in zip(values, claims.y, weights, strict=True):
        yield value, rational(y), rational(w)
