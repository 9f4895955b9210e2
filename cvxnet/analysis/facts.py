"""What is known about each entry of a node: bounds and curvature, proved by composition.

A rule makes the facts about a node from those about its arguments. This is the DCP calculus carried
further in three ways: entry by entry (CVXPY has one sign and one curvature for a whole matrix),
with intervals instead of signs, and with the shape of a function on exactly the interval that its
argument can reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cvxnet.analysis.tape import Node
from cvxnet.types import Array

Mask: TypeAlias = NDArray[np.bool_]

ROUNDING = 4e-16
"""More than the relative rounding of one product or sum of doubles."""
TINY = 1e-300
"""The least size of a product that underflows, as a bound on it."""
LARGEST = 1e300
"""What bounds a sum that overflows."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """Why a rule did not prove convexity, and what would have made it.

    Attributes
    ----------
    rule : str
        Where the rule stops; "{}" stands for the name of the factor.
    needs : str
        What would make it hold, likewise.
    entry : str
        The numbers in question, as they are.
    factors : tuple of int
        The arguments that are multiplied by what they must not be; their names, which no rule
        knows, belong to the text.
    index : tuple of int
        The worst entry of a single factor.
    number : float or None
        Its value, where that is known.
    """

    rule: str
    needs: str
    entry: str = ""
    factors: tuple[int, ...] = ()
    index: tuple[int, ...] = ()
    number: float | None = None


@dataclass(frozen=True)
class Facts:
    """Facts about the entries of a node; every array has the node's shape.

    Attributes
    ----------
    low, high : array
        Bounds that hold for all admissible values of all variables and parameters.
    convex, concave : mask
        Proved for that entry as a function of the variables in question, for every admissible
        value of everything else.
    quasiconvex, quasiconcave : mask
        The same for quasi-convexity.
    constant : bool
        Whether the node depends on no variable in question.
    monotone : tuple of str
        For each argument: "rising", "falling", "affine", "none".
    rule : str
        The rule that was used, or the one that stopped.
    need : Need or None
        What that rule would have needed to prove convexity; None where there is nothing to say.
    """

    low: Array
    high: Array
    convex: Mask
    concave: Mask
    quasiconvex: Mask
    quasiconcave: Mask
    constant: bool
    monotone: tuple[str, ...] = ()
    rule: str = ""
    need: Need | None = None

    @property
    def affine(self) -> Mask:
        """Entries that are both convex and concave."""
        return self.convex & self.concave

    @property
    def known(self) -> Mask:
        """Entries that are convex or concave."""
        return self.convex | self.concave

    def curvature(self) -> str:
        """One word for all entries."""
        if self.constant:
            return "constant"
        for word, mask in (("affine", self.affine), ("convex", self.convex)):
            if mask.all():
                return word
        if self.concave.all():
            return "concave"
        return "mixed" if self.known.all() else "unknown"

    def sign(self) -> str:
        """One word for all entries."""
        if (self.low >= 0.0).all():
            return "zero" if (self.high <= 0.0).all() else "nonnegative"
        return "nonpositive" if (self.high <= 0.0).all() else "unknown"


Rule = Callable[[Node, list[Facts]], Facts]
MASKS = ("convex", "concave", "quasiconvex", "quasiconcave")
FIELDS = ("low", "high", *MASKS)


def make_facts(
    low: Any,
    high: Any,
    convex: Any,
    concave: Any,
    *,
    quasi: tuple[Any, Any] | None = None,
    where: Any = True,
    monotone: tuple[str, ...] = (),
    rule: str = "",
    need: Need | None = None,
) -> Facts:
    """Facts of arrays that may still be floats or need copying, about a function of unknowns.

    ``where`` its domain is convex, an entry with one possible value is constant.
    """
    fixed = (np.asarray(low) == np.asarray(high)) & where
    convex, concave = (
        np.asarray(convex, dtype=bool) | fixed,
        np.asarray(concave, dtype=bool) | fixed,
    )
    quasiconvex, quasiconcave = (convex, concave) if quasi is None else quasi
    known = (convex | concave).all()
    return Facts(
        np.asarray(low, dtype=np.float64),
        np.asarray(high, dtype=np.float64),
        convex,
        concave,
        np.asarray(quasiconvex, dtype=bool) | convex,
        np.asarray(quasiconcave, dtype=bool) | concave,
        constant=False,
        monotone=monotone,
        rule=rule,
        need=None if known else need,
    )


def constant_facts(low: Any, high: Any, rule: str = "") -> Facts:
    """The facts about what depends on no unknown, from its bounds."""
    everywhere = np.ones(np.shape(low), dtype=bool)
    return replace(make_facts(low, high, everywhere, everywhere, rule=rule), constant=True)


def negated(facts: Facts) -> Facts:
    """The facts about ``-f``."""
    return replace(
        facts,
        low=-facts.high,
        high=-facts.low,
        convex=facts.concave,
        concave=facts.convex,
        quasiconvex=facts.quasiconcave,
        quasiconcave=facts.quasiconvex,
        need=None,
    )


def fitted(array: Any, shape: tuple[int, ...]) -> Any:
    """An array broadcast to a shape; CVXPY calls ``1 / x`` a number where x is 1 x 1."""
    few = array.ndim > len(shape)
    return array.reshape(shape) if few else np.broadcast_to(array, shape)


def spread(args: list[Facts], field: str, node: Node) -> Any:
    """One field of all arguments, broadcast to the node's shape, along a new first axis."""
    return np.array([fitted(getattr(arg, field), node.shape) for arg in args])


