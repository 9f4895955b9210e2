"""Rules of functions of matrices, and of atoms for which more than their arguments' facts counts.

Functions of all entries of matrices bend where the entries are affine (Boyd and Vandenberghe 2004,
sections 3.1.5, 3.2.3, 3.2.6): largest eigenvalues and singular values are maxima of linear
functions, log det and entropies are concave, X' P^-1 X is convex in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from flint import arb, arb_mat, ctx, fmpq

from ...arrays import Array, entrywise, groups, require, reshaped, transposed
from ...scalars import ONE, ZERO
from ...semidefinite import eliminates, pivots
from ..statement import Node, Statement
from .facts import (
    AFFINE,
    ALL,
    CONCAVE,
    CONVEX,
    DOMAIN,
    QUASICONVEX,
    Fact,
    fact,
    product,
    shared,
    square,
    total,
    vague,
)
from .intervals import EVERYTHING, Interval, clipped, is_above, is_below
from .products import is_number, multiplied
from .shapes import NEGATIVE, POSITIVE

Memory = Mapping[int, Array]
ORDER_IN_BALLS, EXACT_ORDER = 500, 60


def of_affine(bend: int, interval: Interval = EVERYTHING) -> Callable[..., Array]:
    """A number that bends so where all entries of all arguments are affine."""

    def rule(*arrays: Array, **options: Any) -> Array:
        entries = [one for array in arrays for one in array.entries]
        affine = all(one.affine for one in entries)
        return Array((), [fact(interval, bend | DOMAIN if affine else 0)])

    return rule


def largest_eigenvalues(X: Array, k: fmpq = ONE) -> Array:
    """The sum of the k largest."""
    return of_affine(CONVEX if k >= 0 else 0)(X)


def largest_eigenvalue(X: Array) -> Array:
    """The maximum of ``z' X z`` over unit vectors z: no less than any entry of the diagonal."""
    (one,) = largest_eigenvalues(X).entries
    require(len(X.shape) == 2, "eigenvalues of what is no matrix")
    lows = [X.entries[k].low for k in range(0, len(X.entries), X.shape[1] + 1)]
    known = [low for low in lows if low is not None]
    return Array((), [fact((max(known, default=None), None), one.bends)])


def sorted_products(X: Array, W: Array) -> Array:
    """The largest sum of products with permuted constants: convex, and rising for W >= 0."""
    row, weights = X.entries, W.entries
    bends = shared(row)
    if shared(weights) != ALL or not bends & DOMAIN:
        return Array((), [vague([*row, *weights])])
    is_convex = bends & AFFINE == AFFINE
    is_convex |= bool(bends & CONVEX) and are_above(weights)
    is_convex |= bool(bends & CONCAVE) and are_below(weights)
    products = [product(s, t) for s in row for t in weights]
    interval = (ZERO if are_above(products) else None, ZERO if are_below(products) else None)
    return Array((), [fact(interval, CONVEX | DOMAIN if is_convex else 0)])


def are_above(facts: Iterable[Fact]) -> bool:
    """Whether none is ever negative."""
    return all(is_above(one.interval) for one in facts)


def are_below(facts: Iterable[Fact]) -> bool:
    """Whether none is ever positive."""
    return all(is_below(one.interval) for one in facts)


SPECTRAL: dict[str, Callable[..., Array]] = {
    "lambda_max": largest_eigenvalue,
    "lambda_sum_largest": largest_eigenvalues,
    "sigma_max": of_affine(CONVEX, POSITIVE),
    "normNuc": of_affine(CONVEX, POSITIVE),
    "log_det": of_affine(CONCAVE),
    "tr_inv": of_affine(CONVEX, POSITIVE),
    "MatrixFrac": of_affine(CONVEX, POSITIVE),
    "von_neumann_entr": of_affine(CONCAVE),
    "quantum_rel_entr": of_affine(CONVEX),
    "condition_number": of_affine(QUASICONVEX, (ONE, None)),
    "gen_lambda_max": of_affine(QUASICONVEX),
    "SuppFuncAtom": of_affine(CONVEX),
    "length": of_affine(QUASICONVEX, POSITIVE),
    "dist_ratio": of_affine(0, POSITIVE),
    "pf_eigenvalue": of_affine(0, POSITIVE),
    "gmatmul": lambda X, A: Array((A.shape[0],), [vague(X.entries, POSITIVE)] * A.shape[0]),
    "dotsort": sorted_products,
    "imag": lambda x: entrywise(
        lambda one: fact(EVERYTHING, one.bends) if one.affine else vague([one]), x
    ),
}


# --------------------------------------------- with a look at the arguments


