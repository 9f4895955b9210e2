"""The kind "normal form": like terms are collected, and what is left of each bends one way.

A form is a sum. It is convex if its quadratic part is positive semidefinite (exact elimination)
and every other term is: a function times a number that is not negative. A term is convex by one
of these:

    f(g)              f convex, and g affine, or f rising and g convex, or f falling and g concave
    max(g, h, ...)    convex g, h, ...
    sqrt(q), q / t    q(x) = [x; 1]' M [x; 1] with M positive semidefinite: a norm, and its square
                      over a concave t > 0
    log(sum of h)     log-convex h: products of exp(convex) and negative powers of concave functions
    s^a t^b ...       all powers < 0, of concave s, t >= 0: log-convex; or one power > 0, of an
                      affine s >= 0 (any s for an even power) or a convex one, the others < 0 of
                      concave functions, and their sum >= 1; concave with all powers > 0, sum <= 1
                      (perspectives of powers, geometric means: Boyd, Vandenberghe, Convex
                      Optimization, 2004, section 3.2.6 and exercise 3.25)
    p f(g / p)        the perspective of a convex f, for p >= 0 and affine g
    s log s, and s log(s / t), with s affine and t concave: relative entropy
    r + |a|           = max(r + a, r - a), and both are convex
    |a + |b + ...||   of one unknown: the slopes are in order
    polynomials       sums of squares: the "grams" of the evidence (see `gram`)
    what rules prove  where the term is an entry of the expression, up to a factor
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from flint import fmpq

from ..arrays import require
from ..document import RefusalError
from ..exact import over_common_denominator
from ..semidefinite import MAX_ORDER, pivots, semidefinite
from .algebra import Algebra
from .bending import bending
from .conditions import condition, implied
from .factors import Factor, Power, exponent_of, lead_of, order_of, powers_of, single
from .gram import (
    components,
    inequalities,
    is_proved_by,
    simplified,
    variables_of,
)
from .normal import NormalForms, normal_forms
from .piecewise import curve_of, line
from .polynomials import ONE, Monomial, Polynomial
from .ranges import Range
from .statement import OPPOSITE, Checking, Proof, Statement

DEEPEST = 20
EXACT = 30  # rows of a matrix that is eliminated in rationals if balls cannot tell
MOST_MAXIMA = 4  # each of them is two cases
MOST_STEPS = 100  # of the division of a numerator by its denominator
POWERS = ("root", "inverse", "value")
"""The factors that are powers of their argument."""
ZERO = fmpq(0)
Entry = tuple[int, int]
"""The place of a leaf and the position of an entry."""


def by_normal_form(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The entries asked for, one by one."""
    require(statement.goal in ("convex", "concave", "affine"), "normal forms prove curvature")
    forms = normal_forms(statement, checking.clock)
    entries = forms.of(statement.root)
    judge = Judge(forms, checking, proof.get("grams", ()))
    for k in statement.entries:
        for sign in {"convex": (1,), "concave": (-1,), "affine": (1, -1)}[statement.goal]:
            require(judge.is_convex(sign * entries[k]), "a term of the normal form is not convex")


