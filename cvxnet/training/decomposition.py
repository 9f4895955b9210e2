"""From gated ReLU units to ReLU units: cone decomposition (Mishkin, Sahiner and Pilanci 2022).

A gated unit ``D_g X w`` is a difference of two ReLU units wherever ``w = p - q`` with p and q in
the gate's own cell ``K = {u : (2 D_g - I) X u >= 0}``, as ``(X p)_+ = D_g X p`` there. Every w is
such a difference if the cell has an interior. Of all of them the cheapest is taken:

    minimise  |p| + |q|    subject to   p - q = w,  p and q in K.

The fit stays and the penalty grows from |w| to |p| + |q|, so the objective of the ReLU network is
an upper bound on the ReLU optimum. The gated optimum is a lower bound on it, provided that every
cell of the arrangement has its gate.
"""

from __future__ import annotations

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers import Sequential
from cvxnet.proofs.certificate import Certificate
from cvxnet.training.pruning import SMALL
from cvxnet.training.recovery import Form, Weights, network_of, units_of, weights_of
from cvxnet.training.setup import set_up
from cvxnet.training.solution import Solution
from cvxnet.types import Array


@dataclass(frozen=True)
class Decomposition:
    """A ReLU network with the predictions of a gated one. ``value``: its training objective."""

    network: Sequential
    value: float


def decompose(solution: Solution) -> Decomposition:
    """The ReLU network that a trained network of gated ReLU units decomposes into.

    Parameters
    ----------
    solution : Solution
        Of `cvxnet.train` with gated ReLU units.

    Returns
    -------
    Decomposition
        Its value is the true training objective of the ReLU network, evaluated anew.

    Raises
    ------
    UnsupportedError
        Where the cell of a gate has no interior (a gate orthogonal to some row of X).

    Examples
    --------
    >>> from cvxnet.training.trainer import train
    >>> from cvxnet.training.units import Family
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    >>> gates = Family("gated_relu", gates=np.array([[1.0], [-1.0]]))
    >>> gated = train(gates, X, y, weight_decay=0.1, bias=False)
    >>> round(decompose(gated).value, 6)
    0.29
    """
    proof = getattr(solution, "certificate", None)
    if proof is None or not isinstance(proof.units, dict) or proof.units["name"] != "gated_relu":
        raise InputError("decompose takes the Solution of a training with gated_relu units.")
    form = Form(proof.bias, proof.c is not None, proof.s is not None)
    W, a = split_units(proof, form)
    d = proof.X.shape[1]
    weights = Weights(W[:, :d], W[:, d] if form.bias else None, a, proof.c, proof.s)
    options = (form.bias, "l2", form.output_bias, form.skip, proof.sample_weights)
    task = set_up("relu", proof.X, proof.y, proof.loss, proof.weight_decay, *options)
    units = units_of(task.problem, weights, form)
    network = network_of(task.problem, weights_of(task.problem, units, form))
    return Decomposition(network, task.problem.objective(units))


def split_units(proof: Certificate, form: Form) -> tuple[Array, Array]:
    """Hidden weights p and q of every gated unit, stacked, and their output weights."""
    assert isinstance(proof.units, dict)
    rows = form.rows(proof.X)
    hidden = proof.W if proof.b is None else np.column_stack([proof.W, proof.b])
    used = np.flatnonzero(proof.a)
    gates = np.asarray(proof.units["gates"])[np.asarray(proof.gate)[used]]
    sides = np.where(rows @ gates.T >= 0.0, 1.0, -1.0)
    pairs = [split(hidden[j], rows * sides[:, k, None]) for k, j in enumerate(used)]
    P, Q = (np.reshape([pair[side] for pair in pairs], (len(used), -1)) for side in (0, 1))
    kept = np.linalg.norm(np.vstack([P, Q]), axis=1)
    kept = kept > SMALL * kept.max(initial=0.0)
    a = np.concatenate([proof.a[used], -proof.a[used]])
    return np.vstack([P, Q])[kept], a[kept]


def split(w: Array, inside: Array) -> tuple[Array, Array]:
    """The cheapest ``p - q = w`` with ``inside @ p >= 0`` and ``inside @ q >= 0``."""
    if (inside @ w >= 0.0).all():
        return w, np.zeros_like(w)
    if (inside @ w <= 0.0).all():
        return np.zeros_like(w), -w
    p = cp.Variable(w.size)
    q = p - w
    program = cp.Problem(
        cp.Minimize(cp.norm(p, 2) + cp.norm(q, 2)), [inside @ p >= 0, inside @ q >= 0]
    )
    program.solve(solver="CLARABEL")
    if p.value is None:
        raise UnsupportedError(
            "the cell of a gate has no interior, so its unit is no difference of ReLU units there. "
            "Use gates that are orthogonal to no row of X; Gaussian ones are."
        )
    return np.asarray(p.value), np.asarray(p.value) - w
