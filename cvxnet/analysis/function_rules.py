"""Rules of functions: the maximum, compositions with a known profile, and CVXPY's other atoms."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.facts import (
    Facts,
    Mask,
    Need,
    interval_sum,
    make_facts,
    negated,
    spread,
)
from cvxnet.analysis.quadratics import definiteness
from cvxnet.analysis.tape import Node
from cvxnet.functions.profile import Profile, inside
from cvxnet.types import Array


def take_maximum(node: Node, args: list[Facts]) -> Facts:
    """The maximum of convex functions is convex; an argument that always wins is the maximum."""
    low, high = spread(args, "low", node), spread(args, "high", node)
    others = [[j for j in range(len(args)) if j != i] for i in range(len(args))]
    wins = np.array([np.all(low[i] >= high[js], axis=0) for i, js in enumerate(others)])
    loses = np.array([np.any(high[i] <= low[js], axis=0) for i, js in enumerate(others)]) & ~wins

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


def take_minimum(node: Node, args: list[Facts]) -> Facts:
    """``min(f, g) = -max(-f, -g)``."""
    facts = negated(take_maximum(node, [negated(arg) for arg in args]))
    return replace(facts, rule="the minimum of concave functions is concave")


def subtract_from_one(node: Node, args: list[Facts]) -> Facts:
    """``1 - f``."""
    low, high = args[0].low, args[0].high
    one = np.ones(node.shape)
    low, high = interval_sum(np.array([one, -high]), np.array([one, -low]), 0)
    facts = replace(negated(args[0]), low=low, high=high, monotone=("falling",))
    return replace(facts, rule="the negative swaps the two")


def softmax(node: Node, args: list[Facts]) -> Facts:
    """Each entry lies in [0, 1], log-concave in the scores; of one column it is 1."""
    facts = compare_columns(node, 1.0 if node.shape[-1] == 1 else 0.0, 1.0)
    return replace(facts, quasiconcave=facts.quasiconcave | args[0].affine.all())


def standardize(node: Node, args: list[Facts]) -> Facts:
    """Each entry is at most the root of the width; of one column it is 0."""
    width = node.shape[-1]
    largest = 0.0 if width == 1 else 1.001 * width**0.5  # with room for rounding
    return compare_columns(node, -largest, largest)


def compare_columns(node: Node, low: float, high: float) -> Facts:
    """An atom between bounds, with no curvature but where those are equal."""
    bounds, nothing = np.full(node.shape, low), np.zeros(node.shape, dtype=bool)
    return make_facts(
        bounds,
        np.full(node.shape, high),
        nothing,
        nothing,
        monotone=("none",),
        rule=describe_atom(node, convex=False, concave=False),
    )


def compose(node: Node, args: list[Facts], profile: Profile) -> Facts:
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
    whole = arg.quasiconcave | (arg.low > profile.domain[0] if is_open(profile) else within)
    quasi = (
        bent[0] | whole & (rising & arg.quasiconvex | falling & arg.quasiconcave),
        bent[1] | whole & (rising & arg.quasiconcave | falling & arg.quasiconvex),
    )
    ways = "rising" if on["rising"].all() else "falling" if on["falling"].all() else "none"
    text = describe_composition(profile, arg, on)
    return make_facts(
        low,
        high,
        convex,
        concave,
        quasi=quasi,
        where=whole,
        monotone=(ways,),
        rule=text,
        need=need_of_composition(profile, arg, on, text),
    )


def is_open(profile: Profile) -> bool:
    """Whether there is no value at the lower end of the domain."""
    low = profile.domain[0]
    return bool(np.isfinite(low) and not np.isfinite(profile.function(np.asarray(low))))


def need_of_composition(profile: Profile, arg: Facts, on: dict[str, Mask], text: str) -> Need:
    """A function of one curvature on that range needs an argument that suits it."""
    if arg.affine.all():
        remedy = f"an argument on which {profile.name} has one curvature, or another activation"
        return Need(rule=text, needs=remedy)
    if on["convex"].all() or on["concave"].all():
        sign = ">= 0" if arg.convex.all() else "<= 0"
        remedy = (
            f"an argument that is affine, or known to be {sign}, or an outer function that is "
            "monotone the right way"
        )
    else:
        remedy = "another activation, or an affine argument"
    return Need(rule=f"{text}, and its argument is {bends(arg)}", needs=remedy)


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


def by_cvxpy(node: Node, args: list[Facts], doubted: Collection[str] = ()) -> Facts:
    """Any other atom: CVXPY's own curvature and monotonicity, with our facts on the arguments.

    Parameters
    ----------
    doubted : collection of str
        What of CVXPY's word is not believed: "sign", "convex", "concave" or "quasi".
    """
    standing = standing_in(node, args)
    convex = "convex" not in doubted and bool(standing.is_atom_convex())
    concave = "concave" not in doubted and bool(standing.is_atom_concave())
    return with_curvature(standing, args, (convex, concave), doubted)


def largest_eigenvalue(node: Node, args: list[Facts]) -> Facts:
    """``lambda_max``: the maximum of ``z' X z`` over unit vectors, e_1, e_2, ... among them."""
    facts = by_cvxpy(node, args)
    diagonal = np.diagonal(np.reshape(args[0].low, node.args[0].shape))
    return replace(facts, low=np.maximum(facts.low, diagonal.max()))