def is_real(statement: Statement, node: Node) -> bool:
    """Whether the arguments are certainly no complex numbers."""
    return statement.complex_places.isdisjoint(node["args"])


def multiply(statement: Statement, node: Node, memory: Memory) -> Array:
    """Entry by entry; one real expression times itself is a square."""
    left, right = (memory[k] for k in node["args"])
    if left is right and is_real(statement, node):
        return entrywise(square, left)
    return entrywise(product, left, right)


def multiply_matrices(statement: Statement, node: Node, memory: Memory) -> Array:
    """The matrix product; of one real vector with itself it is a sum of squares."""
    left, right = (memory[k] for k in node["args"])
    if left is right and len(left.shape) < 2 and is_real(statement, node):
        return Array((), [total([square(one) for one in left.entries])])
    return multiplied(left, right)


def quadratic_form(statement: Statement, node: Node, memory: Memory) -> Array:
    """``x' P x``: convex in x for P that is positive semidefinite, affine in P.

    For x >= 0 and P >= 0, entry by entry, it rises in x, and for x <= 0 it falls.
    """
    x, P = (memory[k] for k in node["args"])
    column = reshaped(x, (len(x.entries), 1))
    value = multiplied(multiplied(transposed(column), P), column).entries[0]
    if shared(x.entries) == ALL or shared(P.entries) != ALL:
        return Array((), [value])
    for sign, bend, half in ((1, CONVEX, POSITIVE), (-1, CONCAVE, NEGATIVE)):
        if is_semidefinite(statement, node["args"][1], sign, memory):
            bends = bend | DOMAIN if suits(x.entries, P.entries, sign) else 0
            return Array((), [fact(clipped(value.interval, half), bends)])
    return Array((), [value])


def suits(x: Sequence[Fact], P: Sequence[Fact], sign: int) -> bool:
    """Whether a convex or concave form of these has that curvature."""
    bends = shared(x)
    if bends & AFFINE == AFFINE:
        return True
    same = are_above if sign > 0 else are_below
    if not bends & DOMAIN or not same(P):
        return False
    return bool(bends & CONVEX and are_above(x)) or bool(bends & CONCAVE and are_below(x))


def trace(statement: Statement, node: Node, memory: Memory) -> Array:
    """The sum of the diagonal, which is >= 0 for positive semidefinite matrices."""
    (place,) = node["args"]
    array = memory[place]
    size = array.shape[-1]
    axes = [len(array.shape) - 2, len(array.shape) - 1]
    sums = [total(block[:: size + 1]) for block in groups(array, axes)]
    if len(array.shape) == 2:
        for sign, half in ((1, POSITIVE), (-1, NEGATIVE)):
            if is_semidefinite(statement, place, sign, memory):
                sums = [fact(clipped(one.interval, half), one.bends) for one in sums]
    return Array(array.shape[:-2], sums)


Structural = Callable[[Statement, Node, Memory], Array]
STRUCTURAL: dict[str, Structural] = {
    "multiply": multiply,
    "MulExpression": multiply_matrices,
    "QuadForm": quadratic_form,
    "Trace": trace,
}


# ------------------------------------------------------------- assertions
#
# One about unknowns is a promise that it holds on the whole domain; where it does not hold, the
# node has no value. Of constants nothing is believed.


def asserting_bounds(half: Interval) -> Callable[..., Array]:
    """An assertion that all entries are in a half line."""

    def rule(x: Array, of_unknowns: bool) -> Array:
        if not of_unknowns:
            return x
        return entrywise(lambda one: fact(clipped(one.interval, half), one.bends), x)

    return rule


def same(x: Array, of_unknowns: bool) -> Array:
    """The argument."""
    return x


ASSERTIONS: dict[str, Callable[..., Array]] = {
    "nonneg_wrap": asserting_bounds(POSITIVE),
    "nonpos_wrap": asserting_bounds(NEGATIVE),
    **dict.fromkeys(
        ("psd_wrap", "nsd_wrap", "symmetric_wrap", "hermitian_wrap", "skew_symmetric_wrap"), same
    ),
}


# ----------------------------------------------------- semidefinite matrices


def is_semidefinite(statement: Statement, place: int, sign: int, memory: Memory) -> bool:
    """Whether the symmetric part of a matrix, times the sign, is positive semidefinite."""
    known = statement.memory.setdefault(("semidefinite", ctx.prec), {})
    if (place, sign) not in known:
        array, rule = memory[place], SEMIDEFINITE.get(statement.nodes[place]["atom"])
        known[place, sign] = (len(array.shape) == 2 and array.shape[0] == array.shape[1]) and (
            computed_semidefinite(array, sign)
            or (rule is not None and rule(statement, place, sign, memory))
        )
    return bool(known[place, sign])


