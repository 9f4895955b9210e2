"""The ``cvxnet`` command: its subcommands, and how errors become messages and exit codes."""

from __future__ import annotations

import json
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
from cvxnet.cli.interruption import NOTHING
from cvxnet.errors import CvxnetError, SolverError

UsageProblem: Any = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""What is wrong with the usage: of click, which typer is built on or brings along."""

COMMANDS = {
    "demo": "Train a ReLU network on real data to the global optimum, and prove it.",
    "explain": "Say whether a network, expression or problem is convex, and show why or why not.",
    "train": "Train a two-layer network on a CSV file to the global optimum.",
    "widths": "Find out how many units are worth having: the proved optimum of each width.",
    "path": "Prove a network near the optimum for every weight decay between two ends.",
    "predict": "Predict classes with their probabilities, or values, for the rows of a table.",
    "certify": "Prove how far a given two-layer network is above the global optimum.",
    "check": "Re-prove a certificate without a solver: exactly, unless told to be quick.",
    "compare": "Train by gradient from many seeds, and measure each run against the proved "
    "optimum.",
    "lab": "Open the convexity lab: a page for lectures and students, on this machine.",
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
    settings = {"add_completion": False} | settings
    made = typer.Typer(
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )
    for function in functions:
        made.command()(spread(function))
    return made


app = make_app(
    cls=Commands,
    help=f"Two-layer networks solved to the global optimum, with proofs. {exit_codes.IN_WORDS}",
    no_args_is_help=True,
    add_completion=True,
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


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    With --json an error is a document on standard output, ``{"error": ...}``; the exit code is the
    same.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a sign shows ? in its place
            stream.reconfigure(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given, prog_name="cvxnet", standalone_mode=False) or exit_codes.PROVED
        problem: BaseException | None = None
    except (Exception, KeyboardInterrupt) as error:
        code, problem = exit_code_of(error), error
    if problem is not None or code == exit_codes.INTERRUPTED:
        (tell_in_json if "--json" in given else tell_in_words)(problem)
    sys.exit(code)


def exit_code_of(error: BaseException) -> int:
    """What an error means; Python's own exit code after a traceback, 1, here means "refuted"."""
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        return exit_codes.INTERRUPTED
    if isinstance(error, UsageProblem):
        return exit_codes.BAD_INPUT
    if isinstance(error, CvxnetError) and not isinstance(error, SolverError):
        return exit_codes.BAD_INPUT
    return exit_codes.UNKNOWN


def message_of(error: BaseException | None) -> str:
    """What went wrong, in words; a bug comes with its traceback on standard error."""
    if error is None or isinstance(error, typer.Abort | KeyboardInterrupt):
        return NOTHING
    if isinstance(error, UsageProblem):
        return str(error.format_message())
    if isinstance(error, CvxnetError):
        return str(error)
    traceback.print_exception(error)
    return "a bug in cvxnet, so the answer is unknown; please report it"


def tell_in_words(error: BaseException | None) -> None:
    """An error on standard error."""
    if isinstance(error, UsageProblem):
        error.show()  # with the usage
    else:
        print(f"error: {message_of(error)}", file=sys.stderr)


def tell_in_json(error: BaseException | None) -> None:
    """The same as a document on standard output."""
    print(json.dumps({"error": message_of(error)}, indent=2))
