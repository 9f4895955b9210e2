"""Entries of expressions as terms: sums of products of powers, and functions of terms.

A term is a number, an entry of a leaf, ``c + sum c_k t_k``, ``prod t_k^p_k`` with rational c and p,
or a function of terms. Equal ones are one: the table keeps each once, and a term is its place in
the table, behind the terms that it is made of. What is written down is brought into one form by
laws that hold wherever the left side has a value:

    sums and products are flat, like terms and like powers are collected
    (a b)^p = a^p b^p             for a whole p, or for a, b >= 0
    (t^(2k))^p = |t|^(2kp)        and |t|^(2k) = t^(2k)
    exp(a)^p exp(b)^q = exp(p a + q b),  exp(c log t) = t^c,  log exp t = t
    log(prod t^p) = sum p log t   for factors t >= 0
    t log t = -entr(t),  1 / (1 + exp t) = sigmoid(-t),  log sigmoid(t) = -log(1 + exp(-t))

The right side may have a value where the left has none. That is no harm: what is convex there is
convex where the left side has its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from flint import fmpq

from ...arrays import require
from ...scalars import HALF, ONE, ZERO, all_rational, root

MOST_TERMS = 60_000


LONGEST_POWER = 64  # of a number that is multiplied out


LONGEST_NUMBER = 4_000  # bits


POSITIVE = {"exp", "cvxnet.sigmoid", "normcdf"}
"""Functions with values > 0."""


NONNEGATIVE = POSITIVE | {"abs", "huber", "form"}


Split = tuple[fmpq, list[tuple[int, fmpq]], list[tuple[fmpq, int]]]
"""A product: a number, powers of terms, and the exponents of exponentials as multiples."""


class Term(NamedTuple):
    """``data``: the number; the leaf; constant and coefficients; powers; name and options."""

    kind: str
    data: Any
    parts: tuple[int, ...] = ()


class Terms:
    """A table of terms.

    >>> terms = Terms()
    >>> x = terms.leaf("x")
    >>> e = terms.call("exp", x)
    >>> terms.multiply([(e, ONE), (e, ONE)]) == terms.call("exp", terms.add([(2, x)]))
    True
    """

    def __init__(self, nonneg: Callable[[Any], bool] = lambda leaf: False) -> None:
        self.records: list[Term] = []
        self.places: dict[Term, int] = {}
        self.leaf_is_nonneg = nonneg

    def __getitem__(self, place: int) -> Term:
        return self.records[place]

    def put(self, kind: str, data: Any, parts: Iterable[int] = ()) -> int:
        """The place of a term, which is made where it is new."""
        term = Term(kind, data, tuple(parts))
        if term not in self.places:
            require(len(self.records) < MOST_TERMS, "an expression of too many terms")
            self.places[term] = len(self.records)
            self.records.append(term)
        return self.places[term]

    # ------------------------------------------------------------ the kinds

    def number(self, value: fmpq | int) -> int:
        """A number."""
        return self.put("number", fmpq(value))

    def leaf(self, name: Any) -> int:
        """Something that is not made of terms."""
        return self.put("leaf", name)

    def add(self, pairs: Iterable[tuple[fmpq | int, int]], constant: fmpq | int = 0) -> int:
        """``constant + sum c t`` of pairs (c, t)."""
        total, found = fmpq(constant), dict[int, fmpq]()
        for factor, place in pairs:
            own, coefficients, parts = self.as_sum(place)
            total += factor * own
            for coefficient, part in zip(coefficients, parts, strict=True):
                found[part] = found.get(part, ZERO) + factor * coefficient
        kept = sorted((place, value) for place, value in found.items() if value != 0)
        if not kept:
            return self.number(total)
        if total == 0 and len(kept) == 1 and kept[0][1] == 1:
            return kept[0][0]
        require(total.height_bits() < LONGEST_NUMBER, "a number that is too long")
        return self.put("sum", (total, tuple(c for _, c in kept)), (place for place, _ in kept))

    def multiply(self, pairs: Iterable[tuple[int, fmpq | int]]) -> int:
        """``prod t^p`` of pairs (t, p)."""
        factor, powers = ONE, dict[int, fmpq]()
        exponent: list[tuple[fmpq, int]] = []
        for place, power in pairs:
            number, rest, inside = self.split(place, fmpq(power))
            factor *= number
            exponent += inside
            for base, p in rest:
                powers[base] = powers.get(base, ZERO) + p
        if exponent:
            together = self.exponential(exponent)
            factor, powers = self.joined(factor, powers, together)
        return self.finished(factor, powers)

    def joined(
        self, factor: fmpq, powers: dict[int, fmpq], more: int
    ) -> tuple[fmpq, dict[int, fmpq]]:
        """The factors of one more term, which holds at most one exponential."""
        kind, data, parts = self.records[more]
        if kind == "number":
            return factor * data, powers
        rows = zip(parts, data, strict=True) if kind == "product" else [(more, ONE)]
        for base, p in rows:
            powers[base] = powers.get(base, ZERO) + p
        return factor, powers

    def finished(self, factor: fmpq, powers: Mapping[int, fmpq]) -> int:
        """The product of a number and powers of terms that are no products."""
        if factor == 0:
            return self.number(0)
        kept = {base: p for base, p in powers.items() if p != 0}
        factor = factor * self.take_entropies(kept)
        self.take_sigmoids(kept)
        rows = sorted((base, p) for base, p in kept.items() if p != 0)
        if not rows:
            return self.number(factor)
        if len(rows) == 1 and rows[0][1] == 1:
            return self.add([(factor, rows[0][0])])
        found = self.put("product", tuple(p for _, p in rows), (base for base, _ in rows))
        return self.add([(factor, found)])

    def take_entropies(self, powers: dict[int, fmpq]) -> int:
        """Write ``t log t`` as -entr(t); the sign that this brings."""
        sign = 1
        for base in list(powers):
            kind, data, parts = self.records[base]
            if kind == "call" and data[0] == "log" and powers.get(parts[0]) == powers[base] == 1:
                del powers[base], powers[parts[0]]
                entropy = self.call("entr", parts[0])
                powers[entropy], sign = powers.get(entropy, ZERO) + 1, -sign
        return sign

    def take_sigmoids(self, powers: dict[int, fmpq]) -> None:
        """Write ``1 / (1 + exp(t))`` as the sigmoid of -t."""
        for base, p in list(powers.items()):
            if p == -1 and (inner := self.inside_of_logistic(base)) is not None:
                del powers[base]
                sigmoid = self.call("cvxnet.sigmoid", self.add([(-1, inner)]))
                powers[sigmoid] = powers.get(sigmoid, ZERO) + 1

    def split(self, place: int, p: fmpq) -> Split:
        """``t^p`` as a number, powers, and exponents of exponentials."""
        kind, data, parts = self.records[place]
        name = data[0] if kind == "call" else kind
        found: Split | None = None
        if name == "number" and (value := powered(data, p)) is not None:
            found = (value, [], [])
        elif name == "exp":
            found = (ONE, [], [(p, parts[0])])
        elif name == "abs" and is_even(p):
            found = self.split(parts[0], p)
        elif name == "sum":
            found = self.split_sum(place, p)
        elif name == "product":
            found = self.split_product(place, p)
        return (ONE, [(place, p)], []) if found is None else found

    def split_sum(self, place: int, p: fmpq) -> Split | None:
        """The same of a sum: with a positive first coefficient for even p; of one multiple."""
        (constant, coefficients), parts = self.records[place].data, self.records[place].parts
        first = coefficients[0]
        if is_even(p) and first < 0:
            return self.split(self.add([(-1, place)]), p)
        if constant != 0 or len(parts) > 1:
            return None
        value = powered(first, p)
        if value is None or (p.q != 1 and first <= 0):
            return None
        number, rest, inside = self.split(parts[0], p)
        return value * number, rest, inside

    def split_product(self, place: int, p: fmpq) -> Split | None:
        """The same of a product: of all factors, where that keeps where it has values."""
        whole, (_, data, parts) = p.q == 1, self.records[place]
        if not (whole or all(self.factors_are_nonneg(place))):
            return None
        bases = parts if whole else self.nonneg_bases(place)
        number, found, exponents = ONE, list[tuple[int, fmpq]](), list[tuple[fmpq, int]]()
        for base, own in zip(bases, data, strict=True):
            value, rest, inside = self.split(base, own * p)
            number, found, exponents = number * value, found + rest, exponents + inside
        return number, found, exponents

    def nonneg_bases(self, place: int) -> list[int]:
        """The bases of a product of factors >= 0, with abs(t) for t where its power is even."""
        return [
            self.call("abs", base) if is_even(p) and not self.is_nonneg(base) else base
            for base, p in self.as_product(place)
        ]

    def power(self, place: int, p: fmpq | int) -> int:
        """``t^p``."""
        return self.multiply([(place, p)])

    def call(self, name: str, *parts: int, options: Any = ()) -> int:
        """A function of terms."""
        if name == "exp":
            return self.exponential([(ONE, parts[0])])
        if name == "log":
            return self.logarithm(parts[0])
        if name == "abs":
            return self.magnitude(parts[0])
        if name in ("max", "min"):
            return self.choice(name, parts)
        return self.put("call", (name, options), parts)

    # ----------------------------------------------------------- the laws

    def exponential(self, pairs: Iterable[tuple[fmpq, int]]) -> int:
        """``exp(sum c t)``; logarithms inside become powers."""
        constant, coefficients, parts = self.as_sum(self.add(pairs))
        powers, rest = dict[int, fmpq](), []
        for c, part in zip(coefficients, parts, strict=True):
            kind, data, inside = self.records[part]
            if kind == "call" and data[0] == "log":
                powers[inside[0]] = powers.get(inside[0], ZERO) + c
            else:
                rest.append((c, part))
        exponent = self.add(rest, constant)
        if self.records[exponent] != Term("number", ZERO):
            kept = self.put("call", ("exp", ()), (exponent,))
            if not powers:
                return kept
            powers[kept] = ONE
        return self.finished(ONE, powers)

    def logarithm(self, place: int) -> int:
        """``log t``."""
        kind, data, parts = self.records[place]
        if kind == "number" and data == 1:
            return self.number(0)
        if kind == "call" and data[0] == "exp":
            return parts[0]
        if kind == "call" and data[0] == "cvxnet.sigmoid":
            minus = self.call("exp", self.add([(-1, parts[0])]))
            return self.add([(-1, self.logarithm(self.add([(1, minus)], 1)))])
        if kind == "product" and all(self.factors_are_nonneg(place)):
            logs = map(self.logarithm, self.nonneg_bases(place))
            return self.add(zip(data, logs, strict=True))
        return self.put("call", ("log", ()), (place,))

    def magnitude(self, place: int) -> int:
        """``|t|``; of ``-t`` the same."""
        kind, data, parts = self.records[place]
        if kind == "number":
            return self.number(abs(data))
        if self.is_nonneg(place):
            return place
        if kind == "sum" and data[1][0] < 0:
            return self.magnitude(self.add([(-1, place)]))
        if kind == "sum" and data[0] == 0 and len(parts) == 1:
            return self.add([(data[1][0], self.magnitude(parts[0]))])
        return self.put("call", ("abs", ()), (place,))

    def choice(self, name: str, parts: Iterable[int]) -> int:
        """The largest or the smallest."""
        flat: set[int] = set()
        for part in parts:
            kind, data, inside = self.records[part]
            flat |= set(inside) if kind == "call" and data[0] == name else {part}
        numbers = [self.records[t].data for t in flat if self.records[t].kind == "number"]
        if len(numbers) > 1:
            best = max(numbers) if name == "max" else min(numbers)
            flat = {t for t in flat if self.records[t].kind != "number"} | {self.number(best)}
        return flat.pop() if len(flat) == 1 else self.put("call", (name, ()), sorted(flat))

    # ------------------------------------------------------- what terms are

    def as_sum(self, place: int) -> tuple[fmpq, tuple[fmpq, ...], tuple[int, ...]]:
        """Any term as a constant, coefficients and terms."""
        kind, data, parts = self.records[place]
        if kind == "sum":
            return data[0], data[1], parts
        return (data, (), ()) if kind == "number" else (ZERO, (ONE,), (place,))

    def as_product(self, place: int) -> list[tuple[int, fmpq]]:
        """Any term as powers."""
        kind, data, parts = self.records[place]
        return list(zip(parts, data, strict=True)) if kind == "product" else [(place, ONE)]

    def ratio(self, one: int, other: int) -> fmpq | None:
        """k, if the one term is k times the other."""
        (constant, c, parts), (also, d, others) = self.as_sum(one), self.as_sum(other)
        if parts != others or not parts:
            return None
        k = fmpq(c[0] / d[0])
        same = constant == k * also and all(s == k * t for s, t in zip(c, d, strict=True))
        return k if same else None

    def inside_of_logistic(self, place: int) -> int | None:
        """t, if the term is ``1 + exp(t)``."""
        constant, coefficients, parts = self.as_sum(place)
        if constant == 1 and coefficients == (ONE,):
            kind, data, inside = self.records[parts[0]]
            if kind == "call" and data[0] == "exp":
                return inside[0]
        return None

    def factors_are_nonneg(self, place: int) -> Iterator[bool]:
        """Of each factor of a product, whether it is certainly >= 0."""
        _, data, parts = self.records[place]
        for base, p in zip(parts, data, strict=True):
            yield is_even(p) or p.q != 1 or self.is_nonneg(base)

    def is_nonneg(self, place: int) -> bool:
        """Whether a term is >= 0 by its form."""
        kind, data, parts = self.records[place]
        if kind == "number":
            return bool(data >= 0)
        if kind == "leaf":
            return self.leaf_is_nonneg(data)
        if kind == "sum":
            above = data[0] >= 0 and all(c > 0 for c in data[1])
            return above and all(map(self.is_nonneg, parts))
        if kind == "product":
            return all(self.factors_are_nonneg(place))
        if data[0] == "max":
            return any(map(self.is_nonneg, parts))
        if data[0] == "min":
            return all(map(self.is_nonneg, parts))
        return data[0] in NONNEGATIVE

    def below(self, *roots: int) -> list[int]:
        """The terms that some are made of, parts first; the roots themselves come last."""
        found, waiting = set(roots), list(roots)
        while waiting:
            for part in self.records[waiting.pop()].parts:
                if part not in found:
                    found.add(part)
                    waiting.append(part)
        return sorted(found)

    def leaves(self, *roots: int) -> list[int]:
        """The leaves among them."""
        return [t for t in self.below(*roots) if self.records[t].kind == "leaf"]

    def made(self, term: Term, parts: tuple[int, ...]) -> int:
        """The same kind of term with other parts."""
        if parts == term.parts:
            return self.places[term]
        if term.kind == "sum":
            return self.add(zip(term.data[1], parts, strict=True), term.data[0])
        if term.kind == "product":
            return self.multiply(zip(parts, term.data, strict=True))
        return self.call(term.data[0], *parts, options=term.data[1])

    def replaced(self, root: int, new: Mapping[int, int]) -> int:
        """The term with others in place of some of those that it is made of."""
        found = dict(new)
        for place in self.below(root):
            if place not in found:
                term = self.records[place]
                found[place] = self.made(term, tuple(found[k] for k in term.parts))
        return found[root]


def is_even(p: fmpq) -> bool:
    """Whether a power is an even whole number."""
    return bool(p.q == 1) and int(p.p) % 2 == 0


def powered(t: fmpq, p: fmpq) -> fmpq | None:
    """``t^p`` where it is rational and short."""
    if p.q == 1 and abs(int(p.p)) <= LONGEST_POWER and (t != 0 or p > 0):
        return t ** int(p.p)
    if p == HALF and t >= 0:
        value = root(t)
        return value if all_rational(value) else None
    return t if t == 1 else None