class Judge:
    """Which polynomials are certainly convex in the unknowns, on the domain of the statement."""

    def __init__(self, forms: NormalForms, checking: Checking, grams: Sequence[Any] = ()) -> None:
        self.forms, self.checking = forms, checking
        self.statement = forms.statement
        self.known = forms.conditions[self.statement.root]
        self.found: dict[Polynomial, bool] = {}
        self.fixed: dict[Factor, bool] = {}
        self.origins = origins(forms)
        self.grams, self.needed = grams, list[Polynomial]()
        self.depth = 0

    # ---------------------------------------------------------------- sums

    def is_convex(self, polynomial: Polynomial) -> bool:
        """Whether it is, by the table above."""
        if polynomial not in self.found:
            self.found[polynomial] = False  # while it is looked at
            self.checking.clock.check()
            self.depth += 1
            self.found[polynomial] = self.depth <= DEEPEST and (
                self.is_convex_sum(polynomial) or self.is_convex_curve(polynomial)
            )
            self.depth -= 1
        return self.found[polynomial]

    def is_concave(self, polynomial: Polynomial) -> bool:
        """Whether its negative is convex."""
        return self.is_convex(-polynomial)

    def is_affine(self, polynomial: Polynomial) -> bool:
        """Whether no term has more than one unknown, and none is in a function."""
        return all(map(is_linear, self.terms(polynomial)))

    def is_convex_sum(self, polynomial: Polynomial) -> bool:
        """The quadratic part, and all other terms."""
        terms = self.terms(collected(self.forms.algebra, polynomial))
        terms = {m: c for m, c in terms.items() if not is_linear(m)}
        others = {m: c for m, c in terms.items() if not is_quadratic(m)}
        quadratic = {m: c for m, c in terms.items() if m not in others}
        self.take_half_squares(others, quadratic)
        self.take_relative_entropies(others)
        self.take_quadratics_over(others)
        left = {m: c for m, c in others.items() if not self.bends(m, c)}
        if not left and self.is_semidefinite(quadratic):
            return True
        polynomials = {m: c for m, c in terms.items() if is_of_entries(m)}
        if left.keys() <= polynomials.keys() and self.is_convex_polynomial(polynomials):
            return True
        return self.is_convex_maximum(polynomial, left)

    def is_convex_maximum(self, polynomial: Polynomial, left: dict[Monomial, Polynomial]) -> bool:
        """Whether it is a maximum of two convex functions: ``r + |a| = max(r + a, r - a)``."""
        bent = [m for m in left if is_absolute(Polynomial({m: fmpq(1)}))]
        if not 0 < len(bent) <= MOST_MAXIMA:
            return False
        last = max(bent, key=order_of)
        weight = left[last].constant
        if weight is None or weight < 0:
            return False
        (f,) = (f for f, _ in powers_of(last))
        rest = polynomial - weight * Polynomial({last: fmpq(1)})
        parts = [rest + sign * weight * f.args[0] for sign in (1, -1)]
        proved = [self.is_convex(part) for part in parts]  # of both, to note what is needed
        return all(proved)

    def is_convex_polynomial(self, terms: dict[Monomial, Polynomial]) -> bool:
        """Whether sums of squares show that a polynomial in unknowns is."""
        if any(c.constant is None for c in terms.values()):
            return False
        parts = components(Polynomial({m: c.terms[ONE] for m, c in terms.items()}))
        proved = [self.has_gram(part) for part in parts]  # of all, to note what is needed
        return all(proved)

    def has_gram(self, polynomial: Polynomial) -> bool:
        """Whether it is quadratic, or one of the Gram matrices of the evidence is its own."""
        if polynomial.degree <= 2 and self.is_semidefinite(self.terms(polynomial)):
            return True
        cases = [(simplified(polynomial), list[Polynomial]())]
        cases.append((polynomial, inequalities(self.forms, variables_of(polynomial))))
        for one, known in cases if self.grams else ():
            for gram in self.grams:
                self.checking.clock.check()
                if is_proved_by(one, known, gram, self.is_psd):
                    return True
        self.needed.append(polynomial)
        return False

    def is_convex_curve(self, polynomial: Polynomial) -> bool:
        """Whether it is a piecewise-linear function of one unknown, with slopes in order."""
        if not all(f.name in ("abs", "entry") for m in polynomial.terms for f, _ in powers_of(m)):
            return False
        entries = entries_of(polynomial)
        if len(entries) != 1:
            return False
        (one,) = entries
        curve = curve_of(polynomial, {one: line(fmpq(1), ZERO)}, self.checking.clock.check)
        return curve is not None and curve.is_convex(one.range)

    def terms(self, polynomial: Polynomial) -> dict[Monomial, Polynomial]:
        """The products of what depends on unknowns, and their coefficients, which do not."""
        found: dict[Monomial, Polynomial] = {}
        for monomial, value in polynomial.terms.items():
            rest = frozenset(pair for pair in powers_of(monomial) if self.is_fixed(pair[0]))
            moving = monomial - rest
            term = Polynomial({rest: value})
            found[moving] = found[moving] + term if moving in found else term
        return {m: c for m, c in found.items() if c.terms}

    def is_fixed(self, factor: Factor) -> bool:
        """Whether a factor depends on no unknown."""
        if factor not in self.fixed:
            if factor.name == "entry":
                self.fixed[factor] = cast(Entry, factor.options)[0] not in self.statement.unknowns
            else:
                self.fixed[factor] = all(
                    self.is_fixed(f)
                    for arg in factor.args
                    for m in arg.terms
                    for f, _ in powers_of(m)
                )
        return self.fixed[factor]

    def is_semidefinite(self, terms: dict[Monomial, Polynomial]) -> bool:
        """Whether a quadratic form is; coefficients that are not known may be those of squares."""
        matrix: dict[tuple[Factor, Factor], fmpq] = {}
        for monomial, coefficient in terms.items():
            ((one, power), *rest) = powers_of(monomial)
            value = coefficient.constant
            if value is None:
                if power != 2 or not self.forms.algebra.range(coefficient).nonnegative:
                    return False
            elif power == 2:
                matrix[one, one] = 2 * value
            else:
                matrix[one, rest[0][0]] = matrix[rest[0][0], one] = value
        factors = sorted({f for pair in matrix for f in pair}, key=lambda f: f.number)
        rows = [[matrix.get((f, g), ZERO) for g in factors] for f in factors]
        return self.is_psd(rows)

    def is_psd(self, rows: list[list[fmpq]]) -> bool:
        """Whether a symmetric rational matrix is positive semidefinite."""
        require(len(rows) <= MAX_ORDER, "a quadratic form in too many unknowns")
        if len(rows) <= EXACT:
            found = pivots([list(row) for row in rows]) if rows else []
            return len(found) == len(rows) and all(t >= 0 for t in found)
        return semidefinite(over_common_denominator(rows)[0], self.checking.clock)

    def take_half_squares(
        self, terms: dict[Monomial, Polynomial], quadratic: dict[Monomial, Polynomial]
    ) -> None:
        """Leave out ``b (a |a| + a^2)`` with b > 0, twice a square above zero; for b < 0, below."""
        for f in [f for m in terms for f, power in powers_of(m) if f.name == "abs" and power == 1]:
            (arg,) = f.args
            beside = {m - {(f, 1)}: c for m, c in terms.items() if (f, 1) in m and len(m) > 1}
            lead = lead_of(arg)
            weight = beside[lead].constant if lead in beside else None
            if weight is None or not self.is_affine(arg):
                continue
            weight = weight / arg.terms[lead]
            own = {m: Polynomial.number(weight * v) for m, v in arg.terms.items() if m}
            if not all(beside.get(m) == c for m, c in own.items()):
                continue
            for monomial in own:
                del terms[monomial | {(f, 1)}]
            if ONE in arg.terms:
                add(terms, {frozenset({(f, 1)}): Polynomial.number(-weight * arg.terms[ONE])})
            add(quadratic, self.terms(-abs(weight) * arg * arg))

    def take_relative_entropies(self, terms: dict[Monomial, Polynomial]) -> None:
        """Leave out ``c (s log s - s log t)`` with c > 0; they are convex."""
        for monomial, coefficient in list(terms.items()):
            pair, value = entropy_parts(monomial), coefficient.constant
            if pair is None or value is None or value >= 0:
                continue
            s, t = pair
            log = single(self.forms.algebra.log(base_of(s)))
            own = ONE if log is None else frozenset({(s, 1), (log, 1)})
            fits = own != monomial and own in terms and self.is_nonnegative(base_of(s))
            if fits and self.is_affine(base_of(s)) and self.is_concave(t):
                del terms[monomial]
                terms[own] = terms[own] + coefficient

    def take_quadratics_over(self, terms: dict[Monomial, Polynomial]) -> None:
        """Leave out sums of ``q / t`` that are convex."""
        over: dict[Factor, dict[Monomial, Polynomial]] = {}
        for monomial, coefficient in terms.items():
            for f, power in powers_of(monomial):
                rest = monomial - {(f, power)}
                fits = is_linear(rest) or is_quadratic(rest)
                if f.name == "inverse" and power == 1 and fits and coefficient.constant is not None:
                    over.setdefault(f, {})[rest] = coefficient
        for f, quadratic in over.items():
            (t,) = f.args
            if self.is_nonnegative(t) and self.is_concave(t) and self.is_bordered_psd(quadratic):
                for rest in quadratic:
                    del terms[rest | {(f, 1)}]

    # --------------------------------------------------------------- terms

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

    def range(self, polynomial: Polynomial) -> Range:
        """Where its values are: by the bounds, and where the expression has values."""
        among = self.forms.algebra.range(polynomial)
        if not among.above_zero and self.has("positive", polynomial):
            return among._replace(low=max(ZERO, among.low or ZERO), positive=True)
        if not among.nonnegative and self.has("nonnegative", polynomial):
            return among._replace(low=ZERO)
        return among

    def has(self, kind: str, polynomial: Polynomial) -> bool:
        """Whether a condition holds wherever the expression has values."""
        return implied(self.forms.algebra, condition(kind, polynomial), self.known)

    def is_norm(self, f: Factor) -> bool:
        """Whether ``sqrt(q)`` is a norm of an affine function."""
        terms = self.terms(f.args[0])
        return f.options == (1, 2) and self.is_bordered_psd(terms)

    def is_bordered_psd(self, terms: dict[Monomial, Polynomial]) -> bool:
        """Whether a quadratic function is ``[x; 1]' M [x; 1]`` with a semidefinite M."""
        if any(c.constant is None for c in terms.values()):
            return False
        if not all(is_linear(m) or is_quadratic(m) for m in terms):
            return False
        factors = sorted({g for m in terms for g, _ in powers_of(m)}, key=lambda g: g.number)
        places: dict[Factor | None, int] = {g: k for k, g in enumerate(factors)}
        places[None] = len(factors)
        rows = [[ZERO] * len(places) for _ in places]
        for monomial, coefficient in terms.items():
            both = [*(g for g, p in powers_of(monomial) for _ in range(p)), None, None]
            one, two = places[both[0]], places[both[1]]
            for i, j in ((one, two), (two, one)):
                rows[i][j] += coefficient.terms[ONE] / 2
        return self.is_psd(rows)

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

    def split(self, monomial: Monomial) -> tuple[list[Polynomial], list[tuple[Polynomial, fmpq]]]:
        """The exponents of exponentials, and all else as powers of bases."""
        exponents, powers = [], dict[Polynomial, fmpq]()
        for f, power in powers_of(monomial):
            if f.name == "exp":
                exponents.append(power * f.args[0])
                continue
            base = f.args[0] if f.name in POWERS else Polynomial.symbol(f)
            powers[base] = powers.get(base, ZERO) + power * exponent_of(f)
        for base in [b for b in powers if is_absolute(b)]:
            inner = next(iter(base.symbols)).args[0]  # type: ignore[attr-defined]
            if inner in powers and powers[inner].q == 1 and powers[inner].p % 2 == 0:
                powers[base] += powers.pop(inner)
        return exponents, list(powers.items())

    def is_nonnegative(self, polynomial: Polynomial) -> bool:
        """Whether it is, wherever the expression has values."""
        return self.range(polynomial).nonnegative

    def power_bends(self, monomial: Monomial, up: bool) -> bool:
        """Whether a product of powers is convex, or concave."""
        exponents, powers = self.split(monomial)
        if exponents:
            return up and self.is_log_convex(monomial)
        powers, flipped = self.mirrored(powers)
        up = up != flipped
        rising = [(s, e) for s, e in powers if e > 0]
        falling = [s for s, e in powers if e < 0]
        if not all(self.is_nonnegative(s) and self.is_concave(s) for s in falling):
            return False
        if not up:
            fits = not falling and sum((e for _, e in rising), ZERO) <= 1
            return fits and all(self.is_nonnegative(s) and self.is_concave(s) for s, _ in rising)
        if not rising:
            return True
        ((s, e), *more) = rising
        total = sum((e for _, e in powers), ZERO)
        return not more and bool(total >= 1) and self.may_be_raised(s, e)

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
            line = self.forms.algebra.product(f.args[0], scale)
            known = bending(f.name, f.options, self.range(f.args[0]))
            if self.is_affine(line) and (known.convex if up else known.concave):
                return True
            if up and f.name == "log" and self.is_perspective_of_log_convex(f.args[0], scale):
                return True
        return False

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


