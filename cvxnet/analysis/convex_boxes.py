"""The largest box around a point on which a network is convex."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.analysis.inquiry import convexity
from cvxnet.analysis.verdicts import Verdict
from cvxnet.data.validation import check_gap, check_matrix
from cvxnet.errors import InputError
from cvxnet.types import Array

LARGEST, SMALLEST = 2.0**30, 2.0**-30


@dataclass(frozen=True)
class ConvexBox:
    """The boxes ``center +- t half_widths`` on which a network is convex.

    Attributes
    ----------
    lower, upper : float
        It is proved to be convex for t up to ``lower``, and refuted beyond ``upper``; both are
        infinite where it is convex everywhere.
    center, half_widths : arrays of shape (d,)
        The box of t = 1.
    inside, outside : Verdict or None
        The verdicts at both ends, with their certificates; None where there is none.

    Examples
    --------
    >>> print(ConvexBox(1.0, 1.5, np.zeros(2), np.ones(2)))
    center +- t half_widths: convex for t <= 1, not for t >= 1.5
    """

    lower: float
    upper: float
    center: Array
    half_widths: Array
    inside: Verdict | None = None
    outside: Verdict | None = None

    def __str__(self) -> str:
        if np.isinf(self.lower):
            return "convex everywhere"
        here, beyond = f"convex for t <= {self.lower:g}", f"not for t >= {self.upper:g}"
        return f"center +- t half_widths: {here}, {beyond}"


def largest_convex_box(
    network: Any,
    center: Any,
    half_widths: Any = None,
    *,
    gap: float = 1e-3,
    time_limit: float | None = None,
) -> ConvexBox:
    """The largest t for which a network is convex on the box ``center +- t half_widths``.

    Parameters
    ----------
    network : layer, torch module or estimator
        Its weights have to be given.
    center : array of shape (d,), or data of shape (n, d)
        The middle of the boxes; of data, the middle of the range of each column.
    half_widths : array of shape (d,), optional
        The box of t = 1; by default half the range of each column of the data, or 1.
    gap : float
        Relative width of the bracket at which to stop.
    time_limit : float, optional
        Seconds for each box, as in `convexity`. Where a box stays undecided, the bracket stays
        open.

    Returns
    -------
    ConvexBox
        With the bracket, and the verdicts at both ends.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> net = Sequential(Linear(1, 2), ReLU(), Linear(2, 1))
    >>> weights = {"0.weight": [[1.0], [1.0]], "0.bias": [0.0, -3.0], "2.weight": [[2.0, -1.0]]}
    >>> net = net.load_state_dict({**weights, "2.bias": [0.0]})
    >>> print(largest_convex_box(net, [1.0]))
    center +- t half_widths: convex for t <= 2, not for t >= 2.00195
    """
    gap, (middle, half) = check_gap(gap), check_boxes(center, half_widths)

    def ask(t: float) -> Verdict:
        where = None if np.isinf(t) else (middle - t * half, middle + t * half)
        return convexity(network, "input", where=where, complete=False, time_limit=time_limit)

    everywhere = ask(np.inf)
    expected = everywhere.question.unknowns[0].size
    if len(middle) != expected:
        raise InputError(f"center has {len(middle)} entries; the network has {expected} inputs.")
    if everywhere.convex:
        return ConvexBox(np.inf, np.inf, middle, half, everywhere, None)
    lower, upper, inside, outside = first_bracket(ask)
    while upper > lower > 0.0 and upper - lower > gap * upper and np.isfinite(upper):
        t = between(lower, upper)
        verdict = ask(t)
        if verdict.convex is None:
            break
        if verdict.convex:
            lower, inside = t, verdict
        else:
            upper, outside = t, verdict
    return ConvexBox(lower, upper, middle, half, inside, outside)


def between(lower: float, upper: float) -> float:
    """The number of fewest digits in the middle half of a bracket."""
    low, high = lower + 0.25 * (upper - lower), upper - 0.25 * (upper - lower)
    unit = 2.0 ** np.floor(np.log2(high - low))
    return float(np.ceil(low / unit) * unit)


def first_bracket(
    ask: Callable[[float], Verdict],
) -> tuple[float, float, Verdict | None, Verdict | None]:
    """Powers of two between which convexity ends; 0 and infinity where none is found."""
    lower, upper, inside, outside = 0.0, np.inf, None, None
    t = 1.0
    while SMALLEST <= t <= LARGEST:
        verdict = ask(t)
        if verdict.convex is None:
            break
        if verdict.convex:
            lower, inside, t = t, verdict, 2.0 * t
        else:
            upper, outside, t = t, verdict, 0.5 * t
        if inside is not None and outside is not None:
            break
    return lower, upper, inside, outside


def check_boxes(center: Any, half_widths: Any) -> tuple[Array, Array]:
    """The middle and the half widths, finite and of one length."""
    data = check_matrix(np.atleast_2d(np.asarray(center, dtype=np.float64)))
    low, high = data.min(axis=0), data.max(axis=0)
    middle = data[0] if len(data) == 1 else 0.5 * (low + high)
    if half_widths is None:
        half = np.ones(len(middle)) if len(data) == 1 else 0.5 * (high - low)
    else:
        half = np.broadcast_to(np.asarray(half_widths, dtype=np.float64), middle.shape)
    if not (np.isfinite(half).all() and (half >= 0.0).all() and half.any()):
        raise InputError(
            f"half_widths must be finite numbers from 0, not all 0, one for each of "
            f"{len(middle)} inputs; found {half.tolist()}."
        )
    return middle, half
