"""``cvxnet.check``: the exact checker, or, where that is faster, a bound in floating point."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq

from cvxnet.proofs import checker, rounded_sweep
from cvxnet.proofs.checker import answer
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.convexity import (
    ConvexityResult,
    check_convexity,
    is_about_convexity,
)
from cvxnet.proofs.checker.document import Path
from cvxnet.proofs.checker.dual import Clock, Dual
from cvxnet.proofs.checker.path import PathResult, check_path, is_about_path
from cvxnet.proofs.checker.tree import tree_violation
from cvxnet.proofs.rounded_boxes import violation_in_boxes
from cvxnet.proofs.rounded_cones import RoundedConeSpace, violation_of_cones
from cvxnet.proofs.rounded_outputs import bound_of_outputs
from cvxnet.proofs.rounded_squares import violation_in_squares

MANY = 1000
"""Samples beyond which, with one output, the exact proof is the faster one."""
KINKED = ("relu", "leaky_relu", "abs")
"""Units with a kink, which can be proved in floating point."""
SMOOTH = {"tanh": violation_in_boxes, "squared_relu": violation_in_squares}
"""The others that can, which have one output, the norm l2 and no evidence, and how."""
ROUNDED = "floating point with rounding bounds"
OPTION = "rounded=True, --rounded"


def check(
    source: Path | dict[str, Any] | Any,
    data: Any = None,
    *,
    rounded: bool = False,
    time_limit: float = checker.TIME_LIMIT,
) -> checker.CheckResult | ConvexityResult | PathResult:
    """Re-prove a certificate. A bad file is an answer (``valid`` False), no exception.

    Parameters
    ----------
    source : str, path, dict, Certificate, Solution, Certification, Path or Verdict
        The certificate file, the document in it, a `Certificate`, or what has one: a `Solution`, a
        `Certification` (whose certificate is about the given network), a `Path`, a `Verdict`.
    data : (X, y), str or path, optional
        Only where the file leaves its data out: X (n, d) and y (n,), with c > 1 outputs (n, c) or
        the numbers 0 to c - 1 of the classes; or the path of a CSV file (targets last, one line of
        names allowed) or of a certificate that has them.
    rounded : bool
        Prove that the dual vector is feasible in the faster way: in floating point with bounds on
        all rounding errors, or exactly, which is faster with one output, more than 1000 samples and
        at most three columns, the hidden bias included. ``method`` of the result names the one that
        it was; the rest is exact in any case. For relu, leaky_relu and abs units and the norm l2,
        with one output of rank seven at most, with several of three columns; and for tanh and
        squared_relu units of rank seven at most. In floating point it can
        prove, not refute: where it does not prove, ``violation`` bounds ``rho(v) / weight_decay -
        1`` from above.
    time_limit : float
        Seconds after which the proof of feasibility gives up; reading and evaluating, some seconds
        for a hundred thousand samples, are counted in. With one output it takes less than a second
        for 1000 samples of rank 3 and about n log n of that for n; with several outputs n^2, half
        a minute for 1000 exactly, and for 10000 rounded.

    Returns
    -------
    CheckResult, PathResult or ConvexityResult
        Of the certificate of a trained network: its ``method`` says how the dual vector was proved
        feasible. Of a path: from where to where its networks are proved, and how near to the
        optimum. Of the certificate of a verdict on convexity: its ``claims`` say what was proved.

    See Also
    --------
    Certificate : What is checked.
    certify : A certificate for any two-layer network.

    Examples
    --------
    >>> check({"format": "something else"}).reason
    "not a certificate: its format is not 'cvxnet-certificate'"
    """
    if source is not None and getattr(source, "certificate", source) is None:
        reason = "nothing was proved, so there is no certificate"
        return ConvexityResult(valid=False, claims=(), reason=reason)
    source = document_of(source)
    if is_about_convexity(source):
        return check_convexity(source, time_limit=time_limit)
    if is_about_path(source):
        way = quickly if rounded else exactly
        return check_path(source, data, time_limit=time_limit, way=way)
    return check_bracket(source, data, rounded=rounded, time_limit=time_limit)


def check_bracket(
    source: Path | dict[str, Any], data: Any, *, rounded: bool, time_limit: float
) -> checker.CheckResult:
    """The same for certificates of a bracket alone."""
    way = quickly if rounded else exactly
    return checker.check(source, data, time_limit=time_limit, way=way)


def check_claims(claims: Claims, clock: Clock, *, rounded: bool) -> checker.CheckResult:
    """The same for what was read before."""
    return answer.check_claims(claims, clock, (quickly if rounded else exactly)(claims))


def document_of(source: Any) -> Any:
    """The document of a certificate, or of the one that something has; all else as it is."""
    certificate = getattr(source, "certificate", source)
    to_dict = getattr(certificate, "to_dict", None)
    return source if to_dict is None else to_dict()


def exact_is_faster(claims: Claims) -> bool:
    """Whether the exact proof takes less time than bounds on rounding errors."""
    kinked = claims.units["name"] not in SMOOTH
    plain = claims.outputs == 1 and not claims.tree and columns_of(claims) <= 3
    return kinked and plain and len(claims.X) > MANY


def columns_of(claims: Claims) -> int:
    """The hidden bias counted in."""
    return len(claims.X[0]) + claims.bias


def obstacle(claims: Claims) -> str:
    """Why there is no proof in floating point; empty where there is one."""
    if claims.units["name"] in SMOOTH:
        return ""
    if claims.units["name"] not in KINKED or claims.norm != "l2":
        return (
            f"unfinished: in {ROUNDED} only {', '.join([*KINKED, *SMOOTH])} units with the norm l2 "
            f"are proved, not {claims.units['name']} with {claims.norm}. Check exactly"
        )
    if claims.tree:
        return ""
    columns = columns_of(claims)
    if columns > 3 and (claims.outputs > 1 or claims.evidence):
        return (
            f"too large: in {ROUNDED}, of several outputs or with evidence of this kind at most "
            f"three columns are possible, and here are {columns}, the hidden bias included. "
            "Check exactly"
        )
    if not exact_is_faster(claims) and len(claims.X) > rounded_sweep.LARGEST:
        return f"too large: in {ROUNDED} at most {rounded_sweep.LARGEST} samples are possible"
    return ""


def rounded_violation(claims: Claims, dual: Dual, clock: Clock) -> Fraction:
    """0 if ``rho(v) <= weight_decay`` was proved; otherwise a bound on ``rho / beta - 1``."""
    name = claims.units["name"]
    left = Fraction(-1 if name == "abs" else claims.units.get("slope", 0))
    slopes = left, Fraction(1)
    try:
        if name in SMOOTH:
            return SMOOTH[name](claims, dual, clock)
        if claims.tree:
            return tree_violation(claims, RoundedConeSpace(claims, slopes), clock)
        if columns_of(claims) > 3:
            v = [fmpq(x, dual.v_scale) for x in dual.v]
            return violation_of_cones(claims, v, slopes, clock)
        return rho_of(claims, dual, slopes, clock) / dual.beta - 1
    except FloatingPointError as error:
        raise checker.RefusalError(f"too large: {error}. Check exactly") from None


def rho_of(claims: Claims, dual: Dual, slopes: tuple[Fraction, Fraction], clock: Clock) -> Fraction:
    """A bound on rho(v), or weight_decay where that is larger."""
    rows = np.array(claims.X)
    rows = np.column_stack([rows, np.ones(len(rows))]) if claims.bias else rows
    V = [[Fraction(x, dual.v_scale) for x in row] for row in dual.V]
    if claims.outputs > 1:
        return bound_of_outputs(rows, V, *slopes, dual.beta, clock.check)
    v = [x for (x,) in V]
    return rounded_sweep.bound(rows, v, *slopes, dual.beta, clock.check, dual.sides)


IN_FLOATING_POINT = checker.Prover(
    violation=rounded_violation,
    method=ROUNDED,
    proved=f"proved in {ROUNDED}",
    otherwise="unfinished: in floating point no more was proved than rho(v) <= weight_decay * "
    "(1 + {violation!r}). The exact check can tell",
    obstacle=obstacle,
)


def quickly(claims: Claims) -> checker.Prover:
    """The faster one of the two ways, where there are two."""
    exact = exact_is_faster(claims) and not obstacle(claims)
    return checker.EXACT if exact else IN_FLOATING_POINT


def exactly(claims: Claims) -> checker.Prover:
    """The exact way, with the name of the other one where that could help."""
    helps = not obstacle(claims) and quickly(claims) is IN_FLOATING_POINT
    hint = f", or prove it in {ROUNDED} ({OPTION})"
    return checker.EXACT._replace(hint=hint) if helps else checker.EXACT
