"""The composition rules: the facts about a node from the facts about its arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.atoms import affine
from cvxpy.atoms.affine import binary_operators as binary

from cvxnet.analysis.facts import (
    Array,
    Facts,
    Mask,
    interval_product,
    interval_sum,
    make_facts,
    negated,
)
from cvxnet.analysis.kits import FLOATS
from cvxnet.analysis.operations import axes_of, evaluate
from cvxnet.analysis.shapes import profile_of
from cvxnet.layers.profiles import Profile, inside

Rule = Callable[[Any, list[Facts]], Facts]
RULES: dict[type, Rule] = {}


def rule(*types: type) -> Callable[[Rule], Rule]:
    """Register the rule of these atom types."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(types, function))
        return function

    return register


def derive(node: Any, args: list[Facts]) -> Facts:
    """The facts about a node that is not a leaf."""
    known, profile = RULES.get(type(node)), profile_of(node) if len(args) == 1 else None
    if known is not None:
        facts = known(node, args)
    elif profile is not None:
        facts = compose(node, args, profile)
    else:
        facts = derive_by_cvxpy(node, args)
    if all(arg.constant for arg in args):
        everywhere = np.ones(facts.low.shape, dtype=bool)
        return replace(
            facts,
            constant=True,
            convex=everywhere,
            concave=everywhere,
            quasiconvex=everywhere,
            quasiconcave=everywhere,
            rule="it depends on none of the unknowns",
        )
    return facts


MOVES = (
    affine.promote.Promote,
    affine.broadcast_to.broadcast_to,
    affine.transpose.transpose,
    affine.reshape.reshape,
    affine.index.index,
    affine.index.special_index,
    affine.hstack.Hstack,
    affine.vstack.Vstack,
)
FIELDS = ("low", "high", "convex", "concave", "quasiconvex", "quasiconcave")


@rule(*MOVES)
def move(node: Any, args: list[Facts]) -> Facts:
    """Entries are only moved or copied, so their facts move with them."""
    batches = [np.array([getattr(arg, field) for field in FIELDS], dtype=float) for arg in args]
    moved = evaluate(node, batches, FLOATS)
    low, high, *masks = moved
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


@rule(affine.unary_operators.NegExpression)
def negate(node: Any, args: list[Facts]) -> Facts:
    """The negative swaps convex and concave."""
    return replace(negated(args[0]), monotone=("falling",), rule="the negative swaps the two")


@rule(affine.add_expr.AddExpression)
def add(node: Any, args: list[Facts]) -> Facts:
    """A sum is convex where every term is."""
    low, high = interval_sum(spread(args, "low", node), spread(args, "high", node), 0)
    convex, concave = spread(args, "convex", node), spread(args, "concave", node)
    moving = sum(not arg.constant for arg in args)
    quasi = None
    if moving == 1:  # a shift keeps sublevel sets
        quasi = (
            spread(args, "quasiconvex", node).all(0),
            spread(args, "quasiconcave", node).all(0),
        )
    return make_facts(
        low,
        high,
        convex.all(0),
        concave.all(0),
        quasi=quasi,
        monotone=("rising",) * len(args),
        rule="a sum is convex where all its terms are",
    )


def spread(args: list[Facts], field: str, node: Any) -> Any:
    """One field of all arguments, broadcast to the node's shape, along a new first axis."""
    return np.array([np.broadcast_to(getattr(arg, field), node.shape) for arg in args])


@rule(affine.sum.Sum, affine.trace.Trace, affine.cumsum.cumsum)
def add_up(node: Any, args: list[Facts]) -> Facts:
    """A sum of entries is convex where every entry is."""
    arg = args[0]
    bad = [np.array([~arg.convex, ~arg.concave], dtype=float)]
    convex, concave = evaluate(node, bad, FLOATS) < 0.5
    if type(node) is affine.sum.Sum:
        axes = tuple(a - 1 for a in axes_of(node, node.get_data()[0]))
        low, high = (v.reshape(node.shape) for v in interval_sum(arg.low, arg.high, axes))
    else:
        low, high = cvxpy_bounds(node, args)
    return make_facts(
        low,
        high,
        convex,
        concave,
        monotone=("rising",),
        rule="a sum is convex where all its terms are",
    )


