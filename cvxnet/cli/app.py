"""The ``cvxnet`` command: its subcommands, and how errors become messages and exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module, metadata
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cvxnet.cli import exit_codes
from cvxnet.cli.groups import spread
from cvxnet.errors import CvxnetError, SolverError

COMMANDS = {
    "demo": "Train a ReLU network on real data to the global optimum, and prove it.",
    "explain": "Say whether a network, expression or problem is convex, and show why or why not.",
    "train": "Train a two-layer network on a CSV file to the global optimum.",
    "predict": "Predict classes with their probabilities, or values, for the rows of a table.",
    "certify": "Prove how far a given two-layer network is above the global optimum.",
    "check": "Re-prove a certificate without a solver: exactly, unless told to round.",
    "compare": "Train by gradient from many seeds, and measure each run against the proved "
    "optimum.",
}
"""What the help says of each subcommand: it imports none of them, as that takes seconds."""


class Commands(TyperGroup):
    """Subcommands that are imported when they are called; until then they are mere names."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else None, rest


def load(name: str) -> Any:
    """The subcommand of that name: a function in the module of the same name."""
    function: Callable[..., None] = getattr(import_module(f"cvxnet.cli.{name}"), name)
    return typer.main.get_command(make_app(function))


def make_app(*functions: Callable[..., None], **settings: Any) -> typer.Typer:
    """A command line without frames around its help and its errors."""
    made = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **settings
    )
    for function in functions:
        made.command()(spread(function))
    return made


app = make_app(
    cls=Commands,
    help=f"Two-layer networks solved to the global optimum, with proofs. {exit_codes.IN_WORDS}",
    no_args_is_help=True,
)
for name, summary in COMMANDS.items():
    app.command(name, help=summary)(lambda: None)


def print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        print(f"cvxnet {metadata.version('cvxnet')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """What stands before the subcommand."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; what goes wrong on purpose is a message, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a sign shows ? in its place
            stream.reconfigure(errors="replace")
    try:
        app(arguments, prog_name="cvxnet")
    except CvxnetError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(exit_codes.UNKNOWN if isinstance(error, SolverError) else exit_codes.BAD_INPUT)
    except Exception:  # Python's own exit code after a traceback is 1, which here means "refuted"
        traceback.print_exc()
        print("error: a bug in cvxnet, so the answer is unknown; please report it", file=sys.stderr)
        sys.exit(exit_codes.UNKNOWN)
