"""Convex by the second derivatives in normal form: exact where a Hessian is singular.

The entry in question is written as a polynomial in entries of leaves and in functions of such
polynomials (`normal`), and differentiated by the rules for sums, products, exp, log, roots,
quotients and the sigmoid. A Hessian of few coordinates is positive semidefinite if all of its
principal minors are non-negative (Horn and Johnson, Matrix Analysis, theorem 7.2.5); those are
polynomials of the same kind, and `signs` proves them non-negative. So a determinant that is zero
everywhere is found to be zero, which no enclosure can tell.

Where this is enough. The form has the values of the expression wherever that has some. Conditions
left (that the bounds do not imply) are: an open one (t > 0, t != 0), or that an entry is not
negative. So the expression has values on a box, less what open conditions take away, and is
continuous there, as all atoms with such forms are; inside of the box all functions are smooth. A
segment on the boundary is the limit of segments inside.

Absolute values: the domain is cut into pieces by the signs of their arguments, and on each of them
the function is as above. It is convex if, beside, it bends upward where a line crosses from piece
to piece: where the derivative in |t| is non-negative for t = 0. Lines that cross two borders at
once are limits of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, product

from flint import ctx, fmpq

from ...arrays import require
from ...document import RefusalError
from ..forms.algebra import Algebra
from ..forms.factors import SIGMOID, Factor, exponent_of, powers_of, single
from ..forms.normal import NormalForms
from ..forms.polynomials import Polynomial
from ..forms.ranges import Range
from ..statement import Checking, Proof, Statement
from .parts import entries_of
from .signs import Signs, place_of, symbols_of

MOST_COUPLED = 4
MOST_COORDINATES = 400
MOST_KINKS = 3
BITS = 128
NUMBER = Polynomial.number


def by_hessian(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The principal minors of all Hessians are non-negative."""
    check_hessians(statement, checking, fmpq(0))


def check_hessians(statement: Statement, checking: Checking, more: fmpq) -> None:
    """The same with ``more`` times the squares of the coordinates added (or taken away)."""
    require(statement.goal in ("convex", "concave"), "Hessians prove only convex and concave")
    forms = NormalForms(statement, checking.clock)
    found = forms.of(statement.root)
    domain = domain_of(forms)
    with ctx.workprec(BITS):
        for entry in statement.entries:
            form = found[entry] if statement.goal == "convex" else -found[entry]
            check_entry(forms, form + more * squares_in(form, statement), domain)


def squares_in(form: Polynomial, statement: Statement) -> Polynomial:
    """The sum of the squares of the coordinates that move."""
    moving = [f for f in entries_of(form) if place_of(f) in statement.unknowns]
    return sum((Polynomial.symbol(f) ** 2 for f in moving), NUMBER(0))


def check_entry(forms: NormalForms, form: Polynomial, domain: dict[Factor, Range]) -> None:
    """Refuse an entry that may be other than convex: at a kink, or between kinks."""
    kinks = sorted(absolutes_in(form), key=lambda f: f.number)
    require(len(kinks) <= MOST_KINKS, "too many kinks for Hessians")
    derivative = Derivatives(forms.algebra).of
    for f in kinks:
        flat = dict.fromkeys([f, *([entry] if (entry := single(f.args[0])) else [])], NUMBER(0))
        jump = substituted(forms.algebra, derivative(form, f), flat)
        require(Signs(forms, domain, derivative).nonnegative(jump), "a kink that may point down")
    for chosen in product((1, -1), repeat=len(kinks)):
        sides = {f: sign * f.args[0] for f, sign in zip(kinks, chosen, strict=True)}
        smooth = substituted(forms.algebra, form, sides)
        inside = domain | {
            entry: narrowed(domain[entry], sign)
            for f, sign in zip(kinks, chosen, strict=True)
            if (entry := single(f.args[0])) in domain
        }
        check_piece(forms, smooth, Signs(forms, inside, derivative, tuple(sides.values())))


def narrowed(among: Range, sign: int) -> Range:
    """The part of a range from zero on, upward or downward."""
    low, high = among.low, among.high
    if sign > 0:
        return Range(fmpq(0) if low is None else max(low, fmpq(0)), high)
    return Range(low, fmpq(0) if high is None else min(high, fmpq(0)))


def second_derivatives(
    derivatives: Derivatives, form: Polynomial, moving: Sequence[Factor]
) -> Iterator[tuple[tuple[Factor, Factor], Polynomial]]:
    """The second derivatives that may be other than zero, one of each two that are equal."""
    for s in moving:
        slope = derivatives.of(form, s)
        for t in entries_of(slope) & set(moving):
            if t.number <= s.number:
                yield (s, t), derivatives.of(slope, t)


def absolutes_in(polynomial: Polynomial) -> set[Factor]:
    """The absolute values that a polynomial is made of."""
    found = set[Factor]()
    for f in symbols_of(polynomial):
        found = found.union({f} if f.name == "abs" else set(), *map(absolutes_in, f.args))
    return found


def substituted(
    algebra: Algebra, polynomial: Polynomial, values: Mapping[Factor, Polynomial]
) -> Polynomial:
    """The polynomial with other expressions in place of symbols, also inside functions."""
    if not values:
        return polynomial
    total = NUMBER(0)
    for monomial, coefficient in polynomial.terms.items():
        powers = [
            algebra.whole_power(replaced(algebra, f, values), times)
            for f, times in powers_of(monomial)
        ]
        total = total + coefficient * algebra.products(powers)
    return total


