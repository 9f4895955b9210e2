"""What other disciplines make of it: log-log, quasiconvex, difference of convex, smooth."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.atoms import affine
from cvxpy.atoms.affine import binary_operators as binary

from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.loglog import log_log_curvature
from cvxnet.analysis.questions import Question
from cvxnet.analysis.rules import MOVES
from cvxnet.analysis.shapes import profile_of
from cvxnet.analysis.tape import Tape


@np.errstate(all="ignore")
def find_disciplines(question: Question) -> dict[str, str]:
    """One line for each discipline."""
    tape = question.tape()
    facts = derive_facts(question, tape)
    return {
        "log-log convex (DGP)": log_log_line(question, tape),
        "quasiconvex (DQCP)": quasi_line(facts[-1], tape),
        "difference of convex (DCCP)": difference_line(tape, facts),
        "smooth (DNLP)": smooth_line(tape),
    }


def log_log_line(question: Question, tape: Tape) -> str:
    """Log-log curvature on the positive orthant."""
    word, obstacle = log_log_curvature(question, tape)
    if word == "unknown":
        return f"not by the rules ({obstacle})"
    return f"log-log {word} where all unknowns, and free weights and inputs, are > 0"


def quasi_line(root: Facts, tape: Tape) -> str:
    """Quasi-convexity by our rules, and by CVXPY's own test."""
    ours = [
        word
        for word, mask in (("quasiconvex", root.quasiconvex), ("quasiconcave", root.quasiconcave))
        if mask.all()
    ]
    node = tape.nodes[-1]
    theirs = len(tape.nodes) < 400 and (node.is_quasiconvex() or node.is_quasiconcave())
    agreed = "CVXPY accepts it" if theirs else "CVXPY's DQCP rules do not accept it"
    return f"{' and '.join(ours)}; {agreed}" if ours else f"not by the rules; {agreed}"


PIECEWISE = (cp.maximum, cp.minimum, cp.abs, cp.max, cp.min, cp.norm1, cp.norm_inf, cp.sum_largest)
SUMS = (*MOVES, affine.add_expr.AddExpression, affine.sum.Sum, affine.unary_operators.NegExpression)


def difference_line(tape: Tape, facts: list[Facts]) -> str:
    """Whether it is a difference of convex functions by construction."""
    known: list[bool] = []
    for place, (node, fact) in enumerate(zip(tape.nodes, facts, strict=True)):
        known.append(
            is_difference(
                node,
                fact,
                [facts[k] for k in tape.inputs[place]],
                [known[k] for k in tape.inputs[place]],
            )
        )
    return f"yes; {ask_dccp(tape.nodes[-1])}" if known[-1] else "not by the rules"


def ask_dccp(expression: Any) -> str:
    """What the package dccp says, where it is installed."""
    try:
        import dccp
    except ImportError:
        return "the package dccp (not installed) looks for stationary points"
    if dccp.is_dccp(cp.Problem(cp.Minimize(cp.sum(expression)))):
        return "the package dccp accepts it as it is"
    return "the package dccp accepts it with each convex part as a variable: u == f, minimize u - v"


def is_difference(node: Any, fact: Facts, args: list[Facts], known: list[bool]) -> bool:
    """Sums, multiples, maxima and piecewise-linear functions of differences are differences.

    So are products of two affine functions (quadratics), and smooth functions with a bounded
    second derivative of affine ones.
    """
    if fact.known.all():
        return True
    if not all(known):
        return False
    if isinstance(node, (*SUMS, *PIECEWISE)):
        return True
    if isinstance(node, binary.multiply | binary.MulExpression | binary.DivExpression):
        return any(a.constant for a in args) or all(a.affine.all() for a in args)
    profile = profile_of(node) if len(args) == 1 else None
    if profile is None:
        return False
    bounded = profile.name in ("sigmoid", "tanh", "silu", "gelu", "elu", "normcdf")
    return profile.kinks is not None or (bounded and bool(args[0].affine.all()))


def smooth_line(tape: Tape) -> str:
    """CVXPY's own nonlinear-programming discipline."""
    for node in tape.nodes:  # in order, so that CVXPY's recursion is never deep
        if node.args:
            node.is_smooth(), node.is_linearizable_convex(), node.is_linearizable_concave()
    root = tape.nodes[-1]
    if root.is_smooth():
        return "yes: smooth, a local solver applies"
    if root.is_linearizable_convex():
        return "yes: smooth apart from convex kinks in the right places"
    return "no: it has kinks where DNLP does not allow them"
