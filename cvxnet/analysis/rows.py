"""What the table of atoms says about one atom, and the kinds of rows that repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis import algebra_rules, function_rules, loglog
from cvxnet.analysis import operations as ops
from cvxnet.analysis.facts import Facts, Rule
from cvxnet.analysis.tape import Batch, Node, bare, dense
from cvxnet.functions import catalogue
from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.functions.profile import Profile

AXIS = ("axis", "keepdims")
"""The options of atoms that reduce along axes."""


@dataclass(frozen=True, kw_only=True)
class Atom:
    """What the analysis knows about one kind of CVXPY's nodes.

    Attributes
    ----------
    evaluate : callable (node, values, arithmetic) or None
        The value from those of the arguments, all with a batch axis in front.
    profile : callable (node) or None
        For a function of one argument, entry by entry: its formula, where it is convex, rising,
        ...; all that follows need not be said. It returns None where an option is not known.
    rule : callable (node, facts about the arguments) or None
        Bounds and curvature, and what they would have needed.
    log_log : callable (node, log-log facts about the arguments) or None
        Curvature of the logarithm in the logarithms.
    moves : bool
        Whether entries are only moved or copied, so that whatever is known of them moves, too.
    kinks : callable (node, values) or None
        What changes sign where the function has a kink: where to look for counterexamples.
    difference : callable (facts about the arguments) or None
        Whether differences of convex functions are mapped to such a difference.
    positive : callable (node, whether the arguments are > 0, facts about them) or None
        Whether all entries are certainly > 0, beyond what bounds show.
    open : callable (node, number) or None
        Whether there is no value where CVXPY's condition of that number holds with equality.
    touches : bool
        Whether one point of that boundary has a value after all, as in ``0 log(0 / 0)``.
    options : tuple of str
        What the value depends on beside the arguments, as the node names it.
    describe : callable (node) or None
        What else the checker reads of it, in plain numbers, texts and lists.
    asserts : str
        What the node claims of its argument, whose value it has: "nonneg", "psd", ...
    name : str or callable (node)
        As users know it; the class's own name where empty.
    """

    evaluate: ops.Operation | None = None
    profile: Callable[[Node], Profile | None] | None = None
    rule: Rule | None = None
    log_log: loglog.LogLogRule | None = None
    moves: bool = False
    kinks: Callable[[Node, list[Batch]], Batch] | None = None
    difference: Callable[[list[Facts]], bool] | None = None
    positive: Callable[[Node, list[bool], list[Facts]], bool] | None = None
    open: Callable[[Node, int], bool] | None = None
    touches: bool = False
    options: tuple[str, ...] = ()
    describe: Callable[[Node], dict[str, Any]] | None = None
    asserts: str = ""
    name: str | Callable[[Node], str] = ""


def moving(evaluate: ops.Operation, **more: Any) -> Atom:
    """An atom that only moves entries."""
    return Atom(
        evaluate=evaluate,
        rule=partial(algebra_rules.move, evaluate),
        log_log=partial(loglog.move, evaluate),
        moves=True,
        difference=always,
        positive=where_all,
        **more,
    )


def entrywise(formula: Callable[..., Any], **more: Any) -> Atom:
    """A formula entry by entry that has no profile: of several arguments, for instance."""

    def evaluate(node: Node, values: list[Batch], K: Arithmetic) -> Any:
        return formula(*ops.aligned(node, values), K)

    return Atom(evaluate=evaluate, **more)


def asserting(what: str) -> Atom:
    """An assertion about its argument."""
    rule = partial(function_rules.keep, sign=what)
    return Atom(evaluate=ops.keep_wrapped, rule=rule, describe=of_unknowns, asserts=what)


def always(args: list[Facts]) -> bool:
    """Sums, maxima and piecewise-linear functions of differences are differences."""
    return True


def of_factors(args: list[Facts]) -> bool:
    """So are multiples, and products of two affine functions, which are quadratics."""
    return any(arg.constant for arg in args) or all(arg.affine.all() for arg in args)


def difference_of_two(node: Node, values: list[Batch]) -> Batch:
    """What changes sign where the larger of the first two arguments changes."""
    return values[0] - ops.align(values[1], values[0].shape[1:])


def around_kinks(positions: list[float], node: Node, values: list[Batch]) -> Batch:
    """What changes sign at each of the kinks of a function of one argument."""
    product = values[0] - positions[0]
    for position in positions[1:]:
        product = product * (values[0] - position)
    return product


def everywhere(node: Node, positive: list[bool], args: list[Facts]) -> bool:
    """Exponentials are > 0 wherever they have a value."""
    return True


def where_all(node: Node, positive: list[bool], args: list[Facts]) -> bool:
    """What is made of numbers > 0 by products, powers, sums, choices and moves is > 0."""
    return bool(positive) and all(positive)


def where_one(node: Node, positive: list[bool], args: list[Facts]) -> bool:
    """A maximum is > 0 where one argument is."""
    return any(positive)


def where_one_term(node: Node, positive: list[bool], args: list[Facts]) -> bool:
    """A sum is > 0 where one term is and none is below 0."""
    return any(positive) and all(arg.low.size and (arg.low >= 0.0).all() for arg in args)


def of_negative_leaf(node: Node, positive: list[bool], args: list[Facts]) -> bool:
    """The negative of a leaf that is declared to be < 0."""
    below = bare(node.args[0])
    return not below.args and not isinstance(below, cp.Constant) and bool(below.attributes["neg"])


def at_boundary(node: Node, number: int) -> bool:
    """A domain without its boundary."""
    return True


def at_second_boundary(node: Node, number: int) -> bool:
    """A relative entropy may have a first argument of 0, but no second one."""
    return number == 1


def at_zero(node: Node, number: int) -> bool:
    """A power has no value at 0 where its exponent is negative."""
    exponent = ops.exponent_of(node)
    return exponent is not None and exponent < 0


def name_of_maximum(node: Node) -> str:
    """The maximum with the constant 0 is a relu."""
    last = node.args[-1]
    zero = isinstance(last, cp.Constant) and not np.any(dense(last.value))
    return "relu" if zero else "maximum"


def name_of_power(node: Node) -> str:
    """Powers by their exponents."""
    exponent = ops.exponent_of(node)
    return "square" if exponent == 2 else f"power {exponent}"


def power_profile(node: Node) -> Profile | None:
    """The profile of a power whose exponent is known."""
    exponent = ops.exponent_of(node)
    return None if exponent in (None, 0, 1) else catalogue.power_profile(exponent)


def huber_profile(node: Node) -> Profile | None:
    """The profile of a Huber function whose edge is known."""
    return None if ops.has_free_option(node) else catalogue.huber_profile(ops.number_of(node.M))


def known(profile: Callable[[], Profile]) -> Callable[[Node], Profile]:
    """The profile of a function without options."""
    return lambda node: profile()


# What the checker reads of an atom beside numbers that have names.


def of_unknowns(node: Node) -> dict[str, Any]:
    """Whether an assertion is about values that are not given."""
    return {"of_unknowns": bool(node.variables() or node.parameters())}


def its_shape(node: Node) -> dict[str, Any]:
    """The shape, where the arguments do not say it."""
    return {"shape": list(node.shape)}


def shape_and_order(node: Node) -> dict[str, Any]:
    """The shape, and whether entries are counted by columns."""
    return {"shape": list(node.shape), "by_columns": node.order == "F"}


def which_diagonal(node: Node) -> dict[str, Any]:
    """The number of a diagonal."""
    return {"k": int(node.k)}


def written_key(node: Node) -> dict[str, Any]:
    """The key of an index as it was written: whole numbers, slices, None and "..."."""

    def item(part: Any) -> Any:
        if isinstance(part, slice):
            return [None if v is None else int(v) for v in (part.start, part.stop, part.step)]
        return "..." if part is Ellipsis else None if part is None else int(part)

    key = node._orig_key if isinstance(node._orig_key, tuple) else (node._orig_key,)
    return {"key": [item(part) for part in key]}


def chosen_places(node: Node) -> dict[str, Any]:
    """The places that an index chooses, which CVXPY counts by columns."""
    places = np.asarray(node._select_mat)
    return {"shape": list(places.shape), "places": [int(p) for p in places.ravel()]}


def all_weights(node: Node) -> dict[str, Any]:
    """The weights of a geometric mean; those of entries that take no part are zero."""
    kept = getattr(node, "_keep", np.ones(len(node.w), dtype=bool))  # older CVXPY drops entries
    weights = np.zeros(len(kept), dtype=object)
    weights[kept] = [Fraction(w) for w in node.w]
    return {"weights": {"shape": [len(weights)], "entries": [str(w) for w in weights]}}
