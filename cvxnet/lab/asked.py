"""The fields of a question from the page, each checked as it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.types import Array

REQUIRED: Any = object()
"""The default of a field that has none."""


class Asked:
    """A question: JSON of which nothing is believed.

    Every method takes the name of a field, what it may be, and what stands for it where it is
    missing.

    Raises
    ------
    InputError
        From every method, for a value that is missing or is something else.

    Examples
    --------
    >>> asked = Asked({"beta": 0.5, "loss": "squared", "points": [[0, 1], [2, 3]]})
    >>> asked.number("beta", 0.0, 10.0), asked.choice("loss", ("squared", "hinge"))
    (0.5, 'squared')
    >>> asked.points("points", most=10, columns=2, low=-5.0, high=5.0).shape
    (2, 2)
    >>> asked.whole("width", 1, 50, default=8)
    8
    >>> asked.unknown()
    []
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self.read: set[str] = set()

    def unknown(self) -> list[str]:
        """The fields that nobody has read."""
        return sorted(self.fields.keys() - self.read)

    def value(self, name: str, default: Any) -> Any:
        """A field as it stands."""
        self.read.add(name)
        found = self.fields.get(name, default)
        if found is REQUIRED:
            raise InputError(f"the question lacks {name!r}.")
        return found

    def number(self, name: str, low: float, high: float, default: Any = REQUIRED) -> float:
        """A finite number from low to high."""
        return self._number(self.value(name, default), name, low, high)

    def whole(self, name: str, low: int, high: int, default: Any = REQUIRED) -> int:
        """A whole number from low to high."""
        number = self._number(self.value(name, default), name, low, high)
        if number != int(number):
            raise InputError(f"{name} is {number!r}; expected a whole number.")
        return int(number)

    def flag(self, name: str, default: Any = REQUIRED) -> bool:
        """True or False."""
        found = self.value(name, default)
        if not isinstance(found, bool):
            raise InputError(f"{name} is {shown(found)}; expected true or false.")
        return found

    def choice(self, name: str, options: Sequence[str], default: Any = REQUIRED) -> str:
        """One of these words."""
        found = self.value(name, default)
        if not isinstance(found, str) or found not in options:
            raise InputError(f"{name} is {shown(found)}; expected one of {', '.join(options)}.")
        return found

    def text(self, name: str, most: int, default: Any = REQUIRED) -> str:
        """Text of so many characters at most."""
        found = self.value(name, default)
        if not isinstance(found, str):
            raise InputError(f"{name} is {shown(found)}; expected text.")
        if len(found) > most:
            raise InputError(f"{name} has {len(found)} characters; at most {most} are taken.")
        return found

    def document(self, name: str, default: Any = REQUIRED) -> dict[str, Any]:
        """A JSON object, for whoever checks what is in it."""
        found = self.value(name, default)
        if not isinstance(found, dict):
            raise InputError(f"{name} is {shown(found)}; expected a JSON object.")
        return found

    def items(self, name: str, most: int, default: Any = REQUIRED) -> list[Any]:
        """A list of so many items at most, for whoever checks what they are."""
        found = self.value(name, default)
        if not isinstance(found, list):
            raise InputError(f"{name} is {shown(found)}; expected a list.")
        if len(found) > most:
            raise InputError(f"{name} has {len(found)} items; at most {most} are taken.")
        return found

    def numbers(
        self, name: str, most: int, low: float, high: float, default: Any = REQUIRED
    ) -> Array:
        """Finite numbers from low to high, (k,)."""
        return np.array(
            [self._number(item, name, low, high) for item in self.items(name, most, default)],
            dtype=float,
        )

    def points(
        self, name: str, most: int, columns: int, low: float, high: float, default: Any = REQUIRED
    ) -> Array:
        """Rows of so many finite numbers from low to high, (k, columns)."""
        rows = self.items(name, most, default)
        for k, row in enumerate(rows):
            if not isinstance(row, list) or len(row) != columns:
                raise InputError(f"row {k} of {name} is {shown(row)}; expected {columns} numbers.")
        entries = [self._number(item, name, low, high) for row in rows for item in row]
        return np.array(entries, dtype=float).reshape(len(rows), columns)

    def labels(self, name: str, most: int, count: int, default: Any = REQUIRED) -> Array:
        """Whole numbers from 0 to count - 1, (k,)."""
        found = self.numbers(name, most, 0.0, count - 1.0, default)
        if (found != np.floor(found)).any():
            raise InputError(f"{name} has labels that are no whole numbers.")
        return found.astype(int)

    @staticmethod
    def _number(found: Any, name: str, low: float, high: float) -> float:
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise InputError(f"{name} is {shown(found)}; expected a number.")
        if (isinstance(found, int) and abs(found) > 2**53) or not math.isfinite(found):
            raise InputError(f"{name} is {shown(found)}; expected a finite number.")
        if not low <= found <= high:
            raise InputError(f"{name} is {found!r}; expected a number from {low:g} to {high:g}.")
        return float(found)


def shown(found: Any, most: int = 40) -> str:
    """What was found, in a few characters.

    >>> shown("x" * 100)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    text = "nothing" if found is None else repr(found)
    return text if len(text) <= most else f"{text[:most]}..."
