"""The answer: one frame for every way of proving the dual vector feasible.

A certificate is valid if three comparisons hold, and they stand here and nowhere else:

    upper claimed >= objective of the network         (the upper end is no lower than a value)
    lower claimed <= -l*(v')                          (the lower end is no higher than the dual)
    rho(v') <= weight_decay                           (so that the dual is below the optimum)

bracket.py derives the first two; the third is what a `Prover` settles.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from .bracket import bracket
from .claims import Claims
from .document import Path, RefusalError, UnfinishedError
from .dual import Clock, Dual, feasibility
from .families import units_of
from .reading import read

TIME_LIMIT = 600.0  # seconds to prove the dual vector feasible, unless the caller says otherwise


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What was proved.

    Attributes
    ----------
    valid : bool
        All that the certificate claims is true.
    lower, upper : float or None
        The proved bracket, rounded outward to doubles, at least as tight as claimed; None for an
        end that was not proved.
    reason : str
        "proved exactly", or the first reason why not.
    violation : float
        Where the dual vector was found infeasible, ``rho(v) / weight_decay - 1`` or a lower bound
        of it; where it is known how much shorter a dual vector is likely to be proved feasible,
        that; otherwise 0.
    method : str
        How the dual vector was proved feasible, or not: what did it, not what was asked for.

    Examples
    --------
    >>> CheckResult(valid=False, lower=None, upper=None, reason="not JSON").violation
    0.0
    """

    valid: bool
    lower: float | None
    upper: float | None
    reason: str
    violation: float = field(default=0.0, repr=False)
    method: str = field(default="exact arithmetic", repr=False)


class Prover(NamedTuple):
    """A way to prove that the dual vector is feasible, ``rho(v) <= weight_decay``.

    ``violation(claims, dual, clock)`` is 0 if that is proved, and otherwise says by how much it
    fails, as a share of weight_decay; ``otherwise`` are the words for that. ``obstacle(claims)``
    says why there is no such proof for these claims, and is empty where there may be one; ``hint``
    is said besides where time is over.
    """

    violation: Callable[[Claims, Dual, Clock], Fraction]
    method: str
    proved: str
    otherwise: str
    obstacle: Callable[[Claims], str] = lambda claims: ""
    hint: str = ""


Way = Callable[[Claims], Prover]
"""Chooses the `Prover` for some claims."""

EXACT = Prover(
    violation=lambda claims, dual, clock: units_of(claims).violation(dual, clock),
    method="exact arithmetic",
    proved="proved exactly",
    otherwise="dual infeasible: rho(v) >= weight_decay * (1 + {violation!r})",
)


def exactly(claims: Claims) -> Prover:
    """The way that all claims can be proved in."""
    return EXACT


def check(
    source: Path | dict[str, Any],
    data: Any = None,
    *,
    time_limit: float = TIME_LIMIT,
    way: Way = exactly,
) -> CheckResult:
    """Re-prove a certificate exactly. A bad file is an answer (``valid`` False), no exception.

    Parameters
    ----------
    source : path of the certificate file, or the document in it
    data : only where the file leaves its data out: the pair ``(X, y)``, or the path of a CSV file
        (targets last, one line of names allowed) or of a certificate that has them
    time_limit : seconds after which the proof of feasibility gives up, reading and evaluating, some
        seconds for a hundred thousand samples, counted in
    way : chooses how the dual vector is proved feasible; all else is exact in any case

    Examples
    --------
    >>> check({"format": "something else"}).reason
    "not a certificate: its format is not 'cvxnet-certificate'"
    """
    clock = Clock(time_limit)
    try:
        claims = read(source, data)
    except RefusalError as refusal:
        return CheckResult(valid=False, lower=None, upper=None, reason=str(refusal))
    return check_claims(claims, clock, way(claims))


def check_claims(claims: Claims, clock: Clock, prove: Prover) -> CheckResult:
    """The same for claims that are well-formed, until the clock ends it."""
    lower = upper = None
    try:
        if why := prove.obstacle(claims):
            raise RefusalError(why)
        dual, upper = bracket(claims)
        if claims.upper < upper:
            raise RefusalError(f"upper: claimed {claims.upper!r}, but the network has {upper!r}")
        if claims.lower > dual:
            raise RefusalError(f"lower: claimed {claims.lower!r}, but the dual has {dual!r}")
        clock.check()
        if over := prove.violation(claims, feasibility(claims), clock):
            raise RefusalError(prove.otherwise.format(violation=as_float(over)), over)
        lower = dual
    except UnfinishedError as late:
        reason, over = f"{late}{prove.hint}", Fraction(0)
    except RefusalError as refusal:
        reason, over = str(refusal), refusal.violation
    else:
        reason, over = prove.proved, Fraction(0)
    return CheckResult(
        valid=lower is not None,
        lower=lower,
        upper=upper,
        reason=reason,
        violation=as_float(over),
        method=prove.method,
    )


def as_float(violation: Fraction) -> float:
    """The nearest double; the largest one if there is none."""
    return float(min(violation, Fraction(sys.float_info.max)))
