"""What proves a bound on pricing at any rank: multipliers, or a tree of them.

`cvxnet.training.bounds.relaxation` explains the multipliers. A split on row l says that its two
children speak of the units with ``x_l.u >= 0`` and of those with ``x_l.u <= 0``. Rows are as given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.types import Array

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Multipliers:
    """What proves ``G <= bound`` in one leaf."""

    tilt: Array
    carriers: Indices
    budgets: Indices
    lean: Array
    tau: Array
    mu: float

    def times(self, v: float, x: float) -> Multipliers:
        """For dual vectors that are ``v`` times, and rows that are ``x`` times the ones here."""
        return replace(
            self,
            tilt=v * self.tilt,
            lean=v * self.lean,
            tau=v * x * self.tau,
            mu=v * x * self.mu,
        )

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        triples = zip(self.carriers.tolist(), self.budgets.tolist(), self.lean, strict=True)
        lean = [[i, k, float(a)] for i, k, a in triples if a]
        return {"tilt": self.tilt, "lean": lean, "tau": self.tau, "mu": float(self.mu)}


@dataclass(frozen=True)
class Split:
    """Two cases: ``x_row.u >= 0`` and ``x_row.u <= 0``."""

    row: int
    plus: Node
    minus: Node

    def times(self, v: float, x: float) -> Split:
        """See `Multipliers.times`."""
        return Split(self.row, self.plus.times(v, x), self.minus.times(v, x))

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        return {"row": self.row, "plus": self.plus.document(), "minus": self.minus.document()}


Node = Multipliers | Split


@dataclass(frozen=True)
class Evidence:
    """A tree for the pricing function, and one for its negative; None where that does not count."""

    plus: Node | None
    minus: Node | None

    def times(self, v: float, x: float = 1.0) -> Evidence:
        """See `Multipliers.times`."""
        return Evidence(self.plus and self.plus.times(v, x), self.minus and self.minus.times(v, x))

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        return {
            "kind": "relaxation",
            "plus": self.plus and self.plus.document(),
            "minus": self.minus and self.minus.document(),
        }