def shaped_like(arg: Facts, shape: tuple[int, ...]) -> Facts:
    """The facts with every array broadcast to a shape."""
    fields: Any = {field: fitted(getattr(arg, field), shape) for field in FIELDS}
    return replace(arg, **fields)


def interval_product(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """Bounds on ``s t`` for s in [a, b] and t in [c, d]; zero times infinity is zero."""
    pairs = ((a, c), (a, d), (b, c), (b, d))
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        products = [np.nan_to_num(s * t, nan=0.0, posinf=np.inf, neginf=-np.inf) for s, t in pairs]
    low, high = np.minimum.reduce(products), np.maximum.reduce(products)
    # A product that underflows to zero keeps the sign of its factors.
    signs = [np.sign(s) * np.sign(t) for s, t in pairs]
    low = np.where((low == 0.0) & (np.minimum.reduce(signs) < 0.0), -TINY, low)
    high = np.where((high == 0.0) & (np.maximum.reduce(signs) > 0.0), TINY, high)
    room = np.where(is_short(a) & is_short(b) & is_short(c) & is_short(d), 0.0, ROUNDING)
    with np.errstate(invalid="ignore"):
        low_room, high_room = (np.nan_to_num(np.abs(v) * room, nan=0.0) for v in (low, high))
    return low - low_room, high + high_room


def is_short(values: Array) -> Mask:
    """Multiples of 1/1024 below 2^16 (and infinities): their products and sums do not round."""
    with np.errstate(invalid="ignore"):
        scaled = values * 1024.0
        return np.isinf(values) | ((scaled == np.round(scaled)) & (np.abs(values) < 65536.0))


def interval_sum(low: Array, high: Array, axis: Any) -> tuple[Array, Array]:
    """Bounds on a sum along an axis, with room for the roundings of all its terms."""
    return lower_sum(low, axis), -lower_sum(-high, axis)


def lower_sum(low: Array, axis: Any) -> Array:
    """A lower bound on the sum of numbers above ``low``; terms above zero have a sum above zero."""
    count = low.size // max(1, int(np.prod(np.delete(low.shape, axis))))
    infinite = (low == -np.inf).any(axis=axis)
    finite = np.where(low == -np.inf, 0.0, np.minimum(low, LARGEST))
    with np.errstate(over="ignore"):
        room = ROUNDING * (1 + count) * np.abs(finite).sum(axis=axis)
        room = np.where(is_short(low).all(axis=axis) & (count < 1024), 0.0, room)
        total = finite.sum(axis=axis) - np.where(np.isfinite(room), room, np.inf)
    total = np.where((low >= 0.0).all(axis=axis), np.maximum(total, 0.0), total)
    return np.where(infinite, -np.inf, np.nan_to_num(total, nan=-np.inf, posinf=LARGEST))
