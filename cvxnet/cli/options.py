"""Options that several commands share, each said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from cvxnet.cli.groups import Options
from cvxnet.data.notation import Layout
from cvxnet.data.table import Table
from cvxnet.data.tables import Data, Reading, choose_data, guess_reading, read_table, some_of
from cvxnet.data.validation import remarks
from cvxnet.errors import InputError
from cvxnet.losses import LOSSES, Loss, get_loss
from cvxnet.objective import FAMILIES, Budget, Family, Objective, make_objective
from cvxnet.types import Array

File = Annotated[
    Path,
    typer.Argument(help="Table: CSV (first line: names), .gz, .parquet, .feather; - is stdin."),
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(frozen=True, kw_only=True)
class Tables(Options):
    """How a table is read."""

    drop: Annotated[str | None, typer.Option(help="Columns that are no features: A,B.")] = None
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Leave out rows in which a value is missing.")
    ] = False
    thousands: Annotated[
        str, typer.Option(help="Between thousands: , . _ space apostrophe.", show_default="nothing")
    ] = ""
    decimal: Annotated[
        str, typer.Option(help="Decimal sign, . or a comma.", show_default="as the file shows")
    ] = ""
    encoding: Annotated[
        str, typer.Option(help="Of a text file, as in cp1252.", show_default="UTF-8")
    ] = ""

    @property
    def arguments(self) -> list[str]:
        """What has to be said again to read the same table, but for the columns to drop."""
        layout = {"thousands": self.thousands, "decimal": self.decimal, "encoding": self.encoding}
        given = [(f"--{option}", value) for option, value in layout.items() if value]
        return ["--drop-missing"] * self.drop_missing + [word for pair in given for word in pair]

    def dropped(self, table: Table) -> list[str]:
        """The columns of a table that are to be dropped."""
        return [] if self.drop is None else table.named(self.drop)

    def read(self, file: Path) -> Table:
        """The table in a file."""
        layout = Layout(thousands=self.thousands, decimal=self.decimal, encoding=self.encoding)
        return read_table(file, layout)

    def data(
        self, table: Table, targets: Sequence[str], features: str | None, reading: Reading
    ) -> Data:
        """Targets and features of a table."""
        return choose_data(
            table,
            targets,
            None if features is None else table.named(features),
            reading,
            drop=self.dropped(table),
            drop_missing=self.drop_missing,
        )


@dataclass(frozen=True, kw_only=True)
class KnownColumns(Tables):
    """Which columns of a table are predicted, and from which, where no file says so."""

    target: Annotated[
        str | None,
        typer.Option(help="Column to predict, by name or number; several: A,B."),
    ] = None
    features: Annotated[
        str | None, typer.Option(help="Columns to predict from: A,B. Default: all others.")
    ] = None
    classes: Annotated[
        bool, typer.Option("--classes", help="The target is classes, whatever stands there.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Columns(KnownColumns):
    """Which columns of a table are predicted, and from which."""

    target: Annotated[
        str, typer.Option(help="Column to predict, by name or number; several: A,B or '\"a,b\",C'.")
    ] = field()  # which has no default: it has to be given


LossName = Annotated[
    str | None,
    typer.Option(
        help=f"{', '.join(LOSSES)}. Default: squared; for classes logistic (two of them) or "
        "cross_entropy (more)."
    ),
]
OutputWeights = Annotated[
    str, typer.Option(help="any; nonneg for a convex function, nonpos for a concave one.")
]
Width = Annotated[
    int | None,
    typer.Option(
        help="At most so many hidden units; the optimum of that width, not of every one.",
        show_default="any number",
    ),
]
WeightDecay = Annotated[
    float | None,
    typer.Option(help="Above 0: half the price of w^2.", show_default="chosen by cross-validation"),
]


@dataclass(frozen=True, kw_only=True)
class NetworksAtAnyDecay(Options):
    """Which networks are trained, and for what, but for the weight decay."""

    units: Annotated[str, typer.Option(help=f"Unit family: {', '.join(FAMILIES)}.")] = "relu"
    option: Annotated[
        list[str] | None,
        typer.Option(help="Of the family: slope=0.1, gates=50; may be repeated."),
    ] = None
    loss: LossName = None
    standardise: Annotated[
        bool, typer.Option(help="First scale the features to mean 0 and variance 1.")
    ] = True
    bias: Annotated[bool, typer.Option(help="Hidden units with or without bias.")] = True
    norm: Annotated[str, typer.Option(help="Of hidden weights: l2, or l1 for few features.")] = "l2"
    output_bias: Annotated[bool, typer.Option(help="A free output bias.")] = True
    skip: Annotated[bool, typer.Option(help="A free linear skip connection.")] = False
    output_weights: OutputWeights = "any"

    @property
    def family(self) -> Family:
        """The unit family with its options."""
        return Family(self.units, **read_options(self.option))

    def objective(self, X: Array, chosen: Chosen) -> Objective:
        """What is minimised on these data; its weight decay is 1, to be replaced."""
        return make_objective(
            self.family,
            X,
            chosen.data.y,
            loss=chosen.loss,
            bias=self.bias,
            norm=self.norm,
            output_bias=self.output_bias,
            skip=self.skip,
            output_weights=self.output_weights,
        )


@dataclass(frozen=True, kw_only=True)
class Networks(NetworksAtAnyDecay):
    """Which networks are trained, and for what."""

    weight_decay: WeightDecay = None

    def objective(self, X: Array, chosen: Chosen) -> Objective:
        """What is minimised on these data; without a weight decay it has 1, to be replaced."""
        objective = super().objective(X, chosen)
        if self.weight_decay is None:
            return objective
        return replace(objective, weight_decay=self.weight_decay)


@dataclass(frozen=True, kw_only=True)
class NetworksOfWidth(Networks):
    """The same, where there may be a limit to the number of units."""

    width: Width = None

    def objective(self, X: Array, chosen: Chosen) -> Objective:
        """What is minimised on these data, over networks of this width."""
        return replace(super().objective(X, chosen), width=self.width)


@dataclass(frozen=True, kw_only=True)
class Effort(Options):
    """How far training goes."""

    gap: Annotated[float, typer.Option(help="Relative gap to close the bracket to.")] = 1e-6
    solver: Annotated[str, typer.Option(help="CLARABEL, SCS or ECOS.")] = "CLARABEL"
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds; then the best network and its bracket.")
    ] = None

    def budget(self, progress: bool) -> Budget:
        """The same, checked."""
        return Budget(
            gap=self.gap, solver=self.solver, time_limit=self.time_limit, progress=progress
        )


@dataclass(frozen=True, kw_only=True)
class PathEffort(Effort):
    """How far the path goes, and how near to the optimum."""

    gap: Annotated[float, typer.Option(help="Relative gap for every weight decay.")] = 0.01
    smallest: Annotated[
        float, typer.Option(help="Where the path ends, as a share of where it begins.")
    ] = 0.01
    largest: Annotated[
        float | None,
        typer.Option(
            help="Weight decay at which it begins.", show_default="the largest useful one"
        ),
    ] = None


def split(names: str) -> list[str]:
    """The parts between commas.

    >>> split("sgd, adam")
    ['sgd', 'adam']
    """
    return [name.strip() for name in names.split(",")]


FEW_VALUES = 10
"""A target of at most so many whole numbers may stand for classes."""
LOSS_FOR = {
    Reading.NUMBERS: "squared",
    Reading.TWO_CLASSES: "logistic",
    Reading.CLASSES: "cross_entropy",
}
"""The loss that goes with a target, where none is asked for."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a command works on: columns of a file, the loss, and what is odd about them."""

    data: Data
    loss: str
    remarks: tuple[str, ...]

    @property
    def remark(self) -> str:
        """All that is odd, in a line."""
        return "; ".join(self.remarks)


