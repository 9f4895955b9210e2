"""Sparse matrices: rows of entries, and exact products with them in one pass over the entries.

A file writes them as ``{"shape": [n, d], "starts": ..., "columns": ..., "values": ...}``: row i has
the entries from starts[i] to starts[i + 1], at rising columns; all others are 0. Units that are
linear in x have the features X w and g(u) = (X^T v) . u, so nothing has to be made dense.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from flint import fmpq

from .document import RefusalError, members
from .exact import Matrix, check_size, over_common_denominator, rational, whole
from .packing import Table, extent, integers, numbers

PORTION = 1000  # rows between two looks at the clock
Entry = tuple[int, float]


class Sparse:
    """Rows of entries, of ``width`` columns.

    >>> X = Sparse(array("q", [0, 1, 1]), array("q", [2]), array("d", [5.0]), 3)
    >>> len(X), list(map(list, X.entries()))
    (2, [[(2, 5.0)], []])
    """

    def __init__(
        self, starts: array[int], columns: array[int], values: array[float], width: int
    ) -> None:
        self.starts, self.columns, self.values, self.width = starts, columns, values, width

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sparse) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def entries(self) -> Iterator[Iterable[Entry]]:
        """Column and value of each entry, row by row."""
        for start, end in pairwise(self.starts):
            yield zip(self.columns[start:end], self.values[start:end], strict=True)

    def with_ones(self) -> Sparse:
        """A column of ones more."""
        starts, columns, values = array("q", [0]), array("q"), array("d")
        for start, end in pairwise(self.starts):
            columns += self.columns[start:end]
            values += self.values[start:end]
            columns.append(self.width)
            values.append(1.0)
            starts.append(len(values))
        return Sparse(starts, columns, values, self.width + 1)


def read_sparse(value: Any, what: str, n: int, d: int) -> Sparse:
    """A well-formed sparse matrix of that shape."""
    shape, *rest = members(value, "shape", "starts", "columns", "values")
    if extent(value, what) != [n, d]:
        raise RefusalError(f"{what} has the shape {shape!r:.40}; {[n, d]} expected")
    count = extent(rest[2], what)[0]
    starts, columns = integers(rest[0], what, n + 1), integers(rest[1], what, count)
    ordered = all(a <= b for a, b in pairwise(starts))
    if not ordered or (starts[0], starts[-1]) != (0, count):
        raise RefusalError(f"{what}: starts must rise from 0 to the number of values")
    for start, end in pairwise(starts):
        row = columns[start:end]
        rises = all(a < b for a, b in pairwise(row))
        if not rises or (row and not 0 <= row[0] <= row[-1] < d):
            raise RefusalError(f"{what}: columns must rise in each row, from 0 to below {d}")
    return Sparse(starts, columns, numbers(rest[2], what, count), d)


def entries(rows: Table | Sparse) -> Iterator[Iterable[Entry]]:
    """Column and value of the entries that are not 0, row by row."""
    if isinstance(rows, Sparse):
        yield from rows.entries()
    else:
        for row in rows:
            yield [(k, x) for k, x in enumerate(row) if x]


def scale_of(X: Table | Sparse) -> int:
    """A power of two by which all entries are whole numbers."""
    values = X.values if isinstance(X, Sparse) else X.flat
    scale = max((x.as_integer_ratio()[1] for x in values), default=1)
    largest = max(map(abs, values), default=0.0)
    check_size(len(values), int(largest).bit_length() + scale.bit_length())
    return scale


def times_weights(X: Table | Sparse, weights: dict[int, list[fmpq]], c: int) -> list[list[fmpq]]:
    """``X w`` in fractions, (n, c), of the weights of the columns that have some."""
    whole_weights, scale = over_common_denominator(list(weights.values()))
    used, x_scale = dict(zip(weights, whole_weights, strict=True)), scale_of(X)
    found = []
    for row in entries(X):
        total = [0] * c
        for k, x in row:
            if k in used:
                z = whole(x, x_scale)
                total = [t + z * w for t, w in zip(total, used[k], strict=True)]
        found.append([fmpq(t, x_scale * scale) for t in total])
    return found


def transposed_times(X: Sparse, scale: int, V: Matrix, check: Callable[[], object]) -> Matrix:
    """``scale X^T V`` in whole numbers, (d, c): exact, in one pass over the entries."""
    c = len(V[0])
    total = [[0] * X.width for _ in range(c)]
    for i, (row, v) in enumerate(zip(X.entries(), V, strict=True)):
        if not i % PORTION:
            check()
        found = [(k, whole(x, scale)) for k, x in row]
        for column, weight in zip(total, v, strict=True):
            for k, x in found:
                column[k] += x * weight
    return list(map(list, zip(*total, strict=True)))


def combined(W: Table | Sparse, a: Sequence[Sequence[fmpq]]) -> dict[int, list[fmpq]]:
    """``sum_j a_j W_j``, a row of one number an output for each column that some unit sees."""
    found: dict[int, list[fmpq]] = {}
    for row, outputs in zip(entries(W), a, strict=True):
        for k, x in row:
            before = found.get(k, [fmpq(0)] * len(outputs))
            z = rational(x)
            found[k] = [t + z * weight for t, weight in zip(before, outputs, strict=True)]
    return found