def quadratic_form(
    constant_matrix: Callable[[Node], Any],
    asserting: tuple[type, type],
    node: Node,
    args: list[Facts],
) -> Facts:
    """``x' P x``: what CVXPY rounds or is told about the definiteness of P is computed.

    Asserted to be positive or negative semidefinite (by those wraps) P may miss by its rounding;
    `premises` says so.
    """
    standing = standing_in(node, args)
    P = standing.args[1]
    matrix = constant_matrix(P)
    up, down = definiteness(matrix, 1), definiteness(matrix, -1)
    if matrix is None:
        signs = bool(standing.is_atom_convex()), bool(standing.is_atom_concave())
    else:
        signs = (
            up.exact or (up.rounded and isinstance(P, asserting[0])),
            down.exact or (down.rounded and isinstance(P, asserting[1])),
        )
    facts = with_curvature(standing, args, signs, ("sign", "quasi"))
    low, high = (0.0 if up.exact else facts.low), (0.0 if down.exact else facts.high)
    facts = replace(facts, low=np.asarray(low), high=np.asarray(high))
    if facts.known.all() or not args[0].affine.all():
        return facts
    return replace(facts, need=need_of_matrix(facts.rule, up.eigenvalue, down.eigenvalue))


def need_of_matrix(rule: str, lowest: float | None, highest: float | None) -> Need:
    """A quadratic form needs a definite matrix: what its extreme eigenvalues are."""
    needs = "a matrix that is positive semidefinite"
    if lowest is None or highest is None:
        return Need(rule=f"{rule}, its matrix is not known", needs=needs)
    entry = f"its matrix has eigenvalues from {lowest:.2g} to {highest:.2g}"
    return Need(rule=f"{rule}; {entry}", needs=needs, entry=entry)


def with_curvature(
    node: Node, args: list[Facts], signs: tuple[bool, bool], doubted: Collection[str]
) -> Facts:
    """An atom that is convex, concave or both, by the composition rule for every argument."""
    convex, concave = signs
    low, high = open_bounds(node) if "sign" in doubted else sign_bounds(node)
    everywhere, quasi = np.ones(node.shape, dtype=bool), None
    if "quasi" not in doubted and all(arg.affine.all() for arg in args):
        quasi = everywhere & node.is_atom_quasiconvex(), everywhere & node.is_atom_quasiconcave()
    return make_facts(
        low,
        high,
        everywhere & (convex and fits(node, args, "convex", "concave")),
        everywhere & (concave and fits(node, args, "concave", "convex")),
        quasi=quasi,
        monotone=tuple(way_of(node, i) for i in range(len(args))),
        rule=describe_atom(node, convex, concave),
    )


