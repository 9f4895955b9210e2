"""What a picture is of: a solution in the units and with the names that its user knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from cvxnet.data.validation import as_floats
from cvxnet.errors import InputError
from cvxnet.objective import Objective
from cvxnet.plots.style import check_names, literal, short
from cvxnet.training.solution import Solution
from cvxnet.types import Array

Scale = tuple[Any, Any]
"""Mean and scale of each column: the network was trained on ``(X - mean) / scale``."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Subject:
    """A solution as pictures show it.

    Attributes
    ----------
    solution : Solution
    X : (n, d) array
        The samples in the units of the user.
    features, targets : list of str
        A name for each column of X, and one for each output.
    labels : list of str
        Of the classes in the order of the outputs, or of -1 and +1; empty where y is numbers.
    mean, scale : (d,) arrays
        The network was trained on ``(X - mean) / scale``.
    """

    solution: Solution
    X: Array
    features: list[str]
    targets: list[str]
    labels: list[str]
    mean: Array
    scale: Array

    @cached_property
    def y(self) -> Array:
        """The targets, (n, outputs)."""
        y = self.solution.objective.y
        return y.reshape(len(y), -1)

    @property
    def outputs(self) -> int:
        """How many outputs the network has."""
        return self.solution.objective.outputs

    @property
    def softmax(self) -> bool:
        """Whether the outputs are classes of which there may be any number."""
        return self.solution.classes is not None

    @property
    def probable(self) -> bool:
        """Whether what is shown are probabilities, and not the outputs themselves."""
        return stands_for_probabilities(self.solution.objective)

    @cached_property
    def own(self) -> NDArray[np.int64]:
        """The class of each sample: a number, or with several outputs of two classes a row."""
        if self.softmax:
            return np.asarray(self.y.argmax(axis=1))
        sides = (self.y > 0.0).astype(np.int64)
        return sides[:, 0] if self.outputs == 1 else sides

    @cached_property
    def targets_shown(self) -> Array:
        """The targets on the scale of `shown`, (n, outputs)."""
        return (self.y + 1.0) / 2.0 if self.probable and not self.softmax else self.y

    def main_outputs(self, most: int) -> list[int]:
        """At most so many outputs in order: the first ones, of classes the most frequent ones."""
        if not self.softmax:
            return list(range(min(self.outputs, most)))
        frequent = np.argsort(-self.y.sum(axis=0), kind="stable")[:most]
        return sorted(frequent.tolist())

    @property
    def told(self) -> str:
        """What `shown` is called where it has one name for all outputs."""
        if self.softmax:
            return "probability of the class"
        if self.labels:
            what = "probability" if self.probable else "score"
            return f"{what} of {self.labels[1]}" if self.outputs == 1 else what
        return self.targets[0] if self.outputs == 1 else ""

    def values(self, X: Array) -> Array:
        """The outputs at rows in the units of the user, (n, outputs)."""
        return np.asarray(self.solution.network((X - self.mean) / self.scale))

    def shown(self, X: Array) -> Array:
        """The outputs as probabilities, where they stand for such, (n, outputs)."""
        return probabilities(self.solution.objective, self.values(X))

    def shares(self, X: Array, output: int = 0) -> Array:
        """How sure the network is of each class, (n, classes), rows of sum one."""
        return shares(self.solution.objective, self.values(X), output)

    def units(self) -> tuple[Array, Array, Array]:
        """The hidden units that are there, for rows in the units of the user: W, b and a."""
        weights = self.solution.certificate.weights
        there = (weights.a != 0.0).reshape(len(weights.W), weights.outputs).any(axis=1)
        W = weights.W[there] / self.scale
        b = 0.0 if weights.b is None else weights.b[there]
        return W, b - W @ self.mean, weights.a[there]

    def kinks(self) -> tuple[Array, Array]:
        """Where the units have their kink or step, ``W x + b = 0``, for rows of the user."""
        W, b = kinks(self.solution)
        W = W / self.scale
        return W, b - W @ self.mean

    @property
    def change(self) -> str:
        """What units have there, in the plural: kinks, or steps; empty where nothing."""
        change = self.solution.objective.units.traits.change
        return f"{change}s" if change and self.solution.units else ""


def stands_for_probabilities(objective: Objective) -> bool:
    """Whether outputs stand for probabilities."""
    return objective.classes is not None or objective.loss.name == "logistic"


def probabilities(objective: Objective, f: Array) -> Array:
    """Outputs (n, outputs) as probabilities, where they stand for such; otherwise as they are."""
    if objective.classes is not None:
        return np.asarray(softmax(f, axis=1))
    return np.asarray(expit(f)) if stands_for_probabilities(objective) else f


