"""A path in words: a table as text and HTML, a document for JSON, lines for CSV."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from html import escape
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cvxnet.data.files import replacing
from cvxnet.proofs.checker.path import Piece
from cvxnet.proofs.gaps import bracket_text
from cvxnet.proofs.path_certificate import gap_of
from cvxnet.training.path.record import PathRecord

COLUMNS = ("weight decay from", "to", "units", "optimum there: from", "to", "gap")
COLUMNS_OF_A_FILE = (
    *("low", "high", "trained_at", "units", "gap"),
    *("lower_at_low", "upper_at_low", "lower_at_high", "upper_at_high"),
)
NO_LIMIT = 10**4


def headline(path: PathRecord) -> str:
    """What is proved, in a line."""
    trained = len(path.weight_decays)
    text = (
        f"{path.status}: for every weight decay from {path.low:.6g} to {path.high:.6g} a network "
        f"within {100.0 * path.gap:.3g} % of the optimum; {trained} "
        f"certificate{'s' * (trained != 1)}"
    )
    if path.low > path.asked:
        text += f"; nothing from {path.asked:.6g} to {path.low:.6g}"
    if path.gap > path.goal:
        text += f"; asked for were {100.0 * path.goal:.3g} %"
    return text


def notes(path: PathRecord) -> list[str]:
    """How it ended."""
    told = []
    if "trainings" in path.stats:
        told.append(f"{path.stats['trainings']} trainings, {path.stats['seconds']:.2f} s.")
    if path.stats.get("stopped"):
        told.append(f"Ended: {path.stats['stopped']}.")
    return told


def render_text(path: PathRecord) -> str:
    """Headline, table and notes as plain text."""
    printed = io.StringIO()
    console = Console(file=printed, width=NO_LIMIT, color_system=None)
    console.print(render_rich(path))
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines())


def render_rich(path: PathRecord) -> Any:
    """The same for a rich console."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows(path):
        table.add_row(*row)
    below = map(Text, notes(path))
    return Group(Text(headline(path)), Text(""), table, Text(""), *below)


def render_html(path: PathRecord) -> str:
    """The same as an HTML fragment."""

    def line(cells: Iterable[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows(path))
    below = "<br>".join(map(escape, notes(path)))
    return (
        f'<div class="cvxnet-path"><p>{escape(headline(path))}</p><table><thead>'
        f"{line(COLUMNS, 'th')}</thead><tbody>{body}</tbody></table><p><small>{below}</small></p>"
        "</div>"
    )


def rows(path: PathRecord) -> list[list[str]]:
    """The cells of the table, the largest weight decay first."""
    return [
        [
            f"{piece.low:.6g}",
            f"{piece.high:.6g}",
            str(path.units[piece.network]),
            *bracket_text(piece.lower[0], piece.upper[1]),
            f"{gap_of(piece):.1e}",
        ]
        for piece in reversed(path.pieces)
    ]


def document(path: PathRecord) -> dict[str, Any]:
    """All numbers, ready for JSON."""
    goal = path.objective
    return {
        "family": goal.units.name,
        "loss": goal.loss.name,
        "samples": goal.X.shape[0],
        "features": goal.X.shape[1],
        "status": path.status,
        "low": path.low,
        "high": path.high,
        "gap": path.gap,
        "goal": path.goal,
        "asked": path.asked,
        "weight_decays": list(path.weight_decays),
        "units": list(path.units),
        "pieces": [piece_document(path, piece) for piece in path.pieces],
        **path.stats,
    }


def piece_document(path: PathRecord, piece: Piece) -> dict[str, Any]:
    """What there is to say of a piece."""
    return {
        "low": piece.low,
        "high": piece.high,
        "trained_at": path.weight_decays[piece.network],
        "units": path.units[piece.network],
        "gap": gap_of(piece),
        "lower_at_low": piece.lower[0],
        "upper_at_low": piece.upper[0],
        "lower_at_high": piece.lower[1],
        "upper_at_high": piece.upper[1],
    }


def write_csv(path: PathRecord, file: str | os.PathLike[str]) -> None:
    """One line for each piece."""
    with replacing(file) as draft, open(draft, "w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS_OF_A_FILE, lineterminator="\n")
        writer.writeheader()
        writer.writerows(piece_document(path, piece) for piece in path.pieces)
