"""Which weight decay: cross-validation along a grid of shares of the largest useful one.

The shares are of one number, the largest useful weight decay of all the data. The objective is a
sum over the samples, so a part of them, of which the weights add up to a share p of all, is trained
with p times the weight decay: then the balance of loss and penalty is the one that all the data
will have, and the same weight decay means the same in every fold. (Shares of a largest weight decay
of each fold would differ by what one sample on the edge of the data does to that number.)

The networks of the folds are those that local search comes to, and nothing is proved of them: the
scores of a fold differ by far more between parts of the data than between a network that is within
a thousandth of the optimum and one that is at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import InputError
from cvxnet.layers import Sequential
from cvxnet.losses import Weighted
from cvxnet.objective import Budget, Objective, network_of
from cvxnet.training.clock import now
from cvxnet.training.every_width import bracket_of
from cvxnet.training.local_search import start_wide
from cvxnet.training.problem import Problem, Units
from cvxnet.training.recovery import problem_of, weights_of
from cvxnet.training.scaling import rescale
from cvxnet.training.start import open_bracket
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.trainer import largest_useful
from cvxnet.types import Array

SHARES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Of the largest useful weight decay: what is tried, in this order."""
SECONDS = 20.0
"""For all networks together, where no budget was given."""
PATIENCE = 2
"""After so many shares in a row that are no better than one before, smaller ones are not tried."""
LOOSE = 1e-2
"""Gap of the networks of the folds, where units cannot slide."""
NEVER = -1
"""The fold of samples that are in no test set."""

Shown = Callable[[str], None]
Strata = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, repr=False)
class Selection:
    """A weight decay chosen by cross-validation, and why.

    Attributes
    ----------
    weight_decay : float
        The one chosen: its score is the best. 1 where ``largest`` is 0, as it makes no difference.
    largest : float
        The largest useful one, see `cvxnet.largest_weight_decay`.
    shares : tuple of float
        Those of ``largest`` that were tried, from large to small.
    scores, errors : tuple of float
        Mean loss of a held-out sample for each share, and the standard error of that mean over the
        folds.
    accuracies : tuple of float
        Share of held-out samples whose class was right; empty for targets that are numbers.
    folds : int
        How many there were.
    seconds : float
        What it took.
    """

    weight_decay: float
    largest: float
    shares: tuple[float, ...]
    scores: tuple[float, ...]
    errors: tuple[float, ...]
    accuracies: tuple[float, ...]
    folds: int
    seconds: float

    @property
    def best(self) -> int:
        """Which of the shares was chosen."""
        return int(np.argmin(self.scores))

    @property
    def text(self) -> str:
        """What was chosen and why, in a line."""
        if not self.shares:
            return (
                f"weight decay {self.weight_decay:g}: without hidden units the loss is as small as "
                "with them, whatever the weight decay"
            )
        best = self.best
        right = f", accuracy {self.accuracies[best]:.3f}" if self.accuracies else ""
        return (
            f"weight decay {self.weight_decay:.4g}, {self.shares[best]:g} of the largest useful "
            f"one: held-out loss {self.scores[best]:.4g} +- {self.errors[best]:.2g} a sample{right}"
            f" in {self.folds} folds, best of {len(self.shares)} shares from {self.shares[0]:g} to "
            f"{self.shares[-1]:g}"
        )

    def __repr__(self) -> str:
        return f"<Selection: {self.text}, {self.seconds:.1f} s>"


@dataclass(frozen=True)
class Score:
    """Of the networks of all folds: mean loss, its standard error, and accuracy or None."""

    weight_decay: float
    loss: float
    error: float
    accuracy: float | None

    @property
    def text(self) -> str:
        """Loss and standard error."""
        return f"{self.loss:.4g} +- {self.error:.2g}"


def select_weight_decay(
    objective: Objective,
    budget: Budget | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    shares: Sequence[float] = SHARES,
    show: Shown | None = None,
) -> Selection:
    """The weight decay with the smallest loss on held-out samples, in cross-validation.

    Parameters
    ----------
    objective : Objective
        Its own weight decay does not matter.
    budget : Budget, optional
        Its time limit is for all networks together, 20 seconds if no budget is given: what was not
        tried by then is not. Its solver solves masters. Its gap does not matter.
    folds : int
        Parts of the samples, each held out once; fewer where there are fewer samples. Each has its
        share of each class. The only sample of a class is never held out.
    seed : int
        Of the order in which samples are dealt out.
    shares : sequence of float
        Of the largest useful weight decay. They are tried from large to small, while the score
        improves.
    show : callable, optional
        Called with a line of text after each share.

    Returns
    -------
    Selection

    Raises
    ------
    InputError
        Where there are no two samples to be told apart, or for a number of folds below two.

    Examples
    --------
    >>> from cvxnet.losses import get_loss
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.cos(50 * X[:, 0])
    >>> objective = Objective(units="relu", X=X, y=y, loss=get_loss("squared"), weight_decay=1.0)
    >>> selection = select_weight_decay(objective, folds=3, shares=(0.5, 0.05))
    >>> selection.best, round(selection.weight_decay / selection.largest, 3)
    (1, 0.05)
    """
    begin = now()
    budget = budget or Budget(time_limit=SECONDS)
    where, deadline = deal_out(objective, folds, seed), begin + budget.seconds
    largest, scores = largest_useful(objective), list[Score]()
    if largest:
        downwards = [share * largest for share in sorted(shares, reverse=True)]
        for score in scores_of(objective, downwards, where, budget, deadline):
            scores.append(score)
            if show is not None:
                show(f"share {score.weight_decay / largest:.2g}: held-out loss {score.text}")
    best = min(scores, key=lambda score: score.loss, default=None)
    return Selection(
        weight_decay=1.0 if best is None else best.weight_decay,
        largest=largest,
        shares=tuple(sorted(shares, reverse=True)[: len(scores)]),
        scores=tuple(score.loss for score in scores),
        errors=tuple(score.error for score in scores),
        accuracies=tuple(score.accuracy for score in scores if score.accuracy is not None),
        folds=int(where.max()) + 1,
        seconds=now() - begin,
    )


