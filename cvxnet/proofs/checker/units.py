"""What a unit family is: features, a penalty, and something to be proved.

To prove: |g(u)| <= beta for all units u of the family, where g(u) = sum_i v_i phi_u(x_i), one
number an output; |g| is their Euclidean norm.

Signs of output weights. With a >= 0 for all units, -g(u) <= beta is enough; with a <= 0, g(u) <=
beta (bracket.py).

Penalties. Where phi is positively homogeneous, a unit with weights u counts |u| times (|u|^2
times, if of degree two) the unit u / |u|, and (|u|^2 + |a|^2) / 2 >= |a| |u|. So in each family
the penalty of a network is at least beta times the sum of the |a| that it has over units.
(Neyshabur, Tomioka, Srebro, In Search of the Real Inductive Bias, ICLR workshop 2015.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import arb, fmpq, fmpz, fmpz_mat

from .claims import Claims, exact_rows, hidden_weights
from .document import RefusalError
from .dual import Clock, Dual
from .exact import Number, inner, rational
from .sparse import Sparse
from .sphere import OneOutput, sphere_violation
from .tree import Space, tree_violation


class Units:
    """A unit family phi_u(x) = phi(x . u), u in the unit ball: what all have in common.

    ``parameter``: the entry beside the name, if any; its ``shape``: () is a number, None are rows.
    ``penalty`` of a unit, without beta: "balanced" (|u|^2 + |a|^2) / 2, "square" |a| |u|^2, or |a|.
    ``evidence``: the kinds that there may be; ``several``:
    whether there may be several outputs; ``signed``: whether output weights may have one sign;
    ``linear``: whether phi(z) = z.
    """

    parameter = ""
    shape: tuple[int, ...] | None = ()
    penalty = "amplitude"
    norms: tuple[str, ...] = ("l2",)
    evidence: tuple[str, ...] = ()
    several = signed = linear = False

    def __init__(self, claims: Claims) -> None:
        self.claims = claims

    def check(self) -> None:
        """Refuse what does not fit the family."""
        name, norm = self.claims.units["name"], self.claims.norm
        if norm not in self.norms:
            raise RefusalError(f"there are no such units with the norm {norm}")
        if self.claims.outputs > 1 and not (self.several and norm == "l2"):
            raise RefusalError(f"{name} units with the norm {norm} have one output")
        self.check_sparse(name)
        if self.claims.evidence and self.claims.evidence["kind"] not in self.evidence:
            raise RefusalError("there is no such evidence for such units")
        self.check_tree()
        self.check_signs(name)
        self.check_width()
        if (self.claims.gate is None) == (self.parameter == "gates"):
            raise RefusalError("each unit of the family gated_relu has a gate, and no other unit")
        if (self.claims.b is not None) != self.claims.bias:
            raise RefusalError("b must be null without bias, and a list with bias")

    def check_sparse(self, name: str) -> None:
        """Refuse a sparse X, or W, where something needs a dense one."""
        X, claims = self.claims.X, self.claims
        if isinstance(claims.W, Sparse) and name != "coordinate":
            raise RefusalError(f"W of {name} units must not be sparse")
        if not isinstance(X, Sparse) and not isinstance(claims.W, Sparse):
            return
        if not self.linear:
            raise RefusalError(f"{name} units have no sparse X")
        if claims.evidence is not None or claims.s is not None:
            raise RefusalError("a sparse X goes without evidence and without a skip connection")

    def check_signs(self, name: str) -> None:
        """Refuse output weights of a sign that they should not have."""
        if self.claims.output_weights == "any":
            return
        if self.claims.outputs > 1 or not self.signed:
            raise RefusalError(f"output weights of a sign: not of {name} units, or several outputs")
        if any(-side * a < 0.0 for a in self.claims.a for side in self.claims.sides):
            raise RefusalError(f"an output weight is not {self.claims.output_weights}")

    def check_width(self) -> None:
        """Refuse a network of more units than there may be; those without effect do not count."""
        width, units = self.claims.width, sum(map(any, self.output_weights))
        if width is not None and units > width:
            raise RefusalError(f"the network has {units} units, but the width is {width}")

    def check_tree(self) -> None:
        """Refuse a tree where nothing is said of the width, or with several outputs, or l1."""
        claims = self.claims
        if claims.tree and (claims.width is None or claims.outputs > 1 or claims.norm != "l2"):
            raise RefusalError("a tree is evidence for a width, one output and the norm l2")

    @cached_property
    def output_weights(self) -> list[list[fmpq]]:
        """The a_j, a row for each unit."""
        return exact_rows(self.claims.a)

    @cached_property
    def squares(self) -> list[fmpq]:
        """``|u_j|^2`` in the norm of the family."""
        hidden = [list(map(rational, u)) for u in hidden_weights(self.claims)]
        if self.claims.norm == "l1":
            return [sum(map(abs, u), fmpq(0)) ** 2 for u in hidden]
        return [sum((x * x for x in u), fmpq(0)) for u in hidden]

    def price(self, j: int) -> Number:
        """The penalty of unit j, without beta."""
        a = self.output_weights[j]
        if self.penalty == "balanced":
            return (self.squares[j] + inner(a, a)) / 2
        size = abs(a[0]) if len(a) == 1 else arb(inner(a, a)).sqrt()
        return size * self.squares[j] if self.penalty == "square" else size

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        """``phi_j(x_i)``, where ``u_j . x_i = z``."""
        raise NotImplementedError

    def outputs(self, Z: fmpz_mat, scale: int, start: int) -> Iterable[list[Number]]:
        """The same for some samples, from one on: the rows of Z."""
        return (self.combined(row, scale, i) for i, row in enumerate(Z.table(), start))

    def combined(self, z: Sequence[fmpz], scale: int, i: int) -> list[Number]:
        """``sum_j a_j phi_j(x_i)``, an output each, where ``u_j . x_i = z_j / scale``."""
        total: list[Number] = [fmpq(0)] * self.claims.outputs
        for j, (a, z_j) in enumerate(zip(self.output_weights, z, strict=True)):
            phi = self.feature(fmpq(z_j, scale), i, j)
            total = [x + a_k * phi for x, a_k in zip(total, a, strict=True)]
        return total

    def violation(self, dual: Dual, clock: Clock) -> Fraction:
        """0 if ``rho(v) <= beta``; otherwise ``rho(v) / beta - 1``, a little more, or any less."""
        evidence = self.claims.evidence
        if self.claims.tree:
            return tree_violation(self.claims, self.space(clock), clock)
        if not any(map(any, dual.V)):  # then g = 0
            return Fraction(0)
        if evidence and evidence["kind"] == "sphere":
            units = OneOutput(self.violation_with, self.largest)
            return sphere_violation(dual, evidence, units, clock)
        return self.violation_with(dual, evidence, clock)

    def violation_with(self, dual: Dual, evidence: Any, clock: Clock) -> Fraction:
        """The same, with evidence of another kind than sphere, or None."""
        raise NotImplementedError

    def space(self, clock: Clock) -> Space:
        """Where units of a tree lie."""
        raise NotImplementedError

    def largest(self, size: Fraction) -> Fraction:
        """A bound on ``|phi_u(x)|`` for all units where ``|x| <= size``."""
        raise NotImplementedError