# ------------------------------------------------------------ parts of forms


def is_linear(monomial: Monomial) -> bool:
    """Whether a product is a number or an entry of a leaf."""
    powers = powers_of(monomial)
    return not powers or (len(powers) == 1 and powers[0][1] == 1 and powers[0][0].name == "entry")


def is_quadratic(monomial: Monomial) -> bool:
    """Whether a product is one of two entries."""
    powers = powers_of(monomial)
    return sum(p for _, p in powers) == 2 and all(f.name == "entry" for f, _ in powers)


def add(terms: dict[Monomial, Polynomial], more: dict[Monomial, Polynomial]) -> None:
    """Add terms to others, in place; linear ones do not matter."""
    for monomial, value in more.items():
        if not is_linear(monomial):
            terms[monomial] = terms.get(monomial, Polynomial.number(0)) + value


def is_of_entries(monomial: Monomial) -> bool:
    """Whether a product is one of entries of leaves."""
    return all(f.name == "entry" for f, _ in powers_of(monomial))


def is_absolute(polynomial: Polynomial) -> bool:
    """Whether a polynomial is an absolute value."""
    factor = single(polynomial)
    return factor is not None and factor.name == "abs"


def base_of(factor: Factor) -> Polynomial:
    """The polynomial that a factor of `collected` stands for; of others the factor."""
    return factor.args[0] if factor.name == "value" else Polynomial.symbol(factor)