def shares(objective: Objective, f: Array, output: int = 0) -> Array:
    """How sure a network is of each class.

    Their probabilities; for losses with a margin it is sure of one beyond the margin.

    Parameters
    ----------
    objective : Objective
        With classes.
    f : (n, outputs) array
        What the network says.
    output : int
        Where outputs have two classes each, of which.

    Returns
    -------
    (n, classes) array
        Rows of sum one.

    Examples
    --------
    >>> import cvxnet as cn
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [-1, 1], loss="hinge", weight_decay=0.1)
    >>> shares(solution.objective, np.array([[0.0], [0.5], [3.0]])).tolist()
    [[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]]
    """
    P = probabilities(objective, f)
    if objective.classes is not None:
        return P
    probable = stands_for_probabilities(objective)
    p = P[:, output] if probable else (1.0 + np.clip(P[:, output], -1.0, 1.0)) / 2.0
    return np.column_stack([1.0 - p, p])


def subject_of(
    solution: Solution,
    feature_names: Sequence[str] | None,
    target: str | Sequence[str] | None,
    classes: Sequence[Any] | None = None,
    scale: Scale | None = None,
) -> Subject:
    """Names and units checked; those not given come from the preparation, or are made up."""
    names, (mean, spread) = columns_of(solution, feature_names, scale)
    known = solution.certificate.preparation
    if known is not None:
        target = known.targets if target is None else target
        if solution.objective.loss.labels:
            classes = known.classes if classes is None else classes
    labels = check_classes(solution, classes)
    return Subject(
        solution=solution,
        X=mean + spread * solution.objective.X,
        features=names,
        targets=labels if solution.classes is not None else target_names(solution, target),
        labels=labels,
        mean=mean,
        scale=spread,
    )


def columns_of(
    solution: Solution, feature_names: Sequence[str] | None, scale: Scale | None
) -> tuple[list[str], tuple[Array, Array]]:
    """The names of the columns of X, and their mean and scale; see `subject_of`."""
    d, known = solution.objective.X.shape[1], solution.certificate.preparation
    if known is not None:
        feature_names = known.features if feature_names is None else feature_names
        if scale is None and known.scaling is not None:
            scale = known.scaling.mean, np.sqrt(known.scaling.variance)
    return check_names(feature_names, d), check_scale(scale, d)


def check_scale(scale: Scale | None, d: int) -> tuple[Array, Array]:
    """Mean and scale of each of d columns."""
    if scale is None:
        return np.zeros(d), np.ones(d)
    if len(scale) != 2:
        raise InputError("scale is the pair (mean, scale), two numbers for each column of X.")
    mean, spread = as_floats(scale[0], "the mean"), as_floats(scale[1], "the scale")
    if mean.shape != (d,) or spread.shape != (d,) or not np.isfinite(mean).all():
        raise InputError(
            f"scale is the pair (mean, scale) of shapes {mean.shape} and {spread.shape}; expected "
            f"({d},) each, finite numbers for each column of X."
        )
    if not ((spread > 0.0) & np.isfinite(spread)).all():
        raise InputError("scale is the pair (mean, scale): each scale must be above 0 and finite.")
    return mean, spread


def check_classes(solution: Solution, classes: Sequence[Any] | None) -> list[str]:
    """Labels of classes as they are drawn; none where y is numbers."""
    loss, known = solution.objective.loss, solution.classes
    if known is None and not loss.labels:
        if classes is not None:
            raise InputError(
                f"classes is {classes!r}, but with the {loss.name} loss y is numbers: leave it out."
            )
        return []
    there: Sequence[Any] = ("-1", "+1") if known is None else known.tolist()
    names = there if classes is None else classes
    if isinstance(names, str) or len(names) != len(there):
        raise InputError(
            f"classes is {names!r}; expected {len(there)} labels, in the order of {list(there)}."
        )
    return [literal(short(label)) for label in names]


def target_names(solution: Solution, target: str | Sequence[str] | None) -> list[str]:
    """A name for each output: those given, or the one name with a number."""
    outputs, target = solution.objective.outputs, "target" if target is None else target
    if isinstance(target, str):
        names = [target] if outputs == 1 else [f"{target} {k}" for k in range(outputs)]
    else:
        names = list(target)
    if len(names) != outputs:
        raise InputError(f"target is {target!r}; expected {outputs} names, one an output.")
    return [literal(short(name)) for name in names]


def kinks(solution: Solution) -> tuple[Array, Array]:
    """Where the hidden units that are there have their kink or step, ``w.x + b = 0``.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.

    Returns
    -------
    W : (k, d) array
        Their weights; empty where units of this family have neither kink nor step.
    b : (k,) array
        Their biases.

    Examples
    --------
    >>> import cvxnet as cn
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False)
    >>> W, b = kinks(solution)
    >>> W.shape, b.tolist()
    ((2, 1), [0.0, 0.0])
    """
    certificate = solution.certificate
    there = (certificate.a != 0.0).reshape(len(certificate.W), certificate.outputs).any(axis=1)
    used = there & bool(solution.objective.units.traits.change)
    W = certificate.W[used]
    return W, np.zeros(len(W)) if certificate.b is None else certificate.b[used]


def count_units(solution: Solution) -> str:
    """How many hidden units, in words.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.

    Returns
    -------
    str

    Examples
    --------
    >>> import cvxnet as cn
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False)
    >>> count_units(solution)
    '2 hidden units'
    """
    return f"{solution.units} hidden unit{'s' * (solution.units != 1)}"
