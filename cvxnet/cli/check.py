"""``cvxnet check``: re-prove a certificate file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from cvxnet.cli.exit_codes import NOT_PROVED, PROVED, UNKNOWN
from cvxnet.cli.options import Json
from cvxnet.cli.outcome import print_json
from cvxnet.errors import InputError
from cvxnet.proofs import checker, checking
from cvxnet.proofs.gaps import bracket_text, relative_gap


def check(
    file: Annotated[Path, typer.Argument(help="Certificate file.")],
    data: Annotated[
        Path | None,
        typer.Option(help="CSV (targets last, classes as 0, 1, ...) or certificate with the data."),
    ] = None,
    rounded: Annotated[
        bool,
        typer.Option(
            "--rounded", help="Prove feasibility in floating point with rounding bounds: fast."
        ),
    ] = False,
    time_limit: Annotated[float, typer.Option(help="Seconds.")] = checker.TIME_LIMIT,
    json: Json = False,
) -> None:
    """Re-prove a certificate without a solver: exactly, unless told to round."""
    check_readable(file, data)
    begin = time.perf_counter()
    result = checking.check(file, data, rounded=rounded, time_limit=time_limit)
    seconds = time.perf_counter() - begin
    if json:
        print_json(
            {
                "valid": result.valid,
                "lower": result.lower,
                "upper": result.upper,
                "reason": result.reason,
                "method": result.method,
                "seconds": seconds,
            }
        )
    else:
        print(f"{in_words(result)} ({result.method}, {seconds:.1f} s)")
    raise typer.Exit(exit_code(result))


def check_readable(file: Path, data: Path | None) -> None:
    """A file that is no certificate is bad input, not a refuted certificate."""
    try:
        checker.read(file, data)
    except checker.RefusalError as refusal:
        raise InputError(f"{file} cannot be checked: {refusal}.") from None


def in_words(result: checker.CheckResult) -> str:
    """The outcome in one line."""
    if not result.valid or result.lower is None or result.upper is None:
        return f"{'UNKNOWN' if exit_code(result) == UNKNOWN else 'REFUSED'}: {result.reason}"
    lower, upper = bracket_text(result.lower, result.upper)
    gap = relative_gap(result.lower, result.upper)
    return f"PROVED: {lower} <= optimum <= {upper}   relative gap {gap:.1e}"


def exit_code(result: checker.CheckResult) -> int:
    """0 proved, 1 refused; 3 where the checker gave up before it knew."""
    if result.valid:
        return PROVED
    gave_up = result.reason.startswith(("unfinished", "too large"))
    return UNKNOWN if gave_up else NOT_PROVED
