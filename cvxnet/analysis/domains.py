"""Where a question is asked: the bounds or constraints that ``where=`` adds to its domain.

Constraints about a network are written in a variable of the user's; here they become constraints
about the network's own input. What is then proved holds on every segment of the domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.constraints import finite, simple_bounds
from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.discrete import relaxed
from cvxnet.analysis.questions import Question, ask_about_network
from cvxnet.analysis.tape import Tape, dense, inner, short
from cvxnet.errors import InputError
from cvxnet.layers.layer import Layer

MOST_SAID = 2  # constraints that are repeated in the question
KNOWN = {"nonneg", "nonpos", "pos", "neg", "bounds"}  # attributes of the user's variable
Bounds = tuple[Any, Any]


def ask_again(question: Question, network: Layer | None = None, **options: Any) -> Question:
    """The question about another network, or with other options; its domain stays."""
    asked = question.network if network is None else network
    if asked is None:
        raise TypeError("this question has no network")
    given = {**question.options, **options}
    where = given.pop("where", None)
    return restricted(ask_about_network(asked, **given), where)


def restricted(question: Question, where: Any) -> Question:
    """The question on the part of its domain that ``where`` describes; None is all of it.

    Parameters
    ----------
    question : Question
        About a network or an expression.
    where : (low, high), CVXPY constraint, sequence of constraints, or None
        See `cvxnet.convexity`.
    """
    if where is None:
        return question
    options = {**question.options, "where": where}
    if is_pair(where):
        leaf = only_leaf(question, where)
        low, high = check_bounds(where, leaf.shape)
        about = f"{question.about} on {said_of_bounds(question.name(leaf), low, high)}"
        bounds = narrowed(question, {id(leaf): (low, high)})
        return replace(question, bounds=bounds, about=about, options=options)
    constraints = check_constraints(where)
    about = f"{question.about} on {said_of_constraints(constraints)}"
    if question.network is not None:
        question, constraints = moved_to_input(question, constraints)
    given = tuple(c for constraint in constraints for c in relaxed(finite(constraint)))
    return replace(
        question,
        unknowns=(*question.unknowns, *others(question, given)),
        bounds=narrowed(question, simple_bounds(given)),
        constraints=(*question.constraints, *given),
        about=about,
        options=options,
    )


def is_pair(where: Any) -> bool:
    """Whether this is (low, high); a pair of constraints is none."""
    pair = isinstance(where, tuple | list) and len(where) == 2
    return pair and not any(isinstance(part, cp.constraints.Constraint) for part in where)


# Bounds


def only_leaf(question: Question, where: Any) -> Any:
    """The leaf that bounds are about: the network's input, or the only variable."""
    if question.network is not None:
        return input_of(question)
    if len(question.unknowns) != 1:
        names = ", ".join(u.name() for u in question.unknowns) or "none"
        raise InputError(
            f"where=(low, high) is about one variable; the question has {names}. Pass a list of "
            f"CVXPY constraints instead, such as [{example(question)} >= 0]."
        )
    return question.unknowns[0]


def example(question: Question) -> str:
    """A variable's name for an error message."""
    return question.unknowns[0].name() if question.unknowns else "x"


def input_of(question: Question) -> Any:
    """The leaf that stands for the network's unknown input."""
    leaves = [leaf for leaf in question.tape().leaves() if question.names.get(id(leaf)) == "x"]
    if not leaves:
        raise InputError(
            "where= is about an unknown input, and here the inputs are given (or do not matter): "
            "leave data= or where= out."
        )
    return leaves[0]


def check_bounds(pair: Bounds, shape: tuple[int, ...]) -> Bounds:
    """Both ends as arrays of the leaf's shape; None is no bound."""
    low = check_end("low", -np.inf if pair[0] is None else pair[0], shape)
    high = check_end("high", np.inf if pair[1] is None else pair[1], shape)
    if (low > high).any() or (low == np.inf).any() or (high == -np.inf).any():
        raise wrong("low is above high")
    return low, high


def check_end(word: str, value: Any, shape: tuple[int, ...]) -> Any:
    """One end as an array of the leaf's shape; a vector is a row of a matrix."""
    try:
        array = np.asarray(dense(value), dtype=np.float64)
    except (TypeError, ValueError):
        raise wrong(f"{word} is {value!r}") from None
    if np.isnan(array).any():
        raise wrong(f"{word} has entries that are NaN")
    row = len(shape) == 2 and array.shape == (shape[1],)
    try:
        return np.broadcast_to(array.reshape(1, -1) if row else array, shape)
    except ValueError:
        raise wrong(f"{word} has the shape {array.shape}, expected {shape}") from None


