"""Log-log curvature: ``log f(exp u)`` convex or concave in u, on the positive orthant.

CVXPY's DGP rules reject every ReLU network, because the constant 0 in ``max(z, 0)`` has no
logarithm. Where z > 0 the ReLU never clips, so this module knows more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.atoms import affine
from cvxpy.atoms.affine import binary_operators as binary

from cvxnet.analysis.derivation import step_name
from cvxnet.analysis.operations import evaluate, exponent_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.rules import MOVES
from cvxnet.analysis.shapes import profile_of
from cvxnet.analysis.tape import Tape, dense
from cvxnet.functions.arithmetic import FLOATS

IDENTITY_ABOVE_ZERO = ("relu", "leaky_relu", "elu", "abs")
CONVEX_ABOVE_ZERO = ("exp", "softplus")


@dataclass(frozen=True)
class LogLog:
    """Entrywise: zero, positive (else nothing is known), log-log convex, log-log concave."""

    zero: Any
    positive: Any
    convex: Any
    concave: Any

    @property
    def usable(self) -> bool:
        """Whether every entry is positive or zero."""
        return bool((self.zero | self.positive).all())


def log_log_curvature(question: Question, tape: Tape) -> tuple[str, str]:
    """(affine, convex, concave or unknown; the node where the rules stop)."""
    facts: list[LogLog] = []
    for place, node in enumerate(tape.nodes):
        arguments = [facts[k] for k in tape.inputs[place]]
        fact = leaf(node, question) if not node.args else derive(node, arguments)
        facts.append(fact)
        if (
            not fact.usable
            and place < len(tape.nodes) - 1
            and node.args
            and all(a.usable for a in arguments)
        ):
            return "unknown", f"{step_name(node, question)} need not be positive"
    root = facts[-1]
    if not root.positive.all():
        return "unknown", "it need not be positive"
    convex, concave = root.convex.all(), root.concave.all()
    if convex or concave:
        return ("affine" if convex and concave else "convex" if convex else "concave"), ""
    return "unknown", "no log-log rule applies"


def leaf(node: Any, question: Question) -> LogLog:
    """Unknowns and free values are taken positive; labels are not; constants are what they are."""
    yes, no = np.ones(node.shape, dtype=bool), np.zeros(node.shape, dtype=bool)
    if node.is_complex():
        return LogLog(no, no, no, no)
    if isinstance(node, cp.Constant):
        value = dense(node.value)
        return LogLog(value == 0.0, value > 0.0, yes, yes)
    if id(node) in question.labels or node.is_nonpos():
        return LogLog(no, no, no, no)
    return LogLog(no, yes, yes, yes)


def nothing(node: Any) -> LogLog:
    """No claim at all."""
    no = np.zeros(node.shape, dtype=bool)
    return LogLog(no, no, no, no)


def derive(node: Any, args: list[LogLog]) -> LogLog:
    """The log-log facts about a node."""
    if isinstance(node, MOVES):
        return moved(node, args)
    if not all(a.usable for a in args):
        return nothing(node)
    if isinstance(node, affine.add_expr.AddExpression):
        return added(node, [broadcast(a, node.shape) for a in args])
    if isinstance(node, affine.sum.Sum):
        return summed(node, args[0])
    if isinstance(node, binary.multiply):
        left, right = (broadcast(a, node.shape) for a in args)
        return multiplied(left, right)
    if isinstance(node, binary.MulExpression):
        return matrix_product(node, *args)
    if isinstance(node, binary.DivExpression) and args[1].positive.all():
        left, right = (broadcast(a, node.shape) for a in args)
        return multiplied(left, inverse(right))
    if isinstance(node, cp.maximum):
        parts = [broadcast(a, node.shape) for a in args]
        return maximum(parts)
    return scalar(node, args)


def scalar(node: Any, args: list[LogLog]) -> LogLog:
    """Powers, exponentials and activations on positive arguments."""
    profile = profile_of(node) if len(args) == 1 else None
    if profile is None:
        if isinstance(node, cp.quad_over_lin) and args[1].positive.all() and node.axis is None:
            # Squares keep log-log convexity, and so do their sums.
            return multiplied(summed(node, args[0]), inverse(args[1]))
        return nothing(node)
    arg = args[0]
    if profile.name in IDENTITY_ABOVE_ZERO:
        return arg
    no = np.zeros(node.shape, dtype=bool)
    if profile.name in CONVEX_ABOVE_ZERO:
        return LogLog(no, ~no, arg.convex | arg.zero, no)
    exponent = exponent_of(node) if hasattr(node, "p") else None
    if exponent is not None and exponent > 0:
        return arg
    if exponent is not None and arg.positive.all():
        return LogLog(arg.zero, arg.positive, arg.concave, arg.convex)
    return nothing(node)


FIELDS = ("zero", "positive", "convex", "concave")


def moved(node: Any, args: list[LogLog]) -> LogLog:
    """Entries that are only moved."""
    batches = [np.array([getattr(a, f) for f in FIELDS], dtype=float) for a in args]
    return LogLog(*(mask > 0.5 for mask in evaluate(node, batches, FLOATS)))


def broadcast(fact: LogLog, shape: tuple[int, ...]) -> LogLog:
    """The facts with a larger shape."""
    return LogLog(*(np.broadcast_to(getattr(fact, f), shape) for f in FIELDS))


def stacked(parts: list[LogLog]) -> tuple[Any, Any, Any, Any]:
    """All four fields with the parts along a new first axis."""
    zero, positive, convex, concave = (np.array([getattr(p, f) for p in parts]) for f in FIELDS)
    return zero, positive, convex, concave


def added(node: Any, parts: list[LogLog]) -> LogLog:
    """A sum of log-log convex terms is log-log convex; concave only where one term is left."""
    zero, positive, convex, concave = stacked(parts)
    alone = (~zero).sum(0) == 1
    return LogLog(
        zero.all(0), positive.any(0), (convex | zero).all(0), alone & (concave | zero).all(0)
    )


def summed(node: Any, arg: LogLog) -> LogLog:
    """The same for a sum over entries."""
    if node.get_data() and node.get_data()[0] is not None:
        axis = node.get_data()[0]
        reduce: Any = lambda m, f: f(m, axis=axis).reshape(node.shape)  # noqa: E731
    else:
        reduce = lambda m, f: np.asarray(f(m)).reshape(node.shape)  # noqa: E731
    alone = reduce(~arg.zero, np.sum) == 1
    return LogLog(
        reduce(arg.zero, np.all),
        reduce(arg.positive, np.any),
        reduce(arg.convex | arg.zero, np.all),
        alone & reduce(arg.concave | arg.zero, np.all),
    )


def multiplied(left: LogLog, right: LogLog) -> LogLog:
    """Logarithms add under products."""
    return LogLog(
        left.zero | right.zero,
        left.positive & right.positive,
        left.convex & right.convex,
        left.concave & right.concave,
    )


def inverse(fact: LogLog) -> LogLog:
    """The logarithm of ``1 / f`` is minus that of f."""
    return LogLog(fact.zero, fact.positive, fact.concave, fact.convex)


def matrix_product(node: Any, left: LogLog, right: LogLog) -> LogLog:
    """A sum of products."""
    if not left.zero.shape or not right.zero.shape:
        return multiplied(broadcast(left, node.shape), broadcast(right, node.shape))
    count: Any = lambda a, b: (a.astype(float) @ b.astype(float)).reshape(node.shape)  # noqa: E731
    terms = count(left.positive, right.positive)
    bad_convex = count(~left.convex & left.positive, right.positive) + count(
        left.positive, ~right.convex & right.positive
    )
    bad_concave = count(~left.concave & left.positive, right.positive) + count(
        left.positive, ~right.concave & right.positive
    )
    return LogLog(terms < 0.5, terms > 0.5, bad_convex < 0.5, (terms < 1.5) & (bad_concave < 0.5))


def maximum(parts: list[LogLog]) -> LogLog:
    """The maximum of log-log convex functions is log-log convex; zeros never win."""
    zero, positive, convex, concave = stacked(parts)
    alone = (~zero).sum(0) == 1
    return LogLog(
        zero.all(0), positive.any(0), (convex | zero).all(0), alone & (concave | zero).all(0)
    )