def scores_of(
    objective: Objective,
    weight_decays: list[float],
    where: Strata,
    budget: Budget,
    deadline: float,
) -> Iterator[Score]:
    """The scores of weight decays from large to small, while they improve and there is time."""
    lowest, still = np.inf, 0
    for i, weight_decay in enumerate(weight_decays):
        end = now() + (deadline - now()) / (len(weight_decays) - i)
        score = score_of(replace(objective, weight_decay=weight_decay), where, budget, end)
        yield score
        still = 0 if score.loss < lowest else still + 1
        lowest = min(lowest, score.loss)
        if now() > deadline or still == PATIENCE:
            return


def deal_out(objective: Objective, folds: int, seed: int) -> Strata:
    """The fold of each sample, (n,), NEVER for those that are in no test set.

    Classes are dealt out one after the other, so that each fold has its share of each.
    """
    if not isinstance(folds, int) or folds < 2:
        raise InputError(f"folds is {folds!r}; expected a whole number of at least 2.")
    n, rng = len(objective.y), np.random.default_rng(seed)
    kinds = np.zeros(n, dtype=int)
    if objective.classes is not None:
        kinds = objective.y.argmax(axis=1)
    elif objective.loss.labels and objective.y.ndim == 1:
        kinds = (objective.y > 0.0).astype(int)
    order = rng.permutation(n)
    order = order[np.argsort(kinds[order], kind="stable")]
    many = (np.bincount(kinds)[kinds] > 1)[order]
    if not many.any():
        raise InputError(
            f"there is nothing to hold out: y has {n} sample{'s' * (n > 1)}, each the only one of "
            "its class. Give a weight decay instead of having it chosen by cross-validation."
        )
    where = np.full(n, NEVER)
    where[order[many]] = np.arange(many.sum()) % folds
    return where


def score_of(objective: Objective, where: Strata, budget: Budget, deadline: float) -> Score:
    """The loss of the networks of all folds on what they have not seen."""
    folds = int(where.max()) + 1
    losses, rights = np.zeros(folds), np.zeros(folds)
    weights = weights_in(objective)
    for fold in range(folds):
        end = now() + (deadline - now()) / (folds - fold)
        network = fit_briefly(part_of(objective, where != fold), budget, end)
        test = where == fold
        y, w = objective.y[test], weights[test]
        f = np.asarray(network(objective.X[test])).reshape(y.shape)
        losses[fold] = Weighted(objective.loss, w).value(f, y) / w.sum()
        rights[fold] = w @ are_right(objective, f, y) / w.sum()
    known = objective.loss.labels or objective.classes is not None
    return Score(
        weight_decay=objective.weight_decay,
        loss=float(losses.mean()),
        error=float(losses.std(ddof=1) / np.sqrt(folds)),
        accuracy=float(rights.mean()) if known else None,
    )


def weights_in(objective: Objective) -> Array:
    """The weight of each sample, (n,)."""
    weights = objective.sample_weight
    return np.ones(len(objective.y)) if weights is None else weights


def are_right(objective: Objective, f: Array, y: Array) -> Array:
    """The share of each sample's classes that predictions tell, (n,)."""
    if objective.classes is not None:
        return np.asarray(f.argmax(axis=1) == y.argmax(axis=1), dtype=np.float64)
    return np.asarray(((f > 0.0) == (y > 0.0)).reshape(len(y), -1).mean(axis=1))


def part_of(objective: Objective, rows: NDArray[np.bool_]) -> Objective:
    """The objective of a part of the samples, its weight decay in proportion to their weight.

    Without the network that may have been given, which may have seen the others.
    """
    weights = weights_in(objective)
    return replace(
        objective,
        X=objective.X[rows],
        y=objective.y[rows],
        sample_weight=None if objective.sample_weight is None else weights[rows],
        weight_decay=objective.weight_decay * weights[rows].sum() / weights.sum(),
        network=None,
        width=None,
    )


def fit_briefly(objective: Objective, budget: Budget, deadline: float) -> Sequential:
    """A network by local search alone; by column generation, to a loose gap, where none slides."""
    problem = problem_of(objective)
    if problem.family.slides:
        weights = weights_of(problem, descended(problem, deadline), objective.form)
    else:
        bracket, _ = bracket_of(objective, replace(budget, gap=LOOSE), deadline)
        weights = weights_of(bracket.problem, bracket.units, objective.form)
    return network_of(objective.units, weights, objective.output_weights)


def descended(given: Problem, deadline: float) -> Units:
    """The units that one start of local search comes to."""
    problem, scale = rescale(given)
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread():
        bracket = open_bracket(problem)
        for units in start_wide(problem, bracket.units.free, deadline, starts=1):
            bracket.offer_units(units)
    return scale.undo(bracket.units)
