"""Points of the plane from the text of a table. The text is read from memory, never from a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.columns import hold_numbers
from cvxnet.data.table import Table
from cvxnet.data.tables import Data, Reading, choose_data, some_of, table_of_text
from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer
from cvxnet.plots.canvas import some_of as spread
from cvxnet.types import Array

MOST_TEXT, MOST_NAME, MOST_COLUMNS, MOST_CLASSES = 500_000, 200, 200, 3
NAME = "the table"


def pasted(asked: Asked, most: int) -> Answer:
    """At most so many points (n, 3) from a table, its columns shifted and scaled to the square."""
    table = table_of_text(asked.text("text", MOST_TEXT), name=NAME)
    if len(table.names) > MOST_COLUMNS:
        raise InputError(f"{NAME} has {len(table.names)} columns; at most {MOST_COLUMNS} are read.")
    numeric = [name for at, name in enumerate(table.names) if is_numeric(table, at)]
    kind, target = target_of(asked, table, numeric)
    wanted = 1 if kind == "curve" else 2
    given = [asked.text(axis, MOST_NAME, "") for axis in ("x", "y")][:wanted]
    features = chosen(given, [name for name in numeric if name != target], wanted)
    reading = Reading.LABELS if kind == "classes" else Reading.NUMBERS
    data = choose_data(table, [target], features, reading, drop_missing=True)
    labels, heights = numbered(data) if kind == "classes" else ([], to_square(data.y))
    kept = spread(len(data.y), most)
    columns = [*map(to_square, data.X.T), heights]
    rows = np.column_stack(columns + [np.zeros(len(data.y))] * (wanted == 1))[kept]
    thinned = [f"{len(kept)} of {len(data.y)} rows are shown, evenly spread"]
    remarks = [*data.remarks, *(thinned if len(kept) < len(data.y) else [])]
    return {
        "columns": table.names,
        "numeric": numeric,
        "features": features,
        "target": target,
        "kind": kind,
        "labels": [str(label) for label in labels],
        "points": rows,
        "remarks": remarks,
    }


def target_of(asked: Asked, table: Table, numeric: Sequence[str]) -> tuple[str, str]:
    """What points are, and the column that says it: as asked for, or guessed."""
    wish = asked.choice("kind", ("", "classes", "values", "curve"), default="")
    last = numeric if numeric and wish in ("values", "curve") else table.names
    target = asked.text("target", MOST_NAME, "") or last[-1]
    return wish or guessed(table, target, numeric), target


def is_numeric(table: Table, position: int) -> bool:
    """Whether a column holds numbers, where it has values."""
    return all(number for _, number in hold_numbers(table, position))


def guessed(table: Table, target: str, numeric: Sequence[str]) -> str:
    """What points are that nobody has said: text and a few different numbers are classes."""
    few = len(set(table.texts(table.position(target)))) <= MOST_CLASSES
    if few or target not in numeric:
        return "classes"
    return "values" if len(numeric) > 2 else "curve"


def chosen(given: list[str], numeric: list[str], wanted: int) -> list[str]:
    """The features asked for, and the first others where none was asked for."""
    found = list(dict.fromkeys(name for name in given if name))
    found += [name for name in numeric if name not in found]
    if len(found) < wanted:
        raise InputError(
            f"{NAME} has too few columns of numbers beside the target: {wanted} needed, "
            f"{len(found)} found. Text can be the target only."
        )
    return found[:wanted]


def numbered(data: Data) -> tuple[list[Any], NDArray[Any]]:
    """The labels of the classes, and the number of each row's."""
    if data.classes is None or len(data.classes) > MOST_CLASSES:
        raise InputError(
            f"{data.target} has more than {MOST_CLASSES} classes ({some_of(data.classes or ())}); "
            "the plane shows two or three. Choose another target, or read it as values."
        )
    return list(data.classes), np.unique(data.y, return_inverse=True)[1]


def to_square(column: Array) -> Array:
    """A column shifted and scaled to reach from -1 to 1; a constant one is 0."""
    low, high = float(column.min()), float(column.max())
    half = 0.5 * (high - low)
    return np.asarray((column - (low + half)) / half if half > 0.0 else np.zeros(len(column)))
