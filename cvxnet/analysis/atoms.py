"""All atoms that the analysis knows, one row each.

No other file than this one and `cvxnet.analysis.algebra_atoms` names CVXPY's own files.
To add one, add a row. What a row leaves out is left to CVXPY: its numbers (in floats only), its
curvature and monotonicity by its own word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy import logic
from cvxpy.atoms.affine import wraps
from cvxpy.atoms.affine.binary_operators import MulExpression
from cvxpy.atoms.elementwise.elementwise import Elementwise
from cvxpy.atoms.elementwise.power import Power, PowerApprox
from cvxpy.atoms.geo_mean import GeoMean, GeoMeanApprox
from cvxpy.atoms.perspective import perspective
from cvxpy.atoms.pnorm import Pnorm, PnormApprox
from cvxpy.atoms.quantum_rel_entr import quantum_rel_entr

from cvxnet.analysis import algebra_rules as algebra
from cvxnet.analysis import function_rules as rules
from cvxnet.analysis import loglog
from cvxnet.analysis import operations as ops
from cvxnet.analysis.algebra_atoms import ALGEBRA
from cvxnet.analysis.facts import Facts, constant_facts
from cvxnet.analysis.rows import (
    AXIS,
    Atom,
    all_weights,
    always,
    around_kinks,
    at_boundary,
    at_second_boundary,
    at_zero,
    difference_of_two,
    entrywise,
    everywhere,
    huber_profile,
    known,
    name_of_maximum,
    name_of_power,
    power_profile,
    where_all,
    where_one,
)
from cvxnet.analysis.tape import Batch, Node, Tape, dense
from cvxnet.functions import catalogue
from cvxnet.functions import formulas as f
from cvxnet.functions.arithmetic import FLOATS, RATIONALS, Arithmetic, Undecided
from cvxnet.functions.profile import Profile
from cvxnet.layers import atoms as own

Values = Mapping[int, Any]
POWERS, PERSPECTIVES = (Power, PowerApprox), (perspective,)
NUMERIC_WORK = 20_000
"""Operations in the time of one call of an atom that only CVXPY knows."""


def constant_matrix(node: Node) -> Any:
    """The value of a constant expression in rationals; None where it is unknown.

    Constants are computed from their parts without rounding where that is possible, so that
    ``A.T @ A`` is semidefinite whatever its rounded entries say.
    """
    inner = unwrapped(node)
    tape = Tape([inner])
    if tape.leaves() or inner.is_complex() or inner.size == 0:
        return None
    try:
        return values_of(tape, {}, RATIONALS)[-1][0]
    except (Undecided, ZeroDivisionError):
        rounded = dense(inner.value)
        return RATIONALS.number(rounded) if np.isfinite(rounded).all() else None


def unwrapped(node: Node) -> Any:
    """The expression below assertions."""
    while atom_of(node).asserts:
        node = node.args[0]
    return node


def raise_to_power(node: Node, args: list[Facts]) -> Facts:
    """By the profile; CVXPY judges an exponent that is a parameter by the value it has just now."""
    profile = power_profile(node)
    if profile is not None:
        return rules.compose(node, args, profile)
    doubted = ("sign", "convex", "concave", "quasi") if ops.has_free_option(node) else ()
    return rules.by_cvxpy(node, args, doubted)


POWER = Atom(
    evaluate=ops.power,
    rule=raise_to_power,
    profile=power_profile,
    log_log=loglog.power,
    positive=where_all,
    open=at_zero,
    options=("p",),
    name=name_of_power,
)
PNORM = Atom(evaluate=ops.pnorm, options=("p", *AXIS), name="norm")
GEO_MEAN = Atom(  # of one number it is affine, but for numbers >= 0 only
    rule=partial(rules.by_cvxpy, doubted=("convex",)),
    options=AXIS,
    describe=all_weights,
    name="geo_mean",
)
LARGEST = Atom(difference=always, positive=where_all, options=AXIS)
MAXIMUM = Atom(  # also of values in [0, 1], where booleans are relaxed
    evaluate=ops.take_maximum,
    rule=rules.take_maximum,
    log_log=loglog.join,
    kinks=difference_of_two,
    difference=always,
    positive=where_one,
)
MINIMUM = Atom(
    evaluate=ops.take_minimum,
    rule=rules.take_minimum,
    kinks=difference_of_two,
    difference=always,
    positive=where_all,
)
ONE_MINUS = entrywise(f.one_minus, rule=rules.subtract_from_one)

ATOMS: dict[type, Atom] = {
    **ALGEBRA,
    # quadratics
    cp.quad_over_lin: Atom(
        evaluate=ops.quad_over_lin,
        rule=algebra.square_and_divide,
        log_log=loglog.square_and_divide,
        positive=where_all,
        open=at_boundary,
        touches=True,
        options=AXIS,
        name="sum of squares",
    ),
    cp.QuadForm: Atom(
        evaluate=ops.quad_form,
        rule=partial(rules.quadratic_form, constant_matrix, (wraps.psd_wrap, wraps.nsd_wrap)),
    ),
    cp.Prod: Atom(evaluate=ops.multiply_all, positive=where_all, options=AXIS),
    # the largest, norms, rows
    cp.maximum: replace(MAXIMUM, name=name_of_maximum),
    cp.minimum: MINIMUM,
    logic.Or: replace(MAXIMUM, kinks=None, difference=None),
    logic.And: replace(MINIMUM, kinks=None, difference=None),
    cp.max: replace(LARGEST, evaluate=ops.find_maximum),
    cp.min: replace(LARGEST, evaluate=ops.find_minimum),
    cp.sum_largest: Atom(evaluate=ops.sum_largest, difference=always, options=("k", *AXIS)),
    cp.norm1: replace(LARGEST, evaluate=ops.norm1),
    cp.norm_inf: replace(LARGEST, evaluate=ops.norm_inf),
    Pnorm: PNORM,
    PnormApprox: PNORM,
    GeoMean: GEO_MEAN,
    GeoMeanApprox: GEO_MEAN,
    cp.log_sum_exp: Atom(evaluate=ops.log_sum_exp, options=AXIS),
    own.softmax: Atom(evaluate=ops.softmax, rule=rules.softmax),
    own.standardize: Atom(evaluate=ops.standardize, rule=rules.standardize, options=("eps",)),
    # what CVXPY says of its own is not all believed: a sign that rests on a spectral radius, a
    # sign of zero that is -1, |x - a| <= |x - b|, which holds in some places only, and an
    # "exclusive or" that is affine between 0 and 1
    cp.eye_minus_inv: Atom(rule=partial(rules.by_cvxpy, doubted=("sign",))),
    cp.sign: Atom(rule=partial(rules.by_cvxpy, doubted=("sign",))),
    cp.dist_ratio: Atom(rule=partial(rules.by_cvxpy, doubted=("quasi",))),
    logic.Xor: Atom(rule=partial(rules.by_cvxpy, doubted=("convex", "concave", "quasi"))),
    # what else has options that a counterexample has to name
    cp.lambda_max: Atom(rule=rules.largest_eigenvalue),
    cp.lambda_sum_largest: Atom(options=("k",)),
    cp.cumprod: Atom(options=("axis",)),
    cp.cummax: Atom(options=("axis",)),
    cp.gmatmul: Atom(options=("A",)),
    # what has no value on the boundary of its domain
    cp.log_det: Atom(open=at_boundary),
    cp.tr_inv: Atom(open=at_boundary),
    cp.MatrixFrac: Atom(open=at_boundary),
    cp.condition_number: Atom(open=at_boundary),
    cp.gen_lambda_max: Atom(open=at_boundary),
    cp.nlp.tan: Atom(open=at_boundary),
    cp.nlp.atanh: Atom(open=at_boundary),
    quantum_rel_entr: Atom(open=at_second_boundary),
    # functions entry by entry
    Power: POWER,
    PowerApprox: POWER,
    cp.abs: Atom(profile=known(catalogue.abs_profile)),
    cp.huber: Atom(profile=huber_profile, options=("M",)),
    cp.exp: Atom(profile=known(catalogue.exp_profile), positive=everywhere),
    cp.log: Atom(profile=known(catalogue.log_profile), open=at_boundary),
    cp.log1p: Atom(profile=known(catalogue.log1p_profile), open=at_boundary),
    cp.logistic: Atom(
        profile=known(catalogue.softplus_profile), positive=everywhere, name="softplus"
    ),
    cp.entr: Atom(profile=known(catalogue.entropy_profile)),
    cp.nlp.tanh: Atom(profile=known(catalogue.tanh_profile)),
    cp.nlp.normcdf: Atom(profile=known(catalogue.normal_profile)),
    cp.rel_entr: entrywise(f.relative_entropy, open=at_second_boundary, touches=True),
    cp.kl_div: entrywise(f.divergence, open=at_second_boundary, touches=True),
    cp.xexp: entrywise(f.xexp),
    cp.one_minus_pos: ONE_MINUS,
    logic.Not: ONE_MINUS,
}
OWN = Atom(profile=attrgetter("profile"))
"""Our scalar functions, which carry their profile."""
UNKNOWN = Atom()


def atom_of(node: Node) -> Atom:
    """The row of a node; empty for atoms that only CVXPY knows."""
    row = ATOMS.get(type(node))
    if row is None:
        return OWN if isinstance(node, own.ScalarAtom) else UNKNOWN
    return row


def options_of(node: Node) -> tuple[str, ...]:
    """What the value depends on beside the arguments, as the node names it."""
    return node.options if isinstance(node, own.ScalarAtom) else atom_of(node).options


def profile_of(node: Node) -> Profile | None:
    """The profile of a function of one argument, entry by entry, or None."""
    profile = atom_of(node).profile
    return None if profile is None else profile(node)


def atom_name(node: Node) -> str:
    """An atom as users know it."""
    name = atom_of(node).name
    return name(node) if callable(name) else name or type(node).__name__.removesuffix("Approx")


def derive(node: Node, args: list[Facts]) -> Facts:
    """The facts about a node that is not a leaf."""
    rule, profile = atom_of(node).rule, profile_of(node)
    if rule is not None:
        facts = rule(node, args)
    elif profile is not None:
        facts = rules.compose(node, args, profile)
    else:
        facts = rules.by_cvxpy(node, args)
    if all(arg.constant for arg in args):
        text = "it depends on none of the unknowns"
        return replace(constant_facts(facts.low, facts.high, text), monotone=facts.monotone)
    if facts.need is None and not facts.known.all():
        return replace(facts, need=rules.general_need(facts, args))
    return facts


def derive_log_log(node: Node, args: list[loglog.LogLog]) -> loglog.LogLog:
    """The log-log facts about a node that is not a leaf."""
    row, profile = atom_of(node), profile_of(node)
    by_profile = None if profile is None else loglog.BY_PROFILE.get(profile.log_log)
    rule = row.log_log or by_profile
    if rule is None or not (row.moves or all(arg.usable for arg in args)):
        return loglog.nothing(node)
    return rule(node, args)


def keeps_differences(node: Node, args: list[Facts]) -> bool:
    """Whether a difference of convex functions is made of such differences.

    Piecewise-linear functions do that, and smooth functions with a bounded second derivative of
    affine ones.
    """
    row, profile = atom_of(node), profile_of(node)
    if row.difference is not None or profile is None:
        return row.difference is not None and row.difference(args)
    return profile.kinks is not None or (profile.bounded_curvature and bool(args[0].affine.all()))


def kinks_of(node: Node) -> Callable[[Node, list[Batch]], Batch] | None:
    """What changes sign where the node has a kink; None where it has none."""
    row, profile = atom_of(node), profile_of(node)
    if row.kinks is not None or profile is None or profile.kinks is None:
        return row.kinks
    return partial(around_kinks, [position for position, _ in profile.kinks])


def values_of(tape: Tape, points: Values, K: Arithmetic = FLOATS) -> list[Any]:
    """The values of all nodes of a tape at a batch of points, in the arithmetic K."""
    return tape.evaluate(at_points(points, K), lambda node, values: evaluate(node, values, K))


def at_points(points: Values, K: Arithmetic) -> Callable[[Node], Any]:
    """The values of leaves.

    Parameters
    ----------
    points : mapping of id(leaf) to array
        Values with the batch axis in front; constants have their own unless it names them.
    K : arithmetic
        In which to calculate.
    """

    def leaf(node: Node) -> Any:
        if id(node) in points:
            return points[id(node)]
        if isinstance(node, cp.Constant):
            return K.number(dense(node.value))[None]
        raise Undecided("a weight or datum without a value")

    return leaf


def evaluate(node: Node, values: list[Batch], K: Arithmetic) -> Any:
    """The value of one node, by its formula; other atoms by CVXPY, in floats only."""
    formula = atom_of(node).evaluate
    if formula is not None and not ops.has_free_option(node):
        return formula(node, values, K)
    profile = profile_of(node)
    if profile is not None:
        return profile.formula(ops.aligned(node, values)[0], K)
    if K.exact:
        raise Undecided(f"{type(node).__name__} has no exact evaluation")
    if isinstance(node, Elementwise):
        numbers = ops.by_cvxpy(node, ops.aligned(node, values))
        return np.asarray(numbers, dtype=np.float64)
    return ops.point_by_point(node, values)


def work_of(node: Node) -> int:
    """About how many operations one evaluation of a node takes."""
    if node.args and atom_of(node).evaluate is None and not isinstance(node, Elementwise):
        sizes = [getattr(arg, "size", 1) for arg in node.args]  # a problem is an argument, too
        return NUMERIC_WORK * (1 + int(node.size + max(sizes)) // 50)
    inner = node.args[0].shape[-1:] if type(node) is MulExpression else ()
    return int(node.size) * max(1, *inner, len(node.args))
