"""Proofs for several outputs from proofs for one, on a triangulated sphere of output directions.

With c outputs and h(w) = max over u of |w . g(u)|, which is rho of the one output V w, to prove is
h(w) <= beta |w| for all w in R^c. h is even, convex and positively homogeneous.

Corners. The evidence has a basis of k directions, the rows of B, (k, c). In its coordinates t,
where w = B^T t, the first k corners t_m are the unit vectors, and every edge (i, j, a, b) makes one
more, a t_i + b t_j. For each the evidence claims a bound, h(B^T t_m) <= H_m. That is proved as for
one output, with H_m in place of beta.

Cones. They have k corners with signs s_m. The first ones have the corners 0, ..., k - 1 with s_0 =
1 and all signs of the others: with their opposites they cover R^k. A cone is cut in two at a corner
that is on one of its edges. If not, it has q with s_m t_m . q >= H_m for its corners, and

    q^T G^{-1} q + e^2 <= beta^2,    G = B B^T.

Then for t = sum_m l_m s_m t_m, l >= 0, h(B^T t) <= sum_m l_m H_m <= q . t <= |p| |B^T t| with |p|^2
= q^T G^{-1} q. Without cones the same is said of all first ones together, by q = (s_m H_m)_m: then
|p|^2 is at most sum_ij H_i H_j |G^{-1}_ij|.

Outside the basis. Let V'_i be the rows of V minus their projections on the span of B. Where w' is
orthogonal to it, h(w') <= e |w'| with e = sum_i |V'_i| max_u |phi_u(x_i)|. So for w in the span
h(w + w') <= |p| |w| + e |w'| <= sqrt(|p|^2 + e^2) |w + w'|.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from flint import fmpq, fmpq_mat

from .document import RefusalError
from .dual import Clock, Dual
from .exact import bits, check_size, inner, over_common_denominator, rational, root_above

MAX_DIRECTIONS = 50  # in the basis
MAX_PRODUCTS = 10**8  # directions * samples * outputs
MAX_DIGITS = 20_000  # binary ones, of the coordinates of a corner

Cone = dict[int, int]
"""The signs of its corners."""


class OneOutput(NamedTuple):
    """What is known of the units with one output.

    ``violation(dual, evidence, clock)`` is that of `Units`; ``largest(size)`` bounds |phi_u(x)| for
    |x| <= size.
    """

    violation: Callable[[Dual, Any, Clock], Fraction]
    largest: Callable[[Fraction], Fraction]


def sphere_violation(dual: Dual, evidence: Any, units: OneOutput, clock: Clock) -> Fraction:
    """`Units.violation` of several outputs; refuses what is not proved."""
    directions, numbers = len(evidence["basis"]), len(dual.V) * len(dual.V[0])
    if directions > MAX_DIRECTIONS or directions * numbers > MAX_PRODUCTS:
        raise RefusalError(f"too large: {directions} directions of {numbers} numbers")
    V = fmpq_mat([[fmpq(x, dual.v_scale) for x in row] for row in dual.V])
    B = fmpq_mat([list(map(rational, row)) for row in evidence["basis"]])
    G = B * B.transpose()
    if not G.det():
        raise RefusalError("evidence: the basis is dependent")
    reduced, inverse = V * B.transpose(), G.inv()
    rest = dual.beta**2 - outside(dual, V - reduced * inverse * B, units.largest) ** 2
    triangulation = Triangulation(evidence, inverse, fmpq(rest.numerator, rest.denominator))
    triangulation.check(clock)
    for t, H, proof in zip(
        triangulation.corners, triangulation.bounds, evidence["proofs"], strict=True
    ):
        clock.check()
        v = (reduced * fmpq_mat(len(t), 1, t)).entries()
        check_corner(dual, v, Fraction(int(H.p), int(H.q)), proof, units, clock)
    return Fraction(0)


def outside(dual: Dual, left: fmpq_mat, largest: Callable[[Fraction], Fraction]) -> Fraction:
    """A bound on e, for the rows V'_i."""
    total = Fraction(0)
    for x, row in zip(dual.X, left.table(), strict=True):
        if any(row):
            square = inner(row, row)
            size = root_above(Fraction(inner(x, x), dual.x_scale**2))
            total += root_above(Fraction(int(square.p), int(square.q))) * largest(size)
    return total


