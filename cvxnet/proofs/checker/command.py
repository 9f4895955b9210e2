"""The command line: re-prove the certificate of a network, of a path, or of a verdict."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .answer import TIME_LIMIT, check
from .convexity.answer import check_convexity, is_about_convexity
from .path import check_path, is_about_path


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Re-prove a cvxnet certificate exactly.")
    parser.add_argument("file", help="the certificate")
    parser.add_argument("--data", help="CSV (targets last) or certificate that has the data")
    parser.add_argument("--time-limit", type=float, default=TIME_LIMIT, help="in seconds")
    options = parser.parse_args(arguments)
    if is_about_convexity(options.file):
        found = check_convexity(options.file, time_limit=options.time_limit)
        print(f"PROVED: {', '.join(found.claims)}" if found.valid else f"REFUSED: {found.reason}")
        return 0 if found.valid else 1
    if is_about_path(options.file):
        path = check_path(options.file, options.data, time_limit=options.time_limit)
        print(f"PROVED: {path.claim}" if path.valid else f"REFUSED: {path.reason}")
        return 0 if path.valid else 1
    result = check(options.file, options.data, time_limit=options.time_limit)
    if not result.valid:
        print(f"REFUSED: {result.reason}")
        return 1
    print(f"PROVED: {result.lower!r} <= optimum <= {result.upper!r}")
    return 0