def fits(node: Node, args: list[Facts], same: str, opposite: str) -> bool:
    """The composition rule: each argument is affine, or bends as the rising or falling atom needs.

    ``same`` is the atom's own curvature.
    """
    masks = [(getattr(arg, same).all(), getattr(arg, opposite).all()) for arg in args]
    return all(
        (along and against) or (along and node.is_incr(i)) or (against and node.is_decr(i))
        for i, (along, against) in enumerate(masks)
    )


def way_of(node: Node, i: int) -> str:
    """How an atom depends on one of its arguments, by CVXPY's word."""
    return "rising" if node.is_incr(i) else "falling" if node.is_decr(i) else "none"


def describe_atom(node: Node, convex: bool, concave: bool) -> str:
    """An atom's own curvature in words."""
    name = type(node).__name__.removesuffix("Approx")
    word = (
        "affine" if convex and concave else "convex" if convex else "concave" if concave else None
    )
    return f"{name} is {word or 'neither convex nor concave'}"


def standing_in(node: Node, args: list[Facts]) -> Any:
    """The atom on variables whose signs are proved, where CVXPY believes more of its arguments.

    What CVXPY says of signs and monotonicity rests on the signs of the arguments, and some of
    those are wrong far below: its ``one_minus_pos(x)`` is never negative.
    """
    inner = [stand_in(arg, fact) for arg, fact in zip(node.args, args, strict=True)]
    same = all(new is arg for new, arg in zip(inner, node.args, strict=True))
    return node if same else node.copy(inner)


def stand_in(arg: Any, fact: Facts) -> Any:
    """The argument, or a variable of its shape with no more sign than is proved."""
    above, below = bool((fact.low >= 0.0).all()), bool((fact.high <= 0.0).all())
    if arg.is_nonneg() <= above and arg.is_nonpos() <= below:
        return arg
    return cp.Variable(arg.shape, nonneg=above, nonpos=below and not above)


def open_bounds(node: Node) -> tuple[Array, Array]:
    """No bounds."""
    return np.full(node.shape, -np.inf), np.full(node.shape, np.inf)


def cvxpy_bounds(node: Node, args: list[Facts]) -> tuple[Array, Array]:
    """Bounds from the sign that CVXPY sees for proved signs of the arguments."""
    return sign_bounds(standing_in(node, args))


def sign_bounds(node: Node) -> tuple[Array, Array]:
    """Bounds from the sign that CVXPY sees."""
    low, high = open_bounds(node)
    if node.is_nonneg():
        low = np.zeros(node.shape)
    if node.is_nonpos():
        high = np.zeros(node.shape)
    return low, high


def keep(node: Node, args: list[Facts], sign: str = "") -> Facts:
    """An assertion changes nothing but the sign, where the argument leaves it open."""
    arg = args[0]
    open_ended = arg.low < arg.high
    above = open_ended & (arg.high >= 0.0) & (sign == "nonneg")
    below = open_ended & (arg.low <= 0.0) & (sign == "nonpos")
    return replace(
        arg,
        low=np.where(above, np.maximum(arg.low, 0.0), arg.low),
        high=np.where(below, np.minimum(arg.high, 0.0), arg.high),
        monotone=("rising",),
        rule="an assertion about its argument",
        need=None,
    )


def general_need(facts: Facts, args: list[Facts]) -> Need:
    """What an atom of one curvature needs: arguments that suit it."""
    for i, arg in enumerate(args):
        if not arg.affine.all():
            way = facts.monotone[i] if i < len(facts.monotone) else "none"
            how = "not monotone" if way == "none" else way
            return Need(
                rule=f"{facts.rule}; argument {i + 1} is {bends(arg)}, and it is {how} there",
                needs="an affine argument, or one whose known sign makes it monotone",
            )
    return Need(rule=facts.rule, needs="an atom with a curvature")


def bends(arg: Facts) -> str:
    """How an argument that is not affine bends, in words."""
    word = arg.curvature()
    return "convex in some entries and concave in others" if word == "mixed" else word
