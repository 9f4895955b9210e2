"""Terms of normal forms: which products are convex, or concave; the table is in `normal_form`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from flint import fmpq

from ...document import RefusalError
from ..forms.factors import Factor, Power, powers_of
from ..forms.normal import NormalForms
from ..forms.polynomials import Monomial, Polynomial
from ..statement import OPPOSITE, Checking
from .bending import bending
from .domain import FormDomain
from .parts import base_of, entropy_parts, origins

ZERO = fmpq(0)


class FormTerms(FormDomain):
    """Which terms are convex, where it is known which sums are."""

    def __init__(self, forms: NormalForms, checking: Checking) -> None:
        super().__init__(forms)
        self.checking, self.origins = checking, origins(forms)

    @abstractmethod
    def is_convex(self, polynomial: Polynomial) -> bool:
        """Whether it certainly is."""

    def is_concave(self, polynomial: Polynomial) -> bool:
        """Whether its negative is convex."""
        return self.is_convex(-polynomial)

    def bends(self, monomial: Monomial, coefficient: Polynomial) -> bool:
        """Whether a term is convex."""
        among = self.forms.algebra.range(coefficient)
        if coefficient.constant == 0:
            return True
        if among.nonnegative:
            return self.term_bends(monomial, up=True)
        return among.nonpositive and self.term_bends(monomial, up=False)

    def term_bends(self, monomial: Monomial, up: bool) -> bool:
        """Whether a product is convex, or concave."""
        powers = powers_of(monomial)
        if len(powers) == 1 and powers[0][1] == 1 and self.function_bends(powers[0][0], up):
            return True
        return (
            self.power_bends(monomial, up)
            or self.perspective_bends(powers, up)
            or (up and self.is_entropy(monomial))
            or self.rules_prove(monomial, up)
        )

    def function_bends(self, f: Factor, up: bool) -> bool:
        """Whether a function of others is convex, or concave."""
        if f.name == "max":
            return up and all(map(self.is_convex, f.args))
        if len(f.args) != 1:
            return False
        (arg,) = f.args
        if up and f.name == "root" and self.is_norm(f):
            return True
        if up and f.name == "log" and self.is_sum_of_log_convex(arg):
            return True
        return self.composition_bends(f, arg, up)

    def composition_bends(self, f: Factor, arg: Polynomial, up: bool) -> bool:
        """The composition rule."""
        known = bending(f.name, f.options, self.range(arg))
        if not (known.convex if up else known.concave):
            return False
        if self.is_affine(arg):
            return True
        inner, outer = (
            (self.is_convex, self.is_concave) if up else (self.is_concave, self.is_convex)
        )
        return (known.rising and inner(arg)) or (known.falling and outer(arg))

    def is_norm(self, f: Factor) -> bool:
        """Whether ``sqrt(q)`` is a norm of an affine function."""
        terms = self.terms(f.args[0])
        return f.options == (1, 2) and self.is_bordered_psd(terms)

    def is_sum_of_log_convex(self, polynomial: Polynomial) -> bool:
        """Whether all terms are log-convex; such sums are (ibid., section 3.5.2)."""
        return all(
            self.forms.algebra.range(c).nonnegative and self.is_log_convex(m)
            for m, c in self.terms(polynomial).items()
        )

    def is_log_convex(self, monomial: Monomial) -> bool:
        """Whether a product is of exponentials of convex functions, and negative powers."""
        exponents, powers = self.split(monomial)
        return all(map(self.is_convex, exponents)) and all(
            e < 0 and self.is_nonnegative(s) and self.is_concave(s) for s, e in powers
        )

    def power_bends(self, monomial: Monomial, up: bool) -> bool:
        """Whether a product of powers is convex, or concave."""
        exponents, powers = self.split(monomial)
        if exponents:
            return up and self.is_log_convex(monomial)
        powers, flipped = self.mirrored(powers)
        total = sum((e for _, e in powers), ZERO)
        if up == flipped:
            fits = total <= 1 and all(e > 0 for _, e in powers)
            return fits and self.are_concave_above_zero(s for s, _ in powers)
        return self.powers_are_convex(powers, total)

    def powers_are_convex(self, powers: list[tuple[Polynomial, fmpq]], total: fmpq) -> bool:
        """Whether at most one power is above zero, and then large enough."""
        if not self.are_concave_above_zero(s for s, e in powers if e < 0):
            return False
        rising = [power for power in powers if power[1] > 0]
        if len(rising) != 1:
            return not rising
        return bool(total >= 1) and self.may_be_raised(*rising[0])

    def are_concave_above_zero(self, functions: Iterable[Polynomial]) -> bool:
        """Whether all are concave and >= 0."""
        return all(self.is_nonnegative(s) and self.is_concave(s) for s in functions)

    def may_be_raised(self, s: Polynomial, exponent: fmpq) -> bool:
        """Whether s is affine or convex, and not negative where that matters."""
        if exponent.q == 1 and exponent.p % 2 == 0 and self.is_affine(s):
            return True
        return self.is_nonnegative(s) and self.is_convex(s)

    def mirrored(
        self, powers: list[tuple[Polynomial, fmpq]]
    ) -> tuple[list[tuple[Polynomial, fmpq]], bool]:
        """With the negatives of bases that are not positive, and whether the sign changes."""
        found, flipped = [], False
        for s, e in powers:
            if e.q == 1 and not self.is_nonnegative(s) and self.range(s).nonpositive:
                flipped, s = flipped != bool(e.p % 2), -s
            found.append((s, e))
        return found, flipped

    def perspective_bends(self, powers: list[Power], up: bool) -> bool:
        """Whether ``p f(g / p)`` is convex, or concave, because f is."""
        if len(powers) != 2 or any(power != 1 for _, power in powers):
            return False
        for (p, _), (f, _) in (powers, powers[::-1]):
            scale = Polynomial.symbol(p)
            if p.name != "entry" or len(f.args) != 1 or not self.is_nonnegative(scale):
                continue
            if self.is_perspective(f, scale, up):
                return True
        return False

    def is_perspective(self, f: Factor, scale: Polynomial, up: bool) -> bool:
        """Whether ``p f(g / p)`` bends, with p >= 0 and f of one argument."""
        (arg,) = f.args
        known = bending(f.name, f.options, self.range(arg))
        bends = known.convex if up else known.concave
        if bends and self.is_affine(self.forms.algebra.product(arg, scale)):
            return True
        return up and f.name == "log" and self.is_perspective_of_log_convex(arg, scale)

    def is_perspective_of_log_convex(self, polynomial: Polynomial, scale: Polynomial) -> bool:
        """Whether it is a sum of numbers and exponentials of ``g / p`` with affine g."""
        for monomial, coefficient in self.terms(polynomial).items():
            exponents, powers = self.split(monomial)
            lines = [self.forms.algebra.product(a, scale) for a in exponents]
            if powers or not all(map(self.is_affine, lines)):
                return False
            if coefficient.constant is None or coefficient.constant < 0:
                return False
        return True

    def is_entropy(self, monomial: Monomial) -> bool:
        """Whether a product is ``s log s`` of an affine s."""
        pair = entropy_parts(monomial)
        return pair is not None and pair[1] == base_of(pair[0]) and self.is_affine(pair[1])

    def rules_prove(self, monomial: Monomial, up: bool) -> bool:
        """Whether the term is an entry of the expression that the rules prove."""
        for place, entry, sign in self.origins.get(monomial, ()):
            goal = "convex" if up else "concave"
            goal = goal if sign > 0 else OPPOSITE[goal]
            part = self.statement.about(root=place, entry=entry, goal=goal)
            try:
                self.checking.prove(part, {"kind": "rules"})
            except RefusalError:
                self.checking.clock.check()
                continue
            return True
        return False
