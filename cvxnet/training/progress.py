"""Live progress: time, bracket, units, open nodes. A bar on a terminal, otherwise a line for each
round; or what a listener makes of each `Round`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich import progress
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

from cvxnet.layers import Sequential
from cvxnet.proofs.gaps import bracket_text, relative_gap
from cvxnet.types import Array

Report = Callable[..., None]
"""Called with seconds, lower, upper, units; and, where a tree is searched, its open nodes."""
Listener = Callable[["Round"], object]
STARTING = "starting (the first run compiles pricing)"


@dataclass(frozen=True, eq=False, repr=False)
class Round:
    """The state of training after a round of column generation, or in a search for one width.

    Attributes
    ----------
    seconds : float
        Since training began, compiling not counted.
    lower, upper : float
        The bracket around the optimum.
    units : int
        Hidden units of the best network.
    dual : (n,) or (n, c) array
        The dual vector that was priced in this round, the gradient of the loss at its master's
        predictions.
    network : Sequential
        The best network so far: its objective is ``upper``.
    open : int, optional
        Where a width was asked for: the open nodes of the tree.
    master : str
        What solved the last master, as in ``stats`` of `cvxnet.Solution`.

    Examples
    --------
    >>> import cvxnet as cn
    >>> rounds = []
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False,
    ...                     progress=rounds.append)
    >>> rounds[-1].dual.shape, rounds[-1].lower <= rounds[-1].upper
    ((2,), True)
    """

    seconds: float
    lower: float
    upper: float
    units: int
    dual: Array
    network: Sequential
    open: int | None = None
    master: str = ""

    def __repr__(self) -> str:
        state = describe(self.lower, self.upper, self.units, self.open)
        return f"<Round at {self.seconds:.2f} s: {state}>"


class Bar(progress.Progress):
    """One that prints nothing where it is disabled; older versions of rich print an empty line."""

    def start(self) -> None:
        if not self.disable:
            super().start()

    def stop(self) -> None:
        if not self.disable:
            super().stop()


class Progress:
    """Follows the bracket on standard error. The bar counts the digits of the gap gained.

    ``note`` is said first.

    Examples
    --------
    >>> describe(1.0, 2.0, 5)
    '1.000 <= optimum <= 2.000   gap 5.0e-01   5 units'
    """

    def __init__(self, gap: float, console: Console | None = None, note: str = "") -> None:
        self.gap, self.note = gap, note
        self.console = console or Console(stderr=True)
        self.bar = Bar(
            SpinnerColumn(),
            BarColumn(bar_width=8),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(STARTING, total=1.0)

    def __enter__(self) -> Report:
        if self.note:
            self.console.print(self.note, soft_wrap=True, highlight=False, markup=False)
        self.bar.start()
        return self.report

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()

    def report(
        self, seconds: float, lower: float, upper: float, units: int, nodes: int | None = None
    ) -> None:
        """Show the state after one round; ``nodes`` are the open ones of a tree."""
        text = describe(lower, upper, units, nodes)
        if not self.console.is_terminal:
            self.console.print(f"{seconds:8.2f} s   {text}", soft_wrap=True, highlight=False)
        done = digits_done(relative_gap(lower, upper), self.gap)
        self.bar.update(self.task, description=text, completed=done)


def describe(lower: float, upper: float, units: int, nodes: int | None = None) -> str:
    """Bracket, gap, number of units and of open nodes in a few words."""
    low, high = bracket_text(lower, upper)
    gap = relative_gap(lower, upper)
    text = f"{low} <= optimum <= {high}   gap {gap:.1e}   {units} units"
    return text if nodes is None else f"{text}   {nodes} open nodes"


def digits_done(gap: float, goal: float) -> float:
    """The share of the digits from a gap of 1 to the goal that have been gained.

    >>> digits_done(1e-3, 1e-6), digits_done(0.0, 1e-6), digits_done(2.0, 1e-6)
    (0.5, 1.0, 0.0)
    """
    if gap <= goal:
        return 1.0
    return max(0.0, math.log(gap) / math.log(goal)) if gap < 1.0 else 0.0


@contextmanager
def quiet() -> Iterator[Report]:
    """No progress."""
    yield lambda *state: None