def replaced(algebra: Algebra, f: Factor, values: Mapping[Factor, Polynomial]) -> Polynomial:
    """A symbol after substitution."""
    if f in values:
        return values[f]
    arguments = [substituted(algebra, argument, values) for argument in f.args]
    if arguments == list(f.args):
        return Polynomial.symbol(f)
    if f.name in ("root", "inverse"):
        return algebra.power(arguments[0], exponent_of(f))
    functions = {"exp": algebra.exp, "log": algebra.log, "abs": algebra.absolute}
    functions[SIGMOID] = algebra.sigmoid
    require(f.name in functions, f"{f.name} is not substituted in")
    return functions[f.name](arguments[0])


def check_piece(forms: NormalForms, form: Polynomial, signs: Signs) -> None:
    """Refuse a smooth function whose Hessian may be other than positive semidefinite."""
    derivatives = Derivatives(forms.algebra)
    require(signs.is_smooth_inside(form), "a function that may not be smooth inside")
    unknowns = forms.statement.unknowns
    moving = sorted(
        (f for f in entries_of(form) if place_of(f) in unknowns), key=lambda f: f.number
    )
    require(len(moving) <= MOST_COORDINATES, "too many coordinates for a Hessian")
    hessian = {
        pair: value
        for pair, value in second_derivatives(derivatives, form, moving)
        if not signs.is_zero(value)
    }
    for block in blocks_of(moving, list(hessian)):
        require(len(block) <= MOST_COUPLED, "too many coordinates that are coupled")
        sizes = range(1, len(block) + 1)
        for chosen in chain.from_iterable(combinations(block, size) for size in sizes):
            matrix = [[hessian.get(max_first(s, t), NUMBER(0)) for t in chosen] for s in chosen]
            minor = determinant(forms.algebra, matrix)
            require(signs.nonnegative(minor), "a second derivative whose sign is not certain")


def max_first(s: Factor, t: Factor) -> tuple[Factor, Factor]:
    """A pair in the order in which Hessians are kept."""
    return (s, t) if s.number >= t.number else (t, s)


def blocks_of(moving: list[Factor], pairs: list[tuple[Factor, Factor]]) -> list[list[Factor]]:
    """The coordinates that second derivatives couple."""
    groups: list[set[Factor]] = []
    for pair in pairs:
        apart = [group for group in groups if not group & set(pair)]
        groups = [*apart, set(pair).union(*(group for group in groups if group & set(pair)))]
    return [[f for f in moving if f in group] for group in groups]


def determinant(algebra: Algebra, matrix: list[list[Polynomial]]) -> Polynomial:
    """By its first row."""
    if len(matrix) == 1:
        return matrix[0][0]
    total = NUMBER(0)
    for k, value in enumerate(matrix[0]):
        if value.terms:
            rest = [[*row[:k], *row[k + 1 :]] for row in matrix[1:]]
            total = total + (-1) ** k * algebra.product(value, determinant(algebra, rest))
    return total


def domain_of(forms: NormalForms) -> dict[Factor, Range]:
    """The ranges of entries of leaves: by bounds, and by the conditions that are left."""
    found = {f: f.range for f in forms.algebra.factors.values() if f.name == "entry"}
    for one in forms.conditions[forms.statement.root]:
        require(one.kind != "defined", "an atom that may have no value")
        if one.kind == "nonzero":
            continue
        f = single(one.of)
        if f is None or f.name != "entry":
            require(one.kind == "positive", "a domain that is no box")
            continue
        low = fmpq(0) if f.range.low is None else max(f.range.low, fmpq(0))
        require(f.range.high is None or f.range.high > 0, "a domain without inner points")
        found[f] = Range(low, f.range.high, one.kind == "positive" or f.range.positive)
    return found


class Derivatives:
    """Derivatives of polynomials in entries, through the functions that they are made of."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.known: dict[tuple[Factor, Factor], Polynomial] = {}
        self.kept: dict[tuple[Polynomial, Factor], Polynomial] = {}

    def of(self, polynomial: Polynomial, entry: Factor) -> Polynomial:
        """The derivative in an entry."""
        if (polynomial, entry) not in self.kept:
            self.kept[polynomial, entry] = self.computed(polynomial, entry)
        return self.kept[polynomial, entry]

    def computed(self, polynomial: Polynomial, entry: Factor) -> Polynomial:
        """The same, symbol by symbol."""
        total = NUMBER(0)
        for f in symbols_of(polynomial):
            slope = self.of_factor(f, entry)
            if slope.terms:
                total = total + self.algebra.product(polynomial.derivative(f), slope)
        return total

    def of_factor(self, f: Factor, entry: Factor) -> Polynomial:
        """The derivative of one symbol, by the chain rule."""
        if f is entry or f.name == "entry":
            return NUMBER(int(f is entry))
        if (f, entry) not in self.known:
            inner = [self.of(argument, entry) for argument in f.args]
            moves = any(slope.terms for slope in inner)
            outer = self.outer(f) if moves else NUMBER(0)
            self.known[f, entry] = self.algebra.product(outer, inner[0]) if moves else outer
        return self.known[f, entry]

    def outer(self, f: Factor) -> Polynomial:
        """The derivative of a function in its argument."""
        value, times = Polynomial.symbol(f), self.algebra.product
        if f.name == "exp":
            return value
        if f.name == "log":
            return self.algebra.power(f.args[0], fmpq(-1))
        if f.name == "inverse":
            return -times(value, value)
        if f.name == "root":
            inverse = self.algebra.power(f.args[0], fmpq(-1))
            return exponent_of(f) * times(value, inverse)
        if f.name == SIGMOID:
            return times(value, 1 - value)
        raise RefusalError(f"{f.name} has no derivative in normal forms")
