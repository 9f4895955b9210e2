"""What a certificate says."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

from flint import fmpq

from .exact import rational
from .packing import Table


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a certificate says: well-formed, but not yet believed.

    Of n samples, d features and m units: X is (n, d), y, v and sample_weights have n numbers, W is
    (m, d), b, a and gate have m, s has d. With c > 1 outputs y, v, a and s have rows of c numbers,
    and c has as many. Rows are a `Table`, those of X and W perhaps `Sparse`, other numbers an
    array. What they mean stands in docs/certificates/format.md.
    """

    cvxnet: str
    units: dict[str, Any]
    norm: str
    loss: str
    sample_weights: array[float] | None
    weight_decay: float
    bias: bool
    X: Any
    y: Any
    W: Any
    b: array[float] | None
    a: Any
    c: Any
    s: Any
    gate: list[int] | None
    v: Any
    output_weights: str
    evidence: dict[str, Any] | None
    preparation: dict[str, Any] | None = None
    width: int | None = None
    lower: float
    upper: float

    @property
    def outputs(self) -> int:
        """How many outputs the network has."""
        return self.y.width if isinstance(self.y, Table) else 1

    @property
    def tree(self) -> dict[str, Any] | None:
        """The evidence, where it is a tree."""
        return self.evidence if self.evidence and self.evidence["kind"] == "tree" else None

    @cached_property
    def exactly(self) -> tuple[list[list[fmpq]], list[fmpq]]:
        """Targets, a row for each sample, and weights."""
        weights = self.sample_weights or repeat(1.0, len(self.y))
        return exact_rows(self.y), list(map(rational, weights))

    @property
    def sides(self) -> tuple[int, ...]:
        """The signs s for which s g has to be at most beta; units.py says what g is."""
        return {"any": (1, -1), "nonneg": (-1,), "nonpos": (1,)}[self.output_weights]


def as_rows(values: Iterable[Any]) -> list[list[float]]:
    """Rows as they are, numbers as rows of one."""
    return [[x] if isinstance(x, float) else list(x) for x in values]


def exact_rows(values: Iterable[Any]) -> list[list[fmpq]]:
    """The same, exactly."""
    return [list(map(rational, row)) for row in as_rows(values)]


def hidden_weights(claims: Claims) -> list[list[float]]:
    """Of dense weights the vectors u_j = (W_j, b_j) of the units; b_j = 0 without bias."""
    return [[*u, b] for u, b in zip(claims.W, claims.b or [0.0] * len(claims.a), strict=True)]


def rows_of(claims: Claims) -> Iterator[list[float]]:
    """What units see of each sample of a dense X: (x, 1) with bias, x without."""
    return ([*row, 1.0][: len(row) + claims.bias] for row in claims.X)


def samples(claims: Claims, values: Iterable[Any]) -> Iterator[tuple[Any, list[fmpq], fmpq]]:
    """A row of values, of targets and the weight of each sample."""
    return zip(values, *claims.exactly, strict=True)
