"""The ``cvxnet`` command."""

from cvxnet.cli.app import app, main

__all__ = ["app", "main"]
