"""How commands that find many networks show and keep what they found: path, widths and compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvxnet.cli.outcome import print_facts, print_json
from cvxnet.cli.preparing import Task
from cvxnet.data.reports import Report
from cvxnet.errors import InputError, MissingExtraError
from cvxnet.plots import save_figure

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure


@dataclass(kw_only=True)
class Files:
    """What was written, by what it is; ``note`` says why something is missing."""

    places: dict[str, Path] = field(default_factory=dict)
    note: str = ""

    def save(self, found: Report, place: Path, draw: Callable[[], Figure]) -> None:
        """Write lines and picture of what was found to ``place`` with .csv and .png behind it."""
        self.places["csv"] = place.with_suffix(".csv")
        found.to_csv(self.places["csv"])
        figure = place.with_suffix(".png")
        try:
            save_figure(draw(), figure)
            self.places["figure"] = figure
        except (MissingExtraError, InputError) as error:
            self.note = f"no figure: {error}"

    def to_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        files = {name: str(place) for name, place in self.places.items()}
        return {"files": files, "note": self.note}


def show_report(
    found: Report, task: Task, files: Files, *, goal: dict[str, str], last: dict[str, Any]
) -> None:
    """Print table and facts: those on the ``goal`` before the files, the ``last`` behind them."""
    print(found.table())
    print()
    print_facts(
        {
            "remark": task.remarks,
            **goal,
            "files": "  ".join(map(str, files.places.values())),
            "note": files.note,
            **last,
        }
    )


def print_document(document: dict[str, Any], task: Task, files: Files) -> None:
    """Print it as JSON, with what else there is to say of table and files."""
    preparation = task.preparation
    said = {
        "target": list(preparation.targets),
        "features": list(preparation.features),
        "standardised": preparation.scaling is not None,
        "remark": "; ".join(task.remarks),
    }
    print_json(document | said | files.to_dict())
