"""What people call the atoms of an expression."""

from __future__ import annotations

from typing import Any

import cvxpy as cp

from cvxnet.analysis.algebra_atoms import ALGEBRA
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.identities import is_number
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.tape import Tape, inner

COLLECTED = "a sum of like terms"


def new_atoms(before: Any, after: Any) -> tuple[str, ...]:
    """The atoms of the second expression that the first has not; affine ones do not count."""
    known = set(atoms_of(before))
    return tuple(name for name in atoms_of(after) if name not in known) or (COLLECTED,)


def atoms_of(expression: Any) -> list[str]:
    """The names of the atoms, outer ones first, each once."""
    nodes = reversed(Tape([expression]).nodes)
    found = (name_of(node) for node in nodes if inner(node) and type(node) not in ALGEBRA)
    return list(dict.fromkeys(found))


def name_of(node: Any) -> str:
    """How an atom is written."""
    if isinstance(node, POWERS):
        name = {"-1": "inv_pos", "2": "square", "1/2": "sqrt"}.get(str(exponent_of(node)), "power")
    elif isinstance(node, cp.quad_over_lin) and is_number(node.args[1], 1.0):
        name = "sum_squares"
    elif isinstance(node, cp.Pnorm):
        name = "norm" if str(node.p) == "2" else "pnorm"
    else:
        name = SPELLED.get(type(node).__name__.removesuffix("Approx"), type(node).__name__)
    return f"cp.{name}(...)"


SPELLED = {"GeoMean": "geo_mean", "QuadForm": "quad_form"}
