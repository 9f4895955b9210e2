"""A question and three points as the plain document that the independent checker reads.

What CVXPY's objects are is only written down here; what they mean is decided by
`cvxnet.proofs.checker.witness`, which has its own formulas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.atoms import PERSPECTIVES, atom_of, options_of
from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Tape, dense
from cvxnet.proofs.checker.atoms import FORMULAS
from cvxnet.types import Array

CONES = {"SOC": ("axis",), "PowCone3D": ("alpha",), "PowConeND": ("alpha", "axis")}
COUNTS = {"axis", "axes", "keepdims"}
BOUNDS = {"integer", "boolean", "bounds", "sparsity"}  # written as bounds, or relaxed


def expression_document(question: Question) -> dict[str, Any]:
    """The expression and its domain; places are positions among the nodes."""
    tape = tape_of(question)
    return {
        "nodes": [
            describe_node(node, inputs, question)
            for node, inputs in zip(tape.nodes, tape.inputs, strict=True)
        ],
        "constraints": [
            {
                "kind": type(constraint).__name__,
                "args": [tape.place[id(arg)] for arg in constraint.args],
                "options": describe_options(constraint),
            }
            for constraint in question.constraints
        ],
        "unknowns": [tape.place[id(u)] for u in question.unknowns if id(u) in tape.place],
        "root": tape.place[id(question.expression)],
    }


def tape_of(question: Question, *more: Any) -> Tape:
    """The nodes of the expression, of the constraints, and of other expressions."""
    roots = [arg for constraint in question.constraints for arg in constraint.args]
    return Tape([question.expression, *roots, *more])


def more_nodes(question: Question, *roots: Any) -> tuple[list[dict[str, Any]], list[int]]:
    """What other expressions add behind the nodes of the question, and the places of the roots."""
    tape, count = tape_of(question, *roots), len(tape_of(question).nodes)
    rows = list(zip(tape.nodes, tape.inputs, strict=True))[count:]
    nodes = [describe_node(node, inputs, question) for node, inputs in rows]
    return nodes, [tape.place[id(root)] for root in roots]


def counterexample_document(
    question: Question,
    points: tuple[Mapping[int, Array], Mapping[int, Array], Mapping[int, Array]],
    refutes: str,
    entry: tuple[int, ...],
) -> dict[str, Any]:
    """The document about the ends a and b and the fixed values, all by the id of their leaf."""
    tape, shape = tape_of(question), question.expression.shape
    a, b, fixed = (
        {tape.place[k]: values(v) for k, v in part.items() if k in tape.place} for part in points
    )
    return {
        **expression_document(question),
        "refutes": refutes,
        "entry": int(np.ravel_multi_index(entry, shape)) if entry else 0,
        "a": a,
        "b": b,
        "fixed": fixed,
    }


def has_formula(node: Any) -> bool:
    """Whether the checker can evaluate an atom with these options."""
    options = describe_options(node)
    free = any(str(value).startswith("parameter") for value in options.values())
    return name_of(node) in FORMULAS and not free


def name_of(atom: Any) -> str:
    """What the checker calls an atom; the approximate kinds differ in how CVXPY solves only."""
    kind = type(atom).__name__.removesuffix("Approx")
    return f"cvxnet.{kind}" if type(atom).__module__.startswith("cvxnet.") else kind


def values(array: Any) -> list[Any]:
    """The entries of an array by rows: doubles, or fractions as text."""
    if isinstance(array, np.ndarray) and array.dtype.kind == "O":
        return [str(value) for value in array.ravel()]
    found: list[Any] = np.asarray(array, dtype=np.float64).ravel().tolist()
    return found


def describe_node(node: Any, inputs: Iterable[int], question: Question) -> dict[str, Any]:
    """A leaf, a constant or an atom."""
    shape = list(node.shape)
    if isinstance(node, cp.Variable | cp.Parameter):
        return describe_leaf(node, question)
    if isinstance(node, cp.Constant):
        return {"atom": "constant", "shape": shape, "entries": constant_entries(node.value)}
    options = describe_options(node)
    if isinstance(node, PERSPECTIVES):
        options["f"] = describe_function(node.f, question)
    return {"atom": name_of(node), "shape": shape, "args": list(inputs), "options": options}


def describe_function(expression: Any, question: Question) -> dict[str, Any]:
    """An expression as a function of its variables, in CVXPY's order."""
    tape = Tape([expression])
    rows = zip(tape.nodes, tape.inputs, strict=True)
    return {
        "nodes": [describe_node(node, inputs, question) for node, inputs in rows],
        "arguments": [tape.place[id(variable)] for variable in expression.variables()],
        "root": tape.place[id(expression)],
    }


def constant_entries(value: Any) -> list[Any]:
    """The entries of a constant by rows; complex ones as text, which no checker reads."""
    array = dense(value)
    return [str(v) for v in array.ravel()] if np.iscomplexobj(array) else values(array)


def describe_leaf(leaf: Any, question: Question) -> dict[str, Any]:
    """Bounds and attributes; unknowns that are integers are relaxed, what is fixed is whole."""
    low, high = leaf_bounds(leaf, question)
    return {
        "atom": "leaf",
        "shape": list(leaf.shape),
        "low": [v if np.isfinite(v) else None for v in values(low)],
        "high": [v if np.isfinite(v) else None for v in values(high)],
        "attributes": sorted(attributes_of(leaf, question)),
    }


def attributes_of(leaf: Any, question: Question) -> Iterator[str]:
    """What the checker has to hold a value to, beside the bounds."""
    used = {name for name, value in leaf.attributes.items() if value not in (None, False)}
    yield from used - BOUNDS
    if id(leaf) in question.labels:
        yield question.labels[id(leaf)]
    bounds = leaf.attributes.get("bounds") or ()
    if any(isinstance(b, cp.Expression) and b.parameters() for b in bounds):
        yield "bounded by a parameter"  # which no checker knows
    if used & {"integer", "boolean"} and not any(leaf is u for u in question.unknowns):
        yield "whole"


def describe_options(thing: Any) -> dict[str, Any]:
    """The options of an atom or a constraint as plain numbers, texts and lists."""
    kind = type(thing).__name__.removesuffix("Approx")
    # of older CVXPY the geometric mean has no axis: it takes all entries
    found = {name: getattr(thing, name, None) for name in CONES.get(kind, options_of(thing))}
    plainly = {k: plain_count(v) if k in COUNTS else plain(v) for k, v in found.items()}
    described = atom_of(thing).describe
    return plainly if described is None else {**plainly, **described(thing)}


def plain_count(value: Any) -> Any:
    """Integers, lists of them, truth values, or None."""
    if isinstance(value, list | tuple | np.ndarray | range):
        return [int(v) for v in value]
    return value if value is None or isinstance(value, bool) else int(value)


def plain(value: Any) -> Any:
    """A number as a double or, exactly, as text; an array with its shape.

    A parameter has every value, so it has none: text that is no number.
    """
    if isinstance(value, cp.Expression):
        if value.parameters():
            return "parameter >= 0" if value.is_nonneg() else "parameter"
        value = value.value
    if isinstance(value, Fraction):
        return str(value)
    array = dense(value)
    return {"shape": list(array.shape), "entries": values(array)} if array.ndim else float(array)