def is_bounded(one: Fact) -> bool:
    """Whether both ends are finite."""
    return None not in one.interval


def computed_semidefinite(array: Array, sign: int) -> bool:
    """By elimination, in balls and exactly, from the entries that are known."""
    size = array.shape[0]
    if size > ORDER_IN_BALLS or not all(map(is_bounded, array.entries)):
        return False
    rows = groups(entrywise(lambda s, t: (s + t) * sign, array, transposed(array)), [1])
    if is_definite([list(map(ball, row)) for row in rows]):
        return True
    if size > EXACT_ORDER or not all(map(is_number, chain.from_iterable(rows))):
        return False
    return eliminates([[one.low for one in row] for row in rows])


def is_definite(M: list[list[arb]]) -> bool:
    """Whether a symmetric matrix of balls is positive definite.

    So it is if a leading block A is, and ``C - B' A^-1 B`` of the other blocks (Schur).
    """
    size = len(M)
    if size <= 16:
        found = pivots(M)
        return len(found) == size and all(t > 0 for t in found)
    half = size // 2
    if not is_definite([row[:half] for row in M[:half]]):
        return False
    A, B = arb_mat([row[:half] for row in M[:half]]), arb_mat([row[half:] for row in M[:half]])
    try:
        rest = arb_mat([row[half:] for row in M[half:]]) - B.transpose() * A.inv() * B
    except ZeroDivisionError:
        return False
    return is_definite(rest.tolist())


def ball(one: Fact) -> arb:
    """What holds all values of an entry with finite ends."""
    return arb(one.low).union(arb(one.high))


def declared(statement: Statement, place: int, sign: int, memory: Memory) -> bool:
    """A leaf of which that is said."""
    return {1: "PSD", -1: "NSD"}[sign] in statement.nodes[place]["attributes"]


def asserting(own: int) -> Any:
    """An assertion about unknowns; of constants it is computed."""

    def rule(statement: Statement, place: int, sign: int, memory: Memory) -> bool:
        node = statement.nodes[place]
        asserted = sign == own and node["options"]["of_unknowns"] is True
        return asserted or is_semidefinite(statement, node["args"][0], sign, memory)

    return rule


def all_of(statement: Statement, place: int, sign: int, memory: Memory) -> bool:
    """Sums of semidefinite matrices, and such matrices transposed or asserted to be symmetric."""
    args = statement.nodes[place]["args"]
    return all(is_semidefinite(statement, k, sign, memory) for k in args)


def mirrored(statement: Statement, place: int, sign: int, memory: Memory) -> bool:
    """The negative."""
    return is_semidefinite(statement, statement.nodes[place]["args"][0], -sign, memory)


def multiple(statement: Statement, place: int, sign: int, memory: Memory) -> bool:
    """A multiple by one number of known sign, or by its inverse."""
    node = statement.nodes[place]
    divided = node["atom"] == "DivExpression"
    for number, matrix in (node["args"][::-1],) if divided else (node["args"], node["args"][::-1]):
        while statement.nodes[number]["atom"] in ("Promote", "broadcast_to"):
            (number,) = statement.nodes[number]["args"]
        for holds, turn in ((is_above, 1), (is_below, -1)):
            entries = memory[number].entries
            if len(entries) == 1 and holds(entries[0].interval):
                return is_semidefinite(statement, matrix, turn * sign, memory)
    return False


def both(statement: Statement, place: int, sign: int, memory: Memory) -> bool:
    """A Kronecker product of two semidefinite matrices: its eigenvalues are products of theirs."""
    left, right = statement.nodes[place]["args"]
    return any(
        is_semidefinite(statement, left, one, memory)
        and is_semidefinite(statement, right, one * sign, memory)
        for one in (1, -1)
    )


def on_the_diagonal(statement: Statement, place: int, sign: int, memory: Memory) -> bool:
    """Numbers of one sign on the diagonal."""
    node = statement.nodes[place]
    same = is_above if sign > 0 else is_below
    return node["options"]["k"] == 0 and all(
        same(t.interval) for t in memory[node["args"][0]].entries
    )


SEMIDEFINITE: dict[str, Callable[[Statement, int, int, Memory], bool]] = {
    "leaf": declared,
    "psd_wrap": asserting(1),
    "nsd_wrap": asserting(-1),
    "symmetric_wrap": all_of,
    "hermitian_wrap": all_of,
    "transpose": all_of,
    "AddExpression": all_of,
    "NegExpression": mirrored,
    "multiply": multiple,
    "MulExpression": multiple,
    "DivExpression": multiple,
    "kron": both,
    "diag_vec": on_the_diagonal,
}
