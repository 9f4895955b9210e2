"""Rows of tables: made, chosen, averaged, put in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from experiments.report import Report, Row

NOISES = (0.1, 0.3)


def runs(report: Report, **more: Sequence[Any]) -> list[Row]:
    """A setting for each noise, seed, and each combination of what else there is."""
    n = 16 if report.options.quick else 100
    names = ("noise", *more, "seed")
    combined = product(NOISES, *more.values(), range(report.options.seeds))
    return [{"n": n} | dict(zip(names, values, strict=True)) for values in combined]


def percent(value: float) -> str:
    """A share in percent."""
    return f"{100.0 * value:.1f} %"


def pick(rows: Sequence[Row], **values: Any) -> list[Row]:
    """The rows with these values."""
    return [row for row in rows if all(row[key] == value for key, value in values.items())]


def mean(rows: Sequence[Row], key: str, **values: Any) -> float:
    """The mean of a column over the rows with these values."""
    return float(np.mean([row[key] for row in pick(rows, **values)]))


def distinct(rows: Sequence[Row], key: str) -> list[Any]:
    """The values of a column, in the order in which they come."""
    return list(dict.fromkeys(row[key] for row in rows))


def span(rows: list[Row], key: str) -> str:
    """The least and the most of a column."""
    values = sorted(row[key] for row in rows)
    return f"{values[0]}" if values[0] == values[-1] else f"{values[0]} to {values[-1]}"
