"""Rules of affine atoms: moves, sums, negatives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from cvxpy.atoms import affine

from cvxnet.analysis.facts import Facts, interval_sum, make_facts, negated
from cvxnet.analysis.operations import axes_of, evaluate
from cvxnet.analysis.rulebook import FIELDS, cvxpy_bounds, rule, spread
from cvxnet.functions.arithmetic import FLOATS

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
