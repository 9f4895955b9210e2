"""A path in words: the page that is shown, a document for JSON, lines for CSV."""

from __future__ import annotations

from typing import Any

from cvxnet.data.reports import Grid, Page
from cvxnet.proofs.gaps import bracket_text
from cvxnet.proofs.path_certificate import gap_of
from cvxnet.training.path.record import PathRecord

COLUMNS = ("weight decay from", "to", "units", "optimum there: from", "to", "gap")
COLUMNS_OF_A_FILE = (
    *("low", "high", "trained_at", "units", "gap"),
    *("lower_at_low", "upper_at_low", "lower_at_high", "upper_at_high"),
)


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
        count = path.stats["trainings"]
        told.append(f"{count} training{'s' * (count != 1)}, {path.stats['seconds']:.2f} s.")
    if path.stats.get("stopped"):
        told.append(f"Ended: {path.stats['stopped']}.")
    return told


def page_of(path: PathRecord) -> Page:
    """Headline, pieces and notes."""
    grid = Grid(columns=COLUMNS, rows=rows(path))
    return Page(name="path", above=[headline(path)], grids=[grid], below=notes(path))


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
        "pieces": lines_of(path),
        **path.stats,
    }


def lines_of(path: PathRecord) -> list[dict[str, Any]]:
    """What there is to say of each piece."""
    return [
        {
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
        for piece in path.pieces
    ]
