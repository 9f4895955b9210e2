"""Rules of products: by constants of known sign, of two unknowns, of one thing with itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.atoms.affine import binary_operators as binary

from cvxnet.analysis.atom_rules import derive_by_cvxpy
from cvxnet.analysis.facts import Facts, Mask, interval_product, interval_sum, make_facts
from cvxnet.analysis.rulebook import cvxpy_bounds, monotony, rule, shaped_like, signs_of
from cvxnet.types import Array


@rule(binary.multiply)
def multiply(node: Any, args: list[Facts]) -> Facts:
    """A factor >= 0 keeps curvature, a factor <= 0 swaps it."""
    left, right = (shaped_like(arg, node.shape) for arg in args)
    low, high = interval_product(left.low, left.high, right.low, right.high)
    if not left.constant and not right.constant:
        return product_of_unknowns(node, args, low, high)
    factor, other = (left, right) if left.constant else (right, left)
    facts = multiply_by(factor, other, node)
    return facts if left.constant else replace(facts, monotone=facts.monotone[::-1])


def product_of_unknowns(node: Any, args: list[Facts], low: Array, high: Array) -> Facts:
    """A product of two functions of the unknowns has no curvature by composition."""
    nothing = np.zeros(node.shape, dtype=bool)
    squared = node.args[0] is node.args[1]
    if squared and (type(node) is binary.multiply or len(node.args[0].shape) == 1):
        convex = square_is_convex(args[0])
        if convex.shape != node.shape:
            convex = np.asarray(convex.all())
        return make_facts(
            np.maximum(low, 0.0),
            high,
            convex & ~nothing,
            nothing,
            monotone=("none", "none"),
            rule="the square of one expression",
        )
    return make_facts(
        low,
        high,
        nothing,
        nothing,
        monotone=("none", "none"),
        rule="a product of two unknowns is neither convex nor concave",
    )


def square_is_convex(arg: Facts) -> Mask:
    """``f^2`` is convex for f affine, convex and >= 0, or concave and <= 0."""
    return arg.affine | (arg.convex & (arg.low >= 0.0)) | (arg.concave & (arg.high <= 0.0))


@rule(binary.DivExpression)
def divide(node: Any, args: list[Facts]) -> Facts:
    """Division by a constant multiplies by its inverse."""
    top, bottom = (shaped_like(arg, node.shape) for arg in args)
    with np.errstate(divide="ignore"):
        inverse_low, inverse_high = 1.0 / bottom.high, 1.0 / bottom.low
    signed = (bottom.low > 0.0) | (bottom.high < 0.0)
    positive, negative = bottom.low >= 0.0, bottom.high <= 0.0
    low = np.where(signed, inverse_low, np.where(positive, 0.0, -np.inf))
    high = np.where(signed, inverse_high, np.where(negative, 0.0, np.inf))
    if bottom.constant:
        inverse = make_facts(low, high, True, True, constant=True)
        facts = multiply_by(inverse, top, node)
        return replace(facts, monotone=(facts.monotone[1], "none"))
    # 1 / g is convex where g is concave and > 0 (CVXPY's domain is the sign of g).
    nothing = np.zeros(node.shape, dtype=bool)
    reciprocal = make_facts(low, high, positive & bottom.concave, nothing)
    if top.constant:
        facts = multiply_by(top, reciprocal, node)
        return replace(facts, monotone=("affine", "none"), rule="1 / g is convex for concave g > 0")
    return product_of_unknowns(node, args, *interval_product(top.low, top.high, low, high))


def multiply_by(factor: Facts, other: Facts, node: Any) -> Facts:
    """The facts about a constant factor times a function."""
    plus, minus = signs_of(factor)
    low, high = interval_product(factor.low, factor.high, other.low, other.high)
    convex = other.affine | (plus & other.convex) | (minus & other.concave)
    concave = other.affine | (plus & other.concave) | (minus & other.convex)
    quasi = (
        plus & other.quasiconvex | minus & other.quasiconcave,
        plus & other.quasiconcave | minus & other.quasiconvex,
    )
    return make_facts(
        low,
        high,
        convex,
        concave,
        quasi=quasi,
        monotone=("affine", monotony(plus.all(), minus.all())),
        rule="a factor >= 0 keeps the curvature, a factor <= 0 swaps it",
    )


@rule(binary.MulExpression)
def multiply_matrices(node: Any, args: list[Facts]) -> Facts:
    """``sum_k z_k w_k``: a weight >= 0 keeps the curvature of its entry, a weight <= 0 swaps it."""
    left, right = args
    if not left.low.shape or not right.low.shape:
        return multiply(node, args)
    low, high = product_bounds(left, right, node)
    if not left.constant and not right.constant:
        return product_of_unknowns(node, [left, replace(right)], low, high)
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
    return make_facts(
        low,
        high,
        convex < 0.5,
        concave < 0.5,
        quasi=quasi,
        monotone=("affine", ways) if left.constant else (ways, "affine"),
        rule="weights >= 0 keep the curvature of what they meet, weights <= 0 swap it",
    )


def single_terms(factor: Facts, other: Facts, product: Any, node: Any) -> tuple[Any, Any] | None:
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


def left_product(other: Mask, factor: Mask, node: Any) -> Array:
    """How many bad pairs meet in each entry of ``factor @ other``."""
    return np.asarray(factor.astype(float) @ other.astype(float)).reshape(node.shape)


def right_product(other: Mask, factor: Mask, node: Any) -> Array:
    """How many bad pairs meet in each entry of ``other @ factor``."""
    return np.asarray(other.astype(float) @ factor.astype(float)).reshape(node.shape)


def product_bounds(left: Facts, right: Facts, node: Any) -> tuple[Array, Array]:
    """Bounds on a matrix product, row by row so that memory stays that of one product."""
    a, b = (np.atleast_2d(v) for v in (left.low, left.high))
    c, d = (v[:, None] if v.ndim == 1 else v for v in (right.low, right.high))
    rows = [
        interval_sum(*interval_product(a[..., i, :, None], b[..., i, :, None], c, d), -2)
        for i in range(a.shape[-2])
    ]
    low, high = (np.stack([r[k] for r in rows], axis=-2) for k in (0, 1))
    return low.reshape(node.shape), high.reshape(node.shape)


@rule(cp.quad_over_lin)
def square_and_divide(node: Any, args: list[Facts]) -> Facts:
    """``sum f^2 / g``: with constant g a sum of squares, entry by entry."""
    top, bottom = args
    if not bottom.constant or node.axis is not None:
        return derive_by_cvxpy(node, args)
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
