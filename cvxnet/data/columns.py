"""Columns of a table as arrays: which are chosen, and what is wrong with a cell, with its place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from cvxnet.data.notation import BOOLEANS, advice
from cvxnet.data.table import Table
from cvxnet.errors import InputError
from cvxnet.types import Array

DROP_MISSING = "--drop-missing (drop_missing=True)"


def choose_columns(table: Table, columns: Sequence[str], what: str) -> list[int]:
    """The positions of columns that are given by name or number; at least one and none twice."""
    if not columns:
        raise InputError(f"{what}s is empty: name at least one column.")
    chosen = [table.position(column) for column in columns]
    position, times = Counter(chosen).most_common(1)[0]
    if times > 1:
        raise InputError(f"{what} {table.names[position]!r} is named {times} times.")
    return chosen


def choose_features(
    table: Table, targets: list[int], features: Sequence[str] | None, drop: Sequence[str]
) -> list[int]:
    """The feature columns: those asked for, or all but targets, row numbers and those to drop."""
    dropped = choose_columns(table, drop, "drop") if drop else []
    for position in targets:
        if position in dropped:
            raise InputError(f"the target {table.names[position]!r} is among the columns to drop.")
    if features is None:
        chosen = [at for at in range(len(table.names)) if at not in (*targets, *table.index)]
    else:
        chosen = choose_columns(table, features, "feature")
    for position in targets:
        if position in chosen:
            raise InputError(
                f"the target {table.names[position]!r} is among the features; predict it from "
                "others."
            )
    chosen = [at for at in chosen if at not in dropped]
    if not chosen:
        listed = ", ".join(repr(table.names[at]) for at in targets)
        raise InputError(
            f"{table} has no column but the target{'s' * (len(targets) > 1)} {listed}"
            f"{' and those left out' if dropped or table.index else ''}."
        )
    check_different(table, [*targets, *chosen])
    return chosen


def check_different(table: Table, positions: Sequence[int]) -> None:
    """No two of the columns have one name."""
    name, times = Counter(table.names[at] for at in positions).most_common(1)[0]
    if times > 1:
        numbers = [str(at + 1) for at in positions if table.names[at] == name]
        raise InputError(
            f"{table}: {times} columns are called {name!r}. Rename them, or leave one out by its "
            f"number, {' or '.join(numbers)}: --drop (drop=)."
        )


def complete_rows(table: Table, positions: Sequence[int], drop_missing: bool) -> Table:
    """The rows in which these columns have values.

    Where some are missing they are left out if that is asked for, and otherwise refused: how to
    fill them is for the owner of the data to say.
    """
    missing = {at: table.missing(at) for at in positions}
    gaps = np.logical_or.reduce([*missing.values()])
    count, n = int(gaps.sum()), len(gaps)
    if not count:
        return table
    rows = f"{count} of {n} rows {'lacks' if count == 1 else 'lack'} a value"
    if drop_missing and count < n:
        return table.rows(~gaps, f"{rows} and {'is' if count == 1 else 'are'} left out")
    first = next(at for at in positions if missing[at].any())
    row = int(missing[first].argmax())
    cell = table.texts(first)[row]
    said = f" ({cell!r})" if cell else ""
    cure = (
        "No row would be left: leave out the columns that have few values, --drop (drop=)."
        if count == n
        else f"Remove or fill them, or leave these rows out: {DROP_MISSING}."
    )
    raise InputError(
        f"{table.place(first, row)}: value missing{said} ({int(missing[first].sum())} in this "
        f"column); in all {rows}. {cure}"
    )


def numbers(table: Table, position: int) -> Array:
    """A column as finite numbers, or InputError with the first cell that is none.

    Columns of true and false become 1 and 0.
    """
    cells = table.columns[position]
    if not isinstance(cells, list):
        return cells
    values = [table.notation.number(text) for text in cells]
    if all(value is None for value in values):
        booleans = [BOOLEANS.get(text.lower()) for text in cells]
        values = values if None in booleans else booleans
    for row, value in enumerate(values):
        if value is None:
            others = values.count(None) - 1
            more = f" ({others} more in this column)" if others else ""
            raise InputError(
                f"{table.place(position, row)}: {cells[row]!r} is not a number{more}. "
                + advice(cells[row], table.notation)
            )
        if not math.isfinite(value):
            raise InputError(
                f"{table.place(position, row)}: {cells[row]!r} is not finite. "
                "Remove this row, or replace the value."
            )
    return np.array(values, dtype=np.float64)


def hold_numbers(table: Table, position: int) -> list[tuple[int, bool]]:
    """The rows in which a column has a value, each with whether it is a number."""
    missing, number = table.missing(position), table.notation.number
    cells = table.texts(position)
    return [(row, number(cells[row]) is not None) for row in np.flatnonzero(~missing).tolist()]
