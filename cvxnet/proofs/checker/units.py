"""What a unit family is: features, a penalty, and something to be proved.

To prove: |g(u)| <= beta for all units u of the family, where g(u) = sum_i v_i phi_u(x_i).

Penalties. Where phi is positively homogeneous, a unit with weights u counts |u| times (|u|^2
times, if of degree two) the unit u / |u|, and (|u|^2 + a^2) / 2 >= |a| |u|. So in each family
the penalty of a network is at least beta times the sum of the |a| that it has over units.
(Neyshabur, Tomioka, Srebro, In Search of the Real Inductive Bias, ICLR workshop 2015.)
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

from flint import fmpq, fmpz

from .claims import Claims, hidden_weights
from .document import RefusalError
from .dual import Clock, Dual
from .exact import Number, rational


class Units:
    """A unit family phi_u(x) = phi(x . u), u in the unit ball: what all have in common.

    ``parameter``: the entry beside the name, if any; its ``shape``: () is a number, None are rows.
    ``penalty`` of a unit, without beta: "balanced" (|u|^2 + a^2) / 2, "square" |a| |u|^2, or |a|.
    """

    parameter = ""
    shape: tuple[int, ...] | None = ()
    penalty = "amplitude"
    norms: tuple[str, ...] = ("l2",)
    relaxed = False  # whether there may be evidence

    def __init__(self, claims: Claims) -> None:
        self.claims = claims

    def check(self) -> None:
        """Refuse what does not fit the family."""
        if self.claims.norm not in self.norms:
            raise RefusalError(f"there are no such units with the norm {self.claims.norm}")
        if self.claims.evidence and not self.relaxed:
            raise RefusalError("there is no evidence for such units")
        if (self.claims.gate is None) == (self.parameter == "gates"):
            raise RefusalError("each unit of the family gated_relu has a gate, and no other unit")
        if (self.claims.b is not None) != self.claims.bias:
            raise RefusalError("b must be null without bias, and a list with bias")

    @cached_property
    def squares(self) -> list[fmpq]:
        """``|u_j|^2`` in the norm of the family."""
        hidden = [list(map(rational, u)) for u in hidden_weights(self.claims)]
        if self.claims.norm == "l1":
            return [sum(map(abs, u), fmpq(0)) ** 2 for u in hidden]
        return [sum((x * x for x in u), fmpq(0)) for u in hidden]

    def price(self, j: int) -> fmpq:
        """The penalty of unit j, without beta."""
        a = abs(rational(self.claims.a[j]))
        if self.penalty == "balanced":
            return (self.squares[j] + a * a) / 2
        return a * self.squares[j] if self.penalty == "square" else a

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        """``phi_j(x_i)``, where ``u_j . x_i = z``."""
        raise NotImplementedError

    def combined(self, z: Sequence[fmpz], scale: int, i: int) -> Number:
        """``sum_j a_j phi_j(x_i)``, where ``u_j . x_i = z_j / scale``."""
        total: Number = fmpq(0)
        for j, (a, z_j) in enumerate(zip(self.claims.a, z, strict=True)):
            total += rational(a) * self.feature(fmpq(z_j, scale), i, j)
        return total

    def violation(self, dual: Dual, clock: Clock) -> Fraction:
        """0 if ``rho(v) <= beta``; otherwise ``rho(v) / beta - 1``, a little more, or any less."""
        raise NotImplementedError
