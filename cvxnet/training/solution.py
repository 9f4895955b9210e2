"""What training returns."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.matrices import check_any_matrix
from cvxnet.errors import InputError
from cvxnet.layers import Sequential
from cvxnet.objective import Objective
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.gaps import bracket_text, relative_gap, tolerance_text
from cvxnet.types import Array


@dataclass(frozen=True, kw_only=True, repr=False)
class Solution:
    """A trained network and what was proved about it.

    Attributes
    ----------
    status : str
        ``"optimal"`` if the bracket was closed to the gap asked for, or to ``tolerance``;
        otherwise ``"gap"``.
    value : float
        The network's training objective: an upper bound on the optimum.
    lower_bound : float
        A proved lower bound on the optimum over networks of every width; where training was asked
        for a width, over those of at most so many units.
    closed_by : str
        ``"gap"``; or ``"tolerance"`` for an optimum of about 0, beside which no width is relatively
        small: then ``value - lower_bound`` is at most ``tolerance``. Empty where it stayed open.
    tolerance : float
        The gap asked for times 2^-52 of the loss of the best network without units, and what the
        rounding of the data costs (for the squared loss of the order of ``eps^2 sum y^2``).
    network : Sequential
        The ordinary network: ``Linear, activation, Linear``; where both layers are decayed,
        balanced.
    certificate : Certificate
        Network, data, dual vector and bracket, for `cvxnet.check` to prove again.
    width : int or None
        The most units that training was asked for; or the width of the network that it was given,
        which limits nothing: ``value`` was then reached with ``units`` units, and if these are
        more, the bracket is a lower bound only for the width.
    all_widths : Solution or None
        Where a width was asked for, the solution over networks of every width: its
        ``lower_bound`` is one for each of them.
    stats : dict
        How it went:

        * ``stopped``: in words why training ended. The gap was reached, the time limit was,
          somebody interrupted it, nothing improved any more (and what to try then), or the solver
          failed.
        * ``seconds``, and of these ``pricing``, ``sliding``, ``fitting`` (sizes of units that stay
          where they are), ``assembling``, ``compiling``, ``solving`` (masters, by the conic
          solver), ``refining``, ``pruning`` (fewer units in the end, and their master) and
          ``proving``: all without those in which kernels were compiled or loaded.
        * ``history``: (seconds, lower, upper, units) after each round; ``rounds`` and ``units`` in
          the end.
        * ``checked``: what the checker made of the certificate, ``"exactly"``, ``"in floating point
          with rounding bounds"``, or ``"not: ..."`` with the reason; ``checking``, the seconds that
          it took, of two to sixty that it may take, by the number of samples and by ``priced``, the
          rows that exact pricing has looked at.
        * ``converged``: whether the search for a network ended before its time was over.
        * ``untrained``: True where training ended before it had improved on the best network
          without units, and units would or may do so; see `Solution.warning`.
        * ``interrupted``: whether somebody did; ``solver``, the one asked for, and ``failure``, the
          message of a solver that failed on the way, or None.
        * ``master``: what solved the last master: the conic solver, by name, or where that is
          faster ``"Newton's method on sizes"``, ``"coordinate descent"`` and the like. The one of
          the network returned is left to ``solver``, where it is not too large and units slide.
          Empty where no master had to be solved.
        * ``before``: seconds of earlier calls that this one went on from, which ``seconds`` and
          ``history`` count; ``checkpoint`` says what was found in the file named for that.
        * ``nodes`` and ``open``, where a width was asked for: how many nodes of the tree were
          looked at, and how many were left.

    Examples
    --------
    >>> import cvxnet as cn
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False)
    >>> solution.status, solution.closed_by, solution.units
    ('optimal', 'gap', 2)
    >>> bool(solution.lower_bound <= solution.value), solution.stats["stopped"]
    (True, 'the gap was reached')
    """

    status: str
    value: float
    lower_bound: float
    closed_by: str
    tolerance: float
    network: Sequential
    certificate: Certificate
    width: int | None = None
    all_widths: Solution | None = None
    stats: dict[str, Any]

    @property
    def objective(self) -> Objective:
        """What was minimised."""
        return self.certificate.objective

    @property
    def gap(self) -> float:
        """The relative gap ``(value - lower_bound) / value``; 0 where the value is 0."""
        return relative_gap(self.lower_bound, self.value)

    @property
    def closing_note(self) -> str:
        """How the bracket was closed, where the gap alone does not say it."""
        return tolerance_text(self.tolerance) if self.closed_by == "tolerance" else ""

    @property
    def checking_note(self) -> str:
        """Why the certificate of an optimal network was not checked, where it was not."""
        unchecked, _, why = self.stats.get("checked", "").partition("not: ")
        if self.status != "optimal" or unchecked or not why:
            return ""
        return f"the certificate was not checked again ({why})"

    @property
    def units(self) -> int:
        """How many hidden units the network has (output weight not zero)."""
        a = self.certificate.weights.a
        return int(a.reshape(len(a), -1).any(axis=1).sum())

    @property
    def width_note(self) -> str:
        """What the bracket says about the width; empty where it says it all."""
        if self.all_widths is not None:
            return self.all_widths_note
        if self.width is None or self.width >= self.units:
            return ""
        return (
            f"the network has {self.units} units, more than the width {self.width} of the one that "
            f"was given: for width {self.width} only the lower bound holds. "
            f"train(..., width={self.width}) looks for the optimum of that width"
        )

    @property
    def all_widths_note(self) -> str:
        """How low networks of at most so many units come, and networks of every width."""
        every = self.all_widths
        if every is None:
            return ""
        low, _ = bracket_text(self.lower_bound, self.value)
        least, most = bracket_text(every.lower_bound, every.value)
        return (
            f"no network of at most {self.width} units is below {low}; "
            f"of every width: {least} <= optimum <= {most}, {every.units} units"
        )

    @property
    def warning(self) -> str:
        """What keeps the network from being of use; empty where nothing does."""
        if not self.stats.get("untrained"):
            return ""
        return (
            "untrained: this is still the best network without units, and none was found that "
            f"lowers its objective before training ended ({self.stats['stopped']})"
        )

    @property
    def classes(self) -> NDArray[Any] | None:
        """With cross entropy, the labels that the outputs stand for; otherwise None."""
        return self.objective.classes

    def predict(self, X: Any) -> Array:
        """The predictions at the rows of X, shaped as targets are: (n,), or with c outputs (n, c).

        With cross entropy they are scores: ``classes[predict(X).argmax(axis=1)]`` are labels.

        Examples
        --------
        >>> import cvxnet as cn
        >>> X = [[-1.0], [1.0]]
        >>> solution = cn.train("relu", X, [1.0, 2.0], weight_decay=0.1, bias=False)
        >>> solution.predict(X).round(6).tolist()
        [0.9, 1.9]

        Raises
        ------
        InputError
            For something else than a matrix of finite numbers with as many columns as in training.
        """
        X, d = check_any_matrix(X), self.objective.X.shape[1]
        if X.shape[1] != d:
            raise InputError(f"X has {X.shape[1]} columns, but the network was trained on {d}.")
        predictions = np.asarray(self.network(X))
        return predictions if predictions.shape[1] > 1 else predictions[:, 0]

    def __repr__(self) -> str:
        lower, upper = bracket_text(self.lower_bound, self.value)
        return f"<Solution {self.status}: {lower} <= optimum <= {upper}, gap {self.gap:.1e}>"

    def _repr_html_(self) -> str:
        return (
            f'<div class="cvxnet-solution">{escape(str(self))}<br>'
            f"<small>{escape(repr(self.network))}</small></div>"
        )

    def __str__(self) -> str:
        lower, upper = bracket_text(self.lower_bound, self.value)
        text = (
            f"{self.status}: {lower} <= optimum <= {upper} (relative gap {self.gap:.1e}), "
            f"{self.units} units, {self.stats['seconds']:.2f} s"
        )
        stopped = "" if self.status == "optimal" else self.stats.get("stopped", "")
        notes = [self.closing_note, self.checking_note, self.warning or stopped, self.width_note]
        return "; ".join([text, *filter(None, notes)])
