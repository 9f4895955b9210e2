"""Arrays of doubles: how they lie in memory, and how a file packs them.

A file writes an array as lists of hexadecimal numbers, or packed, as its shape and the base 64 of
its numbers, row by row: little-endian doubles, or whole numbers of eight bytes. In memory numbers
lie one after another, so that a million of them are no million Python objects.
"""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from .document import RefusalError, length

SIZE = 8  # bytes of a double, and of a packed integer
CODES = {"doubles": "d", "integers": "q"}  # of arrays, by the entry that holds them
SPELLED = 30  # characters that no hexadecimal double exceeds


class Table(Sequence[list[float]]):
    """Rows of ``width`` doubles each, which lie one after another in ``flat``.

    >>> table = Table(array("d", [1.0, 2.0, 3.0, 4.0]), 2)
    >>> len(table), table[1], list(table)
    (2, [3.0, 4.0], [[1.0, 2.0], [3.0, 4.0]])
    """

    def __init__(self, flat: array[float], width: int) -> None:
        self.flat, self.width = flat, width

    def __len__(self) -> int:
        return len(self.flat) // self.width

    @overload
    def __getitem__(self, at: int) -> list[float]: ...

    @overload
    def __getitem__(self, at: slice) -> list[list[float]]: ...

    def __getitem__(self, at: int | slice) -> Any:
        where = range(len(self))[at]
        if isinstance(where, range):
            return [self[i] for i in where]
        return self.flat[where * self.width : (where + 1) * self.width].tolist()

    def __iter__(self) -> Iterator[list[float]]:
        return map(list, zip(*[iter(self.flat)] * self.width, strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and (self.flat, self.width) == (other.flat, other.width)

    __hash__ = None  # type: ignore[assignment]


def table_of(rows: Iterable[Sequence[float]]) -> Table:
    """Rows of doubles, at least one, equally long."""
    flat, width = array("d"), 0
    for row in rows:
        flat.extend(row)
        width = len(row)
    return Table(flat, width)


def numbers(value: Any, what: str, *shape: int) -> Any:
    """A finite double, an array or a `Table` of such, of that shape; anything else is refused."""
    if not shape:
        return number(value, what)
    if isinstance(value, dict):
        flat = unpacked(value, what, "doubles", shape)
        if not all(map(math.isfinite, flat)):
            raise RefusalError(f"{what} holds a number that is not finite")
    elif len(shape) == 1:
        flat = doubles(value, what, shape[0])
    else:
        flat = array("d")
        for row in checked_length(value, what, shape[0]):
            flat += doubles(row, what, shape[1])
    return flat if len(shape) == 1 else Table(flat, shape[1])


def optional(value: Any, what: str, *shape: int) -> Any:
    """Numbers, or None."""
    return None if value is None else numbers(value, what, *shape)


def number(value: Any, what: str) -> float:
    """A finite double, from exactly what ``float.hex`` writes."""
    try:
        x = float.fromhex(value) if len(value) < SPELLED else math.nan
    except (TypeError, ValueError, OverflowError):
        x = math.nan
    if not math.isfinite(x) or x.hex() != value:
        shown = repr(value[:40]) if isinstance(value, str) else f"a {type(value).__name__}"
        raise RefusalError(f"{what} holds {shown}, not a finite hexadecimal number")
    return x


def doubles(value: Any, what: str, count: int) -> array[float]:
    """The same of a list of so many."""
    return array("d", [number(entry, what) for entry in checked_length(value, what, count)])


def checked_length(value: Any, what: str, count: int) -> list[Any]:
    """A list of that length; anything else is refused."""
    if length(value, what) != count:
        raise RefusalError(f"{what} has a list of {len(value)} entries; {count} expected")
    return list(value)


def integers(value: Any, what: str, count: int) -> array[int]:
    """So many whole numbers, in a list or packed."""
    if isinstance(value, dict):
        return unpacked(value, what, "integers", (count,))
    found = checked_length(value, what, count)
    if any(type(x) is not int or not -(2**63) <= x < 2**63 for x in found):
        raise RefusalError(f"{what} holds what is no whole number of eight bytes")
    return array("q", found)


def unpacked(value: Any, what: str, kind: str, shape: Sequence[int]) -> array[Any]:
    """The numbers of a packed array of that shape, row by row.

    >>> unpacked({"shape": [1], "doubles": "AAAAAAAA8D8="}, "b", "doubles", [1])
    array('d', [1.0])
    """
    if set(value) != {"shape", kind}:
        raise RefusalError(f"{what} is neither a list nor packed with the entries shape and {kind}")
    if extent(value, what) != list(shape):
        raise RefusalError(f"{what} has the shape {value['shape']!r:.40}; {list(shape)} expected")
    content, found = decoded(value[kind]), array(CODES[kind])
    if content is None or len(content) != SIZE * math.prod(shape):
        raise RefusalError(f"{what} does not hold as many numbers in base 64 as its shape says")
    found.frombytes(content)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def decoded(text: Any) -> bytes | None:
    """What base 64 stands for, where that is its only spelling.

    >>> decoded("AAA="), decoded("AAB="), decoded("AA A=")
    (b'\\x00\\x00', None, None)
    """
    try:
        content = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return None
    return content if base64.b64encode(content).decode() == text else None


def extent(value: Any, what: str) -> list[int]:
    """How many entries a list has or, where these are lists, also how many the first one has.

    The shape of a packed array. Whether that is true is seen where numbers are read.
    """
    if isinstance(value, dict):
        given = value.get("shape")
        shape = given if isinstance(given, list) else []
        if len(shape) not in (1, 2) or not all(type(x) is int and x >= 0 for x in shape):
            raise RefusalError(f"{what} is neither a list nor a packed array with a shape")
        return shape
    count = length(value, what)
    first = value[0] if count else None
    return [count, len(first)] if isinstance(first, list) else [count]


def packs(document: Any) -> bool:
    """Whether there is a packed array anywhere in a document."""
    return has_entry(document, "shape")


def has_entry(document: Any, name: str) -> bool:
    """Whether an object anywhere in a document has an entry of that name."""
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if name in value:
                return True
            left += value.values()
        elif isinstance(value, list):
            left += [entry for entry in value if isinstance(entry, dict | list)]
    return False
