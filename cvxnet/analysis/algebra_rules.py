"""Rules of moves, sums and products: affine atoms, and what multiplies.

A product of two functions of the unknowns has no curvature by composition; one with a constant
keeps or swaps that of the other factor, by its sign.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cvxnet.analysis.facts import (
    FIELDS,
    Facts,
    Mask,
    Need,
    constant_facts,
    interval_product,
    interval_sum,
    make_facts,
    negated,
    shaped_like,
    spread,
)
from cvxnet.analysis.function_rules import by_cvxpy, cvxpy_bounds
from cvxnet.analysis.operations import Operation, axes_of
from cvxnet.analysis.tape import Node
from cvxnet.functions.arithmetic import FLOATS
from cvxnet.types import Array

SUMS = "a sum is convex where all its terms are"
ADDED = Need(rule="a convex term and a concave term are added", needs="terms that are all convex")
RECIPROCAL = "1 / g is convex for concave g > 0"
DENOMINATOR = Need(
    rule=f"{RECIPROCAL}, and this denominator is not known to be so",
    needs="a denominator that is concave and > 0",
)
MULTIPLIED = Need(
    rule="two expressions in the unknowns are multiplied",
    needs="one of the two fixed",
    factors=(0, 1),
)


def move(evaluate: Operation, node: Node, args: list[Facts]) -> Facts:
    """Entries are only moved or copied, so their facts move with them."""
    batches = [np.array([getattr(arg, field) for field in FIELDS], dtype=float) for arg in args]
    low, high, *masks = evaluate(node, batches, FLOATS)
    convex, concave, quasiconvex, quasiconcave = (mask > 0.5 for mask in masks)
    return make_facts(
        low,
        high,
        convex,
        concave,
        quasi=(quasiconvex, quasiconcave),
        monotone=("affine",) * len(args),
        rule="entries are moved",
    )


def negate(node: Node, args: list[Facts]) -> Facts:
    """The negative swaps convex and concave."""
    return replace(negated(args[0]), monotone=("falling",), rule="the negative swaps the two")


def add(node: Node, args: list[Facts]) -> Facts:
    """A sum is convex where every term is."""
    low, high = interval_sum(spread(args, "low", node), spread(args, "high", node), 0)
    quasi = None
    if sum(not arg.constant for arg in args) == 1:  # a shift keeps sublevel sets
        quasi = (
            spread(args, "quasiconvex", node).all(0),
            spread(args, "quasiconcave", node).all(0),
        )
    return make_facts(
        low,
        high,
        spread(args, "convex", node).all(0),
        spread(args, "concave", node).all(0),
        quasi=quasi,
        monotone=("rising",) * len(args),
        rule=SUMS,
        need=ADDED,
    )


def add_up(evaluate: Operation, node: Node, args: list[Facts]) -> Facts:
    """A sum over axes is convex where every entry is."""
    axes = tuple(a - 1 for a in axes_of(node, node.get_data()[0]))
    low, high = (v.reshape(node.shape) for v in interval_sum(args[0].low, args[0].high, axes))
    return sum_of_entries(evaluate, node, args, (low, high))


def add_some(evaluate: Operation, node: Node, args: list[Facts]) -> Facts:
    """The same for atoms that add some of the entries, with CVXPY's sign."""
    return sum_of_entries(evaluate, node, args, cvxpy_bounds(node, args))


def sum_of_entries(
    evaluate: Operation, node: Node, args: list[Facts], bounds: tuple[Array, Array]
) -> Facts:
    """A sum has a curvature where no entry that it adds lacks it."""
    bad = [np.array([~args[0].convex, ~args[0].concave], dtype=float)]
    convex, concave = evaluate(node, bad, FLOATS) < 0.5
    return make_facts(*bounds, convex, concave, monotone=("rising",), rule=SUMS, need=ADDED)


