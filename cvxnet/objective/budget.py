"""The budget: how hard to minimise, checked here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.data.files import check_path
from cvxnet.data.validation import check_gap, check_positive
from cvxnet.errors import InputError
from cvxnet.optional import import_ecos

OWN_SOLVERS = ("CLARABEL", "ECOS", "SCS")
"""They can do what training needs; where ECOS has no wheels it is an extra."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How far to go, with which solver, for how long. Making one checks it.

    Parameters
    ----------
    gap : float
        Relative width of the bracket at which to stop.
    solver : str
        In any spelling; kept in CVXPY's.
    time_limit : float, optional
        Seconds; None: no limit.
    proof : float
        Where exact pricing does not end in time, bounds are proved in another way, in at most so
        many times the time that finding the network has taken.
    progress : bool or callable
        Whether to show progress on the terminal; or who is told after each round.
    checkpoint : path, optional
        The file that training is written to while it goes on, and that it goes on from.

    Examples
    --------
    >>> Budget(solver="clarabel").solver, Budget().seconds
    ('CLARABEL', inf)
    """

    gap: float = 1e-6
    solver: str = "CLARABEL"
    time_limit: float | None = None
    proof: float = np.inf
    progress: bool | Callable[..., object] = False
    checkpoint: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "gap", check_gap(self.gap))
        object.__setattr__(self, "solver", check_solver(self.solver))
        if self.time_limit is not None:
            limit = check_positive(self.time_limit, "time_limit", "Leave it out for none.")
            object.__setattr__(self, "time_limit", limit)
        if not (isinstance(self.proof, Real) and self.proof >= 0.0):
            raise InputError(f"proof must be a number of at least 0, not {self.proof!r}.")
        if not (isinstance(self.progress, bool) or callable(self.progress)):
            raise InputError(f"progress must be True, False or callable, not {self.progress!r}.")
        if self.checkpoint is not None:
            object.__setattr__(self, "checkpoint", check_path(self.checkpoint))

    @property
    def seconds(self) -> float:
        """The time limit, infinite where there is none."""
        return np.inf if self.time_limit is None else self.time_limit


@cache
def installed_solvers() -> tuple[str, ...]:
    """Those that CVXPY finds; it looks for each of them anew whenever it is asked."""
    return tuple(cp.installed_solvers())


def check_solver(solver: str) -> str:
    """The solver's name in CVXPY's spelling; InputError lists those installed."""
    name = str(solver).upper()
    installed = installed_solvers()
    if name == "ECOS":
        import_ecos()  # where it is missing, the message says which extra has it
    if name not in installed:
        raise InputError(
            f"solver {solver!r} is not installed; there are {', '.join(sorted(installed))}."
        )
    if name not in OWN_SOLVERS and not solves_cone_programs(name):
        raise InputError(
            f"solver {solver!r} is installed, but cannot solve second-order cone programs, of "
            f"which training is made. Take {', '.join(OWN_SOLVERS[:-1])} or {OWN_SOLVERS[-1]}."
        )
    return name


def solves_cone_programs(solver: str) -> bool:
    """Whether CVXPY has a way to hand such a program to that solver."""
    x = cp.Variable(2)
    try:
        cp.Problem(cp.Minimize(cp.norm(x)), [x >= 1]).get_problem_data(solver)
    except cp.SolverError:
        return False
    return True
