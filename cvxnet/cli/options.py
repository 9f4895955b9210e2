"""Options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cvxnet.errors import InputError
from cvxnet.losses import LOSSES

File = Annotated[Path, typer.Argument(help="CSV file; its first line names the columns.")]
Target = Annotated[str, typer.Option(help="Column to predict.")]
Features = Annotated[
    str | None, typer.Option(help="Columns to predict from: A,B. Default: all others.")
]
WeightDecay = Annotated[float, typer.Option(help="Above 0: half the price of w^2.")]
Option = Annotated[
    list[str] | None, typer.Option(help="Of the family: slope=0.1, gates=50; may be repeated.")
]
LossName = Annotated[str, typer.Option(help=f"{', '.join(LOSSES)}.")]
Bias = Annotated[bool, typer.Option(help="Hidden units with or without bias.")]
Norm = Annotated[str, typer.Option(help="Of hidden weights: l2, or l1 for few features.")]
OutputBias = Annotated[bool, typer.Option(help="A free output bias.")]
Skip = Annotated[bool, typer.Option(help="A free linear skip connection.")]
Gap = Annotated[float, typer.Option(help="Relative gap to close the bracket to.")]
Solver = Annotated[str, typer.Option(help="CLARABEL, ECOS or SCS.")]
TimeLimit = Annotated[
    float | None, typer.Option(help="Seconds; then the best network and its bracket.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def split(names: str) -> list[str]:
    """The parts between commas.

    >>> split("sgd, adam")
    ['sgd', 'adam']
    """
    return [name.strip() for name in names.split(",")]


def split_features(names: str | None) -> list[str] | None:
    """The columns named; None where none are."""
    return None if names is None else split(names)


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
