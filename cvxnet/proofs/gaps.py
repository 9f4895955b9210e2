"""Brackets ``lower <= optimum <= upper``: how wide they are, when they count as closed, and how
far above the optimum a given value is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

ABOUT_ZERO = 2.0**-52
"""An optimum below this fraction of the loss of the best network without units is about zero: a
rounding of that loss."""
SMALLEST, LARGEST = -9, 15
"""Powers of ten between which numbers are written without an exponent."""
WIDE = Context(prec=400)


def relative_gap(lower: float, upper: float) -> float:
    """``(upper - lower) / upper``; 0 where ``upper`` is 0, as no loss is below that.

    >>> relative_gap(0.75, 1.0), relative_gap(0.0, 1e-30), relative_gap(0.0, 0.0)
    (0.25, 1.0, 0.0)
    """
    return (upper - lower) / upper if upper else 0.0


def excess(value: float, lower: float, upper: float) -> tuple[float, float]:
    """How far above the optimum a value is, relative to the optimum: at least, and at most.

    ``(value - upper) / upper`` and ``(value - lower) / lower``, but not below 0; infinite where
    nothing above 0 is known of the optimum.

    >>> excess(3.0, 1.0, 2.0), excess(2.0, 1.0, 2.0), excess(2.0, 0.0, 2.0)
    ((0.5, 2.0), (0.0, 1.0), (0.0, inf))
    """

    def above(end: float) -> float:
        if value <= end:
            return 0.0
        return float("inf") if end <= 0.0 or value == float("inf") else (value - end) / end

    return above(upper), above(lower)


def closed_by(lower: float, upper: float, gap: float, width: float) -> str:
    """What closes a bracket: ``"gap"``, or failing that ``"tolerance"``, an absolute width.

    >>> closed_by(0.9, 1.0, 0.5, 0.0), closed_by(0.0, 1e-20, 0.5, 1e-16)
    ('gap', 'tolerance')
    """
    if relative_gap(lower, upper) <= gap:
        return "gap"
    return "tolerance" if upper - lower <= width else ""


@dataclass(frozen=True)
class Tolerance:
    """What counts as nothing beside an optimum of about 0, where no relative gap can be small.

    An optimum of 0 is one that free weights alone reach, up to rounding.

    Attributes
    ----------
    alone : float
        The loss of the best network without units.
    rounding : float
        The loss of predictions that are right but for the rounding of the data.
    """

    alone: float
    rounding: float

    def width(self, gap: float) -> float:
        """The absolute width of a closed bracket, where the relative gap asked for is ``gap``."""
        return gap * ABOUT_ZERO * self.alone + self.rounding

    def closed_by(self, lower: float, upper: float, gap: float) -> str:
        """``"gap"`` or, failing that, ``"tolerance"``, if one closes the bracket; else empty.

        >>> small = Tolerance(alone=1.0, rounding=1e-20)
        >>> small.closed_by(0.9, 1.0, 0.5), small.closed_by(0.0, 1e-20, 0.5)
        ('gap', 'tolerance')
        >>> small.closed_by(0.0, 1.0, 0.5)
        ''
        """
        return closed_by(lower, upper, gap, self.width(gap))

    def times(self, factor: float) -> Tolerance:
        """The same where all losses are multiplied by a factor."""
        return Tolerance(factor * self.alone, factor * self.rounding)


def tolerance_text(width: float) -> str:
    """What is said where the absolute tolerance closed a bracket.

    >>> tolerance_text(2e-16)
    'closed by the absolute tolerance of 2.0e-16 for optima of about 0, not by the relative gap'
    """
    return (
        f"closed by the absolute tolerance of {width:.1e} for optima of about 0, not by the "
        "relative gap"
    )


def bracket_text(lower: float, upper: float) -> tuple[str, str]:
    """Both ends in decimals, rounded outward so that they stay true, and told apart.

    >>> bracket_text(0.28994, 0.29), bracket_text(1.0, 2.0)
    (('0.289939', '0.290000'), ('1.000', '2.000'))
    >>> bracket_text(0.0, 3e-18), bracket_text(1.25e200, 1.3e200)
    (('0', '3.0e-18'), ('1.250e+200', '1.301e+200'))
    """
    width, size = Decimal(upper) - Decimal(lower), Decimal(upper).adjusted()
    plain = SMALLEST <= size < LARGEST or upper == 0.0
    digits = (0 if plain else 3 - size) if width <= 0 else 1 - width.adjusted()
    step = Decimal(1).scaleb(-max(3, digits) if plain else -digits)

    def rounded(end: float, rounding: str) -> str:
        number = Decimal(end).quantize(step, rounding, WIDE)
        return f"{number:f}" if plain else (f"{number:e}" if number else "0")

    return rounded(lower, ROUND_FLOOR), rounded(upper, ROUND_CEILING)


def excess_text(least: float, most: float) -> str:
    """An excess in words, in percent, rounded outward.

    >>> excess_text(0.1234, 2.4), excess_text(0.0, 1.2e-7)
    ('between 12.3 % and 240 % above the optimum', 'at most 0.000012 % above the optimum')
    >>> excess_text(1.0, float("inf"))
    'at least 100 % above the optimum, and no upper limit is known'
    """
    if most == 0.0:
        return "at the optimum"
    if least == float("inf"):
        return "above the optimum, which is 0"
    low, high = percent(least, ROUND_FLOOR), percent(most, ROUND_CEILING)
    if most == float("inf"):
        known = f"at least {low} above the optimum" if least else "at the optimum or above it"
        return f"{known}, and no upper limit is known"
    if low == high:
        return f"{low} above the optimum"
    return (f"between {low} and {high}" if least else f"at most {high}") + " above the optimum"


def percent(share: float, rounding: str) -> str:
    """A share in percent, with three digits at most."""
    if share == float("inf"):
        return ""
    rounded = Context(prec=3, rounding=rounding).create_decimal(100 * Decimal(repr(share)))
    short = rounded.normalize()
    return f"{short:f} %" if short.adjusted() > SMALLEST else f"{short:e} %"
