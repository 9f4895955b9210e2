"""Parquet and feather files: columns of pyarrow as a table."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from cvxnet.data.notation import Notation
from cvxnet.data.sources import name_of
from cvxnet.data.table import Cells, Table
from cvxnet.errors import InputError
from cvxnet.optional import import_pyarrow

READERS = {b"PAR1": "parquet", b"ARROW1": "feather", b"FEA1": "feather"}
"""How such files begin, and which module of pyarrow reads them."""


def reader_of(raw: bytes) -> str | None:
    """The module of pyarrow that reads a file; None for a file of text."""
    return next((module for start, module in READERS.items() if raw.startswith(start)), None)


def read_arrow(path: str, raw: bytes, module: str, notation: Notation) -> Table:
    """The table in a parquet or feather file; what pandas calls its index are no features.

    Raises
    ------
    InputError
        Where the file is damaged or has no rows.
    MissingExtraError
        Where pyarrow is not installed.
    """
    reader = import_pyarrow(module)
    try:
        found = reader.read_table(io.BytesIO(raw))
        columns = [cells_of(column) for column in found.columns]
    except Exception as error:  # pyarrow's, OSError, and whatever else a damaged file brings about
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(". ")
        raise InputError(f"{name_of(path)} cannot be read as {module}: {reason}.") from None
    names = [str(name) for name in found.column_names]
    if not names or not found.num_rows:
        raise InputError(f"{name_of(path)} has {len(names)} columns and {found.num_rows} rows.")
    described = found.schema.pandas_metadata or {}
    index = [name for name in described.get("index_columns", []) if isinstance(name, str)]
    return Table(
        path=path,
        names=names,
        columns=columns,
        lines=range(1, found.num_rows + 1),
        unit="row",
        notation=notation,
        index=tuple(at for at, name in enumerate(names) if name in index),
    )


def cells_of(column: Any) -> Cells:
    """Finite numbers as they are; all else as text, empty where it is missing."""
    numbers = column.to_numpy()
    if numbers.dtype.kind in "iuf" and not column.null_count and np.isfinite(numbers).all():
        return numbers.astype(np.float64)
    return ["" if cell is None else str(cell).strip() for cell in column.to_pylist()]