def choose(file: Path, columns: Columns, loss: str | None) -> Chosen:
    """Target and features from a CSV file, with the loss asked for or the one that goes with it."""
    table = columns.read(file)
    targets = table.named(columns.target)
    reading = reading_asked(columns, loss) or guess_reading(table, targets)
    data = columns.data(table, targets, columns.features, reading)
    if reading is Reading.LABELS:
        data, loss = with_classes(data, loss)
    found = [*data.remarks, *remarks(data.X, data.y)]
    if loss is None and reading is Reading.NUMBERS and seem_labels(data.y):
        found.append(labels_remark(data.y))
    return Chosen(data=data, loss=loss or LOSS_FOR[reading], remarks=tuple(found))


def reading_asked(columns: Columns, loss: str | None) -> Reading | None:
    """How the target is to be read, where an option says so."""
    wanted = None if loss is None else reading_of(get_loss(loss))
    if not columns.classes:
        return wanted
    if wanted is Reading.NUMBERS:
        known = ", ".join(name for name, one in LOSSES.items() if one.labels or one.classes)
        raise InputError(
            f"--classes with --loss {loss}: that loss is for numbers. Leave one of the two out, or "
            f"take one of {known}."
        )
    return Reading.LABELS


def with_classes(data: Data, loss: str | None) -> tuple[Data, str]:
    """The data in the form that the loss wants, which is found by the number of classes."""
    classes = data.classes or ()
    if len(data.targets) > 1:
        raise InputError(
            f"--classes is for one target, and here are {len(data.targets)}. Train a network for "
            "each."
        )
    loss = loss or ("logistic" if len(classes) == 2 else "cross_entropy")
    if not get_loss(loss).classes and len(classes) > 2:
        raise InputError(
            f"the target {data.target!r} has {len(classes)} classes ({some_of(classes)}), and the "
            f"{loss} loss is for two. For more than two use --loss cross_entropy."
        )
    if get_loss(loss).classes and len(classes) == 2:
        data = replace(data, y=np.array(classes)[(data.y > 0.0).astype(int)])
    return data, loss


