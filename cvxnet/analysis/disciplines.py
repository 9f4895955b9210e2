"""What other disciplines make of it: log-log, quasiconvex, difference of convex, smooth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.atoms import derive_log_log, keeps_differences
from cvxnet.analysis.derivation import derive_facts, step_name
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.loglog import LogLog, nothing
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Node, Tape, dense
from cvxnet.optional import import_dccp


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


# Of a whole problem


@np.errstate(all="ignore")
def problem_disciplines(
    problem: cp.Problem, objective: Question, holds: Mapping[str, bool]
) -> dict[str, str]:
    """One line for each discipline, about the objective and all constraints.

    Parameters
    ----------
    problem : CVXPY problem
    objective : Question
        About its objective, as it is minimised.
    holds : mapping of str to bool
        Whether each part is proved to be convex, by its label; the objective comes first.
    """
    labels = [*holds]
    return {
        "log-log convex (DGP)": problem_line(
            log_log_obstacle(problem, objective, labels), "solve(gp=True)", problem.is_dgp()
        ),
        "quasiconvex (DQCP)": problem_line(
            quasi_obstacle(objective, holds), "solve(qcp=True)", problem.is_dqcp()
        ),
        "difference of convex (DCCP)": problem_line(
            difference_obstacle(problem, objective, labels), "the package dccp", None
        ),
        "smooth (DNLP)": "yes: solve(nlp=True)" if is_smooth(problem) else "no",
    }


def is_smooth(problem: cp.Problem) -> bool:
    """Whether CVXPY's own nonlinear programming takes it; cones it does not know."""
    known = all(hasattr(constraint, "is_dnlp") for constraint in problem.constraints)
    return known and bool(problem.is_dnlp())


def problem_line(obstacle: str, way: str, accepted: bool | None) -> str:
    """Yes or why not, and whether CVXPY agrees."""
    said = {True: "; CVXPY accepts it", False: "; CVXPY does not accept it", None: ""}[accepted]
    return f"not by the rules ({obstacle}){said}" if obstacle else f"yes: {way}{said}"


def log_log_obstacle(problem: cp.Problem, objective: Question, labels: list[str]) -> str:
    """The part that is not as a geometric program needs it, or ""."""
    maximised = isinstance(problem.objective, cp.Maximize)
    goal = problem.objective.args[0]
    asked = [(labels[0], goal, "concave" if maximised else "convex")]
    for label, constraint in zip(labels[1:], problem.constraints, strict=True):
        if len(constraint.args) != 2 or not isinstance(
            constraint, cp.constraints.Inequality | cp.constraints.Equality
        ):
            return label
        equal = isinstance(constraint, cp.constraints.Equality)
        for side, word in zip(constraint.args, ("convex", "concave"), strict=True):
            asked.append((label, side, "affine" if equal else word))
    for label, expression, word in asked:
        question = replace(objective, expression=expression)
        found, why = log_log_curvature(question, question.tape())
        if found not in (word, "affine"):
            return f"{label}: {why or f'log-log {found}, needed: {word}'}"
    return ""


def quasi_obstacle(objective: Question, holds: Mapping[str, bool]) -> str:
    """The part that is not as a quasiconvex program needs it, or ""."""
    tape = objective.tape()
    root = derive_facts(objective, tape)[-1]
    for number, (label, held) in enumerate(holds.items()):
        if not (held or (number == 0 and root.quasiconvex.all())):
            return label
    return ""


def difference_obstacle(problem: cp.Problem, objective: Question, labels: list[str]) -> str:
    """The part that is no difference of convex functions by construction, or ""."""
    parts = [problem.objective.args[:1], *(c.args for c in problem.constraints)]
    for label, expressions in zip(labels, parts, strict=True):
        for expression in expressions:
            question = replace(objective, expression=expression)
            tape = question.tape()
            if not is_difference(tape, derive_facts(question, tape)):
                return label
    return ""


# Of an expression


def log_log_line(question: Question, tape: Tape) -> str:
    """Log-log curvature on the positive orthant."""
    word, obstacle = log_log_curvature(question, tape)
    if word == "unknown":
        return f"not by the rules ({obstacle})"
    return f"log-log {word} where all unknowns, and free weights and inputs, are > 0"


def log_log_curvature(question: Question, tape: Tape) -> tuple[str, str]:
    """(affine, convex, concave or unknown; the node where the rules stop)."""
    facts: list[LogLog] = tape.evaluate(lambda leaf: of_leaf(leaf, question), derive_log_log)
    root = facts[-1]
    for node, inputs, fact in zip(tape.nodes, tape.inputs, facts, strict=True):
        if inputs and not fact.usable and all(facts[k].usable for k in inputs) and fact is not root:
            return "unknown", f"{step_name(node, question)} need not be positive"
    if not root.positive.all():
        return "unknown", "it need not be positive"
    word = root.curvature()
    return word, "" if word != "unknown" else "no log-log rule applies"


def of_leaf(node: Node, question: Question) -> LogLog:
    """Unknowns and free values are taken positive; labels are not; constants are what they are."""
    yes, no = np.ones(node.shape, dtype=bool), np.zeros(node.shape, dtype=bool)
    if isinstance(node, cp.Constant) and not node.is_complex():
        value = dense(node.value)
        return LogLog(value == 0.0, value > 0.0, yes, yes)
    known = not node.args and not node.is_complex() and id(node) not in question.labels
    return LogLog(no, yes, yes, yes) if known and not node.is_nonpos() else nothing(node)


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


def difference_line(tape: Tape, facts: list[Facts]) -> str:
    """Whether it is a difference of convex functions by construction, in words."""
    found = is_difference(tape, facts)
    return f"yes; {ask_dccp(tape.nodes[-1])}" if found else "not by the rules"


def is_difference(tape: Tape, facts: list[Facts]) -> bool:
    """Whether it is a difference of convex functions by construction."""
    known: list[bool] = []
    for node, fact, inputs in zip(tape.nodes, facts, tape.inputs, strict=True):
        kept = keeps_differences(node, [facts[k] for k in inputs])
        known.append(bool(fact.known.all()) or (kept and all(known[k] for k in inputs)))
    return known[-1]


def ask_dccp(expression: Any) -> str:
    """What the package dccp says, where it is installed."""
    dccp = import_dccp()
    if dccp is None:
        return "the package dccp (not installed) looks for stationary points"
    if dccp.is_dccp(cp.Problem(cp.Minimize(cp.sum(expression)))):
        return "the package dccp accepts it as it is"
    return "the package dccp accepts it with each convex part as a variable: u == f, minimize u - v"


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
