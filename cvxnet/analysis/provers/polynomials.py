"""Convex polynomials: which Gram matrices would prove them, and where they fail.

What the checker wants to see is in `cvxnet.proofs.checker.convexity.curvature.gram`, how the
matrices are found in `cvxnet.analysis.provers.gram_matrices`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, combinations_with_replacement
from typing import Any, cast

import numpy as np
from flint import fmpq

from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.evidence import Finding, Proof, statement_of
from cvxnet.analysis.provers.gram_matrices import Block, Exponents, Rows, find_matrices, plus
from cvxnet.analysis.provers.saddles import segments_of
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity.answer import KINDS
from cvxnet.proofs.checker.convexity.curvature.gram import (
    curvature,
    inequalities,
    simplified,
    variables_of,
)
from cvxnet.proofs.checker.convexity.curvature.normal_form import Judge
from cvxnet.proofs.checker.convexity.forms.factors import Factor
from cvxnet.proofs.checker.convexity.forms.normal import NormalForms
from cvxnet.proofs.checker.convexity.forms.polynomials import Polynomial
from cvxnet.proofs.checker.convexity.statement import Checking

REASON = "the second derivatives of its polynomials are sums of squares (Gram matrices, re-proved)"
SECONDS = 1.5
"""For the normal forms."""
MOST_PRODUCTS = 70
"""Rows of a Gram matrix."""
MOST_NEEDED, MOST_ROUNDS = 12, 4
"""Polynomials of one expression; those in functions of others are found in the next round."""


def prove_by_squares(asked: Derived, goal: str) -> Iterator[Finding]:
    """Gram matrices for the polynomials that the normal form leaves open, or where they fail."""
    grams: list[Any] = []
    failed: dict[Polynomial, tuple[int, ...]] = {}
    for _ in range(MOST_ROUNDS):
        needed, forms = open_polynomials(asked, goal, grams)
        found = {one: gram_of(one, forms) for one in needed if one not in failed}
        failed |= {one: needed[one] for one, gram in found.items() if gram is None}
        more = [gram for gram in found.values() if gram is not None]
        if not more:
            break
        grams += more
    if grams:
        yield Proof(REASON, {"kind": "normal form", "grams": grams})
    for one, entry in failed.items():
        yield from segments_of(asked, one, entry)


def open_polynomials(
    asked: Derived, goal: str, grams: Sequence[Any]
) -> tuple[dict[Polynomial, tuple[int, ...]], NormalForms]:
    """The polynomials whose convexity the checker would need beside those that are proved.

    Each with the position of the entry of the expression that needs it.
    """
    statement, clock = statement_of(asked.question, goal), asked.clock(SECONDS)
    forms = NormalForms(statement, clock)
    needed: dict[Polynomial, tuple[int, ...]] = {}
    try:
        entries = forms.of(statement.root)
        judge = Judge(forms, Checking(clock, KINDS), grams)
        sign = 1 if goal == "convex" else -1
        for position, entry in zip(np.ndindex(statement.shape), entries, strict=True):
            judge.is_convex(sign * entry)
            for one in judge.needed:
                needed.setdefault(one, position)
            if len(needed) >= MOST_NEEDED:
                break
    except RefusalError:
        pass
    return dict(list(needed.items())[:MOST_NEEDED]), forms


def gram_of(polynomial: Polynomial, forms: NormalForms) -> list[dict[str, Any]] | None:
    """The evidence for one polynomial: everywhere, or on the domain.

    Of degree two none is needed: the normal form tells exactly whether it is convex.
    """
    if polynomial.degree <= 2:
        return None
    plain = simplified(polynomial)
    if plain.degree % 2 == 0:
        found = squares(plain, [], wide=False)
        if found is not None:
            return found
    known = inequalities(forms, variables_of(polynomial))
    if not known:
        return None
    return squares(polynomial, known, wide=False) or squares(polynomial, known, wide=True)


def squares(
    polynomial: Polynomial, known: list[Polynomial], wide: bool
) -> list[dict[str, Any]] | None:
    """Multipliers and Gram matrices, in the checker's words; None where none are found."""
    variables = variables_of(polynomial)
    symbols = [*variables, *(("y", f) for f in variables)]
    target = as_rows(curvature(polynomial), symbols)
    blocks = make_blocks(target, [as_rows(g, symbols) for g in known], len(variables), wide)
    if not blocks[0].products or any(len(b.products) > MOST_PRODUCTS for b in blocks):
        return None
    matrices = find_matrices(blocks, target)
    if matrices is None:
        return None
    found = zip(blocks, matrices, strict=True)
    return [block_words(block, matrix, variables) for block, matrix in found if block.products]


