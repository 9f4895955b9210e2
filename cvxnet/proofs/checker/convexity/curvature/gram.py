"""Convex polynomials: second derivatives that are sums of squares.

f is convex on a set if y' H(x) y >= 0 for its matrix H of second derivatives, all x in the set and
all y. A proof writes it as

    y' H(x) y = sum over k of  g_k(x)  z_k(x, y)' G_k z_k(x, y)

with positive semidefinite rational matrices G_k, vectors z_k of products (each with one y), and
g_k products of functions that are not negative on the set: none (1), bounds, and constraints
(Helton, Nie, Math. Programming 122, 2010; Ahmadi, Parrilo, SIAM J. Optimization 23, 2013).

Where f is affine along some directions, x is moved along them, so that as many of its entries are
zero, and y too: what is left has fewer variables. What is a sum of polynomials that share no
variable is convex if each is. And linear coordinates may be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, cast

from flint import fmpq, fmpq_mat

from ...arrays import require
from ...witness import number
from ..forms.factors import Factor, powers_of
from ..forms.normal import NormalForms
from ..forms.polynomials import Monomial, Polynomial

MOST_BASIS, MOST_FACTORS, MOST_PARTS = 150, 4, 1000
MOST_VARIABLES = 60
MOST_INEQUALITIES = 200
ZERO, NONE = fmpq(0), Polynomial.number(0)


def variables_of(polynomial: Polynomial) -> list[Factor]:
    """The entries of leaves, in the order in which they were made."""
    return sorted({f for m in polynomial.terms for f, _ in powers_of(m)}, key=lambda f: f.number)


def second_derivatives(polynomial: Polynomial) -> dict[tuple[Factor, Factor], Polynomial]:
    """All, by their pair."""
    variables = variables_of(polynomial)
    require(len(variables) <= MOST_VARIABLES, "a polynomial in too many variables")
    first = {f: polynomial.derivative(f) for f in variables}
    return {(f, g): first[f].derivative(g) for f in variables for g in variables}


def components(polynomial: Polynomial) -> list[Polynomial]:
    """Polynomials that share no variable and add up to this one, up to affine terms."""
    parts: list[tuple[set[Factor], dict[Monomial, fmpq]]] = []
    for monomial, value in polynomial.terms.items():
        if sum(power for _, power in powers_of(monomial)) < 2:
            continue
        own, terms = {f for f, _ in powers_of(monomial)}, {monomial: value}
        for part in [p for p in parts if p[0] & own]:
            parts.remove(part)
            own |= part[0]
            terms |= part[1]
        parts.append((own, terms))
    return [Polynomial(terms) for _, terms in parts]


def simplified(polynomial: Polynomial) -> Polynomial:
    """A polynomial that is convex everywhere if and only if this one is: fewer or better variables.

    First without the directions along which it is affine, then in coordinates such that its terms
    of the highest degree have as few variables as possible.
    """
    fewer = without_flat_directions(polynomial)
    degree = fewer.degree
    leading = {m: v for m, v in fewer.terms.items() if sum(p for _, p in powers_of(m)) == degree}
    variables = variables_of(fewer)
    rows = lines_of(Polynomial(leading), variables)
    return substituted(
        fewer,
        {
            pivot: Polynomial.symbol(pivot)
            - sum((v * Polynomial.symbol(f) for f, v in row.items() if f is not pivot), start=NONE)
            for pivot, row in rows.items()
        },
    )


def substituted(polynomial: Polynomial, values: Mapping[Factor, Polynomial]) -> Polynomial:
    """The polynomial with others in place of entries."""
    total = Polynomial.number(0)
    for monomial, value in polynomial.terms.items():
        factors = [values.get(f, Polynomial.symbol(f)) ** power for f, power in powers_of(monomial)]
        total = total + prod(factors, start=Polynomial.number(value))
    return total


def without_flat_directions(polynomial: Polynomial) -> Polynomial:
    """The polynomial with as many entries set to zero as flat directions can move there.

    Along d with H(x) d = 0 for all x, f is affine and H stays the same. The d are the solutions of
    one linear system; its free entries may be chosen as minus those of x.
    """
    kept = lines_of(polynomial, variables_of(polynomial)).keys()
    return Polynomial(
        {m: v for m, v in polynomial.terms.items() if {f for f, _ in powers_of(m)} <= kept}
    )


def lines_of(
    polynomial: Polynomial, variables: Sequence[Factor]
) -> dict[Factor, dict[Factor, fmpq]]:
    """The linear functions that a polynomial depends on, up to affine terms, by their first entry.

    In reduced row echelon form: the first entries occur in no other line.
    """
    rows: dict[tuple[Factor, Monomial], dict[Factor, fmpq]] = {}
    for (f, g), second in second_derivatives(polynomial).items():
        for monomial, value in second.terms.items():
            rows.setdefault((f, monomial), {})[g] = value
    if not rows:
        return {}
    entries = [row.get(g, ZERO) for row in rows.values() for g in variables]
    reduced, rank = fmpq_mat(len(rows), len(variables), entries).rref()
    found = {}
    for i in range(int(rank)):
        line = {f: reduced[i, j] for j, f in enumerate(variables) if reduced[i, j] != 0}
        found[next(iter(line))] = line
    return found


def curvature(polynomial: Polynomial) -> Polynomial:
    """``y' H(x) y``, where the symbols ("y", f) belong to the entries f."""
    total = Polynomial.number(0)
    for (f, g), second in second_derivatives(polynomial).items():
        direction = Polynomial.symbol(("y", f)) * Polynomial.symbol(("y", g))
        total = total + second * direction
    return total