@rule(binary.multiply)
def multiply(node: Any, args: list[Facts]) -> Facts:
    """A factor >= 0 keeps curvature, a factor <= 0 swaps it."""
    left, right = (shaped_like(arg, node.shape) for arg in args)
    low, high = interval_product(left.low, left.high, right.low, right.high)
    if not left.constant and not right.constant:
        return product_of_unknowns(node, args, low, high)
    factor, other = (left, right) if left.constant else (right, left)
    plus, minus = signs_of(factor)
    convex = other.affine | (plus & other.convex) | (minus & other.concave) | (plus & minus)
    concave = other.affine | (plus & other.concave) | (minus & other.convex) | (plus & minus)
    quasi = (
        plus & other.quasiconvex | minus & other.quasiconcave,
        plus & other.quasiconcave | minus & other.quasiconvex,
    )
    ways = monotony(plus.all(), minus.all())
    return make_facts(
        low,
        high,
        convex,
        concave,
        quasi=quasi,
        monotone=("affine", ways) if left.constant else (ways, "affine"),
        rule="a factor >= 0 keeps the curvature, a factor <= 0 swaps it",
    )


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


def signs_of(factor: Facts) -> tuple[Mask, Mask]:
    """Where a factor is certainly >= 0 and certainly <= 0."""
    return factor.low >= 0.0, factor.high <= 0.0


def monotony(plus: Any, minus: Any) -> str:
    """The monotonicity of multiplying by factors of those signs."""
    return "rising" if plus else "falling" if minus else "affine"


def shaped_like(arg: Facts, shape: tuple[int, ...]) -> Facts:
    """The facts with every array broadcast to a shape."""
    fields: Any = {field: np.broadcast_to(getattr(arg, field), shape) for field in FIELDS}
    return replace(arg, **fields)


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
        interval_sum(*interval_product(a[i][:, None], b[i][:, None], c, d), 0)
        for i in range(a.shape[0])
    ]
    low, high = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    return low.reshape(node.shape), high.reshape(node.shape)


@rule(cp.maximum)
def take_maximum(node: Any, args: list[Facts]) -> Facts:
    """The maximum of convex functions is convex; an argument that always wins is the maximum."""
    low, high = spread(args, "low", node), spread(args, "high", node)
    wins = np.array(
        [
            np.all([low[i] >= high[j] for j in range(len(args)) if j != i], axis=0)
            for i in range(len(args))
        ]
    )
    loses = (
        np.array(
            [
                np.any([high[i] <= low[j] for j in range(len(args)) if j != i], axis=0)
                for i in range(len(args))
            ]
        )
        & ~wins
    )

    def holds(field: str) -> Mask:
        return (spread(args, field, node) | loses).all(0)

    def won(field: str) -> Mask:
        return (spread(args, field, node) & wins).any(0)

    convex = holds("convex") | won("convex")
    quasi = (holds("quasiconvex") | won("quasiconvex"), won("quasiconcave"))
    text = "the maximum of convex functions is convex"
    if wins.any(0).all():
        text = "one argument is always the largest, so the maximum is that argument"
    return make_facts(
        low.max(0),
        high.max(0),
        convex,
        won("concave"),
        quasi=quasi,
        monotone=("rising",) * len(args),
        rule=text,
    )


@rule(cp.minimum)
def take_minimum(node: Any, args: list[Facts]) -> Facts:
    """``min(f, g) = -max(-f, -g)``."""
    facts = negated(take_maximum(node, [negated(arg) for arg in args]))
    return replace(facts, rule="the minimum of concave functions is concave")


def compose(node: Any, args: list[Facts], profile: Profile) -> Facts:
    """``f(g)`` with f's profile on exactly the interval that g can reach."""
    arg = args[0]
    low, high = profile.bounds(np.maximum(arg.low, profile.domain[0]), arg.high)
    on = inside_of(profile, arg)
    # Below its domain a convex f is +inf and a concave f is -inf, which breaks one monotonicity.
    within = arg.low >= profile.domain[0]
    rising, falling = on["rising"], on["falling"]
    convex = on["convex"] & (arg.affine | (rising & within & arg.convex) | (falling & arg.concave))
    concave = on["concave"] & (
        arg.affine | (rising & arg.concave) | (falling & within & arg.convex)
    )
    bent = profile.quasiconvex & arg.affine, profile.quasiconcave & arg.affine
    quasi = (
        bent[0] | on["rising"] & arg.quasiconvex | on["falling"] & arg.quasiconcave,
        bent[1] | on["rising"] & arg.quasiconcave | on["falling"] & arg.quasiconvex,
    )
    ways = "rising" if on["rising"].all() else "falling" if on["falling"].all() else "none"
    return make_facts(
        low,
        high,
        convex,
        concave,
        quasi=quasi,
        monotone=(ways,),
        rule=describe_composition(profile, arg, on),
    )