def wrong(found: str) -> InputError:
    """What is wrong with ``where``, and what it takes."""
    return InputError(
        f"where= takes a pair (low, high) of numbers or arrays (None for no bound), or a list of "
        f"CVXPY constraints: {found}."
    )


def narrowed(question: Question, bounds: Mapping[int, Bounds]) -> dict[int, Bounds]:
    """The bounds of the question together with these."""
    found = dict(question.bounds)
    for leaf, (low, high) in bounds.items():
        first, last = found.get(leaf, (-np.inf, np.inf))
        found[leaf] = (np.maximum(first, low), np.minimum(last, high))
    return found


def said_of_bounds(name: str, low: Any, high: Any) -> str:
    """A box in words."""
    if not low.size or (low != low.flat[0]).any() or (high != high.flat[0]).any():
        return f"a box of {name}"
    parts = [f"{low.flat[0]:g} <= "] if np.isfinite(low.flat[0]) else []
    parts += [name, *([f" <= {high.flat[0]:g}"] if np.isfinite(high.flat[0]) else [])]
    return "".join(parts)


# Constraints


def check_constraints(where: Any) -> list[Any]:
    """The constraints as a list, each of which CVXPY made."""
    single = isinstance(where, cp.constraints.Constraint)
    if not single and (isinstance(where, str | np.ndarray) or not isinstance(where, Iterable)):
        raise wrong(f"this is a {type(where).__name__}")
    found = [where] if single else list(where)
    for constraint in found:
        if not isinstance(constraint, cp.constraints.Constraint):
            raise wrong(f"{constraint!r} is no constraint")
    return found


def said_of_constraints(constraints: list[Any]) -> str:
    """The first few constraints in words."""
    words = [short(constraint) for constraint in constraints[:MOST_SAID]]
    if len(constraints) > MOST_SAID:
        words.append(f"{len(constraints) - MOST_SAID} more")
    return " and ".join(words) or "everything"


def check_stands_for_input(own: cp.Variable, leaf: Any) -> None:
    """Refuse a variable of another shape than the input's, or one with more than bounds."""
    if own.shape not in (leaf.shape, leaf.shape[1:], *(((),) if leaf.size == 1 else ())):
        raise InputError(
            f"where= is about an input of shape {leaf.shape[1:]}, but {own.name()} has the shape "
            f"{own.shape}."
        )
    used = {name for name, value in own.attributes.items() if value not in (None, False)}
    if not used <= KNOWN:
        raise InputError(
            f"{own.name()} is {', '.join(sorted(used - KNOWN))}; in where= about a network a "
            "variable may have bounds and signs only."
        )


def moved_to_input(question: Question, constraints: list[Any]) -> tuple[Question, list[Any]]:
    """The question with the bounds of the user's variable, and constraints on the input itself."""
    leaf = input_of(question)
    variables = Tape([arg for c in constraints for arg in c.args]).leaves()
    if not variables:
        return question, constraints
    if len(variables) > 1 or not isinstance(variables[0], cp.Variable):
        names = ", ".join(v.name() for v in variables)
        raise InputError(
            "where= about a network takes constraints in one cp.Variable of the input's shape "
            f"({leaf.shape[1]},); found {names}."
        )
    own = variables[0]
    check_stands_for_input(own, leaf)
    plain = replace(question, bounds=simple_bounds(constraints))
    low, high = (end.reshape(leaf.shape) for end in map(np.asarray, leaf_bounds(own, plain)))
    bounds = narrowed(question, {id(leaf): (low, high)})
    inside = leaf if own.shape == leaf.shape else cp.reshape(leaf, own.shape, order="C")
    moved = [substituted(constraint, {id(own): inside}) for constraint in constraints]
    return replace(question, bounds=bounds), moved


def substituted(thing: Any, instead: Mapping[int, Any]) -> Any:
    """An expression or a constraint with other expressions in place of some of its leaves."""
    roots = [thing] if isinstance(thing, cp.Expression) else list(thing.args)
    tape = Tape(roots)
    new: list[Any] = []
    for node, inputs in zip(tape.nodes, tape.inputs, strict=True):
        arguments = [new[k] for k in inputs]
        kept = all(a is b for a, b in zip(arguments, inner(node), strict=True))
        new.append(instead.get(id(node), node) if kept else node.copy(arguments))
    found = [new[tape.place[id(root)]] for root in roots]
    return found[0] if isinstance(thing, cp.Expression) else thing.copy(found)


def others(question: Question, constraints: tuple[Any, ...]) -> list[Any]:
    """The variables that only constraints have: they move freely with the others."""
    known = {id(leaf) for leaf in question.tape().leaves()}
    leaves = Tape([arg for constraint in constraints for arg in constraint.args]).leaves()
    return [v for v in leaves if isinstance(v, cp.Variable) and id(v) not in known]
