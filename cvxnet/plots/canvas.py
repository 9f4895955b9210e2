"""What pictures share; matplotlib is loaded when one is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.data.files import replacing
from cvxnet.errors import InputError
from cvxnet.optional import import_matplotlib
from cvxnet.proofs.gaps import bracket_text, relative_gap
from cvxnet.training.solution import Solution
from cvxnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.cm import ScalarMappable as ScalarMappable
    from matplotlib.figure import Figure as Figure


FLAT = 1e-9
"""Numbers that differ by less, relatively, have one color."""
SURFACE, INK, KINK = "RdYlBu_r", "#333333", "#1a1a1a"
RED, BLUE, GREY = "#b2182b", "#2166ac", "#999999"
MANY = 10
"""Up to so many outputs or classes have colors that are easily told apart."""
KINKED = {"relu", "leaky_relu", "abs", "squared_relu", "sign", "threshold"}
"""Unit families that change where ``w.x + b = 0``."""
STYLE: Any = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
RESOLUTION = 150
MARGIN = 0.06
"""Room around the data, relative to their range."""


@contextmanager
def styled() -> Iterator[None]:
    """The look of all pictures, as a context to draw in."""
    with import_matplotlib().rc_context(STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """A figure that no window owns."""
    figure: Figure = import_matplotlib().figure.Figure(
        figsize=(width, height), layout="constrained"
    )
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a picture; its format follows the name, and an old file is replaced in one step.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From one of the functions of this folder.
    path : str or path
        The file.

    Raises
    ------
    InputError
        Where it cannot be written, or its ending names no format.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "empty.svg"
    >>> save_figure(new_figure(2.0, 1.0), file)
    >>> file.exists()
    True
    """
    try:
        with replacing(path) as draft:
            figure.savefig(draft, dpi=RESOLUTION)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the picture {path} cannot be written: {error}.") from None


def check_names(names: Sequence[str] | None, d: int) -> list[str]:
    """One name for each feature."""
    if names is None:
        return [f"feature {j}" for j in range(d)]
    if isinstance(names, str) or len(names) != d:
        raise InputError(f"feature_names is {names!r}; expected {d} names, one a column of X.")
    return [literal(name) for name in names]


def literal(text: str) -> str:
    """Text as it stands: in pictures a pair of dollar signs would make it a formula."""
    return str(text).replace("$", r"\$")


def headline(solution: Solution) -> str:
    """What was proved, and no more."""
    what = "Global optimum" if solution.status == "optimal" else "Best network so far"
    lower, upper = bracket_text(solution.lower_bound, solution.value)
    note = f"; {solution.closing_note}" if solution.closing_note else ""
    return f"{what}:  {lower} ≤ p* ≤ {upper}   (relative gap {solution.gap:.1e}{note})"


def span(values: Array, points: int) -> Array:
    """An even grid over the range of the data, with a margin."""
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, points)


def draw_kink_lines(axes: Axes, X: Array, W: Array, b: Array, colors: Any, widths: Any) -> None:
    """Over two features: the line where each unit's input ``w . x + b`` is zero."""
    A, B = np.meshgrid(*(span(column, 60) for column in X.T))
    for (p, q), shift, color, width in zip(W, b, colors, widths, strict=True):
        if p or q:
            axes.contour(A, B, p * A + q * B + shift, [0.0], colors=color, linewidths=width)


def color_scale(low: float, high: float) -> ScalarMappable:
    """Colors from blue over yellow to red for numbers from low to high."""
    size = max(abs(low), abs(high))
    if high - low <= FLAT * size or size == 0.0:  # a constant target has a color too
        low, high = low - 0.5 * (size or 1.0), high + 0.5 * (size or 1.0)
    matplotlib = import_matplotlib()
    scale: ScalarMappable = matplotlib.cm.ScalarMappable(
        matplotlib.colors.Normalize(low, high), SURFACE
    )
    return scale


def output_colors(outputs: int) -> Array:
    """A color for each output or class, (outputs, 3)."""
    palette = import_matplotlib().colormaps["tab10" if outputs <= MANY else "turbo"]
    places = np.arange(outputs) if outputs <= MANY else np.linspace(0.0, 1.0, outputs)
    return np.asarray(palette(places)[:, :3])


def unit_colors(a: Array) -> Array:
    """A color for each hidden unit by its output weights, (m,) or (m, c).

    Red and blue for their sign; with several outputs that of the output where it is largest.
    """
    if a.ndim == 1:
        return np.where(a > 0.0, RED, BLUE)
    return output_colors(a.shape[1])[np.abs(a).argmax(axis=1)]


def kinks(solution: Solution) -> tuple[Array, Array]:
    """Where the hidden units that are there have their kink or step, ``w . x + b = 0``.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.

    Returns
    -------
    W : (k, d) array
        Their weights; empty where units of this family have neither kink nor step.
    b : (k,) array
        Their biases.

    Examples
    --------
    >>> import cvxnet as cn
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False)
    >>> W, b = kinks(solution)
    >>> W.shape, b.tolist()
    ((2, 1), [0.0, 0.0])
    """
    certificate = solution.certificate
    there = (certificate.a.reshape(len(certificate.W), -1) != 0.0).any(axis=1)
    used = there & (certificate.unit_name in KINKED)
    W = certificate.W[used]
    return W, np.zeros(len(W)) if certificate.b is None else certificate.b[used]


def count_units(solution: Solution) -> str:
    """How many hidden units, in words.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.

    Returns
    -------
    str

    Examples
    --------
    >>> import cvxnet as cn
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False)
    >>> count_units(solution)
    '2 hidden units'
    """
    return f"{solution.units} hidden unit{'s' * (solution.units != 1)}"


def draw_kinks_over(axes: Axes, solution: Solution) -> None:
    """Over two features: a line where each hidden unit switches on."""
    W, b = kinks(solution)
    draw_kink_lines(axes, solution.objective.X, W, b, colors=[KINK] * len(b), widths=[0.7] * len(b))


def draw_kink_places(axes: Axes, solution: Solution, grid: Array) -> Array:
    """Over one feature: a dashed line at each kink; the grid comes back with the kinks in it."""
    W, b = kinks(solution)
    turning = W[:, 0] != 0.0
    at = -b[turning] / W[turning, 0]
    at = at[(at >= grid[0]) & (at <= grid[-1])]
    for position in at:
        axes.axvline(position, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)))
    return np.sort(np.concatenate([grid, at]))


def draw_gap(axes: Axes, solution: Solution) -> None:
    """The relative gap of the bracket after each round, on a logarithmic scale."""
    history = [
        (seconds, relative_gap(lower, upper))
        for seconds, lower, upper, _ in solution.stats["history"]
    ]
    seconds, gaps = np.array([*history, (solution.stats["seconds"], solution.gap)]).T
    axes.semilogy(seconds, np.maximum(gaps, 1e-16), "o-", color=BLUE, markersize=3.5)
    axes.set(xlabel="seconds", ylabel="(upper - lower) / upper", xlim=(0.0, None))
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_title("the bracket closes", loc="left")
