"""The ``cvxnet`` command: its subcommands, and how errors become messages and exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper

import typer

from cvxnet.cli.certify import certify
from cvxnet.cli.check import check
from cvxnet.cli.compare import compare
from cvxnet.cli.demo import demo
from cvxnet.cli.explain import explain
from cvxnet.cli.outcome import BAD_INPUT, UNKNOWN
from cvxnet.cli.train import train
from cvxnet.errors import CvxnetError, SolverError

EXIT_CODES = (
    "Exit codes: 0 proved; 1 refuted, or the gap was not reached; 2 usage or bad input; 3 unknown; "
    "130 interrupted before there was anything to keep."
)

app = typer.Typer(
    help="Two-layer networks solved to the global optimum, with proofs. " + EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (demo, explain, train, certify, check, compare):
    app.command()(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; what goes wrong on purpose is a message, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a sign shows ? in its place
            stream.reconfigure(errors="replace")
    try:
        app(arguments, prog_name="cvxnet")
    except CvxnetError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(UNKNOWN if isinstance(error, SolverError) else BAD_INPUT)
    except Exception:  # Python's own exit code after a traceback is 1, which here means "refuted"
        traceback.print_exc()
        print("error: a bug in cvxnet, so the answer is unknown; please report it", file=sys.stderr)
        sys.exit(UNKNOWN)
