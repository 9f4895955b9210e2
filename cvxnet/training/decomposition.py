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

from dataclasses import dataclass, replace

import cvxpy as cp
import numpy as np

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers import Sequential
from cvxnet.objective import Family, Objective, Weights, network_of
from cvxnet.training.pruning import SMALL
from cvxnet.training.recovery import problem_of, units_of, weights_of
from cvxnet.training.solution import Solution
from cvxnet.types import Array


@dataclass(frozen=True)
class Decomposition:
    """A ReLU network with the predictions of a gated one.

    Attributes
    ----------
    network : Sequential
        The ReLU network.
    value : float
        Its training objective, an upper bound on the optimum over ReLU networks.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [1.0]], [1.0, 2.0]
    >>> gates = cn.Family("gated_relu", gates=[[1.0], [-1.0]])
    >>> found = decompose(cn.train(gates, X, y, weight_decay=0.1, bias=False))
    >>> found.network(np.array(X)).ravel().round(6).tolist()
    [0.9, 1.9]
    """

    network: Sequential
    value: float

    def __repr__(self) -> str:
        return f"<Decomposition into {self.network!r}, objective {self.value:.10g}>"


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

    See Also
    --------
    train : Trains gated units by the name ``"gated_relu"``.

    Examples
    --------
    >>> from cvxnet.training.trainer import train
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    >>> gates = Family("gated_relu", gates=np.array([[1.0], [-1.0]]))
    >>> gated = train(gates, X, y, weight_decay=0.1, bias=False)
    >>> round(decompose(gated).value, 6)
    0.29
    """
    if not isinstance(solution, Solution) or solution.objective.units.name != "gated_relu":
        raise InputError("decompose takes the Solution of a training with gated_relu units.")
    gated = solution.objective
    form, w, d = gated.form, solution.certificate.weights, gated.X.shape[1]
    W, a = split_units(gated, w)
    objective = replace(gated, units=Family("relu"), network=None)
    problem = problem_of(objective)
    units = units_of(
        problem, replace(w, W=W[:, :d], b=W[:, d] if form.bias else None, a=a, gate=None), form
    )
    network = network_of(objective.units, weights_of(problem, units, form))
    return Decomposition(network, problem.objective(units))


def split_units(gated: Objective, w: Weights) -> tuple[Array, Array]:
    """Hidden weights p and q of every gated unit, stacked, and their output weights."""
    rows = gated.rows
    hidden = w.W if w.b is None else np.column_stack([w.W, w.b])
    used = np.flatnonzero(w.a.reshape(len(w.a), -1).any(axis=1))
    gates = gated.units.options["gates"][w.gate][used]
    sides = np.where(rows @ gates.T >= 0.0, 1.0, -1.0)
    pairs = [split(hidden[j], rows * sides[:, k, None]) for k, j in enumerate(used)]
    P, Q = (np.reshape([pair[side] for pair in pairs], hidden[used].shape) for side in (0, 1))
    kept = np.linalg.norm(np.vstack([P, Q]), axis=1)
    kept = kept > SMALL * kept.max(initial=0.0)
    a = np.concatenate([w.a[used], -w.a[used]])
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