def check_corner(
    dual: Dual, v: list[fmpq], H: Fraction, proof: Any, units: OneOutput, clock: Clock
) -> None:
    """Refuse a corner whose bound H is not proved for the dual vector v of one output."""
    if not any(v) and H >= 0:
        return
    rows, scale = over_common_denominator([[x] for x in v])
    check_size(len(rows), bits(rows))
    one = Dual(dual.X, dual.x_scale, rows, scale, beta=H)
    if H <= 0 or units.violation(one, proof, clock):
        raise RefusalError("not proved feasible: a bound at a corner of the evidence is too low")


class Triangulation:
    """Corners with their bounds, and cones; the inverse is G^{-1}, rest is beta^2 - e^2."""

    def __init__(self, evidence: Any, inverse: fmpq_mat, rest: fmpq) -> None:
        self.inverse, self.rest = inverse, rest
        self.bounds = list(map(rational, evidence["bounds"]))
        self.edges, self.trees = evidence["edges"], evidence["cones"]
        self.k = k = inverse.nrows()
        self.corners = [[fmpq(i == m) for i in range(k)] for m in range(k)]
        for i, j, a, b in self.edges:
            pairs = zip(self.corners[i], self.corners[j], strict=True)
            self.corners.append([rational(a) * x + rational(b) * y for x, y in pairs])
            if max(int(x.q).bit_length() for x in self.corners[-1]) > MAX_DIGITS:
                raise RefusalError("too large: a corner of the evidence has too many digits")

    def check(self, clock: Clock) -> None:
        """Refuse cones on which h is not proved to be low enough."""
        if self.trees is None:
            H = [abs(x) for x in self.bounds[: self.k]]
            shares = [[abs(x) for x in row] for row in self.inverse.table()]
            self.compare(inner(H, [inner(row, H) for row in shares]))
            return
        for number, tree in enumerate(self.trees):
            signs = [1, *(-1 if number >> j & 1 else 1 for j in range(self.k - 1))]
            for cone, q in self.leaves(tree, dict(enumerate(signs))):
                clock.check()
                self.check_leaf(cone, q)

    def leaves(self, tree: Any, cone: Cone) -> Iterator[tuple[Cone, list[fmpq]]]:
        """The cones that are not cut, with their q."""
        if not isinstance(tree, dict):
            yield cone, list(map(rational, tree))
            return
        m = tree["corner"]
        for part, (removed, sign) in zip(("first", "second"), self.ends(m, cone), strict=True):
            rest = {corner: s for corner, s in cone.items() if corner != removed}
            yield from self.leaves(tree[part], rest | {m: sign})

    def ends(self, m: int, cone: Cone) -> list[tuple[int, int]]:
        """The ends of the edge of the cone that corner m is on, and the sign of that."""
        i, j, a, b = self.edges[m - self.k]
        signs = {cone.get(i, 0) * sign(a), cone.get(j, 0) * sign(b)}
        if i == j or m in cone or signs not in ({1}, {-1}):
            raise RefusalError("evidence: a cone is cut at a corner that is not on its edges")
        return [(i, *signs), (j, *signs)]

    def check_leaf(self, cone: Cone, q: list[fmpq]) -> None:
        """Refuse q that is too low at a corner, or too long."""
        if any(s * inner(self.corners[m], q) < self.bounds[m] for m, s in cone.items()):
            raise RefusalError("evidence: a linear function is below the bound at a corner")
        self.compare(inner(q, (self.inverse * fmpq_mat(len(q), 1, q)).entries()))

    def compare(self, square: fmpq) -> None:
        """Refuse a square above beta^2 - e^2."""
        if square > self.rest:
            raise RefusalError("not proved feasible: the bound between corners is above it")


def sign(x: float) -> int:
    """-1, 0 or 1."""
    return (x > 0) - (x < 0)
