"""Results that are shown and kept: plain text, colours, HTML, and the lines of a CSV file."""

from __future__ import annotations

import csv
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cvxnet.data.files import replacing

Lines = tuple[Sequence[str], Iterable[Mapping[str, Any]]]
"""The columns of a CSV file, and what stands in each of its lines, maybe among other things."""
NO_LIMIT = 10**4
"""Lines of plain text that are not to be broken have so many characters."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: the names of its columns, of which some have ``words`` in them, and its rows."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    words: tuple[str, ...] = ()

    def rich(self) -> Table:
        """The table for a rich console."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in self.columns:
            justify = "left" if name in self.words else "right"
            table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
        for cells in self.rows:
            table.add_row(*cells)
        return table

    def html(self) -> str:
        """The table as HTML."""

        def line(cells: Iterable[str], kind: str) -> str:
            return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"

        rows = "".join(line(cells, "td") for cells in self.rows)
        return f"<table><thead>{line(self.columns, 'th')}</thead><tbody>{rows}</tbody></table>"


@dataclass(frozen=True, kw_only=True)
class Page:
    """Tables with lines above and below.

    Attributes
    ----------
    name : str
        Of the class that the HTML has.
    above, below : list of str
    grids : list of Grid
    width : int
        In plain text, lines that are longer than this and than the tables are broken.

    Examples
    --------
    >>> grid = Grid(columns=("units", "gap"), rows=[["1", "0.5"], ["12", "0"]])
    >>> print(Page(name="x", above=["Found:"], grids=[grid], below=["Ended."]).text())
    Found:
    <BLANKLINE>
    units  gap
        1  0.5
       12    0
    <BLANKLINE>
    Ended.
    """

    name: str
    above: list[str]
    grids: list[Grid]
    below: list[str]
    width: int = NO_LIMIT

    def text(self) -> str:
        """The page in plain text."""
        printed = io.StringIO()
        console = Console(file=printed, width=NO_LIMIT, color_system=None)
        needed = [console.measure(grid.rich()).maximum for grid in self.grids]
        console.width = max(self.width, *needed)
        console.print(self.rich())
        return "\n".join(line.rstrip() for line in printed.getvalue().splitlines())

    def rich(self) -> Group:
        """The page for a rich console."""
        tables = [part for grid in self.grids for part in (grid.rich(), Text(""))]
        below = [Text(line, style="dim") for line in self.below]
        return Group(*map(Text, self.above), Text(""), *tables, *below)

    def html(self) -> str:
        """The page as an HTML fragment."""
        above, below = ("<br>".join(map(escape, lines)) for lines in (self.above, self.below))
        tables = "".join(grid.html() for grid in self.grids)
        return (
            f'<div class="cvxnet-{self.name}"><p>{above}</p>{tables}'
            f"<p><small>{below}</small></p></div>"
        )


class Report(ABC):
    """What results with a page and lines for a file have in common."""

    @abstractmethod
    def _page(self) -> Page:
        """What is shown."""

    @abstractmethod
    def _lines(self) -> Lines:
        """What is kept in a CSV file."""

    def table(self) -> str:
        """Headline, tables and notes in plain text: what ``print`` shows."""
        return self._page().text()

    def __str__(self) -> str:
        return self.table()

    def __rich__(self) -> Group:
        return self._page().rich()

    def _repr_html_(self) -> str:
        return self._page().html()

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the numbers to a CSV file, with all their digits; the columns are named in it.

        Parameters
        ----------
        path : str or path
            An old file is replaced in one step.

        Raises
        ------
        InputError
            Where it cannot be written.
        """
        columns, lines = self._lines()
        with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="") as file:
            writer: csv.DictWriter[str] = csv.DictWriter(
                file, columns, extrasaction="ignore", lineterminator="\n"
            )
            writer.writeheader()
            writer.writerows(lines)
