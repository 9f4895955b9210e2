"""Live progress on a terminal: time, bracket, units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from cvxnet.training.column_generation import relative_gap

Report = Callable[[float, float, float, int], None]


class Progress:
    """A line that follows the bracket; on anything but a terminal one line for each round."""

    def __init__(self, gap: float) -> None:
        self.gap = gap
        self.console = Console(stderr=True)
        self.live = Live(console=self.console, refresh_per_second=8)

    def __enter__(self) -> Report:
        self.live.start()
        return self.report

    def __exit__(self, *exception: object) -> None:
        self.live.stop()

    def report(self, seconds: float, lower: float, upper: float, units: int) -> None:
        """Show the state after one round."""
        gap = relative_gap(lower, upper)
        self.live.update(
            f"{seconds:7.1f} s   {lower:.9g} <= optimum <= {upper:.9g}   "
            f"gap {gap:.1e} (goal {self.gap:.0e})   {units} units"
        )


@contextmanager
def quiet() -> Iterator[Report]:
    """No progress."""
    yield lambda *state: None
