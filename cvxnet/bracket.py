"""Brackets ``lower <= optimum <= upper``: their relative gap, and how to print them."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from math import isfinite

SMALL = 1e-8
"""A value below this fraction of the scale counts as this fraction where a gap is relative."""
WIDE = Context(prec=400)


def relative_gap(lower: float, upper: float, scale: float = 0.0) -> float:
    """``(upper - lower) / max(|upper|, SMALL * scale)``; 0 where the ends are equal.

    The scale of a training problem is its loss at zero predictions. An optimum of 0, which free
    weights alone may reach, is reached up to rounding only, and no bracket is narrow relative to
    that. So a gap of 1e-6 is a width of at most a millionth of the value, or of 1e-14 of the loss
    that there was to begin with.

    >>> relative_gap(0.75, 1.0), relative_gap(0.0, 0.0), relative_gap(0.0, 1e-30)
    (0.25, 0.0, 1.0)
    >>> relative_gap(0.0, 1e-30, scale=1.0) < 1e-20
    True
    """
    if upper == lower:
        return 0.0
    size = max(abs(upper), SMALL * scale if isfinite(scale) else 0.0)
    return (upper - lower) / size if size else float("inf")


def bracket_text(lower: float, upper: float) -> tuple[str, str]:
    """Both ends in decimals, rounded outward so that they stay true, and told apart.

    >>> bracket_text(0.28994, 0.29), bracket_text(1.0, 2.0)
    (('0.289939', '0.290000'), ('1.000', '2.000'))
    """
    width = Decimal(upper) - Decimal(lower)
    digits = 3 if width <= 0 else max(3, 1 - width.adjusted())
    step = Decimal(1).scaleb(-digits)
    low = Decimal(lower).quantize(step, ROUND_FLOOR, WIDE)
    high = Decimal(upper).quantize(step, ROUND_CEILING, WIDE)
    return str(low), str(high)