def inequalities(forms: NormalForms, variables: Sequence[Factor]) -> list[Polynomial]:
    """Polynomials in these variables that are not negative: from bounds, then from constraints."""
    found = []
    for f in variables:
        own, (low, high, _) = Polynomial.symbol(f), f.range
        found += [own - low] if low is not None else []
        found += [high - own] if high is not None else []
    known = set(variables)
    for constraint in forms.statement.constraints:
        for one in not_negative(forms, constraint):
            if one.degree <= 2 and {f for m in one.terms for f, _ in powers_of(m)} <= known:
                found.append(one)
    require(len(found) <= MOST_INEQUALITIES, "too many constraints for sums of squares")
    return found


def not_negative(forms: NormalForms, constraint: Mapping[str, Any]) -> list[Polynomial]:
    """The entries that a constraint keeps from being negative."""
    arguments = [forms.of_or_nothing(k) for k in constraint["args"]]
    if constraint["kind"] == "NonNeg":
        return arguments[0]
    if constraint["kind"] == "NonPos":
        return [-t for t in arguments[0]]
    if constraint["kind"] != "Inequality":
        return []
    left, right = arguments
    if len(left) == 1:
        left = left * len(right)
    if len(right) == 1:
        right = right * len(left)
    same = len(left) == len(right)
    return [t - s for s, t in zip(left, right, strict=True)] if same else []


def is_proved_by(
    polynomial: Polynomial,
    known: Sequence[Polynomial],
    evidence: Sequence[Mapping[str, Any]],
    is_psd: Callable[[list[list[fmpq]]], bool],
) -> bool:
    """Whether Gram matrices prove that a polynomial is convex where the ``known`` are >= 0.

    ``evidence`` has an entry for each k: "factors", the places of the factors of g_k among the
    known; "basis", for each product its y and then what else it has, as pairs of an entry and its
    power, where an entry is the place of its leaf and its position; and "gram".
    """
    names = {f.options: f for f in variables_of(polynomial)}
    total = Polynomial.number(0)
    require(len(evidence) <= MOST_PARTS, "too many Gram matrices")
    for part in evidence:
        basis = [product_named(one, names) for one in part["basis"]]
        if None in basis or not all(0 <= k < len(known) for k in part["factors"]):
            return False  # it is about another polynomial
        require(len(basis) <= MOST_BASIS, "a Gram matrix that is too large")
        require(len(part["factors"]) <= MOST_FACTORS, "a product of too many constraints")
        gram = matrix_of(part["gram"], len(basis))
        if gram != list(map(list, zip(*gram, strict=True))) or not is_psd(gram):
            return False
        factors = [known[k] for k in part["factors"]]
        total = total + prod(factors, start=form_of(gram, cast(list[Monomial], basis)))
    return total == curvature(polynomial)


def matrix_of(rows: Sequence[Sequence[Any]], size: int) -> list[list[fmpq]]:
    """A square matrix of a document."""
    found = [[number(value) for value in row] for row in rows]
    fits = len(found) == size and all(len(row) == size for row in found)
    require(fits, "a Gram matrix does not fit its products")
    return found


def product_named(words: Sequence[Any], names: Mapping[Any, Factor]) -> Monomial | None:
    """A product of one y and entries; None where there is no such entry."""
    first, rest = words
    if not all(tuple(name) in names for name in (first, *(name for name, _ in rest))):
        return None
    powers: dict[Any, int] = {("y", names[tuple(first)]): 1}
    for name, power in rest:
        require(isinstance(power, int) and 0 < power <= 64, "a power that is none")
        factor = names[tuple(name)]
        powers[factor] = powers.get(factor, 0) + power
    return frozenset(powers.items())


def form_of(gram: list[list[fmpq]], basis: list[Monomial]) -> Polynomial:
    """``z' G z``."""
    terms: dict[Monomial, fmpq] = {}
    for i, row in enumerate(gram):
        for j, value in enumerate(row):
            if value:
                powers = dict(basis[i])
                for symbol, power in basis[j]:
                    powers[symbol] = powers.get(symbol, 0) + power
                monomial = frozenset(powers.items())
                terms[monomial] = terms.get(monomial, ZERO) + value
    return Polynomial(terms)
