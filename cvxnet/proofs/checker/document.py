"""Hostile files: from bytes to JSON to doubles, or a refusal.

Whatever a file contains, reading it ends in bounded time and memory: no file is read beyond
MAX_BYTES, and nothing is converted before its type, length and spelling are known.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import sys
from array import array
from collections.abc import Sequence
from fractions import Fraction
from io import StringIO
from typing import Any

Path = str | os.PathLike[str]
MAX_BYTES = 2**28  # of a file
MAX_ENTRIES = 10**7  # of lists and objects in a file; each may take 100 bytes of memory
MAX_NUMBERS = 5 * 10**6  # of a CSV file
NOTHING = Fraction(0)


class RefusalError(Exception):
    """The first reason why a certificate proves nothing. `check` makes it its answer.

    ``violation``: where all that is missing is to prove v feasible, about how much too long v is.
    """

    def __init__(self, reason: str, violation: Fraction = NOTHING) -> None:
        super().__init__(reason)
        self.violation = violation


class UnfinishedError(RefusalError):
    """The time limit is over, and nothing is known."""


def read_text(path: Path) -> str:
    """The text of a regular file of bounded size."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise RefusalError(f"a file is named by a str or a path, not by a {type(path).__name__}")
    try:
        if not os.path.isfile(path):
            raise RefusalError(f"there is no file {os.fspath(path)!r}")
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise RefusalError(f"the file is larger than {MAX_BYTES} bytes")
        return content.decode()
    except (OSError, ValueError, TypeError) as error:
        raise RefusalError(f"the file cannot be read: {error}") from None


def parse(text: str) -> dict[str, Any]:
    """One JSON object without repeated entries: of two, readers would take different ones."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("an entry occurs twice")
        return found

    if sum(map(text.count, ",[{")) > MAX_ENTRIES:
        raise RefusalError(f"too large: lists and objects of more than {MAX_ENTRIES} entries")
    try:
        doc = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise RefusalError(f"not a complete JSON document: {error}") from None
    if not isinstance(doc, dict):
        raise RefusalError("not a certificate: the document is not a JSON object")
    return doc


def members(value: Any, *names: str) -> list[Any]:
    """The entries of a JSON object that has exactly these."""
    if value is None:
        raise RefusalError("the certificate does not contain its data: supply them (--data FILE)")
    if not isinstance(value, dict) or set(value) != set(names):
        raise RefusalError(f"there must be an object with the entries {', '.join(names)}")
    return [value[name] for name in names]


def length(value: Any, what: str) -> int:
    """The length of a list; anything else is refused."""
    if not isinstance(value, list):
        raise RefusalError(f"{what} is not a list")
    return len(value)


def is_index(value: Any, n: int) -> bool:
    """Whether this is an index of one of n things."""
    return type(value) is int and 0 <= value < n


def supplied(data: Any) -> list[Any]:
    """Data from outside, in the form that they have inside a certificate.

    Of a CSV file all columns are in X, and y is None: the targets are the last ones.
    """
    if isinstance(data, str | os.PathLike):
        text = read_text(data)
        if text.lstrip().startswith("{"):
            return embedded(parse(text).get("data"))
        data = read_csv(text), None
    try:
        X, y = data
        targets = None if y is None else as_hex(numbered(list(y)))
        return [as_sparse(X) if hasattr(X, "tocsr") else as_hex(X), targets]
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusalError(f"the data supplied are not numbers X, y: {error}") from None


def embedded(data: Any) -> list[Any]:
    """X and y of a certificate that contains its data."""
    X, y = members(data, "X", "y")
    if y is None:
        raise RefusalError("y is not a list")
    return [X, y]


def as_hex(value: Any) -> Any:
    """A number, or what stands in a sequence, as ``float.hex`` writes it.

    >>> as_hex([["1", 2.0], [3]])
    [['0x1.0000000000000p+0', '0x1.0000000000000p+1'], ['0x1.8000000000000p+1']]
    """
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return float(value).hex()
    return [as_hex(x) for x in value]


def as_sparse(X: Any) -> dict[str, Any]:
    """A sparse matrix of SciPy as a file has it, without zeros that are stored."""
    rows = X.tocsr(copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    starts, columns = rows.indptr.tolist(), rows.indices.tolist()
    values = [float(x).hex() for x in rows.data.tolist()]
    return {"shape": list(rows.shape), "starts": starts, "columns": columns, "values": values}


def read_csv(text: str) -> list[list[str]]:
    """The fields of a table; a line of names at the top is left out."""
    if sum(map(text.count, ",\n\r")) > MAX_NUMBERS:
        raise RefusalError(f"too large: the data have more than {MAX_NUMBERS} numbers")
    rows = [line.split(",") for line in StringIO(text, newline=None) if line.strip()]
    rows = rows[is_header(rows[0]) :] if rows else rows
    targets = numbered([row[-1].strip() for row in rows])
    return [[*row[:-1], target] for row, target in zip(rows, targets, strict=True)]


def is_header(fields: list[str]) -> bool:
    """Whether a line of a CSV file names the columns: a target of text is a label, beside numbers.

    >>> is_header(["age", "kind"]), is_header(["41", "cat"]), is_header(["1", "nan"])
    (True, False, True)
    """
    try:
        return math.isnan(float(fields[-1]))
    except ValueError:
        return not any(map(is_number, fields[:-1]))


def is_number(text: str) -> bool:
    """Whether a field can be read as one."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def numbered(targets: list[Any]) -> list[Any]:
    """Labels of text by their place in sorted order; all else as it is.

    >>> numbered(["cat", "ant", "cat"]), numbered(["3", "1"])
    ([1, 0, 1], ['3', '1'])
    """
    if not all(isinstance(x, str) for x in targets) or any(map(is_number, targets)):
        return targets
    place = {label: k for k, label in enumerate(sorted(set(targets)))}
    return [place[label] for label in targets]


def fingerprint(X: Any, y: Any) -> str:
    """SHA-256 of ``"n d\\n"``, then X and y by rows as little-endian doubles.

    With several outputs, of ``"n d c\\n"`` and so on. Lists, or as `packing` has them. Of a sparse
    X of k entries of ``"sparse n d k\\n"``, or ``"sparse n d k c\\n"``, then its starts and columns
    as little-endian integers of eight bytes, its values, and y.

    >>> fingerprint([[1.0, 2.0]], [3.0])[:16]
    'f3fe149620f8df91'
    """
    several = isinstance(y[0], Sequence)
    c, parts = [len(y[0])] if several else [], [y if several else [y]]
    if hasattr(X, "starts"):
        head, parts = ["sparse", len(X), X.width, len(X.values), *c], [[X.values], *parts]
    else:
        head, parts = [len(X), len(X[0]), *c], [X, *parts]
    digest = hashlib.sha256(" ".join(map(str, head)).encode() + b"\n")
    for row in (X.starts, X.columns) if hasattr(X, "starts") else ():
        digest.update(struct.pack(f"<{len(row)}q", *row))
    for rows in parts:
        for row in [rows.flat] if hasattr(rows, "flat") else rows:
            digest.update(as_bytes(row))
    return digest.hexdigest()


def as_bytes(row: Sequence[float]) -> bytes | array[float]:
    """Numbers as little-endian doubles."""
    if sys.byteorder == "little" and isinstance(row, array):
        return row
    return struct.pack(f"<{len(row)}d", *row)
