"""Conditional gradient (Frank and Wolfe): one unit a step, no master problem.

    minimise  loss(f)   over   gauge(f) <= radius

(Bach 2014, arXiv 1412.8690, section 2.5). With ``v`` the gradient of the loss at ``f``, the vertex
of the feasible set that is best for the linearised loss is ``-radius s phi_u(X)``, where the unit u
and the sign s maximise ``s v . phi_u(X)``: one pricing. A step goes there by ``2 / (t + 2)``,

    f  <-  (1 - 2/(t + 2)) f - 2/(t + 2) radius s phi_u(X),        t = 0, 1, 2, ...

so the network after t steps has at most t units. (With several outputs s is the direction of their
output weights, and ``|V^T phi_u(X)|`` is maximised.) As the loss is convex, its value exceeds the
optimum by at most ``v . f + radius rho(v)``, the duality gap, which needs nothing but the pricing.
The value itself exceeds the optimum by at most ``2 L D^2 / (t + 2)``, with L the Lipschitz constant
of the loss's gradient and ``D <= 2 radius max_u |phi_u(X)|`` the diameter of the feasible set
(Jaggi 2013, theorem 1): O(1/t), where column generation ends after a few rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.data.validation import check_positive
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers import Sequential
from cvxnet.objective import make_objective, network_of
from cvxnet.training.clock import now
from cvxnet.training.oracle import is_exact, price_units
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units, no_units
from cvxnet.training.recovery import problem_of, weights_of
from cvxnet.training.threads import one_blas_thread
from cvxnet.types import Array

MOST_STEPS = 1_000_000
"""Of the conditional gradient method; each of them adds a unit."""
LONGEST = 30.0
"""Seconds that the pricing of a step may take."""


@dataclass(frozen=True)
class Descent:
    """What conditional gradient did.

    Attributes
    ----------
    values : (steps + 1,) array
        The loss after each step; the first entry is that of the zero network.
    gaps : (steps + 1,) array
        The duality gap at each of these networks: ``values - gaps`` are lower bounds.
    network : Sequential
        The last network.
    """

    values: Array
    gaps: Array
    network: Sequential

    @property
    def lower_bound(self) -> float:
        """The best proved lower bound on the constrained optimum."""
        return float((self.values - self.gaps).max())


def conditional_gradient(
    units: Any,
    X: Any,
    y: Any,
    *,
    radius: float,
    steps: int = 100,
    loss: str = "squared",
    bias: bool = True,
) -> Descent:
    """Minimise the loss over networks with ``sum_j |u_j| |a_j| <= radius``.

    Each step moves towards the best single unit, which pricing finds (Bach 2014).

    Parameters
    ----------
    units, X, y, loss, bias
        As in `cvxnet.train`, X (n, d) and y (n,), (n, c) or class labels; the loss must be
        smooth, and pricing exact.
    radius : float
        Bound on the gauge of the predictions.
    steps : int
        Number of steps; each adds a unit.

    Returns
    -------
    Descent
        The loss and the duality gap after each step, (steps + 1,) each, and the last network.

    Raises
    ------
    InputError
        Data, labels or options that cannot be used, a loss with kinks among them.
    UnsupportedError
        Units whose pricing is not exact on these data.

    See Also
    --------
    train : Fully corrective: the weights of all units are optimal after each round.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    >>> descent = conditional_gradient("relu", X, y, radius=2.0, steps=200, bias=False)
    >>> round(descent.values[0], 3), bool(0.25 <= descent.values[-1] < 0.26)
    (np.float64(2.5), True)
    >>> bool(descent.lower_bound <= 0.25)
    True
    """
    objective = make_objective(units, X, y, loss=loss, bias=bias)
    problem = problem_of(objective)
    radius = check_positive(radius, "radius")
    steps = check_steps(steps)
    check_covered(problem)
    with one_blas_thread():
        values, gaps, found = descend(problem, radius, steps)
    weights = weights_of(problem, found, objective.form)
    return Descent(values, gaps, network_of(objective.units, weights))


def check_steps(steps: Any) -> int:
    """A whole number of steps, none or more, that arrays have room for."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer):
        raise InputError(f"steps must be a whole number, not {steps!r}.")
    if not 0 <= steps <= MOST_STEPS:
        raise InputError(f"steps must be from 0 to {MOST_STEPS:,}.")
    return int(steps)


def check_covered(problem: Problem) -> None:
    """Smooth losses and exact pricing only."""
    if not problem.loss.smooth:
        raise UnsupportedError(
            f"conditional gradient needs a smooth loss; the {problem.loss.name} loss has kinks. "
            "cvxnet.train minimises it."
        )
    if not is_exact(problem.family, problem.y):
        raise UnsupportedError(
            "conditional gradient needs exact pricing: data of lower rank, or another unit family."
        )


def priced(problem: Problem, v: Array) -> LocalMaxima:
    """The local maxima of exact pricing, if it ends in time."""
    maxima = price_units(problem.family, v, 0.0, now() + LONGEST)
    if not np.isfinite(maxima.error):
        raise UnsupportedError(
            f"conditional gradient needs exact pricing, which takes more than {LONGEST:g} s a step "
            "for these data: take fewer samples or columns, or another unit family."
        )
    return maxima


def descend(problem: Problem, radius: float, steps: int) -> tuple[Array, Array, Units]:
    """Values and gaps of all steps, and the last network."""
    family, loss, y = problem.family, problem.loss, problem.y
    units = no_units(family.rank, outputs=y.shape[1:])
    f = np.zeros_like(y)
    values, gaps = np.empty(steps + 1), np.empty(steps + 1)
    for t in range(steps + 1):
        v = loss.gradient(f, y)
        maxima = priced(problem, v)
        values[t] = loss.value(f, y)
        gaps[t] = float(np.vdot(v, f)) + radius * (maxima.rho + maxima.error)
        if t == steps or not len(maxima.values):
            values, gaps = values[: t + 1], gaps[: t + 1]
            break
        share = 2.0 / (t + 2.0)
        new = Units(share * radius * maxima.units[:1], -maxima.outputs[:1])
        units = Units((1.0 - share) * units.weights, units.outputs).without_small(0.0) + new
        f = (1.0 - share) * f + problem.fit(new)
    return values, gaps, units
