"""A table as it stands in a file: named columns of text, or of numbers."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.notation import PLAIN, Notation, is_missing
from cvxnet.data.sources import name_of
from cvxnet.errors import InputError
from cvxnet.types import Array


def as_text(names: Sequence[str]) -> str:
    """The text that `Table.named` reads as these columns.

    >>> as_text(["height, cm", "age"])
    '"height, cm",age'
    """
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()


Cells = Array | list[str]
"""A column: finite numbers, or text without spaces around it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """The columns of a file; a column is meant by its position from 0 on, once it is found.

    Attributes
    ----------
    path : str
        The file.
    names : list of str
        Of the columns.
    columns : list
        The cells of each: numbers where all are plain finite numbers, text otherwise.
    lines : sequence of int
        Where in the file each row stands.
    unit : str
        What ``lines`` counts: "line" or "row".
    notation : Notation
        How the numbers among the text are written.
    index : tuple of int
        The columns that number or name the rows: features only where they are asked for.
    remarks : tuple of str
        What the reader should know about how the file was read.
    """

    path: str
    names: list[str]
    columns: list[Cells]
    lines: Sequence[int]
    unit: str = "line"
    notation: Notation = PLAIN
    index: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()

    def position(self, column: str) -> int:
        """The position of a column that is given by its name, or by its number from 1 on.

        InputError with the names that there are for any other, and for a name that two have.
        """
        positions = [at for at, name in enumerate(self.names) if name == column]
        if len(positions) > 1:
            numbers = " and ".join(str(at + 1) for at in positions)
            raise InputError(
                f"{self}: {len(positions)} columns are called {column!r}. Rename them, or use "
                f"their numbers: {numbers}."
            )
        if positions:
            return positions[0]
        if column.isdecimal() and 1 <= int(column) <= len(self.names):
            return int(column) - 1
        raise self.no_column(column)

    def no_column(self, column: str) -> InputError:
        """What is said where a column is none, with the names that there are."""
        close = difflib.get_close_matches(column.lower(), [n.lower() for n in self.names], n=1)
        matches = [n for n in self.names if close and n.lower() == close[0]]
        hint = f" Did you mean {matches[0]!r}?" if matches else ""
        single = " (cells are separated by , ; | or tabs)" if len(self.names) == 1 else ""
        return InputError(
            f"{self} has no column {column!r}.{hint} Its columns are: "
            f"{', '.join(self.names)}{single}."
        )

    def named(self, text: str) -> list[str]:
        """The columns that a text names: one of that name, or those between its commas.

        Names with commas are quoted, as in a CSV file.

        >>> table = Table(path="t.csv", names=["a,b", "c"], columns=[], lines=[])
        >>> table.named("a,b"), table.named('"a,b",c')
        (['a,b'], ['a,b', 'c'])
        """
        if text.strip() in self.names:
            return [text.strip()]
        return [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]

    def texts(self, position: int) -> list[str]:
        """A column as text; of numbers, each in the shortest way."""
        cells = self.columns[position]
        if isinstance(cells, list):
            return cells
        return [repr(int(x) if x.is_integer() else x) for x in cells.tolist()]

    def missing(self, position: int) -> NDArray[np.bool_]:
        """In which rows the value of a column is missing."""
        cells = self.columns[position]
        if not isinstance(cells, list):
            return np.zeros(len(cells), dtype=bool)
        return np.fromiter(map(is_missing, cells), dtype=bool, count=len(cells))

    def rows(self, keep: NDArray[np.bool_], remark: str) -> Table:
        """Some of the rows, and what is to be said of that."""
        kept = np.flatnonzero(keep).tolist()
        columns: list[Cells] = [
            [cells[at] for at in kept] if isinstance(cells, list) else cells[kept]
            for cells in self.columns
        ]
        lines = [self.lines[at] for at in kept]
        return replace(self, columns=columns, lines=lines, remarks=(*self.remarks, remark))

    def place(self, position: int, row: int | None = None) -> str:
        """A column or a cell, for a message."""
        line = "" if row is None else f", {self.unit} {self.lines[row]}"
        return f"{self}{line}, column {self.names[position]!r}"

    def __str__(self) -> str:
        """The file, for a message."""
        return name_of(self.path)
