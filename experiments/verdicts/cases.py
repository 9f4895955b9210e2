"""A case: text that makes an expression, problem or network, its truth, and why that is true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import numpy as np

import cvxnet as cn

TRUTHS = {
    "convex": (True, False),
    "concave": (False, True),
    "affine": (True, True),
    "neither": (False, False),
    "not convex": (False, None),
}
"""Whether it is convex, and concave; None where that is not asked (of problems and networks)."""
VECTOR, SQUARE = (3,), (2, 2)
LEAVES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    **{name: ((), {}) for name in "xyz"},
    **{name: ((), {"pos": True}) for name in "pqr"},
    **{name: ((), {"nonneg": True}) for name in "st"},
    "n": ((), {"nonpos": True}),
    **{name: (VECTOR, {}) for name in "uvw"},
    **{name: (VECTOR, {"pos": True}) for name in "de"},
    **{name: (SQUARE, {}) for name in "MN"},
    "S": (SQUARE, {"symmetric": True}),
    "P": (SQUARE, {"PSD": True}),
    "k": ((), {"integer": True}),
    "K": (VECTOR, {"boolean": True}),
}
"""Variables by their letter: free, positive, not negative, not positive; scalars, vectors, ..."""
PARAMETERS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "g": ((), {"nonneg": True}),
    "h": ((), {}),
    "o": (VECTOR, {}),
    "H": ((3, 3), {"PSD": True}),
}
"""Parameters by their letter: what is said of an expression is said for all of their values."""
GIVEN = {
    "cp": cp,
    "np": np,
    "cn": cn,
    "A": np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [2.0, 0.0, 1.0]]),
    "a": np.array([1.0, -2.0, 3.0]),
    "c": np.array([2.0, 1.0, 4.0]),
    "Q": np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 1.0]]),
    "I": np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]),
}
"""What a text may name: Q is positive definite (leading minors 2, 5, 3), I is indefinite."""


class Names(dict[str, Any]):
    """Makes the variables that a text names, each once.

    Parameters
    ----------
    where : mapping of str to (low, high)
        Bounds of variables.
    """

    def __init__(self, where: Mapping[str, tuple[float, float]]) -> None:
        super().__init__()
        self.where = where

    def __missing__(self, name: str) -> Any:
        if name in PARAMETERS:
            shape, options = PARAMETERS[name]
            self[name] = cp.Parameter(shape, name=name, **options)
            return self[name]
        if name not in LEAVES:
            raise KeyError(name)
        shape, options = LEAVES[name]
        if name in self.where:
            options = options | {"bounds": list(self.where[name])}
        self[name] = cp.Variable(shape, name=name, **options)
        return self[name]


@dataclass(frozen=True)
class Case:
    """Something to be judged.

    Attributes
    ----------
    text : str
        Python that makes it, with the names of `LEAVES` and `GIVEN`; of a network, its name.
    truth : str
        One of `TRUTHS`.
    why : str
        Why that is its truth.
    family : str
        The class that it is counted in.
    where : mapping
        Bounds of variables.
    made : bool
        Whether a transformation made it of another case.
    network : callable, optional
        Makes the network, where it is one.
    options : mapping
        What else is passed with the question about it.
    """

    text: str
    truth: str
    why: str
    family: str
    where: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    made: bool = False
    network: Callable[[], Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> Any:
        """A fresh one."""
        if self.network is not None:
            return self.network()
        return eval(self.text, GIVEN, Names(self.where))

    @property
    def convex(self) -> bool:
        """The truth about convexity."""
        return bool(TRUTHS[self.truth][0])

    @property
    def concave(self) -> bool | None:
        """The truth about concavity; None where that is not asked: of problems and networks."""
        return TRUTHS[self.truth][1] if self.is_expression else None

    @property
    def is_expression(self) -> bool:
        """Neither a problem nor a network."""
        return self.network is None and not self.text.startswith("cp.Problem(")


def rows(family: str, table: Iterable[tuple[Any, ...]]) -> Iterator[Case]:
    """Cases of a table of (text, truth, why) or (text, truth, why, bounds)."""
    for text, truth, why, *where in table:
        yield Case(text, truth, why, family, *where)
