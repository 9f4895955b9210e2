"""The answer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .bracket import bracket
from .document import Path, RefusalError
from .dual import Clock, feasibility
from .families import units_of
from .reading import read

TIME_LIMIT = 600.0  # seconds to prove the dual vector feasible, unless the caller says otherwise


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What was proved.

    ``valid``: all that the certificate claims is true. ``lower``, ``upper``: the proved bracket,
    rounded outward to doubles, at least as tight as claimed; None for an end that was not proved.
    ``reason``: "proved exactly", or the first reason why not. ``excess``: where the dual vector
    was found infeasible, ``rho(v) / weight_decay - 1`` or a lower bound of it; where it is known
    how much shorter a dual vector is likely to be proved feasible, that; otherwise 0.
    ``method``: how the dual vector was proved feasible, or not; here it is always the same.
    """

    valid: bool
    lower: float | None
    upper: float | None
    reason: str
    excess: float = 0.0
    method: str = "exact arithmetic"


def check(
    source: Path | dict[str, Any], data: Any = None, *, time_limit: float = TIME_LIMIT
) -> CheckResult:
    """Re-prove a certificate exactly. A bad file is an answer (``valid`` False), no exception.

    Parameters
    ----------
    source : path of the certificate file, or the document in it
    data : only where the file leaves its data out: the pair ``(X, y)``, or the path of a CSV file
        (target last, one line of names allowed) or of a certificate that has them
    time_limit : seconds after which the proof of feasibility gives up; a sweep over 1000 samples of
        rank 3 takes about 30

    Examples
    --------
    >>> check({"format": "something else"}).reason
    "not a certificate: its format is not 'cvxnet-certificate'"
    """
    lower = upper = None
    try:
        claims = read(source, data)
        dual, upper = bracket(claims)
        if claims.upper < upper:
            raise RefusalError(f"upper: claimed {claims.upper!r}, but the network has {upper!r}")
        if claims.lower > dual:
            raise RefusalError(f"lower: claimed {claims.lower!r}, but the dual has {dual!r}")
        clock = Clock(time_limit)
        if ratio := units_of(claims).excess(feasibility(claims), clock):
            raise RefusalError(
                f"dual infeasible: rho(v) = weight_decay * (1 + {as_float(ratio)!r})", ratio
            )
        lower = dual
    except RefusalError as refusal:
        over = as_float(refusal.excess)
        return CheckResult(valid=False, lower=lower, upper=upper, reason=str(refusal), excess=over)
    return CheckResult(valid=True, lower=lower, upper=upper, reason="proved exactly")


def as_float(excess: Fraction) -> float:
    """The nearest double; the largest one if there is none."""
    return float(min(excess, Fraction(sys.float_info.max)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Re-prove a cvxnet certificate exactly.")
    parser.add_argument("file", help="the certificate")
    parser.add_argument("--data", help="CSV (target last) or certificate that has the data")
    parser.add_argument("--time-limit", type=float, default=TIME_LIMIT, help="in seconds")
    options = parser.parse_args(arguments)
    result = check(options.file, options.data, time_limit=options.time_limit)
    if not result.valid:
        print(f"REFUSED: {result.reason}")
        return 1
    print(f"PROVED: {result.lower!r} <= optimum <= {result.upper!r}")
    return 0
