"""The symbols of normal forms: entries of leaves, and functions of polynomials."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import cast

from flint import fmpq, fmpz

from .polynomials import Monomial, Polynomial
from .ranges import EVERYTHING, Range

LONGEST_FACTORED = 64  # bits of a number that is split into primes
ZERO, UNIT = fmpq(0), fmpq(1)
SIGMOID = "cvxnet.sigmoid"


class Factor:
    """An entry of a leaf, or a function of polynomials; made once, by `Algebra.factor`."""

    __slots__ = ("args", "name", "number", "options", "range")

    def __init__(self, number: int, key: tuple[str, Hashable, tuple[Polynomial, ...]]) -> None:
        self.number = number
        self.name, self.options, self.args = key
        self.range = EVERYTHING

    def __repr__(self) -> str:
        return f"{self.name}#{self.number}"


Power = tuple[Factor, int]


def powers_of(monomial: Monomial) -> list[Power]:
    """The factors of a monomial with their powers, in the order in which they were made."""
    return sorted(cast(frozenset[Power], monomial), key=lambda pair: pair[0].number)


Order = tuple[tuple[int, int], ...]


def order_of(monomial: Monomial) -> Order:
    """A place of a monomial among all: higher degrees first, then what was met first."""
    powers = powers_of(monomial)
    return ((-sum(p for _, p in powers), 0), *((f.number, -p) for f, p in powers))


def lead_of(polynomial: Polynomial) -> Monomial:
    """The first monomial that is not constant."""
    return min((m for m in polynomial.terms if m), key=order_of)


def single(polynomial: Polynomial) -> Factor | None:
    """The factor that is the whole polynomial; None of any other."""
    if len(polynomial.terms) != 1:
        return None
    ((monomial, value),) = polynomial.terms.items()
    if value != 1 or len(monomial) != 1:
        return None
    ((factor, power),) = monomial
    return factor if power == 1 and isinstance(factor, Factor) else None


def separated(powers: list[Power], name: str) -> tuple[list[Power], list[Power]]:
    """The factors of that name, and the others."""
    those = [pair for pair in powers if pair[0].name == name]
    return those, [pair for pair in powers if pair[0].name != name]


def exponent_of(f: Factor) -> fmpq:
    """How a factor is a power of its base."""
    if f.name == "inverse":
        return fmpq(-1)
    return fmpq(*cast(tuple[int, int], f.options)) if f.name == "root" else UNIT


def is_settled(those: list[Power]) -> bool:
    """Whether powers of one base are a whole one, and at most one root."""
    roots = [power for f, power in those if f.name == "root"]
    return roots in ([], [1]) and len(those) - len(roots) <= 1


def exponent_in(monomial: Monomial) -> Polynomial | None:
    """a of the monomial exp(a), 0 of 1; None of others."""
    if not monomial:
        return Polynomial.number(0)
    found = exponent_in_part(monomial)
    return found if len(monomial) == 1 and found.terms else None


def exponent_in_part(monomial: Monomial) -> Polynomial:
    """The exponent of the exponential that a monomial has; 0 without one."""
    found = (f.args[0] for f, p in powers_of(monomial) if f.name == "exp" and p == 1)
    return next(found, Polynomial.number(0))


def translation_order(polynomial: Polynomial, several: Iterable[Polynomial]) -> list[fmpq]:
    """An order that stays the same where all have the same added: by the coefficients in turn."""
    monomials = sorted({m for p in several for m in p.terms}, key=order_of)
    return [polynomial.terms.get(m, ZERO) for m in monomials]


def in_order(several: Iterable[Polynomial]) -> list[Polynomial]:
    """Polynomials in an order that depends on nothing but them."""
    polynomials = list(several)
    return sorted(polynomials, key=lambda a: translation_order(a, polynomials))


def is_negative(polynomial: Polynomial) -> bool:
    """Whether its first coefficient is."""
    return polynomial.constant is None and polynomial.terms[lead_of(polynomial)] < 0


def primes_of(value: fmpq) -> list[tuple[fmpq, int]]:
    """Primes and their powers, of a positive number; what is too long stays as it is."""
    found = []
    for part, sign in ((value.p, 1), (value.q, -1)):
        if part.bit_length() > LONGEST_FACTORED:
            found.append((fmpq(part), sign))
        else:
            found += [(fmpq(p), sign * int(power)) for p, power in fmpz(part).factor() if p != 1]
    return found


def square_root(polynomial: Polynomial) -> Polynomial | None:
    """t with ``t^2 = polynomial`` for a t that is linear in its first symbol; None without one."""
    lead = lead_of(polynomial)
    size = polynomial.terms[lead]
    if size != 1 or len(lead) != 1:
        return None
    ((f, power),) = lead
    if power != 2:
        return None
    linear = polynomial.derivative(f)
    rest = Polynomial({m: v for m, v in linear.terms.items() if m != frozenset({(f, 1)})})
    root = Polynomial.symbol(f) + rest * fmpq(1, 2)
    return root if root * root == polynomial else None


def complement_of(polynomial: Polynomial) -> Polynomial | None:
    """t of ``1 - sigmoid(t)``; None of others."""
    factor = single(1 - polynomial)
    return factor.args[0] if factor is not None and factor.name == SIGMOID else None


def denominators(polynomial: Polynomial) -> list[Factor]:
    """The factors that are ``1 / t``, in the order in which they were made."""
    found = {f for m in polynomial.terms for f, _ in powers_of(m) if f.name == "inverse"}
    return sorted(found, key=lambda f: f.number)


def inverted(among: Range) -> Range:
    """The range of ``1 / t``, where it has a value."""
    if among.nonnegative:
        low = ZERO if among.high is None or among.high <= 0 else 1 / among.high
        high = None if among.low is None or among.low <= 0 else 1 / among.low
        return Range(low, high, positive=True)
    return Range(None, ZERO) if among.nonpositive else EVERYTHING


def range_of_factor(f: object) -> Range:
    """Where the values of a factor are."""
    return f.range if isinstance(f, Factor) else EVERYTHING
