"""From an objective to the problem that is solved, and from its units back to weights."""

from __future__ import annotations

import numpy as np

from cvxnet.objective import Form, Objective, Weights
from cvxnet.training.matrices import beside, divided, scaled
from cvxnet.training.problem import Problem, Units
from cvxnet.training.units import bind


def problem_of(objective: Objective) -> Problem:
    """The problem of an objective, on data as they are."""
    return Problem(
        family=bind(objective.units, objective.rows, objective.norm, objective.output_signs),
        loss=objective.weighted_loss,
        y=objective.y,
        weight_decay=objective.weight_decay,
        F=objective.free_columns,
    )


def weights_of(problem: Problem, units: Units, form: Form) -> Weights:
    """The weights that the units stand for.

    Where both layers share the decay, a unit of size s = |u||a| gets length sqrt(s) on both sides,
    and ``1/2 (|u|^2 + a^2) = |u||a|``: weight decay equals the penalty. Elsewhere ``|u| = 1``.
    Without units one of zeros stands for the empty network.
    """
    family = problem.family
    shared, d = family.traits.shared_decay, family.X.shape[1] - form.bias
    sizes = family.sizes(units.weights)
    outer = np.sqrt(sizes) if shared else sizes
    hidden = family.hidden(divided(units.weights, sizes))
    if shared:
        hidden = scaled(hidden, outer)
    a, rows = (units.outputs.T * outer).T, units.weights
    if not len(units):
        hidden, rows = family.idle(), np.zeros((1, family.rank))
        a = np.zeros((1, *problem.y.shape[1:]))
    gate = family.gate_of(rows)
    return Weights(
        W=hidden[:, :d],
        b=hidden[:, d] if form.bias else None,
        a=a,
        c=units.free[0] if form.output_bias else None,
        s=units.free[int(form.output_bias) :] if form.skip else None,
        gate=gate,
    )


def units_of(problem: Problem, weights: Weights, form: Form) -> Units:
    """The units that a network with these weights has: the inverse of `weights_of`."""
    family, w = problem.family, weights
    hidden = w.W if w.b is None else beside(w.W, w.b[:, None])
    rows = family.coordinates(hidden, w.gate)
    amplitude = np.abs(w.a) if w.a.ndim == 1 else np.linalg.norm(w.a, axis=1)
    used = (family.sizes(rows) > 0.0) & (amplitude > 0.0)
    rows, amplitude = rows[used], amplitude[used]
    length = family.sizes(rows)
    sizes = amplitude * length ** (family.traits.power or 0)
    shape = problem.y.shape[1:]
    free = [np.zeros((int(form.output_bias), *shape)) if w.c is None else np.array([w.c])]
    if form.skip:
        free.append(np.zeros((w.W.shape[1], *shape)) if w.s is None else w.s)
    outputs = (w.a[used].T / amplitude).T
    return Units(scaled(rows, sizes / length), outputs, np.concatenate(free))
