"""The picture of a derivation: each node with its curvature, and where the rules stop."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cvxnet.analysis.show import SIGNS, SYMBOLS, grow_tree, lines_of
from cvxnet.analysis.verdicts import Verdict
from cvxnet.errors import InputError
from cvxnet.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PURPLE,
    RED,
    head,
    literal,
    new_figure,
    short,
    styled,
)

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

COLORS = {
    "convex": GREEN,
    "concave": BLUE,
    "affine": INK,
    "constant": GREY,
    "mixed": PURPLE,
    "unknown": RED,
}
"""The edges of the boxes; the symbol in each says the same in grey."""
ROW, INDENT, PAD = 0.36, 0.32, 0.12
"""Inches: the height of a line, how far an argument is set in, room in a box."""
LETTER = 0.078
"""Inches that a letter takes, about."""
WIDEST = 46
"""Letters of a name or of a rule in one line."""
STOP = "◀ the rules stop here"


@dataclass(frozen=True)
class Row:
    """One line of the tree: a node of the derivation as people read it.

    Attributes
    ----------
    place : int
        The step of ``verdict.derivation``.
    parent : int
        The row of the node that uses it; -1 for the root.
    depth : int
        How far below the root.
    name, layer, shape : str, str, tuple of int
        What it is, which layer made it ("" outside of layers), and its size.
    sign : str
        ">= 0", "<= 0", "= 0" or "".
    curvature : str
        "convex", "concave", "affine", "constant", "unknown", or "mixed" where entries differ.
    symbol : str
        Its mark, as in ``print(verdict)``.
    way : str
        How the node above depends on it: "nondecreasing", "nonincreasing" or what else is known.
    rule : str
        The rule that was applied.
    repeated : bool
        Whether it stands above already, with all that is below it.
    blamed : bool
        Whether the rules stop here.
    """

    place: int
    parent: int
    depth: int
    name: str
    layer: str
    shape: tuple[int, ...]
    sign: str
    curvature: str
    symbol: str
    way: str
    rule: str
    repeated: bool
    blamed: bool


def derivation_rows(verdict: Verdict) -> tuple[Row, ...]:
    """The derivation of a verdict as the lines of a tree, the expression first.

    Nodes that only move entries, and constants that are no weights, are left out.

    Parameters
    ----------
    verdict : Verdict
        About a network or an expression.

    Returns
    -------
    tuple of Row
        Each below the one that uses it.

    Raises
    ------
    InputError
        For anything else, and for verdicts without a derivation: those on problems, whose parts
        have one each, and those on an empty domain.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from cvxnet.analysis import convexity
    >>> for row in derivation_rows(convexity(cp.exp(cp.square(cp.Variable(name="x"))))):
    ...     print("  " * row.depth + row.name, row.curvature)
    exp convex
      square convex
        x affine
    """
    if not isinstance(verdict, Verdict) or not len(verdict.derivation):
        raise InputError(
            f"{verdict!r} has no derivation; verdicts of cvxnet.convexity on networks and "
            "expressions have one, and so have the .parts of a verdict on a problem."
        )
    blamed = -1 if verdict.blame is None or verdict.convex else verdict.blame.place
    rows: list[Row] = []
    above: list[int] = []
    for number, (depth, branch) in enumerate(lines_of(grow_tree(verdict.derivation))):
        step = branch.step
        del above[depth:]
        rows.append(
            Row(
                place=branch.place,
                parent=above[-1] if above else -1,
                depth=depth,
                name=step.name,
                layer=step.layer,
                shape=step.shape,
                sign=SIGNS[step.sign],
                curvature=step.curvature,
                symbol=SYMBOLS[step.curvature],
                way=branch.way,
                rule=step.rule,
                repeated=branch.repeated,
                blamed=branch.place == blamed and not branch.repeated,
            )
        )
        above.append(number)
    return tuple(rows)


def plot_derivation(verdict: Verdict, rules: bool = True) -> Figure:
    """Draw the tree of an expression, each node with its curvature and sign.

    Parameters
    ----------
    verdict : Verdict
        About a network or an expression.
    rules : bool
        Whether the rule that was used stands beside each node.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    MissingExtraError
        Where matplotlib is not installed.
    InputError
        For what has no derivation, as `derivation_rows`.

    Examples
    --------
    >>> import cvxnet as cn
    >>> net = cn.Sequential(cn.Linear(2, 4), cn.ReLU(), cn.Linear(4, 1, nonneg=True))
    >>> figure = plot_derivation(cn.convexity(net, wrt="input"))
    >>> figure.get_suptitle().split(":")[0]
    'CONVEX'
    """
    rows = derivation_rows(verdict)
    ends = [row.depth * INDENT + len(text_of(row)) * LETTER + 3 * PAD for row in rows]
    margin = max(end + row.blamed * len(STOP) * LETTER for end, row in zip(ends, rows, strict=True))
    width = max(margin + (WIDEST + 2) * LETTER if rules else margin + PAD, 6.0)
    with styled():
        figure = new_figure(width, ROW * (len(rows) + 0.5) + 0.9)
        axes = figure.subplots()
        axes.set(xlim=(0.0, width), ylim=(ROW * len(rows), -0.5 * ROW))
        axes.set_axis_off()
        for number, row in enumerate(rows):
            draw_row(axes, number, row)
            if rules and not row.repeated:
                told = textwrap.shorten(row.rule, WIDEST * 2, placeholder=" …")
                lines = textwrap.fill(literal(told), WIDEST)
                axes.text(margin + PAD, ROW * number, lines, va="center", color=GREY, fontsize=7.5)
        head(figure, verdict.page().headline, [] if verdict.convex else blame_notes(verdict))
    return figure


def blame_notes(verdict: Verdict) -> list[str]:
    """Where the rules stop, in words."""
    return [] if verdict.blame is None else [f"The rules stop at {literal(str(verdict.blame))}"]


def text_of(row: Row) -> str:
    """What stands in the box of a node."""
    size = f" {'x'.join(map(str, row.shape))}" if row.shape else ""
    layer = f"{row.layer}: " if row.layer and not row.name.startswith(f"{row.layer}.") else ""
    again = " (see above)" if row.repeated else ""
    return f"{row.symbol}  {layer}{short(row.name, WIDEST)}{size}  {row.sign}{again}".rstrip()


def draw_row(axes: Axes, number: int, row: Row) -> None:
    """One node, and the line to the node that uses it."""
    left, height = PAD + INDENT * row.depth, ROW * number
    if row.parent >= 0:
        corner = left - INDENT + PAD
        x, y = [corner, corner, left], [ROW * (row.parent + 0.35), height, height]
        axes.plot(x, y, color=GREY, linewidth=0.9, zorder=1)
    color = COLORS[row.curvature]
    box = {
        "boxstyle": "round,pad=0.32",
        "facecolor": "white",
        "edgecolor": color,
        "linewidth": 2.6 if row.blamed else 1.3,
        "linestyle": "--" if row.curvature == "unknown" else "-",
    }
    look: dict[str, Any] = {"va": "center", "fontsize": 9.5, "bbox": box, "zorder": 2}
    axes.text(left + 0.06, height, literal(text_of(row)), color=INK, **look)
    if row.blamed:
        right = left + len(text_of(row)) * LETTER + 2 * PAD
        axes.text(right, height, STOP, va="center", color=RED, fontsize=9.0)
