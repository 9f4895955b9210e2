"""What a verdict would have to believe: NaN, asserted signs and definiteness, parameters' values.

Nothing is believed that can be computed: an asserted matrix is tested exactly, and what does not
hold or cannot be known is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.atoms import atom_of, constant_matrix
from cvxnet.analysis.discrete import discrete_names
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.quadratics import definiteness
from cvxnet.analysis.questions import Question
from cvxnet.analysis.restrictions import show
from cvxnet.analysis.tape import Tape, dense

SIGNS = {"nonneg": ">= 0", "nonpos": "<= 0"}
DEFINITE = {"psd": (1, "positive"), "nsd": (-1, "negative")}
SHAPES = {
    "symmetric": ("symmetric", lambda value: value - value.T),
    "skew_symmetric": ("skew-symmetric", lambda value: value + value.T),
}


def not_numbers(tape: Tape) -> str:
    """What is said of constants that are NaN or infinite, or "" where all are numbers."""
    for node in tape.nodes:
        if isinstance(node, cp.Constant) and not np.isfinite(values := dense(node.value)).all():
            word = "NaN" if np.isnan(values).any() else "infinite"
            count = int((~np.isfinite(values)).sum())
            what = "a constant" if values.size == 1 else f"{count} of {values.size} constants"
            return f"{what} {'is' if count == 1 else 'are'} {word}: no number, nothing to judge"
    return ""


def premises(question: Question, tape: Tape, facts: list[Facts]) -> tuple[str, ...]:
    """The assertions in the expression that are not proved, and given values that break theirs."""
    asked = [u for u in question.unknowns if id(u) in tape.place]
    found = [
        f"{text}: judged as if it could move between" for text in discrete_names(question, asked)
    ]
    for place, node in enumerate(tape.nodes):
        if atom_of(node).asserts:
            found += asserted(node, facts[tape.inputs[place][0]], question)
        elif isinstance(node, cp.Parameter) and node.value is not None:
            found += violated(node, question)
    return tuple(dict.fromkeys(found))


def asserted(node: Any, fact: Facts, question: Question) -> Iterator[str]:
    """What a wrap asserts, unless it is proved."""
    kind, inner = atom_of(node).asserts, node.args[0]
    if kind in SIGNS:
        above = SIGNS[kind] == ">= 0"
        if not ((fact.low >= 0.0) if above else (fact.high <= 0.0)).all():
            yield f"{kind}_wrap asserts {show(inner, question)} {SIGNS[kind]}: not proved"
    elif kind in DEFINITE:
        yield from not_definite(inner, *DEFINITE[kind])
    elif kind in SHAPES:
        word, defect = SHAPES[kind]
        matrix = constant_matrix(inner)
        if matrix is None or (defect(matrix) != 0).any():
            how = "not proved" if matrix is None else "it is not"
            yield f"{kind}_wrap asserts a {word} matrix: {how}"
    else:
        yield f"{kind}_wrap asserts what was not verified"


def not_definite(matrix: Any, sign: int, word: str) -> Iterator[str]:
    """What is to be said of a matrix that is asserted to be semidefinite."""
    found = definiteness(constant_matrix(matrix), sign)
    if found.exact:
        return
    name = "psd_wrap (assume_PSD)" if sign > 0 else "nsd_wrap"
    yield f"{name} asserts a {word} semidefinite matrix: {found}"
    given = matrix.value if found.eigenvalue is None and matrix.is_constant() else None
    if given is not None:
        now = definiteness(constant_matrix(cp.Constant(given)), sign)
        if not now.exact:
            yield f"{name}: with the values given now {now}"


def violated(leaf: Any, question: Question) -> Iterator[str]:
    """The attributes of a parameter that the value given to it does not have exactly."""
    value, name, used = dense(leaf.value), question.name(leaf), leaf.attributes
    if not np.isfinite(value).all():
        yield f"the value given to {name} is not finite; the verdict is about admissible values"
        return
    broken = [
        f"{word}=True"
        for word, holds in (
            ("nonneg", value >= 0.0),
            ("pos", value > 0.0),
            ("nonpos", value <= 0.0),
            ("neg", value < 0.0),
        )
        if used[word] and not holds.all()
    ]
    for word, sign in (("PSD", 1), ("NSD", -1)):
        if used[word]:
            found = definiteness(constant_matrix(cp.Constant(value)), sign)
            broken += [] if found.exact else [f"{word}=True ({found})"]
    for word in broken:
        yield (
            f"the value given to {name} violates {word}; the verdict is about admissible values, "
            "not about that one"
        )