def multiply(node: Node, args: list[Facts]) -> Facts:
    """A factor >= 0 keeps curvature, a factor <= 0 swaps it."""
    left, right = (shaped_like(arg, node.shape) for arg in args)
    low, high = interval_product(left.low, left.high, right.low, right.high)
    if not left.constant and not right.constant:
        if is_square(node):
            return square_of_one(node, args[0], low, high)
        return no_curvature(node, low, high, quasi=curved_together(left, right))
    factor, other = (left, right) if left.constant else (right, left)
    facts = with_factor(multiply_by(factor, other), args)
    return facts if left.constant else replace(facts, monotone=facts.monotone[::-1])


def signs_of(factor: Facts) -> tuple[Mask, Mask]:
    """Where a factor is certainly >= 0 and certainly <= 0."""
    return factor.low >= 0.0, factor.high <= 0.0


def monotony(plus: Any, minus: Any) -> str:
    """The monotonicity of multiplying by factors of those signs."""
    return "rising" if plus else "falling" if minus else "affine"


def with_factor(facts: Facts, args: list[Facts]) -> Facts:
    """The facts about a product, with the constant factor that is in the way of convexity."""
    return facts if facts.convex.all() else replace(facts, need=need_of_factor(args))


def need_of_factor(args: list[Facts]) -> Need:
    """The entry with the wrong sign for the other factor: a convex one needs factors >= 0."""
    which = 0 if args[0].constant else 1
    factor, other = args[which], args[1 - which]
    bent_up = bool((other.convex & ~other.concave).any())
    wrong = factor.low if bent_up else -factor.high
    place = np.unravel_index(int(np.argmin(wrong)), wrong.shape) if wrong.shape else ()
    index = tuple(int(i) for i in place)
    number = float((factor.low if bent_up else factor.high)[index])
    curved, sign, word = ("convex", ">=", "nonneg") if bent_up else ("concave", "<=", "nonpos")
    if not np.isfinite(number):
        return Need(
            rule=f"{{}} of unknown sign multiplies a {curved} expression",
            needs=f"{{}} {sign} 0 ({word}=True)",
            factors=(which,),
            index=index,
        )
    return Need(
        rule=f"{int((wrong < 0.0).sum())} of {wrong.size} factors have the wrong sign for the "
        f"{curved} expression that they multiply",
        needs=f"factors {sign} 0 there",
        factors=(which,),
        index=index,
        number=number,
    )


def curved_together(one: Facts, other: Facts) -> tuple[Mask, Mask]:
    """Where a product is quasiconvex, and where quasiconcave.

    The product of two functions that are concave and >= 0 is quasiconcave, as its root is concave
    (Boyd and Vandenberghe 2004, section 3.4.4); two changes of sign leave it so, one turns it over.
    """
    up, other_up = (f.concave & (f.low >= 0.0) for f in (one, other))
    down, other_down = (f.convex & (f.high <= 0.0) for f in (one, other))
    return (up & other_down) | (down & other_up), (up & other_up) | (down & other_down)


def no_curvature(
    node: Node, low: Array, high: Array, quasi: tuple[Mask, Mask] | None = None
) -> Facts:
    """A product of two functions of the unknowns has no curvature by composition."""
    nothing = np.zeros(node.shape, dtype=bool)
    return make_facts(
        low,
        high,
        nothing,
        nothing,
        quasi=quasi,
        monotone=("none", "none"),
        rule="a product of two unknowns is neither convex nor concave",
        need=MULTIPLIED,
    )


def is_square(node: Node) -> bool:
    """Whether one expression of real numbers is multiplied by itself."""
    return node.args[0] is node.args[1] and not node.args[0].is_complex()


def square_of_one(node: Node, arg: Facts, low: Array, high: Array) -> Facts:
    """A product of one expression with itself, entry by entry or as an inner product."""
    convex = square_is_convex(arg)
    if convex.shape != node.shape:
        convex = np.asarray(convex.all())
    nothing = np.zeros(node.shape, dtype=bool)
    return make_facts(
        np.maximum(low, 0.0),
        high,
        convex | nothing,
        nothing,
        monotone=("none", "none"),
        rule="the square of one expression",
        need=MULTIPLIED,
    )


