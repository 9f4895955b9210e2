"""Tables of data: reading a CSV file and choosing target and features, with messages that point.

Whatever is wrong is said with file, line and column, and with what to do about it.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvxnet.errors import InputError
from cvxnet.optional import import_bundled_data
from cvxnet.types import Array

MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-", "."}
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """The cells of a CSV file as text; ``lines`` are the line numbers of the rows."""

    path: str
    names: list[str]
    rows: list[list[str]]
    lines: list[int]

    def position(self, name: str) -> int:
        """Where a column is, or InputError with the names that there are."""
        if name in self.names:
            return self.names.index(name)
        close = difflib.get_close_matches(name.lower(), [n.lower() for n in self.names], n=1)
        matches = [n for n in self.names if close and n.lower() == close[0]]
        hint = f" Did you mean {matches[0]!r}?" if matches else ""
        raise InputError(
            f"{self.path} has no column {name!r}.{hint} Its columns are: {', '.join(self.names)}."
        )

    def texts(self, name: str) -> list[str]:
        """A column as it stands in the file."""
        position = self.position(name)
        return [row[position].strip() for row in self.rows]


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """Chosen columns of a table as arrays.

    Attributes
    ----------
    X : (n, d) array
        The features, samples in rows.
    y : (n,) array
        The target.
    features : tuple of str
        The names of the d columns.
    target : str
        The name of the target.
    classes : (str, str) or None
        The names of the labels -1 and +1, where they were text.

    Examples
    --------
    >>> Data(X=np.eye(2), y=np.ones(2), features=("a", "b"), target="c").classes is None
    True
    """

    X: Array
    y: Array
    features: tuple[str, ...]
    target: str
    classes: tuple[str, str] | None = None


def read_data(
    path: str | Path,
    target: str,
    features: Sequence[str] | None = None,
    labels: bool = False,
) -> Data:
    """Read target and features from a CSV file whose first line names the columns.

    Parameters
    ----------
    path : str or Path
        UTF-8 text; columns separated by commas, semicolons or tabs.
    target : str
        The column to predict.
    features : sequence of str, optional
        The columns to predict from; by default all others.
    labels : bool
        Whether the target is of two classes, as some losses want it: then they may be text.

    Returns
    -------
    Data

    Raises
    ------
    InputError
        Saying what was found, at which line and column, and what to do.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "data.csv"
    >>> _ = file.write_text("age;smokes\\n31;no\\n45;yes\\n")
    >>> data = read_data(file, "smokes", labels=True)
    >>> data.X.tolist(), data.y.tolist(), data.classes
    ([[31.0], [45.0]], [-1.0, 1.0], ('no', 'yes'))
    """
    table = read_table(path)
    table.position(target)
    chosen = choose_features(table, target, features)
    y, classes = read_target(table, target, labels)
    X = np.column_stack([numbers(table, name) for name in chosen])
    return Data(X=X, y=y, features=tuple(chosen), target=target, classes=classes)


def read_table(path: str | Path) -> Table:
    """Read and check a CSV file: names in the first line, rows of equal length below."""
    text = read_text(Path(path))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=guess_delimiter(text))
    rows, lines = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV ({error}).") from None
    if not rows:
        raise InputError(f"{path} is empty. Expected a line of column names and lines of numbers.")
    names = [name.strip() for name in rows[0]]
    check_names(path, names)
    if len(rows) == 1:
        raise InputError(f"{path} has column names ({', '.join(names)}) but no rows below them.")
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if len(row) != len(names):
            raise InputError(
                f"{path}, line {line}: {len(row)} cells, but the first line names {len(names)} "
                "columns. Check for missing separators and for unquoted text that contains one."
            )
    return Table(str(path), names, rows[1:], lines[1:])


def read_text(path: Path) -> str:
    """The text of a file; a byte order mark is skipped."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start}). Save it as 'CSV UTF-8'."
        ) from None
    except FileNotFoundError:
        raise InputError(
            f"there is no file {str(path)!r}. Check the name and the folder."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def guess_delimiter(text: str) -> str:
    """The separator that occurs most often in the first line; a comma if none does.

    >>> guess_delimiter("a;b;c\\n1,5;2;3"), guess_delimiter("a")
    (';', ',')
    """
    first = text.lstrip().split("\n", 1)[0]
    return max(DELIMITERS, key=first.count)


def check_names(path: str | Path, names: list[str]) -> None:
    """Columns must have names, and different ones."""
    if all(as_number(name) is not None for name in names):
        raise InputError(
            f"{path}: the first line ({', '.join(names[:5])}) holds numbers only. "
            "Put a line with the column names above the data."
        )
    if "" in names:
        raise InputError(f"{path}: column {names.index('') + 1} has no name in the first line.")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise InputError(f"{path}: {times} columns are called {name!r}. Rename or remove them.")


def choose_features(table: Table, target: str, features: Sequence[str] | None) -> list[str]:
    """The feature columns: those asked for, or all but the target."""
    if features is None:
        features = [name for name in table.names if name != target]
        if not features:
            raise InputError(f"{table.path} has no column but the target {target!r}.")
        return features
    if not features:
        raise InputError("features is empty: name at least one column to predict from.")
    for name in features:
        table.position(name)
    name, times = Counter(features).most_common(1)[0]
    if times > 1:
        raise InputError(f"feature {name!r} is named {times} times.")
    if target in features:
        raise InputError(f"the target {target!r} is among the features; predict it from others.")
    return list(features)


def read_target(table: Table, name: str, labels: bool) -> tuple[Array, tuple[str, str] | None]:
    """The target as numbers; where labels are wanted, two classes of text become -1 and +1."""
    texts = table.texts(name)
    if not labels or all(as_number(text) is not None for text in texts):
        return numbers(table, name), None
    check_missing(table, name)
    classes = sorted(set(texts))
    if len(classes) != 2:
        found = ", ".join(map(repr, classes[:5])) + (", ..." if len(classes) > 5 else "")
        raise InputError(
            f"{table.path}, column {name!r}: two classes are needed, but there "
            f"{'is' if len(classes) == 1 else 'are'} {len(classes)} ({found})."
        )
    return np.where(np.array(texts) == classes[1], 1.0, -1.0), (classes[0], classes[1])


def numbers(table: Table, name: str) -> Array:
    """A column as finite numbers, or InputError with the first cell that is none."""
    check_missing(table, name)
    values = []
    for text, line in zip(table.texts(name), table.lines, strict=True):
        value = as_number(text)
        if value is None:
            raise InputError(
                f"{table.path}, line {line}, column {name!r}: {text!r} is not a number. "
                + text_hint(text)
            )
        if not math.isfinite(value):
            raise InputError(
                f"{table.path}, line {line}, column {name!r}: {text!r} is not finite. "
                "Remove this row, or replace the value."
            )
        values.append(value)
    return np.array(values)


def check_missing(table: Table, name: str) -> None:
    """Refuse missing values: how to fill them is for the owner of the data to say."""
    lines = missing_lines(table.texts(name), table.lines)
    if lines:
        raise InputError(
            f"{table.path}, line {lines[0]}, column {name!r}: value missing "
            f"({len(lines)} in this column). Remove these rows, or fill them in."
        )


def missing_lines(texts: Iterable[str], lines: Iterable[int]) -> list[int]:
    """The lines on which a cell is empty or says that its value is missing."""
    return [line for text, line in zip(texts, lines, strict=True) if text.lower() in MISSING]


def as_number(text: str) -> float | None:
    """The number that a cell holds, or None.

    >>> as_number(" 1e3 "), as_number("tall"), as_number("1_000")
    (1000.0, None, None)
    """
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def text_hint(text: str) -> str:
    """What to do about a cell that is no number."""
    if as_number(text.replace(",", ".", 1)) is not None:
        return "Write decimals with a point, not a comma."
    return "Encode text as numbers, or leave the column out (--features / features=)."


def diabetes() -> Data:
    """Diabetes patients (n = 442): disease progression from body mass index and triglycerides.

    From Efron, Hastie, Johnstone and Tibshirani, "Least angle regression" (2004). All three
    columns are standardised: mean 0 and variance 1.

    Returns
    -------
    Data
        X (442, 2) and y (442,).

    Raises
    ------
    MissingExtraError
        Where scikit-learn is not installed.

    Examples
    --------
    >>> data = diabetes()
    >>> data.X.shape, data.features, data.target
    ((442, 2), ('body mass index', 'log triglycerides'), 'disease progression')
    """
    bunch = import_bundled_data().load_diabetes()
    columns = [bunch.feature_names.index(name) for name in ("bmi", "s5")]
    return Data(
        X=standardise(bunch.data[:, columns]),
        y=standardise(bunch.target),
        features=("body mass index", "log triglycerides"),
        target="disease progression",
    )


def standardise(values: Array) -> Array:
    """Shift and scale each column to mean 0 and variance 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)
