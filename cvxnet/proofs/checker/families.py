"""The unit families by name: the features of each, and where its proof is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import arb, fmpq, fmpq_mat, fmpz, fmpz_mat

from .boxes import tanh_violation
from .claims import Claims, as_rows, rows_of
from .columns import ColumnSpace
from .cones import squared_relu_violation
from .document import RefusalError, is_index
from .dual import Clock, Dual
from .exact import Number, above_one, fraction, inner, integers, matrix_of, products, rational
from .relaxation import relaxed_violation
from .semidefinite import (
    polynomial_violation,
    product_sum,
    quadratic_violation,
    singular_violation,
)
from .simplices import ConeSpace
from .sparse import Sparse, entries, transposed_times
from .steps import Effect, step_violation
from .sweeps import piecewise_linear_violation
from .units import Units

ZERO = fmpz(0)


def positive_part(numbers: list[fmpz]) -> list[fmpz]:
    """``max(z, 0)``, each."""
    return [z if z > ZERO else ZERO for z in numbers]


def negative_part(numbers: list[fmpz]) -> list[fmpz]:
    """``min(z, 0)``, each."""
    return [z if z < ZERO else ZERO for z in numbers]


class PiecewiseLinear(Units):
    """``right * z`` where z > 0, ``left * z`` where z < 0."""

    penalty, norms = "balanced", ("l2", "l1")
    evidence: tuple[str, ...] = ("relaxation", "sphere", "tree")
    several = signed = True
    left, right = fmpq(0), fmpq(1)

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * (self.right if z > 0 else self.left)

    def outputs(self, Z: fmpz_mat, scale: int, start: int) -> list[list[Number]]:
        """In integers, many times faster than unit by unit: phi is linear on either side."""
        rows, a_scale = integers(as_rows(self.claims.a))
        A, entries = matrix_of(rows, self.claims.outputs), Z.entries()
        total = fmpq_mat(Z.nrows(), A.ncols())
        for slope, side in ((self.right, positive_part), (self.left, negative_part)):
            if slope:
                seen = fmpz_mat(Z.nrows(), Z.ncols(), side(entries)) * A
                total += fmpq_mat(seen) * (slope / (scale * a_scale))
        return total.table()

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        if evidence:
            return relaxed_violation(dual, (self.left, self.right), evidence, clock)
        return piecewise_linear_violation(dual, (self.left, self.right), self.claims.norm, clock)

    def space(self, clock: Clock) -> ConeSpace:
        return ConeSpace(self.claims, (self.left, self.right))

    def largest(self, size: Fraction) -> Fraction:
        return fraction(max(abs(self.left), abs(self.right))) * size


class ReLU(PiecewiseLinear):
    """``max(z, 0)``."""


class LeakyReLU(PiecewiseLinear):
    """``max(z, 0) + slope min(z, 0)``."""

    parameter = "slope"

    def __init__(self, claims: Claims) -> None:
        super().__init__(claims)
        self.left = rational(claims.units["slope"])


class Abs(PiecewiseLinear):
    """``|z|``."""

    left = fmpq(-1)


class Linear(PiecewiseLinear):
    """``z``."""

    left, evidence, signed, linear = fmpq(1), (), False, True

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        return linear_violation(dual, range(len(dual.V)), self.claims.norm, clock)


class GatedReLU(Units):
    """``z`` where the gate of the unit is open, ``x . gate >= 0``; otherwise 0."""

    parameter, shape, penalty, several = "gates", None, "balanced", True

    def check(self) -> None:
        super().check()
        if not all(is_index(g, len(self.claims.units["gates"])) for g in self.claims.gate or ()):
            raise RefusalError("gate holds a number that is no index of a gate")

    def patterns(self, gates: list[list[float]]) -> Iterator[list[bool]]:
        """For each gate, at which samples it is open."""
        X, _ = integers(rows_of(self.claims))
        whole, _ = integers(gates)
        yield from ([z >= 0 for z in row] for row in products(X, whole))

    @cached_property
    def open(self) -> dict[int, list[bool]]:
        """Of the gates of the units."""
        used, gates = sorted(set(self.claims.gate or ())), self.claims.units["gates"]
        return dict(zip(used, self.patterns([gates[g] for g in used]), strict=True)) if used else {}

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * self.open[(self.claims.gate or [])[j]][i]

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        most, gates = Fraction(0), self.claims.units["gates"]
        for pattern in self.patterns(gates) if gates else ():
            clock.check()
            rows = [i for i, passes in enumerate(pattern) if passes]
            most = max(most, linear_violation(dual, rows, "l2", clock))
        return most


class Coordinate(Units):
    """One coordinate of x, or minus that."""

    evidence, several, linear = ("tree",), True, True

    def check(self) -> None:
        super().check()
        if self.claims.bias:
            raise RefusalError("coordinate units have no bias")
        for row in entries(self.claims.W):
            if [abs(x) for _, x in row] != [1.0]:
                raise RefusalError("W of coordinate units must have one entry +-1 a row, else 0")

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        return linear_violation(dual, range(len(dual.V)), "l1", clock)

    def space(self, clock: Clock) -> ColumnSpace:
        return ColumnSpace(self.claims, None, clock)


class Steps(Units):
    """A value where z < 0, one where z > 0, one where z = 0."""

    evidence = ("tree",)
    effect: Effect

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        off, on, at = self.effect
        return fmpq(on if z > 0 else off if z < 0 else at)

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        return step_violation(dual, self.effect, clock)

    def space(self, clock: Clock) -> ColumnSpace:
        return ColumnSpace(self.claims, self.effect, clock)


class Sign(Steps):
    """-1, 0 or 1, the sign of z."""

    effect = Effect(-1, 1, 0)


class Threshold(Steps):
    """1 where z >= 0, otherwise 0."""

    effect = Effect(0, 1, 1)


class Quadratic(Units):
    """``z^2``."""

    penalty, evidence = "square", ("sphere",)
    several = signed = True

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * z

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        return quadratic_violation(dual, clock)

    def largest(self, size: Fraction) -> Fraction:
        return size**2


class SquaredReLU(Units):
    """``max(z, 0)^2``."""

    penalty, signed = "square", True

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * z if z > 0 else fmpq(0)

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        return squared_relu_violation(dual, clock)


class Polynomial(Units):
    """``a z^2 + b z + c`` of ``z = x . u / |u|``."""

    parameter, shape = "coefficients", (3,)
    evidence, several = ("sphere",), True

    def check(self) -> None:
        super().check()
        if not all(self.squares):
            raise RefusalError("a unit of the family polynomial must not have all weights 0")

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        a, b, c = map(rational, self.claims.units["coefficients"])
        return a * z * z / self.squares[j] + b * z * arb(self.squares[j]).rsqrt() + c

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        coefficients = list(map(rational, self.claims.units["coefficients"]))
        return polynomial_violation(dual, coefficients, clock)

    def largest(self, size: Fraction) -> Fraction:
        a, b, c = map(abs, map(Fraction, self.claims.units["coefficients"]))
        return a * size**2 + b * size + c


class Tanh(Units):
    """``tanh(z)``, u in a ball of the given radius."""

    parameter = "radius"

    def check(self) -> None:
        super().check()
        radius = rational(self.claims.units["radius"])
        if radius <= 0 or any(square > radius * radius for square in self.squares):
            raise RefusalError("the radius must be above 0, and no tanh unit may be longer")

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return arb(z).tanh()

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        return tanh_violation(dual, Fraction(self.claims.units["radius"]), clock)


UNITS: dict[str, type[Units]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "abs": Abs,
    "linear": Linear,
    "gated_relu": GatedReLU,
    "coordinate": Coordinate,
    "sign": Sign,
    "threshold": Threshold,
    "quadratic": Quadratic,
    "squared_relu": SquaredReLU,
    "polynomial": Polynomial,
    "tanh": Tanh,
}


def units_of(claims: Claims) -> Units:
    """The unit family of a certificate."""
    return UNITS[claims.units["name"]](claims)


def linear_violation(dual: Dual, rows: Iterable[int], norm: str, clock: Clock) -> Fraction:
    """For units z that see only some rows: g is u^T G with the sum G of x_i v_i^T over them.

    So rho is the length of the longest row of G in the norm l1, and in l2 its largest singular
    value.
    """
    chosen = list(rows)
    if not chosen:
        return Fraction(0)
    if isinstance(dual.X, Sparse):
        G = transposed_times(dual.X, dual.x_scale, dual.V, clock.check)
    else:
        G = product_sum([dual.X[i] for i in chosen], [dual.V[i] for i in chosen], clock)
    limit = (dual.x_scale * dual.v_scale * dual.beta) ** 2
    if norm == "l1":
        return above_one(max(inner(x, x) for x in G) / limit)
    return singular_violation(G, limit, clock)