def inside_of(profile: Profile, arg: Facts) -> dict[str, Mask]:
    """Which claims of the profile hold on the interval that each entry can reach."""
    return {
        claim: inside(
            np.maximum(arg.low, profile.domain[0]),
            np.minimum(arg.high, profile.domain[1]),
            getattr(profile, claim),
        )
        for claim in ("convex", "concave", "rising", "falling")
    }


def describe_composition(profile: Profile, arg: Facts, on: dict[str, Mask]) -> str:
    """What the outer function is on the argument's range."""
    words = [
        word
        for claim, word in (
            ("convex", "convex"),
            ("concave", "concave"),
            ("rising", "nondecreasing"),
            ("falling", "nonincreasing"),
        )
        if on[claim].all()
    ]
    low, high = float(np.min(arg.low, initial=np.inf)), float(np.max(arg.high, initial=-np.inf))
    where = "" if (low, high) == (-np.inf, np.inf) else f" on [{low:.3g}, {high:.3g}]"
    if not on["convex"].all() and not on["concave"].all():
        words.insert(0, "neither convex nor concave")
    elif not on["rising"].all() and not on["falling"].all():
        words.append("not monotone")
    return f"{profile.name} is {', '.join(words) or 'of no known shape'}{where}"


def derive_by_cvxpy(node: Any, args: list[Facts]) -> Facts:
    """Any other atom: CVXPY's own curvature and monotonicity, with our facts on the arguments."""
    low, high = cvxpy_bounds(node, args)
    convex = trusted(node, "convex") and all(
        fits(node, i, arg.affine, arg.convex, arg.concave) for i, arg in enumerate(args)
    )
    concave = trusted(node, "concave") and all(
        fits(node, i, arg.affine, arg.concave, arg.convex) for i, arg in enumerate(args)
    )
    ways = tuple(
        "rising" if node.is_incr(i) else "falling" if node.is_decr(i) else "none"
        for i in range(len(args))
    )
    everywhere = np.ones(node.shape, dtype=bool)
    linear = all(arg.affine.all() for arg in args)
    quasi = (
        everywhere & (linear and node.is_atom_quasiconvex()),
        everywhere & (linear and node.is_atom_quasiconcave()),
    )
    return make_facts(
        low,
        high,
        everywhere & convex,
        everywhere & concave,
        quasi=quasi,
        monotone=ways,
        rule=describe_atom(node),
    )


def trusted(node: Any, curvature: str) -> bool:
    """CVXPY's word on the atom, except where it rounds: an indefinite matrix is not definite."""
    if type(node) is cp.QuadForm:
        return False  # the quadratic decider tests the matrix exactly
    return bool(getattr(node, f"is_atom_{curvature}")())


def fits(node: Any, i: int, affine_arg: Mask, same: Mask, opposite: Mask) -> bool:
    """The composition rule for one argument."""
    if affine_arg.all():
        return True
    return bool((same.all() and node.is_incr(i)) or (opposite.all() and node.is_decr(i)))


def describe_atom(node: Any) -> str:
    """An atom's own curvature in words."""
    name = type(node).__name__.removesuffix("Approx")
    convex, concave = node.is_atom_convex(), node.is_atom_concave()
    word = (
        "affine" if convex and concave else "convex" if convex else "concave" if concave else None
    )
    return f"{name} is {word or 'neither convex nor concave'}"


def cvxpy_bounds(node: Any, args: list[Facts]) -> tuple[Array, Array]:
    """Bounds from the sign that CVXPY sees."""
    low, high = np.full(node.shape, -np.inf), np.full(node.shape, np.inf)
    if type(node) is cp.QuadForm:
        return low, high  # CVXPY's sign rests on a rounded eigenvalue
    if node.is_nonneg():
        low = np.zeros(node.shape)
    if node.is_nonpos():
        high = np.zeros(node.shape)
    return low, high


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
