"""Rules of functions: the maximum, compositions with a known profile, and CVXPY's other atoms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy import logic
from cvxpy.atoms.affine import wraps
from cvxpy.atoms.geo_mean import GeoMean

from cvxnet.analysis.facts import Facts, Mask, interval_sum, make_facts, negated
from cvxnet.analysis.quadratics import constant_matrix, definiteness
from cvxnet.analysis.rulebook import cvxpy_bounds, rule, spread, standing_in
from cvxnet.functions.profile import Profile, inside
from cvxnet.layers import atoms


@rule(cp.maximum, logic.Or)  # of values in [0, 1], where booleans are relaxed
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


@rule(cp.minimum, logic.And)
def take_minimum(node: Any, args: list[Facts]) -> Facts:
    """``min(f, g) = -max(-f, -g)``."""
    facts = negated(take_maximum(node, [negated(arg) for arg in args]))
    return replace(facts, rule="the minimum of concave functions is concave")


@rule(cp.one_minus_pos, logic.Not)
def subtract_from_one(node: Any, args: list[Facts]) -> Facts:
    """``1 - f``."""
    low, high = args[0].low, args[0].high
    one = np.ones(node.shape)
    low, high = interval_sum(np.array([one, -high]), np.array([one, -low]), 0)
    facts = replace(negated(args[0]), low=low, high=high, monotone=("falling",))
    return replace(facts, rule="the negative swaps the two")


@rule(atoms.softmax, atoms.standardize)
def compare_columns(node: Any, args: list[Facts]) -> Facts:
    """Softmax lies in [0, 1], a standardised entry in +-sqrt(width); one column is constant."""
    is_softmax, width = isinstance(node, atoms.softmax), node.shape[-1]
    low, high = (0.0, 1.0) if is_softmax else (-1.001 * width**0.5, 1.001 * width**0.5)
    if width == 1:
        low = high = float(is_softmax)
    nothing = np.zeros(node.shape, dtype=bool)
    quasi = (nothing, nothing | (is_softmax and bool(args[0].affine.all())))
    return make_facts(
        np.full(node.shape, low),
        np.full(node.shape, high),
        nothing,
        nothing,
        quasi=quasi,
        monotone=("none",),
        rule=describe_atom(node),
    )


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


# Quasiconvex where |x - a| <= |x - b| only; and by a definiteness that is only asserted.
QUASI_ELSEWHERE = (cp.dist_ratio, cp.QuadForm)


def derive_by_cvxpy(node: Any, args: list[Facts]) -> Facts:
    """Any other atom: CVXPY's own curvature and monotonicity, with our facts on the arguments."""
    low, high = cvxpy_bounds(node, args)
    node = standing_in(node, args)
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
    linear = all(arg.affine.all() for arg in args) and type(node) not in QUASI_ELSEWHERE
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
    """CVXPY's word on the atom, except on definiteness: what is asserted or rounded is computed.

    An asserted matrix (`psd_wrap`, ``assume_PSD``) may miss by its rounding; `premises` says so.
    """
    if type(node) is cp.QuadForm:
        matrix = constant_matrix(node.args[1])
        if matrix is not None:
            found = definiteness(matrix, 1 if curvature == "convex" else -1)
            wrap = wraps.psd_wrap if curvature == "convex" else wraps.nsd_wrap
            return found.exact or (found.rounded and isinstance(node.args[1], wrap))
    if isinstance(node, GeoMean) and curvature == "convex":
        return False  # of one number it is affine, but for numbers >= 0 only
    return bool(getattr(node, f"is_atom_{curvature}")())


@rule(*wraps.Wrap.__subclasses__())
def keep_wrapped(node: Any, args: list[Facts]) -> Facts:
    """An assertion changes nothing but the sign, where the argument leaves it open."""
    arg = args[0]
    above = isinstance(node, wraps.nonneg_wrap) & (arg.high >= 0.0) & (arg.low < arg.high)
    below = isinstance(node, wraps.nonpos_wrap) & (arg.low <= 0.0) & (arg.low < arg.high)
    return replace(
        arg,
        low=np.where(above, np.maximum(arg.low, 0.0), arg.low),
        high=np.where(below, np.minimum(arg.high, 0.0), arg.high),
        monotone=("rising",),
        rule="an assertion about its argument",
    )


def fits(node: Any, i: int, affine_arg: Mask, same: Mask, opposite: Mask) -> bool:
    """The composition rule for one argument."""
    if affine_arg.all():
        return True
    return bool((same.all() and node.is_incr(i)) or (opposite.all() and node.is_decr(i)))


def describe_atom(node: Any) -> str:
    """An atom's own curvature in words."""
    name = type(node).__name__.removesuffix("Approx")
    convex, concave = trusted(node, "convex"), trusted(node, "concave")
    word = (
        "affine" if convex and concave else "convex" if convex else "concave" if concave else None
    )
    return f"{name} is {word or 'neither convex nor concave'}"