def reading_of(loss: Loss) -> Reading:
    """How a loss wants its target to be read."""
    if loss.classes:
        return Reading.CLASSES
    return Reading.TWO_CLASSES if loss.labels else Reading.NUMBERS


def seem_labels(y: NDArray[Any]) -> bool:
    """Whether one target of numbers is likely to stand for classes.

    Those are 0 and 1, or -1 and 1; or few whole numbers, each often.
    """
    found = np.unique(y)
    if y.ndim != 1 or len(found) < 2:
        return False
    few = len(found) <= FEW_VALUES and 5 * len(found) <= len(y)
    return found.tolist() in ([0, 1], [-1, 1]) or (few and bool((found == np.round(found)).all()))


def labels_remark(y: NDArray[Any]) -> str:
    """What is said of a target of numbers that may stand for classes.

    >>> labels_remark(np.array([1.0, 0.0, 1.0]))
    'the target is 0 or 1 in every row: where these are classes, add --classes'
    """
    values = [f"{value:g}" for value in np.unique(y)]
    listed = " or ".join([", ".join(values[:-1]), values[-1]])
    return f"the target is {listed} in every row: where these are classes, add --classes"


def read_options(given: list[str] | None) -> dict[str, float | int]:
    """Options NAME=NUMBER.

    >>> read_options(["slope=0.1", "gates=50"])
    {'slope': 0.1, 'gates': 50}
    """
    options: dict[str, float | int] = {}
    for text in given or []:
        name, _, number = text.partition("=")
        try:
            options[name.strip()] = int(number) if number.strip().isdigit() else float(number)
        except ValueError:
            raise InputError(f"--option {text}: expected NAME=NUMBER, as in slope=0.1.") from None
    return options