def square_is_convex(arg: Facts) -> Mask:
    """``f^2`` is convex for f affine, convex and >= 0, or concave and <= 0."""
    return arg.affine | (arg.convex & (arg.low >= 0.0)) | (arg.concave & (arg.high <= 0.0))


def divide(node: Node, args: list[Facts]) -> Facts:
    """Division by a constant multiplies by its inverse."""
    top, bottom = (shaped_like(arg, node.shape) for arg in args)
    with np.errstate(divide="ignore"):
        inverse_low, inverse_high = 1.0 / bottom.high, 1.0 / bottom.low
    signed = (bottom.low > 0.0) | (bottom.high < 0.0)
    positive, negative = bottom.low >= 0.0, bottom.high <= 0.0
    low = np.where(signed, inverse_low, np.where(positive, 0.0, -np.inf))
    high = np.where(signed, inverse_high, np.where(negative, 0.0, np.inf))
    if bottom.constant:
        facts = with_factor(multiply_by(constant_facts(low, high), top), args)
        return replace(facts, monotone=(facts.monotone[1], "none"))
    # 1 / g is convex where g is concave and > 0 (CVXPY's domain is the sign of g), and falls in g.
    above = positive & (bottom.quasiconcave | (bottom.low > 0.0))
    nothing = np.zeros(node.shape, dtype=bool)
    falls = above & bottom.quasiconcave, above & bottom.quasiconvex
    reciprocal = make_facts(low, high, positive & bottom.concave, nothing, quasi=falls)
    if not top.constant:
        quasi = flat_below(top, bottom) & above, flat_below(negated(top), bottom) & above
        return no_curvature(node, *interval_product(top.low, top.high, low, high), quasi=quasi)
    facts = replace(multiply_by(top, reciprocal), monotone=("affine", "none"), rule=RECIPROCAL)
    if reciprocal.convex.all():
        return with_factor(facts, [args[0], reciprocal])
    return replace(facts, need=DENOMINATOR)


def flat_below(top: Facts, bottom: Facts) -> Mask:
    """Where f / g is quasiconvex for g > 0: where ``f - t g <= 0`` is convex for every t.

    That is so for convex f where g is affine; or concave, and f >= 0, as then t >= 0; or convex,
    and f <= 0, as every t >= 0 allows all.
    """
    above = bottom.concave & (top.low >= 0.0)
    below = bottom.convex & (top.high <= 0.0)
    return top.convex & (bottom.affine | above | below)


def multiply_by(factor: Facts, other: Facts) -> Facts:
    """The facts about a constant factor times a function."""
    plus, minus = signs_of(factor)
    bounds = interval_product(factor.low, factor.high, other.low, other.high)
    convex = other.affine | (plus & other.convex) | (minus & other.concave)
    concave = other.affine | (plus & other.concave) | (minus & other.convex)
    quasi = (
        plus & other.quasiconvex | minus & other.quasiconcave,
        plus & other.quasiconcave | minus & other.quasiconvex,
    )
    return make_facts(
        *bounds,
        convex,
        concave,
        quasi=quasi,
        monotone=("affine", monotony(plus.all(), minus.all())),
        rule="a factor >= 0 keeps the curvature, a factor <= 0 swaps it",
    )


