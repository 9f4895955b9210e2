"""Brackets ``lower <= optimum <= upper``: their relative gap, and how to print them."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

WIDE = Context(prec=400)


def relative_gap(lower: float, upper: float) -> float:
    """``(upper - lower) / |upper|``; 0 where both are 0.

    >>> relative_gap(0.75, 1.0), relative_gap(0.0, 0.0)
    (0.25, 0.0)
    """
    if upper == lower:
        return 0.0
    return (upper - lower) / abs(upper) if upper else float("inf")


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
