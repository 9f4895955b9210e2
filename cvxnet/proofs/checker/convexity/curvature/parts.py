"""Parts of normal forms: which kind of product a term is, and forms that show more."""

from __future__ import annotations

from flint import fmpq

from ..forms.algebra import Algebra
from ..forms.factors import Factor, lead_of, powers_of, single
from ..forms.normal import NormalForms
from ..forms.polynomials import Monomial, Polynomial

MOST_STEPS = 100  # of the division of a numerator by its denominator
ZERO = fmpq(0)


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
