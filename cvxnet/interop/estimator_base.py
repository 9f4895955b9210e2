"""What the estimators for scikit-learn share: data in, training, warnings, scores out."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from cvxnet.data.memory import check_room
from cvxnet.data.validation import remarks
from cvxnet.errors import InputError
from cvxnet.losses import Loss
from cvxnet.objective import Budget, Family, Form, Objective, check_fits
from cvxnet.optional import import_sklearn
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.clock import now
from cvxnet.training.selection import Selection, select_weight_decay
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import largest_useful, solve
from cvxnet.types import Array

base: Any = import_sklearn("base")
exceptions = import_sklearn("exceptions")
validation = import_sklearn("utils.validation", "validate_data")

SHARE = 0.03
"""Of the largest useful weight decay: what is taken where none is given."""
CHOSEN = "cv"
"""What `weight_decay` says where cross-validation is to choose it."""
PRICING = 0.1
"""Share of the time limit for the largest useful weight decay."""
LEAST = 1e-9
"""Seconds that are left for training whatever came before."""


def validated(model: Any, **data: Any) -> Any:
    """What scikit-learn makes of the data, and its refusals; it converts without looking."""
    taken = ["csr", "csc"] if model._units.traits.sparse else False
    try:
        return validation.validate_data(model, dtype=np.float64, accept_sparse=taken, **data)
    except OverflowError as error:
        raise InputError(
            f"the data cannot be read as numbers ({error}): a whole number in them is beyond the "
            "range of doubles, 1.8e308."
        ) from None


def merge_rows(X: Array, y: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Equal samples as one with the sum of their weights, in an order of their own.

    X (n, d), y (n,) or (n, c), weights (n,). The objective is the same. So repeating a sample is
    exactly the same as doubling its weight, and the order of the samples makes no difference. A
    sparse X stays as it is.

    Examples
    --------
    >>> X, y, weights = merge_rows(np.array([[2.0], [1.0], [2.0]]), np.ones(3), np.ones(3))
    >>> X.ravel().tolist(), weights.tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    if issparse(X):  # what equal rows cost there is little
        return X, y, weights
    rows, where = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)
    together = np.bincount(where.ravel(), weights).astype(np.float64)
    X, y = rows[:, : X.shape[1]], rows[:, X.shape[1] :].reshape(-1, *y.shape[1:])
    return X, y, together


@dataclass(frozen=True)
class Fit:
    """A trained network, and how its weight decay was chosen, where cross-validation did that.

    ``choice`` says it where it was chosen on paths.
    """

    solution: Solution
    selection: Selection | None = None
    choice: Any = None


@dataclass(eq=False, repr=False)
class ConvexNet(base.BaseEstimator):
    """What the two estimators share: the parameters of `cvxnet.train`, data in and scores out.

    The fields are the parameters: scikit-learn finds them in the signature that they make.
    """

    activation: Any = "relu"
    _: KW_ONLY
    weight_decay: float | str | None = None
    loss: str = "squared"
    norm: str = "l2"
    bias: bool = True
    output_bias: bool = True
    skip: bool = False
    output_weights: str = "any"
    width: int | None = None
    gap: float = 1e-4
    proof: float = 1.0
    solver: str = "CLARABEL"
    time_limit: float | None = 2.0

    @property
    def _units(self) -> Family:
        """The unit family."""
        units = self.activation
        return units if isinstance(units, Family) else Family(units)

    def _read(self, X: Any, y: Any, sample_weight: Any, **wanted: bool) -> tuple[Any, Any, Any]:
        """Data, target and weights as arrays."""
        check_fits(self._units, X, y, self.bias)
        X, y = validated(self, X=X, y=y, **wanted)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        weights = validation._check_sample_weight(sample_weight, X, dtype=np.float64)
        if (weights < 0.0).any():
            raise InputError(f"sample_weight must not be negative, but has {weights.min():g}.")
        return X, y, weights

    def _used(self, X: Array, y: Any, weights: Array) -> tuple[Array, Any, Array]:
        """What is trained on: the samples of positive weight."""
        return without_weightless(X, y, weights)

    def _train(
        self, X: Array, y: Any, weights: Array, loss: Loss, labels: NDArray[Any] | None = None
    ) -> Fit:
        """One network; with ``labels`` its target is their numbers in ``y``."""
        begin, selection = now(), None
        budget = Budget(
            gap=self.gap, solver=self.solver, time_limit=self.time_limit, proof=self.proof
        )
        objective = self._objective(*merge_rows(X, y, weights), loss, labels)
        if self.weight_decay is None:  # 0 where free weights fit the target exactly
            largest = largest_useful(objective, begin + PRICING * budget.seconds)
            objective = replace(objective, weight_decay=SHARE * largest or 1.0)
        elif self.weight_decay == CHOSEN:
            selection, begin = select_weight_decay(objective, budget), now()
            objective = replace(objective, weight_decay=selection.weight_decay)
        left = max(budget.seconds - (now() - begin), LEAST)
        return Fit(solve(objective, part_of(budget, left)), selection)

    def _objective(
        self, X: Array, y: Any, weights: Array, loss: Loss, labels: NDArray[Any] | None
    ) -> Objective:
        """What is minimised, the weight decay 1 where it is still to be chosen."""
        given: Any = self.weight_decay
        return Objective(
            units=self._units,
            X=X,
            y=y if labels is None else labels[y.astype(int)],
            loss=loss,
            weight_decay=1.0 if given is None or given == CHOSEN else given,
            form=Form(self.bias, self.output_bias, self.skip),
            norm=self.norm,
            output_weights=self.output_weights,
            sample_weight=None if (weights == 1.0).all() else weights,
            width=self.width,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._units.traits.sparse
        return tags

    def _keep(self, fits: list[Fit]) -> Self:
        """The fitted attributes: one of each, or lists with one for each class."""
        for fit in fits:
            if text := open_text(fit.solution, self.gap, self.proof):
                warnings.warn(text, exceptions.ConvergenceWarning, stacklevel=3)
        solutions = [fit.solution for fit in fits]
        self.solution_ = one_or_all(solutions)
        self.network_ = one_or_all([solution.network for solution in solutions])
        self.certificate_ = one_or_all([solution.certificate for solution in solutions])
        self.selection_ = one_or_all([fit.selection for fit in fits])
        self.n_iter_ = max(solution.stats["rounds"] for solution in solutions)
        return self

    def _scores(self, X: Any) -> Array:
        """The outputs of the network, or of every one, (n, outputs)."""
        validation.check_is_fitted(self)
        if not (issparse(X) and self._units.traits.sparse):
            check_room(X, "X")
        X = validated(self, X=X, reset=False)
        networks = self.network_ if isinstance(self.network_, list) else [self.network_]
        return np.hstack([network(X) for network in networks])


def without_weightless(X: Array, y: Any, weights: Array) -> tuple[Array, Any, Array]:
    """Only the samples of positive weight; what is odd about them is a warning."""
    used = weights > 0.0
    if not used.any():  # newer versions of scikit-learn say so themselves
        raise InputError("every sample weight is zero: there is nothing to learn from.")
    X, y, weights = X[used], y[used], weights[used]
    for remark in remarks(X, y):
        warnings.warn(remark, UserWarning, stacklevel=4)
    return X, y, weights


def part_of(budget: Budget, seconds: float) -> Budget:
    """The same budget for so many seconds."""
    return replace(budget, time_limit=seconds if np.isfinite(seconds) else None)


def one_or_all(values: list[Any]) -> Any:
    """The only one of a list, or the list."""
    return values[0] if len(values) == 1 else values


def open_text(solution: Solution, gap: float, proof: float) -> str:
    """What to say of a bracket that did not close; empty where it did, or was not asked for.

    Without a proof that is asked for a network that might still improve is worth a word.
    """
    if solution.status == "optimal":
        return ""
    if not proof and solution.stats["converged"] and not solution.warning:
        return ""
    lower, upper = bracket_text(solution.lower_bound, solution.value)
    return (
        f"the bracket did not close to the gap {gap:g}: {lower} <= optimum <= {upper}, gap "
        f"{solution.gap:.1e}; {solution.warning or solution.stats['stopped']}"
    )
