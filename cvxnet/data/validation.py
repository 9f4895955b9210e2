"""What comes from outside: arrays and numbers are checked here, once, at the public door."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxnet.data.memory import check_room
from cvxnet.errors import InputError
from cvxnet.types import Array

SMALLEST, LARGEST = 1e-60, 1e60
"""Of what is given: columns of data, targets, weights."""


def as_floats(value: Any, what: str) -> Array:
    """Convert to a float64 array; text, ragged lists and complex numbers are refused by name.

    Tensors of torch may be anywhere and may require a gradient, which nothing here uses. Nothing is
    made of what there is no memory for.
    """
    check_room(value, what)
    value = without_gradient(value)
    try:
        if np.iscomplexobj(array := np.asarray(value)):
            raise InputError(f"{what} has complex entries; cvxnet works on real numbers.")
        return np.array(array, dtype=np.float64)
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise InputError(
            f"{what} cannot be read as an array of numbers ({error}). Encode text columns as "
            "numbers first, and give rows of equal length."
        ) from None


def without_gradient(value: Any) -> Any:
    """What numpy reads: tensors of torch without their gradient, all else as it is."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        return value.detach().cpu()
    return value


def as_array(value: Any, what: str) -> NDArray[Any]:
    """An array of whatever it is; InputError for rows of unequal length."""
    try:
        return np.asarray(without_gradient(value))
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{what} cannot be read as an array ({error}).") from None


def check_finite(array: Array, what: str) -> None:
    """Raise InputError naming the first entry that is NaN or infinite."""
    flat = array.ravel(order="K")
    if np.isfinite(np.einsum("i,i", flat, flat)):  # quick; infinite for large squares, too
        return
    bad = ~np.isfinite(array)
    count = int(np.count_nonzero(bad))
    if count:
        first = np.unravel_index(int(bad.argmax()), array.shape)
        where = ", ".join(str(int(i)) for i in first)
        raise InputError(
            f"{what}[{where}] is {array[first]} ({count} such entr{'y' if count == 1 else 'ies'} "
            "in all). Remove or impute these rows first."
        )


def check_size(value: Any, what: str, smallest: float = SMALLEST) -> None:
    """Raise InputError where a size is so far from 1 that squares and products are no doubles."""
    size = float(np.abs(value).max(initial=0.0))
    if size > LARGEST or 0.0 < size < smallest:
        raise InputError(
            f"{what} is of size {size:.3g}, but has to be 0 or from {SMALLEST:g} to {LARGEST:g}: "
            "squares and products of such numbers are beyond doubles. Choose another unit for it."
        )


def check_matrix(X: Any, what: str = "X") -> Array:
    """The data matrix, n x d with n, d >= 1, finite."""
    X = as_matrix(X, what)
    check_finite(X, what)
    return X


def as_matrix(X: Any, what: str) -> Array:
    """`as_floats` of n x d numbers with n, d >= 1."""
    X = as_floats(X, what)
    if X.ndim != 2:
        raise InputError(
            f"{what} has shape {X.shape}; expected n rows (samples) by d columns (features). "
            f"A single feature is {what}.reshape(-1, 1)."
        )
    if X.shape[0] == 0 or X.shape[1] == 0:
        raise InputError(f"{what} is empty (shape {X.shape}); at least one row and column needed.")
    return X


def check_labels(y: Any, what: str) -> NDArray[Any]:
    """Labels of any one kind, (n,): text, whole numbers, truth values; none missing."""
    labels = as_array(y, what)
    if labels.ndim == 2 and labels.shape[1] == 1:
        y = labels = labels[:, 0]
    if labels.ndim != 1 or not labels.size:
        raise InputError(
            f"{what} has shape {labels.shape}; expected one label per row of X, at least one."
        )
    entries = list(y) if labels.dtype.kind in "OUS" else labels.tolist()  # as they were given
    for i, label in enumerate(entries):
        if is_missing(label):
            raise InputError(f"{what}[{i}] is {label!r}: remove the rows without a label first.")
    check_one_kind(entries, what)
    return np.array(entries) if labels.dtype.kind == "O" else labels


def is_missing(label: Any) -> bool:
    """Whether a label is None, NaN, infinite, or what pandas writes in its place.

    >>> is_missing(None), is_missing(float("nan")), is_missing("nan"), is_missing(0)
    (True, True, False, False)
    """
    try:
        if label is None or bool(label != label):
            return True
    except TypeError:  # pandas' NA is neither true nor false
        return True
    return isinstance(label, float) and not np.isfinite(label)


def check_one_kind(entries: list[Any], what: str) -> None:
    """Refuse labels that are part numbers, and numbers that are no labels."""
    numbers = [isinstance(label, Number) for label in entries]
    if any(numbers) and not all(numbers):
        text, number = entries[numbers.index(False)], entries[numbers.index(True)]
        raise InputError(
            f"{what} has labels of several kinds, such as {number!r} and {text!r}: a number and "
            "its text would be two classes. Convert all of them to text, or all to numbers."
        )
    if all(numbers) and not all(np.isrealobj(label) and label == int(label) for label in entries):
        raise InputError(
            f"{what} has numbers that are not whole, so they look like values, not like classes. "
            'Take another loss, such as loss="squared", or convert them to text.'
        )


def remarks(X: Any, y: Any) -> list[str]:
    """What is odd about data from which a network is to learn; nothing where nothing is.

    >>> remarks(np.ones((2, 1)), np.array([7.0, 7.0]))
    ['the target is constant (every entry is 7): check that it is the column that you mean']
    """
    found = []
    if X.shape[0] == 1:
        found.append("there is one sample only")
    else:
        columns = {"the target": y}
        if y.ndim == 2:
            columns = {f"target {k}": column for k, column in enumerate(y.T)}
        found += [
            f"{name} is constant (every entry is {entry(column[0])}): check that it is the column "
            "that you mean"
            for name, column in columns.items()
            if (column == column[0]).all()
        ]
    if not (X.count_nonzero() if sparse.issparse(X) else X.any()):
        found.append("the features are zero everywhere, so they tell no samples apart")
    return found


def entry(value: Any) -> str:
    """A number or label in a message."""
    return f"{value:g}" if isinstance(value, float) else repr(value)


def check_gap(value: Any) -> float:
    """A relative gap to reach: above 0, and below 1, the gap of the trivial lower bound 0."""
    gap = check_positive(value, "gap", "A gap of 1e-6 is usual.")
    if gap >= 1.0:
        raise InputError(
            f"gap is {gap:g}, but any network has a relative gap of at most 1, (upper - lower) / "
            "upper with the lower bound 0, so there would be nothing to prove. 1e-6 is usual."
        )
    return gap


def check_positive(value: Any, what: str, why: str = "") -> float:
    """A finite number above zero."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{what} must be a number, not {value!r}.") from None
    except OverflowError:
        raise InputError(f"{what} is a number too large for a double.") from None
    if not np.isfinite(number) or number <= 0.0:
        raise InputError(f"{what} must be a finite number above 0, not {number:g}. {why}".strip())
    return number