def entropy_parts(monomial: Monomial) -> tuple[Factor, Polynomial] | None:
    """s and t of a product ``s log t``, of an entry or a value s; None of others."""
    powers = sorted(powers_of(monomial), key=lambda pair: pair[0].name == "log")
    if len(powers) != 2 or any(power != 1 for _, power in powers):
        return None
    (s, _), (log, _) = powers
    fits = log.name == "log" and s.name in ("entry", "value")
    return (s, log.args[0]) if fits else None


def entries_of(polynomial: Polynomial) -> set[Factor]:
    """The entries of leaves in a polynomial and in its functions."""
    found, seen, waiting = set[Factor](), set[Factor](), [polynomial]
    while waiting:
        for monomial in waiting.pop().terms:
            for f, _ in powers_of(monomial):
                if f.name == "entry":
                    found.add(f)
                elif f not in seen:
                    seen.add(f)
                    waiting += f.args
    return found


def origins(forms: NormalForms) -> dict[Monomial, list[tuple[int, int, int]]]:
    """The entries that are a multiple of a product: their node, their position, and the sign."""
    found: dict[Monomial, list[tuple[int, int, int]]] = {}
    for place, array in forms.arrays.items():
        for k, entry in enumerate(array.entries if array else ()):
            if isinstance(entry, Polynomial) and len(entry.terms) == 1:
                ((monomial, value),) = entry.terms.items()
                found.setdefault(monomial, []).append((place, k, 1 if value > 0 else -1))
    return found


