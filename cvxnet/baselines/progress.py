"""Live progress of gradient runs, batch by batch."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from cvxnet.baselines.tasks import TUNING, Listener, Record, best_rate
from cvxnet.proofs.gaps import excess
from cvxnet.training.progress import Bar


class Progress:
    """Follows the batches on standard error; ``lower`` is the proved bound.

    Where ``shown`` is callable, it listens instead.
    """

    def __init__(
        self,
        batches: int,
        lower: float,
        shown: bool | Listener,
        console: Console | None = None,
    ):
        self.lower, self.shown = lower, shown is True
        self.listener = shown if callable(shown) else None
        self.console = console or Console(stderr=True)
        self.bar = Bar(
            BarColumn(bar_width=8),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self.console,
            disable=not (self.shown and self.console.is_terminal),
        )
        self.task = self.bar.add_task("gradient runs", total=batches)

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()

    def report(self, record: Record) -> None:
        """Show a finished batch."""
        text = describe(record, self.lower)
        if self.shown and not self.console.is_terminal:
            self.console.print(f"{record.seconds:8.2f} s   {text}", soft_wrap=True, highlight=False)
        self.bar.update(self.task, description=text, advance=1)


def describe(record: Record, lower: float) -> str:
    """A finished batch in a few words."""
    what = f"{record.optimizer}, width {record.width}"
    if record.stream == TUNING:
        return f"{what}: learning rate {best_rate(record):.3g}"
    best = float(np.min(record.objective))
    _, most = excess(best, lower, best)
    return f"{what}, {len(record.seeds)} seeds: best excess at most {most:.1e}"


def announce(width: int, seconds: float, shown: bool | Listener) -> None:
    """Say on the terminal that the search for the optimum of a width begins."""
    if shown is True:
        text = f"optimum of width {width}, in at most {seconds:.0f} s"
        Console(stderr=True).print(text, soft_wrap=True, highlight=False)
