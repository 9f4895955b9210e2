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
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

    def name_of(self, column: str) -> str:
        """The name of a column that is given by its name, or by its number from 1 on.

        InputError with the names that there are for any other.
        """
        if column in self.names:
            return column
        if column.isdecimal() and 1 <= int(column) <= len(self.names):
            return self.names[int(column) - 1]
        close = difflib.get_close_matches(column.lower(), [n.lower() for n in self.names], n=1)
        matches = [n for n in self.names if close and n.lower() == close[0]]
        hint = f" Did you mean {matches[0]!r}?" if matches else ""
        raise InputError(
            f"{self.path} has no column {column!r}.{hint} Its columns are: {', '.join(self.names)}."
        )

    def texts(self, name: str) -> list[str]:
        """A column as it stands in the file."""
        position = self.names.index(name)
        return [row[position].strip() for row in self.rows]

    def place(self, name: str) -> str:
        """A column, for a message."""
        return f"{self.path}, column {name!r}"


class Reading(Enum):
    """How a target is read: as numbers, as two classes, or as any number of classes.

    LABELS: as classes, two or more, whatever stands there; part text and part numbers is text.
    """

    NUMBERS = "numbers"
    TWO_CLASSES = "two classes"
    CLASSES = "classes"
    LABELS = "labels"


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """Chosen columns of a table as arrays.

    Attributes
    ----------
    X : (n, d) array
        The features, samples in rows.
    y : (n,) or (n, c) array
        The target, or several in columns. Where any number of classes was asked for and the column
        is text, its labels as they stand there.
    features : tuple of str
        The names of the d columns.
    targets : tuple of str
        The names of the targets.
    classes : tuple of str or int, or None
        The labels in order, where they were text or LABELS were asked for; of two classes they
        became -1 and +1.

    Examples
    --------
    >>> data = Data(X=np.eye(2), y=np.ones(2), features=("a", "b"), targets=("c",))
    >>> data.target, data.classes is None
    ('c', True)
    """

    X: Array
    y: NDArray[Any]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    classes: tuple[str | int, ...] | None = None

    @property
    def target(self) -> str:
        """The name of the target, or the names of all with commas between."""
        return ", ".join(self.targets)


def read_data(
    path: str | Path,
    target: str | Sequence[str],
    features: Sequence[str] | None = None,
    reading: Reading = Reading.NUMBERS,
) -> Data:
    """Read target and features from a CSV file whose first line names the columns.

    Parameters
    ----------
    path : str or Path
        UTF-8 text; columns separated by commas, semicolons or tabs.
    target : str or sequence of str
        The column to predict, or several. Columns are given by their names, or by their numbers
        from 1 on where no column has that name.
    features : sequence of str, optional
        The columns to predict from; by default all others.
    reading : Reading
        What the target is: numbers, or classes, which may be text.

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
    >>> data = read_data(file, "smokes", reading=Reading.TWO_CLASSES)
    >>> data.X.tolist(), data.y.tolist(), data.classes
    ([[31.0], [45.0]], [-1.0, 1.0], ('no', 'yes'))
    >>> read_data(file, "smokes", reading=Reading.CLASSES).y.tolist()
    ['no', 'yes']
    """
    targets = [target] if isinstance(target, str) else target
    return choose_data(read_table(path), targets, features, reading)


def choose_data(
    table: Table, targets: Sequence[str], features: Sequence[str] | None, reading: Reading
) -> Data:
    """Targets and features of a table as arrays; see `read_data`."""
    targets = choose_columns(table, targets, "target")
    chosen = choose_features(table, targets, features)
    if len(targets) == 1:
        y, classes = read_target(table, targets[0], reading)
    else:
        y, classes = np.column_stack([numbers(table, name) for name in targets]), None
    X = np.column_stack([numbers(table, name) for name in chosen])
    return Data(X=X, y=y, features=tuple(chosen), targets=tuple(targets), classes=classes)


def guess_reading(table: Table, targets: Sequence[str]) -> Reading:
    """How targets ask to be read: one of text is classes, all else is numbers.

    Raises
    ------
    InputError
        Where there is no such column, or it is part text and part numbers.
    """
    targets = choose_columns(table, targets, "target")
    texts = table.texts(targets[0])
    known = [as_number(text) is not None for text in texts if text.lower() not in MISSING]
    if len(targets) > 1 or all(known):
        return Reading.NUMBERS
    check_labels(table, targets[0])
    return Reading.TWO_CLASSES if len(set(texts)) == 2 else Reading.CLASSES


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


