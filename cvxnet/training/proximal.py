"""Losses with kinks: proximal steps of the dual vector.

With a kink at each target the best dual vector for some columns is a vertex of a polyhedron, far
from the one for a few columns more: hundreds of rounds bring columns that the optimum has no use
for. So rounds look for the best one that is near the best ``c`` that was proved so far,

    maximise  -l*(v) - mu/2 |v - c|^2    subject to  |v . phi_j| <= weight decay  and  F^T v = 0,

for the columns j found so far. It is the dual of the problem in which the loss is its `Envelope`
with the centre c, which is smooth, so the sizes of units are fitted as with other smooth losses
(`cvxnet.training.sizes`). As c comes to the optimum so does v, for any mu: this is the proximal
point algorithm of the dual, with columns (Rockafellar 1976, "Augmented Lagrangians and applications
of the proximal point algorithm in convex programming"; Ben Amor, Desrosiers and Frangioni 2009, "On
the choice of explicit stabilizing terms in column generation").

What it costs: with ``r = f - y`` the pair f, v has ``v = c + r / mu``, or v is at an end of its
domain. At an end ``l(f) + l*(v) = v f``, and otherwise ``r = mu (v - c)``, so that both brackets,
that of the loss itself and that of its envelope, differ by

    l(f) + l*(v) - v f = l(y + r) - v r <= 2 mu |v - c|

for each sample whose v is between the ends, where slopes are at most one. At a vertex these are as
many as coefficients. So ``mu`` is a part of the bracket for each coefficient. Far from the optimum,
where many more are between the ends, it is a part of the mean loss, beyond which v hardly moves.
"""

from __future__ import annotations

from cvxnet.losses import Loss
from cvxnet.training.bracket import Bracket
from cvxnet.training.problem import Units

COST = 0.1
"""Of the bracket's width: ``mu`` for all coefficients together."""
FAR = 0.1
"""Of the mean loss: ``mu`` at most."""
LEAST = 1e-9
"""And at least; targets are about one."""


def proximal_loss(bracket: Bracket, units: Units) -> Loss:
    """The smooth loss that stands for a loss with kinks in the next round; a smooth one for itself.

    ``units`` are those of the network that it starts from.

    Examples
    --------
    >>> import numpy as np
    >>> from cvxnet.losses import get_loss
    >>> from cvxnet.training.problem import Problem
    >>> from cvxnet.training.start import open_bracket
    >>> from cvxnet.training.units.piecewise_linear import ReLUUnits
    >>> family, y = ReLUUnits(np.array([[1.0], [-1.0]])), np.array([2.0, 1.0])
    >>> bracket = open_bracket(Problem(family, get_loss("absolute"), y, 0.5))
    >>> print(f"{proximal_loss(bracket, bracket.units).mu:.2f}")
    0.15
    """
    problem = bracket.problem
    if problem.loss.smooth:
        return problem.loss
    coefficients = 1 + len(units) + problem.F.shape[1]
    near = COST * (bracket.upper - bracket.lower) / coefficients
    far = FAR * bracket.upper / len(problem.y)
    return problem.loss.smoothed(max(min(near, far), LEAST), bracket.dual)
