"""CSV files: from text to the columns of a table, with messages that point.

Tables of numbers, with text in whole columns or not at all, are read by numpy, which takes half the
time and a tenth of the memory; whatever is not as plain is read here, cell by cell. Both round a
decimal number to the nearest double.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np

from cvxnet.data.notation import Layout, Notation, as_number, plain_numbers
from cvxnet.data.sources import name_of
from cvxnet.data.table import Cells, Table
from cvxnet.errors import InputError

DELIMITERS = ",;\t|"
SEPARATOR_LINE = re.compile(r'"?sep=([^"])"?')
"""With it spreadsheets say in the first line what separates the cells."""
UNNAMED = re.compile(r"Unnamed: \d+(?:\.\d+)?")
"""What pandas calls a column without a name."""
SAMPLE = 20
"""So many lines decide what separates the cells."""
END = "\0\n"
"""A line that no text has; it follows the last one."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands above the rows: how many lines, the names, and what separates the cells."""

    lines: int
    names: list[str]
    delimiter: str
    remarks: tuple[str, ...] = ()


def read_csv(path: str, text: str, layout: Layout) -> Table:
    """The table that a text is: names in the first line, rows of equal length below."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    head = read_head(path, text, layout)
    columns, lines = read_plain(text, head, layout) or read_cells(path, text, head)
    used = [at for at, name in enumerate(head.names) if name or has_content(columns[at])]
    columns = [columns[at] for at in used]
    names, index = check_names(path, [head.names[at] for at in used])
    notation = layout.asked or find_notation(columns, head.delimiter, layout)
    found = notation.decimal == "," and layout.asked is None
    return Table(
        path=path,
        names=names,
        columns=columns,
        lines=lines,
        notation=notation,
        index=index,
        remarks=head.remarks + ("numbers have decimal commas",) * found,
    )


def find_notation(columns: list[Cells], delimiter: str, layout: Layout) -> Notation:
    """How the numbers among the text are written, as far as they show it."""
    texts = [cells for cells in columns if isinstance(cells, list)]
    return layout.found([] if delimiter == "," else texts)


def lines_of(text: str, start: int = 0) -> Iterator[str]:
    """The lines with their ends, from a position on.

    >>> list(lines_of("a,b\\r\\n1,2"))
    ['a,b\\r\\n', '1,2']
    """
    while end := text.find("\n", start) + 1:
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def cells_of(lines: Iterable[str], delimiter: str) -> Any:
    """A reader that makes lists of cells of lines."""
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def read_head(path: str, text: str, layout: Layout) -> Head:
    """The names of the columns, and what separates them.

    Where the line of names is a comment, as numpy writes it, it is read all the same.
    """
    above, delimiter, comment = lines_above(text)
    within = layout.asked.decimal + layout.asked.thousands if layout.asked else ""
    sample = list(islice(lines_of(text), above, above + SAMPLE))
    delimiter = delimiter or guess_delimiter(sample, within)
    reader = cells_of(chain(islice(lines_of(text), above, None), [END]), delimiter)
    names = tidy(first_row(path, reader, above + 1))
    commented: list[str] = next(cells_of([comment.lstrip("#").lstrip(" ")], delimiter), [])
    numbers = [name for name in names if is_numeral(name)]
    if numbers and len(commented) == len(names):
        return Head(lines=above, names=tidy(commented), delimiter=delimiter)
    if numbers:
        check_not_data(path, names, numbers)
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    remark = f"the first line ({shown}) is taken for the column names"
    return Head(
        lines=above + reader.line_num,
        names=names,
        delimiter=delimiter,
        remarks=(remark,) if 2 * len(numbers) >= len(names) else (),
    )


def first_row(path: str, reader: Iterator[list[str]], line: int) -> list[str]:
    """The cells of the first row, which begins on a line."""
    try:
        names = next(reader)
    except csv.Error as error:
        raise not_csv(path, line, error) from None
    if names == [END[0]]:
        raise InputError(
            f"{name_of(path)} is empty. Expected a line of column names and lines of numbers."
        )
    check_closed(path, names, line)
    return names


def check_closed(path: str, row: list[str], line: int) -> None:
    """Refuse a quotation mark that is never closed: the row has swallowed all lines after it."""
    if row and row[-1].endswith(END):
        raise not_csv(path, line, "a quotation mark that opens here is never closed")


def is_numeral(name: str) -> bool:
    """Whether a name is a number in digits.

    >>> is_numeral("-1.5"), is_numeral("nan")
    (True, False)
    """
    return as_number(name) is not None and any(map(str.isdigit, name))


def tidy(names: list[str]) -> list[str]:
    """Names without spaces around them and on one line each."""
    return [" ".join(name.split("\n")).strip() for name in names]


def lines_above(text: str) -> tuple[int, str, str]:
    """How many lines stand above the names, the separator that one names, and the last comment.

    >>> lines_above("sep=;\\n# years\\na;b\\n")
    (2, ';', '# years')
    """
    delimiter = comment = ""
    count = 0
    for count, line in enumerate(lines_of(text)):
        if found := SEPARATOR_LINE.fullmatch(line.strip("\r\n")):
            delimiter = found[1]
        elif line.startswith("#"):
            comment = line.strip("\r\n")
        elif line.strip():
            return count, delimiter, comment
    return count + 1, delimiter, comment


def guess_delimiter(sample: Sequence[str], within: str = "") -> str:
    """The separator that gives every line the same number of cells, most of them in the first.

    One that is said to stand ``within`` numbers comes after others. So does one that leaves a
    column without a name, but the first, and one with which something else follows on a quotation
    mark that closes a cell.

    >>> guess_delimiter(["a;b;c\\n", "1,5;2;3"]), guess_delimiter(["a"])
    (';', ',')
    >>> guess_delimiter(['"a;b;c",y\\n', "1,2"]), guess_delimiter(["a,,b;c\\n", "1,5;2,5"])
    (',', ';')
    >>> guess_delimiter(['"a;b";"c,;,d"\\n', "0,5;0,5"])
    ';'
    >>> either = ["a,a;aa,a\\n", "0,5;0,5"]
    >>> guess_delimiter(either), guess_delimiter(either, ",")
    (',', ';')
    """

    def merit(delimiter: str) -> tuple[bool, bool, bool, bool, int]:
        try:
            rows = [row for row in cells_of(sample, delimiter) if row]
        except csv.Error:
            return False, False, False, False, 0
        widths = [len(row) for row in rows]
        whole = widths[:-1] if len(widths) == SAMPLE else widths
        named = all(rows[0][1:]) if rows else False
        even = len(set(whole)) == 1 and whole[0] > 1
        closed = closes_cells(sample, delimiter)
        return even, delimiter not in within, named, closed, widths[0] if widths else 0

    return max(DELIMITERS, key=merit)


def closes_cells(sample: Sequence[str], delimiter: str) -> bool:
    """Whether nothing but a separator follows where a quotation mark closes a cell.

    The last lines may break off within a cell.
    """
    reader = csv.reader(sample, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for _ in reader:
            pass
    except csv.Error:
        return reader.line_num == len(sample)
    return True


def check_not_data(path: str, names: list[str], numbers: list[str]) -> None:
    """A first line of data is refused: it holds numbers only, or ones that nobody has for names.

    What pandas writes where columns have no names, 0, 1, 2, ..., passes.
    """
    counted = len(names) > 1 and names == [str(k) for k in range(len(names))]
    whole = all(name.lstrip("+-").isdecimal() for name in numbers)
    if counted or (len(numbers) < len(names) and whole and len(set(numbers)) == len(numbers)):
        return
    holds = "holds numbers only" if len(numbers) == len(names) else "holds numbers"
    raise InputError(
        f"{name_of(path)}: the first line ({', '.join(names[:5])}) {holds}. "
        "Put a line with the column names above the data."
    )


def read_plain(text: str, head: Head, layout: Layout) -> tuple[list[Cells], Sequence[int]] | None:
    """The columns of a table without quotes, empty rows and comments; None for any other.

    A column is text where its first cell is; where others have gaps, all are read as text first.
    """
    start = sum(map(len, islice(lines_of(text), head.lines)))
    first = next(lines_of(text, start), "").split(head.delimiter)
    kinds = [object if as_number(cell) is None else float for cell in first]
    if len(first) != len(head.names) or not is_plain(text, start, head.delimiter, layout):
        return None
    columns = float in kinds and (
        load(text, start, head.delimiter, kinds) or load_texts(text, start, head)
    )
    if not columns or not all(map(is_finite, columns)):
        return None
    return columns, range(head.lines + 1, head.lines + 1 + len(columns[0]))


def load_texts(text: str, start: int, head: Head) -> list[Cells] | None:
    """The same of columns with gaps, which stay text."""
    columns = load(text, start, head.delimiter, [object] * len(head.names))
    return None if columns is None else [as_floats(cells) for cells in columns]


def load(text: str, start: int, delimiter: str, kinds: Sequence[type]) -> list[Cells] | None:
    """What numpy reads of all lines from a position on, as columns of these kinds.

    None where it cannot, or leaves a line out, or finds one without content.
    """
    dtype = [(str(at), kind) for at, kind in enumerate(kinds)]
    lines = lines_of(text, start)
    try:
        table = np.loadtxt(lines, dtype=dtype, delimiter=delimiter, comments=None, ndmin=1)
    except ValueError:
        return None
    if len(table) != text.count("\n", start, len(text.rstrip("\r\n"))) + 1:
        return None
    columns: list[Cells] = [
        table[name].copy() if kind is float else [cell.strip() for cell in table[name].tolist()]
        for name, kind in dtype
    ]
    return columns if float in kinds or all(map(any, zip(*columns, strict=True))) else None


def as_floats(cells: Cells) -> Cells:
    """A column of text as numbers, where all of it are finite ones."""
    values = plain_numbers(cells) if isinstance(cells, list) else None
    return cells if values is None or not np.isfinite(values).all() else np.array(values)


def is_finite(cells: Cells) -> bool:
    """Whether a column is text or finite numbers."""
    return isinstance(cells, list) or bool(np.isfinite(cells).all())


def is_plain(text: str, start: int, delimiter: str, layout: Layout) -> bool:
    """Whether all numbers that numpy finds from a position on are what the layout says they are.

    Where there are points beside commas that separate no cells, either may be the decimal sign.
    """
    both = delimiter != "," and text.find(",", start) >= 0 and text.find(".", start) >= 0
    asked = layout.thousands or layout.decimal == ","
    return not (asked or both or text.find('"', start) >= 0)


def read_cells(path: str, text: str, head: Head) -> tuple[list[Cells], list[int]]:
    """The columns as text, and the lines on which the rows begin.

    Empty lines are left out, and comments: lines that begin with # and are no rows.
    """
    width = len(head.names)
    reader = cells_of(chain(islice(lines_of(text), head.lines, None), [END]), head.delimiter)
    rows: list[list[str]] = []
    lines: list[int] = []
    line = head.lines + 1
    try:
        for row in reader:
            if is_row(row, width):
                rows.append(row)
                lines.append(line)
            check_closed(path, row, line)
            line = head.lines + 1 + reader.line_num
    except csv.Error as error:
        raise not_csv(path, line, error) from None
    rows, lines = [trimmed(row, width) for row in rows[:-1]], lines[:-1]
    if not rows:
        names = ", ".join(head.names)
        raise InputError(f"{name_of(path)} has column names ({names}) but no rows below them.")
    check_widths(path, rows, lines, width)
    return [[*map(str.strip, cells)] for cells in zip(*rows, strict=True)], lines


def is_row(row: list[str], width: int) -> bool:
    """Whether cells are a row of a table: neither all empty, nor a comment."""
    comment = len(row) != width and row[:1] and row[0].startswith("#")
    return not comment and any(map(str.strip, row))


def not_csv(path: str, line: int, why: object) -> InputError:
    """What is said of a file that is no CSV file."""
    return InputError(f"{name_of(path)}, line {line}: not CSV ({why}).")


def trimmed(row: list[str], width: int) -> list[str]:
    """A row without empty cells beyond the last column."""
    return row if any(map(str.strip, row[width:])) else row[:width]


def check_widths(path: str, rows: list[list[str]], lines: list[int], width: int) -> None:
    """Every row has a cell for each name."""
    odd = [at for at, row in enumerate(rows) if len(row) != width]
    if not odd:
        return
    every = len(odd) == len(rows) and {len(row) for row in rows} == {width + 1}
    raise InputError(
        f"{name_of(path)}, line {lines[odd[0]]}: {len(rows[odd[0]])} cells, but the first line "
        f"names {width} columns"
        + (f" ({len(odd)} such lines)" if len(odd) > 1 else "")
        + ". "
        + (
            "Every row has one cell more than there are names: where the first names the rows, "
            "give it a name in the first line, too."
            if every
            else "Check for missing separators and for unquoted text or decimal commas that "
            "contain one."
        )
    )


def has_content(cells: Cells) -> bool:
    """Whether a column has a cell that is not empty."""
    return not isinstance(cells, list) or any(cells)


def check_names(path: str, names: list[str]) -> tuple[list[str], tuple[int, ...]]:
    """The names, and which of the first columns only number the rows: those without a name."""
    if names[0] == "":
        names = ["Unnamed: 0", *names[1:]]
    if "" in names:
        raise InputError(
            f"{name_of(path)}: column {names.index('') + 1} has no name in the first line."
        )
    unnamed = [UNNAMED.fullmatch(name) is not None for name in names]
    return names, tuple(range(unnamed.index(False))) if not all(unnamed) else ()
