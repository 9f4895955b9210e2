"""The ``cvxnet`` command."""

from collections.abc import Sequence
from importlib import import_module

from cvxnet.cli.interruption import ending_at_once

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; imports nothing before Ctrl-C has one line for an answer."""
    with ending_at_once():
        import_module("cvxnet.cli.app").run(arguments)
