"""How a table becomes X and y, and what a network was trained for: kept beside the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.columns import complete_rows, numbers
from cvxnet.data.table import Table
from cvxnet.data.tables import some_of
from cvxnet.data.validation import check_finite, check_positive, check_size
from cvxnet.errors import InputError
from cvxnet.types import Array

Label = str | int


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """``(x - mean) / sqrt(variance)``, column by column.

    Attributes
    ----------
    mean, variance : tuple of float
        A number for each column; variances are above 0.

    Examples
    --------
    >>> Scaling(mean=(1.0,), variance=(4.0,)).apply(np.array([[5.0]])).tolist()
    [[2.0]]
    """

    mean: tuple[float, ...]
    variance: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("mean", "variance"):
            values = getattr(self, name)
            check_finite(np.array(values, dtype=np.float64), name)
            object.__setattr__(self, name, tuple(map(float, values)))
        if len(self.mean) != len(self.variance):
            raise InputError(
                f"there are {len(self.mean)} means, but {len(self.variance)} variances."
            )
        for value in self.variance:
            check_positive(value, "a variance")

    def apply(self, X: Array) -> Array:
        """The scaled columns; each operation is rounded as a layer `BatchNorm` rounds it."""
        scaled = (X - np.array(self.mean)) * (1.0 / np.sqrt(np.array(self.variance)))
        return np.asarray(scaled + 0.0)  # which makes a zero of -0.0, another number in a file


def standardising(X: Array, names: Sequence[str]) -> tuple[Scaling, list[str]]:
    """The scaling that gives each column mean 0 and variance 1, and the constant columns.

    Those are only shifted, to 0: their variance is taken to be 1.

    Raises
    ------
    InputError
        For columns whose squares are no doubles.

    Examples
    --------
    >>> scaling, constant = standardising(np.array([[1.0, 7.0], [5.0, 7.0]]), ["a", "b"])
    >>> scaling, constant
    (Scaling(mean=(3.0, 7.0), variance=(4.0, 1.0)), ['b'])
    """
    for name, column in zip(names, X.T, strict=True):
        check_size(column, f"column {name!r}")
    mean, variance = X.mean(axis=0), X.var(axis=0)
    still = (X[0] == X).all(axis=0) | (variance == 0.0)
    mean, variance = np.where(still, X[0], mean), np.where(still, 1.0, variance)
    constant = [name for name, is_still in zip(names, still, strict=True) if is_still]
    return Scaling(mean=tuple(mean.tolist()), variance=tuple(variance.tolist())), constant


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How a table becomes X and y.

    Attributes
    ----------
    features, targets : tuple of str
        The names of the columns of X and of y.
    classes : tuple of str or int, or None
        Where the one target is a column of classes, their labels in the order of the outputs; of
        two classes with one output the first is -1 and the second +1.
    scaling : Scaling or None
        What was done to the columns of X.

    Examples
    --------
    >>> made = Preparation(features=("age",), targets=("smokes",), classes=("no", "yes"))
    >>> Preparation.from_dict(made.to_dict()) == made
    True
    """

    features: tuple[str, ...]
    targets: tuple[str, ...]
    classes: tuple[Label, ...] | None = None
    scaling: Scaling | None = None

    def __post_init__(self) -> None:
        columns = len(self.features)
        if self.scaling is not None and len(self.scaling.mean) != columns:
            raise InputError(
                f"there are {columns} features, but a scaling of {len(self.scaling.mean)}."
            )
        if self.classes is not None and (len(self.targets) != 1 or len(self.classes) < 2):
            raise InputError("classes are two labels or more of one target.")

    def scaled(self, X: Array) -> Array:
        """The columns of X as the network was trained on them."""
        return X if self.scaling is None else self.scaling.apply(X)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Preparation:
        """What `to_dict` wrote; KeyError, TypeError or InputError for anything else."""
        classes, scaling = entry["classes"], entry["scaling"]
        return cls(
            features=texts(entry["features"]),
            targets=texts(entry["targets"]),
            classes=None if classes is None else labels_in(classes),
            scaling=None
            if scaling is None
            else Scaling(mean=tuple(scaling["mean"]), variance=tuple(scaling["variance"])),
        )