def multiply_matrices(node: Node, args: list[Facts]) -> Facts:
    """``sum_k z_k w_k``: a weight >= 0 keeps the curvature of its entry, a weight <= 0 swaps it."""
    left, right = args
    if not left.low.shape or not right.low.shape:
        return multiply(node, args)
    low, high = product_bounds(left, right, node)
    if not left.constant and not right.constant:
        return product_of_unknowns(node, left, right, low, high)
    factor, other = (left, right) if left.constant else (right, left)
    plus, minus = signs_of(factor)
    product = left_product if left.constant else right_product
    only_plus, only_minus, either = plus & ~minus, minus & ~plus, ~plus & ~minus
    bends = product(~other.affine, either, node)
    convex = (
        bends + product(~other.convex, only_plus, node) + product(~other.concave, only_minus, node)
    )
    concave = (
        bends + product(~other.concave, only_plus, node) + product(~other.convex, only_minus, node)
    )
    quasi = single_terms(factor, other, product, node)
    ways = monotony(plus.all(), minus.all())
    facts = make_facts(
        low,
        high,
        convex < 0.5,
        concave < 0.5,
        quasi=quasi,
        monotone=("affine", ways) if left.constant else (ways, "affine"),
        rule="weights >= 0 keep the curvature of what they meet, weights <= 0 swap it",
    )
    return with_factor(facts, args)


def product_of_unknowns(node: Node, left: Facts, right: Facts, low: Array, high: Array) -> Facts:
    """Of two matrices neither of which is constant."""
    if is_square(node) and len(left.low.shape) == 1:
        return square_of_one(node, left, low, high)
    alone = len(left.low.shape) == len(right.low.shape) == 2 and left.low.shape[1] == 1
    quasi = curved_together(left, right) if alone else None
    return no_curvature(node, low, high, quasi=quasi)


def single_terms(factor: Facts, other: Facts, product: Any, node: Node) -> tuple[Any, Any] | None:
    """Quasi-convexity survives where only one term of the sum is not zero."""
    plus, minus = signs_of(factor)
    zero = plus & minus
    alone = product(np.ones(other.low.shape, bool), ~zero, node) < 1.5
    if not alone.any():
        return None
    blocked = product(~(other.quasiconvex & other.quasiconcave), ~plus & ~minus, node)
    up = blocked + product(~other.quasiconvex, plus & ~zero, node)
    up = up + product(~other.quasiconcave, minus & ~zero, node)
    down = blocked + product(~other.quasiconcave, plus & ~zero, node)
    down = down + product(~other.quasiconvex, minus & ~zero, node)
    return alone & (up < 0.5), alone & (down < 0.5)


def left_product(other: Mask, factor: Mask, node: Node) -> Array:
    """How many bad pairs meet in each entry of ``factor @ other``."""
    return np.asarray(factor.astype(float) @ other.astype(float)).reshape(node.shape)


def right_product(other: Mask, factor: Mask, node: Node) -> Array:
    """How many bad pairs meet in each entry of ``other @ factor``."""
    return np.asarray(other.astype(float) @ factor.astype(float)).reshape(node.shape)


def product_bounds(left: Facts, right: Facts, node: Node) -> tuple[Array, Array]:
    """Bounds on a matrix product, row by row so that memory stays that of one product."""
    if not node.size:
        return np.zeros(node.shape), np.zeros(node.shape)
    a, b = (np.atleast_2d(v) for v in (left.low, left.high))
    c, d = (v[:, None] if v.ndim == 1 else v for v in (right.low, right.high))
    rows = [
        interval_sum(*interval_product(a[..., i, :, None], b[..., i, :, None], c, d), -2)
        for i in range(a.shape[-2])
    ]
    low, high = (np.stack([r[k] for r in rows], axis=-2) for k in (0, 1))
    return low.reshape(node.shape), high.reshape(node.shape)


def square_and_divide(node: Node, args: list[Facts]) -> Facts:
    """``sum f^2 / g``: with constant g a sum of squares, entry by entry."""
    top, bottom = args
    if not bottom.constant or node.axis is not None:
        return by_cvxpy(node, args)
    low, high = cvxpy_bounds(node, args)
    positive = bool((bottom.low > 0.0).all())
    convex = np.full(node.shape, positive and square_is_convex(top).all())
    ways = "rising" if (top.low >= 0).all() else "falling" if (top.high <= 0).all() else "none"
    return make_facts(
        low,
        high,
        convex,
        np.zeros(node.shape, dtype=bool),
        monotone=(ways, "falling"),
        rule="a square is convex where its argument is affine, or convex and >= 0",
    )
