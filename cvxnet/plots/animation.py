"""The bracket closing, frame by frame, beside the fit and the columns that enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.data.files import replacing
from cvxnet.data.validation import check_positive
from cvxnet.errors import InputError
from cvxnet.optional import import_matplotlib
from cvxnet.plots.canvas import Range, view_of
from cvxnet.plots.columns import Columns, columns_at, draw_columns
from cvxnet.plots.style import (
    BLUE,
    INK,
    PALE,
    RED,
    SKY,
    WIDTH,
    color_scale,
    entitle,
    head,
    new_figure,
    save_figure,
    styled,
)
from cvxnet.proofs.gaps import bracket_text, relative_gap
from cvxnet.training.progress import Round
from cvxnet.training.solution import Solution
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

PIXELS = 80
"""Places along each side of the map of a fit, and along its curve."""
RESOLUTION = 80
"""Dots an inch of films."""
LAST = 3
"""The last frame is shown so many times as long."""


@dataclass(frozen=True, eq=False, repr=False)
class Film:
    """A picture for each round of training, on one figure.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        Shows the frame that was drawn last.
    solution : Solution
    rounds : tuple of Round
    columns : tuple of Columns
        One a round.

    Examples
    --------
    >>> from cvxnet.plots.rounds import follow_training
    >>> course = follow_training("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1)
    >>> film = animate_bracket(course.solution, course.rounds)
    >>> film.draw(-1).axes[2].get_title(loc="left")
    'The bracket'
    """

    figure: Figure
    solution: Solution
    rounds: tuple[Round, ...]
    columns: tuple[Columns, ...]

    def __repr__(self) -> str:
        return f"<Film of {len(self)} frames>"

    def __len__(self) -> int:
        return len(self.rounds)

    def draw(self, frame: int) -> Figure:
        """Draw a frame, from 0; negative ones count from the end."""
        k = range(len(self))[frame]
        figure, columns, now = self.figure, self.columns[k], self.rounds[k]
        with styled():
            figure.clear()
            fit, column, bracket = figure.subplots(1, 3, width_ratios=[1.0, 1.3, 0.9])
            draw_fit(fit, self.solution, now, len(columns.units))
            draw_columns(column, columns, max(each.largest for each in self.columns))
            draw_bracket(bracket, self.rounds, k)
            lower, upper = bracket_text(now.lower, now.upper)
            gap = relative_gap(now.lower, now.upper)
            head(figure, f"Round {k}:  {lower} ≤ p* ≤ {upper}   (relative gap {gap:.1e})")
        return figure

    def save(self, path: str | Path, seconds: float = 1.2) -> list[Path]:
        """Write the film, and say which files there are now.

        Parameters
        ----------
        path : str or path
            A name that ends in ``.gif`` is one file. Of another picture, ``film.svg``, there is one
            file a frame: ``film-00.svg``, ``film-01.svg`` and so on.
        seconds : float
            How long a GIF shows each frame; the last one three times as long.

        Returns
        -------
        list of path

        Raises
        ------
        InputError
            Where it cannot be written, or its ending names no format.
        """
        path, seconds = Path(path), check_positive(seconds, "seconds", "1 is usual.")
        if path.suffix.lower() == ".gif":
            self.save_gif(path, seconds)
            return [path]
        paths = [path.with_stem(f"{path.stem}-{k:02}") for k in range(len(self))]
        for k, file in enumerate(paths):
            save_figure(self.draw(k), file)
        return paths

    def save_gif(self, path: Path, seconds: float) -> None:
        """Write all frames into one file that repeats them."""
        writer = import_matplotlib("animation").animation.PillowWriter(fps=1.0 / seconds)
        with (
            replacing(path) as draft,
            styled(),
            writer.saving(self.figure, str(draft), RESOLUTION),
        ):
            for k in range(len(self)):
                self.draw(k)
                for _ in range(1 if k + 1 < len(self) else LAST):
                    writer.grab_frame()


def animate_bracket(solution: Solution, rounds: Sequence[Round]) -> Film:
    """Draw how training closed the bracket: the fit, the columns and the bracket, round by round.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned, as in `columns_at`.
    rounds : sequence of Round
        What ``cvxnet.train(..., progress=rounds.append)`` told, or `follow_training` kept.

    Returns
    -------
    Film
        ``film.save("bracket.gif")`` writes it, ``film.draw(0)`` draws a frame.

    Raises
    ------
    InputError
        Where there are no rounds.
    MissingExtraError
        Where matplotlib is not installed.
    UnsupportedError
        For other units, another rank or several outputs.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y, rounds = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0], []
    >>> solution = cn.train("relu", X, y, weight_decay=0.1, progress=rounds.append)
    >>> film = animate_bracket(solution, rounds)
    >>> len(film) == len(rounds), [axes.get_xlabel() for axes in film.draw(0).axes]
    (True, ['feature 0', 'angle of the unit (w, b) in degrees', 'round'])
    """
    if not len(rounds):
        raise InputError(
            "rounds is empty; keep them with cvxnet.train(..., progress=rounds.append)."
        )
    columns = tuple(columns_at(solution, at) for at in rounds)
    film = Film(new_figure(WIDTH, 4.6), solution, tuple(rounds), columns)
    film.draw(0)
    return film


def draw_fit(axes: Axes, solution: Solution, now: Round, count: int) -> None:
    """The network of a round with the data: a curve over one feature, a map over two."""
    X, y = solution.objective.X, solution.objective.y
    axes.set_xlabel("feature 0")
    if X.shape[1] > 1:
        draw_surface(axes, X, y, now)
    else:
        grid = np.linspace(*view_of(X[:, 0]), 4 * PIXELS)
        axes.plot(grid, now.network(grid[:, None])[:, 0], color=RED)
        axes.plot(X[:, 0], y, "o", color=INK, markersize=6.0)
        axes.set(ylim=view_of(y, margin=0.2), ylabel="target")
    entitle(axes, f"The network: {count} unit{'s' * (count != 1)}")


def draw_surface(axes: Axes, X: Array, y: Array, now: Round) -> None:
    """A network over two features from above, with the data in the same colors."""
    box: list[Range] = [view_of(column) for column in X.T]
    a, b = (np.linspace(*side, PIXELS) for side in box)
    rows = np.stack(np.meshgrid(a, b), axis=-1).reshape(-1, 2)
    colors = color_scale(float(y.min()), float(y.max()))
    look: dict[str, Any] = {"cmap": colors.cmap, "norm": colors.norm}
    F = now.network(rows)[:, 0].reshape(PIXELS, PIXELS)
    axes.imshow(F, origin="lower", extent=(*box[0], *box[1]), aspect="auto", **look)
    axes.scatter(X[:, 0], X[:, 1], 42.0, y, edgecolors=INK, linewidths=1.0, **look)
    axes.set_ylabel("feature 1")


def draw_bracket(axes: Axes, rounds: Sequence[Round], k: int) -> None:
    """Lower and upper bound after each round up to k."""
    lower, upper = np.array([(r.lower, r.upper) for r in rounds]).T
    seen, last = np.arange(k + 1), max(len(rounds) - 1, 1)
    axes.fill_between(seen, lower[: k + 1], upper[: k + 1], color=SKY, alpha=0.35, linewidth=0.0)
    axes.plot(seen, upper[: k + 1], "v-", color=RED, label="best network")
    axes.plot(seen, lower[: k + 1], "^-", color=BLUE, label="proved bound")
    room = 0.08 * float(upper.max() - lower.min())
    axes.set(xlim=(-0.04 * last, 1.04 * last), xlabel="round")
    axes.set_ylim(float(lower.min()) - room, float(upper.max()) + room)
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.locator_params(axis="x", integer=True)
    axes.legend(loc="upper right")
    entitle(axes, "The bracket")
