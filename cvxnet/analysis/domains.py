"""Where a leaf may live, and how to draw, clip and test its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.questions import Question
from cvxnet.types import Array

BOXED = {"nonneg", "nonpos", "pos", "neg", "bounds", "integer", "boolean", "symmetric", "diag"}
BOXED |= {"sparsity"}


@dataclass(frozen=True)
class Domain:
    """A box, possibly of symmetric or diagonal matrices, or the two labels.

    Integer and boolean unknowns are relaxed, as CVXPY's own rules relax them; what is fixed is
    whole (every entry, where some have to be).
    """

    low: Array
    high: Array
    labels: bool = False
    strict: bool = False
    symmetric: bool = False
    diagonal: bool = False
    whole: bool = False

    def clip(self, values: Array) -> Array:
        """The nearest admissible values, for a batch."""
        if self.labels:
            return np.where(values > 0.0, 1.0, -1.0)
        if self.symmetric:
            values = np.triu(values) + np.triu(values, 1).swapaxes(-1, -2)
        if self.diagonal:
            values = values * np.eye(values.shape[-1])
        values = np.round(values) if self.whole else values
        return np.clip(values, self.low, self.high)

    def contains(self, value: Array) -> bool:
        """Whether one value is admissible, exactly."""
        inside = (value >= self.low).all() and (value <= self.high).all()
        if self.strict:
            inside = inside and (value != 0.0).all()
        if self.labels:
            inside = inside and (np.abs(value) == 1.0).all()
        if self.whole:
            inside = inside and (value == np.round(value)).all()
        if self.symmetric:
            inside = inside and (value == value.T).all()
        if self.diagonal:
            inside = inside and (value == np.diag(np.diag(value))).all()
        return bool(inside)

    @property
    def interior(self) -> bool:
        """Whether the domain is a box with interior (so that lines can run in all directions)."""
        return not (self.labels or self.symmetric or self.diagonal) and bool(
            (self.low < self.high).all()
        )


def domain_of(leaf: Any, question: Question) -> Domain | None:
    """The leaf's domain, or None where it is none that this module knows (PSD, complex, ...)."""
    used = {name for name, value in leaf.attributes.items() if value not in (None, False)}
    if not used <= BOXED:
        return None
    low, high = leaf_bounds(leaf, question)
    fixed = not any(leaf is unknown for unknown in question.unknowns)
    return Domain(
        np.broadcast_to(low, leaf.shape),
        np.broadcast_to(high, leaf.shape),
        labels=id(leaf) in question.labels,
        strict=bool(used & {"pos", "neg"}),
        symmetric="symmetric" in used,
        diagonal="diag" in used,
        whole=fixed and bool(used & {"integer", "boolean"}),
    )