def block_words(block: Block, matrix: Any, variables: Sequence[Factor]) -> dict[str, Any]:
    """A multiplier and its Gram matrix as the checker reads them."""
    return {
        "factors": list(block.factors),
        "basis": [product_words(one, variables) for one in block.products],
        "gram": [[str(value) for value in row] for row in matrix],
    }


def as_rows(polynomial: Polynomial, symbols: Sequence[Any]) -> Rows:
    """The coefficients by exponents."""
    place = {symbol: k for k, symbol in enumerate(symbols)}
    found: Rows = {}
    for monomial, value in polynomial.terms.items():
        exponents = [0] * len(symbols)
        for symbol, power in monomial:
            exponents[place[symbol]] = power
        found[tuple(exponents)] = value
    return found


def product_words(exponents: Exponents, variables: Sequence[Factor]) -> list[Any]:
    """A product as the checker reads it."""
    count = len(variables)
    names = [list(cast(tuple[int, int], f.options)) for f in variables]
    y = names[exponents[count:].index(1)]
    return [y, [[names[k], power] for k, power in enumerate(exponents[:count]) if power]]


# ----------------------------------------------------------------- the program


def make_blocks(target: Rows, known: list[Rows], count: int, wide: bool) -> list[Block]:
    """The multipliers and their products, of as many factors as fit the degree."""
    zero = (0,) * (2 * count)
    degree = max(sum(e[:count]) for e in target)
    degree += degree % 2 + (2 if wide else 0)
    multipliers: list[tuple[tuple[int, ...], Rows]] = [((), {zero: fmpq(1)})]
    multipliers += [((k,), g) for k, g in enumerate(known)]
    multipliers += [
        ((j, k), multiplied(known[j], known[k])) for j, k in combinations(range(len(known)), 2)
    ]
    blocks = []
    for factors, g in multipliers:
        room = degree - max(sum(e[:count]) for e in g)
        if room >= 0:
            blocks.append(Block(factors, g, tuple(products(count, room // 2))))
    if len(blocks) == 1:
        blocks = [Block((), blocks[0].multiplier, possible(blocks[0].products, target))]
    return blocks


def products(count: int, degree: int) -> Iterator[Exponents]:
    """All products of one y and at most so many x."""
    for size in range(degree + 1):
        for chosen in combinations_with_replacement(range(count), size):
            powers = [chosen.count(k) for k in range(count)]
            for y in range(count):
                yield (*powers, *(int(k == y) for k in range(count)))


def multiplied(one: Rows, two: Rows) -> Rows:
    """The product of two polynomials."""
    found: Rows = {}
    for a, v in one.items():
        for b, w in two.items():
            found[plus(a, b)] = found.get(plus(a, b), fmpq(0)) + v * w
    return found


def possible(basis: tuple[Exponents, ...], target: Rows) -> tuple[Exponents, ...]:
    """Without the products whose square is not in the polynomial and cannot cancel."""
    kept = list(basis)
    while True:
        mixed = {plus(a, b) for a, b in combinations(kept, 2)}
        fewer = [a for a in kept if plus(a, a) in mixed or target.get(plus(a, a), 0) > 0]
        if len(fewer) == len(kept):
            return tuple(kept)
        kept = fewer