def collected(algebra: Algebra, polynomial: Polynomial) -> Polynomial:
    """The same with ``A log A`` and ``A sqrt(A)`` for sums A, and numerators divided."""
    for f in sorted(
        {f for m in polynomial.terms for f, p in powers_of(m) if p == 1 and is_sum(f)},
        key=lambda f: f.number,
    ):
        (arg,) = f.args
        lead = lead_of(arg)
        if f.name == "inverse":
            polynomial = divided(algebra, polynomial, f, lead)
        elif f.name == "abs":
            polynomial = with_powers(polynomial, f)
        else:
            value = algebra.factor("value", None, [arg], algebra.range(arg))
            own = Polynomial.symbol(f)
            ratio = polynomial.terms.get(lead | {(f, 1)}, ZERO) / arg.terms[lead]
            other = polynomial + ratio * (value - arg) * own
            polynomial = other if len(other.terms) < len(polynomial.terms) else polynomial
    return polynomial


def is_sum(f: Factor) -> bool:
    """Whether a factor is a function of a sum that `collected` looks for."""
    return f.name in ("log", "root", "inverse", "abs") and len(f.args[0].terms) > 1


def with_powers(polynomial: Polynomial, f: Factor) -> Polynomial:
    """``a^2 |a|``, a sum, as ``|a|^3``."""
    (arg,) = f.args
    square = arg * arg
    lead, own = lead_of(square), Polynomial.symbol(f)
    ratio = polynomial.terms.get(lead | {(f, 1)}, ZERO) / square.terms[lead]
    other = polynomial + ratio * (own**3 - square * own)
    return other if len(other.terms) < len(polynomial.terms) else polynomial


def divided(algebra: Algebra, polynomial: Polynomial, f: Factor, lead: Monomial) -> Polynomial:
    """``n / d`` as a polynomial plus a rest over d, in the terms that have 1 / d once."""
    (arg,) = f.args
    own = Polynomial.symbol(f)
    for _ in range(MOST_STEPS):
        numerators = {m: over(m, lead) for m in polynomial.terms if (f, 1) in m}
        found = next(((m, rest) for m, rest in numerators.items() if rest is not None), None)
        if found is None:
            break
        monomial, rest = found
        ratio = polynomial.terms[monomial] / arg.terms[lead]
        factor = Polynomial({rest - {(f, 1)}: ratio})
        polynomial = polynomial + factor - algebra.product(factor * arg, own)
    return polynomial


def over(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """The quotient of two products; None where it has negative powers."""
    powers = dict(powers_of(monomial))
    for f, power in powers_of(divisor):
        powers[f] = powers.get(f, 0) - power
    if any(power < 0 for power in powers.values()):
        return None
    return frozenset((f, power) for f, power in powers.items() if power)