def choose_columns(table: Table, columns: Sequence[str], what: str) -> list[str]:
    """The names of columns that are given by name or number; at least one and none twice."""
    if not columns:
        raise InputError(f"{what}s is empty: name at least one column.")
    chosen = [table.name_of(column) for column in columns]
    name, times = Counter(chosen).most_common(1)[0]
    if times > 1:
        raise InputError(f"{what} {name!r} is named {times} times.")
    return chosen


def choose_features(table: Table, targets: list[str], features: Sequence[str] | None) -> list[str]:
    """The feature columns: those asked for, or all but the targets."""
    if features is None:
        features = [name for name in table.names if name not in targets]
        if not features:
            listed = ", ".join(map(repr, targets))
            raise InputError(
                f"{table.path} has no column but the target{'s' * (len(targets) > 1)} {listed}."
            )
        return features
    chosen = choose_columns(table, features, "feature")
    for name in targets:
        if name in chosen:
            raise InputError(f"the target {name!r} is among the features; predict it from others.")
    return chosen


def read_target(
    table: Table, name: str, reading: Reading
) -> tuple[NDArray[Any], tuple[str | int, ...] | None]:
    """One target, and its labels where it is text or they were asked for."""
    if reading is Reading.LABELS:
        return read_labels(table, name)
    texts = table.texts(name)
    if reading is Reading.NUMBERS or all(as_number(text) is not None for text in texts):
        y = numbers(table, name)
        whole = reading is Reading.CLASSES and (y == np.round(y)).all()
        return (y.astype(np.int64) if whole else y), None
    check_labels(table, name)
    classes = sorted(set(texts))
    if reading is Reading.CLASSES:
        return np.array(texts), tuple(classes)
    if len(classes) != 2:
        raise InputError(
            f"{table.place(name)}: two classes are needed, but there "
            f"{'is' if len(classes) == 1 else 'are'} {len(classes)} ({some_of(classes)}). For more "
            "than two use the cross_entropy loss."
        )
    return np.where(np.array(texts) == classes[1], 1.0, -1.0), tuple(classes)


def read_labels(table: Table, name: str) -> tuple[NDArray[Any], tuple[str | int, ...]]:
    """A target of labels and the labels in order; two of them become -1 and +1."""
    labels = labels_of(table, name)
    classes = sorted(set(labels))
    if len(classes) == 1:
        raise InputError(
            f"{table.place(name)}: every label is {classes[0]!r}, so there is nothing to learn. "
            "Check that this is the column that you mean."
        )
    if len(classes) == 2:
        return np.where([label == classes[1] for label in labels], 1.0, -1.0), tuple(classes)
    return np.array(labels), tuple(classes)


def labels_of(table: Table, name: str) -> list[Any]:
    """The labels in a column: whole numbers where all are, else text as it stands."""
    check_missing(table, name)
    texts = table.texts(name)
    values = [as_number(text) for text in texts]
    if all(value is not None and value.is_integer() for value in values):
        return [int(value) for value in values if value is not None]
    return texts


def check_labels(table: Table, name: str) -> None:
    """Refuse labels that are missing, and a column that is part numbers."""
    check_missing(table, name)
    texts = table.texts(name)
    numeric = [as_number(text) is not None for text in texts]
    if any(numeric):
        number, text = numeric.index(True), numeric.index(False)
        raise InputError(
            f"{table.place(name)} is part text and part numbers: {texts[text]!r} on line "
            f"{table.lines[text]}, {texts[number]!r} on line {table.lines[number]}. For numbers "
            "write every cell as a number; where they are classes, --classes takes all as text."
        )


def some_of(classes: Sequence[Any]) -> str:
    """The first few of some labels.

    >>> some_of(["a", "b"]), some_of("abcdefg")
    ("'a', 'b'", "'a', 'b', 'c', 'd', 'e', ...")
    """
    return ", ".join(map(repr, classes[:5])) + (", ..." if len(classes) > 5 else "")


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
        targets=("disease progression",),
    )


def standardise(values: Array) -> Array:
    """Shift and scale each column to mean 0 and variance 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)
