"""The one style of all pictures: colors, markers, text and files; matplotlib is loaded when one is
drawn.

Colors are those of Okabe and Ito (2008), which people with every kind of color vision tell apart;
in grey, markers and line styles do. Numbers have maps whose lightness only rises, or, where zero
matters, one that is lightest there and has signs written on it.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.data.files import replacing
from cvxnet.errors import InputError
from cvxnet.optional import import_matplotlib
from cvxnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.cm import ScalarMappable as ScalarMappable
    from matplotlib.colors import Colormap as Colormap
    from matplotlib.figure import Figure as Figure

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW = "#56B4E9", "#CC79A7", "#F0E442"
INK, GREY, PALE = "#222222", "#767676", "#d9d9d9"
COLORS = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, INK, YELLOW)
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "p")
LINES: Sequence[Any] = ("-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)), (0, (1, 3)))
DASHED: Any = (0, (4, 3))
SIGNED = "RdBu_r"
"""The map of numbers around zero."""
RISING, DARKEST = "viridis", 64
"""The map of other numbers, without its darkest quarter, on which lines would not be seen."""
SMALL, TITLE, HEAD = 10.0, 12.5, 14.0
"""Sizes of text, in points, on pictures some 13 inches wide: that is a slide."""
WIDTH = 12.8
FONTS = ("Noto Sans CJK JP", "Hiragino Sans", "Microsoft YaHei", "Malgun Gothic", "Noto Sans")
"""Where they are installed they draw what the first font has no letters for."""
STYLE: Any = {
    "font.size": 12.0,
    "axes.titlesize": TITLE,
    "axes.labelsize": 12.0,
    "legend.fontsize": SMALL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "axes.linewidth": 1.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.7,
    "svg.fonttype": "none",
    "svg.hashsalt": "cvxnet",
    "pdf.fonttype": 42,
}
UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
RESOLUTION = 150
LETTER = 0.57
"""Width of a letter on average, relative to the size of the font."""
INSIDE = 0.96
"""Notes take this share of the width."""
WIDER = 1.15
"""Titles have so much more room than axes whose place is not adjusted yet."""
LONG = 26
"""Names with more letters are shortened."""
FLAT = 1e-9
"""Numbers that differ by less, relatively, have one color."""


@contextmanager
def styled() -> Iterator[None]:
    """The look of all pictures, as a context to draw in."""
    matplotlib = import_matplotlib()
    there = {font.name for font in matplotlib.font_manager.fontManager.ttflist}
    fonts = ["DejaVu Sans", *(name for name in FONTS if name in there)]
    with matplotlib.rc_context(STYLE | {"font.family": fonts}):
        yield


def new_figure(width: float, height: float) -> Figure:
    """A figure that no window owns."""
    figure: Figure = import_matplotlib().figure.Figure(
        figsize=(width, height), layout="constrained"
    )
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a picture; its format follows the name, and an old file is replaced in one step.

    The same picture gives the same SVG or PNG file, byte by byte: files have no dates. Text in SVG
    files is text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From one of the functions of this folder.
    path : str or path
        The file: ``.png``, ``.svg``, ``.pdf`` or what else matplotlib knows.

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
    metadata = UNDATED.get(Path(path).suffix.lower(), {})
    try:
        with replacing(path) as draft, styled(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(draft, dpi=RESOLUTION, metadata=metadata)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the picture {path} cannot be written: {error}.") from None


def check_names(names: Sequence[str] | None, d: int) -> list[str]:
    """One name for each feature, as it is drawn."""
    if names is None:
        return [f"feature {j}" for j in range(d)]
    if isinstance(names, str) or len(names) != d:
        raise InputError(f"feature_names is {names!r}; expected {d} names, one a column of X.")
    return [literal(short(name)) for name in names]


def short(text: str, most: int = LONG) -> str:
    """Text in one line, its middle left out where it is long.

    >>> short("the number of rooms in the house"), short("two\\nlines")
    ('the number of…in the house', 'two lines')
    """
    line = " ".join(str(text).split())
    if len(line) <= most:
        return line
    return f"{line[: most // 2]}…{line[-(most - most // 2 - 1) :]}"


def literal(text: str) -> str:
    """Text as it stands: in pictures a pair of dollar signs would make it a formula."""
    return str(text).replace("$", r"\$")


def room_for(axes: Axes, size: float) -> int:
    """About how many letters of a size stand above axes side by side with others."""
    figure: Any = axes.figure
    spec = axes.get_subplotspec()
    share = 1.0 if spec is None else float(spec.get_position(figure).width)
    return max(12, int(WIDER * share * figure.get_figwidth() * 72.0 / (LETTER * size)))


def entitle(axes: Axes, text: str, size: float = TITLE) -> None:
    """The title, in as many lines as it takes."""
    axes.set_title(textwrap.fill(text, room_for(axes, size)), fontsize=size, loc="left")


def head(figure: Figure, text: str, notes: Iterable[str] = ()) -> None:
    """What the whole picture says, above it; and below it, small, what else must be known."""
    width = figure.get_figwidth() * 72.0 / LETTER
    figure.suptitle(textwrap.fill(text, int(width / HEAD)), fontsize=HEAD)
    below = "  ".join(note for note in notes if note)
    if below:
        lines = textwrap.fill(below, int(INSIDE * width / SMALL))
        figure.supxlabel(lines, x=0.01, ha="left", fontsize=SMALL, color=INK)


def show_shares(axes: Axes, decimals: int | None = None) -> None:
    """Numbers at the vertical axis in percent, with so many decimals or as many as they need."""
    formatter = import_matplotlib().ticker.PercentFormatter(1.0, decimals, " %")
    axes.yaxis.set_major_formatter(formatter)


def say_nothing_to_see(axes: Axes, text: str) -> None:
    """Axes without anything but a sentence."""
    axes.set_axis_off()
    lines = textwrap.fill(text, room_for(axes, 12.0) * 2 // 3)
    axes.text(0.5, 0.5, lines, ha="center", va="center", transform=axes.transAxes)


def rising_map() -> Colormap:
    """Colors for numbers, the lighter the larger."""
    matplotlib = import_matplotlib()
    colors = matplotlib.colormaps[RISING].colors[DARKEST:]
    found: Colormap = matplotlib.colors.ListedColormap(colors, name="cvxnet")
    return found


def color_scale(low: float, high: float) -> ScalarMappable:
    """Colors for numbers from low to high."""
    size = max(abs(low), abs(high))
    if high - low <= FLAT * size or size == 0.0:  # a constant target has a color too
        low, high = low - 0.5 * (size or 1.0), high + 0.5 * (size or 1.0)
    matplotlib = import_matplotlib()
    scale: ScalarMappable = matplotlib.cm.ScalarMappable(
        matplotlib.colors.Normalize(low, high), rising_map()
    )
    return scale


def signed_scale(most: float) -> ScalarMappable:
    """Colors for numbers from ``-most`` to ``most``: blue, white at zero, red."""
    matplotlib = import_matplotlib()
    most = most if most > 0.0 else 1.0
    scale: ScalarMappable = matplotlib.cm.ScalarMappable(
        matplotlib.colors.Normalize(-most, most), SIGNED
    )
    return scale


def color_of(k: int) -> str:
    """The color of output or class k."""
    return COLORS[k % len(COLORS)]


def marker_of(k: int) -> str:
    """The marker of output or class k: of those with one color each has another."""
    return MARKERS[(k + k // len(COLORS)) % len(MARKERS)]


def line_of(k: int) -> Any:
    """The line style of output or class k."""
    return LINES[k % len(LINES)]


def output_colors(outputs: int) -> Array:
    """The color of each output or class, (outputs, 3)."""
    rgb = import_matplotlib().colors.to_rgb
    return np.array([rgb(color_of(k)) for k in range(outputs)]).reshape(-1, 3)
