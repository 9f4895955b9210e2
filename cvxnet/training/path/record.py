"""What a path is, without words and pictures: `cvxnet.training.paths` has these."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cvxnet.data.validation import check_positive
from cvxnet.layers import Sequential
from cvxnet.objective import Objective, network_of
from cvxnet.proofs.checker.path import Piece
from cvxnet.proofs.gaps import bracket_text, relative_gap
from cvxnet.proofs.path_certificate import PathCertificate
from cvxnet.training.path.pieces import coefficients_at
from cvxnet.training.path.points import Bounds, Point, bounds_of, point_of
from cvxnet.training.recovery import problem_of


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OnPath:
    """The network that a path has for a weight decay, and its bracket there.

    Attributes
    ----------
    weight_decay : float
    network : Sequential
        That of the piece in which the weight decay lies.
    value, lower_bound : float
        Its objective at this weight decay, and a proved lower bound on the optimum.
    number : int
        Of the certificate in ``path.certificate.certificates`` whose network it is.

    Examples
    --------
    >>> import cvxnet as cn
    >>> found = cn.path("relu", [[-1.0], [1.0]], [1.0, 2.0], bias=False, gap=0.1, smallest=0.1)
    >>> found.at(0.5).gap < 0.1
    True
    """

    weight_decay: float
    network: Sequential
    value: float
    lower_bound: float
    number: int

    @property
    def gap(self) -> float:
        """The relative gap."""
        return relative_gap(self.lower_bound, self.value)

    def __repr__(self) -> str:
        lower, upper = bracket_text(self.lower_bound, self.value)
        return f"<OnPath, weight decay {self.weight_decay:.6g}: {lower} <= optimum <= {upper}>"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PathRecord:
    """What was found; `Path`, which shows it, describes the fields."""

    certificate: PathCertificate
    goal: float
    asked: float
    stats: dict[str, Any] = field(default_factory=dict)

    @property
    def objective(self) -> Objective:
        """What is minimised, at the largest weight decay."""
        return self.certificate.objective

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """From the smallest weight decay up."""
        return self.certificate.pieces

    @property
    def low(self) -> float:
        """The smallest weight decay that is covered."""
        return self.certificate.low

    @property
    def high(self) -> float:
        """The largest one."""
        return self.certificate.high

    @property
    def gap(self) -> float:
        """The relative gap that is proved for every weight decay between."""
        return self.certificate.gap

    @property
    def status(self) -> str:
        """Whether all that was asked for was proved."""
        return "optimal" if self.low <= self.asked and self.gap <= self.goal else "gap"

    @property
    def weight_decays(self) -> tuple[float, ...]:
        """Those trained at."""
        return tuple(one.weight_decay for one in self.certificate.certificates)

    @cached_property
    def networks(self) -> tuple[Sequential, ...]:
        """The network of each weight decay trained at."""
        goal = self.objective
        return tuple(
            network_of(goal.units, one.weights, goal.output_weights)
            for one in self.certificate.certificates
        )

    @property
    def units(self) -> tuple[int, ...]:
        """How many units each network has."""
        outer = (one.weights.a for one in self.certificate.certificates)
        return tuple(int(a.reshape(len(a), -1).any(axis=1).sum()) for a in outer)

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """What each training proves, in floating point."""
        given = problem_of(self.objective)
        return tuple(point_of(one, given) for one in self.certificate.certificates)

    @cached_property
    def bounds(self) -> Bounds:
        """What dual vectors prove, in floating point."""
        return bounds_of(self.objective)

    def at(self, weight_decay: float) -> OnPath:
        """The network of a weight decay, and its bracket there.

        Parameters
        ----------
        weight_decay : float
            Above zero. Beyond the ends of the path the bracket is true, but may be wider.

        Returns
        -------
        OnPath
            Its ``network``, ``value``, ``lower_bound`` and ``gap``.
        """
        b = check_positive(weight_decay, "weight_decay", "A path has positive weight decays only.")
        piece = next((piece for piece in self.pieces if b <= piece.high), self.pieces[-1])
        coefficients = coefficients_at(list(self.points), self.bounds, b)
        lower, upper = self.certificate.bounds_at(piece.network, coefficients, b)
        return OnPath(
            weight_decay=b,
            network=self.networks[piece.network],
            value=upper,
            lower_bound=lower,
            number=piece.network,
        )
