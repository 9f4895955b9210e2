"""The composition rules: the facts about a node from the facts about its arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cvxnet.analysis import product_rules  # noqa: F401 - it fills the book
from cvxnet.analysis.affine_rules import MOVES
from cvxnet.analysis.atom_rules import compose, derive_by_cvxpy
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.rulebook import RULES
from cvxnet.analysis.shapes import profile_of

__all__ = ["MOVES", "derive"]


def derive(node: Any, args: list[Facts]) -> Facts:
    """The facts about a node that is not a leaf."""
    known, profile = RULES.get(type(node)), profile_of(node) if len(args) == 1 else None
    if known is not None:
        facts = known(node, args)
    elif profile is not None:
        facts = compose(node, args, profile)
    else:
        facts = derive_by_cvxpy(node, args)
    if all(arg.constant for arg in args):
        everywhere = np.ones(facts.low.shape, dtype=bool)
        return replace(
            facts,
            constant=True,
            convex=everywhere,
            concave=everywhere,
            quasiconvex=everywhere,
            quasiconcave=everywhere,
            rule="it depends on none of the unknowns",
        )
    return facts
