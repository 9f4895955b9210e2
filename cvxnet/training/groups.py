"""Losses with kinks: a master that sees samples far from their kink in groups only.

Where the loss is linear on both sides of a kink, at ``f_i = y_i``, samples that stay on one side of
theirs count by a sum. So let rows stand for groups of samples: with weights w_i, and W_g their sum,

    f_g = sum_i w_i s_i f_i / W_g,    l_g(f_g) = W_g l(f_g, y_g)    (i in g; s_i the label, or 1)

where ``y_g`` is the same mean of the targets: 1 for labels, as ``l(f, y) = l(y f, 1)``. The loss is
convex, so ``l_g(f_g)`` is at most the sum over the group (Jensen), and equal where all of the group
are on one side. The optimum with groups in place of samples is therefore a lower bound; where in
its predictions no group is on both sides, it is the optimum of all samples. Otherwise groups are
split by the side that their samples are on, those near the kink become groups of their own, and it
is solved again (Park and Klabjan 2016, "An aggregate and iterative disaggregate algorithm with
proven optimality in machine learning").

With ``A``, (groups, n), of entries ``w_i s_i / W_g`` all this is linear: the groups have the rows
``A M``, ``A F`` and the targets ``A y``. And a dual vector v_g of the groups is spread by ``A^T``
to one of all samples: ``v_i / w_i = s_i v_g / W_g`` stays in the domain, ``F^T A^T v_g = 0``, and
the conjugate is the same, as it is linear where it is finite. So it proves as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxnet.losses import Loss, Weighted
from cvxnet.training.clock import now
from cvxnet.training.samples import Samples
from cvxnet.types import Array

ALONE = 2.0
"""So many samples for each coefficient become groups of their own, those nearest to their kinks,
whenever groups are split: at an optimum no more than one for each coefficient has to be on it."""
LEAST = 100
"""And at least so many."""
MANY, MOST = 4.0, 0.5
"""Groups are made where there are so many times more samples than that, and given up where they
would be more than this share of the samples."""


@dataclass(frozen=True)
class Groups:
    """All samples of a master, and the group of each, counted from 0.

    ``alone`` is how many of them come to be groups of their own where groups are split.
    """

    samples: Samples
    group: NDArray[np.intp]
    alone: int

    @property
    def count(self) -> int:
        """How many groups there are."""
        return int(self.group.max()) + 1

    @property
    def signs(self) -> Any:
        """``s``, (n,): the labels, or 1."""
        return self.samples.y if self.samples.loss.labels else 1.0

    @cached_property
    def means(self) -> sparse.csr_array:
        """``A``, (groups, n)."""
        samples = self.samples
        weights = weights_of(samples.loss, len(samples.y))
        entries = self.signs * weights / self.sizes[self.group]
        at = (self.group, np.arange(len(entries)))
        return sparse.csr_array((entries, at), shape=(self.count, len(entries)))

    @cached_property
    def sizes(self) -> Array:
        """The weight of each group."""
        weights = weights_of(self.samples.loss, len(self.samples.y))
        return np.bincount(self.group, weights).astype(np.float64)

    @cached_property
    def rows(self) -> Samples:
        """The samples that stand for the groups.

        Examples
        --------
        >>> from cvxnet.losses import get_loss
        >>> from cvxnet.training.samples import all_samples
        >>> M, y = np.array([[1.0], [3.0], [5.0]]), np.array([1.0, 2.0, 3.0])
        >>> samples = all_samples(M, np.zeros((3, 0)), get_loss("absolute"), y)
        >>> rows = Groups(samples, np.array([0, 1, 1]), 0).rows
        >>> rows.matrix.ravel().tolist(), rows.y.tolist(), rows.loss.weights.tolist()
        ([1.0, 4.0], [1.0, 2.5], [1.0, 2.0])
        """
        samples, A = self.samples, self.means
        return replace(
            samples,
            matrix=A @ samples.matrix,
            F=A @ samples.F,
            loss=Weighted(unweighted(samples.loss), self.sizes),
            y=A @ samples.y,
        )

    def spread(self, v: Array) -> Array:
        """A dual vector of the groups as one of all samples."""
        samples = self.samples
        return samples.loss.clip(np.asarray(self.means.T @ v), samples.y)

    def excess(self, f: Array) -> float:
        """By how much the loss of these predictions is above that of the groups."""
        rows, samples = self.rows, self.samples
        return samples.loss.value(f, samples.y) - rows.loss.value(self.means @ f, rows.y)

    def split(self, f: Array) -> Groups | None:
        """Groups that are on one side in these predictions, and more samples alone.

        All samples alone where that would be most of them; None where nothing is left to split.
        """
        height = self.signs * (f - self.samples.y)
        alone = self.alone
        parts = 2 * self.group + (height > 0.0)
        nearest = np.argpartition(np.abs(height), alone)[:alone]
        parts[nearest] = 2 * self.count + np.arange(alone)
        group = np.unique(parts, return_inverse=True)[1].ravel()
        finer = replace(self, group=group)
        if finer.count > MOST * len(f):
            finer = replace(self, group=np.arange(len(f)))
        return finer if finer.count > self.count else None


def first_groups(samples: Samples, f: Array) -> Groups:
    """Groups to begin with, by predictions near the optimum."""
    alone = max(LEAST, int(ALONE * len(samples.slope)))
    one = Groups(samples, np.zeros(len(f), dtype=np.intp), alone)
    return one.split(f) or one


@dataclass(frozen=True)
class Optimum:
    """Coefficients of blocks and free columns, (k,) and (f,), the predictions, (n,), and the dual
    vector of all samples."""

    w: Array
    c: Array
    fit: Array
    v: Array


def minimise_in_groups(
    samples: Samples,
    fit: Array,
    minimise: Callable[[Samples], tuple[Array, Array, Array]],
    *,
    enough: float,
    deadline: float = np.inf,
) -> Optimum:
    """The optimum of all samples by groups that are split until they have it.

    Parameters
    ----------
    samples : Samples
    fit : (n,) array
        Predictions near the optimum: the nearer, the fewer times groups are split.
    minimise : callable
        The optimum for some samples: coefficients w and c, and the multipliers of their
        predictions. What is minimised beside the loss is the same for all.
    enough : float
        Groups have the optimum where the loss of all samples is above theirs by no more.
    deadline : float
        As `now` counts; after it the groups are not split again.
    """
    finer: Groups | None = first_groups(samples, fit)
    while finer is not None:
        groups = finer
        w, c, v = minimise(groups.rows)
        fit = samples.fit(w, c)
        done = groups.excess(fit) <= enough or now() > deadline
        finer = None if done else groups.split(fit)
    return Optimum(w, c, fit, groups.spread(v))


def can_be_grouped(samples: Samples) -> bool:
    """Whether samples are many, and their loss has a kink at each target."""
    alone = max(LEAST, ALONE * len(samples.slope))
    return samples.loss.kinked_at_target and len(samples.y) > MANY * alone


def unweighted(loss: Loss) -> Loss:
    """The loss of a sample of weight one."""
    return loss.loss if isinstance(loss, Weighted) else loss


def weights_of(loss: Loss, n: int) -> Array:
    """The weights of n samples."""
    return loss.weights if isinstance(loss, Weighted) else np.ones(n)
