"""Tables of data: reading a file and choosing target and features, with messages that point.

Whatever is wrong is said with file, line and column, and with what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.arrow_files import read_arrow, reader_of
from cvxnet.data.columns import (
    choose_columns,
    choose_features,
    complete_rows,
    hold_numbers,
    numbers,
)
from cvxnet.data.csv_files import read_csv
from cvxnet.data.files import check_path
from cvxnet.data.notation import OPEN, PLAIN, Layout, seems_number
from cvxnet.data.sources import check_start, decoded, read_bytes
from cvxnet.data.table import Table
from cvxnet.errors import InputError
from cvxnet.optional import import_bundled_data
from cvxnet.types import Array

WHOLE = 2**53
"""Beyond it doubles leave whole numbers out."""


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
    remarks : tuple of str
        What the reader should know about how the table was read.

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
    remarks: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The name of the target, or the names of all with commas between."""
        return ", ".join(self.targets)


def read_data(
    path: str | Path,
    target: str | Sequence[str],
    features: str | Sequence[str] | None = None,
    reading: Reading = Reading.NUMBERS,
    *,
    drop: str | Sequence[str] = (),
    drop_missing: bool = False,
    layout: Layout = OPEN,
) -> Data:
    """Read target and features from a table: a file of text, parquet or feather.

    Parameters
    ----------
    path : str or Path
        Text as pandas and spreadsheets write it: names of the columns in the first line; cells
        separated by commas, semicolons, tabs or ``|``; quoted where they contain one of those.
        Also compressed (gzip, bz2, xz, zip of one file); parquet and feather by pyarrow.
        ``"-"`` is standard input.
    target : str or sequence of str
        The column to predict, or several. Columns are given by their names, or by their numbers
        from 1 on where no column has that name.
    features : str or sequence of str, optional
        The columns to predict from; by default all others, but for the row numbers of pandas, a
        first column without a name.
    reading : Reading
        What the target is: numbers, or classes, which may be text.
    drop : str or sequence of str
        Columns to leave out of the features.
    drop_missing : bool
        Leave out the rows in which one of these columns has no value; they are refused otherwise.
    layout : Layout
        What the file leaves open: separator of thousands, decimal sign, encoding.

    Returns
    -------
    Data

    Raises
    ------
    InputError
        Saying what was found, at which line and column, and what to do.
    MissingExtraError
        Where the file is parquet or feather, and pyarrow is not installed.

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
    return choose_data(
        read_table(path, layout),
        listed(target),
        None if features is None else listed(features),
        reading,
        drop=listed(drop),
        drop_missing=drop_missing,
    )


def listed(columns: str | Sequence[str]) -> Sequence[str]:
    """Columns as a sequence; a text is one of them."""
    return [columns] if isinstance(columns, str) else columns


def read_table(path: str | Path, layout: Layout = OPEN) -> Table:
    """Read and check a table: names, and rows of equal length below; see `read_data`."""
    name = str(check_path(path))
    raw = read_bytes(name)
    if module := reader_of(raw):
        return read_arrow(name, raw, module, layout.asked or PLAIN)
    return read_csv(name, decoded(name, raw, layout.encoding), layout)


def table_of_text(text: str, layout: Layout = OPEN, *, name: str = "the text") -> Table:
    """The table that a text is; no file is read, whatever the text says.

    Parameters
    ----------
    text : str
        As a file of text that `read_data` reads has it.
    layout : Layout
    name : str
        What messages call it.

    Raises
    ------
    InputError
        Saying what was found, at which line and column, and what to do.

    Examples
    --------
    >>> table_of_text("age;smokes\\n31;no").names
    ['age', 'smokes']
    """
    check_start(name, raw := text.encode(errors="surrogatepass"))
    return read_csv(name, decoded(name, raw, "utf-8"), layout)


def choose_data(
    table: Table,
    targets: Sequence[str],
    features: Sequence[str] | None,
    reading: Reading,
    *,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
) -> Data:
    """Targets and features of a table as arrays; see `read_data`."""
    positions = choose_columns(table, targets, "target")
    chosen = choose_features(table, positions, features, drop)
    left_out = [repr(table.names[at]) for at in table.index if at not in (*positions, *chosen)]
    table = complete_rows(table, [*chosen, *positions], drop_missing)
    if len(positions) == 1:
        y, classes = read_target(table, positions[0], reading)
    else:
        y, classes = np.column_stack([numbers(table, at) for at in positions]), None
    remarks = table.remarks
    if left_out and features is None:
        remarks += (f"{', '.join(left_out)} numbers or names the rows: not among the features",)
    return Data(
        X=np.column_stack([numbers(table, at) for at in chosen]),
        y=y,
        features=tuple(table.names[at] for at in chosen),
        targets=tuple(table.names[at] for at in positions),
        classes=classes,
        remarks=remarks,
    )


def guess_reading(table: Table, targets: Sequence[str]) -> Reading:
    """How targets ask to be read: one of text is classes, all else is numbers.

    What is written as numbers are, but as none that can be read, is not taken for classes.

    Raises
    ------
    InputError
        Where there is no such column, or it is part text and part numbers.
    """
    position = choose_columns(table, targets, "target")[0]
    known, texts = hold_numbers(table, position), table.texts(position)
    if len(targets) > 1 or all(number or seems_number(texts[row]) for row, number in known):
        return Reading.NUMBERS
    check_labels(table, position)
    return Reading.TWO_CLASSES if len({texts[row] for row, _ in known}) == 2 else Reading.CLASSES


def read_target(
    table: Table, position: int, reading: Reading
) -> tuple[NDArray[Any], tuple[str | int, ...] | None]:
    """One target, and its labels where it is text or they were asked for."""
    if reading is Reading.LABELS:
        return read_labels(table, position)
    if reading is Reading.NUMBERS or all(number for _, number in hold_numbers(table, position)):
        y = numbers(table, position)
        whole = reading is Reading.CLASSES and ((y == np.round(y)) & (abs(y) < WHOLE)).all()
        return (y.astype(np.int64) if whole else y), None
    check_labels(table, position)
    texts = table.texts(position)
    classes = sorted(set(texts))
    if reading is Reading.CLASSES:
        return np.array(texts), tuple(classes)
    if len(classes) != 2:
        raise InputError(
            f"{table.place(position)}: two classes are needed, but there "
            f"{'is' if len(classes) == 1 else 'are'} {len(classes)} ({some_of(classes)}). For more "
            "than two use the cross_entropy loss."
        )
    return np.where(np.array(texts) == classes[1], 1.0, -1.0), tuple(classes)


def read_labels(table: Table, position: int) -> tuple[NDArray[Any], tuple[str | int, ...]]:
    """A target of labels and the labels in order; two of them become -1 and +1."""
    labels = labels_of(table, position)
    classes = sorted(set(labels))
    if len(classes) == 1:
        raise InputError(
            f"{table.place(position)}: every label is {classes[0]!r}, so there is nothing to "
            "learn. Check that this is the column that you mean."
        )
    if len(classes) == 2:
        return np.where([label == classes[1] for label in labels], 1.0, -1.0), tuple(classes)
    return np.array(labels), tuple(classes)


def labels_of(table: Table, position: int) -> list[Any]:
    """The labels in a column: whole numbers where all are, else text as it stands."""
    texts = table.texts(position)
    values = [table.notation.number(text) for text in texts]
    if all(value is not None and value.is_integer() and abs(value) < WHOLE for value in values):
        return [int(value) for value in values if value is not None]
    return texts


def check_labels(table: Table, position: int) -> None:
    """Refuse a column of labels that is part numbers."""
    known = hold_numbers(table, position)
    if any(number for _, number in known):
        number = next(row for row, is_number in known if is_number)
        text = next(row for row, is_number in known if not is_number)
        texts, unit, lines = table.texts(position), table.unit, table.lines
        raise InputError(
            f"{table.place(position)} is part text and part numbers: {texts[text]!r} on {unit} "
            f"{lines[text]}, {texts[number]!r} on {unit} {lines[number]}. For numbers "
            "write every cell as a number; where they are classes, --classes takes all as text."
        )


def some_of(classes: Sequence[Any]) -> str:
    """The first few of some labels.

    >>> some_of(["a", "b"]), some_of("abcdefg")
    ("'a', 'b'", "'a', 'b', 'c', 'd', 'e', ...")
    """
    return ", ".join(map(repr, classes[:5])) + (", ..." if len(classes) > 5 else "")


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
