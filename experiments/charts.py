"""Charts that experiments share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cvxnet.plots.style import PALE, color_of, marker_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPREAD = 0.7
"""Share of a line's height that its markers take."""


def dots(
    axes: Axes,
    lines: Sequence[str],
    markers: Sequence[str],
    at: Callable[[str, str], float | None],
    error: Callable[[str, str], float] | None = None,
    first: int = 0,
) -> None:
    """A line for each of some names, a marker on it for each of others, with errors where given.

    ``at`` (a line, a marker) says where, None: nowhere. ``first`` is the number of the first color.
    """
    for k, marker in enumerate(markers):
        there = [line for line in lines if at(line, marker) is not None]
        offset = SPREAD * ((k + 0.5) / len(markers) - 0.5)
        axes.errorbar(
            [at(line, marker) for line in there],
            [lines.index(line) + offset for line in there],
            xerr=[error(line, marker) for line in there] if error else None,
            fmt=marker_of(first + k),
            color=color_of(first + k),
            label=marker,
        )
    axes.set_yticks(range(len(lines)), lines)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    for k in range(1, len(lines)):
        axes.axhline(k - 0.5, color=PALE, linewidth=1.0, zorder=0)
