"""What training returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvxnet.bracket import bracket_text
from cvxnet.layers import Sequential
from cvxnet.proofs.certificate import Certificate


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A trained network and what was proved about it.

    Attributes
    ----------
    status : str
        ``"optimal"`` if the bracket was closed to the gap asked for, otherwise ``"gap"``.
    value : float
        The network's training objective: an upper bound on the optimum.
    lower_bound : float
        A proved lower bound on the optimum over networks of every width.
    gap : float
        ``(value - lower_bound) / abs(value)``.
    network : Sequential
        ``Linear, ReLU, Linear``, balanced.
    certificate : Certificate
        Network, data, dual vector and bracket, for `cvxnet.check` to prove again.
    stats : dict
        Seconds in each part (``seconds``, ``pricing``, ``sliding``, ``assembling``,
        ``compiling``, ``solving``, ``refining``), ``rounds``, ``units``, ``solver``,
        ``interrupted``, ``failure`` (the message of a solver that failed on the way, or None), and
        ``history``: (seconds, lower, upper, units) after each round.
    """

    status: str
    value: float
    lower_bound: float
    gap: float
    network: Sequential
    certificate: Certificate
    stats: dict[str, Any]

    def __str__(self) -> str:
        lower, upper = bracket_text(self.lower_bound, self.value)
        return (
            f"{self.status}: {lower} <= optimum <= {upper} (relative gap {self.gap:.1e}), "
            f"{self.stats['units']} units, {self.stats['seconds']:.2f} s"
        )
