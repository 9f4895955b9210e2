"""Columns of a table as arrays: which are chosen, and what is wrong with a cell, with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.notation import BOOLEANS, advice, shown
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
    if features is None:
        chosen = [at for at in range(len(table.names)) if at not in (*targets, *table.index)]
    else:
        chosen = choose_columns(table, features, "feature")
    check_apart(table, targets, dropped, "columns to drop")
    check_apart(table, targets, chosen, "features; predict it from others")
    chosen = [at for at in chosen if at not in dropped]
    if not chosen:
        targets_named = ", ".join(repr(table.names[at]) for at in targets)
        raise InputError(
            f"{table} has no column but the target{'s' * (len(targets) > 1)} {targets_named}"
            f"{' and those left out' * bool(dropped or table.index)}."
        )
    check_different(table, [*targets, *chosen])
    return chosen


def all_features(table: Table, drop: Sequence[str]) -> list[str]:
    """The names of all columns but row numbers and those to drop."""
    return [table.names[at] for at in choose_features(table, [], None, drop)]


def check_apart(table: Table, targets: list[int], columns: list[int], what: str) -> None:
    """No target is among some columns."""
    for position in targets:
        if position in columns:
            raise InputError(f"the target {table.names[position]!r} is among the {what}.")


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
        return table.rows(~gaps, f"{rows}{gaps_written(table, missing)}, left out")
    position = next(at for at in positions if missing[at].any())
    cure = (
        "No row would be left: leave out the columns that have few values, --drop (drop=)."
        if count == n
        else f"Remove or fill them, or leave these rows out: {DROP_MISSING}."
    )
    raise InputError(f"{gap_in(table, position, missing[position])}; in all, {rows}. {cure}")


def gaps_written(table: Table, missing: dict[int, NDArray[np.bool_]]) -> str:
    """What stands where values are missing, where something does."""
    words = {table.texts(at)[row] for at in missing for row in np.flatnonzero(missing[at])}
    written = ", ".join(repr(word) for word in sorted(words - {""}))
    return f" (there it says {written})" if written else ""


def gap_in(table: Table, position: int, missing: NDArray[np.bool_]) -> str:
    """What is said of the first cell of a column whose value is missing."""
    row = int(missing.argmax())
    cell = table.texts(position)[row]
    said = repr(cell) if cell else "empty"
    if cell.isalpha() and not any(number for _, number in hold_numbers(table, position)):
        said += ", which is no name for a class"
    return (
        f"{table.place(position, row)}: value missing ({said}; {int(missing.sum())} in this column)"
    )


def numbers(table: Table, position: int) -> Array:
    """A column as finite numbers, or InputError with the first cell that is none.

    Columns of true and false become 1 and 0.
    """
    cells = table.columns[position]
    if not isinstance(cells, list):
        return cells
    values = table.notation.numbers(cells)
    if all(value is None for value in values):
        booleans = [BOOLEANS.get(text.lower()) for text in cells]
        values = values if None in booleans else booleans
    if None in values:
        row, others = values.index(None), values.count(None) - 1
        more = f" ({others} more in this column)" if others else ""
        raise InputError(
            f"{table.place(position, row)}: {shown(cells[row])} is not a number{more}. "
            + advice(cells[row], table.notation)
        )
    array = np.array(values, dtype=np.float64)
    if not np.isfinite(array).all():
        row = int(np.isfinite(array).argmin())
        raise InputError(
            f"{table.place(position, row)}: {shown(cells[row])} is not finite. "
            "Remove this row, or replace the value."
        )
    return array


def hold_numbers(table: Table, position: int) -> list[tuple[int, bool]]:
    """The rows in which a column has a value, each with whether it is a number."""
    missing, number = table.missing(position), table.notation.number
    cells = table.texts(position)
    return [(row, number(cells[row]) is not None) for row in np.flatnonzero(~missing).tolist()]