def complete(table: Table, preparation: Preparation, drop_missing: bool) -> Table:
    """The rows in which features and targets have values, or a refusal, see `complete_rows`."""
    names = (*preparation.features, *preparation.targets)
    return complete_rows(table, [stored(table, name) for name in names], drop_missing)


def features_in(table: Table, preparation: Preparation) -> Array:
    """The columns of a table that were features, in that order, not yet scaled.

    Raises
    ------
    InputError
        For a column that is missing, or holds something else than numbers.
    """
    positions = [stored(table, name) for name in preparation.features]
    table = complete_rows(table, positions, drop_missing=False)
    return np.column_stack([numbers(table, at) for at in positions])


def targets_in(table: Table, preparation: Preparation) -> NDArray[Any]:
    """The columns of a table that were targets, (n,) or (n, c); of classes their numbers from 0.

    Raises
    ------
    InputError
        For a column that is missing or holds something else, and for labels that are no class.
    """
    positions = [stored(table, name) for name in preparation.targets]
    table = complete_rows(table, positions, drop_missing=False)
    if preparation.classes is not None:
        return class_numbers(table, positions[0], preparation.classes)
    columns = [numbers(table, at) for at in positions]
    return columns[0] if len(columns) == 1 else np.column_stack(columns)


def stored(table: Table, name: str) -> int:
    """The position of a column that has to be there."""
    if name not in table.names:
        raise InputError(
            f"{table} has no column {name!r}, which the network was trained on. Its columns "
            f"are: {', '.join(table.names)}."
        )
    return table.position(name)


def class_numbers(table: Table, position: int, classes: Sequence[Label]) -> NDArray[Any]:
    """The place of each label of a column among the classes."""
    places = {label: place for place, label in enumerate(classes)}
    found = []
    for row, text in enumerate(table.texts(position)):
        number = table.notation.number(text)
        whole = number is not None and number.is_integer()
        place = places.get(text, places.get(int(number or 0)) if whole else None)
        if place is None:
            raise InputError(
                f"{table.place(position, row)}: {text!r} is none of the classes "
                f"{some_of(list(classes))}."
            )
        found.append(place)
    return np.array(found)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a network was trained on, and for: kept in its file.

    Attributes
    ----------
    preparation : Preparation
        How its table became X and y.
    loss : str
    weight_decay : float
    output_weights : str
        The sign asked for, see `Objective`.
    samples : int
        How many it was trained on.
    """

    preparation: Preparation
    loss: str
    weight_decay: float
    output_weights: str
    samples: int

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Origin:
        """What `to_dict` wrote; KeyError, TypeError or InputError for anything else."""
        return cls(
            preparation=Preparation.from_dict(entry["preparation"]),
            loss=texts([entry["loss"]])[0],
            weight_decay=check_positive(entry["weight_decay"], "weight_decay"),
            output_weights=texts([entry["output_weights"]])[0],
            samples=int(entry["samples"]),
        )


def texts(names: Any) -> tuple[str, ...]:
    """Names that are text, at least one and none twice; TypeError for anything else."""
    labels = labels_in(names)
    if not labels or not all(isinstance(name, str) for name in labels):
        raise TypeError(f"expected a list of names, not {names!r:.40}")
    return tuple(map(str, labels))


def labels_in(labels: Any) -> tuple[Label, ...]:
    """Labels, none twice; TypeError for anything else."""
    if not isinstance(labels, list | tuple) or not all(type(x) in (str, int) for x in labels):
        raise TypeError(f"expected a list of labels, not {labels!r:.40}")
    if len(set(labels)) < len(labels):
        raise TypeError("a label or name occurs twice")
    return tuple(labels)
