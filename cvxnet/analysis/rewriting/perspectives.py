"""Functions with a form in more variables only: perspectives.

For s > 0 and a convex f the function ``s f(g / s)`` is convex in (g, s): CVXPY has it as an atom of
variables. Where g or s is none, a new variable is set equal to it. For the exponential no more is
needed than ``w >= s exp(g / s)``, which is ``s log(s / w) + g <= 0``; there g may be any convex
function, since the exponential rises, so that it covers ``s exp(s)``, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp

from cvxnet.analysis.algebra_atoms import DivExpression, multiply
from cvxnet.analysis.identities import is_same
from cvxnet.analysis.rewriting.products import product_of, scaled
from cvxnet.analysis.rewriting.search import Forms
from cvxnet.analysis.tape import Tape, bare, inner


def exponential_over(node: Any, goal: str, forms: Forms) -> Any:
    """``c s exp(e)`` for an affine s >= 0, where ``s e`` is convex, by a new variable above it."""
    if forms.extra is None or goal == "concave" or node.size != 1:
        return None
    found = product_of(node, forms.is_nonneg)
    if found.exponent is None or [power for _, power in found.powers] != [1]:
        return None
    s = found.powers[0][0]
    if not is_weight(s, forms) or not found.scale.is_nonneg():
        return None
    inside = forms.form(cp.multiply(s, found.exponent), "convex")
    if inside is None:
        return None
    w = cp.Variable(name="w", nonneg=True)
    forms.extra.append(cp.rel_entr(s, w) + inside <= 0)
    return scaled(found.scale, cp.pos(w))  # convex, and so never taken for something affine


def perspective(node: Any, goal: str, forms: Forms) -> Any:
    """``s f(g / s)`` for an affine s >= 0 and affine g."""
    if forms.extra is None or not isinstance(node, multiply) or node.size != 1:
        return None
    for s, outer in (node.args, node.args[::-1]):
        if is_weight(s, forms):
            unknown: dict[Any, Any] = {}
            f = with_quotients(outer, s, unknown)
            asked = replace(forms.question, unknowns=(*forms.question.unknowns, *unknown))
            form = None if f is None else Forms(asked, forms.rules).form(f, goal)
            if form is not None and form.variables():
                scale = cp.Variable(name="s", nonneg=True)
                forms.extra += [scale == s, *(u == g for u, g in unknown.items())]
                return cp.perspective(form, scale)
    return None


def is_weight(s: Any, forms: Forms) -> bool:
    """Whether it is affine, no constant, and proved to be >= 0."""
    return not s.is_constant() and s.is_affine() and forms.is_nonneg(s)


def with_quotients(outer: Any, s: Any, unknown: dict[Any, Any]) -> Any:
    """f(u) of an expression f(g / s), the u with their g added; None where it is none."""
    tape, new = Tape([outer]), list[Any]()
    below: list[bool] = []  # whether a node depends on an unknown other than through g / s
    for node, inputs in zip(tape.nodes, tape.inputs, strict=True):
        quotient = isinstance(node, DivExpression) and is_same(bare(node.args[1]), bare(s))
        if quotient and node.args[0].is_affine():
            u = cp.Variable(node.shape)
            unknown[u] = node.args[0]
            new.append(u)
            below.append(False)
        elif not inner(node):
            new.append(node)
            below.append(isinstance(node, cp.Variable))
        else:
            new.append(node.copy([new[k] for k in inputs]))
            below.append(any(below[k] for k in inputs))
    return new[-1] if unknown and not below[-1] else None
