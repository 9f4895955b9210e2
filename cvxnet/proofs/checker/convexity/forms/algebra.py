"""The laws of normal forms: how functions of polynomials are multiplied, and made one of another.

A polynomial's symbols are here `Factor`s: entries of leaves, and functions of polynomials. Each law
holds wherever the expression that it is applied to has a value; where it needs more, it asks the
bounds. Two expressions with one normal form are the same function where both have values; where
they are not the same function, they may still have different forms.

    |c t| = |c| |t|,  |t|^2 = t^2,  |t| = t for t >= 0,  |s t| = |s| |t|
    exp(a) exp(b) = exp(a + b),  exp(k log s) = s^k
    log(s t) = log s + log t  for s >= 0;  log(s^2) = 2 log|s|;  log(exp a) = a
    s^p s^q = s^(p + q);  (s t)^p = s^p t^p  for s >= 0, or a whole p;  (s^2)^p = |s|^(2 p)
    1 / (1 + exp(a)) = sigmoid(-a) = 1 - sigmoid(a),  log sigmoid(a) = a - log(1 + exp(a))

A power of s is written as a whole power of s (of 1/s, where it is negative) times a root with an
exponent below one. What is multiplied by a logarithm of s and by s is 0 where s is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import reduce
from itertools import count

from flint import fmpq

from ...arrays import require
from .factors import (
    SIGMOID,
    UNIT,
    ZERO,
    Factor,
    Power,
    complement_of,
    denominators,
    exponent_in,
    exponent_in_part,
    exponent_of,
    in_order,
    inverted,
    is_negative,
    is_settled,
    lead_of,
    powers_of,
    primes_of,
    range_of_factor,
    separated,
    square_root,
    translation_order,
)
from .polynomials import ONE, Monomial, Polynomial
from .ranges import EVERYTHING, Range, range_of

MOST_FACTORS = 100_000
LAWFUL = frozenset({"exp", "abs", "root", "inverse"})
ODD = frozenset({"sin", "tan", "sinh", "asinh", "atanh"})
EVEN = frozenset({"cos", "huber"})
SLOPES = {"cvxnet.gelu": 1, "cvxnet.silu": 1, "cvxnet.squareplus": 1}
"""``f(-t) = f(t) - t``."""
Split = tuple[list[Power], Polynomial]
"""The powers of a monomial that stay, and what the others become."""


class Algebra:
    """Factors, each made once, and the laws."""

    def __init__(self, check: Callable[[], None]) -> None:
        self.factors: dict[tuple[str, Hashable, tuple[Polynomial, ...]], Factor] = {}
        self.check = check
        self.counted = count()

    # ------------------------------------------------------------ the factors

    def factor(
        self, name: str, options: Hashable, args: Iterable[Polynomial], among: Range = EVERYTHING
    ) -> Polynomial:
        """A function of polynomials as a symbol."""
        key = (name, options, tuple(args))
        found = self.factors.get(key)
        if found is None:
            self.check()
            require(len(self.factors) < MOST_FACTORS, "an expression of too many functions")
            found = self.factors[key] = Factor(next(self.counted), key)
            found.range = among
        return Polynomial.symbol(found)

    def range(self, polynomial: Polynomial) -> Range:
        """Where its values are, by the bounds."""
        return range_of(polynomial, range_of_factor)

    # ------------------------------------------------------------- products

    def product(self, one: Polynomial, two: Polynomial) -> Polynomial:
        """The product in normal form."""
        product = one * two
        plain = one.constant is not None or two.constant is not None
        return product if plain else self.reduced(product)

    def products(self, factors: Iterable[Polynomial]) -> Polynomial:
        """The product of several in normal form."""
        return reduce(self.product, factors, Polynomial.number(1))

    def whole_power(self, base: Polynomial, power: int) -> Polynomial:
        """A power >= 0."""
        require(power <= 64, "a power that is too high")
        return self.products([base] * power)

    def reduced(self, polynomial: Polynomial) -> Polynomial:
        """The same polynomial with every monomial in normal form."""
        self.check()
        changed = [(m, v, self.reduced_monomial(m)) for m, v in polynomial.terms.items()]
        if all(new is None for _, _, new in changed):
            return polynomial
        total = Polynomial({m: v for m, v, new in changed if new is None})
        for _, value, new in changed:
            total = total if new is None else total + value * new
        return total

    def reduced_monomial(self, monomial: Monomial) -> Polynomial | None:
        """A monomial in normal form; None where it is."""
        if not any(f.name in LAWFUL for f, _ in powers_of(monomial)):
            return None
        powers = powers_of(monomial)
        laws = (self.without_exponentials, self.without_absolutes, self.without_powers)
        for law in laws:
            found = law(powers)
            if found is not None:
                rest, others = found
                return self.reduced(Polynomial({frozenset(rest): UNIT}) * others)
        return None

    def without_exponentials(self, powers: list[Power]) -> Split | None:
        """Exponentials are one, of the sum of the exponents."""
        those, rest = separated(powers, "exp")
        if sum(power for _, power in those) < 2:
            return None
        exponent = sum((power * f.args[0] for f, power in those), Polynomial.number(0))
        return rest, self.exp(exponent)

    def without_absolutes(self, powers: list[Power]) -> Split | None:
        """The square of an absolute value is that of its argument."""
        those, rest = separated(powers, "abs")
        if all(power == 1 for _, power in those):
            return None
        rest += [(f, 1) for f, power in those if power % 2]
        squares = [self.whole_power(f.args[0], power - power % 2) for f, power in those]
        return rest, self.products(squares)

    def without_powers(self, powers: list[Power]) -> Split | None:
        """Powers of one base are one."""
        exponents: dict[Polynomial, list[Power]] = {}
        for f, power in powers:
            base = f.args[0] if f.name in ("root", "inverse") else Polynomial.symbol(f)
            exponents.setdefault(base, []).append((f, power))
        for base, those in exponents.items():
            if is_settled(those):
                continue
            total = sum((power * exponent_of(f) for f, power in those), ZERO)
            return [pair for pair in powers if pair not in those], self.power(base, total)
        return None

    # --------------------------------------------------------------- powers

    def power(self, base: Polynomial, exponent: fmpq) -> Polynomial:
        """``base^exponent``, wherever it has a value; for a fraction, base >= 0 there."""
        require(abs(exponent) <= 64, "a power that is too high")
        if exponent == 0 or base == Polynomial.number(1):
            return Polynomial.number(1)
        if exponent.q == 1 and exponent > 0:
            return self.whole_power(base, int(exponent.p))
        if not base.terms:
            require(exponent > 0, "a power of zero")
            return base
        if len(base.terms) == 1:
            return self.power_of_monomial(base, exponent)
        return self.power_of_sum(base, exponent)

    def power_of_monomial(self, base: Polynomial, exponent: fmpq) -> Polynomial:
        """Factor by factor where that is allowed, otherwise of the product."""
        ((monomial, value),) = base.terms.items()
        found, rest = [], Polynomial({ONE: UNIT if value > 0 else -UNIT})
        found.append(self.power_of_number(abs(value), exponent))
        for f, power in powers_of(monomial):
            known = Polynomial.symbol(f)
            if exponent.q == 1 or f.range.nonnegative:
                found.append(self.power_of_factor(f, power * exponent))
            elif power % 2 == 0:
                found.append(self.power(self.absolute(known), power * exponent))
            else:
                rest = rest * Polynomial({frozenset({(f, power)}): UNIT})
        if rest.constant is None:
            found.append(self.plain_power(rest, exponent))
        elif rest.constant < 0:
            require(exponent.q == 1, "a root of a negative number")
            found.append(rest if exponent.p % 2 else Polynomial.number(1))
        return self.products(found)

    def power_of_factor(self, f: Factor, exponent: fmpq) -> Polynomial:
        """Of one symbol; powers of powers are multiplied."""
        if f.name == "exp":
            return self.exp(exponent * f.args[0])
        if f.name in ("root", "inverse"):
            return self.power(f.args[0], exponent * exponent_of(f))
        if f.name == "abs" and exponent.q == 1 and exponent.p % 2 == 0:
            return self.power(f.args[0], exponent)
        if f.name == SIGMOID and exponent < 0:
            return self.power(1 + self.exp(-f.args[0]), -exponent)
        return self.plain_power(Polynomial.symbol(f), exponent)

    def power_of_number(self, value: fmpq, exponent: fmpq) -> Polynomial:
        """Of a positive number; roots are those of primes."""
        whole = int(exponent.floor())
        result = Polynomial.number(value**whole)
        part = exponent - whole
        if part == 0:
            return result
        for prime, power in primes_of(value):
            total = part * power
            result = result * prime ** int(total.floor())
            result = result * self.plain_power(Polynomial.number(prime), total - total.floor())
        return result

    def power_of_sum(self, base: Polynomial, exponent: fmpq) -> Polynomial:
        """Of a sum whose first coefficient is one, or minus one."""
        size = abs(base.terms[lead_of(base)])
        scaled, number = base * (1 / size), self.power_of_number(size, exponent)
        if (parts := self.factored(scaled)) is not None:
            return self.products([number, *(self.power(s, e * exponent) for s, e in parts)])
        if exponent.q > 1 and (square := square_root(scaled)) is not None:
            return self.product(number, self.power(self.absolute(square), 2 * exponent))
        if exponent.q == 1 and (sigmoid := self.as_sigmoid(scaled)) is not None:
            return self.product(number, self.whole_power(sigmoid, -int(exponent.p)))
        return self.product(number, self.plain_power(scaled, exponent))

    def factored(self, base: Polynomial) -> list[tuple[Polynomial, int]] | None:
        """A sum as a product of powers of what is positive and another sum; None where it is none.

        ``1 - sigmoid(t) = 1 / (1 + exp(t))``, ``s^2 + s t = s (s + t)``, ``1 / s + 1 / t = (s + t)
        / (s t)``.
        """
        if (complement := complement_of(base)) is not None:
            return [(1 + self.exp(complement), -1)]
        if shared := self.shared_monomial(base):
            rest = self.product(base, self.power(Polynomial({shared: UNIT}), fmpq(-1)))
            return [(Polynomial({shared: UNIT}), 1), (rest, 1)]
        for f in denominators(base):
            if f.range.nonnegative:
                most = max(dict(powers_of(m)).get(f, 0) for m in base.terms)
                return [(self.cleared(base, f), 1), (f.args[0], -most)]
        return None

    def cleared(self, polynomial: Polynomial, fraction: Factor) -> Polynomial:
        """The polynomial times the power of a denominator that it has."""
        above, below = self.fraction(fraction)
        powers = {m: dict(powers_of(m)).get(fraction, 0) for m in polynomial.terms}
        most, found = max(powers.values()), Polynomial.number(0)
        for monomial, power in powers.items():
            rest = frozenset(pair for pair in powers_of(monomial) if pair[0] is not fraction)
            term = Polynomial({rest: polynomial.terms[monomial]})
            factors = [term, *[above] * power, *[below] * (most - power)]
            found = found + self.products(factors)
        return found

    def fraction(self, fraction: Factor) -> tuple[Polynomial, Polynomial]:
        """The numerator and the denominator of ``1 / t`` or ``sigmoid(t)``."""
        if fraction.name == SIGMOID:
            exponential = self.exp(fraction.args[0])
            return exponential, 1 + exponential
        return Polynomial.number(1), fraction.args[0]

    def as_sigmoid(self, base: Polynomial) -> Polynomial | None:
        """``1 / base``, for ``1 + exp(a)`` and multiples of it by exponentials."""
        if len(base.terms) != 2:
            return None
        (one, v), (two, w) = base.terms.items()
        a, b = exponent_in(one), exponent_in(two)
        if a is None or b is None or v <= 0 or w <= 0:
            return None
        shift = self.log_of_number(w / v)  # v e^a + w e^b = v e^a (1 + e^(b - a + shift))
        return self.product(self.exp(-a) * (1 / v), self.sigmoid(a - b - shift))

    def plain_power(self, base: Polynomial, exponent: fmpq) -> Polynomial:
        """A whole power times a root below one."""
        if exponent == 0:
            return Polynomial.number(1)
        whole, among = int(exponent.floor()), self.range(base)
        part = exponent - whole
        result = Polynomial.number(1)
        if whole < 0:
            inverse = self.factor("inverse", None, [base], inverted(among))
            result = inverse**-whole
        elif whole > 0:
            result = self.whole_power(base, whole)
        if part != 0:
            floor = Range(ZERO, None, among.above_zero)
            result = result * self.factor("root", (int(part.p), int(part.q)), [base], floor)
        return result

    # ------------------------------------------- exponentials and logarithms

    def exp(self, exponent: Polynomial) -> Polynomial:
        """``exp(k log s + ...) = s^k ...``."""
        powers = []
        for monomial, value in exponent.terms.items():
            if len(monomial) == 1:
                ((f, power),) = powers_of(monomial)
                if f.name == "log" and power == 1 and abs(value) <= 64:
                    powers.append((f, value))
        logs = {frozenset({(f, 1)}) for f, _ in powers}
        rest = Polynomial({m: v for m, v in exponent.terms.items() if m not in logs})
        factors = [self.power(f.args[0], value) for f, value in powers]
        if rest.terms:
            factors.append(self.factor("exp", None, [rest], Range(ZERO, None, positive=True)))
        return self.products(factors)

    def log(self, argument: Polynomial) -> Polynomial:
        """A sum of logarithms."""
        require(argument.terms, "the logarithm of zero")
        if len(argument.terms) == 1:
            return self.log_of_monomial(argument)
        if (complement := complement_of(argument)) is not None:
            return -self.log(1 + self.exp(complement))
        exponents = [exponent_in_part(m) for m in argument.terms]
        least = min(exponents, key=lambda a: translation_order(a, exponents))
        if least.terms:
            argument = self.product(argument, self.exp(-least))
        shared = self.shared_monomial(argument)
        if shared:
            inverse = self.power(Polynomial({shared: UNIT}), fmpq(-1))
            argument = self.product(argument, inverse)
            least = least + self.log_of_monomial(Polynomial({shared: UNIT}))
        if len(argument.terms) == 1:
            return least + self.log_of_monomial(argument)
        size = abs(argument.terms[lead_of(argument)])
        plain = self.factor("log", None, [argument * (1 / size)])
        return least + self.log_of_number(size) + plain

    def shared_monomial(self, argument: Polynomial) -> Monomial:
        """The symbols >= 0 that every term has, with their least power."""
        terms = [dict(powers_of(m)) for m in argument.terms]
        return frozenset(
            (f, min(powers[f] for powers in terms))
            for f in terms[0]
            if f.name != "exp" and f.range.nonnegative and all(f in powers for powers in terms)
        )

    def log_of_monomial(self, argument: Polynomial) -> Polynomial:
        """Factor by factor where that is allowed, otherwise of the product."""
        ((monomial, value),) = argument.terms.items()
        total = self.log_of_number(abs(value))
        rest: Monomial = ONE
        for f, power in powers_of(monomial):
            if f.range.nonnegative or (len(monomial) == 1 and power == 1 and value > 0):
                total = total + power * self.log_of_factor(f)
            elif power % 2 == 0:
                total = total + power * self.log(self.absolute(Polynomial.symbol(f)))
            else:
                rest = rest | {(f, power)}
        if rest:
            return total + self.factor(
                "log", None, [Polynomial({rest: UNIT if value > 0 else -UNIT})]
            )
        require(value > 0, "the logarithm of a negative number")
        return total

    def log_of_factor(self, f: Factor) -> Polynomial:
        """Of one symbol."""
        if f.name == "exp":
            return f.args[0]
        if f.name in ("root", "inverse"):
            return exponent_of(f) * self.log(f.args[0])
        if f.name == SIGMOID:
            return f.args[0] - self.log(1 + self.exp(f.args[0]))
        return self.factor("log", None, [Polynomial.symbol(f)])

    def log_of_number(self, value: fmpq) -> Polynomial:
        """Of a positive number: a sum of logarithms of primes."""
        total = Polynomial.number(0)
        for prime, power in primes_of(value):
            total = total + power * self.factor("log", None, [Polynomial.number(prime)])
        return total

    def sigmoid(self, argument: Polynomial) -> Polynomial:
        """``sigmoid(-t) = 1 - sigmoid(t)``."""
        if not argument.terms:
            return Polynomial.number(fmpq(1, 2))
        among = Range(ZERO, UNIT, positive=True)
        if is_negative(argument):
            return 1 - self.factor(SIGMOID, None, [-argument], among)
        return self.factor(SIGMOID, None, [argument], among)

    # ------------------------------------------------- choices, other functions

    def absolute(self, argument: Polynomial) -> Polynomial:
        """``|t|``, with the first coefficient one."""
        among = self.range(argument)
        if among.nonnegative:
            return argument
        if among.nonpositive:
            return -argument
        if len(argument.terms) == 1:
            ((monomial, value),) = argument.terms.items()
            return self.products(
                [
                    Polynomial.number(abs(value)),
                    *(self.absolute_power(*pair) for pair in powers_of(monomial)),
                ]
            )
        size = argument.terms[lead_of(argument)]
        return abs(size) * self.plain_absolute(argument * (1 / size))

    def plain_absolute(self, argument: Polynomial) -> Polynomial:
        """``|t|`` as a symbol."""
        low, high, _ = self.range(argument)
        most = None if low is None or high is None else max(-low, high)
        return self.factor("abs", None, [argument], Range(ZERO, most))

    def absolute_power(self, f: Factor, power: int) -> Polynomial:
        """``|s^k|``."""
        plain, among = Polynomial.symbol(f), f.range
        if power % 2 == 0 or among.nonnegative:
            return plain**power
        if among.nonpositive:
            return -(plain**power)
        return plain ** (power - 1) * self.plain_absolute(plain)

    def larger(self, one: Polynomial, two: Polynomial) -> Polynomial:
        """``max(s, t) = (s + t + |s - t|) / 2``."""
        return (one + two + self.absolute(one - two)) * fmpq(1, 2)

    def smaller(self, one: Polynomial, two: Polynomial) -> Polynomial:
        """``min(s, t) = (s + t - |s - t|) / 2``."""
        return (one + two - self.absolute(one - two)) * fmpq(1, 2)

    def largest(self, several: Iterable[Polynomial]) -> Polynomial:
        """The largest of several: of the least of them plus what the others are above it."""
        distinct = list(dict.fromkeys(several))
        if len(distinct) <= 2:
            return self.larger(distinct[0], distinct[-1])
        least = min(distinct, key=lambda a: translation_order(a, distinct))
        return least + self.factor("max", None, in_order(a - least for a in distinct))

    def function(self, name: str, options: Hashable, argument: Polynomial) -> Polynomial:
        """A function of one number, with the mirror that it has."""
        negative = is_negative(argument)
        if name in ODD:
            value = self.factor(name, options, [-argument if negative else argument])
            return -value if negative else value
        if name in EVEN:
            return self.factor(name, options, [-argument if negative else argument])
        if name in SLOPES and negative:  # f(t) = f(-t) + t
            return self.factor(name, options, [-argument]) + SLOPES[name] * argument
        return self.factor(name, options, [argument])
